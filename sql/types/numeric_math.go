package types

import (
	"math"
	"math/big"

	"github.com/millracedb/millrace/sql/pgerr"
)

// Roots, exponentials and logarithms. PostgreSQL defines each result's scale (at least 16 significant
// digits); within it the result is the rounded true value, worked out here in binary floating point of
// ample precision.

func errNumPower(msg string) error { return pgerr.New(pgerr.InvalidArgumentForPower, msg) }

// leading is the value of the first base-10000 digits, up to groups of them: |d| ~= f * 10^p.
func (d dec) leading(groups int) (f float64, p int) {
	w := weightDec(d).weight
	n := numDigits(d.c)
	take := min(n-d.scale-4*w+4*(groups-1), n)
	c := new(big.Int).Abs(d.c)
	p = n - take - d.scale
	c.Quo(c, pow10(n-take))
	f, _ = new(big.Float).SetInt(c).Float64()
	return f, p
}

// float returns d as a binary float of the given precision.
func (d dec) float(prec uint) *big.Float {
	f := new(big.Float).SetPrec(prec).SetInt(d.c)
	if d.scale == 0 {
		return f
	}
	return f.Quo(f, new(big.Float).SetPrec(prec).SetInt(pow10(d.scale)))
}

// fromFloat rounds f to scale digits, half away from zero.
func fromFloat(f *big.Float, scale int) dec {
	prec := f.Prec()
	g := new(big.Float).SetPrec(prec+uint(scale)*4+64).Mul(f, new(big.Float).SetPrec(prec).SetInt(pow10(scale)))
	half := big.NewFloat(0.5)
	if g.Sign() < 0 {
		half.Neg(half)
	}
	c, _ := g.Add(g, half).Int(nil)
	return dec{c, scale}
}

// bitsFor is a precision for that many decimal digits, with bits to spare.
func bitsFor(digits int) uint { return uint(float64(max(digits, 0))*3.33) + 128 }

// NumericSqrt appends the square root.
func NumericSqrt(dst, b []byte) ([]byte, error) {
	switch {
	case IsNumericNaN(b):
		return append(dst, numNaN), nil
	case NumericSign(b) < 0:
		return dst, errNumPower("cannot take square root of a negative number")
	case numSpecial(b) != 0:
		return append(dst, numPInf), nil
	}
	d := decBig(b)
	w := weightDec(d).weight
	scale := dispScale(numMinSigDigits-(w*4/2+1), d.scale, 0)
	return appendDec(dst, sqrtDec(d, scale))
}

// sqrtDec is the square root of a non-negative d, rounded to scale digits.
func sqrtDec(d dec, scale int) dec {
	// One digit more than wanted, rounded down, decides the rounding.
	x := d.trunc(2 * (scale + 1))
	return dec{x.c.Sqrt(x.c), scale + 1}.rescale(scale)
}

// NumericExp appends e^b.
func NumericExp(dst, b []byte) ([]byte, error) {
	switch numSpecial(b) {
	case numNaN, numPInf:
		return append(dst, b[0]), nil
	case numNInf:
		return appendSmall(dst, false, 0, 0), nil
	}
	d := decBig(b)
	val := numericToFloatLossy(b) * 0.434294481903252
	val = min(max(val, -numMaxResultSize), numMaxResultSize)
	scale := dispScale(numMinSigDigits-int(val), d.scale, 0)
	r, err := expDec(d, scale)
	if err != nil {
		return dst, err
	}
	return appendDec(dst, r)
}

// expDec is e^d rounded to scale digits.
func expDec(d dec, scale int) (dec, error) {
	f, _ := d.float(64).Float64()
	if math.Abs(f) >= numMaxResultSize*3 {
		if f > 0 {
			return d, errNumOverflow()
		}
		return dec{new(big.Int), scale}, nil
	}
	prec := bitsFor(scale + int(math.Abs(f)*0.4343) + len(d.c.Bits())*2)
	return fromFloat(expFloat(d.float(prec), prec), scale), nil
}

