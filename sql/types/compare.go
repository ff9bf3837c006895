package types

import (
	"bytes"
	"encoding/binary"
)

// CompareI64 orders values of an I64-class type.
func CompareI64(a, b int64) int { return cmpInt64(a, b) }

// CompareBytes orders values of a Bytes-class type as PostgreSQL's btree does; text by its bytes
// (collation "C").
func CompareBytes(t Type, a, b []byte) int {
	switch t.OID {
	case Numeric:
		return NumericCompare(a, b)
	case BPChar:
		return bytes.Compare(TrimBPChar(a), TrimBPChar(b))
	case Interval:
		return CompareIntervals(DecodeInterval(a), DecodeInterval(b))
	case TimeTZ:
		return CompareTimeTZ(a, b)
	case JSONB:
		return CompareJSONB(a, b)
	case Record:
		return compareRecords(a, b)
	case Tid:
		return bytes.Compare(appendTidBinary(nil, a), appendTidBinary(nil, b))
	}
	if t.OID.IsArray() {
		return compareArrays(t, a, b)
	}
	return bytes.Compare(a, b)
}

// EqualBytes is SQL equality of a Bytes-class type.
func EqualBytes(t Type, a, b []byte) bool {
	return bytes.Equal(a, b) || !bytesExact(t.OID) && CompareBytes(t, a, b) == 0
}

// bytesExact reports whether values of the type are equal only if their bytes are.
func bytesExact(t OID) bool {
	switch t {
	case Text, Varchar, Name, Bytea, UUID, JSON, Unknown, Cstring:
		return true
	}
	return false
}

// KeyIsValue reports whether AppendKey copies values of the type as they are, so that a caller may use the
// value itself as its key. It holds for the I64 class as well, but not for floats.
func KeyIsValue(t OID) bool { return T(t).Class() == I64 || bytesExact(t) }

// compareArrays compares element by element, a null greatest, then lengths, then shapes.
func compareArrays(t Type, a, b []byte) int {
	elem := t.elemType()
	ra, rb := ReadArray(elem, a), ReadArray(elem, b)
	for {
		oka, okb := ra.Next(), rb.Next()
		if !oka || !okb {
			break
		}
		if ra.Null || rb.Null {
			if ra.Null != rb.Null {
				if ra.Null {
					return 1
				}
				return -1
			}
			continue
		}
		if c := ra.compareElem(&rb); c != 0 {
			return c
		}
	}
	if ra.n != rb.n {
		return ra.n - rb.n
	}
	if ra.ndim != rb.ndim {
		return ra.ndim - rb.ndim
	}
	for i := range ra.ndim {
		da, db := ra.Dim(i), rb.Dim(i)
		if da.Len != db.Len {
			return int(da.Len) - int(db.Len)
		}
	}
	for i := range ra.ndim {
		if c := cmpInt64(int64(ra.Dim(i).Lower), int64(rb.Dim(i).Lower)); c != 0 {
			return c
		}
	}
	return 0
}

func (r *ArrayReader) compareElem(o *ArrayReader) int {
	switch r.Elem.Class() {
	case I64:
		return cmpInt64(r.I64, o.I64)
	case F64:
		return CompareFloat(r.F64, o.F64)
	}
	return CompareBytes(r.Elem, r.Bytes, o.Bytes)
}

// compareRecords compares field by field, a null greatest.
func compareRecords(a, b []byte) int {
	ra, rb := ReadRecord(a), ReadRecord(b)
	for {
		oka, okb := ra.Next(), rb.Next()
		if !oka || !okb {
			switch {
			case oka:
				return 1
			case okb:
				return -1
			}
			return 0
		}
		if ra.Null || rb.Null {
			if ra.Null != rb.Null {
				if ra.Null {
					return 1
				}
				return -1
			}
			continue
		}
		var c int
		switch ra.Type.Class() {
		case I64:
			c = cmpInt64(ra.Bits, rb.Bits)
		case F64:
			c = CompareFloat(floatOfBits(ra.Bits), floatOfBits(rb.Bits))
		default:
			c = CompareBytes(ra.Type, ra.Bytes, rb.Bytes)
		}
		if c != 0 {
			return c
		}
	}
}

// AppendKey appends a form of a Bytes-class value that two values share exactly when SQL calls them equal.
// It does not delimit itself.
func AppendKey(dst []byte, t Type, b []byte) []byte {
	switch t.OID {
	case Numeric:
		return NumericNormKey(dst, b)
	case BPChar:
		return append(dst, TrimBPChar(b)...)
	case Interval:
		return appendIntervalKey(dst, DecodeInterval(b))
	case JSONB:
		return appendJSONBKey(dst, b)
	case Record:
		return appendRecordKey(dst, b)
	}
	if t.OID.IsArray() {
		return appendArrayKey(dst, t, b)
	}
	return append(dst, b...)
}

// FloatKey maps equal floats to one bit pattern: -0 to 0, every NaN to one.
func FloatKey(f float64) uint64 {
	if f == 0 {
		return 0
	}
	return floatBits(f)
}

// appendArrayKey normalises elements; an array of plain elements is its own key.
func appendArrayKey(dst []byte, t Type, b []byte) []byte {
	elem := t.elemType()
	if KeyIsValue(elem.OID) {
		if len(b) == 0 {
			return append(dst, 0)
		}
		return append(dst, b...)
	}
	r := ReadArray(elem, b)
	ab := NewArrayBuilder(elem)
	for r.Next() {
		switch {
		case r.Null:
			ab.AppendNull()
		case elem.Class() == F64:
			ab.AppendF64(floatOfBits(int64(FloatKey(r.F64))))
		default:
			ab.AppendBytes(AppendKey(nil, elem, r.Bytes))
		}
	}
	return ab.FinishDims(dst, r.Dims())
}

func appendRecordKey(dst, b []byte) []byte {
	for r := ReadRecord(b); r.Next(); {
		if r.Null {
			dst = append(dst, 0)
			continue
		}
		dst = append(dst, 1)
		switch r.Type.Class() {
		case I64:
			dst = binary.LittleEndian.AppendUint64(dst, uint64(r.Bits))
		case F64:
			dst = binary.LittleEndian.AppendUint64(dst, FloatKey(floatOfBits(r.Bits)))
		default:
			k := AppendKey(nil, r.Type, r.Bytes)
			dst = append(binary.AppendUvarint(dst, uint64(len(k))), k...)
		}
	}
	return dst
}
