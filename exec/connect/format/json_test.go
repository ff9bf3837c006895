package format

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// columnsOf reads "a int4, b text = path.to.b".
func columnsOf(t testing.TB, list string) []catalog.Column {
	t.Helper()
	var cols []catalog.Column
	for _, item := range strings.Split(list, ", ") {
		def, path, _ := strings.Cut(item, " = ")
		name, typ, _ := strings.Cut(def, " ")
		oid, ok := types.ByTypName(typ)
		if !ok {
			t.Fatalf("no type %s", typ)
		}
		cols = append(cols, catalog.Column{Name: name, Type: types.T(oid), Path: path})
	}
	return cols
}

func typesOf(cols []catalog.Column) []types.Type {
	var ts []types.Type
	for _, c := range cols {
		ts = append(ts, c.Type)
	}
	return ts
}

// rowText is row i with its columns divided by |.
func rowText(b *vec.Batch, i int) string {
	var out []string
	for _, v := range b.Cols {
		switch {
		case v.IsNull(i):
			out = append(out, "NULL")
		case v.Type.Class() == types.I64:
			out = append(out, string(types.AppendI64Text(nil, v.Type, v.I64[i], nil)))
		case v.Type.Class() == types.F64:
			out = append(out, string(types.AppendF64Text(nil, v.Type, v.F64[i])))
		default:
			out = append(out, string(types.AppendBytesText(nil, v.Type, v.Bytes(i), nil)))
		}
	}
	return strings.Join(out, "|")
}

