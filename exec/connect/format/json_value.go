package format

import (
	"cmp"
	"fmt"

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
	kindInterval
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
	case types.Interval:
		k.kind = kindInterval
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
		if first == '"' {
			return d.text(c, b, p)
		}
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
			return d.keyword(b, p, "true")
		case 'f':
			d.cols[c.index].AppendBool(false)
			return d.keyword(b, p, "false")
		}
	case kindJSON:
		if first == '"' && (c.inText || c.jsonInText) {
			return d.jsonText(c, b, p)
		}
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
		if cmp.Or(c.unit, d.unit) != unitAuto && first-'0' <= 9 {
			return d.dayNumber(c, b, p)
		}
	case kindBinary:
		if first == '"' || first == '{' {
			return d.binary(c, b, p)
		}
	case kindInterval:
		if c.unit != unitAuto && (first-'0' <= 9 || first == '-') {
			return d.duration(c, b, p)
		}
	}
	return d.general(c, b, p)
}

// text reads a string into a text column.
func (d *JSON) text(c *column, b []byte, p int) int {
	v := d.cols[c.index]
	rest := b[p+1:]
	n, high := plainRun(rest)
	if high == 0 && n < len(rest) && rest[n] == '"' {
		v.AppendBytes(rest[:n])
		return p + n + 2
	}
	text, end := d.appendString(v.Buf, b, p+1)
	if end >= 0 {
		v.Buf = text
		v.FinishBytes()
	}
	return end
}

// general reads a value by its text: a string's content, else the JSON text itself.
func (d *JSON) general(c *column, b []byte, p int) int {
	var text []byte
	var end int
	switch b[p] {
	case 'n':
		d.cols[c.index].AppendNull()
		return d.keyword(b, p, "null")
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
	text, end := d.appendString(d.scratch[:0], b, p+1)
	if end >= 0 {
		d.scratch = text
	}
	return text, end
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
