package types

import (
	"encoding/binary"
	"math/big"
	"math/bits"
	"slices"
)

// NumericSum is the state of sum and avg over numerics that can also take values back. It remembers how
// many values have each display scale and how many are NaN or infinite, so that after a retraction the
// result has the scale, and the finiteness, that the remaining values give. The zero value is empty.
//
// Encoding: uvarints and varints: NaN count, +Inf count, -Inf count, number of scales, then (scale, count)
// pairs ascending by scale, then the scale of the sum, and the sum as a numeric's bytes without its scale.
type NumericSum struct {
	nan, pinf, ninf int64
	n               int64 // finite values
	scales          []scaleCount
	sumScale        int32 // grows only, until nothing is left
	small           Int128
	big             *big.Int // nil: the sum is small
}

type scaleCount struct {
	scale int32
	n     int64
}

// Reset empties s and keeps its memory.
func (s *NumericSum) Reset() { *s = NumericSum{scales: s.scales[:0]} }

// Count is the number of values, the special ones too.
func (s *NumericSum) Count() int64 { return s.n + s.nan + s.pinf + s.ninf }

// Add adds the numeric b w times; a negative w takes it back.
func (s *NumericSum) Add(b []byte, w int64) {
	switch numSpecial(b) {
	case numNaN:
		s.nan += w
		return
	case numPInf:
		s.pinf += w
		return
	case numNInf:
		s.ninf += w
		return
	}
	scale, _ := NumericScale(b)
	s.n += w
	s.countScale(int32(scale), w)
	s.rescaleTo(int32(scale))
	if v, ok := decSmall(b); ok && s.big == nil {
		if s.addSmall(v, w) {
			return
		}
	}
	d := decBig(b).rescale(int(s.sumScale))
	s.widen()
	s.big.Add(s.big, new(big.Int).Mul(d.c, big.NewInt(w)))
}

// addSmall adds v*w to the 128-bit sum; false, with nothing changed, if that may overflow.
func (s *NumericSum) addSmall(v small, w int64) bool {
	v, ok := v.rescale(int(s.sumScale))
	if !ok {
		return false
	}
	m := uint64(w)
	if w < 0 {
		m = -m
	}
	hi, lo := bits.Mul64(v.mag, m)
	if hi>>62 != 0 {
		return false
	}
	d := Int128{int64(hi), lo}
	if v.neg != (w < 0) {
		d = d.Neg()
	}
	sum, ok := s.small.addChecked(d)
	if ok {
		s.small = sum
	}
	return ok
}

func (s *NumericSum) widen() {
	if s.big == nil {
		s.big = s.small.Big()
		s.small = Int128{}
	}
}

func (s *NumericSum) rescaleTo(scale int32) {
	if scale <= s.sumScale {
		return
	}
	up := int(scale - s.sumScale)
	s.sumScale = scale
	if s.big == nil {
		if s.small == (Int128{}) {
			return
		}
		if up < 19 {
			if v, ok := s.small.mulChecked(int64(pow10tab[up])); ok {
				s.small = v
				return
			}
		}
	}
	s.widen()
	s.big.Mul(s.big, pow10(up))
}

func (s *NumericSum) countScale(scale int32, w int64) {
	i, ok := slices.BinarySearchFunc(s.scales, scale, func(c scaleCount, t int32) int { return int(c.scale - t) })
	if !ok {
		s.scales = slices.Insert(s.scales, i, scaleCount{scale, w})
		return
	}
	if s.scales[i].n += w; s.scales[i].n == 0 {
		s.scales = slices.Delete(s.scales, i, i+1)
	}
}

// Merge adds another sum's values w times.
func (s *NumericSum) Merge(o *NumericSum, w int64) {
	s.nan += w * o.nan
	s.pinf += w * o.pinf
	s.ninf += w * o.ninf
	s.n += w * o.n
	for _, c := range o.scales {
		s.countScale(c.scale, w*c.n)
	}
	s.rescaleTo(o.sumScale)
	s.widen()
	d := dec{o.bigSum(), int(o.sumScale)}.rescale(int(s.sumScale))
	s.big.Add(s.big, new(big.Int).Mul(d.c, big.NewInt(w)))
}

