package types

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"

	"github.com/millracedb/millrace/sql/pgerr"
)

// A numeric is sign, magnitude (an integer) and display scale: value = ±magnitude / 10^scale. Its encoding:
//
//	small  [kind 0|1] [scale: 1 byte] [magnitude: 0-8 bytes, little endian, no leading zeros]
//	big    [kind 2|3] [scale: 2 bytes, little endian] [magnitude: big endian, no leading zeros]
//	NaN    [4]   Infinity [5]   -Infinity [6]
//
// kind 1 and 3 are negative. Small is used whenever magnitude < 2^64 and scale < 256, and zero is never
// negative, so each (value, scale) has exactly one encoding. An empty string reads as 0, which keeps
// the slot of a null harmless.
const (
	numPos    = 0
	numNeg    = 1
	numBigPos = 2
	numBigNeg = 3
	numNaN    = 4
	numPInf   = 5
	numNInf   = 6
)

// PostgreSQL's limits (numeric.h).
const (
	numMaxDscale     = 16383  // NUMERIC_DSCALE_MAX
	numMaxIntDigits  = 131072 // (NUMERIC_WEIGHT_MAX + 1) * DEC_DIGITS
	numMinSigDigits  = 16     // NUMERIC_MIN_SIG_DIGITS
	numMaxDispScale  = 1000   // NUMERIC_MAX_DISPLAY_SCALE
	numMaxResultSize = 2000   // NUMERIC_MAX_RESULT_SCALE
)

func errNumOverflow() error {
	return pgerr.New(pgerr.NumericValueOutOfRange, "value overflows numeric format")
}

// NumericNaN, NumericInf and NumericNegInf are the encodings of the special values.
var (
	NumericNaN    = []byte{numNaN}
	NumericInf    = []byte{numPInf}
	NumericNegInf = []byte{numNInf}
)

var pow10tab = func() (t [20]uint64) {
	t[0] = 1
	for i := 1; i < 20; i++ {
		t[i] = t[i-1] * 10
	}
	return
}()

// small is a decoded small numeric.
type small struct {
	mag   uint64
	scale int
	neg   bool
}

func decSmall(b []byte) (s small, ok bool) {
	if len(b) < 2 {
		return s, len(b) == 0
	}
	if b[0] > numNeg {
		return s, false
	}
	s.neg, s.scale = b[0] == numNeg, int(b[1])
	for i := len(b) - 1; i >= 2; i-- {
		s.mag = s.mag<<8 | uint64(b[i])
	}
	return s, true
}

func appendSmall(dst []byte, neg bool, mag uint64, scale int) []byte {
	var kind byte
	if neg && mag != 0 {
		kind = numNeg
	}
	dst = append(dst, kind, byte(scale))
	for mag != 0 {
		dst = append(dst, byte(mag))
		mag >>= 8
	}
	return dst
}

// AppendNumericInt appends the numeric with value v and scale 0.
func AppendNumericInt(dst []byte, v int64) []byte {
	if v < 0 {
		return appendSmall(dst, true, -uint64(v), 0)
	}
	return appendSmall(dst, false, uint64(v), 0)
}

// AppendNumericScaled appends v / 10^scale shown with scale digits; 0 <= scale < 256.
func AppendNumericScaled(dst []byte, v int64, scale int) []byte {
	if v < 0 {
		return appendSmall(dst, true, -uint64(v), scale)
	}
	return appendSmall(dst, false, uint64(v), scale)
}

// special returns numNaN, numPInf or numNInf for special values, else 0.
func numSpecial(b []byte) byte {
	if len(b) == 1 && b[0] >= numNaN {
		return b[0]
	}
	return 0
}

// IsNumericNaN reports whether b is NaN.
func IsNumericNaN(b []byte) bool { return numSpecial(b) == numNaN }

// dec is a decoded finite numeric of any size.
type dec struct {
	c     *big.Int // signed coefficient
	scale int
}

func decBig(b []byte) dec {
	if s, ok := decSmall(b); ok {
		c := new(big.Int).SetUint64(s.mag)
		if s.neg {
			c.Neg(c)
		}
		return dec{c, s.scale}
	}
	if len(b) < 3 {
		return dec{new(big.Int), 0}
	}
	c := new(big.Int).SetBytes(b[3:])
	if b[0] == numBigNeg {
		c.Neg(c)
	}
	return dec{c, int(binary.LittleEndian.Uint16(b[1:]))}
}

