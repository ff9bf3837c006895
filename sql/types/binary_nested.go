package types

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// appendArrayBinary writes ndim, flags, element type, dimensions and elements with lengths.
func appendArrayBinary(dst []byte, t Type, b []byte) []byte {
	elem := t.elemType()
	r := ReadArray(elem, b)
	put := func(v uint32) { dst = binary.BigEndian.AppendUint32(dst, v) }
	vector := t.OID == Int2Vector || t.OID == OidVector
	if vector && r.ndim == 0 {
		put(1)
	} else {
		put(uint32(r.ndim))
	}
	if r.HasNulls() {
		put(1)
	} else {
		put(0)
	}
	put(uint32(elem.OID))
	for i := range r.ndim {
		d := r.Dim(i)
		put(uint32(d.Len))
		put(uint32(d.Lower))
	}
	if vector && r.ndim == 0 {
		put(0)
		put(0)
	}
	for r.Next() {
		if r.Null {
			put(0xffffffff)
			continue
		}
		at := len(dst)
		put(0)
		dst = AppendBinary(dst, elem, r.I64, r.F64, r.Bytes)
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst
}

// AppendBinary appends the wire form of a value that lies in whichever slot its class names.
func AppendBinary(dst []byte, t Type, i int64, f float64, b []byte) []byte {
	switch t.Class() {
	case I64:
		return AppendI64Binary(dst, t, i)
	case F64:
		return AppendF64Binary(dst, t, f)
	}
	return AppendBytesBinary(dst, t, b)
}

// wireReader reads big-endian words; bad is set once the data ends too early.
type wireReader struct {
	b   []byte
	bad bool
}

func (r *wireReader) i32() int32 {
	if len(r.b) < 4 {
		r.bad = true
		return 0
	}
	v := int32(binary.BigEndian.Uint32(r.b))
	r.b = r.b[4:]
	return v
}

func appendArrayFromBinary(dst []byte, t Type, b []byte) ([]byte, error) {
	r := wireReader{b: b}
	elem := t.elemType()
	ndim, flags, oid := r.i32(), r.i32(), OID(r.i32())
	switch {
	case r.bad:
		return dst, errMsgEnd()
	case ndim < 0:
		return dst, pgerr.Newf(pgerr.InvalidBinaryRepr, "invalid number of dimensions: %d", ndim)
	case ndim > maxArrayDims:
		return dst, errTooManyDims(int(ndim))
	case flags != 0 && flags != 1:
		return dst, pgerr.New(pgerr.InvalidBinaryRepr, "invalid array flags")
	case oid != elem.OID:
		return dst, pgerr.Newf(pgerr.DatatypeMismatch,
			"binary data has array element type %d (%s) instead of expected %d (%s)", oid, oid, elem.OID, elem.OID)
	}
	dims := make([]ArrayDim, ndim)
	for i := range dims {
		dims[i] = ArrayDim{r.i32(), r.i32()}
		if !r.bad && dims[i].Len < 0 {
			return dst, pgerr.Newf(pgerr.ProgramLimitExceeded, "array size exceeds the maximum allowed (%d)", maxArrayLen)
		}
	}
	if r.bad {
		return dst, errMsgEnd()
	}
	n, err := arraySize(dims)
	if err != nil {
		return dst, err
	}
	if ndim == 0 || n == 0 {
		return append(dst, 0), nil
	}
	if 4*n > len(r.b) {
		return dst, errMsgEnd() // every element has a length word
	}
	ab := NewArrayBuilder(elem)
	if err := r.elements(ab, elem, n); err != nil {
		return dst, err
	}
	return ab.FinishDims(dst, dims), nil
}

func (r *wireReader) elements(ab *ArrayBuilder, elem Type, n int) error {
	for range n {
		l := r.i32()
		if r.bad || int(l) > len(r.b) || l < -1 {
			return errMsgEnd()
		}
		if l < 0 {
			ab.AppendNull()
			continue
		}
		v := r.b[:l]
		r.b = r.b[l:]
		if err := ab.appendBinary(elem, v); err != nil {
			return err
		}
	}
	if len(r.b) != 0 {
		return errBinary(elem.OID)
	}
	return nil
}

func (b *ArrayBuilder) appendBinary(elem Type, v []byte) error {
	switch elem.Class() {
	case I64:
		x, err := ParseI64Binary(elem, v)
		b.AppendI64(x)
		return err
	case F64:
		x, err := ParseF64Binary(elem, v)
		b.AppendF64(x)
		return err
	}
	x, err := AppendParsedBytesBinary(nil, elem, v)
	b.AppendBytes(x)
	return err
}

// appendRecordBinary writes the number of fields, then each field's type, length and value.
func appendRecordBinary(dst, b []byte) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	n := uint32(0)
	for r := ReadRecord(b); r.Next(); n++ {
		dst = binary.BigEndian.AppendUint32(dst, uint32(r.Type.OID))
		if r.Null {
			dst = append(dst, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		start := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		dst = AppendBinary(dst, r.Type, r.Bits, floatOfBits(r.Bits), r.Bytes)
		binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	}
	binary.BigEndian.PutUint32(dst[at:], n)
	return dst
}

// appendTidBinary writes block (4 bytes) and offset (2).
func appendTidBinary(dst, b []byte) []byte {
	block, off, _ := strings.Cut(strings.Trim(string(b), "()"), ",")
	bl, _ := strconv.ParseUint(block, 10, 32)
	of, _ := strconv.ParseUint(off, 10, 16)
	dst = binary.BigEndian.AppendUint32(dst, uint32(bl))
	return binary.BigEndian.AppendUint16(dst, uint16(of))
}

func appendTidFromBinary(dst, b []byte) ([]byte, error) {
	if err := checkLen(Tid, b, 6); err != nil {
		return dst, err
	}
	dst = appendUint(append(dst, '('), uint64(binary.BigEndian.Uint32(b)), 0)
	dst = appendUint(append(dst, ','), uint64(binary.BigEndian.Uint16(b[4:])), 0)
	return append(dst, ')'), nil
}
