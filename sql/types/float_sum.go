package types

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/millracedb/millrace/sql/pgerr"
)

// floatLimbs words of 64 bits cover every float8: from 2^-1074 up past 2^1024, with 128 bits for carries.
const floatLimbs = (1074 + 1024 + 128 + 63) / 64

// FloatSum is an exact sum of floats: a fixed-point number wide enough for every float, so that the order of
// additions does not matter and any value can be taken back. The zero value is empty.
//
// Encoding: varints: NaN count, +Inf count, -Inf count, finite count, count of -0; then, unless the sum is 0,
// the sign (1 byte), the number of the lowest nonzero limb (1 byte) and the magnitude's limbs from it on,
// 8 bytes each, little endian, without leading zeros.
type FloatSum struct {
	nan, pinf, ninf int64
	n, negZero      int64
	acc             [floatLimbs]uint64 // two's complement, unit 2^-1074
}

// Reset empties s.
func (s *FloatSum) Reset() { *s = FloatSum{} }

// Count is the number of values.
func (s *FloatSum) Count() int64 { return s.n + s.nan + s.pinf + s.ninf }

// Add adds f w times; a negative w takes it back.
func (s *FloatSum) Add(f float64, w int64) {
	switch {
	case f != f:
		s.nan += w
		return
	case math.IsInf(f, 1):
		s.pinf += w
		return
	case math.IsInf(f, -1):
		s.ninf += w
		return
	}
	s.n += w
	b := math.Float64bits(f)
	mant, exp := b&(1<<52-1), int(b>>52&0x7ff)
	if exp == 0 {
		exp = 1
		if mant == 0 {
			if b>>63 != 0 {
				s.negZero += w
			}
			return
		}
	} else {
		mant |= 1 << 52
	}
	neg := b>>63 != 0
	m := uint64(w)
	if w < 0 {
		neg, m = !neg, -m
	}
	hi, lo := bits.Mul64(mant, m) // at most 117 bits
	shift := uint(exp - 1)
	limb, off := int(shift/64), shift%64
	var top uint64
	if off != 0 {
		top = hi >> (64 - off)
		hi = hi<<off | lo>>(64-off)
		lo <<= off
	}
	s.addAt(limb, [3]uint64{lo, hi, top}, neg)
}

func (s *FloatSum) addAt(limb int, v [3]uint64, neg bool) {
	var carry uint64
	for i := limb; i < floatLimbs; i++ {
		var x uint64
		if k := i - limb; k < 3 {
			x = v[k]
		} else if carry == 0 {
			return
		}
		if neg {
			s.acc[i], carry = bits.Sub64(s.acc[i], x, carry)
		} else {
			s.acc[i], carry = bits.Add64(s.acc[i], x, carry)
		}
	}
}

// Merge adds another sum's values once (w = 1) or takes them back (w = -1).
func (s *FloatSum) Merge(o *FloatSum, w int64) {
	s.nan += w * o.nan
	s.pinf += w * o.pinf
	s.ninf += w * o.ninf
	s.n += w * o.n
	s.negZero += w * o.negZero
	var carry uint64
	for i := range s.acc {
		if w < 0 {
			s.acc[i], carry = bits.Sub64(s.acc[i], o.acc[i], carry)
		} else {
			s.acc[i], carry = bits.Add64(s.acc[i], o.acc[i], carry)
		}
	}
}

// magnitude returns the sign and absolute value of the sum and its lowest and highest nonzero limbs.
func (s *FloatSum) magnitude() (neg bool, mag [floatLimbs]uint64, low, high int) {
	mag = s.acc
	if neg = mag[floatLimbs-1]>>63 != 0; neg {
		var borrow uint64
		for i := range mag {
			mag[i], borrow = bits.Sub64(0, mag[i], borrow)
		}
	}
	low, high = floatLimbs, -1
	for i, x := range mag {
		if x != 0 {
			low, high = min(low, i), i
		}
	}
	return
}