// expFloat is e^x: the series for x / 2^k, squared k times.
func expFloat(x *big.Float, prec uint) *big.Float {
	k := max(x.MantExp(nil), 0) + 8
	p := prec + uint(k)*2
	y := new(big.Float).SetPrec(p).SetMantExp(x, -k)
	sum := big.NewFloat(1).SetPrec(p)
	term := big.NewFloat(1).SetPrec(p)
	for i := int64(1); ; i++ {
		term.Mul(term, y)
		term.Quo(term, new(big.Float).SetInt64(i))
		if term.Sign() == 0 || term.MantExp(nil) < -int(p) {
			break
		}
		sum.Add(sum, term)
	}
	for range k {
		sum.Mul(sum, sum)
	}
	return sum
}

// lnFloat is the natural logarithm of x > 0 to an absolute error of about 2^-prec.
func lnFloat(x *big.Float, prec uint) *big.Float {
	p := prec + 64
	m := new(big.Float).SetPrec(p)
	e := x.MantExp(m) // m in [0.5, 1)
	if f, _ := m.Float64(); f < 0.75 {
		m.SetMantExp(m, 1)
		e--
	}
	r := lnNearOne(m, p)
	if e != 0 {
		two := new(big.Float).SetPrec(p).SetInt64(2)
		r.Add(r, new(big.Float).SetPrec(p).Mul(lnNearOne(two, p), new(big.Float).SetInt64(int64(e))))
	}
	return r
}

// lnNearOne takes square roots until m is close to 1, then sums 2*artanh((m-1)/(m+1)).
func lnNearOne(m *big.Float, p uint) *big.Float {
	p += 32
	x := new(big.Float).SetPrec(p).Set(m)
	k := 0
	one := big.NewFloat(1)
	for diff := new(big.Float).SetPrec(p); ; k++ {
		if diff.Sub(x, one); diff.Sign() == 0 || diff.MantExp(nil) < -10 {
			break
		}
		x.Sqrt(x)
	}
	t := new(big.Float).SetPrec(p).Quo(new(big.Float).SetPrec(p).Sub(x, one), new(big.Float).SetPrec(p).Add(x, one))
	t2 := new(big.Float).SetPrec(p).Mul(t, t)
	sum := new(big.Float).SetPrec(p).Set(t)
	for i := int64(3); t.Sign() != 0; i += 2 {
		t.Mul(t, t2)
		q := new(big.Float).SetPrec(p).Quo(t, new(big.Float).SetInt64(i))
		if q.MantExp(nil) < -int(p) {
			break
		}
		sum.Add(sum, q)
	}
	return sum.SetMantExp(sum, k+1)
}

// lnDec is ln(d) rounded to scale digits; d > 0.
func lnDec(d dec, scale int) dec {
	prec := bitsFor(scale + len(d.c.Bits())*2)
	// The input itself must be exact to more than its distance from 1.
	return fromFloat(lnFloat(d.float(prec+uint(d.c.BitLen())), prec), scale)
}

// lnWeight is PostgreSQL's estimate_ln_dweight: the decimal weight of ln(d).
func lnWeight(d dec) int {
	if d.c.Sign() <= 0 {
		return 0
	}
	if cmpDec(d, dec{big.NewInt(9), 1}) >= 0 && cmpDec(d, dec{big.NewInt(11), 1}) <= 0 {
		a, b := align(d, dec{big.NewInt(1), 0})
		x := dec{new(big.Int).Sub(a.c, b.c), a.scale}
		if x.c.Sign() == 0 {
			return 0
		}
		w := weightDec(x)
		return w.weight*4 + int(math.Log10(float64(w.first)))
	}
	f, p := d.leading(2)
	return int(math.Log10(math.Abs(math.Log(f) + float64(p)*2.302585092994046)))
}

func errLog(b []byte) error {
	if NumericSign(b) == 0 {
		return pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of zero")
	}
	return pgerr.New(pgerr.InvalidArgumentForLog, "cannot take logarithm of a negative number")
}

// NumericLn appends the natural logarithm.
func NumericLn(dst, b []byte) ([]byte, error) {
	switch {
	case IsNumericNaN(b):
		return append(dst, numNaN), nil
	case NumericSign(b) <= 0:
		return dst, errLog(b)
	case numSpecial(b) != 0:
		return append(dst, numPInf), nil
	}
	d := decBig(b)
	return appendDec(dst, lnDec(d, dispScale(numMinSigDigits-lnWeight(d), d.scale, 0)))
}

