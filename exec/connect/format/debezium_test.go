package format

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/catalog"
)

// Values that Debezium writes as it does: what its connector for PostgreSQL 2.7 sent for such rows.
func TestDebeziumValues(t *testing.T) {
	envelope := func(field, value string) string {
		return `{"schema":{"type":"struct","fields":[{"type":"struct","field":"after","fields":[{"type":"int32","field":"id"},` + field +
			`]}]},"payload":{"before":null,"after":{"id":1,"v":` + value + `},"op":"c"}}`
	}
	bare := func(value string) string { return `{"before":null,"after":{"id":1,"v":` + value + `},"op":"c"}` }
	named := func(typ, name string) string { return `{"type":"` + typ + `","name":"` + name + `","field":"v"}` }
	for _, tc := range []struct{ column, record, want string }{
		{"numeric", envelope(named("struct", "io.debezium.data.VariableScaleDecimal"), `{"scale":3,"value":"BhY+ZlvrfKai4aZCRMs="}`), "123456789012345678901234567890.123"},
		{"numeric", bare(`{"scale":5,"value":"/w=="}`), "-0.00001"},
		{"numeric", bare(`{"value":"AlQL5AA=","scale":0}`), "10000000000"},
		{"numeric", bare(`{"scale":-2,"value":"AQ=="}`), "100"},
		{"numeric", bare(`{"scale":"x","value":"AQ=="}`), "22P02"},
		{"numeric", bare(`{"scale":1}`), "22P02"},
		{"numeric", bare(`{"scale":1,"value":"?"}`), "22P02"},
		{"numeric", bare(`{"scale":2000000000,"value":"AQ=="}`), "22P02"},
		{"numeric", bare(`"NAN"`), "NaN"},
		{"numeric", bare(`"12.50"`), "12.50"},
		{"bytea", bare(`"AP8="`), `\x00ff`},
		{"bytea", bare(`"\\x00ff"`), `\x00ff`},
		{"bytea", bare(`"?"`), "22P02"},
		{"timestamp", envelope(named("int64", "io.debezium.time.MicroTimestamp"), "9223372036825200000"), "infinity"},
		{"timestamp", envelope(named("int64", "io.debezium.time.MicroTimestamp"), "-9223372036832400000"), "-infinity"},
		{"timestamp", envelope(named("int64", "org.apache.kafka.connect.data.Timestamp"), "9223372036825200"), "infinity"},
		{"timestamp", envelope(named("int64", "io.debezium.time.MicroTimestamp"), "-63517824000000000"), "0044-03-15 00:00:00 BC"},
		{"timestamp", envelope(named("int64", "io.debezium.time.MicroTimestamp"), "-9223372036853775810"), "22008"},
		{"timestamp", bare(`"2019-07-09T02:28:57.123456Z"`), "2019-07-09 02:28:57.123456"},
		{"timestamptz", bare(`"-0043-03-15T00:00:00.000000Z"`), "0044-03-15 00:00:00+00 BC"},
		{"timestamptz", bare(`"0000-03-15T00:00:00Z"`), "0001-03-15 00:00:00+00 BC"},
		{"timestamptz", bare(`"+294276-12-31T23:59:59.999999Z"`), "294276-12-31 23:59:59.999999+00"},
		{"timestamptz", bare(`"infinity"`), "infinity"},
		{"date", bare(`-2147472692`), "infinity"},
		{"date", bare(`-2147472691`), "-infinity"},
		{"date", bare(`2145042905`), "5874897-12-31"},
		{"date", bare(`"2017-09-15Z"`), "2017-09-15"},
		{"time", envelope(named("int32", "io.debezium.time.Time"), "14706789"), "04:05:06.789"},
		{"time", envelope(named("int64", "io.debezium.time.MicroTime"), "86400000000"), "24:00:00"},
		{"time", envelope(named("int64", "io.debezium.time.NanoTime"), "14706789123000"), "04:05:06.789123"},
		{"time", bare(`"04:05:06.789123Z"`), "04:05:06.789123"},
		{"time", bare(`14706789123`), "22007"},
		{"interval", envelope(named("int64", "io.debezium.time.MicroDuration"), "-3000000"), "-00:00:03"},
		{"interval", bare(`"P0Y1M2DT3H4M5.0S"`), "1 mon 2 days 03:04:05"},
		{"jsonb", envelope(named("string", "io.debezium.data.Json"), `"{\"a\": [1, 2.50]}"`), `{"a": [1, 2.50]}`},
		{"jsonb", bare(`"{\"a\": [1, 2.50]}"`), `{"a": [1, 2.50]}`},
		{"jsonb", bare(`"null"`), "null"},
		{"jsonb", bare(`"plain"`), `"plain"`},
		{"jsonb", bare(`{"a": 1}`), `{"a": 1}`},
		{"float8", bare(`"-Infinity"`), "-Infinity"},
		{"_int4", bare(`[1,2,null]`), "{1,2,NULL}"},
	} {
		spec := Spec{Format: catalog.Format{Format: "DEBEZIUM", Encode: "JSON"}, Columns: columnsOf(t, "id int8, v "+tc.column), PrimaryKey: []int{0}}
		want := "+1 1|" + tc.want
		if len(tc.want) == 5 && strings.HasPrefix(tc.want, "22") {
			want = tc.want
		}
		if got := changesOf(t, spec, rec{"-", tc.record}); got != want {
			t.Errorf("%s %s: got %s, want %s", tc.column, tc.record, got, want)
		}
	}
	spec := Spec{Format: catalog.Format{Format: "DEBEZIUM", Encode: "JSON", Options: map[string]string{"bytea": "hex", "json": "value", "timestamp.unit": "us"}},
		Columns: columnsOf(t, "id int8, b bytea, j jsonb, at time"), PrimaryKey: []int{0}}
	if got := changesOf(t, spec, rec{"-", `{"after":{"id":1,"b":"00ff","j":"1","at":14706789123},"op":"c"}`}, rec{"-", `{"after":{"id":1,"b":"0"},"op":"c"}`}); got != `+1 1|\x00ff|"1"|04:05:06.789123; 22P02` {
		t.Errorf("got %s", got)
	}
}

