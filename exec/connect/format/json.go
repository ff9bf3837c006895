package format

import (
	"fmt"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// JSON decodes records that are one JSON object each (RFC 8259, strictly) by the stream's columns:
//
//   - A column takes the field of its name, or that at its path (FROM 'a.b.c'); a field is matched by exact
//     name, else without regard to case. Of fields that fill the same column the last one counts, but one
//     of the exact name goes before others. Fields nobody wants are checked and skipped.
//   - A missing field and JSON's null are null.
//   - A string is read by the type's input function; a number or Boolean as if it were its own text, except
//     that an integer column takes any number without a fraction (1.0, 1e3), a timestamp column takes
//     a count of timestamp.unit since 1970, and a date column a count of days. json and jsonb take any value,
//     arrays take arrays of what their elements take, and text takes whatever else comes as its JSON text.
//   - Text must be text: broken UTF-8, half a surrogate pair and \u0000 are errors where they would be kept.
//
// How it is fast: one pass, eight bytes a step through strings; values are parsed where they lie and appended
// to their column at once; field names are guessed from the order of earlier records and compared as words (slot), so
// that a hash lookup is rare.
type JSON struct {
	root    *object
	columns int      // columns this decoder fills
	unit    timeUnit // of timestamps that are numbers
	scratch []byte   // an unescaped string
	literal []byte   // an array as text

	// The record being decoded.
	cols   []*vec.Vec
	n      int    // its row number
	gen    uint64 // its number, times two
	filled int
	err    error // why a function returned failed
}

// failed is the position that a scanning function returns when it has set err.
const failed = -1

func newJSON(s side, fields []field) *JSON {
	d := &JSON{root: newTree(fields), columns: len(fields)}
	switch s.options[optUnit] {
	case "s":
		d.unit = unitSeconds
	case "ms", "milli":
		d.unit = unitMillis
	case "us", "micro":
		d.unit = unitMicros
	case "ns":
		d.unit = unitNanos
	}
	d.root.eachColumn(func(c *column) {
		c.binary, c.jsonInText = binaryForms[s.options[optBytea]], s.options[optJSON] == "text"
	})
	return d
}

func newJSONRows(s side, fields []field) (rowDecoder, error) {
	if s.isKey {
		return newJSONKey(s, fields, false), nil
	}
	return newJSON(s, fields), nil
}

// row implements rowDecoder.
func (d *JSON) row(value []byte, dst *vec.Batch) error {
	d.cols, d.n, d.filled, d.err = dst.Cols, dst.N, 0, nil
	d.gen += 2
	p := skipSpace(value, 0)
	if p < len(value) && value[p] == '{' {
		p = d.object(d.root, value, p+1, 1)
	} else {
		p = d.syntax(value, p, "an object")
	}
	if p >= 0 {
		if p = skipSpace(value, p); p < len(value) {
			p = d.syntax(value, p, "the end")
		}
	}
	if p < 0 {
		d.rollback(d.root)
		return d.err
	}
	if d.filled < d.columns {
		d.fillMissing(d.root)
	}
	return nil
}

// rollback takes back what the record has appended so far.
func (d *JSON) rollback(o *object) {
	for _, t := range o.targets {
		for i := range t.columns {
			if c := &t.columns[i]; d.has(c) {
				cut(d.cols[c.index], d.n)
			}
		}
		if t.child != nil {
			d.rollback(t.child)
		}
	}
}

// has reports whether the record has filled column c so far.
func (d *JSON) has(c *column) bool { return c.mark&^1 == d.gen }

func (d *JSON) fillMissing(o *object) {
	for _, t := range o.targets {
		for i := range t.columns {
			if c := &t.columns[i]; !d.has(c) {
				d.cols[c.index].AppendNull()
			}
		}
		if t.child != nil {
			d.fillMissing(t.child)
		}
	}
}

// object decodes the fields of an object from behind its brace on, and returns the position behind its end.
// exact is 1 if the path to it was matched by exact names.
func (d *JSON) object(o *object, b []byte, p int, exact uint64) int {
	p = skipSpace(b, p)
	if p < len(b) && b[p] == '}' {
		return p + 1
	}
	last := &o.start
	for {
		field := last.next
		if field != nil && p <= len(b)-16 && field.is(b[p:]) {
			p += field.size
		} else {
			if field, p = d.fieldName(o, last, b, p); p < 0 {
				return p
			}
			if field.size > 0 {
				last.next = field
			}
		}
		last = field
		if p = skipSpace(b, p); p >= len(b) {
			return d.syntax(b, p, "a value")
		}
		if c := field.simple; c != nil && !d.has(c) {
			c.mark = d.gen | exact&field.exact
			d.filled++
			p = d.value(c, b, p)
		} else if field.target == nil {
			p = d.skipValue(b, p, 0)
		} else {
			p = d.field(field.target, b, p, exact&field.exact)
		}
		if p < 0 {
			return p
		}
		if p >= len(b) || b[p] != ',' {
			if p = skipSpace(b, p); p >= len(b) || b[p] != ',' {
				break
			}
		}
		p = skipSpace(b, p+1)
	}
	if p < len(b) && b[p] == '}' {
		return p + 1
	}
	return d.syntax(b, p, "a comma or }")
}

// fieldName reads the field name at p and the colon, where it is not the quick comparison's guess.
func (d *JSON) fieldName(o *object, last *slot, b []byte, p int) (*slot, int) {
	if p >= len(b) || b[p] != '"' {
		return nil, d.syntax(b, p, "a field name")
	}
	if p+16 <= len(b) {
		if s := o.near(last, b[p:]); s != nil {
			return s, p + s.size
		}
	}
	// Near the end of the record, a long name, or space before the colon.
	p++
	guess := last.next
	if guess != nil {
		if q := p + len(guess.name); q+1 < len(b) && b[q] == '"' && b[q+1] == ':' && string(b[p:q]) == guess.name {
			return guess, q + 2
		}
	}
	n, high := plainRun(b[p:])
	name, end := b[p:p+n], p+n+1
	if high != 0 || end > len(b) || b[end-1] != '"' {
		if name, end = d.str(b, p-1); end < 0 {
			return nil, end
		}
	}
	if guess == nil || guess.name != string(name) {
		guess = o.slotOf(name)
	}
	if p = skipSpace(b, end); p >= len(b) || b[p] != ':' {
		return nil, d.syntax(b, p, "a colon")
	}
	return guess, p + 1
}

// field decodes the value at p into all that the target wants of it, columns that are filled already
// included, and returns the position behind it.
func (d *JSON) field(t *target, b []byte, p int, exact uint64) int {
	end := failed
	for i := range t.columns {
		c := &t.columns[i]
		switch {
		case !d.has(c):
			d.filled++
		case c.mark&1 > exact:
			if end = d.skipValue(b, p, 0); end < 0 {
				return end
			}
			continue
		default:
			cut(d.cols[c.index], d.n)
		}
		c.mark = d.gen | exact
		if end = d.value(c, b, p); end < 0 {
			return end
		}
	}
	if t.child == nil {
		return end
	}
	if t.visited == d.gen {
		d.forget(t.child, exact)
	}
	t.visited = d.gen
	if b[p] == '{' {
		return d.object(t.child, b, p+1, exact)
	}
	return d.skipValue(b, p, 0) // a path ends at what is no object: the columns below are null
}

// forget takes back what an earlier field of the same name has filled below it.
func (d *JSON) forget(o *object, exact uint64) {
	for _, t := range o.targets {
		for i := range t.columns {
			if c := &t.columns[i]; d.has(c) && c.mark&1 <= exact {
				cut(d.cols[c.index], d.n)
				c.mark = 0
				d.filled--
			}
		}
		if t.child != nil {
			d.forget(t.child, exact)
		}
	}
}

// syntax reports that something else stands at p than what is wanted.
func (d *JSON) syntax(b []byte, p int, want string) int {
	found := "the end of the record"
	if p < len(b) {
		r, n := utf8.DecodeRune(b[p:])
		found = fmt.Sprintf("%q", r)
		if r == utf8.RuneError && n == 1 {
			found = fmt.Sprintf("0x%02x", b[p])
		}
	}
	d.err = pgerr.Newf(pgerr.InvalidTextRepresentation, "invalid input syntax for type json at byte %d: expected %s, found %s", p, want, found)
	return failed
}
