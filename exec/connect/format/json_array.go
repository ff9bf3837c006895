package format

import "github.com/millracedb/millrace/sql/types"

// array reads a JSON array into an array column, by way of PostgreSQL's text form of it: {1,"a b",NULL}. An array of
// documents has one dimension: an array in it is a document like any other.
func (d *JSON) array(c *column, b []byte, p int) int {
	d.literal = d.literal[:0]
	elem := c.typ.ElemType().OID
	end := d.appendArray(b, p, 0, elem == types.JSON || elem == types.JSONB)
	if end < 0 {
		return end
	}
	return d.parse(c, d.literal, p, end)
}

// maxDimensions is PostgreSQL's.
const maxDimensions = 6

// appendArray appends the text form of the array at p to d.literal.
func (d *JSON) appendArray(b []byte, p, depth int, documents bool) int {
	d.literal = append(d.literal, '{')
	p = skipSpace(b, p+1)
	for first := true; ; first = false {
		if p < len(b) && b[p] == ']' && first {
			break
		}
		if !first {
			d.literal = append(d.literal, ',')
		}
		if p = d.appendElement(b, p, depth, documents); p < 0 {
			return p
		}
		p = skipSpace(b, p)
		if p < len(b) && b[p] == ']' {
			break
		}
		if p >= len(b) || b[p] != ',' {
			return d.syntax(b, p, "a comma or ]")
		}
		p = skipSpace(b, p+1)
	}
	d.literal = append(d.literal, '}')
	return p + 1
}

func (d *JSON) appendElement(b []byte, p, depth int, documents bool) int {
	switch {
	case documents: // as it is, below
	case p < len(b) && b[p] == '[' && depth < maxDimensions:
		return d.appendArray(b, p, depth+1, false)
	case p < len(b) && b[p] == '"':
		text, end := d.str(b, p)
		if end >= 0 {
			d.quote(text)
		}
		return end
	}
	end := d.skipValue(b, p, 0)
	if end < 0 {
		return end
	}
	if text := b[p:end]; string(text) == "null" {
		d.literal = append(d.literal, "NULL"...)
	} else {
		d.quote(text)
	}
	return end
}

func (d *JSON) quote(text []byte) {
	d.literal = append(d.literal, '"')
	for _, ch := range text {
		if ch == '"' || ch == '\\' {
			d.literal = append(d.literal, '\\')
		}
		d.literal = append(d.literal, ch)
	}
	d.literal = append(d.literal, '"')
}
