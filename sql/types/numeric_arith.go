package types

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/millracedb/millrace/sql/pgerr"
)

// The operations append their result's encoding to dst. Each has a path for small operands that allocates
// nothing; big.Int does the rest.

// ErrDivisionByZero is 22012.
func ErrDivisionByZero() error { return pgerr.New(pgerr.DivisionByZero, "division by zero") }

// NumericAdd appends a + b.
func NumericAdd(dst, a, b []byte) ([]byte, error) {
	x, okx := decSmall(a)
	y, oky := decSmall(b)
	if okx && oky {
		if r, ok := addSmall(x, y); ok {
			return appendSmall(dst, r.neg, r.mag, r.scale), nil
		}
	}
	if sa, sb := numSpecial(a), numSpecial(b); sa|sb != 0 {
		return append(dst, addSpecial(sa, sb)), nil
	}
	p, q := align(decBig(a), decBig(b))
	return appendDec(dst, dec{new(big.Int).Add(p.c, q.c), p.scale})
}

// NumericSub appends a - b.
func NumericSub(dst, a, b []byte) ([]byte, error) {
	x, okx := decSmall(a)
	y, oky := decSmall(b)
	if okx && oky {
		y.neg = !y.neg
		if r, ok := addSmall(x, y); ok {
			return appendSmall(dst, r.neg, r.mag, r.scale), nil
		}
	}
	if sa, sb := numSpecial(a), numSpecial(b); sa|sb != 0 {
		return append(dst, addSpecial(sa, negSpecial(sb))), nil
	}
	p, q := align(decBig(a), decBig(b))
	return appendDec(dst, dec{new(big.Int).Sub(p.c, q.c), p.scale})
}

func addSmall(x, y small) (small, bool) {
	var ok bool
	if x.scale < y.scale {
		if x, ok = x.rescale(y.scale); !ok {
			return x, false
		}
	} else if x.scale > y.scale {
		if y, ok = y.rescale(x.scale); !ok {
			return x, false
		}
	}
	if x.neg == y.neg {
		sum, carry := bits.Add64(x.mag, y.mag, 0)
		x.mag = sum
		return x, carry == 0
	}
	if x.mag < y.mag {
		x, y = y, x
	}
	x.mag -= y.mag
	return x, true
}

func addSpecial(a, b byte) byte {
	switch {
	case a == numNaN || b == numNaN:
		return numNaN
	case a == 0:
		return b
	case b == 0 || a == b:
		return a
	}
	return numNaN // Infinity - Infinity
}

func negSpecial(s byte) byte {
	switch s {
	case numPInf:
		return numNInf
	case numNInf:
		return numPInf
	}
	return s
}

// infWithSign is Infinity with the sign s, or NaN for 0.
func infWithSign(s int) byte {
	switch {
	case s > 0:
		return numPInf
	case s < 0:
		return numNInf
	}
	return numNaN
}

// NumericMul appends a * b.
func NumericMul(dst, a, b []byte) ([]byte, error) {
	x, okx := decSmall(a)
	y, oky := decSmall(b)
	if okx && oky && x.scale+y.scale < 256 {
		if hi, lo := bits.Mul64(x.mag, y.mag); hi == 0 {
			return appendSmall(dst, x.neg != y.neg, lo, x.scale+y.scale), nil
		}
	}
	if sa, sb := numSpecial(a), numSpecial(b); sa|sb != 0 {
		if sa == numNaN || sb == numNaN {
			return append(dst, numNaN), nil
		}
		return append(dst, infWithSign(NumericSign(a)*NumericSign(b))), nil
	}
	p, q := decBig(a), decBig(b)
	r := dec{new(big.Int).Mul(p.c, q.c), p.scale + q.scale}
	if r.scale > numMaxDscale {
		r = r.rescale(numMaxDscale)
	}
	return appendDec(dst, r)
}

// divSpecial is a / b when one of them is special.
func divSpecial(a, b []byte) (byte, error) {
	sa, sb := numSpecial(a), numSpecial(b)
	switch {
	case sa == numNaN || sb == numNaN || sa != 0 && sb != 0:
		return numNaN, nil
	case sa != 0:
		s := NumericSign(b)
		if s == 0 {
			return 0, ErrDivisionByZero()
		}
		return infWithSign(NumericSign(a) * s), nil
	}
	return 0, nil // finite / infinite: zero, made by the caller
}

// NumericDiv appends a / b at the scale PostgreSQL selects: at least 16 significant digits.
func NumericDiv(dst, a, b []byte) ([]byte, error) {
	if numSpecial(a)|numSpecial(b) != 0 {
		k, err := divSpecial(a, b)
		if err != nil || k != 0 {
			return append(dst, k), err
		}
		return appendSmall(dst, false, 0, 0), nil
	}
	x, okx := decSmall(a)
	y, oky := decSmall(b)
	if okx && oky {
		if y.mag == 0 {
			return dst, ErrDivisionByZero()
		}
		if r, ok := divSmall(x, y, divScale(weightSmall(x), weightSmall(y), x.scale, y.scale)); ok {
			return appendSmall(dst, r.neg, r.mag, r.scale), nil
		}
	}
	p, q := decBig(a), decBig(b)
	if q.c.Sign() == 0 {
		return dst, ErrDivisionByZero()
	}
	return appendDec(dst, divDec(p, q, divScale(weightDec(p), weightDec(q), p.scale, q.scale)))
}