func (s *NumericSum) bigSum() *big.Int {
	if s.big != nil {
		return s.big
	}
	return s.small.Big()
}

// AppendSum appends the sum; null is true when there is no value.
func (s *NumericSum) AppendSum(dst []byte) (out []byte, null bool, err error) {
	switch {
	case s.Count() == 0:
		return dst, true, nil
	case s.nan > 0 || s.pinf > 0 && s.ninf > 0:
		return append(dst, numNaN), false, nil
	case s.pinf > 0:
		return append(dst, numPInf), false, nil
	case s.ninf > 0:
		return append(dst, numNInf), false, nil
	}
	scale := int32(0)
	if len(s.scales) > 0 {
		scale = s.scales[len(s.scales)-1].scale
	}
	if s.big == nil {
		if neg, mag, ok := s.small.abs64(); ok && s.sumScale < 256 {
			// What is left has no digits below its own scale, so this cuts zeros only.
			v, _ := small{mag, int(s.sumScale), neg}.rescale(int(scale))
			return appendSmall(dst, v.neg, v.mag, v.scale), false, nil
		}
	}
	d := dec{new(big.Int).Set(s.bigSum()), int(s.sumScale)}
	dst, err = appendDec(dst, d.rescale(int(scale)))
	return dst, false, err
}

// AppendAvg appends sum / count; null is true when there is no value.
func (s *NumericSum) AppendAvg(dst []byte) (out []byte, null bool, err error) {
	var a, b [40]byte
	sum, null, err := s.AppendSum(a[:0])
	if null || err != nil {
		return dst, null, err
	}
	dst, err = NumericDiv(dst, sum, AppendNumericInt(b[:0], s.Count()))
	return dst, false, err
}

// Encode appends the state.
func (s *NumericSum) Encode(dst []byte) []byte {
	for _, v := range []int64{s.nan, s.pinf, s.ninf, int64(len(s.scales))} {
		dst = binary.AppendVarint(dst, v)
	}
	for _, c := range s.scales {
		dst = binary.AppendVarint(dst, int64(c.scale))
		dst = binary.AppendVarint(dst, c.n)
	}
	// When nothing is left the sum is 0 at whatever scale; forgetting it makes equal states equal bytes.
	scale := s.sumScale
	if len(s.scales) == 0 && s.isZero() {
		scale = 0
	}
	dst = binary.AppendVarint(dst, int64(scale))
	if s.big == nil {
		return s.small.appendMinimal(dst)
	}
	if v, ok := int128FromBig(s.big); ok {
		return v.appendMinimal(dst)
	}
	kind := byte(numBigPos)
	if s.big.Sign() < 0 {
		kind = numBigNeg
	}
	return append(append(dst, kind), s.big.Bytes()...)
}

func (s *NumericSum) isZero() bool {
	return s.small == (Int128{}) && (s.big == nil || s.big.Sign() == 0)
}

// Decode replaces s by an encoded state; an empty string is the empty sum.
func (s *NumericSum) Decode(b []byte) {
	s.Reset()
	if len(b) == 0 {
		return
	}
	next := func() int64 {
		v, k := binary.Varint(b)
		b = b[max(k, 0):]
		return v
	}
	s.nan, s.pinf, s.ninf = next(), next(), next()
	for k := next(); k > 0 && len(b) > 0; k-- {
		c := scaleCount{int32(next()), next()}
		s.scales = append(s.scales, c)
		s.n += c.n
	}
	s.sumScale = int32(next())
	if len(b) == 0 {
		return
	}
	if b[0] < numBigPos {
		s.small = int128Minimal(b)
		return
	}
	s.big = new(big.Int).SetBytes(b[1:])
	if b[0] == numBigNeg {
		s.big.Neg(s.big)
	}
}
