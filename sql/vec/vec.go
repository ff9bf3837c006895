package vec

import (
	"github.com/millracedb/millrace/sql/types"
)

// Vec is a column of values of one type.
type Vec struct {
	Type  types.Type
	I64   []int64
	F64   []float64
	Off   []uint32 // len n+1, value i is Buf[Off[i]:Off[i+1]]
	Buf   []byte
	Nulls Bitmap // nil: no value is null
}

// New returns an empty vector of type t with room for capacity values.
func New(t types.Type, capacity int) *Vec {
	v := &Vec{}
	v.init(t, capacity)
	return v
}

func (v *Vec) init(t types.Type, capacity int) {
	v.Type = t
	switch t.Class() {
	case types.I64:
		v.I64 = make([]int64, 0, capacity)
	case types.F64:
		v.F64 = make([]float64, 0, capacity)
	default:
		v.Off = make([]uint32, 1, capacity+1)
	}
}

// Len returns the number of values.
func (v *Vec) Len() int {
	switch v.Type.Class() {
	case types.I64:
		return len(v.I64)
	case types.F64:
		return len(v.F64)
	}
	if len(v.Off) == 0 {
		return 0
	}
	return len(v.Off) - 1
}

// IsNull reports whether value i is null.
func (v *Vec) IsNull(i int) bool { return v.Nulls != nil && v.Nulls.Get(i) }

// Bytes returns value i of a Bytes-class vector. It aliases the arena: do not keep or change it.
func (v *Vec) Bytes(i int) []byte { return v.Buf[v.Off[i]:v.Off[i+1]:v.Off[i+1]] }

// Str returns value i of a Bytes-class vector as a string that aliases the arena; it is valid as long as
// the vector is neither reset nor appended to.
func (v *Vec) Str(i int) string { return unsafeString(v.Bytes(i)) }

// Bool returns value i of a bool vector; null is false.
func (v *Vec) Bool(i int) bool { return v.I64[i] != 0 }

// AppendNull appends a null.
func (v *Vec) AppendNull() {
	n := v.Len()
	v.appendZero()
	v.setNull(n)
}

func (v *Vec) appendZero() {
	switch v.Type.Class() {
	case types.I64:
		v.I64 = append(v.I64, 0)
	case types.F64:
		v.F64 = append(v.F64, 0)
	default:
		v.Off = append(v.Off, uint32(len(v.Buf)))
	}
	if v.Nulls != nil {
		v.Nulls = v.Nulls.grow(v.Len())
	}
}

func (v *Vec) setNull(i int) {
	v.Nulls = v.Nulls.grow(v.Len())
	v.Nulls.Set(i)
}

// SetNull makes value i null. Its slot must hold the zero value.
func (v *Vec) SetNull(i int) { v.setNull(i) }

// AppendI64 appends a value to an I64-class vector.
func (v *Vec) AppendI64(x int64) {
	v.I64 = append(v.I64, x)
	if v.Nulls != nil {
		v.Nulls = v.Nulls.grow(len(v.I64))
	}
}

// AppendBool appends a value to a bool vector.
func (v *Vec) AppendBool(x bool) {
	var i int64
	if x {
		i = 1
	}
	v.AppendI64(i)
}

// AppendF64 appends a value to an F64-class vector.
func (v *Vec) AppendF64(x float64) {
	v.F64 = append(v.F64, x)
	if v.Nulls != nil {
		v.Nulls = v.Nulls.grow(len(v.F64))
	}
}

// AppendBytes appends a copy of x to a Bytes-class vector.
func (v *Vec) AppendBytes(x []byte) {
	v.Buf = append(v.Buf, x...)
	v.FinishBytes()
}

// AppendStr appends a copy of x to a Bytes-class vector.
func (v *Vec) AppendStr(x string) {
	v.Buf = append(v.Buf, x...)
	v.FinishBytes()
}

// FinishBytes ends a value whose bytes the caller appended to v.Buf itself.
func (v *Vec) FinishBytes() {
	v.Off = append(v.Off, uint32(len(v.Buf)))
	if v.Nulls != nil {
		v.Nulls = v.Nulls.grow(len(v.Off) - 1)
	}
}

// AppendFrom appends value i of src, a vector of the same class.
func (v *Vec) AppendFrom(src *Vec, i int) {
	if src.IsNull(i) {
		v.AppendNull()
		return
	}
	switch v.Type.Class() {
	case types.I64:
		v.AppendI64(src.I64[i])
	case types.F64:
		v.AppendF64(src.F64[i])
	default:
		v.AppendBytes(src.Bytes(i))
	}
}

