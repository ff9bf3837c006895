package format

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

const everyColumn = "b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, t text, by bytea, da date, ti time, ts timestamp, tz timestamptz, u uuid, iv interval, j jsonb, ai _int4, at _text, az _timestamptz, af _float8, ab _bool"

// protoSource returns the schema that the encoder of s makes.
func protoSource(t testing.TB, s EncodeSpec) string {
	t.Helper()
	text, err := protoSchemaOf(s, s.Options[optMessage])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// protoValueText is a random value of a column as its type is read.
func protoValueText(r *rand.Rand, col catalog.Column) string {
	one := func(typ string) string {
		switch typ {
		case "bool":
			return []string{"t", "f"}[r.IntN(2)]
		case "int2":
			return fmt.Sprint(int16(r.Uint32()) >> r.IntN(16))
		case "int4":
			return fmt.Sprint(int32(r.Uint32()) >> r.IntN(32))
		case "int8":
			return fmt.Sprint(int64(r.Uint64()) >> r.IntN(64))
		case "float4":
			return fmt.Sprint(math.Float32frombits(r.Uint32() &^ (1 << 30)))
		case "float8":
			return []string{"0", "-0", "NaN", "Infinity", fmt.Sprint(r.NormFloat64())}[r.IntN(5)]
		case "numeric":
			return fmt.Sprintf("%d.%03d", r.Int64(), r.IntN(1000))
		case "text":
			return strings.Repeat("é\"x", r.IntN(40))
		case "bytea":
			return fmt.Sprintf(`\x%x`, make([]byte, r.IntN(150)))
		case "date":
			return fmt.Sprintf("%04d-%02d-%02d", 1+r.IntN(9999), 1+r.IntN(12), 1+r.IntN(28))
		case "time":
			return fmt.Sprintf("%02d:%02d:%02d.%06d", r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1e6))
		case "timestamp", "timestamptz":
			return fmt.Sprintf("%04d-%02d-%02d %02d:00:00.%06d+00", 1+r.IntN(9999), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(1e6))
		case "uuid":
			return fmt.Sprintf("%08x-0000-0000-0000-%012x", r.Uint32(), r.Uint64()>>16)
		case "interval":
			return fmt.Sprintf("%d mon %d days %d us", r.IntN(99)-50, r.IntN(99)-50, int32(r.Uint32()))
		}
		return fmt.Sprintf(`{"k": [%d, null]}`, r.IntN(9))
	}
	if !col.Type.OID.IsArray() {
		return one(col.Type.OID.TypName())
	}
	elem := col.Type.ElemType().OID.TypName()
	var all []string
	for range r.IntN(3) * r.IntN(3) * r.IntN(6) {
		all = append(all, `"`+strings.ReplaceAll(one(elem), `"`, `\"`)+`"`)
	}
	return "{" + strings.Join(all, ",") + "}"
}

// What the encoder writes of random rows, the decoder reads back, and protobuf-go reads and would write byte by byte so.
func TestProtoRoundTrip(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	for _, notNull := range []bool{false, true} {
		cols := columnsOf(t, everyColumn)
		s := EncodeSpec{Encode: "PROTOBUF", Format: "PLAIN", Topic: "my.topic", Columns: cols, Options: map[string]string{optRegistry: "http://127.0.0.1:1", optMessage: "shop.v1.Order"}}
		for i := range cols {
			cols[i].NotNull = notNull
			s.Cols = append(s.Cols, i)
		}
		back := columnsOf(t, strings.Replace(everyColumn, "jsonb", "text", 1)) // a string is no document to the decoder
		source := protoSource(t, s)
		m := messageOf(t, source, "shop.v1.Order")
		given := s
		given.Options = map[string]string{optSchema: source, optMessage: "shop.v1.Order"}
		enc, err := NewEncoder(given)
		if err != nil {
			t.Fatal(err)
		}
		registered, err := NewEncoder(s)
		if err != nil || registered.(*protoEncoder).text != source {
			t.Fatalf("the schema registered is %q, %v", registered.(*protoEncoder).text, err)
		}
		for range 300 {
			var values []string
			for _, c := range cols {
				if values = append(values, protoValueText(r, c)); !notNull && !c.Type.OID.IsArray() && r.IntN(4) == 0 {
					values[len(values)-1] = "-"
				}
			}
			row := rowOf(t, cols, values...)
			record, err := enc.Row(nil, row, 0)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if got, err := decodeOne(t, protoSpec(source, "", back), record); err != nil || got != rowText(row, 0) {
				t.Fatalf("seed %d: %v\ngot  %s\nwant %s", seed, err, got, rowText(row, 0))
			}
			msg := dynamicpb.NewMessage(m)
			if err := proto.Unmarshal(record, msg); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if again, err := (proto.MarshalOptions{Deterministic: true}).Marshal(msg); err != nil || !bytes.Equal(again, record) {
				t.Fatalf("seed %d: protobuf-go writes\n%x, %v\nnot\n%x", seed, again, err, record)
			}
		}
	}
}

