package types

import (
	"math"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// NumberFormat is a compiled template of to_char for numbers. Compile it once, use it for a column.
type NumberFormat struct {
	nodes []numNode
	desc  numDesc
}

// numNode is a pattern or literal text.
type numNode struct {
	key  string // upper case, "" for a literal
	text string
	low  bool
}

// numDesc is what a template as a whole asks for.
type numDesc struct {
	pre, post, multi       int // digits before and after the point, shift by V
	zeroStart, zeroEnd     int
	preSign                int // digits before the S
	sign                   signPlace
	fill, decimal, zero    bool
	bracket, minus, plus   bool
	roman, shift, exponent bool
}

type signPlace uint8

const (
	signNone signPlace = iota
	signBefore
	signAfter
)

// numPatterns are the patterns, longest first where one begins another.
var numPatterns = []string{",", ".", "0", "9", "B", "C", "D", "EEEE", "E", "FM", "G", "L", "MI", "PL", "PR", "RN", "SG", "SP", "S", "TH", "V"}

// CompileNumberFormat reads a template.
func CompileNumberFormat(s string) (*NumberFormat, error) {
	f := &NumberFormat{}
	var lit TimeFormat
next:
	for s != "" {
		for _, p := range numPatterns {
			if strings.HasPrefix(s, p) || strings.HasPrefix(s, strings.ToLower(p)) {
				n := numNode{key: p, text: s[:len(p)], low: s[0] >= 'a'}
				if err := f.desc.add(p); err != nil {
					return nil, err
				}
				f.nodes = append(f.nodes, n)
				s = s[len(p):]
				continue next
			}
		}
		lit.nodes = lit.nodes[:0]
		s = lit.literal(s)
		for _, n := range lit.nodes {
			f.nodes = append(f.nodes, numNode{text: n.text})
		}
	}
	if f.desc.zeroStart > 0 {
		f.desc.zeroStart--
	}
	return f, nil
}

func errTemplate(msg string) error { return pgerr.New(pgerr.SyntaxError, msg) }

// add takes one pattern into account, or refuses the combination.
func (d *numDesc) add(key string) error {
	if d.exponent && key != "EEEE" {
		return errTemplate(`"EEEE" must be the last pattern used`)
	}
	switch key {
	case "9", "0":
		return d.addDigit(key == "0")
	case ".", "D":
		if d.decimal {
			return errTemplate("multiple decimal points")
		}
		if d.shift {
			return errTemplate(`cannot use "V" and decimal point together`)
		}
		d.decimal = true
	case "FM":
		d.fill = true
	case "S":
		if d.sign != signNone {
			return errTemplate(`cannot use "S" twice`)
		}
		if d.plus || d.minus || d.bracket {
			return errTemplate(`cannot use "S" and "PL"/"MI"/"SG"/"PR" together`)
		}
		d.sign = signAfter
		if !d.decimal {
			d.sign, d.preSign = signBefore, d.pre
		}
	case "MI", "PL", "SG":
		if d.sign != signNone {
			return errTemplate(`cannot use "S" and "` + key + `" together`)
		}
		d.minus = d.minus || key != "PL"
		d.plus = d.plus || key != "MI"
	case "PR":
		if d.sign != signNone || d.plus || d.minus {
			return errTemplate(`cannot use "PR" and "S"/"PL"/"MI"/"SG" together`)
		}
		d.bracket = true
	case "RN":
		d.roman = true
	case "V":
		if d.decimal {
			return errTemplate(`cannot use "V" and decimal point together`)
		}
		d.shift = true
	case "EEEE":
		if d.exponent {
			return errTemplate(`cannot use "EEEE" twice`)
		}
		if d.fill || d.sign != signNone || d.bracket || d.minus || d.plus || d.roman || d.shift {
			return pgerr.New(pgerr.SyntaxError, `"EEEE" is incompatible with other formats`).
				WithDetail(`"EEEE" may only be used together with digit and decimal point patterns.`)
		}
		d.exponent = true
	}
	return nil
}

func (d *numDesc) addDigit(zero bool) error {
	if d.bracket {
		if zero {
			return errTemplate(`"0" must be ahead of "PR"`)
		}
		return errTemplate(`"9" must be ahead of "PR"`)
	}
	if zero && !d.zero && !d.decimal {
		d.zero, d.zeroStart = true, d.pre+1
	}
	switch {
	case d.shift && !zero:
		d.multi++
		return nil
	case d.decimal:
		d.post++
	default:
		d.pre++
	}
	if zero {
		d.zeroEnd = d.pre + d.post
	}
	return nil
}

// FormatNumeric appends to_char of a numeric.
func (f *NumberFormat) FormatNumeric(dst, b []byte) ([]byte, error) {
	d := f.desc
	switch {
	case d.roman:
		v, err := NumericToInt64(b, Int4)
		if err != nil {
			return dst, err
		}
		return f.write(dst, d, romanNumber(v), false), nil
	case d.exponent:
		return append(dst, sciText(b, d)...), nil
	}
	if d.shift {
		var p, m [48]byte
		ten, err := NumericPower(p[:0], AppendNumericInt(m[:0], 10), AppendNumericInt(nil, int64(d.multi)))
		if err != nil {
			return dst, err
		}
		if b, err = NumericMul(nil, b, ten); err != nil {
			return dst, err
		}
		d.pre += d.multi
	}
	r, err := NumericRound(nil, b, d.post)
	if err != nil {
		return dst, err
	}
	return f.write(dst, d, string(AppendNumericText(nil, r)), true), nil
}

// FormatFloat appends to_char of a float8 (digits 15) or float4 (digits 6): beyond its certain digits a
// float has none to show.
func (f *NumberFormat) FormatFloat(dst []byte, v float64, t OID) ([]byte, error) {
	d := f.desc
	certain := 15
	if t == Float4 {
		certain = 6
	}
	switch {
	case d.roman:
		i, _ := FloatToInt(v, Int4) // out of range gives 0, which has no Roman form either
		return f.write(dst, d, romanNumber(i), false), nil
	case d.exponent:
		return append(dst, sciFloat(v, d)...), nil
	}
	if d.shift {
		v *= math.Pow(10, float64(d.multi))
		d.pre += d.multi
	}
	whole := len(strconv.FormatFloat(math.Abs(v), 'f', 0, 64))
	if whole >= certain {
		d.post = 0
	} else {
		d.post = min(d.post, certain-whole)
	}
	var s string
	switch {
	case v != v:
		s = "NaN"
	case math.IsInf(v, 0):
		s = string(appendFloat(nil, v, 64))
	default:
		s = strconv.FormatFloat(v, 'f', d.post, 64)
	}
	return f.write(dst, d, s, true), nil
}

func romanNumber(v int64) string {
	if v < 1 || v > 3999 {
		return strings.Repeat("#", 15)
	}
	var b strings.Builder
	for _, r := range []struct {
		v int64
		s string
	}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for ; v >= r.v; v -= r.v {
			b.WriteString(r.s)
		}
	}
	return b.String()
}

