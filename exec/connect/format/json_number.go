package format

import (
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// digits reads the decimal digits at p, and returns their value, which is right for up to 19 of them, and the position
// behind them.
func digits(b []byte, p int) (x uint64, end int) {
	for i, c := range b[p:] {
		if c -= '0'; c > 9 {
			return x, p + i
		}
		x = x*10 + uint64(c)
	}
	return x, len(b)
}

// tens are the powers of ten by which the parts of a number, or of a second, are put together.
var tens = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// plainInteger reads an integer of up to 18 digits. Where there is none, or a number of another form, end is p.
func plainInteger(b []byte, p int) (v int64, end int) {
	first := p
	if b[p] == '-' {
		first++
	}
	x, end := digits(b, first)
	n := end - first
	if n == 0 || n > 18 || b[first] == '0' && n > 1 || end < len(b) && (b[end] == '.' || b[end]|0x20 == 'e') {
		return 0, p
	}
	if first > p {
		return -int64(x), end
	}
	return int64(x), end
}

// integer reads a number into an integer column.
func (d *JSON) integer(c *column, b []byte, p int) int {
	v, end := plainInteger(b, p)
	if end == p || c.typ.OID == types.Int4 && v != int64(int32(v)) || c.typ.OID == types.Int2 && v != int64(int16(v)) {
		return d.oddInteger(c, b, p)
	}
	d.cols[c.index].AppendI64(v)
	return end
}

// oddInteger reads a number that is long, out of range or no integer in form; 1.0 and 1e3 are integers.
func (d *JSON) oddInteger(c *column, b []byte, p int) int {
	end := scanNumber(b, p)
	if end == p {
		return d.syntax(b, p, "a number")
	}
	text := b[p:end]
	for _, ch := range text {
		if ch == '.' || ch|0x20 == 'e' {
			return d.integralNumber(c, text, p, end)
		}
	}
	return d.parse(c, text, p, end)
}

func (d *JSON) integralNumber(c *column, text []byte, p, end int) int {
	v := d.cols[c.index]
	num, err := types.AppendParsedNumeric(d.scratch[:0], types.Str(text), -1)
	if err == nil {
		d.scratch = num[:0]
		whole, truncErr := types.NumericTrunc(nil, num, 0)
		if truncErr != nil || types.NumericCompare(whole, num) != 0 {
			err = pgerr.Newf(pgerr.InvalidTextRepresentation, "invalid input syntax for type %s: \"%s\"", c.typ.OID, text)
		} else {
			var i int64
			i, err = types.NumericToInt64(whole, c.typ.OID)
			if err == nil {
				v.AppendI64(i)
				return end
			}
		}
	}
	return d.badValue(c, p, err)
}

// float reads a number into a float8 column. A number of up to 15 digits is exact arithmetic: both the digits and the
// power of ten are float64 values, and one division rounds once.
func (d *JSON) float(c *column, b []byte, p int) int {
	first := p
	if b[p] == '-' {
		first++
	}
	x, end := digits(b, first)
	n, scale := end-first, 0
	odd := n == 0 || n > 1 && b[first] == '0' // no digits, or a leading zero
	if end < len(b) && b[end] == '.' {
		var fraction uint64
		point := end
		fraction, end = digits(b, point+1)
		if scale = end - point - 1; scale == 0 || scale > 15 {
			odd = true
		} else {
			x = x*tens[scale] + fraction
		}
	}
	if odd || n+scale > 15 || end < len(b) && b[end]|0x20 == 'e' {
		if end = scanNumber(b, p); end == p {
			return d.syntax(b, p, "a number")
		}
		return d.parse(c, b[p:end], p, end)
	}
	f := float64(x) / float64(tens[scale])
	if first > p {
		f = -f
	}
	d.cols[c.index].AppendF64(f)
	return end
}
