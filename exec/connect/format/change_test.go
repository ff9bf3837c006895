package format

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// rec is a record; "-" stands for no key or no value.
type rec struct{ key, value string }

func half(s string) []byte {
	if s == "-" {
		return nil
	}
	return []byte(s)
}

// changesOf decodes records and returns the changes of each, or its error, with the weight in front.
func changesOf(t *testing.T, spec Spec, records ...rec) string {
	t.Helper()
	d, err := New(spec)
	if err != nil {
		return fmt.Sprint(pgerr.Of(err).Code, " ", err)
	}
	b := newTestBatch(spec.Columns)
	var out []string
	for _, r := range records {
		n := b.N
		if err := d.Decode(half(r.key), half(r.value), b); err != nil {
			out = append(out, pgerr.Of(err).Code)
		} else if c, ok := d.(Changer); ok && c.Said().Truncate {
			out = append(out, "truncate")
		} else if ok && c.Said().Unchanged != nil {
			out = append(out, fmt.Sprint("old ", c.Said().Unchanged, " of ", c.Said().Of))
		}
		for ; n < b.N; n++ {
			for i, v := range b.Cols {
				if d.Skips(i) && v.Len() <= n {
					v.AppendNull() // what the connector does
				}
			}
			out = append(out, fmt.Sprintf("%+d %s", b.Weight(n), rowText(b, n)))
		}
		for i, v := range b.Cols {
			if v.Len() != b.N {
				t.Errorf("column %d has %d values of %d", i, v.Len(), b.N)
			}
		}
	}
	return strings.Join(out, "; ")
}

func TestUpsert(t *testing.T) {
	json := catalog.Format{Format: "UPSERT", Encode: "JSON"}
	keyed := func(encode string, options map[string]string) catalog.Format {
		f := json
		f.Key, f.KeyOptions = encode, options
		return f
	}
	for _, tc := range []struct {
		format  catalog.Format
		columns string
		key     []int
		records []rec
		want    string
	}{
		{json, "id int8, a text", []int{0}, []rec{{"1", `{"a":"x"}`}, {"1", `{"a":"y","id":9}`}, {"1", "-"}}, "+1 1|x; +1 1|y; -1 1|NULL"},
		{json, "id int8, a text", []int{0}, []rec{{"1", `{"a":"x"}`}, {"1", ` null`}}, "+1 1|x; -1 1|NULL"},
		{json, "id int8, a text", []int{0}, []rec{{`{"id":2}`, `{"a":"x"}`}, {`"3"`, `{}`}}, "+1 2|x; +1 3|NULL"},
		{json, "id text, a text", []int{0}, []rec{{`user-1`, `{"a":"x"}`}, {`"q"`, `{"a":"z"}`}, {"", "-"}}, "+1 user-1|x; +1 q|z; -1 |NULL"},
		{json, "a text, x int4, y text", []int{1, 2}, []rec{{`{"x":1,"y":"b"}`, `{"a":"v"}`}, {`{"x":1}`, `{"a":"v"}`}, {`7`, `{}`}}, "+1 v|1|b; 23502; 22P02"},
		{json, "id int8, a text", []int{0}, []rec{{"-", `{"a":"x"}`}, {"nope", `{"a":"x"}`}, {"5", `{"a":`}, {"6", "-"}}, "23502; 22P02; 22P02; -1 6|NULL"},
		{json, "id int8, a text", []int{0}, []rec{{`{"schema":{"type":"struct","fields":[{"type":"int64","field":"id"}]},"payload":{"id":4}}`, `{"a":"x"}`},
			{`{"schema":{"type":"struct","fields":[{"type":"int64","field":"id"}]},"payload":{"id":5}}`, `{"a":"x"}`}}, "+1 4|x; +1 5|x"},
		{keyed("JSON", nil), "id text, a text", []int{0}, []rec{{`user-1`, `{"a":"x"}`}, {`"u"`, `{"a":"z"}`}}, "22P02; +1 u|z"},
		{keyed("TEXT", nil), "id text, a text", []int{0}, []rec{{`"u"`, `{"a":"z"}`}}, `+1 "u"|z`},
		{keyed("BYTES", nil), "id bytea, a text", []int{0}, []rec{{"\xff", `{"a":"z"}`}}, `+1 \xff|z`},
		{keyed("CSV", map[string]string{"delimiter": ";"}), "x int4, y text, a text", []int{0, 1}, []rec{{"3;q", `{"a":"z"}`}}, `+1 3|q|z`},
		{catalog.Format{Format: "UPSERT", Encode: "CSV"}, "id int4, a text, b text", []int{0}, []rec{{"3", "u,v"}, {"4", "-"}, {"5", "u"}, {"6", "a,b\nc,d"}}, `+1 3|u|v; -1 4|NULL|NULL; 22P04; 22P04`},
		{catalog.Format{Format: "UPSERT", Encode: "AVRO", Options: map[string]string{"schema": avroField1(`"string"`)}}, "id int4, f text", []int{0}, []rec{{"3", "\x02v"}}, `+1 3|v`},
		{json, "id int8, a text", nil, nil, "42P16 FORMAT UPSERT needs a primary key"},
	} {
		got := changesOf(t, Spec{Format: tc.format, Columns: columnsOf(t, tc.columns), PrimaryKey: tc.key}, tc.records...)
		if got != tc.want {
			t.Errorf("%s, key %v: got %s, want %s", tc.columns, tc.key, got, tc.want)
		}
	}
}

