package format

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// avroRows decodes Avro by a program for each writer's schema, made when the first record with it comes.
//
// The columns are the reader's schema: a field fills the column of its name (or path), numbers are widened, what has a
// text is read by the column type's input function, fields that no column wants are passed over, and columns that the
// writer's schema lacks are null. A schema that cannot fill a column (42804) makes each of its records an error row.
type avroRows struct {
	want    *object
	columns []column
	single  *column // of a key: its schema may be that of the value itself
	schemas schemaCache[*avroProgram]

	b       []byte
	p       int
	cols    []*vec.Vec
	scratch []byte
	depth   int
}

func newAvro(s side, fields []field) (rowDecoder, error) {
	d, err := newAvroRows(s, fields)
	return d, err
}

func newAvroRows(s side, fields []field) (*avroRows, error) {
	d := &avroRows{want: newTree(fields), columns: newColumns(fields)}
	if s.isKey && len(fields) == 1 {
		d.single = &d.columns[0]
	}
	return d, d.schemas.open(s, schema.Avro, d.compile)
}

func (d *avroRows) compile(s schema.Schema) (*avroProgram, error) {
	n, err := parseAvro(s)
	if err != nil {
		return nil, err
	}
	if d.single != nil && n.kind != avroRecord {
		return compileAvroValue(n, d.single)
	}
	return compileAvro(n, d.want)
}

func (d *avroRows) row(data []byte, dst *vec.Batch) error {
	program, body, err := d.schemas.program(data)
	if err != nil {
		return err
	}
	return d.decode(program, body, dst)
}

// decode runs a program over the data of one row.
func (d *avroRows) decode(program *avroProgram, data []byte, dst *vec.Batch) error {
	d.b, d.p, d.cols, d.depth = data, 0, dst.Cols, 0
	err := d.run(program)
	if err != nil {
		cutRow(d.columns, dst)
	}
	return err
}

var errAvroShort = pgerr.New(pgerr.InvalidBinaryRepr, "Avro record is damaged: it ends too early")
var errAvroDamaged = pgerr.New(pgerr.InvalidBinaryRepr, "Avro record is damaged")

func (d *avroRows) run(program *avroProgram) error {
	for i := range program.ops {
		op := &program.ops[i]
		if op.nullable {
			if d.p >= len(d.b) {
				return errAvroShort
			}
			branch := d.b[d.p]
			if d.p++; branch == op.nullBranch {
				d.cols[op.col].AppendNull()
				continue
			}
			if branch != 2-op.nullBranch {
				return errAvroDamaged
			}
		}
		if err := d.step(op); err != nil {
			if op.c != nil && !errors.Is(err, errAvroShort) {
				err = inColumn(op.c, err)
			}
			return err
		}
	}
	for _, c := range program.missing {
		d.cols[c].AppendNull()
	}
	return nil
}

// step carries out one step at d.p.
func (d *avroRows) step(op *avroOp) error {
	switch op.act {
	case actInt, actInts, actInstant, actDate, actTime:
		n, err := d.long()
		if err != nil {
			return err
		}
		return d.number(op, n)
	case actText:
		text, err := d.bytes()
		if err != nil {
			return err
		}
		if err := checkText(text); err != nil {
			return err
		}
		d.cols[op.col].AppendBytes(text)
		return nil
	case actBytes, actFixed:
		data, err := d.span(op.node)
		if err != nil {
			return err
		}
		d.cols[op.col].AppendBytes(data)
		return nil
	case actDouble:
		if len(d.b)-d.p < 8 {
			return errAvroShort
		}
		d.cols[op.col].AppendF64(math.Float64frombits(binary.LittleEndian.Uint64(d.b[d.p:])))
		d.p += 8
		return nil
	case actFloat:
		if len(d.b)-d.p < 4 {
			return errAvroShort
		}
		d.cols[op.col].AppendF64(float64(math.Float32frombits(binary.LittleEndian.Uint32(d.b[d.p:]))))
		d.p += 4
		return nil
	case actBool:
		if d.p >= len(d.b) {
			return errAvroShort
		}
		d.cols[op.col].AppendBool(d.b[d.p] != 0)
		d.p++
		return nil
	case actSkip:
		return d.skip(op.node)
	}
	return d.rare(op)
}

// number appends an int or long.
func (d *avroRows) number(op *avroOp, n int64) error {
	v := d.cols[op.col]
	ok := true
	switch op.act {
	case actInts:
		v.AppendF64(float64(n))
		return nil
	case actInstant:
		var us int64
		if us, ok = op.unit.micros(n); ok {
			n, ok = timestampOf(us, op.c.typ.Mod)
		}
	case actDate:
		n, ok = dateOf(n)
	case actTime:
		n, ok = timeOf(n, op.unit, op.c.typ.Mod)
	default:
		if n < op.lo || n > op.hi {
			return types.ErrIntRange(op.c.typ.OID)
		}
	}
	if !ok {
		return pgerr.New(pgerr.DatetimeFieldOverflow, op.c.typ.OID.String()+" out of range")
	}
	v.AppendI64(n)
	return nil
}