// divDec is p/q rounded to scale digits.
func divDec(p, q dec, scale int) dec {
	num, den := p.c, q.c
	if up := scale + q.scale - p.scale; up >= 0 {
		num = new(big.Int).Mul(num, pow10(up))
	} else {
		den = new(big.Int).Mul(den, pow10(-up))
	}
	return dec{quoRound(num, den), scale}
}

func divSmall(x, y small, scale int) (small, bool) {
	up := scale + y.scale - x.scale
	if up < 0 || up >= 20 || scale >= 256 {
		return x, false
	}
	hi, lo := bits.Mul64(x.mag, pow10tab[up])
	if hi >= y.mag {
		return x, false
	}
	q, r := bits.Div64(hi, lo, y.mag)
	if r >= y.mag-r {
		if q++; q == 0 {
			return x, false
		}
	}
	return small{mag: q, scale: scale, neg: x.neg != y.neg}, true
}

// nweight is what PostgreSQL's scale rules look at: the weight of the first base-10000 digit and that digit.
type nweight struct{ weight, first int }

func weightSmall(s small) nweight {
	if s.mag == 0 {
		return nweight{}
	}
	n := digits64(s.mag)
	w := floorDiv(n-s.scale-1, 4)
	// The first group's digits are those above 10^(4w).
	take := n - s.scale - 4*w
	first := s.mag
	if n > take {
		first /= pow10tab[n-take]
	} else {
		first *= pow10tab[take-n]
	}
	return nweight{w, int(first)}
}