// AppendVec appends all values of src, a vector of the same class.
func (v *Vec) AppendVec(src *Vec) { v.AppendRange(src, 0, src.Len()) }

// AppendRange appends values [lo, hi) of src, a vector of the same class.
func (v *Vec) AppendRange(src *Vec, lo, hi int) {
	if lo == hi {
		return
	}
	n := v.Len()
	switch v.Type.Class() {
	case types.I64:
		v.I64 = append(v.I64, src.I64[lo:hi]...)
	case types.F64:
		v.F64 = append(v.F64, src.F64[lo:hi]...)
	default:
		base := uint32(len(v.Buf)) - src.Off[lo]
		v.Buf = append(v.Buf, src.Buf[src.Off[lo]:src.Off[hi]]...)
		for _, o := range src.Off[lo+1 : hi+1] {
			v.Off = append(v.Off, base+o)
		}
	}
	if src.Nulls != nil {
		for i := lo; i < hi; i++ {
			if src.Nulls.Get(i) {
				v.setNull(n + i - lo)
			}
		}
	}
	if v.Nulls != nil {
		v.Nulls = v.Nulls.grow(v.Len())
	}
}

// AppendSel appends the values of src at the row numbers in sel.
func (v *Vec) AppendSel(src *Vec, sel []int32) {
	n := v.Len()
	switch v.Type.Class() {
	case types.I64:
		for _, i := range sel {
			v.I64 = append(v.I64, src.I64[i])
		}
	case types.F64:
		for _, i := range sel {
			v.F64 = append(v.F64, src.F64[i])
		}
	default:
		for _, i := range sel {
			v.Buf = append(v.Buf, src.Buf[src.Off[i]:src.Off[i+1]]...)
			v.Off = append(v.Off, uint32(len(v.Buf)))
		}
	}
	if src.Nulls != nil {
		for k, i := range sel {
			if src.Nulls.Get(int(i)) {
				v.setNull(n + k)
			}
		}
	}
	if v.Nulls != nil {
		v.Nulls = v.Nulls.grow(v.Len())
	}
}

// Resize makes v hold n values: new ones are zero and not null. Kernels of I64 and F64 results use it to
// write by index; a Bytes-class vector can only be cut to n = 0 or appended to.
func (v *Vec) Resize(n int) {
	switch v.Type.Class() {
	case types.I64:
		v.I64 = resize(v.I64, n)
	case types.F64:
		v.F64 = resize(v.F64, n)
	default:
		if n != 0 {
			panic("vec: Resize of a byte vector")
		}
		v.Off = append(v.Off[:0], 0)
		v.Buf = v.Buf[:0]
	}
	v.Nulls = nil
}

// Reset empties v and keeps its memory.
func (v *Vec) Reset() {
	v.I64, v.F64, v.Buf = v.I64[:0], v.F64[:0], v.Buf[:0]
	if v.Type.Class() == types.Bytes {
		v.Off = append(v.Off[:0], 0)
	}
	v.Nulls = nil
}

// Slice returns values [lo, hi). It shares the values' memory with v, but not the null bitmap; appending to it does
// not touch v.
func (v *Vec) Slice(lo, hi int) *Vec {
	s := &Vec{Type: v.Type}
	switch v.Type.Class() {
	case types.I64:
		s.I64 = v.I64[lo:hi:hi]
	case types.F64:
		s.F64 = v.F64[lo:hi:hi]
	default:
		s.Off, s.Buf = v.Off[lo:hi+1:hi+1], v.Buf
	}
	if v.Nulls != nil {
		s.Nulls = v.Nulls.slice(lo, hi)
	}
	return s
}

// MemSize returns the bytes held, for memory accounting.
func (v *Vec) MemSize() int {
	return cap(v.I64)*8 + cap(v.F64)*8 + cap(v.Off)*4 + cap(v.Buf) + cap(v.Nulls)*8
}

func resize[T int64 | float64](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 2*cap(s)))
	}
	s = s[:n]
	clear(s)
	return s
}

// AppendElem adds value i of v to an array under construction.
func (v *Vec) AppendElem(b *types.ArrayBuilder, i int) {
	switch {
	case v.IsNull(i):
		b.AppendNull()
	case v.Type.Class() == types.I64:
		b.AppendI64(v.I64[i])
	case v.Type.Class() == types.F64:
		b.AppendF64(v.F64[i])
	default:
		b.AppendBytes(v.Bytes(i))
	}
}
