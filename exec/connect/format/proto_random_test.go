package format

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// protoRandom makes random schemas, messages and columns.
type protoRandom struct {
	avroRandom
	proto2 bool
}

var protoScalars = []string{"int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64",
	"float", "double", "bool", "string", "bytes", "E"}

// message makes the source of a message. Its lists are written as pack says, so that the same schema can be written in two ways.
func (r *protoRandom) message(name string, depth int) string {
	var s strings.Builder
	numbers := r.Perm(40)
	number := func() int { // small ones, and some of two bytes
		n := numbers[0] + 1
		if numbers = numbers[1:]; n > 30 {
			n *= 71
		}
		return n
	}
	label := func() string {
		if r.proto2 {
			return r.pick("optional ", "optional ", "required ")
		}
		return r.pick("", "", "optional ")
	}
	fmt.Fprintf(&s, "message %s {\n", name)
	for range 1 + r.IntN(10) {
		field := r.newName("f")
		switch r.IntN(12) {
		case 0:
			fmt.Fprintf(&s, "repeated %s %s = %d [packed=PACKED];\n", r.pick(protoScalars[:13]...), field, number())
		case 1:
			fmt.Fprintf(&s, "repeated %s %s = %d;\n", r.pick("string", "bytes", "google.protobuf.Timestamp"), field, number())
		case 2:
			fmt.Fprintf(&s, "map<%s, %s> %s = %d;\n", r.pick("string", "int32", "sint64", "bool", "fixed64"), r.pick(protoScalars...), field, number())
		case 3:
			fmt.Fprintf(&s, "optional google.protobuf.%s %s = %d;\n", r.pick("Timestamp", "Duration", "Int64Value", "UInt32Value", "StringValue", "DoubleValue", "BoolValue", "BytesValue"), field, number())
		case 4:
			fmt.Fprintf(&s, "oneof %s { string %[1]sa = %[2]d; int64 %[1]sb = %[3]d; google.protobuf.Int32Value %[1]sc = %[4]d; }\n", field, number(), number(), number())
		case 5, 6:
			if depth > 0 {
				below := "M" + field
				s.WriteString(r.message(below, depth-1))
				fmt.Fprintf(&s, "%s%s %s = %d;\n", r.pick("optional ", "optional ", "repeated "), below, field, number())
			}
		default:
			fmt.Fprintf(&s, "%s%s %s = %d;\n", label(), r.pick(protoScalars...), field, number())
		}
	}
	s.WriteString("}\n")
	return s.String()
}

func (r *protoRandom) source() string {
	syntax := "proto3"
	if r.proto2 {
		syntax = "proto2"
	}
	return fmt.Sprintf("syntax = %q;\nimport \"google/protobuf/timestamp.proto\"; import \"google/protobuf/duration.proto\"; import \"google/protobuf/wrappers.proto\";\n"+
		"enum E { A = 0; B = 7; C = -3; }\n", syntax) + r.message("M", 2)
}

// value makes a value of a field that is no list and no map.
func (r *protoRandom) value(fd protoreflect.FieldDescriptor, m protoreflect.Message) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(r.IntN(2) == 0)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(r.integer(32)))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(r.integer(64))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(r.integer(32)))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(r.integer(64)))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(r.NormFloat64()))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(r.NormFloat64())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(r.string())
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(r.string()))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum([]protoreflect.EnumNumber{0, 7, -3}[r.IntN(3)])
	}
	below := m.NewField(fd)
	if fd.IsList() {
		below = m.NewField(fd).List().NewElement()
	} else if fd.IsMap() {
		below = m.NewField(fd).Map().NewValue()
	}
	if d := fd.Message(); d.FullName() == "google.protobuf.Timestamp" || d.FullName() == "google.protobuf.Duration" {
		below.Message().Set(d.Fields().ByNumber(1), protoreflect.ValueOfInt64(r.Int64N(1<<32)))
		below.Message().Set(d.Fields().ByNumber(2), protoreflect.ValueOfInt32(r.Int32N(1e9)))
		return below
	}
	r.fill(below.Message())
	return below
}

// fill sets some of the fields of a message, and all that must be.
func (r *protoRandom) fill(m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		switch {
		case fd.Cardinality() != protoreflect.Required && r.IntN(3) == 0:
		case fd.IsMap():
			for range r.IntN(4) {
				m.Mutable(fd).Map().Set(r.value(fd.MapKey(), m).MapKey(), r.value(fd.MapValue(), m))
			}
		case fd.IsList():
			for range r.IntN(4) {
				m.Mutable(fd).List().Append(r.value(fd, m))
			}
		default:
			m.Set(fd, r.value(fd, m))
		}
	}
}

// columns declares columns for some fields of a message, and tells what they hold; m is nil where the message is not there.
func (r *protoRandom) columns(t *testing.T, d protoreflect.MessageDescriptor, m protoreflect.Message, path string, cols []catalog.Column, want []string) ([]catalog.Column, []string) {
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		null := m == nil || fd.HasPresence() && !m.Has(fd)
		var v protoreflect.Value
		if !null {
			v = m.Get(fd)
		}
		for range r.IntN(3) {
			typ, text := protoColumnType(fd), ""
			if !fd.IsMap() && !fd.IsList() {
				switch {
				case fd.Message() != nil || r.IntN(2) == 0:
				case isInteger(fd.Kind()):
					typ = types.T([]types.OID{types.Numeric, types.Text, typ.OID}[r.IntN(3)])
				case fd.Kind() == protoreflect.StringKind, fd.Kind() == protoreflect.BoolKind, fd.Kind() == protoreflect.EnumKind:
					typ = types.T(types.Varchar)
				}
			}
			if typ.OID == types.JSONB || r.IntN(4) == 0 {
				typ = types.T(types.JSONB)
				if !null {
					text = documentOf(t, fd, v)
				}
			} else if !null {
				text = protoShown(fd, v)
			}
			at := r.IntN(len(cols) + 1)
			cols = slices.Insert(cols, at, catalog.Column{Name: r.newName("k"), Type: typ, Path: path + string(fd.Name())})
			want = slices.Insert(want, at, shownIn(t, typ, text, null))
		}
		if below := fd.Message(); below != nil && !fd.IsMap() && !fd.IsList() && below.ParentFile().Package() != "google.protobuf" && r.IntN(2) == 0 {
			var inner protoreflect.Message
			if !null {
				inner = v.Message()
			}
			cols, want = r.columns(t, below, inner, path+string(fd.Name())+".", cols, want)
		}
	}
	return cols, want
}