// Values that a change does not tell are named, in every form that Debezium gives its placeholder.
func TestDebeziumUnchanged(t *testing.T) {
	const text = `"__debezium_unavailable_value"`
	bytes := `"` + base64.StdEncoding.EncodeToString(placeholder) + `"`
	spec := Spec{Format: catalog.Format{Format: "DEBEZIUM", Encode: "JSON"}, Columns: columnsOf(t, "id int8, a text, b bytea, j jsonb, l _text, n _int4"), PrimaryKey: []int{0}}
	got := changesOf(t, spec,
		rec{"-", `{"after":{"id":1,"a":` + text + `,"b":` + bytes + `,"j":` + text + `,"l":[` + text + `],"n":` + string(placeholderNumbers) + `},"op":"u"}`},
		rec{"-", `{"after":{"id":1,"a":"see ` + strings.Trim(text, `"`) + `"},"op":"u"}`},
		rec{"-", `{"before":{"id":1,"a":null},"after":null,"op":"d"}`}, rec{"-", "-"},
		rec{"-", `{"after":{"id":2,"a":` + text + `},"op":"c"}`},
		rec{"-", `{"after":{"id":3,"a":` + text + `},"op":"c"}`},
		rec{"-", `{"before":{"id":3},"after":{"id":4,"a":` + text + `},"op":"u"}`})
	want := "old [1 2 3 4 5] of 0; +1 1|NULL|NULL|NULL|NULL|NULL; +1 1|see __debezium_unavailable_value|NULL|NULL|NULL|NULL; " +
		"-1 1|NULL|NULL|NULL|NULL|NULL; old [1] of 2; +1 2|NULL|NULL|NULL|NULL|NULL; old [1] of -1; +1 3|NULL|NULL|NULL|NULL|NULL; " +
		"old [1] of 5; -1 3|NULL|NULL|NULL|NULL|NULL; +1 4|NULL|NULL|NULL|NULL|NULL"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDebeziumAvroValues(t *testing.T) {
	const schema = `{"type":"record","name":"Changes","fields":[
		{"name":"before","type":["null",{"type":"record","name":"Row","fields":[{"name":"id","type":"long"},
			{"name":"n","type":["null",{"type":"record","name":"VariableScaleDecimal","namespace":"io.debezium.data","fields":[{"name":"scale","type":"int"},{"name":"value","type":"bytes"}]}]},
			{"name":"a","type":"string"},{"name":"b","type":["null","bytes"]},{"name":"j","type":[{"type":"string","connect.name":"io.debezium.data.Json"},"null"]},
			{"name":"l","type":["null",{"type":"array","items":["null","string"]}]}]}]},
		{"name":"after","type":["null","Row"]},{"name":"op","type":"string"}]}`
	spec := Spec{Format: catalog.Format{Format: "DEBEZIUM", Encode: "AVRO", Options: map[string]string{"schema": schema}},
		Columns: columnsOf(t, "id int8, n numeric, a text, b bytea, j jsonb, l _text"), PrimaryKey: []int{0}}
	change := func(row map[string]any) rec {
		return rec{"-", string(avroData(t, schema, map[string]any{"before": nil, "after": map[string]any{"Row": row}, "op": "u"}))}
	}
	p := string(placeholder)
	got := changesOf(t, spec,
		change(map[string]any{"id": int64(1), "n": map[string]any{"io.debezium.data.VariableScaleDecimal": map[string]any{"scale": 2, "value": []byte{0xff, 0x00}}}, "a": "x", "b": []byte{0}, "j": `{"k": 1}`, "l": nil}),
		change(map[string]any{"id": int64(1), "n": nil, "a": p, "b": []byte(p), "j": p, "l": map[string]any{"array": []any{p}}}))
	want := `+1 1|-2.56|x|\x00|{"k": 1}|NULL; old [2 3 4 5] of 1; +1 1|NULL|null|NULL|NULL|NULL`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	in, err := Infer(t.Context(), spec, nil)
	if want := "columns from the schema that was given: id bigint, n numeric, a text, b bytea, j jsonb, l text[]"; err != nil || in.Notice != want {
		t.Errorf("got %v, %v", fmt.Sprint(in), err)
	}
}
