package vec

import "github.com/millracedb/millrace/sql/types"

// Scalar is one value: a constant, a parameter, one cell on its way between two batches. It is for plans and
// statement machinery, never for rows in motion.
type Scalar struct {
	Type types.Type
	Null bool
	I    int64
	F    float64
	B    []byte
}

// NullOf returns the null of type t.
func NullOf(t types.Type) Scalar { return Scalar{Type: t, Null: true} }

// At returns value i of v; Bytes-class contents are copied.
func (v *Vec) At(i int) Scalar {
	s := Scalar{Type: v.Type}
	if v.IsNull(i) {
		s.Null = true
		return s
	}
	switch v.Type.Class() {
	case types.I64:
		s.I = v.I64[i]
	case types.F64:
		s.F = v.F64[i]
	default:
		s.B = append([]byte{}, v.Bytes(i)...)
	}
	return s
}

// AppendScalar appends s, a value of v's class.
func (v *Vec) AppendScalar(s Scalar) {
	switch {
	case s.Null:
		v.AppendNull()
	case v.Type.Class() == types.I64:
		v.AppendI64(s.I)
	case v.Type.Class() == types.F64:
		v.AppendF64(s.F)
	default:
		v.AppendBytes(s.B)
	}
}
