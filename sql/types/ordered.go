package types

import (
	"encoding/binary"
	"math"
)

// Ordered keys: byte strings that compare (memcmp) as their values do, and are equal exactly when the values
// are. Each delimits itself: no key is a prefix of another of its type, so keys can be put one after the
// other. desc inverts every byte. Nulls are the caller's.

// AppendOrderedI64 appends the ordered key of an I64-class value.
func AppendOrderedI64(dst []byte, v int64, desc bool) []byte {
	u := uint64(v) ^ 1<<63
	if desc {
		u = ^u
	}
	return binary.BigEndian.AppendUint64(dst, u)
}

// AppendOrderedF64 appends the ordered key of a float.
func AppendOrderedF64(dst []byte, f float64, desc bool) []byte {
	u := FloatKey(f)
	if u>>63 != 0 {
		u = ^u
	} else {
		u |= 1 << 63
	}
	if desc {
		u = ^u
	}
	return binary.BigEndian.AppendUint64(dst, u)
}

// floatBits is the bits of f with one pattern for every NaN: the largest of the positive ones, so that NaN
// sorts last.
func floatBits(f float64) uint64 {
	if f != f {
		return math.MaxInt64
	}
	return math.Float64bits(f)
}

// AppendOrderedBytes appends the ordered key of a Bytes-class value.
func AppendOrderedBytes(dst []byte, t Type, b []byte, desc bool) []byte {
	at := len(dst)
	dst = appendOrdered(dst, t, b)
	if desc {
		invert(dst[at:])
	}
	return dst
}

func invert(b []byte) {
	for i := range b {
		b[i] = ^b[i]
	}
}

func appendOrdered(dst []byte, t Type, b []byte) []byte {
	switch t.OID {
	case Numeric:
		return appendOrderedNumeric(dst, b)
	case BPChar:
		return appendOrderedString(dst, TrimBPChar(b))
	case Interval:
		return appendIntervalKey(dst, DecodeInterval(b))
	case UUID:
		return append(dst, b...)
	case TimeTZ:
		usec, west := DecodeTimeTZ(b)
		dst = AppendOrderedI64(dst, usec+int64(west)*usecPerSec, false)
		return AppendOrderedI64(dst, int64(west), false)
	case JSONB:
		return appendOrderedJSON(dst, readJSONB(b), true)
	case Record:
		return appendOrderedRecord(dst, b)
	case Tid:
		return appendTidBinary(dst, b)
	}
	if t.OID.IsArray() {
		return appendOrderedArray(dst, t, b)
	}
	return appendOrderedString(dst, b)
}

// appendOrderedString escapes 0 as 0 ff and ends with 0 1, so that a prefix sorts before what it begins.
func appendOrderedString(dst, b []byte) []byte {
	for _, c := range b {
		if dst = append(dst, c); c == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, 0, 1)
}

const (
	ordNInf = 1 + iota
	ordNeg
	ordZero
	ordPos
	ordPInf
	ordNaN
)

// appendOrderedNumeric writes a sign class, then for finite values the exponent of the first digit and the
// digits in pairs plus one, ended by 0; all inverted for negatives.
func appendOrderedNumeric(dst, b []byte) []byte {
	switch numSpecial(b) {
	case numNInf:
		return append(dst, ordNInf)
	case numPInf:
		return append(dst, ordPInf)
	case numNaN:
		return append(dst, ordNaN)
	}
	s := NumericSign(b)
	if s == 0 {
		return append(dst, ordZero)
	}
	var buf [64]byte
	digits, exp := numericDigits(buf[:0], b)
	if s > 0 {
		dst = append(dst, ordPos)
	} else {
		dst = append(dst, ordNeg)
	}
	at := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, uint32(int32(exp))^1<<31)
	for i := 0; i < len(digits); i += 2 {
		pair := (digits[i] - '0') * 10
		if i+1 < len(digits) {
			pair += digits[i+1] - '0'
		}
		dst = append(dst, pair+1)
	}
	dst = append(dst, 0)
	if s < 0 {
		invert(dst[at:])
	}
	return dst
}

// numericDigits returns the significant digits of a finite nonzero numeric, without zeros at either end, and
// the decimal exponent of the first.
func numericDigits(buf, b []byte) (digits []byte, exp int) {
	var scale int
	if s, ok := decSmall(b); ok {
		digits, scale = appendUint(buf, s.mag, 0), s.scale
	} else {
		d := decBig(b)
		digits, scale = d.c.Append(buf, 10), d.scale
		if digits[0] == '-' {
			digits = digits[1:]
		}
	}
	exp = len(digits) - scale
	for digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return digits, exp
}

// appendOrderedJSON follows compareJSON, with its quirk at the top: a scalar there is an array of one element
// that is marked to sort before true arrays.
func appendOrderedJSON(dst []byte, n *JSONNode, top bool) []byte {
	count := func(k int, mark byte) {
		dst = binary.BigEndian.AppendUint32(dst, uint32(k))
		dst = append(dst, mark)
	}
	if top && n.Kind < JArray {
		dst = append(dst, byte(JArray))
		count(1, 0)
	}
	dst = append(dst, byte(n.Kind))
	switch n.Kind {
	case JString:
		dst = appendOrderedString(dst, []byte(n.Text))
	case JBool:
		dst = append(dst, n.Text[0]) // f < t
	case JNumber:
		var buf [48]byte
		num, _ := appendNumericLiteral(buf[:0], n.Text)
		dst = appendOrderedNumeric(dst, num)
	case JArray, JObject:
		count(len(n.Kids), 1)
		for i := range n.Kids {
			if n.Kind == JObject {
				dst = appendOrderedString(dst, []byte(n.Keys[i]))
			}
			dst = appendOrderedJSON(dst, &n.Kids[i], false)
		}
	}
	return dst
}

// appendOrderedArray writes each element after a mark (1 value, 2 null), a 0 at the end, then the shape.
func appendOrderedArray(dst []byte, t Type, b []byte) []byte {
	elem := t.elemType()
	r := ReadArray(elem, b)
	for r.Next() {
		if r.Null {
			dst = append(dst, 2)
			continue
		}
		dst = append(dst, 1)
		dst = appendOrderedValue(dst, elem, r.I64, r.F64, r.Bytes)
	}
	dst = append(dst, 0, byte(r.ndim))
	for i := range r.ndim {
		dst = AppendOrderedI64(dst, int64(r.Dim(i).Len), false)
	}
	for i := range r.ndim {
		dst = AppendOrderedI64(dst, int64(r.Dim(i).Lower), false)
	}
	return dst
}

func appendOrderedValue(dst []byte, t Type, i int64, f float64, b []byte) []byte {
	switch t.Class() {
	case I64:
		return AppendOrderedI64(dst, i, false)
	case F64:
		return AppendOrderedF64(dst, f, false)
	}
	return appendOrdered(dst, t, b)
}

func appendOrderedRecord(dst, b []byte) []byte {
	for r := ReadRecord(b); r.Next(); {
		if r.Null {
			dst = append(dst, 2)
			continue
		}
		dst = append(dst, 1)
		dst = appendOrderedValue(dst, r.Type, r.Bits, floatOfBits(r.Bits), r.Bytes)
	}
	return append(dst, 0)
}