// A primary key of INCLUDE KEY is the connector's, unless KEY ENCODE says how to read it.
func TestUpsertIncludedKey(t *testing.T) {
	cols := columnsOf(t, "a text, k int8")
	cols[1].Include = "key"
	spec := Spec{Format: catalog.Format{Format: "UPSERT", Encode: "JSON"}, Columns: cols, PrimaryKey: []int{1}}
	if got := changesOf(t, spec, rec{"7", `{"a":"x"}`}, rec{"7", "-"}); got != "+1 x|NULL; -1 NULL|NULL" {
		t.Errorf("got %s", got)
	}
	spec.Format.Key = "TEXT"
	if got := changesOf(t, spec, rec{"7", `{"a":"x"}`}, rec{"7", "-"}); got != "+1 x|7; -1 NULL|7" {
		t.Errorf("got %s", got)
	}
	plain := Spec{Format: catalog.Format{Encode: "JSON", Key: "JSON"}, Columns: cols}
	if got := changesOf(t, plain, rec{"7", `{"a":"x"}`}, rec{"-", `{"a":"y"}`}, rec{"x", `{"a":"y"}`}); got != "+1 x|7; +1 y|NULL; 22P02" {
		t.Errorf("got %s", got)
	}
}

func TestDebezium(t *testing.T) {
	spec := Spec{Format: catalog.Format{Format: "DEBEZIUM", Encode: "JSON"}, Columns: columnsOf(t, "id int8, a text"), PrimaryKey: []int{0}}
	for _, tc := range []struct {
		records []rec
		want    string
	}{
		{[]rec{{"-", `{"before":null,"after":{"id":1,"a":"x"},"op":"c","ts_ms":5,"source":{"x":[1]}}`}}, "+1 1|x"},
		{[]rec{{"-", `{"after":{"id":1,"a":"x"},"op":"r"}`}}, "+1 1|x"},
		{[]rec{{"-", `{"before":{"id":1,"a":"x"},"after":{"id":1,"a":"y"},"op":"u"}`}}, "+1 1|y"},
		{[]rec{{"-", `{"before":null,"after":{"id":1,"a":"y"},"op":"u"}`}}, "+1 1|y"},
		{[]rec{{"-", `{"before":{"id":1},"after":{"id":2,"a":"y"},"op":"u"}`}}, "-1 1|NULL; +1 2|y"},
		{[]rec{{"-", `{"before":{"id":1,"a":"x"},"after":null,"op":"d"}`}, {`{"id":1}`, "-"}}, "-1 1|x"},
		{[]rec{{`{"id":3}`, `{"before":null,"after":null,"op":"d"}`}}, "-1 3|NULL"},
		{[]rec{{"-", `{"before":{"id":1},"after":null}`}, {"-", `{"after":{"id":4,"a":"z"}}`}}, "-1 1|NULL; +1 4|z"},
		{[]rec{{"-", `{"op":"m","message":{"prefix":"x"}}`}, {"-", `null`}, {"-", `{"schema":{},"payload":null}`}, {"-", `{"op":"t"}`}, {"-", `{"op":"q"}`}, {"-", `{"a":1}`}, {"-", `{"after":{"a":"no key"},"op":"c"}`}, {"-", `x`}},
			"truncate; 22023; 22004; 23502; 22P02"},
		{[]rec{{"-", `{"before":{"id":1,"a":"x"},"after":{"id":"bad"},"op":"u"}`}, {"-", `{"after":{"id":2},"op":"c"}`}}, "22P02; +1 2|NULL"},
	} {
		if got := changesOf(t, spec, tc.records...); got != tc.want {
			t.Errorf("%v: got %s, want %s", tc.records, got, tc.want)
		}
	}
}

