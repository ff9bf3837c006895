package types

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// AppendNumericText appends a numeric as text.
func AppendNumericText(dst, b []byte) []byte {
	if s, ok := decSmall(b); ok {
		return s.appendText(dst)
	}
	switch numSpecial(b) {
	case numNaN:
		return append(dst, "NaN"...)
	case numPInf:
		return append(dst, "Infinity"...)
	case numNInf:
		return append(dst, "-Infinity"...)
	}
	d := decBig(b)
	if d.c.Sign() < 0 {
		dst = append(dst, '-')
		d.c.Neg(d.c)
	}
	return appendPoint(dst, d.c.Append(nil, 10), d.scale)
}

// appendPoint appends digits with a decimal point scale places from the right.
func appendPoint(dst, digits []byte, scale int) []byte {
	if whole := len(digits) - scale; whole > 0 {
		dst = append(dst, digits[:whole]...)
		digits = digits[whole:]
	} else {
		dst = append(dst, '0')
	}
	if scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	for i := len(digits); i < scale; i++ {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

func (s small) appendText(dst []byte) []byte {
	if s.neg {
		dst = append(dst, '-')
	}
	if s.scale == 0 {
		return strconv.AppendUint(dst, s.mag, 10)
	}
	var buf [20]byte
	digits := strconv.AppendUint(buf[:0], s.mag, 10)
	if s.mag == 0 {
		digits = digits[:0]
	}
	return appendPoint(dst, digits, s.scale)
}

// AppendParsedNumeric parses numeric text and applies the typmod.
func AppendParsedNumeric(dst []byte, s string, mod int32) ([]byte, error) {
	start := len(dst)
	dst, err := appendNumericLiteral(dst, s)
	if err != nil || mod < 0 {
		return dst, err
	}
	return coerceNumericTail(dst, start, mod)
}

// coerceNumericTail applies a typmod to the numeric at dst[start:].
func coerceNumericTail(dst []byte, start int, mod int32) ([]byte, error) {
	if numericFits(dst[start:], mod) {
		return dst, nil
	}
	out, err := AppendNumericCoerced(nil, dst[start:], mod)
	if err != nil {
		return dst[:start], err
	}
	return append(dst[:start], out...), nil
}

func appendNumericLiteral(dst []byte, in string) ([]byte, error) {
	s := trimSpace(in)
	if s == "" {
		return dst, errInput("numeric", in)
	}
	neg := s[0] == '-'
	body := s
	if neg || s[0] == '+' {
		body = s[1:]
	}
	if body == "" {
		return dst, errInput("numeric", in)
	}
	if !isDigit(body[0]) && body[0] != '.' {
		if k, ok := numericWord(s); ok {
			return append(dst, k), nil
		}
		return dst, errInput("numeric", in)
	}
	mag, digits, scale, n := scanDigits(body)
	if digits == 0 {
		return dst, errInput("numeric", in)
	}
	exp := 0
	if n < len(body) {
		var err error
		if exp, err = numericExponent(body[n:], in); err != nil {
			return dst, err
		}
	}
	if digits <= 19 && exp == 0 && scale < 256 {
		return appendSmall(dst, neg, mag, scale), nil
	}
	dscale := max(scale-exp, 0)
	plain := strings.Replace(body[:n], ".", "", 1)
	return appendDigits(dst, plain, neg, exp-scale, dscale)
}

// numericWord recognises NaN and the infinities.
func numericWord(s string) (byte, bool) {
	switch strings.ToLower(s) {
	case "nan":
		return numNaN, true
	case "infinity", "+infinity", "inf", "+inf":
		return numPInf, true
	case "-infinity", "-inf":
		return numNInf, true
	}
	return 0, false
}

// scanDigits reads digits with at most one point. mag is right when digits <= 19; leading zeros count.
func scanDigits(s string) (mag uint64, digits, scale, n int) {
	point := false
	for ; n < len(s); n++ {
		c := s[n]
		switch {
		case isDigit(c):
			mag = mag*10 + uint64(c-'0')
			digits++
			if point {
				scale++
			}
		case c == '.' && !point:
			point = true
		default:
			return
		}
	}
	return
}

func numericExponent(s, in string) (int, error) {
	if s[0]|0x20 != 'e' {
		return 0, errInput("numeric", in)
	}
	s = s[1:]
	neg := s != "" && s[0] == '-'
	if neg || s != "" && s[0] == '+' {
		s = s[1:]
	}
	if s == "" {
		return 0, errInput("numeric", in)
	}
	e := 0
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, errInput("numeric", in)
		}
		if e = e*10 + int(s[i]-'0'); e >= math.MaxInt32/2 {
			return 0, errNumOverflow()
		}
	}
	if neg {
		e = -e
	}
	return e, nil
}