// Sum is the sum, correctly rounded. null is true when there is no value; a sum beyond the range of float8
// is an error.
func (s *FloatSum) Sum() (f float64, null bool, err error) {
	switch {
	case s.Count() == 0:
		return 0, true, nil
	case s.nan > 0 || s.pinf > 0 && s.ninf > 0:
		return math.NaN(), false, nil
	case s.pinf > 0:
		return math.Inf(1), false, nil
	case s.ninf > 0:
		return math.Inf(-1), false, nil
	}
	neg, mag, low, high := s.magnitude()
	if high < 0 {
		if s.n == s.negZero {
			return math.Copysign(0, -1), false, nil
		}
		return 0, false, nil
	}
	f = roundLimbs(&mag, low, high)
	if math.IsInf(f, 0) {
		return 0, false, pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: overflow")
	}
	if neg {
		f = -f
	}
	return f, false, nil
}

// roundLimbs is the nearest float8 to mag * 2^-1074, ties to even.
func roundLimbs(mag *[floatLimbs]uint64, low, high int) float64 {
	top := high*64 + 63 - bits.LeadingZeros64(mag[high]) // number of the highest set bit
	if top < 53 {
		// Below 2^53 units the value is exact: a subnormal, or in the lowest normal binade.
		return math.Float64frombits(mag[0])
	}
	cut := top - 52 // bits below the mantissa
	mant := limbBits(mag, cut)
	half := mag[(cut-1)/64]>>((cut-1)%64)&1 != 0
	if half && (mant&1 != 0 || anyBelow(mag, low, cut-1)) {
		mant++ // 2^53 carries into the exponent below
	}
	return math.Ldexp(float64(mant), cut-1074)
}

// limbBits is the 53 bits from bit number from on.
func limbBits(mag *[floatLimbs]uint64, from int) uint64 {
	i, off := from/64, uint(from%64)
	v := mag[i] >> off
	if off != 0 && i+1 < floatLimbs {
		v |= mag[i+1] << (64 - off)
	}
	return v & (1<<53 - 1)
}

// anyBelow reports whether a bit below number bit is set.
func anyBelow(mag *[floatLimbs]uint64, low, bit int) bool {
	i := bit / 64
	return low < i || mag[i]&(1<<uint(bit%64)-1) != 0
}

// Avg is the correctly rounded sum divided by the count.
func (s *FloatSum) Avg() (f float64, null bool, err error) {
	f, null, err = s.Sum()
	if null || err != nil {
		return f, null, err
	}
	return f / float64(s.Count()), false, nil
}

// Encode appends the state.
func (s *FloatSum) Encode(dst []byte) []byte {
	for _, v := range []int64{s.nan, s.pinf, s.ninf, s.n, s.negZero} {
		dst = binary.AppendVarint(dst, v)
	}
	neg, mag, low, high := s.magnitude()
	if high < 0 {
		return dst
	}
	sign := byte(0)
	if neg {
		sign = 1
	}
	dst = append(dst, sign, byte(low))
	for _, x := range mag[low : high+1] {
		dst = binary.LittleEndian.AppendUint64(dst, x)
	}
	return dst
}

// Decode replaces s by an encoded state; an empty string is the empty sum.
func (s *FloatSum) Decode(b []byte) {
	s.Reset()
	for _, p := range []*int64{&s.nan, &s.pinf, &s.ninf, &s.n, &s.negZero} {
		v, k := binary.Varint(b)
		*p = v
		b = b[max(k, 0):]
	}
	if len(b) < 2 {
		return
	}
	neg, i := b[0] != 0, int(b[1])
	for b = b[2:]; len(b) >= 8 && i < floatLimbs; i++ {
		s.acc[i] = binary.LittleEndian.Uint64(b)
		b = b[8:]
	}
	if !neg {
		return
	}
	var borrow uint64
	for i := range s.acc {
		s.acc[i], borrow = bits.Sub64(0, s.acc[i], borrow)
	}
}
