package format

import (
	"bytes"
	"math"
	"slices"
	"strconv"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// finishCollected reads the occurrences of a field that were kept, and fills its column.
func (d *protoRows) finishCollected(p *protoProgram, f *protoField, there bool) error {
	col := d.cols[f.col]
	if !there && f.absent != absentDefault && f.desc.Cardinality() != protoreflect.Repeated {
		col.AppendNull()
		return nil
	}
	m := dynamicpb.NewMessage(p.desc)
	if there {
		if err := unmarshalProto(f.kept, m); err != nil {
			return err
		}
	}
	v := m.Get(f.desc)
	if f.desc.Cardinality() != protoreflect.Repeated && f.desc.HasPresence() && !m.Has(f.desc) { // a later member of its oneof
		col.AppendNull()
		return nil
	}
	d.scratch = d.scratch[:0]
	var err error
	switch {
	case f.c.kind == kindArray:
		err = d.protoArray(f, v.List())
	case f.desc.Message() != nil && isWellKnownScalar(f.desc.Message()) && f.c.kind != kindJSON && !f.desc.IsList():
		d.scratch, err = appendProtoText(d.scratch, f.desc, v)
	default:
		d.scratch, err = appendProtoJSON(d.scratch, f.desc, v)
	}
	if err != nil {
		return err
	}
	return appendValidText(col, f.c.typ, d.scratch)
}

// unmarshalProto reads a message by the module, which panics where the key or value of a map's entry comes twice, the
// second time with another wire type.
func unmarshalProto(b []byte, m *dynamicpb.Message) (err error) {
	defer func() {
		if recover() != nil {
			err = errProto
		}
	}()
	if (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(b, m) != nil {
		return errProto
	}
	return nil
}

// protoArray appends an array as PostgreSQL writes it.
func (d *protoRows) protoArray(f *protoField, list protoreflect.List) error {
	d.scratch = append(d.scratch, '{')
	elem := f.c.elem.OID
	instant := elem == types.TimestampTZ || elem == types.Timestamp || elem == types.Interval
	var text []byte
	var err error
	for i := range list.Len() {
		if i > 0 {
			d.scratch = append(d.scratch, ',')
		}
		if text, err = appendProtoText(text[:0], f.desc, list.Get(i)); err != nil {
			return err
		}
		if instant && f.desc.Message() != nil {
			text = dropNanos(text)
		}
		d.scratch = appendElement(d.scratch, text)
	}
	d.scratch = append(d.scratch, '}')
	return nil
}

// dropNanos takes the nanoseconds from the JSON of a Timestamp or Duration: a time belongs to the microsecond that holds it,
// and the input functions would round it.
func dropNanos(text []byte) []byte {
	point := bytes.IndexByte(text, '.')
	if point < 0 || len(text)-point != len(".123456789Z") {
		return text
	}
	return append(text[:point+7], text[len(text)-1])
}

// appendProtoScalar appends the text of a scalar as it comes from the wire.
func appendProtoScalar(dst []byte, fd protoreflect.FieldDescriptor, v uint64, raw []byte) []byte {
	switch k := fd.Kind(); k {
	case protoreflect.StringKind:
		return append(dst, raw...)
	case protoreflect.BytesKind:
		return types.AppendByteaText(dst, raw)
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, v != 0)
	case protoreflect.FloatKind:
		return types.AppendF64Text(dst, types.T(types.Float4), floatOf(k, v))
	case protoreflect.DoubleKind:
		return types.AppendF64Text(dst, types.T(types.Float8), floatOf(k, v))
	case protoreflect.EnumKind:
		return appendEnum(dst, fd, protoreflect.EnumNumber(int32(v)))
	default:
		if unsigned64(k, v) {
			return strconv.AppendUint(dst, v, 10)
		}
		return strconv.AppendInt(dst, signed(k, v), 10)
	}
}

func appendEnum(dst []byte, fd protoreflect.FieldDescriptor, n protoreflect.EnumNumber) []byte {
	if e := fd.Enum().Values().ByNumber(n); e != nil {
		return append(dst, e.Name()...)
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

// appendProtoText appends the text of one value: what PostgreSQL prints for the type that holds it best.
func appendProtoText(dst []byte, fd protoreflect.FieldDescriptor, v protoreflect.Value) ([]byte, error) {
	switch k := fd.Kind(); k {
	case protoreflect.StringKind:
		return append(dst, v.String()...), nil
	case protoreflect.BytesKind:
		return types.AppendByteaText(dst, v.Bytes()), nil
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, v.Bool()), nil
	case protoreflect.FloatKind:
		return types.AppendF64Text(dst, types.T(types.Float4), v.Float()), nil
	case protoreflect.DoubleKind:
		return types.AppendF64Text(dst, types.T(types.Float8), v.Float()), nil
	case protoreflect.EnumKind:
		return appendEnum(dst, fd, v.Enum()), nil
	case protoreflect.MessageKind, protoreflect.GroupKind:
		m := fd.Message()
		if isWrapper(m) {
			value := m.Fields().ByNumber(1)
			return appendProtoText(dst, value, v.Message().Get(value))
		}
		return wellKnown(dst, v.Message(), true)
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	}
	return strconv.AppendInt(dst, v.Int(), 10), nil
}

// wellKnown appends the JSON of a message of google.protobuf, without its quotes if bare.
func wellKnown(dst []byte, m protoreflect.Message, bare bool) ([]byte, error) {
	text, err := protojson.MarshalOptions{AllowPartial: true}.Marshal(m.Interface())
	if err != nil {
		return dst, pgerr.Newf(pgerr.InvalidBinaryRepr, "invalid value of type %s", m.Descriptor().FullName()).WithDetail("%v", err)
	}
	if bare && len(text) > 1 && text[0] == '"' {
		text = text[1 : len(text)-1] // times have nothing to escape
	}
	return append(dst, text...), nil
}

// appendProtoJSON appends a field's value as JSON: fields by their own names, numbers as numbers, bytes as bytea is
// written, and the messages of google.protobuf as their JSON mapping says.
func appendProtoJSON(dst []byte, fd protoreflect.FieldDescriptor, v protoreflect.Value) ([]byte, error) {
	var err error
	switch {
	case fd.IsMap():
		return appendProtoMap(dst, fd, v.Map())
	case fd.IsList():
		dst = append(dst, '[')
		for i := range v.List().Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendProtoValue(dst, fd, v.List().Get(i)); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	}
	return appendProtoValue(dst, fd, v)
}

// appendProtoMap appends a map by ascending keys.
func appendProtoMap(dst []byte, fd protoreflect.FieldDescriptor, m protoreflect.Map) ([]byte, error) {
	type entry struct {
		key   string
		value protoreflect.Value
	}
	var entries []entry
	m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		entries = append(entries, entry{k.String(), v})
		return true
	})
	slices.SortFunc(entries, func(a, b entry) int {
		if a.key < b.key {
			return -1
		}
		return 1
	})
	dst = append(dst, '{')
	var err error
	for i, e := range entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(types.AppendJSONString(dst, e.key), ':')
		if dst, err = appendProtoValue(dst, fd.MapValue(), e.value); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// appendProtoValue appends one value as JSON.
func appendProtoValue(dst []byte, fd protoreflect.FieldDescriptor, v protoreflect.Value) ([]byte, error) {
	switch k := fd.Kind(); k {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return appendProtoMessage(dst, v.Message())
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.EnumKind:
		text, err := appendProtoText(nil, fd, v)
		return types.AppendJSONString(dst, types.Str(text)), err
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			text, err := appendProtoText(nil, fd, v)
			return types.AppendJSONString(dst, types.Str(text)), err
		}
	}
	return appendProtoText(dst, fd, v)
}

func appendProtoMessage(dst []byte, m protoreflect.Message) ([]byte, error) {
	d := m.Descriptor()
	if d.ParentFile().Package() == "google.protobuf" {
		if isWrapper(d) {
			value := d.Fields().ByNumber(1)
			return appendProtoValue(dst, value, m.Get(value))
		}
		return wellKnown(dst, m, false)
	}
	dst = append(dst, '{')
	first := true
	var err error
	for i := range d.Fields().Len() {
		fd := d.Fields().Get(i)
		if fd.HasPresence() && !m.Has(fd) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(types.AppendJSONString(dst, string(fd.Name())), ':')
		if dst, err = appendProtoJSON(dst, fd, m.Get(fd)); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}