// sciText is a numeric in scientific notation, aligned with a blank where there is no sign.
func sciText(b []byte, d numDesc) string {
	if numSpecial(b) != 0 {
		return sciUnknown(d)
	}
	var buf [64]byte
	neg := NumericSign(b) < 0
	digits, exp := []byte("0"), 1
	if NumericSign(b) != 0 {
		digits, exp = numericDigits(buf[:0], b)
	}
	v := dec{decBig(num10(digits)).c, len(digits) - 1}.rescale(d.post)
	// Rounding may make 10.00 of 9.995; PostgreSQL leaves it at that.
	out, _ := appendDec(nil, v)
	return sciJoin(neg, string(AppendNumericText(nil, out)), exp-1)
}

// num10 is the numeric with those decimal digits.
func num10(digits []byte) []byte {
	b, _ := appendDigits(nil, string(digits), false, 0, 0)
	return b
}

func sciJoin(neg bool, mantissa string, exp int) string {
	sign := " "
	if neg {
		sign = "-"
	}
	e := "e+"
	if exp < 0 {
		e, exp = "e-", -exp
	}
	return sign + mantissa + e + string(appendUint(nil, uint64(exp), 2))
}

func sciFloat(v float64, d numDesc) string {
	if v != v || math.IsInf(v, 0) {
		return sciUnknown(d)
	}
	s := strconv.FormatFloat(v, 'e', d.post, 64)
	if s[0] != '-' {
		s = " " + s
	}
	return s
}

func sciUnknown(d numDesc) string {
	s := []byte(" " + strings.Repeat("#", d.pre+d.post+5))
	s[d.pre+1] = '.'
	return string(s)
}