// The envelope of Kafka Connect's converter says how to read what JSON has no type for.
func TestDebeziumSchema(t *testing.T) {
	cols := columnsOf(t, "id int8, price numeric, ts timestamp, day date, at time, raw bytea")
	spec := Spec{Format: catalog.Format{Format: "DEBEZIUM", Encode: "JSON"}, Columns: cols, PrimaryKey: []int{0}}
	const row = `{"type":"struct","field":"%s","fields":[{"type":"int64","field":"id"},
		{"type":"bytes","field":"price","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}},
		{"type":"int64","field":"ts","name":"io.debezium.time.%s"},{"type":"int32","field":"day","name":"io.debezium.time.Date"},
		{"type":"int64","field":"at","name":"io.debezium.time.MicroTime"},{"type":"bytes","field":"raw"}]}`
	record := func(unit string, id int, ts string) string {
		return `{"schema":{"type":"struct","fields":[` + fmt.Sprintf(row, "before", unit) + `,` + fmt.Sprintf(row, "after", unit) +
			`]},"payload":{"before":null,"after":{"id":` + fmt.Sprint(id) + `,"price":"MDk=","ts":` + ts + `,"day":19782,"at":45296000000,"raw":"AP8="},"op":"c"}}`
	}
	got := changesOf(t, spec, rec{"-", record("MicroTimestamp", 1, "1000")}, rec{"-", record("MicroTimestamp", 2, "2000")},
		rec{"-", record("Timestamp", 3, "1000")}, rec{"-", `{"after":{"id":4,"price":"1.5","day":"2024-01-01"},"op":"c"}`})
	want := `+1 1|123.45|1970-01-01 00:00:00.001|2024-02-29|12:34:56|\x00ff; ` +
		`+1 2|123.45|1970-01-01 00:00:00.002|2024-02-29|12:34:56|\x00ff; ` +
		`+1 3|123.45|1970-01-01 00:00:01|2024-02-29|12:34:56|\x00ff; ` +
		`+1 4|1.5|NULL|2024-01-01|NULL|NULL`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDebeziumAvro(t *testing.T) {
	const schema = `{"type":"record","name":"Envelope","fields":[
		{"name":"before","type":["null",{"type":"record","name":"Value","fields":[{"name":"id","type":"long"},{"name":"a","type":["null","string"]}]}]},
		{"name":"after","type":["null","Value"]},{"name":"source","type":{"type":"map","values":"string"}},{"name":"op","type":"string"}]}`
	spec := Spec{Format: catalog.Format{Format: "DEBEZIUM", Encode: "AVRO", Options: map[string]string{"schema": schema}},
		Columns: columnsOf(t, "id int8, a text"), PrimaryKey: []int{0}}
	change := func(before, after any, op string) rec {
		wrap := func(v any) any {
			if v == nil {
				return nil
			}
			return map[string]any{"Value": v}
		}
		return rec{"-", string(avroData(t, schema, map[string]any{"before": wrap(before), "after": wrap(after), "source": map[string]string{"k": "v"}, "op": op}))}
	}
	row := func(id int, a any) any { return map[string]any{"id": int64(id), "a": a} }
	got := changesOf(t, spec, change(nil, row(1, "x"), "c"), change(row(1, "x"), row(1, nil), "u"), change(row(1, nil), row(2, "y"), "u"), change(row(2, "y"), nil, "d"), rec{"-", "\x02"})
	if want := "+1 1|x; +1 1|NULL; -1 1|NULL; +1 2|y; -1 2|y; 22P03"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	spec.Format.Options = map[string]string{"schema": clickSchema}
	if got := changesOf(t, spec); !strings.HasPrefix(got, "42804 schema is not that of a change") {
		t.Errorf("got %s", got)
	}
}

func TestCSV(t *testing.T) {
	for _, tc := range []struct {
		options map[string]string
		record  string
		want    string
	}{
		{nil, "1,x", "+1 1|x"},
		{nil, "1,x\r\n2,\"a \"\"q\"\"\nb\"\n", "+1 1|x; +1 2|a \"q\"\nb"},
		{nil, ",", "+1 NULL|NULL"},
		{nil, `,""`, "+1 NULL|"},
		{nil, "1", "22P04"},
		{nil, "1,x,y", "22P04"},
		{nil, `1,"x`, "22P04"},
		{nil, "z,x", "22P02"},
		{nil, "1,x\nz,y", "22P02"},
		{nil, "1,\xff", "22021"},
		{map[string]string{"delimiter": "|", "null": "-"}, "-|-", "+1 NULL|NULL"},
		{map[string]string{"delimiter": "tab"}, "1\tx,y", "+1 1|x,y"},
		{map[string]string{"without_header": "true"}, "1,x", "+1 1|x"},
		{map[string]string{"header": "true"}, "b,zz,a\nx,?,1\ny,?,2\n", "+1 1|x; +1 2|y"},
		{map[string]string{"header": "true"}, "B\nx", "+1 NULL|x"},
		{map[string]string{"header": "true"}, "a,b\n", ""},
		{map[string]string{"quote": "'"}, "1,'it''s \"x\"'", `+1 1|it's "x"`},
		{map[string]string{"escape": "\\"}, `1,"a\"b\\c\d"`, `+1 1|a"b\c\d`},
		{map[string]string{"quote": "ab"}, "", "22023 invalid value for parameter \"quote\": \"ab\""},
		{map[string]string{"null": "a,"}, "", "22023 CSV delimiter must not appear in the NULL specification"},
		{map[string]string{"null": "\""}, "", "22023 CSV quote character must not appear in the NULL specification"},
		{map[string]string{"delimiter": "\""}, "", "22023 CSV delimiter and quote must be different"},
		{map[string]string{"delimiter": "ab"}, "", "22023 invalid value for parameter \"delimiter\": \"ab\""},
		{map[string]string{"header": "maybe"}, "", "22023 invalid value for parameter \"header\": \"maybe\""},
	} {
		spec := Spec{Format: catalog.Format{Encode: "CSV", Options: tc.options}, Columns: columnsOf(t, "a int4, b text")}
		if got := changesOf(t, spec, rec{"-", tc.record}); got != tc.want {
			t.Errorf("%q %v: got %s, want %s", tc.record, tc.options, got, tc.want)
		}
	}
}

func TestRaw(t *testing.T) {
	for _, tc := range []struct{ encode, columns, want string }{
		{"BYTES", "a bytea", `+1 \x31ff; 22004`},
		{"TEXT", "a text", "22021; 22004"},
		{"BYTES", "a text", "42804 ENCODE BYTES fills one column of type bytea"},
		{"TEXT", "a text, b text", "42804 ENCODE TEXT fills one column"},
	} {
		spec := Spec{Format: catalog.Format{Encode: tc.encode}, Columns: columnsOf(t, tc.columns)}
		if got := changesOf(t, spec, rec{"-", "1\xff"}, rec{"-", "-"}); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.encode, got, tc.want)
		}
	}
}

