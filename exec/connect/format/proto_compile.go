package format

import (
	"math"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// protoProgram is what to do with the fields of a message.
type protoProgram struct {
	desc  protoreflect.MessageDescriptor
	dense []*protoField // by number, up to maxDense
	other map[protowire.Number]*protoField
	all   []*protoField
	// missing are the columns that the message has no field for.
	missing []int
}

// maxDense is the largest field number that is looked up in a slice.
const maxDense = 255

type protoAct uint8

const (
	protoInt     protoAct = iota // into an integer column, within [lo, hi]
	protoInstant                 // a count since 1970 into a timestamp column
	protoBool
	protoFloat   // float, double or an integer into float8
	protoText    // string into text
	protoBytes   // bytes into bytea
	protoUUID    // 16 bytes into uuid
	protoEnum    // enum into text
	protoScalar  // any scalar by its text
	protoTime    // google.protobuf.Timestamp
	protoSpan    // google.protobuf.Duration
	protoMessage // fields below it
	protoUnset   // no column, but a oneof with others that have
	protoCollect // repeated fields, maps and messages: kept until the record's end
)

// protoField is one column (or the columns below a message) and the field that fills it.
type protoField struct {
	act      protoAct
	num      protowire.Number
	wire     protowire.Type
	kind     protoreflect.Kind
	desc     protoreflect.FieldDescriptor
	col      int // -1: none
	c        *column
	lo, hi   int64
	absent   absentValue
	sub      *protoProgram
	siblings []*protoField // of the same oneof
	next     *protoField   // another reader of the same field

	gen  uint64 // the last record that had the field
	kept []byte // its occurrences as they came, where it is collected
}

// absentValue is what a column holds when the record does not have its field.
type absentValue uint8

const (
	absentNull absentValue = iota
	absentDefault
)

type protoCompiler struct{ depth int }

// compileProto makes the program for a message and the columns wanted of it.
func compileProto(m protoreflect.MessageDescriptor, want *object) (*protoProgram, error) {
	c := protoCompiler{}
	return c.message(m, want)
}

func (c *protoCompiler) message(m protoreflect.MessageDescriptor, want *object) (*protoProgram, error) {
	if c.depth++; c.depth > maxDepth {
		return nil, pgerr.New(pgerr.StatementTooComplex, "schema is nested too deeply")
	}
	defer func() { c.depth-- }()
	p := &protoProgram{desc: m, other: map[protowire.Number]*protoField{}}
	oneofs := map[protoreflect.OneofDescriptor][]*protoField{}
	for _, t := range want.targets {
		fd := fieldOf(m, want, t)
		if fd == nil {
			p.missing = append(p.missing, t.allColumns()...)
			continue
		}
		fields, err := c.field(fd, t)
		if err != nil {
			return nil, err
		}
		for _, f := range fields {
			p.add(f)
			if o := fd.ContainingOneof(); o != nil && !o.IsSynthetic() {
				oneofs[o] = append(oneofs[o], f)
			}
		}
	}
	for o, group := range oneofs {
		for i := range o.Fields().Len() {
			if fd := o.Fields().Get(i); p.find(uint64(fd.Number())) == nil {
				f := c.newField(fd, nil)
				f.act = protoUnset
				p.put(f)
				group = append(group, f)
			}
		}
		for _, f := range group {
			for _, s := range group {
				if s.num != f.num {
					f.siblings = append(f.siblings, s)
				}
			}
		}
	}
	return p, nil
}

// fieldOf finds the field for a target: by its exact name, its JSON name, else without regard to case.
func fieldOf(m protoreflect.MessageDescriptor, want *object, t *target) protoreflect.FieldDescriptor {
	fields := m.Fields()
	if fd := fields.ByName(protoreflect.Name(t.name)); fd != nil {
		return fd
	}
	if fd := fields.ByJSONName(t.name); fd != nil {
		return fd
	}
	for i := range fields.Len() {
		if fd := fields.Get(i); want.lookup(string(fd.Name())) == t || want.lookup(fd.JSONName()) == t {
			return fd
		}
	}
	return nil
}

func (p *protoProgram) add(f *protoField) {
	p.all = append(p.all, f)
	p.put(f)
}

// put makes a reader one that find returns.
func (p *protoProgram) put(f *protoField) {
	if f.num <= maxDense {
		for len(p.dense) <= int(f.num) {
			p.dense = append(p.dense, nil)
		}
		f.next, p.dense[f.num] = p.dense[f.num], f
		return
	}
	f.next, p.other[f.num] = p.other[f.num], f
}

// find returns the first reader of a field, nil if nobody wants it.
func (p *protoProgram) find(num uint64) *protoField {
	if num < uint64(len(p.dense)) {
		return p.dense[num]
	}
	if len(p.other) == 0 || num > uint64(protowire.MaxValidNumber) {
		return nil
	}
	return p.other[protowire.Number(num)]
}

// field makes the readers of one field: one a column, and one for the columns below it.
func (c *protoCompiler) field(fd protoreflect.FieldDescriptor, t *target) ([]*protoField, error) {
	var out []*protoField
	for i := range t.columns {
		f, err := c.leaf(fd, &t.columns[i])
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	if t.child == nil {
		return out, nil
	}
	f := c.newField(fd, nil)
	f.act = protoMessage
	if fd.Message() == nil || fd.Cardinality() == protoreflect.Repeated {
		f.sub = &protoProgram{missing: (&target{child: t.child}).allColumns()} // a path ends at what is no message
		return append(out, f), nil
	}
	var err error
	f.sub, err = c.message(fd.Message(), t.child)
	return append(out, f), err
}

func (c *protoCompiler) newField(fd protoreflect.FieldDescriptor, col *column) *protoField {
	f := &protoField{num: fd.Number(), kind: fd.Kind(), desc: fd, col: -1, c: col, wire: wireType(fd.Kind())}
	if col != nil {
		f.col = col.index
	}
	if !fd.HasPresence() && fd.Cardinality() != protoreflect.Repeated {
		f.absent = absentDefault
	}
	return f
}

func wireType(k protoreflect.Kind) protowire.Type {
	switch k {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}

// leaf makes the reader of a field into a column.
func (c *protoCompiler) leaf(fd protoreflect.FieldDescriptor, col *column) (*protoField, error) {
	f := c.newField(fd, col)
	if m := fd.Message(); m != nil && fd.Cardinality() != protoreflect.Repeated && m.ParentFile().Package() == "google.protobuf" {
		switch instant := col.typ.OID == types.TimestampTZ || col.typ.OID == types.Timestamp; {
		case m.Name() == "Timestamp" && instant:
			f.act = protoTime
			return f, nil
		case m.Name() == "Duration" && col.typ.OID == types.Interval:
			f.act = protoSpan
			return f, nil
		case isWrapper(m) && col.kind != kindJSON:
			below := newObject()
			below.add([]string{"value"}, *col)
			below.index()
			f.act, f.col = protoMessage, -1
			var err error
			f.sub, err = c.message(m, below)
			return f, err
		}
	}
	var ok bool
	if f.act, ok = protoActOf(fd, col); !ok {
		return nil, pgerr.Newf(pgerr.DatatypeMismatch, "field \"%s\" of type %s does not fit column \"%s\" of type %s",
			fd.FullName(), protoTypeName(fd), col.name, col.typ.OID).
			WithHint("Declare the column as %s.", protoColumnType(fd).OID)
	}
	f.lo, f.hi = intRange(col.typ.OID)
	return f, nil
}

func isWrapper(m protoreflect.MessageDescriptor) bool {
	switch m.Name() {
	case "DoubleValue", "FloatValue", "Int64Value", "UInt64Value", "Int32Value", "UInt32Value", "BoolValue", "StringValue", "BytesValue":
		return m.ParentFile().Package() == "google.protobuf"
	}
	return false
}

func protoTypeName(fd protoreflect.FieldDescriptor) string {
	name := fd.Kind().String()
	if m := fd.Message(); m != nil && !fd.IsMap() {
		name = string(m.FullName())
	}
	switch {
	case fd.IsMap():
		return "map"
	case fd.IsList():
		return "repeated " + name
	}
	return name
}

// protoActOf is what a column takes: its own kind of value directly, other scalars by their text.
func protoActOf(fd protoreflect.FieldDescriptor, col *column) (protoAct, bool) {
	oid := col.typ.OID
	if fd.Cardinality() == protoreflect.Repeated || fd.Message() != nil {
		switch {
		case col.kind == kindJSON, oid == types.Text:
			return protoCollect, true
		case col.kind == kindArray && fd.IsList():
			return protoCollect, fd.Message() == nil || isWellKnownScalar(fd.Message())
		case fd.Cardinality() != protoreflect.Repeated && isWellKnownScalar(fd.Message()):
			return protoCollect, true
		}
		return 0, false
	}
	kind := fd.Kind()
	integer := isInteger(kind)
	switch {
	case oid == types.Text && kind == protoreflect.StringKind:
		return protoText, true
	case oid == types.Text && kind == protoreflect.EnumKind:
		return protoEnum, true
	case oid == types.Bytea && kind == protoreflect.BytesKind:
		return protoBytes, true
	case oid == types.Bool && kind == protoreflect.BoolKind:
		return protoBool, true
	case col.kind == kindInt && (integer || kind == protoreflect.EnumKind):
		return protoInt, true
	case oid == types.Float8 && (integer || kind == protoreflect.FloatKind || kind == protoreflect.DoubleKind):
		return protoFloat, true
	case oid == types.Bytea:
		return 0, false
	case col.kind == kindJSON:
		return protoCollect, true
	case col.kind == kindInt:
		return protoScalar, kind == protoreflect.StringKind
	case oid == types.Bool:
		return protoScalar, kind == protoreflect.StringKind
	case oid == types.Float4, oid == types.Numeric:
		return protoScalar, kind != protoreflect.BoolKind && kind != protoreflect.BytesKind && kind != protoreflect.EnumKind
	case col.kind == kindText, oid == types.Varchar, oid == types.BPChar, oid == types.Name:
		return protoScalar, true
	case oid == types.UUID && kind == protoreflect.BytesKind:
		return protoUUID, true
	case col.kind == kindTimestamp && integer:
		return protoInstant, true
	}
	return protoScalar, kind == protoreflect.StringKind
}

func isInteger(k protoreflect.Kind) bool {
	switch k {
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Sint32Kind, protoreflect.Sint64Kind, protoreflect.Uint32Kind,
		protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind, protoreflect.Sfixed32Kind, protoreflect.Sfixed64Kind:
		return true
	}
	return false
}

// isWellKnownScalar reports whether a message is written as a string or a number in JSON.
func isWellKnownScalar(m protoreflect.MessageDescriptor) bool {
	if m == nil || m.ParentFile().Package() != "google.protobuf" {
		return false
	}
	return m.Name() == "Timestamp" || m.Name() == "Duration" || isWrapper(m)
}

// protoColumnType is the column type that holds a field best.
func protoColumnType(fd protoreflect.FieldDescriptor) types.Type {
	elem := types.T(types.JSONB)
	switch m := fd.Message(); {
	case fd.IsMap():
		return elem
	case m != nil && m.ParentFile().Package() == "google.protobuf" && m.Name() == "Timestamp":
		elem = types.T(types.TimestampTZ)
	case m != nil && m.ParentFile().Package() == "google.protobuf" && m.Name() == "Duration":
		elem = types.T(types.Interval)
	case m != nil && isWrapper(m):
		elem = protoColumnType(m.Fields().ByNumber(1))
	case m != nil:
		return elem
	default:
		elem = protoScalarType(fd.Kind())
	}
	if array, ok := types.ArrayOf(elem.OID); ok && fd.IsList() {
		return types.T(array)
	}
	return elem
}

func protoScalarType(k protoreflect.Kind) types.Type {
	switch k {
	case protoreflect.BoolKind:
		return types.T(types.Bool)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return types.T(types.Int4)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return types.T(types.Int8)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return types.T(types.Numeric)
	case protoreflect.FloatKind:
		return types.T(types.Float4)
	case protoreflect.DoubleKind:
		return types.T(types.Float8)
	case protoreflect.BytesKind:
		return types.T(types.Bytea)
	}
	return types.T(types.Text)
}

// unsigned64 reports whether a varint of the kind can pass the largest bigint.
func unsigned64(k protoreflect.Kind, v uint64) bool {
	return v > math.MaxInt64 && (k == protoreflect.Uint64Kind || k == protoreflect.Fixed64Kind)
}