// rare carries out the steps that flat records of numbers and text do not have.
func (d *avroRows) rare(op *avroOp) error {
	v := d.cols[op.col]
	switch op.act {
	case actNull:
		v.AppendNull()
		return nil
	case actEnum:
		symbol, err := d.enum(op.node)
		if err == nil {
			v.AppendStr(symbol)
		}
		return err
	case actDecimal:
		digits, err := d.span(op.node)
		if err != nil {
			return err
		}
		return appendDecimal(v, digits, op.scale, op.c.typ.Mod)
	case actDuration:
		data, err := d.span(op.node)
		if err != nil {
			return err
		}
		v.Buf = types.AppendInterval(v.Buf, durationOf(data))
		v.FinishBytes()
		return nil
	case actUnion:
		n, err := d.long()
		if err != nil {
			return err
		}
		if n < 0 || n >= int64(len(op.programs)) {
			return errAvroDamaged
		}
		return d.run(&op.programs[n])
	case actBranch:
		start := d.p
		for i := range op.programs {
			d.p = start
			if err := d.run(&op.programs[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return d.byText(op)
}

// byText appends a value by way of its text: JSON, the text of an array, or what the input function reads.
func (d *avroRows) byText(op *avroOp) error {
	d.scratch = d.scratch[:0]
	var err error
	switch op.act {
	case actDocument:
		if op.node.meaning == avroJSONText {
			err = d.text(op.node)
		} else {
			err = d.json(op.node)
		}
	case actArray:
		err = d.array(op.node)
	default:
		err = d.text(op.node)
	}
	if err != nil {
		return err
	}
	return appendValidText(d.cols[op.col], op.c.typ, d.scratch)
}

func durationOf(data []byte) types.IntervalValue {
	return types.IntervalValue{
		Months: int32(binary.LittleEndian.Uint32(data)), Days: int32(binary.LittleEndian.Uint32(data[4:])),
		Micros: int64(binary.LittleEndian.Uint32(data[8:])) * 1000,
	}
}

// long reads an int or long.
func (d *avroRows) long() (int64, error) {
	if d.p < len(d.b) && d.b[d.p] < 0x80 { // one byte
		u := d.b[d.p]
		d.p++
		return int64(u>>1) ^ -int64(u&1), nil
	}
	n, size := binary.Varint(d.b[d.p:])
	if size <= 0 {
		return 0, errAvroShort
	}
	d.p += size
	return n, nil
}

// bytes reads a length and as many bytes.
func (d *avroRows) bytes() ([]byte, error) {
	n, err := d.long()
	if err != nil {
		return nil, err
	}
	if n < 0 || n > int64(len(d.b)-d.p) {
		return nil, errAvroShort
	}
	s := d.b[d.p : d.p+int(n)]
	d.p += int(n)
	return s, nil
}

// span reads the bytes of a string, bytes or fixed.
func (d *avroRows) span(n *avroNode) ([]byte, error) {
	if n.kind != avroFixed {
		return d.bytes()
	}
	if n.size > len(d.b)-d.p {
		return nil, errAvroShort
	}
	s := d.b[d.p : d.p+n.size]
	d.p += n.size
	return s, nil
}

func (d *avroRows) enum(n *avroNode) (string, error) {
	i, err := d.long()
	if err != nil {
		return "", err
	}
	if i < 0 || i >= int64(len(n.symbols)) {
		return "", errAvroDamaged
	}
	return n.symbols[i], nil
}

// branch reads which type of a union follows.
func (d *avroRows) branch(n *avroNode) (*avroNode, error) {
	i, err := d.long()
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= int64(len(n.types)) {
		return nil, errAvroDamaged
	}
	return n.types[i], nil
}

// enter counts nesting, which the data decides where a schema contains itself.
func (d *avroRows) enter() error {
	if d.depth++; d.depth > maxDepth {
		return pgerr.Newf(pgerr.StatementTooComplex, "Avro record nested deeper than %d levels", maxDepth)
	}
	return nil
}

// blocks walks the items of an array or a map. Items may take no space at all: their number is bounded by what the
// data could hold, and a little more for those.
func (d *avroRows) blocks(item func(first bool) error) error {
	if err := d.enter(); err != nil {
		return err
	}
	total := int64(0)
	for {
		count, err := d.long()
		if err != nil {
			return err
		}
		if count < 0 {
			if count == math.MinInt64 {
				return errAvroDamaged
			}
			count = -count
			if _, err := d.long(); err != nil { // the block's size
				return err
			}
		}
		if count == 0 {
			d.depth--
			return nil
		}
		if total+count > int64(len(d.b))+1024 || count > int64(len(d.b))+1024 {
			return errAvroShort
		}
		for range count {
			if err := item(total == 0); err != nil {
				return err
			}
			total++
		}
	}
}

// skip passes over a value.
func (d *avroRows) skip(n *avroNode) error {
	var err error
	switch n.kind {
	case avroNull:
	case avroBool:
		d.p++
	case avroInt, avroEnum:
		_, err = d.long()
	case avroFloat:
		d.p += 4
	case avroDouble:
		d.p += 8
	case avroBytes, avroString, avroFixed:
		_, err = d.span(n)
	case avroArray, avroMap:
		err = d.skipItems(n)
	case avroUnion:
		var t *avroNode
		if t, err = d.branch(n); err == nil {
			err = d.skip(t)
		}
	case avroRecord:
		if err = d.enter(); err != nil {
			return err
		}
		for i := range n.fields {
			if err = d.skip(n.fields[i].typ); err != nil {
				return err
			}
		}
		d.depth--
	}
	if err == nil && d.p > len(d.b) {
		err = errAvroShort
	}
	return err
}

func (d *avroRows) skipItems(n *avroNode) error {
	return d.blocks(func(bool) error {
		if n.kind == avroMap {
			if _, err := d.bytes(); err != nil {
				return err
			}
		}
		return d.skip(n.items)
	})
}

// forgetAfter is how long it is believed that a registry does not know a schema.
const forgetAfter = 10 * time.Second