func weightDec(d dec) nweight {
	if d.c.Sign() == 0 {
		return nweight{}
	}
	n := numDigits(d.c)
	w := floorDiv(n-d.scale-1, 4)
	take := n - d.scale - 4*w
	c := new(big.Int).Abs(d.c)
	if n > take {
		c.Quo(c, pow10(n-take))
	} else {
		c.Mul(c, pow10(take-n))
	}
	return nweight{w, int(c.Int64())}
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// divScale is PostgreSQL's select_div_scale.
func divScale(a, b nweight, scaleA, scaleB int) int {
	q := a.weight - b.weight
	if a.first <= b.first {
		q--
	}
	return dispScale(numMinSigDigits-4*q, scaleA, scaleB)
}

// dispScale bounds a scale from below by the operands' scales and to PostgreSQL's display limits.
func dispScale(scale, leastA, leastB int) int {
	return min(max(scale, leastA, leastB, 0), numMaxDispScale)
}

// NumericIntDiv appends div(a, b): the quotient truncated to an integer.
func NumericIntDiv(dst, a, b []byte) ([]byte, error) {
	if numSpecial(a)|numSpecial(b) != 0 {
		k, err := divSpecial(a, b)
		if err != nil || k != 0 {
			return append(dst, k), err
		}
		return appendSmall(dst, false, 0, 0), nil
	}
	p, q := align(decBig(a), decBig(b))
	if q.c.Sign() == 0 {
		return dst, ErrDivisionByZero()
	}
	return appendDec(dst, dec{new(big.Int).Quo(p.c, q.c), 0})
}

// NumericMod appends a % b, which has a's sign.
func NumericMod(dst, a, b []byte) ([]byte, error) {
	if sa, sb := numSpecial(a), numSpecial(b); sa|sb != 0 {
		switch {
		case sa == numNaN || sb == numNaN:
			return append(dst, numNaN), nil
		case sa == 0:
			return append(dst, a...), nil
		case NumericSign(b) == 0:
			return dst, ErrDivisionByZero()
		}
		return append(dst, numNaN), nil
	}
	x, okx := decSmall(a)
	y, oky := decSmall(b)
	if okx && oky {
		if y.mag == 0 {
			return dst, ErrDivisionByZero()
		}
		scale := max(x.scale, y.scale)
		if xs, ok := x.rescale(scale); ok {
			if ys, ok := y.rescale(scale); ok {
				return appendSmall(dst, x.neg, xs.mag%ys.mag, scale), nil
			}
		}
	}
	p, q := align(decBig(a), decBig(b))
	if q.c.Sign() == 0 {
		return dst, ErrDivisionByZero()
	}
	return appendDec(dst, dec{new(big.Int).Rem(p.c, q.c), p.scale})
}

// NumericNeg appends -b.
func NumericNeg(dst, b []byte) []byte {
	at := len(dst)
	dst = append(dst, b...)
	if s := numSpecial(b); s != 0 {
		dst[at] = negSpecial(s)
	} else if NumericSign(b) != 0 {
		dst[at] ^= 1
	}
	return dst
}

// NumericAbs appends |b|.
func NumericAbs(dst, b []byte) []byte {
	if NumericSign(b) < 0 {
		return NumericNeg(dst, b)
	}
	return append(dst, b...)
}

// NumericRound appends b rounded half away from zero to scale digits, which may be negative.
func NumericRound(dst, b []byte, scale int) ([]byte, error) {
	scale = min(max(scale, -numMaxResultSize), numMaxResultSize)
	if s, ok := decSmall(b); ok && scale >= 0 && scale < 256 {
		if r, ok := s.rescale(scale); ok {
			return appendSmall(dst, r.neg, r.mag, r.scale), nil
		}
	}
	if numSpecial(b) != 0 {
		return append(dst, b...), nil
	}
	return appendDec(dst, decBig(b).rescale(scale))
}

// NumericTrunc appends b cut to scale digits, which may be negative.
func NumericTrunc(dst, b []byte, scale int) ([]byte, error) {
	scale = min(max(scale, -numMaxResultSize), numMaxResultSize)
	if numSpecial(b) != 0 {
		return append(dst, b...), nil
	}
	if s, ok := decSmall(b); ok && scale >= 0 && scale <= s.scale {
		mag := uint64(0)
		if d := s.scale - scale; d < 20 {
			mag = s.mag / pow10tab[d]
		}
		return appendSmall(dst, s.neg, mag, scale), nil
	}
	return appendDec(dst, decBig(b).trunc(scale))
}

// NumericFloor appends the largest integer not above b.
func NumericFloor(dst, b []byte) ([]byte, error) { return numericToward(dst, b, -1) }

// NumericCeil appends the smallest integer not below b.
func NumericCeil(dst, b []byte) ([]byte, error) { return numericToward(dst, b, 1) }

// numericToward rounds to an integer toward dir's infinity.
func numericToward(dst, b []byte, dir int) ([]byte, error) {
	if numSpecial(b) != 0 {
		return append(dst, b...), nil
	}
	d := decBig(b)
	t := d.trunc(0)
	if d.c.Sign() == dir && cmpDec(d, t) != 0 {
		t = dec{new(big.Int).Add(t.c, big.NewInt(int64(dir))), 0}
	}
	return appendDec(dst, t)
}

// NumericSignum appends sign(b): -1, 0, 1 or NaN.
func NumericSignum(dst, b []byte) []byte {
	if IsNumericNaN(b) {
		return append(dst, numNaN)
	}
	return AppendNumericInt(dst, int64(NumericSign(b)))
}

// NumericTrimScale appends b without trailing fraction zeros.
func NumericTrimScale(dst, b []byte) []byte { return NumericNormKey(dst, b) }

// NumericMinScale is the least scale that shows b exactly; ok is false for special values.
func NumericMinScale(b []byte) (int, bool) {
	var buf [16]byte
	return NumericScale(NumericNormKey(buf[:0], b))
}

// NumericGCD appends the greatest common divisor.
func NumericGCD(dst, a, b []byte) ([]byte, error) {
	if numSpecial(a)|numSpecial(b) != 0 {
		return append(dst, numNaN), nil
	}
	p, q := align(decBig(a), decBig(b))
	g := new(big.Int).GCD(nil, nil, new(big.Int).Abs(p.c), new(big.Int).Abs(q.c))
	return appendDec(dst, dec{g, p.scale})
}

// NumericLCM appends the least common multiple.
func NumericLCM(dst, a, b []byte) ([]byte, error) {
	if numSpecial(a)|numSpecial(b) != 0 {
		return append(dst, numNaN), nil
	}
	p, q := align(decBig(a), decBig(b))
	if p.c.Sign() == 0 || q.c.Sign() == 0 {
		return appendDec(dst, dec{new(big.Int), p.scale})
	}
	g := new(big.Int).GCD(nil, nil, new(big.Int).Abs(p.c), new(big.Int).Abs(q.c))
	l := g.Quo(p.c, g)
	return appendDec(dst, dec{l.Abs(l.Mul(l, q.c)), p.scale})
}

// NumericToInt64 rounds b half away from zero to an integer type: Int2, Int4 or Int8.
func NumericToInt64(b []byte, to OID) (int64, error) {
	if s := numSpecial(b); s != 0 {
		word := "infinity"
		if s == numNaN {
			word = "NaN"
		}
		return 0, pgerr.Newf(pgerr.FeatureNotSupported, "cannot convert %s to %s", word, to)
	}
	v, ok := numericInt64(b)
	if !ok || !intFits(v, to) {
		return 0, ErrIntRange(to)
	}
	return v, nil
}

func numericInt64(b []byte) (int64, bool) {
	if s, ok := decSmall(b); ok {
		r, ok := s.rescale(0)
		if !ok {
			return 0, false
		}
		if r.neg {
			return -int64(r.mag), r.mag <= 1<<63
		}
		return int64(r.mag), r.mag <= math.MaxInt64
	}
	d := decBig(b).rescale(0)
	return d.c.Int64(), d.c.IsInt64()
}

// ErrIntRange is the error of an integer result outside its type: "integer out of range".
func ErrIntRange(t OID) error {
	return pgerr.Newf(pgerr.NumericValueOutOfRange, "%s out of range", t)
}

func intFits(v int64, t OID) bool {
	switch t {
	case Int2:
		return v == int64(int16(v))
	case Int4:
		return v == int64(int32(v))
	}
	return true
}
