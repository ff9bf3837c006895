package pgwire

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// RowDescription sends the columns of a result. formats is as in Bind: none (all text), one for all, or one each.
func (c *Conn) RowDescription(fields []Field, formats []int16) {
	start := len(c.out)
	c.out = append(c.out, 'T', 0, 0, 0, 0)
	c.out = binary.BigEndian.AppendUint16(c.out, uint16(len(fields)))
	for i, f := range fields {
		c.out = append(append(c.out, f.Name...), 0)
		c.out = binary.BigEndian.AppendUint32(c.out, f.Table)
		c.out = binary.BigEndian.AppendUint16(c.out, f.Attr)
		c.out = binary.BigEndian.AppendUint32(c.out, uint32(f.Type.OID))
		c.out = binary.BigEndian.AppendUint16(c.out, uint16(f.Type.Size()))
		c.out = binary.BigEndian.AppendUint32(c.out, uint32(f.Type.Mod))
		c.out = binary.BigEndian.AppendUint16(c.out, uint16(FormatAt(formats, i)))
	}
	endMessage(c.out, start)
}

// FormatAt is the format of column i.
func FormatAt(formats []int16, i int) int16 {
	switch len(formats) {
	case 0:
		return TextFormat
	case 1:
		return formats[0]
	}
	return formats[i]
}

func endMessage(out []byte, start int) {
	binary.BigEndian.PutUint32(out[start+1:], uint32(len(out)-start-1))
}

// Encoder writes the rows of one result.
type Encoder struct {
	c    *Conn
	env  *types.Env
	cols []appendValue
}

// appendValue appends value i of a column, which is not null, behind its length.
type appendValue func(dst []byte, v *vec.Vec, i int, env *types.Env) []byte

// Encoder returns an encoder for results with these columns.
func (c *Conn) Encoder(ts []types.Type, formats []int16, env *types.Env) *Encoder {
	e := &Encoder{c: c, env: env, cols: make([]appendValue, len(ts))}
	for i, t := range ts {
		e.cols[i] = encoderOf(t, FormatAt(formats, i))
	}
	return e
}

// Rows sends rows [lo, hi) of b. Weights are not looked at.
func (e *Encoder) Rows(b *vec.Batch, lo, hi int) error {
	out := e.c.out
	for i := lo; i < hi; i++ {
		start := len(out)
		out = append(out, 'D', 0, 0, 0, 0, byte(len(b.Cols)>>8), byte(len(b.Cols)))
		for k, v := range b.Cols {
			if v.IsNull(i) {
				out = append(out, 0xff, 0xff, 0xff, 0xff)
				continue
			}
			at := len(out)
			out = e.cols[k](append(out, 0, 0, 0, 0), v, i, e.env)
			binary.BigEndian.PutUint32(out[at:], uint32(len(out)-at-4))
		}
		endMessage(out, start)
		if len(out) >= flushAt {
			e.c.out = out
			if err := e.c.Flush(); err != nil {
				return err
			}
			out = e.c.out
		}
	}
	e.c.out = out
	return e.c.spill()
}

// encoderOf chooses the code for a column once, so that a row costs one indirect call a value.
func encoderOf(t types.Type, format int16) appendValue {
	if format == BinaryFormat {
		return binaryEncoder(t)
	}
	switch t.OID {
	case types.Int2, types.Int4, types.Int8:
		return func(dst []byte, v *vec.Vec, i int, _ *types.Env) []byte {
			return strconv.AppendInt(dst, v.I64[i], 10)
		}
	case types.Text, types.Varchar, types.Name, types.BPChar, types.JSON, types.JSONB:
		return appendRaw
	}
	switch t.Class() {
	case types.I64:
		return func(dst []byte, v *vec.Vec, i int, env *types.Env) []byte {
			return types.AppendI64Text(dst, t, v.I64[i], env)
		}
	case types.F64:
		return func(dst []byte, v *vec.Vec, i int, _ *types.Env) []byte {
			return types.AppendF64Text(dst, t, v.F64[i])
		}
	}
	return func(dst []byte, v *vec.Vec, i int, env *types.Env) []byte {
		return types.AppendBytesText(dst, t, v.Bytes(i), env)
	}
}

func binaryEncoder(t types.Type) appendValue {
	switch t.OID {
	case types.Int8, types.Timestamp, types.TimestampTZ, types.Time:
		return func(dst []byte, v *vec.Vec, i int, _ *types.Env) []byte {
			return binary.BigEndian.AppendUint64(dst, uint64(v.I64[i]))
		}
	case types.Int4, types.Oid:
		return func(dst []byte, v *vec.Vec, i int, _ *types.Env) []byte {
			return binary.BigEndian.AppendUint32(dst, uint32(v.I64[i]))
		}
	case types.Float8:
		return func(dst []byte, v *vec.Vec, i int, _ *types.Env) []byte {
			return binary.BigEndian.AppendUint64(dst, math.Float64bits(v.F64[i]))
		}
	case types.Text, types.Varchar, types.Name, types.BPChar, types.JSON, types.Bytea:
		return appendRaw
	}
	switch t.Class() {
	case types.I64:
		return func(dst []byte, v *vec.Vec, i int, _ *types.Env) []byte {
			return types.AppendI64Binary(dst, t, v.I64[i])
		}
	case types.F64:
		return func(dst []byte, v *vec.Vec, i int, _ *types.Env) []byte {
			return types.AppendF64Binary(dst, t, v.F64[i])
		}
	}
	return func(dst []byte, v *vec.Vec, i int, _ *types.Env) []byte {
		return types.AppendBytesBinary(dst, t, v.Bytes(i))
	}
}

func appendRaw(dst []byte, v *vec.Vec, i int, _ *types.Env) []byte {
	return append(dst, v.Buf[v.Off[i]:v.Off[i+1]]...)
}
