package types

import (
	"encoding/binary"
	"math"

	"github.com/millracedb/millrace/sql/pgerr"
)

// An array is encoded without its element type, which its own type gives:
//
//	[ndim: 1 byte] [flags: 1 byte, bit 0: has nulls] ndim x [length: 4] [lower bound: 4]
//	[null bitmap: (n+7)/8 bytes, if flagged] elements
//
// Integers are little endian. An element takes elemWidth bytes, or a uvarint length and its bytes; a null
// takes none. The empty array is the single byte 0; an empty string reads as it.

const (
	maxArrayDims = 6         // MAXDIM
	maxArrayLen  = 134217727 // MaxArraySize
)

// elemWidth is the fixed size of an element, 0 for Bytes.
func elemWidth(t OID) int {
	switch t {
	case Bool, Char:
		return 1
	case Int2:
		return 2
	case Int4, Oid, Xid, Cid, Date, Float4, RegProc, RegProcedure, RegOper, RegOperator, RegClass, RegType,
		RegRole, RegNamespace, RegCollation:
		return 4
	case Int8, Time, Timestamp, TimestampTZ, Float8:
		return 8
	}
	return 0
}

// ArrayDim is one dimension of an array.
type ArrayDim struct{ Len, Lower int32 }

// ArrayReader walks an encoded array. After Next, the element is in the field its class names.
type ArrayReader struct {
	Elem  Type
	Null  bool
	I64   int64
	F64   float64
	Bytes []byte // aliases the array

	ndim  int
	dims  []byte
	n, i  int
	nulls []byte
	data  []byte
}

// ReadArray begins reading an array whose elements are of type elem.
func ReadArray(elem Type, b []byte) ArrayReader {
	r := ArrayReader{Elem: elem}
	if len(b) < 2 {
		return r
	}
	r.ndim = int(b[0])
	hasNulls := b[1]&1 != 0
	r.dims, b = b[2:2+8*r.ndim], b[2+8*r.ndim:]
	r.n = 1
	for i := range r.ndim {
		r.n *= int(r.Dim(i).Len)
	}
	if hasNulls {
		k := (r.n + 7) / 8
		r.nulls, b = b[:k], b[k:]
	}
	r.data = b
	return r
}

// NDim is the number of dimensions, 0 for the empty array.
func (r *ArrayReader) NDim() int { return r.ndim }

// Dim is dimension i.
func (r *ArrayReader) Dim(i int) ArrayDim {
	d := r.dims[8*i:]
	return ArrayDim{int32(binary.LittleEndian.Uint32(d)), int32(binary.LittleEndian.Uint32(d[4:]))}
}

// Dims is all dimensions.
func (r *ArrayReader) Dims() []ArrayDim {
	ds := make([]ArrayDim, r.ndim)
	for i := range ds {
		ds[i] = r.Dim(i)
	}
	return ds
}

// Len is the number of elements in all dimensions together.
func (r *ArrayReader) Len() int { return r.n }

// HasNulls reports whether an element is null.
func (r *ArrayReader) HasNulls() bool { return r.nulls != nil }

// Next moves to the next element, in row-major order; false at the end.
func (r *ArrayReader) Next() bool {
	if r.i >= r.n {
		return false
	}
	r.Null = r.nulls != nil && r.nulls[r.i>>3]>>(r.i&7)&1 != 0
	r.i++
	r.I64, r.F64, r.Bytes = 0, 0, nil
	if r.Null {
		return true
	}
	w := elemWidth(r.Elem.OID)
	var v uint64
	switch w {
	case 0:
		l, k := binary.Uvarint(r.data)
		r.Bytes = r.data[k : k+int(l) : k+int(l)]
		r.data = r.data[k+int(l):]
		return true
	case 1:
		v = uint64(r.data[0])
	case 2:
		v = uint64(int16(binary.LittleEndian.Uint16(r.data)))
	case 4:
		v = uint64(binary.LittleEndian.Uint32(r.data))
		if r.Elem.OID == Int4 || r.Elem.OID == Date {
			v = uint64(int32(v))
		}
	default:
		v = binary.LittleEndian.Uint64(r.data)
	}
	r.data = r.data[w:]
	switch r.Elem.OID {
	case Float4:
		r.F64 = float64(math.Float32frombits(uint32(v)))
	case Float8:
		r.F64 = math.Float64frombits(v)
	default:
		r.I64 = int64(v)
	}
	return true
}

// Skip moves over n elements.
func (r *ArrayReader) Skip(n int) {
	if w := elemWidth(r.Elem.OID); w > 0 && r.nulls == nil && r.i+n <= r.n {
		r.data = r.data[n*w:]
		r.i += n
		return
	}
	for ; n > 0 && r.Next(); n-- {
	}
}