// appendDigits appends the numeric digits * 10^exp with a display scale that is at least -exp.
func appendDigits(dst []byte, digits string, neg bool, exp, dscale int) ([]byte, error) {
	digits = strings.TrimLeft(digits, "0")
	if dscale > numMaxDscale || len(digits)+exp > numMaxIntDigits && digits != "" {
		return dst, errNumOverflow()
	}
	c := new(big.Int)
	if digits != "" {
		c.SetString(digits, 10)
		if up := exp + dscale; up > 0 {
			c.Mul(c, pow10(up))
		}
	}
	if neg {
		c.Neg(c)
	}
	return appendDec(dst, dec{c, dscale})
}

// numericFits reports whether b already has exactly the typmod's scale and fits its precision.
func numericFits(b []byte, mod int32) bool {
	p, s, ok := NumericPrecScale(mod)
	if !ok {
		return true
	}
	v, isSmall := decSmall(b)
	return isSmall && v.scale == int(s) && digits64(v.mag) <= int(p)
}

// AppendNumericCoerced appends b rounded to the typmod's scale, or fails if it has too many digits.
func AppendNumericCoerced(dst, b []byte, mod int32) ([]byte, error) {
	p, s, ok := NumericPrecScale(mod)
	if !ok || numericFits(b, mod) || numSpecial(b) == numNaN {
		return append(dst, b...), nil
	}
	if numSpecial(b) != 0 {
		return dst, errNumericField(p, s, "an infinite value")
	}
	if v, ok := decSmall(b); ok && s >= 0 && s < 20 {
		if r, ok := v.rescale(int(s)); ok && digits64(r.mag) <= int(p) {
			return appendSmall(dst, r.neg, r.mag, r.scale), nil
		}
	}
	d := decBig(b).rescale(int(s))
	if numDigits(d.c)-d.scale > int(p-s) {
		limit := "1"
		if p != s {
			limit = "10^" + strconv.Itoa(int(p-s))
		}
		return dst, errNumericField(p, s, "an absolute value less than "+limit)
	}
	return appendDec(dst, d)
}

func errNumericField(p, s int32, limit string) error {
	e := pgerr.New(pgerr.NumericValueOutOfRange, "numeric field overflow")
	if limit == "an infinite value" {
		return e.WithDetail("A field with precision %d, scale %d cannot hold an infinite value.", p, s)
	}
	return e.WithDetail("A field with precision %d, scale %d must round to %s.", p, s, limit)
}

// rescale is dec.rescale for 0 <= scale; ok is false when the result is not small.
func (v small) rescale(scale int) (small, bool) {
	d := scale - v.scale
	if d >= 0 {
		if v.mag == 0 {
			v.scale = scale
			return v, true
		}
		if d >= 20 || v.mag > math.MaxUint64/pow10tab[d] {
			return v, false
		}
		v.mag *= pow10tab[d]
	} else if d > -20 {
		p := pow10tab[-d]
		q, r := v.mag/p, v.mag%p
		if r >= p-r {
			q++
		}
		v.mag = q
	} else {
		v.mag = 0
	}
	v.scale = scale
	v.neg = v.neg && v.mag != 0
	return v, true
}
