package format

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// protoRows decodes Protocol Buffers by a program for each message type, made when the first record of it comes.
//
// A field fills the column of its name (or path). A column without a field in the message, and a field with presence
// that is not set, are null; other fields that are not set have their default. As the wire format wants it, the last
// value of a field counts, and messages are merged. Times come from google.protobuf.Timestamp, wrappers are nullable
// scalars, and repeated fields are arrays; what has no column type is json.
type protoRows struct {
	want    *object
	columns []column
	message string // "": what the record's header says, or the only one
	schemas schemaCache[*protoSchema]
	path    []int

	cols    []*vec.Vec
	n       int
	gen     uint64
	depth   int
	fields  []protoState // by slot
	scratch []byte
}

// protoState is what is known of a field in the record at hand.
type protoState struct {
	gen  uint64 // of the last record that had it
	kept []byte // its occurrences as they came, where the field is collected
}

// protoSchema is a schema and the programs for its messages.
type protoSchema struct {
	files    []protoreflect.FileDescriptor
	programs []protoPath
	only     *protoProgram // where the message is given
	slots    int
}

type protoPath struct {
	path    []int
	program *protoProgram
	slots   int
}

func newProto(s side, fields []field) (rowDecoder, error) {
	d := &protoRows{want: newTree(fields), columns: newColumns(fields), message: s.options[optMessage]}
	return d, d.schemas.open(s, schema.Protobuf, d.compile)
}

func (d *protoRows) compile(s schema.Schema) (*protoSchema, error) {
	files, err := parseProto(s)
	if err != nil {
		return nil, err
	}
	p := &protoSchema{files: files}
	if s.ID == 0 || d.message != "" {
		m, err := findMessage(files, d.message)
		if err != nil {
			return nil, err
		}
		p.only, p.slots, err = compileProto(m, d.want)
		return p, err
	}
	if m := files[0].Messages(); m.Len() > 0 { // the one that nearly all records have
		_, _, err = d.at(p, []int{0})
	}
	return p, err
}

// at returns the program for the message at a path.
func (d *protoRows) at(p *protoSchema, path []int) (*protoProgram, int, error) {
	for i := range p.programs {
		if have := &p.programs[i]; equalInts(have.path, path) {
			return have.program, have.slots, nil
		}
	}
	m, err := messageAt(p.files[0], path)
	if err != nil {
		return nil, 0, err
	}
	program, slots, err := compileProto(m, d.want)
	if err == nil {
		p.programs = append(p.programs, protoPath{append([]int(nil), path...), program, slots})
	}
	return program, slots, err
}

