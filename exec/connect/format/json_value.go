package format

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// valueKind chooses how a column's values are read.
type valueKind uint8

const (
	kindOther valueKind = iota // by the text of the value
	kindBool
	kindInt
	kindFloat8
	kindText
	kindTimestamp
	kindJSON
	kindArray
	kindDate
	kindTime
	kindBinary // bytea, numeric
)

func newColumn(index int, c catalog.Column) column {
	k := column{index: index, typ: c.Type, name: c.Name}
	switch c.Type.OID {
	case types.Bool:
		k.kind = kindBool
	case types.Int2, types.Int4, types.Int8:
		k.kind = kindInt
	case types.Float8:
		k.kind = kindFloat8
	case types.Text:
		k.kind = kindText
	case types.Timestamp, types.TimestampTZ:
		k.kind = kindTimestamp
	case types.JSON, types.JSONB:
		k.kind = kindJSON
	case types.Date:
		k.kind = kindDate
	case types.Time:
		k.kind = kindTime
	case types.Bytea, types.Numeric:
		k.kind = kindBinary
	default:
		if elem, ok := types.ElemOf(c.Type.OID); ok {
			k.kind, k.elem = kindArray, types.Type{OID: elem, Mod: c.Type.Mod}
		}
	}
	return k
}

// value appends the value at p, which is in the record, to column c and returns the position behind it.
func (d *JSON) value(c *column, b []byte, p int) int {
	first := b[p]
	switch c.kind {
	case kindText:
		if first != '"' {
			break
		}
		end, flags := scanString(b, p+1)
		if end < 0 || flags != 0 {
			break
		}
		d.cols[c.index].AppendBytes(b[p+1 : end])
		return end + 1
	case kindInt:
		if first-'0' <= 9 || first == '-' {
			return d.integer(c, b, p)
		}
	case kindFloat8:
		if first-'0' <= 9 || first == '-' {
			return d.float(c, b, p)
		}
	case kindTimestamp:
		if first-'0' <= 9 || first == '-' {
			return d.epoch(c, b, p)
		}
		if first == '"' {
			return d.timestamp(c, b, p)
		}
	case kindBool:
		switch first {
		case 't':
			d.cols[c.index].AppendBool(true)
			return d.word(b, p, "true")
		case 'f':
			d.cols[c.index].AppendBool(false)
			return d.word(b, p, "false")
		}
	case kindJSON:
		if first != 'n' {
			return d.json(c, b, p)
		}
	case kindArray:
		if first == '[' {
			return d.array(c, b, p)
		}
	case kindDate:
		if first-'0' <= 9 || first == '-' {
			return d.dayNumber(c, b, p)
		}
	case kindTime:
		if c.unit != unitAuto && first-'0' <= 9 {
			return d.dayNumber(c, b, p)
		}
	case kindBinary:
		if c.base64 && first == '"' {
			return d.base64(c, b, p)
		}
	}
	return d.general(c, b, p)
}

// general reads a value by its text: a string's content, else the JSON text itself.
func (d *JSON) general(c *column, b []byte, p int) int {
	var text []byte
	var end int
	switch b[p] {
	case 'n':
		d.cols[c.index].AppendNull()
		return d.word(b, p, "null")
	case '"':
		text, end = d.str(b, p)
	default:
		if end = d.skipValue(b, p, 0); end >= 0 {
			text = b[p:end]
		}
	}
	if end < 0 {
		return end
	}
	return d.parse(c, text, p, end)
}

// json reads any value into a json or jsonb column.
func (d *JSON) json(c *column, b []byte, p int) int {
	end := d.skipValue(b, p, 0)
	if end < 0 {
		return end
	}
	return d.parse(c, b[p:end], p, end)
}

// str returns the text of the string whose quote is at p, valid until the next call.
func (d *JSON) str(b []byte, p int) ([]byte, int) {
	end, flags := scanString(b, p+1)
	if end < 0 {
		return nil, d.badString(b, p+1)
	}
	text := b[p+1 : end]
	if flags&nonASCII != 0 && !utf8.Valid(text) {
		return nil, d.badUTF8(text)
	}
	if flags&escaped != 0 {
		return d.unescape(b, p+1, end)
	}
	return text, end + 1
}

// parse appends the value that the type's input function makes of text. The value begins at p and ends at
// end, which is returned.
func (d *JSON) parse(c *column, text []byte, p, end int) int {
	if err := appendText(d.cols[c.index], c.typ, text); err != nil {
		return d.badValue(c, p, err)
	}
	return end
}

// badValue reports a value that its column does not take, and where it stands.
func (d *JSON) badValue(c *column, p int, err error) int {
	e := *pgerr.Of(err)
	e.Column = c.name
	e.Where = fmt.Sprintf("column \"%s\", byte %d of the record", c.name, p)
	d.err = &e
	return failed
}

// integer reads a number into an integer column.
func (d *JSON) integer(c *column, b []byte, p int) int {
	start := p
	neg := b[p] == '-'
	if neg {
		p++
	}
	first := p
	var x uint64
	for p < len(b) {
		digit := b[p] - '0'
		if digit > 9 {
			break
		}
		x = x*10 + uint64(digit)
		p++
	}
	n := p - first
	if n == 0 || n > 18 || b[first] == '0' && n > 1 || p < len(b) && (b[p] == '.' || b[p]|0x20 == 'e') {
		return d.oddInteger(c, b, start)
	}
	v := int64(x)
	if neg {
		v = -v
	}
	switch c.typ.OID {
	case types.Int4:
		if v != int64(int32(v)) {
			return d.oddInteger(c, b, start)
		}
	case types.Int2:
		if v != int64(int16(v)) {
			return d.oddInteger(c, b, start)
		}
	}
	d.cols[c.index].AppendI64(v)
	return p
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

// pow10 are the powers of ten that a float64 holds exactly.
var pow10 = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// float reads a number into a float8 column. A number of up to 15 digits and a small scale is exact
// arithmetic: both the digits and the power of ten are float64 values, and one division rounds once.
func (d *JSON) float(c *column, b []byte, p int) int {
	start := p
	neg := b[p] == '-'
	if neg {
		p++
	}
	first, point := p, -1
	var x uint64
	for ; p < len(b); p++ {
		digit := b[p] - '0'
		if digit <= 9 {
			x = x*10 + uint64(digit)
		} else if b[p] == '.' && point < 0 {
			point = p
		} else {
			break
		}
	}
	digits, scale := p-first, 0
	if point >= 0 {
		digits--
		scale = p - point - 1
	}
	odd := digits == 0 || digits > 15 || p < len(b) && b[p]|0x20 == 'e' || // long, or with an exponent
		b[first] == '0' && p > first+1 && b[first+1] != '.' || // a leading zero
		point == first || point == p-1 // a bare point
	if odd {
		end := scanNumber(b, start)
		if end == start {
			return d.syntax(b, start, "a number")
		}
		return d.parse(c, b[start:end], start, end)
	}
	f := float64(x) / pow10[scale]
	if neg {
		f = math.Copysign(f, -1)
	}
	d.cols[c.index].AppendF64(f)
	return p
}
