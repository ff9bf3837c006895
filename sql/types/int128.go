package types

import (
	"encoding/binary"
	"math/big"
	"math/bits"
)

// Int128 is a two's complement 128-bit integer: the exact sum of int2, int4 and int8 values, which cannot
// overflow it within 2^63 of them.
type Int128 struct {
	Hi int64
	Lo uint64
}

// AddMul returns s + v*w.
func (s Int128) AddMul(v, w int64) Int128 {
	hi, lo := bits.Mul64(uint64(v), uint64(w))
	// Mul64 is unsigned; take back what the signs added.
	if v < 0 {
		hi -= uint64(w)
	}
	if w < 0 {
		hi -= uint64(v)
	}
	return s.Add(Int128{int64(hi), lo})
}

// Add returns s + o, modulo 2^128.
func (s Int128) Add(o Int128) Int128 {
	lo, carry := bits.Add64(s.Lo, o.Lo, 0)
	hi, _ := bits.Add64(uint64(s.Hi), uint64(o.Hi), carry)
	return Int128{int64(hi), lo}
}

// Neg returns -s.
func (s Int128) Neg() Int128 {
	lo, borrow := bits.Sub64(0, s.Lo, 0)
	hi, _ := bits.Sub64(0, uint64(s.Hi), borrow)
	return Int128{int64(hi), lo}
}

func (s Int128) addChecked(o Int128) (Int128, bool) {
	r := s.Add(o)
	return r, (s.Hi < 0) != (o.Hi < 0) || (r.Hi < 0) == (s.Hi < 0)
}

// mulChecked multiplies by a positive number.
func (s Int128) mulChecked(m int64) (Int128, bool) {
	neg := s.Hi < 0
	if neg {
		s = s.Neg()
	}
	h1, lo := bits.Mul64(s.Lo, uint64(m))
	h2, mid := bits.Mul64(uint64(s.Hi), uint64(m))
	hi, carry := bits.Add64(mid, h1, 0)
	if h2 != 0 || carry != 0 || hi>>63 != 0 {
		return s, false
	}
	r := Int128{int64(hi), lo}
	if neg {
		r = r.Neg()
	}
	return r, true
}

// abs64 returns sign and magnitude if the magnitude fits 64 bits.
func (s Int128) abs64() (neg bool, mag uint64, ok bool) {
	if s.Hi < 0 {
		s, neg = s.Neg(), true
	}
	return neg, s.Lo, s.Hi == 0
}

// Int64 returns the value if it fits.
func (s Int128) Int64() (int64, bool) { return int64(s.Lo), s.Hi == int64(s.Lo)>>63 }

// Big returns the value as a big.Int.
func (s Int128) Big() *big.Int {
	neg := s.Hi < 0
	if neg {
		s = s.Neg()
	}
	b := new(big.Int).SetUint64(uint64(s.Hi))
	b.Lsh(b, 64).Or(b, new(big.Int).SetUint64(s.Lo))
	if neg {
		b.Neg(b)
	}
	return b
}

func int128FromBig(b *big.Int) (Int128, bool) {
	if b.BitLen() > 126 {
		return Int128{}, false
	}
	var buf [16]byte
	new(big.Int).Abs(b).FillBytes(buf[:])
	v := Int128{int64(binary.BigEndian.Uint64(buf[:])), binary.BigEndian.Uint64(buf[8:])}
	if b.Sign() < 0 {
		v = v.Neg()
	}
	return v, true
}

// AppendNumeric appends the value as a numeric of scale 0.
func (s Int128) AppendNumeric(dst []byte) []byte {
	if neg, mag, ok := s.abs64(); ok {
		return appendSmall(dst, neg, mag, 0)
	}
	dst, _ = appendDec(dst, dec{s.Big(), 0}) // 39 digits at most
	return dst
}

// AppendAvg appends s / count as avg of integers gives it; count is not 0.
func (s Int128) AppendAvg(dst []byte, count int64) ([]byte, error) {
	var a, b [32]byte
	return NumericDiv(dst, s.AppendNumeric(a[:0]), AppendNumericInt(b[:0], count))
}

// Append encodes the value in 16 bytes, little endian.
func (s Int128) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, s.Lo)
	return binary.LittleEndian.AppendUint64(dst, uint64(s.Hi))
}

// DecodeInt128 is the inverse of Append; an empty string is 0.
func DecodeInt128(b []byte) Int128 {
	if len(b) < 16 {
		return Int128{}
	}
	return Int128{int64(binary.LittleEndian.Uint64(b[8:])), binary.LittleEndian.Uint64(b)}
}

// appendMinimal encodes sign (0 or 1) and magnitude without leading zeros, little endian.
func (s Int128) appendMinimal(dst []byte) []byte {
	if s.Hi < 0 {
		s = s.Neg()
		dst = append(dst, numNeg)
	} else {
		dst = append(dst, numPos)
	}
	lo, hi := s.Lo, uint64(s.Hi)
	for lo|hi != 0 {
		dst = append(dst, byte(lo))
		lo = lo>>8 | hi<<56
		hi >>= 8
	}
	return dst
}

func int128Minimal(b []byte) (s Int128) {
	var hi, lo uint64
	for i := len(b) - 1; i > 0; i-- {
		hi = hi<<8 | lo>>56
		lo = lo<<8 | uint64(b[i])
	}
	s = Int128{int64(hi), lo}
	if b[0] == numNeg {
		s = s.Neg()
	}
	return s
}
