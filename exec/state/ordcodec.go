package state

import (
	"encoding/binary"
	"math"

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
//	null marker (before or after 1) | 1, then the value: 8 bytes big endian, or types.AppendOrdered; all bits
//	inverted if descending
func AppendOrdered(dst []byte, v *vec.Vec, i int, o Order) []byte {
	if v.IsNull(i) {
		if o.NullsFirst {
			return append(dst, 0)
		}
		return append(dst, 2)
	}
	dst = append(dst, 1)
	start := len(dst)
	switch v.Type.Class() {
	case types.I64:
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.I64[i])^1<<63)
	case types.F64:
		dst = binary.BigEndian.AppendUint64(dst, orderedFloat(v.F64[i]))
	default:
		dst = types.AppendOrdered(dst, v.Type, v.Bytes(i))
	}
	if o.Desc {
		for k := start; k < len(dst); k++ {
			dst[k] = ^dst[k]
		}
	}
	return dst
}

// orderedFloat maps floats to integers in PostgreSQL's order: -0 = 0, NaN is the greatest.
func orderedFloat(f float64) uint64 {
	b := math.Float64bits(canonicalFloat(f))
	if f != f {
		return math.MaxUint64
	}
	if b>>63 != 0 {
		return ^b
	}
	return b | 1<<63
}
