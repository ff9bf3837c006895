package format

import (
	"encoding/json"
	"testing"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// rowOf makes a batch of one row by the types' input functions; "-" is a null.
func rowOf(t testing.TB, cols []catalog.Column, values ...string) *vec.Batch {
	t.Helper()
	b := vec.NewBatch(typesOf(cols), 1)
	b.N = 1
	for i, v := range b.Cols {
		var err error
		switch text := values[i]; {
		case text == "-":
			v.AppendNull()
		case v.Type.Class() == types.I64:
			var x int64
			x, err = types.ParseI64(v.Type, text, nil)
			v.AppendI64(x)
		case v.Type.Class() == types.F64:
			var x float64
			x, err = types.ParseF64(v.Type, text)
			v.AppendF64(x)
		default:
			v.Buf, err = types.AppendParsedBytes(v.Buf, v.Type, text, nil)
			v.FinishBytes()
		}
		if err != nil {
			t.Fatalf("%s as %s: %v", values[i], v.Type, err)
		}
	}
	return b
}

func encoderOf(t testing.TB, s EncodeSpec) Encoder {
	t.Helper()
	for i := range s.Columns {
		if !s.Key {
			s.Cols = append(s.Cols, i)
		}
	}
	e, err := NewEncoder(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Every type is written so that it reads back as it was.
func TestEncodeJSON(t *testing.T) {
	for _, tc := range []struct{ typ, value, want string }{
		{"bool", "t", `true`},
		{"int2", "-32768", `-32768`},
		{"int8", "9223372036854775807", `9223372036854775807`},
		{"float8", "0.1", `0.1`},
		{"float8", "1e300", `1e+300`},
		{"float8", "-Infinity", `"-Infinity"`},
		{"float4", "NaN", `"NaN"`},
		{"numeric", "123456789012345678901234567890.10", `"123456789012345678901234567890.10"`},
		{"numeric", "NaN", `"NaN"`},
		{"text", "a \"b\" \\ \n\x01 é", `"a \"b\" \\ \n\u0001 é"`},
		{"varchar", "", `""`},
		{"bytea", `\x00ff`, `"\\x00ff"`},
		{"uuid", "00112233-4455-6677-8899-aabbccddeeff", `"00112233-4455-6677-8899-aabbccddeeff"`},
		{"date", "2001-02-03", `"2001-02-03"`},
		{"time", "04:05:06.789", `"04:05:06.789"`},
		{"timestamp", "2001-02-03 04:05:06", `"2001-02-03T04:05:06"`},
		{"timestamp", "infinity", `"infinity"`},
		{"timestamp", "0044-03-15 00:00:00 BC", `"0044-03-15T00:00:00 BC"`},
		{"timestamptz", "2001-02-03 04:05:06.5+01", `"2001-02-03T03:05:06.5Z"`},
		{"interval", "1 mon 2 days 03:04:05", `"1 mon 2 days 03:04:05"`},
		{"jsonb", `{"a": [1, null]}`, `{"a": [1, null]}`},
		{"_int4", "{1,NULL,3}", `[1,null,3]`},
		{"_text", `{}`, `[]`},
		{"_text", `{"a b","NULL"}`, `["a b","NULL"]`},
		{"_timestamptz", `{"2001-02-03 04:05:06+00"}`, `["2001-02-03T04:05:06Z"]`},
	} {
		cols := columnsOf(t, "a "+tc.typ)
		b := rowOf(t, cols, tc.value)
		got, err := encoderOf(t, EncodeSpec{Encode: "JSON", Format: "PLAIN", Columns: cols}).Row(nil, b, 0)
		if err != nil {
			t.Fatal(err)
		}
		if want := `{"a":` + tc.want + `}`; string(got) != want {
			t.Errorf("%s %s: %s, want %s", tc.typ, tc.value, got, want)
		}
		if !json.Valid(got) {
			t.Errorf("%s is no JSON", got)
		}
		d, err := New(Spec{Format: catalog.Format{Format: "PLAIN", Encode: "JSON"}, Columns: cols})
		if err != nil {
			t.Fatal(err)
		}
		back := vec.NewBatch(typesOf(cols), 1)
		if err := d.Decode(nil, got, back); err != nil {
			t.Errorf("%s does not read back: %v", got, err)
		} else if rowText(back, 0) != rowText(b, 0) {
			t.Errorf("%s reads back as %s, not %s", got, rowText(back, 0), rowText(b, 0))
		}
	}
}

func TestEncodeJSONOptions(t *testing.T) {
	cols := columnsOf(t, "n numeric, b bytea, k text")
	b := rowOf(t, cols, "1.50", `\x00ff`, "-")
	e := encoderOf(t, EncodeSpec{Encode: "JSON", Columns: cols, Options: map[string]string{"numeric": "number", "bytea": "base64"}})
	if got, _ := e.Row(nil, b, 0); string(got) != `{"n":1.50,"b":"AP8=","k":null}` {
		t.Errorf("%s", got)
	}
	e = encoderOf(t, EncodeSpec{Encode: "JSON", Columns: cols, Key: true, Cols: []int{2, 0}})
	if got, _ := e.Row(nil, b, 0); string(got) != `{"k":null,"n":"1.50"}` {
		t.Errorf("%s", got)
	}
	for _, options := range []map[string]string{{"numeric": "roman"}, {"colour": "red"}} {
		if _, err := NewEncoder(EncodeSpec{Encode: "JSON", Columns: cols, Options: options}); err == nil {
			t.Errorf("%v was accepted", options)
		}
	}
}

func TestEncodeDebezium(t *testing.T) {
	cols := columnsOf(t, "a int4")
	b := rowOf(t, cols, "7")
	e := encoderOf(t, EncodeSpec{Encode: "JSON", Format: "DEBEZIUM", Columns: cols, Name: "v"})
	got, err := e.Change(nil, b, Change{Before: -1, After: 0, Op: 'c', Epoch: 12, Millis: 34})
	want := `{"before":null,"after":{"a":7},"source":{"connector":"millrace","table":"v","epoch":12},"op":"c","ts_ms":34}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

func TestEncodeText(t *testing.T) {
	cols := columnsOf(t, "a int4, b bytea")
	b := rowOf(t, cols, "7", `\x00ff`)
	if got, err := encoderOf(t, EncodeSpec{Encode: "TEXT", Columns: cols, Key: true, Cols: []int{0}}).Row(nil, b, 0); string(got) != "7" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := encoderOf(t, EncodeSpec{Encode: "BYTES", Columns: cols, Key: true, Cols: []int{1}}).Row(nil, b, 0); string(got) != "\x00\xff" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := NewEncoder(EncodeSpec{Encode: "TEXT", Columns: cols, Cols: []int{0, 1}}); err == nil {
		t.Error("two columns were accepted")
	}
}

func TestEncodeAllocates(t *testing.T) {
	cols := columnsOf(t, "a int8, b text, c timestamptz, d numeric, e float8, f _int4, g interval, h bytea")
	b := rowOf(t, cols, "1", "x", "2001-02-03 04:05:06+00", "1.5", "0.25", "{1,2}", "1 day", `\x00ff`)
	e := encoderOf(t, EncodeSpec{Encode: "JSON", Columns: cols})
	dst, err := e.Row(nil, b, 0)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { dst, _ = e.Row(dst[:0], b, 0) }); n > 0 {
		t.Errorf("%v allocations a row", n)
	}
}

func BenchmarkEncodeJSON(b *testing.B) {
	cols := columnsOf(b, "a int8, b text, c timestamptz, d numeric, e float8, f int4, g bool, h text")
	row := rowOf(b, cols, "1234567", "some text of middle length", "2001-02-03 04:05:06.789+00", "1234.50", "0.25", "42", "t", "more text")
	e := encoderOf(b, EncodeSpec{Encode: "JSON", Columns: cols})
	dst, _ := e.Row(nil, row, 0)
	b.SetBytes(int64(len(dst)))
	for b.Loop() {
		dst, _ = e.Row(dst[:0], row, 0)
	}
}
