package types

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// appendFloat prints the shortest text that reads back as f: plain digits for exponents from -4 up to the
// type's certain digits (15 or 6), else with an exponent of at least two digits.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case f != f:
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		if math.Signbit(f) {
			dst = append(dst, '-')
		}
		return append(dst, '0')
	}
	var buf [32]byte
	e := appendShortest(buf[:0], f, bits)
	exp, digits := 0, 0
	for i := len(e) - 1; ; i-- {
		if e[i] == 'e' {
			exp, _ = strconv.Atoi(Str(e[i+1:]))
			digits = i
			break
		}
	}
	if limit := 15; exp >= -4 && (exp < limit && bits == 64 || exp < 6) {
		return strconv.AppendFloat(dst, f, 'f', -1, bits)
	}
	dst = append(dst, e[:digits]...)
	return append(dst, e[digits:]...)
}

// appendShortest is strconv's shortest form, except that a decimal exactly halfway between f and its
// neighbour, which strconv takes where it reads back as f, is not used: PostgreSQL's printer leaves the ends
// of the interval out. Such decimals have at most 17 digits only from 2^52 (float4: 2^23) to about 10^40.
func appendShortest(dst []byte, f float64, bits int) []byte {
	at := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, bits)
	abs := math.Abs(f)
	least := float64(1 << 52)
	if bits == 32 {
		least = 1 << 23
	}
	if abs < least || abs > 1e40 {
		return dst
	}
	if !isMidpoint(string(dst[at:]), f, bits) {
		return dst
	}
	var buf [32]byte
	for digits := 2; ; digits++ {
		try := strconv.AppendFloat(buf[:0], f, 'e', digits-1, bits)
		back, err := strconv.ParseFloat(Str(try), bits)
		if digits == 17 || err == nil && back == f && !isMidpoint(string(try), f, bits) {
			return append(dst[:at], try...)
		}
	}
}

// isMidpoint reports whether the decimal s lies halfway between f and the next float up or down.
func isMidpoint(s string, f float64, bits int) bool {
	up, down := math.Nextafter(f, math.Inf(1)), math.Nextafter(f, math.Inf(-1))
	if bits == 32 {
		up = float64(math.Nextafter32(float32(f), float32(math.Inf(1))))
		down = float64(math.Nextafter32(float32(f), float32(math.Inf(-1))))
	}
	d, ok := new(big.Rat).SetString(s)
	if !ok {
		return false
	}
	twice := d.Add(d, d)
	x := new(big.Rat).SetFloat64(f)
	for _, n := range []float64{up, down} {
		y := new(big.Rat).SetFloat64(n)
		if y != nil && y.Add(y, x).Cmp(twice) == 0 {
			return true
		}
	}
	return false
}

// nan is the NaN that PostgreSQL makes and sends.
func nan() float64 { return math.Float64frombits(0x7ff8 << 48) }

// parseFloat parses a float8 (bits 64) or float4 (bits 32).
func parseFloat(in string, bits int) (float64, error) {
	typ := "double precision"
	if bits == 32 {
		typ = "real"
	}
	s := trimSpace(in)
	if s == "" || strings.IndexByte(s, '_') >= 0 {
		return 0, errInput(typ, in)
	}
	f, err := strconv.ParseFloat(s, bits)
	if err == nil {
		if f != f {
			return nan(), nil
		}
		if f == 0 && !zeroText(s) {
			return 0, errFloatRange(typ, s)
		}
		return f, nil
	}
	if e, ok := err.(*strconv.NumError); ok && e.Err == strconv.ErrRange {
		return 0, errFloatRange(typ, s)
	}
	switch strings.ToLower(s) {
	case "+nan", "-nan":
		return nan(), nil
	}
	if len(s) > 2 && strings.Contains(strings.ToLower(s[:3]), "0x") {
		// C's strtod does not insist on an exponent after hexadecimal digits.
		if f, err := strconv.ParseFloat(s+"p0", bits); err == nil {
			return f, nil
		}
	}
	return 0, errInput(typ, in)
}

func errFloatRange(typ, s string) error {
	return pgerr.Newf(pgerr.NumericValueOutOfRange, `"%s" is out of range for type %s`, s, typ)
}

// zeroText reports whether the digits of a number's text are all zeros: if not, a result of 0 is an underflow.
func zeroText(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c|0x20 == 'e' || c|0x20 == 'p':
			return true
		case c >= '1' && c <= '9':
			return false
		case c|0x20 == 'x':
			return strings.Trim(s[i+1:], "0.") == "" || strings.ContainsAny(s[i+1:], "pP")
		}
	}
	return true
}

// CompareFloat orders floats as PostgreSQL does: NaN equals NaN and is greatest, -0 equals 0.
func CompareFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return 0
	case a != a && b != b:
		return 0
	case a != a:
		return 1
	}
	return -1
}

// Float8ToFloat4 rounds to float4; a finite value that overflows or vanishes is an error.
func Float8ToFloat4(f float64) (float64, error) {
	r := float64(float32(f))
	if math.IsInf(r, 0) && !math.IsInf(f, 0) {
		return 0, pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: overflow")
	}
	if r == 0 && f != 0 {
		return 0, pgerr.New(pgerr.NumericValueOutOfRange, "value out of range: underflow")
	}
	return r, nil
}

// AppendNumericFloat appends a float as numeric, with 15 significant digits (6 for float4), as PostgreSQL does.
func AppendNumericFloat(dst []byte, f float64, t OID) []byte {
	switch {
	case f != f:
		return append(dst, numNaN)
	case math.IsInf(f, 1):
		return append(dst, numPInf)
	case math.IsInf(f, -1):
		return append(dst, numNInf)
	}
	digits := 15
	if t == Float4 {
		digits = 6
	}
	var buf [40]byte
	// %.*g through the numeric parser, as float8_numeric does.
	out, _ := appendNumericLiteral(dst, Str(appendG(buf[:0], f, digits)))
	return out
}

// appendG prints f with that many significant digits, without trailing zeros, and an exponent: the value of
// C's %.*g.
func appendG(dst []byte, f float64, digits int) []byte {
	at := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', digits-1, 64)
	e := strings.IndexByte(Str(dst[at:]), 'e') + at
	end := e
	for dst[end-1] == '0' {
		end--
	}
	if dst[end-1] == '.' {
		end--
	}
	return append(dst[:end], dst[e:]...)
}

// formatG is C's %g: six significant digits, trailing zeros dropped.
func formatG(f float64) string {
	s := strconv.FormatFloat(f, 'g', 6, 64)
	if i := strings.IndexByte(s, 'e'); i < 0 && strings.IndexByte(s, '.') >= 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// NumericToFloat converts to float8 or float4; a value too large is an error.
func NumericToFloat(b []byte, t OID) (float64, error) {
	if s, ok := decSmall(b); ok && s.mag < 1<<53 && s.scale < 20 && t == Float8 {
		f := float64(s.mag)
		if s.scale < 16 {
			f /= float64(pow10tab[s.scale]) // both exact, so the quotient is rounded once
			if s.neg {
				f = -f
			}
			return f, nil
		}
	}
	var buf [64]byte
	return ParseF64(T(t), Str(AppendNumericText(buf[:0], b)))
}

// NumericToFloatLossy is NumericToFloat with infinity for values too large, for estimates.
func numericToFloatLossy(b []byte) float64 {
	f, _ := strconv.ParseFloat(string(AppendNumericText(nil, b)), 64)
	return f
}

func floatOfBits(v int64) float64 { return math.Float64frombits(uint64(v)) }