// NumericLog appends the logarithm of b to a base.
func NumericLog(dst, base, b []byte) ([]byte, error) {
	if IsNumericNaN(base) || IsNumericNaN(b) {
		return append(dst, numNaN), nil
	}
	if special := numSpecial(base)|numSpecial(b) != 0; special && NumericSign(base) == 0 && NumericSign(b) < 0 {
		return dst, errLog(b) // with an infinity, signs are looked at first
	}
	for _, x := range [][]byte{base, b} {
		if NumericSign(x) <= 0 {
			return dst, errLog(x)
		}
	}
	switch sb, sx := numSpecial(base), numSpecial(b); {
	case sb != 0 && sx != 0:
		return append(dst, numNaN), nil
	case sb != 0:
		return appendSmall(dst, false, 0, 0), nil
	case sx != 0:
		return append(dst, numPInf), nil
	}
	db, dx := decBig(base), decBig(b)
	wb, wx := lnWeight(db), lnWeight(dx)
	w := wx - wb
	scale := dispScale(numMinSigDigits-w, db.scale, dx.scale)
	lnBase := lnDec(db, max(scale+w-wb+8, 0))
	lnNum := lnDec(dx, max(scale+w-wx+8, 0))
	if lnBase.c.Sign() == 0 {
		return dst, ErrDivisionByZero()
	}
	return appendDec(dst, divDec(lnNum, lnBase, scale))
}

// isInt returns d's value if it has no fraction and fits 32 bits.
func (d dec) isInt() bool { return d.stripZeros().scale == 0 }

// NumericPower appends a ^ b.
func NumericPower(dst, a, b []byte) ([]byte, error) {
	if numSpecial(a)|numSpecial(b) != 0 {
		return powerSpecial(dst, a, b)
	}
	x, y := decBig(a), decBig(b)
	if x.c.Sign() == 0 && y.c.Sign() < 0 {
		return dst, errNumPower("zero raised to a negative power is undefined")
	}
	isInt := y.isInt()
	if x.c.Sign() < 0 && !isInt {
		return dst, errNumPower("a negative number raised to a non-integer power yields a complex result")
	}
	var r dec
	var err error
	if n, ok := numericInt64(b); isInt && ok && n == int64(int32(n)) {
		r, err = powInt(x, n)
	} else {
		r, err = powFrac(x, y, isInt)
	}
	if err != nil {
		return dst, err
	}
	return appendDec(dst, r)
}

// powInt is x^n at 16 digits after the point, or x's scale if that is larger.
func powInt(x dec, n int64) (dec, error) {
	scale := dispScale(numMinSigDigits, x.scale, 0)
	switch {
	case n == 0:
		return dec{pow10(scale), scale}, nil
	case n == 1:
		return x.rescale(scale), nil
	case x.c.Sign() == 0:
		return dec{new(big.Int), scale}, nil
	}
	m, p := x.leading(4)
	f := float64(n) * (math.Log10(m) + float64(p)) // decimal weight of the result
	if f > 3*math.MaxInt16*4 {
		return x, errNumOverflow()
	}
	if f+1 < -float64(scale) {
		return dec{new(big.Int), scale}, nil
	}
	k := n
	if k < 0 {
		k = -k
	}
	one := dec{big.NewInt(1), 0}
	if float64(numDigits(x.c))*float64(k) < 4000 {
		// Small enough to do exactly.
		p := dec{new(big.Int).Exp(x.c, big.NewInt(k), nil), x.scale * int(k)}
		if n < 0 {
			return divDec(one, p, scale), nil
		}
		return p.rescale(scale), nil
	}
	prec := bitsFor(scale+int(f)+20) + uint(math.Log2(float64(k)))*2
	y := powFloat(x.float(prec), k, prec)
	if n < 0 {
		y.Quo(new(big.Float).SetPrec(prec).SetInt64(1), y)
	}
	return fromFloat(y, scale), nil
}

func powFloat(x *big.Float, k int64, prec uint) *big.Float {
	r := new(big.Float).SetPrec(prec).SetInt64(1)
	for ; k > 0; k >>= 1 {
		if k&1 != 0 {
			r.Mul(r, x)
		}
		if k > 1 {
			x = new(big.Float).SetPrec(prec).Mul(x, x)
		}
	}
	return r
}

