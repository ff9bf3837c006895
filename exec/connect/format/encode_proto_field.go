package format

import (
	"cmp"
	"math"
	"slices"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// protoOut is how a column is written into its field:
//
//	bool                                   bool, string
//	int2, int4                             any integer, enum (its number), string
//	int8                                   int64, sint64, sfixed64, unsigned integers, string
//	float4; float8                         float, double, string; double, string
//	numeric                                string, uint64, fixed64
//	timestamp, timestamptz                 google.protobuf.Timestamp, string
//	interval                               google.protobuf.Duration, string
//	bytea; uuid                            bytes, string
//	text                                   string, enum (its name)
//	an array of one of them                repeated, string
//	all others                             string
//
// string takes what PostgreSQL prints. Each scalar may also be in its wrapper of google.protobuf.
type protoOut struct {
	col             int
	name            string // of the column
	field, typeName string
	tag             []byte
	act             protoOutAct
	kind            protoreflect.Kind
	lo, hi          int64 // of integers that the field takes
	enum            map[string]int32
	elem            types.Type // of the array
	wrapped         *protoOut  // the field inside a wrapper
	repeated        bool
	packed          bool
	implicit        bool // a default is not written: the field has no presence
	required        bool
}

type protoOutAct uint8

const (
	outText     protoOutAct = iota // the value as it is printed
	outInt                         // an integer, a Boolean
	outUnsigned                    // a numeric into an unsigned integer
	outFloat
	outDouble
	outBytes // the value's own bytes
	outEnum  // by name
	outTime
	outSpan
)

// protoOuts finds the field of each column, by its name or its JSON name, in the order of their numbers.
func protoOuts(m protoreflect.MessageDescriptor, s EncodeSpec) ([]protoOut, error) {
	var outs []protoOut
	taken := map[protoreflect.FieldNumber]string{}
	oneofs := map[protoreflect.Name]string{}
	numbers := map[string]protoreflect.FieldNumber{}
	for _, c := range s.Cols {
		col := s.Columns[c]
		fd := m.Fields().ByName(protoreflect.Name(col.Name))
		if fd == nil {
			fd = m.Fields().ByJSONName(col.Name)
		}
		if fd == nil {
			return nil, pgerr.Newf(pgerr.DatatypeMismatch, "message \"%s\" has no field for column \"%s\"", m.FullName(), col.Name).
				WithHint("Leave the column out with CREATE SINK ... AS SELECT, or give it the name of a field.")
		}
		other, twice := taken[fd.Number()]
		if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() && !twice {
			other, twice = oneofs[o.Name()]
			oneofs[o.Name()] = col.Name
		}
		if twice {
			return nil, pgerr.Newf(pgerr.DatatypeMismatch, "columns \"%s\" and \"%s\" exclude each other in message \"%s\"", other, col.Name, m.FullName())
		}
		taken[fd.Number()], numbers[col.Name] = col.Name, fd.Number()
		f, err := protoOutOf(c, col, fd)
		if err != nil {
			return nil, err
		}
		outs = append(outs, f)
	}
	for i := range m.RequiredNumbers().Len() {
		if n := m.RequiredNumbers().Get(i); taken[n] == "" {
			return nil, pgerr.Newf(pgerr.DatatypeMismatch, "field \"%s\" is required, and there is no column for it", m.Fields().ByNumber(n).FullName())
		}
	}
	slices.SortFunc(outs, func(a, b protoOut) int { return cmp.Compare(numbers[a.name], numbers[b.name]) })
	return outs, nil
}

func protoOutOf(i int, col catalog.Column, fd protoreflect.FieldDescriptor) (protoOut, error) {
	f := protoOut{
		col: i, name: col.Name, field: string(fd.FullName()), typeName: protoTypeName(fd), kind: fd.Kind(),
		repeated: fd.IsList(), packed: fd.IsPacked(), implicit: !fd.HasPresence() && !fd.IsList(),
		required: fd.Cardinality() == protoreflect.Required,
	}
	wire := wireType(fd.Kind())
	if f.packed {
		wire = protowire.BytesType
	}
	f.tag = protowire.AppendTag(nil, fd.Number(), wire)
	t := col.Type
	ok := !fd.IsMap() && t.OID.IsArray() == fd.IsList() || !fd.IsList() && fd.Kind() == protoreflect.StringKind
	if fd.IsList() && ok {
		t = t.ElemType()
		f.elem = t
	}
	if ok {
		ok = f.accepts(t, fd)
	}
	if !ok {
		return f, pgerr.Newf(pgerr.DatatypeMismatch, "column \"%s\" of type %s does not fit field \"%s\" of type %s", col.Name, col.Type.OID, f.field, f.typeName).
			WithHint("Cast the column to %s.", protoColumnType(fd).OID)
	}
	return f, nil
}

// accepts decides how values of type t are written, if they can be.
func (f *protoOut) accepts(t types.Type, fd protoreflect.FieldDescriptor) bool {
	small := t.OID == types.Int2 || t.OID == types.Int4
	f.lo, f.hi = math.MinInt64, math.MaxInt64
	switch fd.Kind() {
	case protoreflect.StringKind:
		f.act = outText
		return true
	case protoreflect.BoolKind:
		f.act = outInt
		return t.OID == types.Bool
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		f.act = outInt
		return small
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		f.act = outInt
		return small || t.OID == types.Int8
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		f.act, f.lo, f.hi = outInt, 0, math.MaxUint32
		return small || t.OID == types.Int8
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		f.act, f.lo = outInt, 0
		if t.OID == types.Numeric {
			f.act = outUnsigned
		}
		return small || t.OID == types.Int8 || t.OID == types.Numeric
	case protoreflect.FloatKind:
		f.act = outFloat
		return t.OID == types.Float4
	case protoreflect.DoubleKind:
		f.act = outDouble
		return t.OID == types.Float4 || t.OID == types.Float8
	case protoreflect.BytesKind:
		f.act = outBytes
		return t.OID == types.Bytea || t.OID == types.UUID
	case protoreflect.EnumKind:
		return f.acceptsEnum(t, fd.Enum())
	case protoreflect.MessageKind:
		return f.acceptsMessage(t, fd.Message())
	}
	return false
}

func (f *protoOut) acceptsEnum(t types.Type, e protoreflect.EnumDescriptor) bool {
	switch t.OID {
	case types.Int2, types.Int4:
		f.act = outInt
		return true
	case types.Text, types.Varchar:
		f.act, f.enum = outEnum, map[string]int32{}
		for i := range e.Values().Len() {
			v := e.Values().Get(i)
			f.enum[string(v.Name())] = int32(v.Number())
		}
		return true
	}
	return false
}

func (f *protoOut) acceptsMessage(t types.Type, m protoreflect.MessageDescriptor) bool {
	if m.ParentFile().Package() != "google.protobuf" {
		return false
	}
	switch {
	case m.Name() == "Timestamp":
		f.act = outTime
		return t.OID == types.Timestamp || t.OID == types.TimestampTZ
	case m.Name() == "Duration":
		f.act = outSpan
		return t.OID == types.Interval
	case isWrapper(m):
		value := m.Fields().ByNumber(1)
		f.wrapped = &protoOut{name: f.name, field: f.field, typeName: f.typeName, kind: value.Kind(), implicit: true}
		f.wrapped.tag = protowire.AppendTag(nil, 1, wireType(value.Kind()))
		return f.wrapped.accepts(t, value)
	}
	return false
}
