package format

import (
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// avroSpec is ENCODE AVRO with a schema given here.
func avroSpec(schema string, cols []catalog.Column) Spec {
	return Spec{Format: catalog.Format{Encode: "AVRO", Options: map[string]string{"schema": schema}}, Columns: cols}
}

// avroData encodes a value by the module, not by this package.
func avroData(t testing.TB, schema string, value any) []byte {
	t.Helper()
	s, err := avro.ParseWithCache(schema, "", &avro.SchemaCache{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := avro.Marshal(s, value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decodeOne(t testing.TB, spec Spec, value []byte) (string, error) {
	t.Helper()
	d, err := New(spec)
	if err != nil {
		return "", err
	}
	b := vec.NewBatch(typesOf(spec.Columns), 0)
	if err := d.Decode(nil, value, b); err != nil {
		for i, v := range b.Cols {
			if v.Len() != 0 || b.N != 0 {
				t.Fatalf("column %d has %d values after %v", i, v.Len(), err)
			}
		}
		return "", err
	}
	if err := d.Decode(nil, value, b); err != nil || b.N != 2 || rowText(b, 0) != rowText(b, 1) {
		t.Fatalf("the second time: %v, %d rows", err, b.N)
	}
	return rowText(b, 0), nil
}

// avroField1 makes a record schema with one field f.
func avroField1(typ string) string {
	return `{"type":"record","name":"r","fields":[{"name":"f","type":` + typ + `}]}`
}

func TestAvro(t *testing.T) {
	at := time.Date(2024, 2, 29, 12, 34, 56, 789123000, time.UTC)
	f := func(v any) map[string]any { return map[string]any{"f": v} }
	for _, tc := range []struct {
		columns, typ string
		value        any
		want         string
	}{
		{"f int4", `"int"`, f(-7), "-7"},
		{"f int8", `"int"`, f(-7), "-7"},
		{"f int8", `"long"`, f(int64(1) << 60), "1152921504606846976"},
		{"f int2", `"long"`, f(int64(-32768)), "-32768"},
		{"f float8", `"long"`, f(int64(3)), "3"},
		{"f numeric", `"long"`, f(int64(3)), "3"},
		{"f text", `"long"`, f(int64(3)), "3"},
		{"f float8", `"float"`, f(float32(1.5)), "1.5"},
		{"f float4", `"float"`, f(float32(0.1)), "0.1"},
		{"f float8", `"double"`, f(1e-7), "1e-07"},
		{"f numeric", `"double"`, f(1.25), "1.25"},
		{"f bool", `"boolean"`, f(true), "t"},
		{"f text", `"boolean"`, f(true), "true"},
		{"f text", `"string"`, f("é \"x\""), `é "x"`},
		{"f int4", `"string"`, f("42"), "42"},
		{"f timestamptz", `"string"`, f("2024-02-29T12:34:56Z"), "2024-02-29 12:34:56+00"},
		{"f bytea", `"bytes"`, f([]byte{0, 255}), `\x00ff`},
		{"f bytea", `{"type":"fixed","name":"x","size":2}`, f([2]byte{1, 2}), `\x0102`},
		{"f text", `{"type":"enum","name":"e","symbols":["A","B"]}`, f("B"), "B"},
		// Logical types.
		{"f date", `{"type":"int","logicalType":"date"}`, f(at.Truncate(24 * time.Hour)), "2024-02-29"},
		{"f time", `{"type":"int","logicalType":"time-millis"}`, f(45296789 * time.Millisecond), "12:34:56.789"},
		{"f time", `{"type":"long","logicalType":"time-micros"}`, f(45296789123 * time.Microsecond), "12:34:56.789123"},
		{"f timestamptz", `{"type":"long","logicalType":"timestamp-millis"}`, f(at), "2024-02-29 12:34:56.789+00"},
		{"f timestamptz", `{"type":"long","logicalType":"timestamp-micros"}`, f(at), "2024-02-29 12:34:56.789123+00"},
		{"f timestamptz", `{"type":"long","logicalType":"timestamp-nanos"}`, f(at.UnixNano()), "2024-02-29 12:34:56.789123+00"},
		{"f timestamp", `{"type":"long","logicalType":"local-timestamp-micros"}`, f(at), "2024-02-29 12:34:56.789123"},
		{"f timestamptz", `"long"`, f(at.UnixMilli()), "2024-02-29 12:34:56.789+00"},
		{"f text", `{"type":"long","logicalType":"timestamp-micros"}`, f(at), "2024-02-29 12:34:56.789123+00"},
		{"f numeric", `{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}`, f(big.NewRat(-12345, 100)), "-123.45"},
		{"f numeric", `{"type":"bytes","logicalType":"decimal","precision":40,"scale":3}`, f(rat("123456789012345678901234567890123.456")), "123456789012345678901234567890123.456"},
		{"f numeric", `{"type":"fixed","size":6,"name":"d","logicalType":"decimal","precision":10,"scale":2}`, f(big.NewRat(5, 2)), "2.50"},
		{"f uuid", `{"type":"string","logicalType":"uuid"}`, f("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{"f interval", `{"type":"fixed","size":12,"name":"d","logicalType":"duration"}`, f(avro.LogicalDuration{Months: 1, Days: 2, Milliseconds: 3500}), "1 mon 2 days 00:00:03.5"},
		{"f jsonb", `{"type":"string","connect.name":"io.debezium.data.Json"}`, f(`{"a":1}`), `{"a": 1}`},
		{"f timestamp", `{"type":"long","connect.name":"io.debezium.time.MicroTimestamp"}`, f(at.UnixMicro()), "2024-02-29 12:34:56.789123"},
		{"f date", `{"type":"int","connect.name":"io.debezium.time.Date"}`, f(19782), "2024-02-29"},
		// Unions.
		{"f int4", `["null","int"]`, f(nil), "NULL"},
		{"f int4", `["null","int"]`, f(5), "5"},
		{"f text", `["string","null"]`, f(nil), "NULL"},
		{"f text", `["string","null"]`, f("x"), "x"},
		{"f text", `["null","long","string"]`, f("x"), "x"},
		{"f text", `["null","long","string"]`, f(int64(9)), "9"},
		{"f text", `["null","long","string"]`, f(nil), "NULL"},
		{"f int4", `"null"`, f(nil), "NULL"},
		// What is nested.
		{"f _int4", `{"type":"array","items":"int"}`, f([]int{1, 2}), "{1,2}"},
		{"f _text", `{"type":"array","items":["null","string"]}`, f([]any{nil, `a "b"`}), `{NULL,"a \"b\""}`},
		{"f jsonb", `{"type":"array","items":"double"}`, f([]float64{1.5}), "[1.5]"},
		{"f jsonb", `{"type":"map","values":"long"}`, f(map[string]int64{"k\"": 1}), `{"k\"": 1}`},
		{"f jsonb", `{"type":"record","name":"n","fields":[{"name":"a","type":["null","string"]},{"name":"b","type":{"type":"int","logicalType":"date"}}]}`,
			f(map[string]any{"a": nil, "b": at.Truncate(24 * time.Hour)}), `{"a": null, "b": "2024-02-29"}`},
		{"f json", `"string"`, f("s"), `"s"`},
		{"x int4 = f.a, y text = f.b.c, f jsonb, z int4 = f.nope", `{"type":"record","name":"n","fields":[{"name":"a","type":"int"},{"name":"b","type":["null",{"type":"record","name":"m","fields":[{"name":"c","type":"string"}]}]}]}`,
			f(map[string]any{"a": 3, "b": map[string]any{"m": map[string]any{"c": "t"}}}), `3|t|{"a": 3, "b": {"c": "t"}}|NULL`},
		{"x int4 = f.a, y text = f.b.c", `{"type":"record","name":"n","fields":[{"name":"a","type":"int"},{"name":"b","type":["null",{"type":"record","name":"m","fields":[{"name":"c","type":"string"}]}]}]}`,
			f(map[string]any{"a": 3, "b": nil}), `3|NULL`},
		// Resolution: other case, missing and unknown fields.
		{"F int4", `"int"`, f(1), "1"},
		{"g int4, h text", `"int"`, f(1), "NULL|NULL"},
		// Strings and bytes are written alike.
		{"f text", `"bytes"`, f([]byte("é")), "é"},
		{"f varchar", `["null","bytes"]`, f([]byte("x")), "x"},
		{"f bytea", `"string"`, f("a\\b"), `\x615c62`},
	} {
		cols := columnsOf(t, tc.columns)
		schema := avroField1(tc.typ)
		got, err := decodeOne(t, avroSpec(schema, cols), avroData(t, schema, tc.value))
		if err != nil || got != tc.want {
			t.Errorf("%s from %s: got %s, %v, want %s", tc.columns, tc.typ, got, err, tc.want)
		}
	}
}

// A field that was renamed fills the column of its old name, unless another field has that now.
func TestAvroAliases(t *testing.T) {
	cols := columnsOf(t, "id int8, name text, city text = at.town")
	for schema, want := range map[string]string{
		`{"type":"record","name":"r","fields":[{"name":"key","aliases":["ID"],"type":"long"},{"name":"full_name","aliases":["nom","name"],"type":"string"},
			{"name":"place","aliases":["at"],"type":{"type":"record","name":"p","fields":[{"name":"city","aliases":["town"],"type":"string"}]}}]}`: "7|x|Z",
		`{"type":"record","name":"r","fields":[{"name":"key","type":"long"},{"name":"full_name","aliases":["name"],"type":"string"},{"name":"NAME","type":"string"}]}`: "NULL|y|NULL",
	} {
		data := avroData(t, schema, map[string]any{"key": int64(7), "full_name": "x", "NAME": "y", "place": map[string]any{"city": "Z"}})
		if got, err := decodeOne(t, avroSpec(schema, cols), data); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", schema, got, err, want)
		}
	}
}

func rat(s string) *big.Rat {
	r, _ := new(big.Rat).SetString(s)
	return r
}

func TestAvroRefuses(t *testing.T) {
	for _, tc := range []struct{ columns, typ, data, code, message string }{
		{"f timestamptz", `"boolean"`, "", pgerr.DatatypeMismatch, `field "f" of type boolean does not fit column "f" of type timestamp with time zone`},
		{"f int4", `"double"`, "", pgerr.DatatypeMismatch, "does not fit"},
		{"f int4", `{"type":"array","items":"int"}`, "", pgerr.DatatypeMismatch, "does not fit"},
		{"f int4", `"strin"`, "", pgerr.InvalidParameterValue, "invalid schema for ENCODE AVRO"},
		{"f int2", `"int"`, "gIAE", pgerr.NumericValueOutOfRange, "smallint out of range"},
		{"f int4", `"int"`, "", pgerr.InvalidBinaryRepr, "ends too early"},
		{"f text", `"string"`, "Cg==", pgerr.InvalidBinaryRepr, "ends too early"},
		{"f text", `"string"`, "Av8=", pgerr.CharacterNotInRepertoire, "invalid byte sequence"},
		{"f text", `["null","string"]`, "CA==", pgerr.InvalidBinaryRepr, "damaged"},
		{"f text", `{"type":"enum","name":"e","symbols":["A"]}`, "Ag==", pgerr.InvalidBinaryRepr, "damaged"},
		{"f jsonb", `{"type":"array","items":"null"}`, "/////w8=", pgerr.InvalidBinaryRepr, "too early"},
	} {
		data, err := base64.StdEncoding.DecodeString(tc.data)
		if err != nil {
			t.Fatal(err)
		}
		_, err = decodeOne(t, avroSpec(avroField1(tc.typ), columnsOf(t, tc.columns)), data)
		if !pgerr.Is(err, tc.code) || !strings.Contains(err.Error(), tc.message) {
			t.Errorf("%s from %s: got %v (%s)", tc.columns, tc.typ, err, pgerr.Of(err).Code)
		}
	}
}

// A schema that contains itself, and data that makes use of it without end.
func TestAvroRecursion(t *testing.T) {
	const list = `{"type":"record","name":"list","fields":[{"name":"v","type":"int"},{"name":"next","type":["null","list"]}]}`
	cols := columnsOf(t, "v int4, next jsonb, third int4 = next.next.v")
	data := avroData(t, list, map[string]any{"v": 1, "next": map[string]any{"list": map[string]any{"v": 2, "next": map[string]any{"list": map[string]any{"v": 3, "next": nil}}}}})
	got, err := decodeOne(t, avroSpec(list, cols), data)
	if want := `1|{"v": 2, "next": {"v": 3, "next": null}}|3`; err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
	_, err = decodeOne(t, avroSpec(list, cols), []byte(strings.Repeat("\x02\x02", 5000)))
	if !pgerr.Is(err, pgerr.StatementTooComplex) {
		t.Errorf("got %v", err)
	}
}

// FuzzAvro decodes any bytes by any schema into columns of every kind: no panic, and a batch that is whole.
func FuzzAvro(f *testing.F) {
	f.Add(clickSchema, avroClicks(f)[0])
	f.Add(avroField1(`["null",{"type":"array","items":["null","string","long"]}]`), []byte{2, 4, 0, 2, 2, 'x', 0})
	f.Add(avroField1(`{"type":"map","values":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}}`), []byte{2, 2, 'k', 4, 1, 2, 0})
	f.Add(`{"type":"record","name":"l","fields":[{"name":"f","type":["null","l"]}]}`, []byte{2, 2, 2, 0})
	cols := columnsOf(f, "f jsonb, user_id int8, session text, page varchar, ts timestamptz, price numeric, deep text = f.f.f")
	f.Fuzz(func(t *testing.T, schema string, data []byte) {
		checkFuzzed(t, avroSpec(schema, cols), nil, data)
	})
}

// checkFuzzed decodes data and checks that the batch is whole.
func checkFuzzed(t *testing.T, spec Spec, key, data []byte) {
	d, err := New(spec)
	if err != nil {
		if pgerr.Of(err).Code == pgerr.Internal {
			t.Fatal(err)
		}
		return
	}
	b := vec.NewBatch(typesOf(spec.Columns), 0)
	for range 2 {
		n := b.N
		err := d.Decode(key, data, b)
		if err != nil && (b.N != n || pgerr.Of(err).Code == pgerr.Internal) {
			t.Fatalf("%d rows became %d, %v", n, b.N, err)
		}
		for i, v := range b.Cols {
			if v.Len() != b.N {
				t.Fatalf("column %d has %d values of %d, %v", i, v.Len(), b.N, err)
			}
			for r := range b.N {
				if v.Type.Class() == types.Bytes && !v.IsNull(r) && v.Type.OID == types.Text && types.ValidateUTF8(v.Str(r)) != nil {
					t.Fatalf("column %d holds what is no text", i)
				}
			}
		}
		if b.W != nil && len(b.W) != b.N {
			t.Fatalf("%d weights of %d rows", len(b.W), b.N)
		}
	}
}
