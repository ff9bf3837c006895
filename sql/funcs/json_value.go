package funcs

import (
	"math"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// appendJSONValue appends value i of v as to_json shows it.
func appendJSONValue(dst []byte, ctx *Ctx, v *vec.Vec, i int) []byte {
	if v.IsNull(i) {
		return append(dst, "null"...)
	}
	s := cell{t: v.Type}
	switch v.Type.Class() {
	case types.I64:
		s.i = v.I64[i]
	case types.F64:
		s.f = v.F64[i]
	default:
		s.b = v.Bytes(i)
	}
	return s.appendJSON(dst, ctx)
}

// cell is one value out of a column, an array or a record.
type cell struct {
	t types.Type
	i int64
	f float64
	b []byte
}

func (c cell) appendJSON(dst []byte, ctx *Ctx) []byte {
	switch c.t.OID {
	case types.Bool:
		return append(dst, boolText(c.i)...)
	case types.Int2, types.Int4, types.Int8, types.Numeric, types.Float4, types.Float8:
		if c.finite() {
			return types.AppendText(dst, c.t, c.i, c.f, c.b, ctx.Env)
		}
	case types.JSON, types.JSONB:
		return append(dst, c.b...)
	case types.Date, types.Timestamp, types.TimestampTZ:
		return c.appendISO(dst, ctx)
	case types.Record:
		return appendJSONRecord(dst, ctx, c.b)
	}
	if c.t.OID.IsArray() {
		return appendJSONArray(dst, ctx, c.t.ElemType(), c.b)
	}
	return types.AppendJSONString(dst, string(types.AppendText(nil, c.t, c.i, c.f, c.b, ctx.Env)))
}

func (c cell) finite() bool {
	switch c.t.Class() {
	case types.F64:
		return !math.IsNaN(c.f) && !math.IsInf(c.f, 0)
	case types.Bytes:
		_, ok := types.NumericScale(c.b)
		return ok
	}
	return true
}

// appendISO appends a date or timestamp with a T between its parts and, for timestamptz, a full offset.
func (c cell) appendISO(dst []byte, ctx *Ctx) []byte {
	text := types.AppendText(nil, c.t, c.i, c.f, c.b, ctx.Env)
	dst = append(dst, '"')
	for k, b := range text {
		if b == ' ' && k+1 < len(text) && text[k+1] >= '0' && text[k+1] <= '9' {
			b = 'T'
		}
		dst = append(dst, b)
	}
	if n := len(text); c.t.OID == types.TimestampTZ && n > 3 && (text[n-3] == '+' || text[n-3] == '-') {
		dst = append(dst, ":00"...)
	}
	return append(dst, '"')
}

func appendJSONArray(dst []byte, ctx *Ctx, elem types.Type, b []byte) []byte {
	r := types.ReadArray(elem, b)
	if r.NDim() == 0 {
		return append(dst, "[]"...)
	}
	return appendJSONDim(dst, ctx, &r, 0)
}

func appendJSONDim(dst []byte, ctx *Ctx, r *types.ArrayReader, dim int) []byte {
	dst = append(dst, '[')
	for i := range r.Dim(dim).Len {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dim+1 < r.NDim() {
			dst = appendJSONDim(dst, ctx, r, dim+1)
			continue
		}
		r.Next()
		if r.Null {
			dst = append(dst, "null"...)
			continue
		}
		dst = cell{r.Elem, r.I64, r.F64, r.Bytes}.appendJSON(dst, ctx)
	}
	return append(dst, ']')
}

// appendJSONRecord appends a record as an object; its fields have no names of their own: f1, f2, ...
func appendJSONRecord(dst []byte, ctx *Ctx, b []byte) []byte {
	dst = append(dst, '{')
	r := types.ReadRecord(b)
	for n := 1; r.Next(); n++ {
		if n > 1 {
			dst = append(dst, ',')
		}
		dst = append(dst, `"f`...)
		dst = types.AppendI64Text(dst, types.T(types.Int4), int64(n), nil)
		dst = append(dst, `":`...)
		if r.Null {
			dst = append(dst, "null"...)
			continue
		}
		dst = cell{r.Type, r.Bits, math.Float64frombits(uint64(r.Bits)), r.Bytes}.appendJSON(dst, ctx)
	}
	return append(dst, '}')
}

// appendJSONKey appends value i of v as the name of an object's field.
func appendJSONKey(dst []byte, ctx *Ctx, v *vec.Vec, i int) []byte {
	switch v.Type.OID {
	case types.Date, types.Timestamp, types.TimestampTZ:
		return appendJSONValue(dst, ctx, v, i)
	}
	return types.AppendJSONString(dst, string(appendCast(nil, ctx, v, i)))
}