// FuzzChanges decodes any key and value by the formats whose records change rows.
func FuzzChanges(f *testing.F) {
	f.Add(uint8(0), []byte(`{"id":1}`), []byte(`{"a":"x"}`))
	f.Add(uint8(1), []byte(`1`), []byte(`{"schema":{"fields":[{"field":"after","fields":[{"field":"id","type":"bytes"}]}]},"payload":{"before":{"id":1},"after":{"id":2},"op":"u"}}`))
	f.Add(uint8(1), []byte(`1`), []byte(`{"after":{"id":2,"a":"__debezium_unavailable_value","p":{"scale":2,"value":"AQ=="},"day":"-0043-01-01"},"op":"c"}`))
	f.Add(uint8(1), []byte(`1`), []byte(`{"op":"t"}`))
	f.Add(uint8(2), []byte("1"), []byte("x,\"y\"\nz"))
	f.Add(uint8(3), []byte("1"), []byte("id,a\n1,x\n2,\"y\""))
	f.Add(uint8(3), []byte("0"), []byte("\n0"))
	cols := columnsOf(f, "id int8, a text, p numeric, day date")
	formats := []Spec{
		{Format: catalog.Format{Format: "UPSERT", Encode: "JSON"}, PrimaryKey: []int{0}},
		{Format: catalog.Format{Format: "DEBEZIUM", Encode: "JSON"}, PrimaryKey: []int{0}},
		{Format: catalog.Format{Format: "UPSERT", Encode: "CSV"}, PrimaryKey: []int{0}},
		{Format: catalog.Format{Encode: "CSV", Options: map[string]string{"header": "true"}}},
	}
	f.Fuzz(func(t *testing.T, which uint8, key, value []byte) {
		spec := formats[int(which)%len(formats)]
		spec.Columns = cols
		checkFuzzed(t, spec, key, value)
	})
}