// appendDec encodes d, which must not be used afterwards. It fails when d is outside numeric's range.
func appendDec(dst []byte, d dec) ([]byte, error) {
	if d.scale > numMaxDscale {
		return dst, errNumOverflow()
	}
	neg := d.c.Sign() < 0
	if d.c.IsUint64() || neg && d.c.BitLen() <= 64 {
		if d.scale < 256 {
			return appendSmall(dst, neg, new(big.Int).Abs(d.c).Uint64(), d.scale), nil
		}
	} else if bitsOver(d.c.BitLen(), d.scale+numMaxIntDigits) && numDigits(d.c)-d.scale > numMaxIntDigits {
		return dst, errNumOverflow()
	}
	kind := byte(numBigPos)
	if neg {
		kind = numBigNeg
	}
	dst = append(dst, kind, byte(d.scale), byte(d.scale>>8))
	n := (d.c.BitLen() + 7) / 8
	at := len(dst)
	dst = append(dst, make([]byte, n)...)
	d.c.FillBytes(dst[at:])
	return dst, nil
}

// bitsOver reports whether a number of that many bits might have more than digits decimal digits.
func bitsOver(bitLen, digits int) bool { return float64(bitLen)*0.30103 > float64(digits)-1 }

// numDigits is the number of decimal digits of c; 0 for 0.
func numDigits(c *big.Int) int {
	if c.Sign() == 0 {
		return 0
	}
	if c.IsUint64() {
		return digits64(c.Uint64())
	}
	// bits*log10(2) is exact to one digit; a comparison with a power of ten settles it.
	n := int(float64(c.BitLen()-1) * math.Log10(2))
	if c.CmpAbs(pow10(n)) < 0 {
		return n
	}
	if c.CmpAbs(pow10(n+1)) < 0 {
		return n + 1
	}
	return n + 2
}

func digits64(v uint64) int {
	n := (bits.Len64(v) * 1233) >> 12
	if n < len(pow10tab) && v >= pow10tab[n] {
		n++
	}
	return n
}

var bigPow10 = func() (t [256]*big.Int) {
	t[0] = big.NewInt(1)
	for i := 1; i < len(t); i++ {
		t[i] = new(big.Int).Mul(t[i-1], big.NewInt(10))
	}
	return
}()

