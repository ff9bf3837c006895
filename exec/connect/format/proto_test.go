package format

import (
	"context"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

const everything = `syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/wrappers.proto";
import "google/protobuf/struct.proto";
message All {
  int32 i32 = 1; int64 i64 = 2; uint32 u32 = 3; uint64 u64 = 4; sint32 s32 = 5; sint64 s64 = 6;
  fixed32 f32 = 7; fixed64 f64 = 8; sfixed32 sf32 = 9; sfixed64 sf64 = 10;
  float fl = 11; double db = 12; bool b = 13; string str = 14; bytes by = 15;
  enum Colour { RED = 0; BLUE = 5; } Colour colour = 16;
  optional int32 maybe = 17; optional string name = 18;
  google.protobuf.Timestamp ts = 19; google.protobuf.Duration took = 20;
  google.protobuf.Int64Value boxed = 21; google.protobuf.Struct doc = 22;
  message Inner { string a = 1; repeated int32 n = 2; Inner next = 3; }
  Inner inner = 23; repeated Inner many = 24;
  repeated int32 nums = 25; repeated string words = 26 ; map<string, int64> counts = 27;
  oneof choice { int32 left = 28; string right = 29; Inner middle = 30; }
  int32 far = 5000; repeated google.protobuf.Timestamp times = 31;
}
message Other { int32 x = 1; message Deep { int32 y = 1; } }`

func protoSpec(source, message string, cols []catalog.Column) Spec {
	return Spec{Format: catalog.Format{Encode: "PROTOBUF", Options: map[string]string{"schema": source, "message": message}}, Columns: cols}
}

// messageOf compiles a message without this package.
func messageOf(t testing.TB, source, name string) protoreflect.MessageDescriptor {
	t.Helper()
	c := protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: protocompile.SourceAccessorFromMap(map[string]string{"f.proto": source})})}
	files, err := c.Compile(context.Background(), "f.proto")
	if err != nil {
		t.Fatal(err)
	}
	return files[0].FindDescriptorByName(protoreflect.FullName(name)).(protoreflect.MessageDescriptor)
}