func equalInts(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func (d *protoRows) row(data []byte, dst *vec.Batch) error {
	s, data, err := d.schemas.program(data)
	if err != nil {
		return err
	}
	framed := d.schemas.client != nil || d.schemas.framed
	if framed {
		if d.path, data, err = schema.ReadIndexes(data, d.path); err != nil {
			return err
		}
	}
	program, slots := s.only, s.slots
	if program == nil {
		if program, slots, err = d.at(s, d.path); err != nil {
			return err
		}
	}
	for len(d.fields) < slots {
		d.fields = append(d.fields, protoState{})
	}
	d.cols, d.n, d.depth = dst.Cols, dst.N, 0
	d.gen++
	if err = d.run(program, data); err == nil {
		err = d.finish(program)
	}
	if err != nil {
		cutRow(d.columns, dst)
	}
	return err
}

var errProto = pgerr.New(pgerr.InvalidBinaryRepr, "Protobuf record is damaged")

// run reads the fields of a message.
func (d *protoRows) run(p *protoProgram, b []byte) error {
	for len(b) > 0 {
		var tag uint64
		start := b
		if b[0] < 0x80 {
			tag, b = uint64(b[0]), b[1:]
		} else {
			var n int
			if tag, n = binary.Uvarint(b); n <= 0 {
				return errProto
			}
			b = b[n:]
		}
		num, wire := protowire.Number(tag>>3), protowire.Type(tag&7)
		if tag>>3 == 0 || tag>>3 > uint64(protowire.MaxValidNumber) {
			return errProto
		}
		f := p.find(num)
		if f == nil {
			n := protowire.ConsumeFieldValue(num, wire, b)
			if n < 0 {
				return errProto
			}
			b = b[n:]
			continue
		}
		value, n, err := scan(num, wire, b)
		if err != nil {
			return err
		}
		for ; f != nil; f = f.next {
			if f.act == protoCollect {
				d.collect(f, start[:len(start)-len(b)+n])
			} else if wire == f.wire {
				if err := d.field(f, value, b[:n]); err != nil {
					return inProtoColumn(f, err)
				}
			}
		}
		b = b[n:]
	}
	return nil
}

func inProtoColumn(f *protoField, err error) error {
	if f.c == nil || err == error(errProto) {
		return err
	}
	return inColumn(f.c, err)
}

// scan reads the number in a field, or the length of what it holds, and the field's size.
func scan(num protowire.Number, wire protowire.Type, b []byte) (uint64, int, error) {
	switch wire {
	case protowire.VarintType:
		if len(b) > 0 && b[0] < 0x80 {
			return uint64(b[0]), 1, nil
		}
		if v, n := binary.Uvarint(b); n > 0 {
			return v, n, nil
		}
	case protowire.Fixed64Type:
		if len(b) >= 8 {
			return binary.LittleEndian.Uint64(b), 8, nil
		}
	case protowire.Fixed32Type:
		if len(b) >= 4 {
			return uint64(binary.LittleEndian.Uint32(b)), 4, nil
		}
	case protowire.BytesType:
		if v, n := binary.Uvarint(b); n > 0 && v <= uint64(len(b)-n) {
			return v, n + int(v), nil
		}
	default:
		if n := protowire.ConsumeFieldValue(num, wire, b); n >= 0 {
			return 0, n, nil
		}
	}
	return 0, 0, errProto
}

// collect keeps an occurrence of a field until the record's end.
func (d *protoRows) collect(f *protoField, occurrence []byte) {
	s := &d.fields[f.slot]
	if s.gen != d.gen {
		s.gen, s.kept = d.gen, s.kept[:0]
		d.clearSiblings(f)
	}
	s.kept = append(s.kept, occurrence...)
}

// field takes a value of the field's wire type: a number, or the last bytes of raw, of which v is the length.
func (d *protoRows) field(f *protoField, v uint64, raw []byte) error {
	s := &d.fields[f.slot]
	again := s.gen == d.gen
	s.gen = d.gen
	if len(f.siblings) > 0 {
		d.clearSiblings(f)
	}
	if f.wire == protowire.BytesType {
		raw = raw[len(raw)-int(v):]
	}
	if f.act == protoMessage {
		if d.depth++; d.depth > maxDepth {
			return pgerr.Newf(pgerr.StatementTooComplex, "Protobuf record nested deeper than %d levels", maxDepth)
		}
		err := d.run(f.sub, raw)
		d.depth--
		return err
	}
	col := d.cols[f.col]
	if again {
		cut(col, d.n)
	}
	switch f.act {
	case protoText:
		if err := checkText(raw); err != nil {
			return err
		}
		col.AppendBytes(raw)
		return nil
	case protoBytes:
		col.AppendBytes(raw)
		return nil
	}
	return d.scalar(f, v, raw, col)
}

// clearSiblings takes back what other members of the field's oneof have set.
func (d *protoRows) clearSiblings(f *protoField) {
	for _, s := range f.siblings {
		d.clear(s)
	}
}

func (d *protoRows) clear(f *protoField) {
	if s := &d.fields[f.slot]; s.gen == d.gen {
		s.gen = 0
		if f.col >= 0 {
			cut(d.cols[f.col], d.n)
		}
		if f.sub != nil {
			for _, below := range f.sub.all {
				d.clear(below)
			}
		}
	}
}

func (d *protoRows) scalar(f *protoField, v uint64, raw []byte, col *vec.Vec) error {
	switch f.act {
	case protoInt, protoInstant:
		n := signed(f.kind, v)
		if unsigned64(f.kind, v) || n < f.lo || n > f.hi {
			return types.ErrIntRange(f.c.typ.OID)
		}
		if f.act == protoInstant {
			return appendInstant(col, f.c, n)
		}
		col.AppendI64(n)
	case protoBool:
		col.AppendBool(v != 0)
	case protoFloat:
		col.AppendF64(floatOf(f.kind, v))
	case protoEnum:
		if e := f.desc.Enum().Values().ByNumber(protoreflect.EnumNumber(int32(v))); e != nil {
			col.AppendStr(string(e.Name()))
		} else {
			col.Buf = strconv.AppendInt(col.Buf, int64(int32(v)), 10)
			col.FinishBytes()
		}
	case protoTime:
		seconds, nanos, err := secondsOf(raw)
		if err != nil {
			return err
		}
		if seconds < -62135596800 || seconds > 253402300799 || nanos < 0 || nanos > 999_999_999 {
			return pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp out of range")
		}
		t, _ := timestampOf(seconds*1_000_000+nanos/1000, f.c.typ.Mod)
		col.AppendI64(t)
	case protoSpan:
		seconds, nanos, err := secondsOf(raw)
		if err != nil {
			return err
		}
		if seconds > math.MaxInt64/2_000_000 || seconds < math.MinInt64/2_000_000 {
			return pgerr.New(pgerr.IntervalFieldOverflow, "interval out of range")
		}
		col.Buf = types.AppendInterval(col.Buf, types.IntervalValue{Micros: seconds*1_000_000 + nanos/1000})
		col.FinishBytes()
	case protoUUID:
		if len(raw) != 16 {
			return pgerr.New(pgerr.InvalidBinaryRepr, "a uuid has 16 bytes")
		}
		col.AppendBytes(raw)
	default:
		d.scratch = appendProtoScalar(d.scratch[:0], f.desc, v, raw)
		return appendValidText(col, f.c.typ, d.scratch)
	}
	return nil
}

func appendInstant(col *vec.Vec, c *column, n int64) error {
	us, ok := unitAuto.micros(n)
	if ok {
		n, ok = timestampOf(us, c.typ.Mod)
	}
	if !ok {
		return pgerr.New(pgerr.DatetimeFieldOverflow, "timestamp out of range")
	}
	col.AppendI64(n)
	return nil
}

// signed reads a varint or fixed number as its kind is written.
func signed(k protoreflect.Kind, v uint64) int64 {
	switch k {
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return protowire.DecodeZigZag(v)
	case protoreflect.Int32Kind, protoreflect.EnumKind, protoreflect.Sfixed32Kind:
		return int64(int32(v))
	case protoreflect.Uint32Kind:
		return int64(uint32(v))
	}
	return int64(v)
}

func floatOf(k protoreflect.Kind, v uint64) float64 {
	switch k {
	case protoreflect.DoubleKind:
		return math.Float64frombits(v)
	case protoreflect.FloatKind:
		return float64(math.Float32frombits(uint32(v)))
	}
	if unsigned64(k, v) {
		return float64(v)
	}
	return float64(signed(k, v))
}

// secondsOf reads google.protobuf.Timestamp and Duration.
func secondsOf(b []byte) (seconds, nanos int64, err error) {
	for len(b) > 0 {
		num, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return 0, 0, errProto
		}
		b = b[n:]
		v, size, err := scan(num, wire, b)
		if err != nil {
			return 0, 0, err
		}
		if wire == protowire.VarintType && num == 1 {
			seconds = int64(v)
		} else if wire == protowire.VarintType && num == 2 {
			nanos = int64(int32(v))
		}
		b = b[size:]
	}
	return seconds, nanos, nil
}

// finish fills the columns whose fields the record does not have, and those of collected fields.
func (d *protoRows) finish(p *protoProgram) error {
	for _, f := range p.all {
		there := d.fields[f.slot].gen == d.gen
		switch {
		case f.act == protoMessage && there:
			if err := d.finish(f.sub); err != nil {
				return err
			}
		case f.act == protoMessage:
			d.nulls(f.sub)
		case f.act == protoCollect:
			if err := d.finishCollected(p, f, there); err != nil {
				return inProtoColumn(f, err)
			}
		case there:
		case f.absent == absentDefault:
			if err := d.scalar(f, 0, nil, d.cols[f.col]); err != nil {
				return inProtoColumn(f, err)
			}
		default:
			d.cols[f.col].AppendNull()
		}
	}
	for _, c := range p.missing {
		d.cols[c].AppendNull()
	}
	return nil
}

// nulls fills the columns below a message that is not there.
func (d *protoRows) nulls(p *protoProgram) {
	for _, f := range p.all {
		if f.act == protoMessage {
			d.nulls(f.sub)
		} else {
			d.cols[f.col].AppendNull()
		}
	}
	for _, c := range p.missing {
		d.cols[c].AppendNull()
	}
}
