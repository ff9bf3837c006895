package state

import (
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Order says how a column sorts.
type Order struct {
	Desc       bool
	NullsFirst bool
}

// AppendOrdered appends value i of v so that bytes.Compare of encodings is the order of values. No encoding is a prefix of
// another one, so columns can follow one another.
//
//	null marker: 0 (nulls first) or 2 | 1, then the value as types.AppendOrdered... writes it
func AppendOrdered(dst []byte, v *vec.Vec, i int, o Order) []byte {
	if v.IsNull(i) {
		if o.NullsFirst {
			return append(dst, 0)
		}
		return append(dst, 2)
	}
	dst = append(dst, 1)
	switch v.Type.Class() {
	case types.I64:
		return types.AppendOrderedI64(dst, v.I64[i], o.Desc)
	case types.F64:
		return types.AppendOrderedF64(dst, v.F64[i], o.Desc)
	}
	return types.AppendOrderedBytes(dst, v.Type, v.Bytes(i), o.Desc)
}