// protoData encodes a message that is written as text.
func protoData(t testing.TB, m protoreflect.MessageDescriptor, text string) []byte {
	t.Helper()
	msg := dynamicpb.NewMessage(m)
	if err := prototext.Unmarshal([]byte(text), msg); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	data, err := proto.Marshal(msg)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestProtobuf(t *testing.T) {
	m := messageOf(t, everything, "shop.All")
	for _, tc := range []struct{ columns, text, want string }{
		{"i32 int4, i64 int8, s32 int4, s64 int8, sf32 int4, sf64 int8", "i32:-1 i64:-2 s32:-3 s64:-4 sf32:-5 sf64:-6", "-1|-2|-3|-4|-5|-6"},
		{"u32 int8, u64 numeric, f32 int8, f64 int8", "u32:4294967295 u64:18446744073709551615 f32:7 f64:8", "4294967295|18446744073709551615|7|8"},
		{"fl float4, db float8, b bool, str text, by bytea", `fl:0.1 db:2.5 b:true str:"é" by:"\x00\xff"`, `0.1|2.5|t|é|\x00ff`},
		{"fl float8, i32 float8, i32 numeric, i64 text, db text", "fl:0.5 i32:3 i64:4 db:1.5", "0.5|3|3|4|1.5"},
		{"colour text, c int4 = colour", "colour:BLUE", "BLUE|5"},
		{"str int4", `str:"42"`, "42"},
		{"str timestamptz", `str:"2024-02-29T12:00:00Z"`, "2024-02-29 12:00:00+00"},
		{"i64 timestamptz", "i64:1700000000123", "2023-11-14 22:13:20.123+00"},
		// What is not there.
		{"i32 int4, str text, b bool, colour text, db float8", "", "0||f|RED|0"},
		{"maybe int4, name text, ts timestamptz, boxed int8, inner jsonb, nope int4", "", "NULL|NULL|NULL|NULL|NULL|NULL"},
		{"maybe int4, name text", `maybe:0 name:""`, "0|"},
		{"nums _int4, words _text, counts jsonb", "", "{}|{}|{}"},
		// Messages.
		{"ts timestamptz, ts timestamp, took interval, ts text", "ts{seconds:1700000000 nanos:123456789} took{seconds:90 nanos:500000000}",
			"2023-11-14 22:13:20.123456+00|2023-11-14 22:13:20.123456|00:01:30.5|2023-11-14T22:13:20.123456789Z"},
		{"boxed int8", "boxed{}", "0"},
		{"boxed int8", "boxed{value:7}", "7"},
		{"boxed jsonb, ts jsonb", "boxed{value:7} ts{seconds:1}", `7|"1970-01-01T00:00:01Z"`},
		{"doc jsonb", `doc{fields{key:"k" value{number_value:1}}}`, `{"k": 1}`},
		{"inner jsonb", `inner{a:"x" n:[1,2] next{a:"y"}}`, `{"a": "x", "n": [1, 2], "next": {"a": "y", "n": []}}`},
		{"x text = inner.a, y _int4 = inner.n, z text = inner.next.a, w int4 = inner.nope, inner jsonb", `inner{a:"x" n:[1,2]}`, `x|{1,2}|NULL|NULL|{"a": "x", "n": [1, 2]}`},
		{"x text = inner.a, z text = inner.next.a", ``, `NULL|NULL`},
		{"many jsonb", `many{a:"x"} many{a:"y"}`, `[{"a": "x", "n": []}, {"a": "y", "n": []}]`},
		{"nums _int4, nums jsonb, words _text", `nums:[1,2,3] words:["a","b c"]`, `{1,2,3}|[1, 2, 3]|{a,"b c"}`},
		{"times _timestamptz", `times{seconds:1} times{seconds:2}`, `{"1970-01-01 00:00:01+00","1970-01-01 00:00:02+00"}`},
		{"counts jsonb", `counts{key:"b" value:2} counts{key:"a" value:9007199254740993}`, `{"a": 9007199254740993, "b": 2}`},
		{"left int4, right text, middle jsonb", `right:"r"`, "NULL|r|NULL"},
		{"far int4", "far:9", "9"},
	} {
		cols := columnsOf(t, tc.columns)
		got, err := decodeOne(t, protoSpec(everything, "shop.All", cols), protoData(t, m, tc.text))
		if err != nil || got != tc.want {
			t.Errorf("%s from %s: got %s, %v, want %s", tc.columns, tc.text, got, err, tc.want)
		}
	}
}

// What the wire format allows and encoders rarely write: fields again, in pieces, and unpacked.
func TestProtobufWire(t *testing.T) {
	m := messageOf(t, everything, "shop.All")
	join := func(texts ...string) (data []byte) {
		for _, text := range texts {
			data = append(data, protoData(t, m, text)...)
		}
		return data
	}
	for _, tc := range []struct {
		columns string
		data    []byte
		want    string
	}{
		{"i32 int4, str text", join(`i32:1 str:"a"`, `i32:2`, `str:"bc"`), "2|bc"},
		{"x text = inner.a, y _int4 = inner.n", join(`inner{a:"x" n:1}`, `inner{n:2}`), "x|{1,2}"},
		{"left int4, right text", join(`left:1`, `right:"r"`), "NULL|r"},
		{"left int4", join(`left:1`, `right:"r"`), "NULL"},
		{"left int4, right text, x text = middle.a", join(`middle{a:"m"}`, `left:3`), "3|NULL|NULL"},
		{"middle jsonb, right text", join(`middle{a:"m"}`, `right:"r"`), "NULL|r"},
		{"nums _int4", append(join("nums:1"), 0xc8, 0x01, 5), "{1,5}"},
	} {
		got, err := decodeOne(t, protoSpec(everything, "All", columnsOf(t, tc.columns)), tc.data)
		if err != nil || got != tc.want {
			t.Errorf("%s: got %s, %v, want %s", tc.columns, got, err, tc.want)
		}
	}
}

// Groups of proto2, and messages that editions write like them.
func TestProtobufGroups(t *testing.T) {
	for _, source := range []string{
		`syntax = "proto2"; message M { optional group Inner = 1 { optional int32 a = 1; optional string b = 2; } optional int32 z = 3; }`,
		`edition = "2023"; message M { message Inner { int32 a = 1; string b = 2; } Inner inner = 1 [features.message_encoding = DELIMITED]; int32 z = 3; }`,
	} {
		m := messageOf(t, source, "M")
		for text, want := range map[string]string{
			`z:3`: "NULL|NULL|NULL|3",
			m.Fields().ByNumber(1).TextName() + `{a:7 b:"x"} z:3`: `7|x|{"a": 7, "b": "x"}|3`,
		} {
			got, err := decodeOne(t, protoSpec(source, "", columnsOf(t, "x int4 = inner.a, y text = inner.b, inner jsonb, z int4")), protoData(t, m, text))
			if err != nil || got != want {
				t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
			}
		}
	}
}

func TestProtobufRefuses(t *testing.T) {
	m := messageOf(t, everything, "shop.All")
	for _, tc := range []struct {
		source, message, columns string
		data                     []byte
		code, want               string
	}{
		{everything, "", "i32 int4", nil, pgerr.InvalidParameterValue, `needs the parameter "message"`},
		{everything, "Nope", "i32 int4", nil, pgerr.InvalidParameterValue, `schema has no message "Nope"`},
		{"message {", "", "i32 int4", nil, pgerr.InvalidParameterValue, "invalid schema for ENCODE PROTOBUF"},
		{everything, "All", "b timestamptz", nil, pgerr.DatatypeMismatch, `field "shop.All.b" of type bool does not fit column "b"`},
		{everything, "All", "db int4", nil, pgerr.DatatypeMismatch, "does not fit"},
		{everything, "All", "inner int4", nil, pgerr.DatatypeMismatch, "does not fit"},
		{everything, "All", "i64 int2", protoData(t, m, "i64:40000"), pgerr.NumericValueOutOfRange, "smallint out of range"},
		{everything, "All", "u64 int8", protoData(t, m, "u64:18446744073709551615"), pgerr.NumericValueOutOfRange, "bigint out of range"},
		{everything, "All", "str text", []byte{14<<3 | 2, 1, 0xff}, pgerr.CharacterNotInRepertoire, "invalid byte sequence"},
		{everything, "All", "str text", []byte{14<<3 | 2, 9, 'x'}, pgerr.InvalidBinaryRepr, "damaged"},
		{everything, "All", "str text", []byte{0xff}, pgerr.InvalidBinaryRepr, "damaged"},
		{everything, "All", "ts timestamptz", protoData(t, m, "ts{seconds:-99999999999999}"), pgerr.DatetimeFieldOverflow, "out of range"},
	} {
		_, err := decodeOne(t, protoSpec(tc.source, tc.message, columnsOf(t, tc.columns)), tc.data)
		if !pgerr.Is(err, tc.code) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v (%s), want %s", tc.columns, err, pgerr.Of(err).Code, tc.want)
		}
	}
}