func TestJSON(t *testing.T) {
	for _, tc := range []struct{ columns, record, want string }{
		// Fields and columns.
		{"a int4, b text", `{"a":1,"b":"x"}`, "1|x"},
		{"a int4, b text", ` { "b" : "x" , "a" : 1 } ` + "\n", "1|x"},
		{"a int4, b text", `{}`, "NULL|NULL"},
		{"a int4, b text", `{"b":null}`, "NULL|NULL"},
		{"a int4", `{"x":{"a":[1,{"b":"}"}],"c":"\\\""},"a":1,"y":[],"z":{}}`, "1"},
		{"a int4", `{"a":1,"a":2}`, "2"},
		{"a int4", `{"a":1,"a":null}`, "NULL"},
		{"a int4", `{"a":null,"a":7}`, "7"},
		{"a text", `{"a":"long","a":"b"}`, "b"},
		{"a int4", `{"A":1}`, "1"},
		{"a int4", `{"a":1,"A":2}`, "1"},
		{"a int4", `{"A":2,"a":1}`, "1"},
		{"a int4, A int4", `{"A":2,"a":1}`, "1|2"},
		{"é text", `{"É":"x"}`, "x"},
		{"ab int4", `{"\u0061b":1}`, "1"},
		{`a\" int4`, `{"a\\\"":1}`, "1"},
		{"a int4, b int4", `{"":5,"a":1,"b":2}`, "1|2"},
		// Paths.
		{"x int4 = a.b.c, y text = a.d", `{"a":{"b":{"c":1,"z":0},"d":"t"}}`, "1|t"},
		{"x int4 = a.b, y int4 = a.b", `{"a":{"b":3}}`, "3|3"},
		{"a json, x int4 = a.b", `{"a":{"b":3}}`, `{"b":3}|3`},
		{"x int4 = a.b", `{"a":5}`, "NULL"},
		{"x int4 = a.b", `{"a":{"b":1},"a":{}}`, "NULL"},
		{"x int4 = a.b", `{"a":{"b":1},"a":5}`, "NULL"},
		{"x int4 = a.b", `{"A":{"B":1}}`, "1"},
		{"x int4 = a.b", `{"a":{"b":1},"A":{"b":2}}`, "1"},
		// Integers.
		{"a int8", `{"a":9223372036854775807}`, "9223372036854775807"},
		{"a int8", `{"a":-9223372036854775808}`, "-9223372036854775808"},
		{"a int2, b int4", `{"a":-32768,"b":-2147483648}`, "-32768|-2147483648"},
		{"a int4", `{"a":-0}`, "0"},
		{"a int4", `{"a":"42"}`, "42"},
		{"a int4", `{"a":1.0}`, "1"},
		{"a int4", `{"a":12e2}`, "1200"},
		{"a int4", `{"a":1200E-2}`, "12"},
		// Other numbers.
		{"a float8", `{"a":1.5}`, "1.5"},
		{"a float8", `{"a":-0.0}`, "-0"},
		{"a float8", `{"a":3}`, "3"},
		{"a float8", `{"a":1e-7}`, "1e-07"},
		{"a float8", `{"a":0.1234567890123456789}`, "0.12345678901234568"},
		{"a float8", `{"a":"NaN"}`, "NaN"},
		{"a float4", `{"a":0.1}`, "0.1"},
		{"a numeric", `{"a":1.50}`, "1.50"},
		{"a numeric", `{"a":123456789012345678901234567890.12}`, "123456789012345678901234567890.12"},
		{"a numeric", `{"a":1e3}`, "1000"},
		// Booleans.
		{"a bool, b bool", `{"a":true,"b":false}`, "t|f"},
		{"a bool, b bool", `{"a":"yes","b":0}`, "t|f"},
		// Text.
		{"a text", `{"a":""}`, ""},
		{"a text", `{"a":"0123456789 é 中 \u00e9 \ud83d\ude00 \n\t\"\\\/ 0123456789"}`, "0123456789 é 中 é 😀 \n\t\"\\/ 0123456789"},
		{"a text", `{"a":12.50}`, "12.50"},
		{"a text", `{"a":true}`, "true"},
		{"a text", `{"a":{"b": [1, 2]}}`, `{"b": [1, 2]}`},
		{"a name", `{"a":"n"}`, "n"},
		// Dates and times.
		{"a timestamptz", `{"a":"2024-02-29T12:34:56.789Z"}`, "2024-02-29 12:34:56.789+00"},
		{"a timestamptz", `{"a":"2024-02-29 12:34:56+05:30"}`, "2024-02-29 07:04:56+00"},
		{"a timestamp", `{"a":"2024-02-29T12:34:56Z"}`, "2024-02-29 12:34:56"},
		{"a timestamp", `{"a":"January 8, 1999"}`, "1999-01-08 00:00:00"},
		{"a timestamptz", `{"a":1700000000123}`, "2023-11-14 22:13:20.123+00"},
		{"a timestamptz", `{"a":1700000000}`, "2023-11-14 22:13:20+00"},
		{"a timestamptz", `{"a":1700000000123456}`, "2023-11-14 22:13:20.123456+00"},
		{"a timestamptz", `{"a":1700000000123456789}`, "2023-11-14 22:13:20.123456+00"},
		{"a timestamptz", `{"a":-1}`, "1969-12-31 23:59:59+00"},
		{"a date", `{"a":19675}`, "2023-11-14"},
		{"a timestamptz", `{"a":1700000000123.5}`, "2023-11-14 22:13:20.1235+00"},
		{"a date, b time", `{"a":"2024-02-29","b":"12:34"}`, "2024-02-29|12:34:00"},
		{"a interval", `{"a":"1 day 2 hours"}`, "1 day 02:00:00"},
		// JSON in JSON, and the rest.
		{"a json", `{"a": {"x" : [1, 2.50, "\u00e9"]} }`, `{"x" : [1, 2.50, "\u00e9"]}`},
		{"a json", `{"a":"s"}`, `"s"`},
		{"a jsonb", `{"a":{"b":1}}`, `{"b": 1}`},
		{"a jsonb", `{"a":null}`, "NULL"},
		{"a uuid", `{"a":"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}`, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{"a bytea", `{"a":"\\x00ff"}`, `\x00ff`},
		{"a _int4", `{"a":[1, 2,null,3]}`, "{1,2,NULL,3}"},
		{"a _text", `{"a":["x","y \"z\"",null,"null",""]}`, `{x,"y \"z\"",NULL,"null",""}`},
		{"a _int4", `{"a":[[1,2],[3,4]]}`, "{{1,2},{3,4}}"},
		{"a _int4", `{"a":[]}`, "{}"},
		{"a _int4", `{"a":"{5,6}"}`, "{5,6}"},
		{"a _jsonb", `{"a":[[], "x", null, {"b":1}, [1, "\""]]}`, `{[],"\"x\"",NULL,"{\"b\": 1}","[1, \"\\\"\"]"}`},
	} {
		cols := columnsOf(t, tc.columns)
		d, err := New(Spec{Columns: cols})
		if err != nil {
			t.Fatal(err)
		}
		// Twice, with another record between: what the decoder has learnt changes nothing.
		b := vec.NewBatch(typesOf(cols), 0)
		for _, record := range []string{tc.record, `{"zz":1,"b":null,"a":null}`, tc.record} {
			if err := d.Decode(nil, []byte(record), b); err != nil {
				t.Errorf("%s from %s: %v", tc.columns, record, err)
			}
		}
		for _, i := range []int{0, 2} {
			if b.N != 3 {
				break
			}
			if got := rowText(b, i); got != tc.want {
				t.Errorf("%s from %s: got %s, want %s", tc.columns, tc.record, got, tc.want)
			}
		}
	}
}

func TestJSONErrors(t *testing.T) {
	const syntax = pgerr.InvalidTextRepresentation
	for _, tc := range []struct{ columns, record, code, message string }{
		{"a int4", ``, syntax, "at byte 0: expected an object, found the end of the record"},
		{"a int4", `[1]`, syntax, `at byte 0: expected an object, found '['`},
		{"a int4", `null`, syntax, "at byte 0: expected an object"},
		{"a int4", `{"a":1`, syntax, "at byte 6: expected a comma or }, found the end"},
		{"a int4", `{"a":1,}`, syntax, "at byte 7: expected a field name"},
		{"a int4", `{"a" 1}`, syntax, "at byte 5: expected a colon, found '1'"},
		{"a int4", `{"a":1} x`, syntax, "at byte 8: expected the end, found 'x'"},
		{"a int4", `{"a":01}`, syntax, "at byte 5: expected a number"},
		{"a int4", `{"a":-}`, syntax, "at byte 5: expected a number, found '-'"},
		{"a float8", `{"a":1.}`, syntax, "expected a number"},
		{"a float8", `{"a":.5}`, syntax, "expected a value"},
		{"a float8", `{"a":00.5}`, syntax, "expected a number"},
		{"a int4", `{"a":nul}`, syntax, "expected null"},
		{"a bool", `{"a":trux}`, syntax, "expected true"},
		{"a int4", "{\"a\":\"x\x01\"}", syntax, "the end of a string"},
		{"a text", `{"a":"x`, syntax, "expected the end of a string, found the end of the record"},
		{"a text", `{"a":"x\`, syntax, "expected the end of a string"},
		{"a text", `{"a":"\x"}`, syntax, "expected an escape sequence, found 'x'"},
		{"a text", `{"b":"\x"}`, syntax, "expected an escape sequence"},
		{"a text", `{"a":"\u00g0"}`, syntax, "four hexadecimal digits"},
		{"a text", `{"a":"\ud800"}`, syntax, "half a Unicode surrogate pair"},
		{"a text", `{"a":"\ude00\ud83d"}`, syntax, "half a Unicode surrogate pair"},
		{"a text", `{"a":"\u0000"}`, pgerr.UntranslatableCharacter, "unsupported Unicode escape sequence"},
		{"a text", "{\"a\":\"\xff\"}", pgerr.CharacterNotInRepertoire, `invalid byte sequence for encoding "UTF8": 0xff`},
		{"a text", "{\"b\":\"\xff\"}", pgerr.CharacterNotInRepertoire, "invalid byte sequence"},
		{"a text", "{\"\xff\":1}", pgerr.CharacterNotInRepertoire, "invalid byte sequence"},
		{"a int4", `{"b":` + strings.Repeat("[", 5000), pgerr.StatementTooComplex, "nested deeper"},
		{"a int4", `{"a":2147483648}`, pgerr.NumericValueOutOfRange, `value "2147483648" is out of range for type integer`},
		{"a int2", `{"a":40000}`, pgerr.NumericValueOutOfRange, "out of range for type smallint"},
		{"a int8", `{"a":9223372036854775808}`, pgerr.NumericValueOutOfRange, "out of range for type bigint"},
		{"a int4", `{"a":1e300}`, pgerr.NumericValueOutOfRange, "out of range"},
		{"a int4", `{"a":1.5}`, syntax, `invalid input syntax for type integer: "1.5"`},
		{"a int4", `{"a":"x"}`, syntax, `invalid input syntax for type integer: "x"`},
		{"a int4", `{"a":true}`, syntax, `invalid input syntax for type integer: "true"`},
		{"a int4", `{"a":{"b":1}}`, syntax, `invalid input syntax for type integer: "{"b":1}"`},
		{"a bool", `{"a":2}`, syntax, `invalid input syntax for type boolean: "2"`},
		{"a float8", `{"a":1e999}`, pgerr.NumericValueOutOfRange, "out of range"},
		{"a timestamp", `{"a":"2024-02-30"}`, pgerr.DatetimeFieldOverflow, `date/time field value out of range: "2024-02-30"`},
		{"a timestamp", `{"a":1e30}`, pgerr.DatetimeFieldOverflow, `timestamp out of range: "1e30"`},
		{"a date", `{"a":9223372036854775807}`, pgerr.DatetimeFieldOverflow, "out of range"},
		{"a uuid", `{"a":"x"}`, syntax, `invalid input syntax for type uuid: "x"`},
		{"a _int4", `{"a":[1,]}`, syntax, "expected a value, found ']'"},
		{"a _int4", `{"a":[1 2]}`, syntax, "expected a comma or ]"},
		{"a _int4", `{"a":["x"]}`, syntax, `invalid input syntax for type integer: "x"`},
		{"x int4 = a.b", `{"a":{"b":"x"}}`, syntax, `invalid input syntax for type integer: "x"`},
	} {
		cols := append(columnsOf(t, "z text, n int8"), columnsOf(t, tc.columns)...)
		d, err := New(Spec{Columns: cols})
		if err != nil {
			t.Fatal(err)
		}
		b := vec.NewBatch(typesOf(cols), 0)
		before := `{"z":"kept","n":null}`
		if err := d.Decode(nil, []byte(before), b); err != nil {
			t.Fatal(err)
		}
		// Fields before the bad one are rolled back.
		bad := strings.Replace(tc.record, "{", `{"z":"gone","n":null,`, 1)
		for _, record := range []string{tc.record, bad} {
			err := d.Decode(nil, []byte(record), b)
			if tc.message == "" {
				continue // whatever the type says
			}
			if !pgerr.Is(err, tc.code) || record == tc.record && !strings.Contains(err.Error(), tc.message) {
				t.Errorf("%s from %s: got %v (%s)", tc.columns, record, err, pgerr.Of(err).Code)
			}
		}
		if tc.message == "" {
			continue
		}
		if err := d.Decode(nil, []byte(`{"z":"after"}`), b); err != nil {
			t.Fatal(err)
		}
		if b.N != 2 || rowText(b, 0) != "kept|NULL|NULL" || rowText(b, 1) != "after|NULL|NULL" {
			t.Errorf("%s from %s: left %d rows, %s", tc.columns, tc.record, b.N, rowText(b, b.N-1))
		}
		for i, v := range b.Cols {
			if v.Len() != b.N {
				t.Errorf("%s from %s: column %d has %d values of %d", tc.columns, tc.record, i, v.Len(), b.N)
			}
		}
	}
}

func TestJSONErrorSaysWhere(t *testing.T) {
	cols := columnsOf(t, "a int4, b int4")
	d, err := New(Spec{Columns: cols})
	if err != nil {
		t.Fatal(err)
	}
	e := pgerr.Of(d.Decode(nil, []byte(`{"a":1,"b":"x"}`), vec.NewBatch(typesOf(cols), 0)))
	if e.Column != "b" || e.Where != `column "b", byte 11 of the record` {
		t.Errorf("got column %q, where %q", e.Column, e.Where)
	}
}

func TestTimestampUnits(t *testing.T) {
	cols := columnsOf(t, "a timestamptz")
	for unit, want := range map[string]string{
		"s": "1970-01-02 10:17:36.5+00", "ms": "1970-01-01 00:02:03.4565+00", "us": "1970-01-01 00:00:00.123456+00", "ns": "1970-01-01 00:00:00.000123+00",
	} {
		d, err := New(Spec{Format: catalog.Format{Format: "plain", Encode: "json", Options: map[string]string{"timestamp.unit": unit}}, Columns: cols})
		if err != nil {
			t.Fatal(err)
		}
		b := vec.NewBatch(typesOf(cols), 0)
		if err := d.Decode(nil, []byte(`{"a":123456.5}`), b); err != nil {
			t.Fatal(err)
		}
		if got := rowText(b, 0); got != want {
			t.Errorf("%s: got %s, want %s", unit, got, want)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct {
		format catalog.Format
		code   string
		want   string
	}{
		{catalog.Format{Format: "CANAL", Encode: "JSON"}, pgerr.InvalidParameterValue, `unrecognized format "CANAL"`},
		{catalog.Format{Format: "PLAIN", Encode: "XML"}, pgerr.InvalidParameterValue, `unrecognized encoding "XML"`},
		{catalog.Format{Format: "DEBEZIUM", Encode: "CSV"}, pgerr.FeatureNotSupported, "FORMAT DEBEZIUM ENCODE CSV is not supported"},
		{catalog.Format{Encode: "AVRO"}, pgerr.InvalidParameterValue, "ENCODE AVRO needs a schema"},
		{catalog.Format{Encode: "AVRO", Options: map[string]string{"schema": "{", "schema.registry": "http://x"}}, pgerr.SyntaxError, "conflicting or redundant options"},
		{catalog.Format{Options: map[string]string{"colour": "red"}}, pgerr.InvalidParameterValue, `unrecognized parameter "colour"`},
		{catalog.Format{Options: map[string]string{"timestamp.unit": "h"}}, pgerr.InvalidParameterValue, `invalid value for parameter "timestamp.unit": "h"`},
	} {
		if _, err := New(Spec{Format: tc.format}); !pgerr.Is(err, tc.code) || err.Error() != tc.want {
			t.Errorf("%+v: got %v", tc.format, err)
		}
	}
}

// Columns with INCLUDE are the connector's.
func TestIncludedColumnsAreLeftAlone(t *testing.T) {
	cols := columnsOf(t, "a int4, off int8, b text")
	cols[1].Include = "offset"
	d, err := New(Spec{Columns: cols})
	if err != nil {
		t.Fatal(err)
	}
	b := vec.NewBatch(typesOf(cols), 0)
	if err := d.Decode(nil, []byte(`{"off":5}`), b); err != nil {
		t.Fatal(err)
	}
	if n := []int{b.Cols[0].Len(), b.Cols[1].Len(), b.Cols[2].Len()}; fmt.Sprint(n) != "[1 0 1]" {
		t.Errorf("columns have %v values", n)
	}
}

func newTestBatch(cols []catalog.Column) *vec.Batch { return vec.NewBatch(typesOf(cols), 0) }