// ArrayIndex finds the element at the subscripts, leaving it in r as Next does; false if there is none.
// r must be fresh from ReadArray.
func (r *ArrayReader) ArrayIndex(subs ...int) bool {
	if len(subs) != r.ndim || r.ndim == 0 {
		return false
	}
	at := 0
	for i, s := range subs {
		d := r.Dim(i)
		off := int64(s) - int64(d.Lower)
		if off < 0 || off >= int64(d.Len) {
			return false
		}
		at = at*int(d.Len) + int(off)
	}
	r.Skip(at)
	return r.Next()
}

// ArrayBuilder collects elements and encodes them. Its memory is reused after Reset.
type ArrayBuilder struct {
	elem  Type
	width int
	n     int
	nulls []byte
	data  []byte
	any   bool // has nulls
}

// NewArrayBuilder returns a builder for elements of type elem.
func NewArrayBuilder(elem Type) *ArrayBuilder {
	b := &ArrayBuilder{}
	b.Reset(elem)
	return b
}

// Reset empties the builder.
func (b *ArrayBuilder) Reset(elem Type) {
	*b = ArrayBuilder{elem: elem, width: elemWidth(elem.OID), nulls: b.nulls[:0], data: b.data[:0]}
}

// Len is the number of elements so far.
func (b *ArrayBuilder) Len() int { return b.n }

func (b *ArrayBuilder) next(null bool) {
	if b.n&7 == 0 {
		b.nulls = append(b.nulls, 0)
	}
	if null {
		b.nulls[b.n>>3] |= 1 << (b.n & 7)
		b.any = true
	}
	b.n++
}

// AppendNull adds a null.
func (b *ArrayBuilder) AppendNull() { b.next(true) }

// AppendI64 adds an I64-class element.
func (b *ArrayBuilder) AppendI64(v int64) {
	b.next(false)
	switch b.width {
	case 1:
		b.data = append(b.data, byte(v))
	case 2:
		b.data = binary.LittleEndian.AppendUint16(b.data, uint16(v))
	case 4:
		b.data = binary.LittleEndian.AppendUint32(b.data, uint32(v))
	default:
		b.data = binary.LittleEndian.AppendUint64(b.data, uint64(v))
	}
}

// AppendF64 adds an F64-class element.
func (b *ArrayBuilder) AppendF64(f float64) {
	b.next(false)
	if b.width == 4 {
		b.data = binary.LittleEndian.AppendUint32(b.data, math.Float32bits(float32(f)))
		return
	}
	b.data = binary.LittleEndian.AppendUint64(b.data, math.Float64bits(f))
}

// AppendBytes adds a Bytes-class element.
func (b *ArrayBuilder) AppendBytes(v []byte) {
	b.next(false)
	b.data = binary.AppendUvarint(b.data, uint64(len(v)))
	b.data = append(b.data, v...)
}

// AppendElem adds the element r stands at.
func (b *ArrayBuilder) AppendElem(r *ArrayReader) {
	switch {
	case r.Null:
		b.AppendNull()
	case b.elem.Class() == I64:
		b.AppendI64(r.I64)
	case b.elem.Class() == F64:
		b.AppendF64(r.F64)
	default:
		b.AppendBytes(r.Bytes)
	}
}

// Finish appends the one-dimensional array of the elements, with lower bound 1.
func (b *ArrayBuilder) Finish(dst []byte) []byte {
	return b.FinishDims(dst, []ArrayDim{{int32(b.n), 1}})
}

// FinishDims appends the array with dims, whose lengths multiply to Len.
func (b *ArrayBuilder) FinishDims(dst []byte, dims []ArrayDim) []byte {
	if b.n == 0 {
		return append(dst, 0)
	}
	var flags byte
	if b.any {
		flags = 1
	}
	dst = append(dst, byte(len(dims)), flags)
	for _, d := range dims {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(d.Len))
		dst = binary.LittleEndian.AppendUint32(dst, uint32(d.Lower))
	}
	if b.any {
		dst = append(dst, b.nulls...)
	}
	return append(dst, b.data...)
}

// arraySize multiplies the dimensions, within PostgreSQL's limit.
func arraySize(dims []ArrayDim) (int, error) {
	n := int64(1)
	for _, d := range dims {
		if n *= int64(d.Len); n > maxArrayLen {
			return 0, pgerr.Newf(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", maxArrayLen)
		}
		if int64(d.Lower)+int64(d.Len) > math.MaxInt32 {
			return 0, pgerr.Newf(pgerr.ProgramLimitExceeded, "array lower bound is too large: %d", d.Lower)
		}
	}
	return int(n), nil
}

// elemType is the element type of an array type; the typmod is the elements'.
func (t Type) elemType() Type {
	e, _ := ElemOf(t.OID)
	return Type{e, t.Mod}
}

// ElemType is the element type of an array type.
func (t Type) ElemType() Type { return t.elemType() }