// Fields of a given schema take the columns that fit them.
func TestProtoGivenSchema(t *testing.T) {
	m := messageOf(t, everything, "shop.All")
	for _, tc := range []struct{ columns, values, want string }{
		{"i32 int2, u32 int8, u64 int8, s32 int4, s64 int8, f32 int4, f64 int8, sf32 int4, sf64 int4", "-1 4294967295 5 -6 -7 8 9 -10 -11",
			"i32:-1 u32:4294967295 u64:5 s32:-6 s64:-7 f32:8 f64:9 sf32:-10 sf64:-11"},
		{"u64 numeric, db float4, fl float4, b bool", "18446744073709551615 0.5 0.25 t", "u64:18446744073709551615 db:0.5 fl:0.25 b:true"},
		{"colour text", "BLUE", "colour:BLUE"},
		{"colour int4", "5", "colour:BLUE"},
		{"boxed int8", "0", "boxed:{}"},
		{"boxed int8", "-7", "boxed:{value:-7}"},
		{"took interval", "-1.5s", "took:{seconds:-1 nanos:-500000000}"},
		{"ts timestamp", "1969-12-31T23:59:59.9", "ts:{seconds:-1 nanos:900000000}"},
		{"str int4", "42", `str:"42"`},
		{"str _int4", "{1,2}", `str:"{1,2}"`},
		{"by uuid", "00112233-4455-6677-8899-aabbccddeeff", `by:"\x00\x11\x22\x33DUfw\x88\x99\xaa\xbb\xcc\xdd\xee\xff"`},
		{"far int4, i32 int4, maybe int4", "0 0 0", "maybe:0"},
		{"left int4, maybe int4, far int4", "- - -", ""},
		{"nums _int4, words _text, times _timestamptz", `{1,-1} {a,""} {"1970-01-01 00:00:01+00"}`, `nums:[1,-1] words:["a",""] times:{seconds:1}`},
		{"sf32 int4, i32 int4", "1 2", "i32:2 sf32:1"},
	} {
		cols := columnsOf(t, tc.columns)
		values := strings.Fields(tc.values)
		if len(cols) == 1 {
			values = []string{tc.values}
		}
		if last := len(cols) - 1; len(values) > len(cols) { // a time has a space in it
			values = append(values[:last:last], strings.Join(values[last:], " "))
		}
		e := encoderOf(t, EncodeSpec{Encode: "PROTOBUF", Format: "PLAIN", Columns: cols, Options: map[string]string{optSchema: everything, optMessage: "All"}})
		got, err := e.Row(nil, rowOf(t, cols, values...), 0)
		if err != nil {
			t.Errorf("%s: %v", tc.columns, err)
			continue
		}
		msg := dynamicpb.NewMessage(m)
		if err := proto.Unmarshal(got, msg); err != nil {
			t.Errorf("%s: %v", tc.columns, err)
			continue
		}
		want := protoData(t, m, tc.want)
		wanted := dynamicpb.NewMessage(m)
		if err := proto.Unmarshal(want, wanted); err != nil || !proto.Equal(msg, wanted) {
			t.Errorf("%s: got %v, want %v, %v", tc.columns, msg, wanted, err)
		}
		if again, _ := (proto.MarshalOptions{Deterministic: true}).Marshal(wanted); !bytes.Equal(again, got) {
			t.Errorf("%s: got %x, want %x", tc.columns, got, again)
		}
	}
}