// powFrac is x^y by e^(y ln x).
func powFrac(x, y dec, yInt bool) (dec, error) {
	if x.c.Sign() == 0 {
		return dec{new(big.Int), numMinSigDigits}, nil
	}
	neg := x.c.Sign() < 0
	if neg {
		x = dec{new(big.Int).Neg(x.c), x.scale}
		neg = yInt && y.stripZeros().c.Bit(0) != 0
	}
	w := lnWeight(x)
	low := max(8-w, 0)
	ln := lnDec(x, low)
	val, _ := dec{new(big.Int).Mul(ln.c, y.c), low + y.scale}.rescale(low).float(96).Float64()
	if math.Abs(val) > numMaxResultSize*3.01 {
		if val > 0 {
			return x, errNumOverflow()
		}
		return dec{new(big.Int), numMaxDispScale}, nil
	}
	val *= 0.434294481903252
	scale := max(dispScale(numMinSigDigits-int(val), x.scale, y.scale), 0)
	ln = lnDec(x, max(scale+int(val)-w+8, 0)+numDigits(y.c))
	r, err := expDec(dec{new(big.Int).Mul(ln.c, y.c), ln.scale + y.scale}, scale)
	if neg && err == nil {
		r.c = new(big.Int).Neg(r.c)
	}
	return r, err
}

// powerSpecial follows the C standard's pow for NaN and infinities, as PostgreSQL does.
func powerSpecial(dst, a, b []byte) ([]byte, error) {
	sa, sb := numSpecial(a), numSpecial(b)
	one := AppendNumericInt(nil, 1)
	switch {
	case sa == numNaN:
		if sb == 0 && NumericSign(b) == 0 {
			return AppendNumericInt(dst, 1), nil
		}
		return append(dst, numNaN), nil
	case sb == numNaN:
		if NumericCompare(a, one) == 0 {
			return AppendNumericInt(dst, 1), nil
		}
		return append(dst, numNaN), nil
	case NumericCompare(a, one) == 0:
		return AppendNumericInt(dst, 1), nil
	case NumericSign(b) == 0:
		return AppendNumericInt(dst, 1), nil
	case NumericSign(a) == 0 && NumericSign(b) < 0:
		return dst, errNumPower("zero raised to a negative power is undefined")
	case NumericSign(a) == 0:
		return AppendNumericInt(dst, 0), nil
	case sb != 0:
		abs := NumericAbs(nil, a)
		c := NumericCompare(abs, one)
		if c == 0 {
			return AppendNumericInt(dst, 1), nil // (-1) ^ infinity
		}
		if (c > 0) == (sb == numPInf) {
			return append(dst, numPInf), nil
		}
		return AppendNumericInt(dst, 0), nil
	case NumericSign(b) < 0 && sa == numPInf:
		return AppendNumericInt(dst, 0), nil
	case sa == numPInf:
		return append(dst, numPInf), nil
	}
	// -Infinity to a finite power.
	y := decBig(b)
	if !y.isInt() {
		return dst, errNumPower("a negative number raised to a non-integer power yields a complex result")
	}
	if NumericSign(b) < 0 {
		return AppendNumericInt(dst, 0), nil
	}
	if y.stripZeros().c.Bit(0) != 0 {
		return append(dst, numNInf), nil
	}
	return append(dst, numPInf), nil
}

// AppendNumericVariance appends the variance, or with root the standard deviation, of n values with the
// given sum and sum of squares; sample divides by n-1. null is true when there are too few values.
func AppendNumericVariance(dst []byte, n int64, sum, squares []byte, sample, root bool) (out []byte, null bool, err error) {
	if n == 0 || sample && n == 1 {
		return dst, true, nil
	}
	if numSpecial(sum)|numSpecial(squares) != 0 {
		return append(dst, numNaN), false, nil
	}
	x, q := decBig(sum), decBig(squares)
	scale := x.scale * 2
	x2 := new(big.Int).Mul(x.c, x.c)
	nq := dec{new(big.Int).Mul(q.c, big.NewInt(n)), q.scale}.rescale(scale)
	top := dec{nq.c.Sub(nq.c, x2), scale}
	if top.c.Sign() <= 0 {
		return appendSmall(dst, false, 0, 0), false, nil
	}
	by := n
	if sample {
		by = n - 1
	}
	bottom := dec{new(big.Int).Mul(big.NewInt(n), big.NewInt(by)), 0}
	rscale := divScale(weightDec(top), weightDec(bottom), top.scale, bottom.scale)
	v := divDec(top, bottom, rscale)
	if root {
		v = sqrtDec(v, rscale)
	}
	dst, err = appendDec(dst, v)
	return dst, false, err
}