// protoShown is the text of a value, or of an array of them, in the type of column that holds it best.
func protoShown(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	if fd.IsList() {
		var items []string
		for i := range v.List().Len() {
			items = append(items, `"`+strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(protoShown1(fd, v.List().Get(i)))+`"`)
		}
		return "{" + strings.Join(items, ",") + "}"
	}
	return protoShown1(fd, v)
}

func protoShown1(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch fd.Kind() {
	case protoreflect.BytesKind:
		return fmt.Sprintf(`\x%x`, v.Bytes())
	case protoreflect.FloatKind:
		return strconv.FormatFloat(v.Float(), 'g', -1, 32)
	case protoreflect.DoubleKind:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case protoreflect.EnumKind:
		return string(fd.Enum().Values().ByNumber(v.Enum()).Name())
	case protoreflect.MessageKind:
		m, fields := v.Message(), fd.Message().Fields()
		switch fd.Message().Name() {
		case "Timestamp":
			return time.Unix(m.Get(fields.ByNumber(1)).Int(), m.Get(fields.ByNumber(2)).Int()/1000*1000).UTC().Format("2006-01-02 15:04:05.999999+00")
		case "Duration":
			return fmt.Sprintf("%d seconds %d microseconds", m.Get(fields.ByNumber(1)).Int(), m.Get(fields.ByNumber(2)).Int()/1000)
		}
		return protoShown1(fields.ByNumber(1), m.Get(fields.ByNumber(1)))
	}
	return fmt.Sprint(v.Interface())
}

// documentOf is a value as JSON.
func documentOf(t *testing.T, fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	text, err := json.Marshal(protoDocument(t, fd, v))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func protoDocument(t *testing.T, fd protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch {
	case fd.IsMap():
		all := map[string]any{}
		v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
			all[k.String()] = protoDocument(t, fd.MapValue(), v)
			return true
		})
		return all
	case fd.IsList():
		all := []any{}
		for i := range v.List().Len() {
			all = append(all, protoDocument1(t, fd, v.List().Get(i)))
		}
		return all
	}
	return protoDocument1(t, fd, v)
}

func protoDocument1(t *testing.T, fd protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return v.Bool()
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.EnumKind:
		return protoShown1(fd, v)
	case protoreflect.FloatKind:
		return json.Number(strconv.FormatFloat(v.Float(), 'f', -1, 32))
	case protoreflect.DoubleKind:
		return json.Number(strconv.FormatFloat(v.Float(), 'f', -1, 64))
	case protoreflect.MessageKind:
		m := v.Message()
		d := m.Descriptor()
		if d.ParentFile().Package() == "google.protobuf" {
			if isWrapper(d) {
				return protoDocument(t, d.Fields().ByNumber(1), m.Get(d.Fields().ByNumber(1)))
			}
			text, err := protojson.Marshal(m.Interface())
			if err != nil {
				t.Fatal(err)
			}
			return json.RawMessage(text)
		}
		all := map[string]any{}
		for i := range d.Fields().Len() {
			if f := d.Fields().Get(i); !f.HasPresence() || m.Has(f) {
				all[string(f.Name())] = protoDocument(t, f, m.Get(f))
			}
		}
		return all
	}
	return json.Number(protoShown1(fd, v))
}

// TestProtobufRandom decodes records of random schemas as protobuf-go does: messages in one piece or two, that follow
// each other as the wire format allows, lists written packed or not, and fields that the schema does not know.
func TestProtobufRandom(t *testing.T) {
	for _, seed := range seeds(300) {
		r := &protoRandom{avroRandom: avroRandom{Rand: rand.New(rand.NewPCG(seed, 2))}, proto2: seed%2 == 1}
		template := r.source()
		source := strings.ReplaceAll(template, "PACKED", "true")
		writer := messageOf(t, strings.ReplaceAll(template, "PACKED", r.pick("true", "false")), "M")
		var data []byte
		for range 1 + r.IntN(2) {
			m := dynamicpb.NewMessage(writer)
			r.fill(m)
			part, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			data = append(data, part...)
			data = protowire.AppendBytes(protowire.AppendTag(data, protowire.Number(100_000+r.IntN(1000)), protowire.BytesType), []byte("?"))
			data = protowire.AppendVarint(protowire.AppendTag(data, 19_999, protowire.VarintType), math.MaxUint64)
		}
		read := dynamicpb.NewMessage(messageOf(t, source, "M"))
		if err := proto.Unmarshal(data, read); err != nil {
			t.Fatal(err)
		}
		cols, want := r.columns(t, read.Descriptor(), read, "", nil, nil)
		got, err := decodeOne(t, protoSpec(source, "M", cols), data)
		if err != nil || got != strings.Join(want, "|") {
			t.Fatalf("seed %d: %v\n%s\nmessage %v\ncolumns %v\n got %s\nwant %s", seed, err, source, read, cols, got, strings.Join(want, "|"))
		}
	}
}