// What cannot be written is refused before the sink is made, with the column.
func TestProtoEncoderRefuses(t *testing.T) {
	given := func(message string) map[string]string {
		return map[string]string{optSchema: everything, optMessage: message}
	}
	registry := map[string]string{"schema.registry.url": "http://127.0.0.1:1"}
	for _, tc := range []struct {
		columns, format string
		options         map[string]string
		code, want      string
	}{
		{"i32 int8", "PLAIN", given("All"), pgerr.DatatypeMismatch, `column "i32" of type bigint does not fit field "shop.All.i32" of type int32`},
		{"i32 numeric", "PLAIN", given("All"), pgerr.DatatypeMismatch, `column "i32"`},
		{"fl float8", "PLAIN", given("All"), pgerr.DatatypeMismatch, `column "fl"`},
		{"ts date", "PLAIN", given("All"), pgerr.DatatypeMismatch, `column "ts"`},
		{"inner jsonb", "PLAIN", given("All"), pgerr.DatatypeMismatch, `column "inner"`},
		{"counts jsonb", "PLAIN", given("All"), pgerr.DatatypeMismatch, `column "counts"`},
		{"nums int4", "PLAIN", given("All"), pgerr.DatatypeMismatch, `column "nums"`},
		{"i32 _int4", "PLAIN", given("All"), pgerr.DatatypeMismatch, `column "i32"`},
		{"nope int4", "PLAIN", given("All"), pgerr.DatatypeMismatch, `no field for column "nope"`},
		{"left int4, right text", "PLAIN", given("All"), pgerr.DatatypeMismatch, `exclude each other`},
		{"sf64 int8, sf64 int8", "PLAIN", given("All"), pgerr.DatatypeMismatch, `exclude each other`},
		{"x int4", "PLAIN", given("Nope"), pgerr.InvalidParameterValue, `schema has no message "Nope"`},
		{"x int4", "PLAIN", given(""), pgerr.InvalidParameterValue, `needs the parameter "message"`},
		{"x int4", "PLAIN", map[string]string{optSchema: "message {"}, pgerr.InvalidParameterValue, `invalid schema`},
		{"x int4", "PLAIN", map[string]string{optSchema: `syntax = "proto2"; message M { optional int32 x = 1; required int32 y = 2; }`}, pgerr.DatatypeMismatch, `field "M.y" is required`},
		{"x int4", "PLAIN", nil, pgerr.InvalidParameterValue, `needs a schema`},
		{"x int4", "PLAIN", map[string]string{optRegistry: "http://x", optSchema: everything}, pgerr.SyntaxError, `conflicting`},
		{"x int4", "PLAIN", map[string]string{optRegistry: "http://x", "schema.registry.url": "http://x"}, pgerr.SyntaxError, `conflicting`},
		{"x int4", "PLAIN", map[string]string{optRegistry: "http://x", optFraming: "confluent"}, pgerr.InvalidParameterValue, `unrecognized parameter "schema.framing"`},
		{"x int4", "PLAIN", map[string]string{optRegistry: "http://x", optMessage: "a..b"}, pgerr.InvalidParameterValue, `invalid value for parameter "message": "a..b"`},
		{"x! int4", "PLAIN", registry, pgerr.InvalidName, `column "x!"`},
		{"x int4", "DEBEZIUM", registry, pgerr.FeatureNotSupported, "FORMAT DEBEZIUM ENCODE PROTOBUF"},
	} {
		cols := columnsOf(t, tc.columns)
		s := EncodeSpec{Encode: "PROTOBUF", Format: tc.format, Topic: "t", Columns: cols, Options: tc.options}
		for i := range cols {
			s.Cols = append(s.Cols, i)
		}
		if _, err := NewEncoder(s); !pgerr.Is(err, tc.code) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %v: got %v, want %s", tc.columns, tc.options, err, tc.want)
		}
	}
}