// A compiled schema does as well as its source, and nested messages are found by name.
func TestProtobufDescriptorSet(t *testing.T) {
	m := messageOf(t, everything, "shop.All")
	var set descriptorpb.FileDescriptorSet
	f := m.ParentFile()
	for i := range f.Imports().Len() {
		set.File = append(set.File, protodesc.ToFileDescriptorProto(f.Imports().Get(i).FileDescriptor))
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
	text, err := proto.Marshal(&set)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeOne(t, protoSpec(string(text), "shop.All", columnsOf(t, "i32 int4")), protoData(t, m, "i32:6"))
	if err != nil || got != "6" {
		t.Errorf("got %s, %v", got, err)
	}
	got, err = decodeOne(t, protoSpec(everything, "Other.Deep", columnsOf(t, "y int4")), []byte{8, 3})
	if err != nil || got != "3" {
		t.Errorf("got %s, %v", got, err)
	}
}

// FuzzProtobuf holds the decoder against protobuf-go: they take the same records, and read the same scalars.
func FuzzProtobuf(f *testing.F) {
	m := messageOf(f, everything, "shop.All")
	f.Add(protoData(f, m, `i32:1 str:"x" nums:[1,2] inner{a:"y"} counts{key:"k" value:1} ts{seconds:5} left:3 far:2 boxed{value:1}`))
	f.Add([]byte{0xc8, 0x01, 5, 0xca, 0x01, 1, 7})
	f.Add([]byte("\xda\x01\x05\n\x010\b0")) // a map's key twice, the second time as a number
	cols := columnsOf(f, "i32 int4, u64 numeric, str text, nums _int4, x text = inner.a, counts jsonb, ts timestamptz, left int4, right text, far int4, colour text, boxed int8, inner jsonb")
	spec := protoSpec(everything, "shop.All", cols)
	f.Fuzz(func(t *testing.T, data []byte) {
		checkFuzzed(t, spec, nil, data)
		msg := dynamicpb.NewMessage(m)
		if unmarshalProto(data, msg) != nil {
			return
		}
		d, err := New(spec)
		if err != nil {
			t.Fatal(err)
		}
		b := newTestBatch(cols)
		if d.Decode(nil, data, b) != nil {
			return // a value that its column does not take
		}
		fields := m.Fields()
		if got, want := b.Cols[0].I64[0], msg.Get(fields.ByName("i32")).Int(); got != want {
			t.Fatalf("i32 is %d, want %d", got, want)
		}
		if got, want := b.Cols[2].Str(0), msg.Get(fields.ByName("str")).String(); got != want {
			t.Fatalf("str is %q, want %q", got, want)
		}
		left := fields.ByName("left")
		if got, want := !b.Cols[7].IsNull(0), msg.Has(left); got != want || got && b.Cols[7].I64[0] != msg.Get(left).Int() {
			t.Fatalf("left is there: %v, want %v", got, want)
		}
	})
}
