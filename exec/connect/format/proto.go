package format

import (
	"encoding/binary"
	"math"
	"slices"
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
	gen     uint64 // the record's number
	depth   int
	scratch []byte
}

// protoSchema is a schema and the programs for its messages.
type protoSchema struct {
	files    []protoreflect.FileDescriptor
	programs []protoPath
	only     *protoProgram // where the message is given
}

type protoPath struct {
	path    []int
	program *protoProgram
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
		p.only, err = compileProto(m, d.want)
		return p, err
	}
	if m := files[0].Messages(); m.Len() > 0 { // the one that nearly all records have
		_, err = d.at(p, []int{0})
	}
	return p, err
}

// at returns the program for the message at a path.
func (d *protoRows) at(p *protoSchema, path []int) (*protoProgram, error) {
	for i := range p.programs {
		if have := &p.programs[i]; slices.Equal(have.path, path) {
			return have.program, nil
		}
	}
	m, err := messageAt(p.files[0], path)
	if err != nil {
		return nil, err
	}
	program, err := compileProto(m, d.want)
	if err == nil {
		p.programs = append(p.programs, protoPath{slices.Clone(path), program})
	}
	return program, err
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
	program := s.only
	if program == nil {
		if program, err = d.at(s, d.path); err != nil {
			return err
		}
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
func (d *protoRows) run(program *protoProgram, b []byte) error {
	for p := 0; p < len(b); {
		start := p
		tag := uint64(b[p])
		if p++; tag >= 0x80 {
			tag, p = longVarint(b, start)
		}
		f := program.find(tag >> 3)
		if f == nil {
			if p = skipField(b, p, tag); p < 0 {
				return errProto
			}
			continue
		}
		var v uint64
		var raw []byte
		wire := protowire.Type(tag & 7)
		if wire == protowire.VarintType || wire == protowire.BytesType {
			if p < len(b) && b[p] < 0x80 {
				v = uint64(b[p])
				p++
			} else if v, p = longVarint(b, p); p < 0 {
				return errProto
			}
			if wire == protowire.BytesType {
				if v > uint64(len(b)-p) {
					return errProto
				}
				raw = b[p : p+int(v)]
				p += int(v)
			}
		} else if v, raw, p = fixedOrGroup(b, p, tag); p < 0 {
			return errProto
		}
		for ; f != nil; f = f.next {
			if f.act == protoCollect {
				d.collect(f, b[start:p])
			} else if wire == f.wire {
				if err := d.field(f, v, raw); err != nil {
					return inProtoColumn(f, err)
				}
			}
		}
	}
	return nil
}

func inProtoColumn(f *protoField, err error) error {
	if f.c == nil || err == error(errProto) {
		return err
	}
	return inColumn(f.c, err)
}

// longVarint reads a number of any length at p, and returns the position behind it, or failed.
func longVarint(b []byte, p int) (v uint64, end int) {
	v, n := binary.Uvarint(b[p:])
	if n <= 0 {
		return 0, failed
	}
	return v, p + n
}

// skipField returns the position behind the value at p, or failed.
func skipField(b []byte, p int, tag uint64) int {
	num, wire := protowire.DecodeTag(tag)
	if p < 0 || !num.IsValid() {
		return failed
	}
	n := protowire.ConsumeFieldValue(num, wire, b[p:])
	if n < 0 {
		return failed
	}
	return p + n
}

// fixedOrGroup reads what is neither a varint nor bytes. A group is a message with an end in place of a length.
func fixedOrGroup(b []byte, p int, tag uint64) (v uint64, raw []byte, end int) {
	if end = skipField(b, p, tag); end < 0 {
		return 0, nil, end
	}
	switch num, wire := protowire.DecodeTag(tag); wire {
	case protowire.Fixed64Type:
		v = binary.LittleEndian.Uint64(b[p:])
	case protowire.Fixed32Type:
		v = uint64(binary.LittleEndian.Uint32(b[p:]))
	case protowire.StartGroupType:
		raw, _ = protowire.ConsumeGroup(num, b[p:])
	}
	return v, raw, end
}

// collect keeps an occurrence of a field until the record's end.
func (d *protoRows) collect(f *protoField, occurrence []byte) {
	if f.gen != d.gen {
		f.gen, f.kept = d.gen, f.kept[:0]
		d.clearSiblings(f)
	}
	f.kept = append(f.kept, occurrence...)
}

// field takes a value of the field's wire type: a number or bytes.
func (d *protoRows) field(f *protoField, v uint64, raw []byte) error {
	again := f.gen == d.gen
	f.gen = d.gen
	if f.siblings != nil {
		d.clearSiblings(f)
	}
	switch f.act {
	case protoMessage:
		return d.below(f, raw)
	case protoUnset:
		return nil
	}
	col := d.cols[f.col]
	if again {
		cut(col, d.n)
	}
	return d.scalar(f, v, raw, col)
}

// below reads the fields below a field, which may come in pieces.
func (d *protoRows) below(f *protoField, raw []byte) error {
	if d.depth++; d.depth > maxDepth {
		return pgerr.Newf(pgerr.StatementTooComplex, "Protobuf record nested deeper than %d levels", maxDepth)
	}
	err := d.run(f.sub, raw)
	d.depth--
	return err
}

// clearSiblings takes back what other members of the field's oneof have set.
func (d *protoRows) clearSiblings(f *protoField) {
	for _, s := range f.siblings {
		d.clear(s)
	}
}

func (d *protoRows) clear(f *protoField) {
	if f.gen == d.gen {
		f.gen = 0
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
	case protoText:
		if err := checkText(raw); err != nil {
			return err
		}
		col.AppendBytes(raw)
	case protoBytes:
		col.AppendBytes(raw)
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
	const secondsTag, nanosTag = 1<<3 | uint64(protowire.VarintType), 2<<3 | uint64(protowire.VarintType)
	for p := 0; p < len(b); {
		var v uint64
		switch tag, q := longVarint(b, p); {
		case tag == secondsTag:
			v, p = longVarint(b, q)
			seconds = int64(v)
		case tag == nanosTag:
			v, p = longVarint(b, q)
			nanos = int64(int32(v))
		default:
			p = skipField(b, q, tag)
		}
		if p < 0 {
			return 0, 0, errProto
		}
	}
	return seconds, nanos, nil
}

// finish fills the columns whose fields the record does not have, and those of collected fields.
func (d *protoRows) finish(p *protoProgram) error {
	for _, f := range p.all {
		there := f.gen == d.gen
		switch {
		case there && f.act < protoMessage:
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