// Values that the types alone do not rule out are errors of their rows.
func TestProtoEncoderValues(t *testing.T) {
	for _, tc := range []struct{ columns, value, code string }{
		{"u32 int4", "-1", pgerr.NumericValueOutOfRange},
		{"u64 numeric", "1.5", pgerr.NumericValueOutOfRange},
		{"colour text", "GREEN", pgerr.NumericValueOutOfRange},
		{"ts timestamptz", "infinity", pgerr.NumericValueOutOfRange},
		{"ts timestamptz", "0044-03-15 00:00:00+00 BC", pgerr.NumericValueOutOfRange},
		{"took interval", "1 mon", pgerr.NumericValueOutOfRange},
		{"nums _int4", "{1,NULL}", pgerr.NullValueNotAllowed},
		{"nums _int4", "{{1},{2}}", pgerr.DatatypeMismatch},
	} {
		cols := columnsOf(t, tc.columns)
		e := encoderOf(t, EncodeSpec{Encode: "PROTOBUF", Format: "PLAIN", Columns: cols, Options: map[string]string{optSchema: everything, optMessage: "All"}})
		if got, err := e.Row(nil, rowOf(t, cols, tc.value), 0); !pgerr.Is(err, tc.code) {
			t.Errorf("%s %s: got %x, %v", tc.columns, tc.value, got, err)
		}
	}
}

// Names that mean something else in a .proto file are names here.
func TestProtoSchemaNames(t *testing.T) {
	cols := columnsOf(t, "optional int4, message text, google timestamptz, reserved bool, string int8")
	for _, topic := range []string{"google", "string", "1st-topic"} {
		s := EncodeSpec{Encode: "PROTOBUF", Format: "PLAIN", Topic: topic, Columns: cols, Cols: []int{0, 1, 2, 3, 4}, Options: map[string]string{optRegistry: "http://127.0.0.1:1"}}
		if _, err := NewEncoder(s); err != nil {
			t.Errorf("%s: %v: %s", topic, err, pgerr.Of(err).Detail)
		}
	}
}

func TestEncodeProtoAllocates(t *testing.T) {
	cols := columnsOf(t, everyColumn)
	r := rand.New(rand.NewPCG(1, 2))
	var values []string
	for _, c := range cols {
		values = append(values, protoValueText(r, c))
	}
	values[6] = "-1234567.50" // one of more than 18 digits is printed by math/big
	row := rowOf(t, cols, values...)
	e := encoderOf(t, EncodeSpec{Encode: "PROTOBUF", Columns: cols, Topic: "t", Options: map[string]string{optRegistry: "http://127.0.0.1:1"}})
	dst, err := e.Row(nil, row, 0)
	if err != nil {
		t.Fatal(err)
	}
	dst = append(dst, make([]byte, 64)...)
	if n := testing.AllocsPerRun(100, func() { dst, _ = e.Row(dst[:0], row, 0) }); n > 0 {
		t.Errorf("%v allocations a row", n)
	}
}

func BenchmarkEncodeProto(b *testing.B) {
	cols := columnsOf(b, "a int8, b text, c timestamptz, d numeric, e float8, f int4, g bool, h text")
	row := rowOf(b, cols, "1234567", "some text of middle length", "2001-02-03 04:05:06.789+00", "1234.50", "0.25", "42", "t", "more text")
	e := encoderOf(b, EncodeSpec{Encode: "PROTOBUF", Columns: cols, Topic: "t", Options: map[string]string{optRegistry: "http://127.0.0.1:1"}})
	dst, _ := e.Row(nil, row, 0)
	b.SetBytes(int64(len(dst)))
	b.ReportAllocs()
	for b.Loop() {
		dst, _ = e.Row(dst[:0], row, 0)
	}
}