// pow10 returns 10^n, which must not be changed.
func pow10(n int) *big.Int {
	if n < len(bigPow10) {
		return bigPow10[n]
	}
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// rescale returns d with another scale, rounding half away from zero where digits are cut. scale may be
// negative: the result then has scale 0 and zeros before the point.
func (d dec) rescale(scale int) dec {
	switch {
	case scale > d.scale:
		return dec{new(big.Int).Mul(d.c, pow10(scale-d.scale)), scale}
	case scale == d.scale:
		return d
	}
	cut := d.scale - scale
	c := new(big.Int)
	// With more digits cut than there are, the result is 0; this also keeps 10^cut small.
	if cut <= numDigits(d.c) {
		c = quoRound(d.c, pow10(cut))
	}
	if scale < 0 {
		c.Mul(c, pow10(-scale))
		scale = 0
	}
	return dec{c, scale}
}

// quoRound is a/b rounded half away from zero.
func quoRound(a, b *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(a, b, new(big.Int))
	if r.Lsh(r, 1).CmpAbs(b) >= 0 {
		if (a.Sign() < 0) != (b.Sign() < 0) {
			q.Sub(q, bigPow10[0])
		} else {
			q.Add(q, bigPow10[0])
		}
	}
	return q
}

// trunc returns d cut to scale digits, toward zero.
func (d dec) trunc(scale int) dec {
	if scale >= d.scale {
		return d.rescale(scale)
	}
	c := new(big.Int)
	if cut := d.scale - scale; cut <= numDigits(d.c) {
		c.Quo(d.c, pow10(cut))
	}
	if scale < 0 {
		c.Mul(c, pow10(-scale))
		scale = 0
	}
	return dec{c, scale}
}

// align brings both to the larger scale.
func align(a, b dec) (dec, dec) {
	if a.scale < b.scale {
		return a.rescale(b.scale), b
	}
	return a, b.rescale(a.scale)
}

// cmpDec compares values. Orders of magnitude are compared first, so that huge scales are not aligned for
// nothing.
func cmpDec(a, b dec) int {
	if sa, sb := a.c.Sign(), b.c.Sign(); sa != sb || sa == 0 {
		return sa - sb
	}
	if wa, wb := numDigits(a.c)-a.scale, numDigits(b.c)-b.scale; wa != wb {
		if wa > wb {
			return a.c.Sign()
		}
		return -a.c.Sign()
	}
	a, b = align(a, b)
	return a.c.Cmp(b.c)
}

// stripZeros returns d without trailing fraction zeros.
func (d dec) stripZeros() dec {
	if d.scale == 0 {
		return d
	}
	if d.c.Sign() == 0 {
		return dec{d.c, 0}
	}
	c := new(big.Int).Set(d.c)
	q, r := new(big.Int), new(big.Int)
	// Cut in steps of halving size: a long run of zeros costs a logarithm of divisions.
	for step := 1 << 13; step > 0; step >>= 1 {
		for d.scale >= step && step <= numDigits(c) {
			if q.QuoRem(c, pow10(step), r); r.Sign() != 0 {
				break
			}
			c, q = q, c
			d.scale -= step
		}
	}
	return dec{c, d.scale}
}

// NumericCompare orders numerics: -Infinity, finite values, Infinity, NaN; NaN equals NaN.
func NumericCompare(a, b []byte) int {
	x, okx := decSmall(a)
	y, oky := decSmall(b)
	if okx && oky {
		if c, ok := cmpSmall(x, y); ok {
			return c
		}
	} else if ra, rb := numRank(a), numRank(b); ra != rb || ra != 0 {
		return ra - rb
	}
	return sign(cmpDec(decBig(a), decBig(b)))
}

func numRank(b []byte) int {
	switch numSpecial(b) {
	case numNInf:
		return -1
	case numPInf:
		return 1
	case numNaN:
		return 2
	}
	return 0
}

func cmpSmall(x, y small) (c int, ok bool) {
	if x.neg != y.neg {
		if x.neg {
			return -1, true
		}
		return 1, true
	}
	var xh, yh uint64
	xl, yl := x.mag, y.mag
	switch d := x.scale - y.scale; {
	case d == 0:
	case d > 0 && d < 20:
		yh, yl = bits.Mul64(yl, pow10tab[d])
	case d < 0 && -d < 20:
		xh, xl = bits.Mul64(xl, pow10tab[-d])
	default:
		return 0, false
	}
	switch {
	case xh == yh && xl == yl:
		return 0, true
	case xh < yh || xh == yh && xl < yl:
		c = -1
	default:
		c = 1
	}
	if x.neg {
		c = -c
	}
	return c, true
}

// NumericSign is -1, 0 or 1; NaN counts as positive.
func NumericSign(b []byte) int {
	switch {
	case len(b) <= 2 && numSpecial(b) == 0:
		return 0
	case numSpecial(b) == numNInf, b[0] == numNeg, b[0] == numBigNeg:
		return -1
	}
	if b[0] >= numBigPos && b[0] <= numBigNeg && len(b) == 3 {
		return 0 // zero with a scale of 256 or more
	}
	return 1
}

// NumericScale is the display scale; ok is false for special values, whose scale is null.
func NumericScale(b []byte) (int, bool) {
	if numSpecial(b) != 0 {
		return 0, false
	}
	if s, ok := decSmall(b); ok {
		return s.scale, true
	}
	return int(binary.LittleEndian.Uint16(b[1:])), true
}

// NumericNormKey appends the form that equal numerics share: the encoding without trailing fraction zeros.
func NumericNormKey(dst, b []byte) []byte {
	if s, ok := decSmall(b); ok {
		s = s.strip()
		return appendSmall(dst, s.neg, s.mag, s.scale)
	}
	if numSpecial(b) != 0 {
		return append(dst, b[0])
	}
	dst, _ = appendDec(dst, decBig(b).stripZeros()) // no larger than b, which was in range
	return dst
}

func (s small) strip() small {
	if s.mag == 0 {
		return small{}
	}
	for s.scale > 0 && s.mag%10 == 0 {
		s.mag /= 10
		s.scale--
	}
	return s
}

func sign(c int) int {
	switch {
	case c < 0:
		return -1
	case c > 0:
		return 1
	}
	return 0
}
