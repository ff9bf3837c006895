package format

import (
	"bytes"

	"github.com/millracedb/millrace/sql/vec"
)

// jsonKey decodes the key of a record. It is an object of the columns, or of Kafka Connect's envelope around one, or,
// where there is one column, its value alone. Lenient, when no KEY ENCODE is given: a key that does not look like JSON
// is the text of the value.
type jsonKey struct {
	*JSON
	connect connectSchema
	keys    []column
	lenient bool
}

func newJSONKey(s side, fields []field, lenient bool) *jsonKey {
	return &jsonKey{JSON: newJSON(s, fields), keys: newColumns(fields), lenient: lenient}
}

func (d *jsonKey) row(data []byte, dst *vec.Batch) error {
	if data == nil {
		for i := range d.keys {
			dst.Cols[d.keys[i].index].AppendNull()
		}
		return nil
	}
	payload, err := d.connect.unwrap(d.JSON, data)
	if err != nil {
		return err
	}
	p := skipSpace(payload, 0)
	object := p < len(payload) && payload[p] == '{'
	if len(d.keys) > 1 || object && d.keys[0].kind != kindJSON {
		return d.JSON.row(payload, dst)
	}
	c := &d.keys[0]
	if d.lenient && (p == len(payload) || bytes.IndexByte([]byte(`"{[`), payload[p]) < 0) {
		if err = appendValidText(dst.Cols[c.index], c.typ, payload); err != nil {
			err = inColumn(c, err)
		}
	} else {
		err = d.whole(c, payload, p, dst)
	}
	if err != nil {
		cut(dst.Cols[c.index], dst.N)
	}
	return err
}

// whole reads data that is one value.
func (d *JSON) whole(c *column, b []byte, p int, dst *vec.Batch) error {
	d.cols, d.n, d.err = dst.Cols, dst.N, nil
	if p >= len(b) {
		d.syntax(b, p, "a value")
		return d.err
	}
	if p = d.value(c, b, p); p < 0 {
		return d.err
	}
	if p = skipSpace(b, p); p < len(b) {
		d.syntax(b, p, "the end")
		return d.err
	}
	return nil
}

// split finds the fields of an object that are named, and sets their spans to the text of their values: nil where there
// is none, or a null.
func (d *JSON) split(b []byte, names []string, spans [][]byte) error {
	d.err = nil
	clear(spans)
	p := skipSpace(b, 0)
	if p >= len(b) || b[p] != '{' {
		d.syntax(b, p, "an object")
		return d.err
	}
	p = d.eachField(b, p+1, func(name, value []byte) {
		for i, want := range names {
			if string(name) == want {
				if spans[i] = value; value[0] == 'n' {
					spans[i] = nil
				}
			}
		}
	})
	if p < 0 {
		return d.err
	}
	if p = skipSpace(b, p); p < len(b) {
		d.syntax(b, p, "the end")
	}
	return d.err
}

// eachField shows the fields of an object, from behind its brace on, and returns the position behind it. Names are as
// they are written.
func (d *JSON) eachField(b []byte, p int, show func(name, value []byte)) int {
	if p = skipSpace(b, p); p < len(b) && b[p] == '}' {
		return p + 1
	}
	for {
		if p >= len(b) || b[p] != '"' {
			return d.syntax(b, p, "a field name")
		}
		start := p + 1
		end := d.skipString(b, start)
		if end < 0 {
			return end
		}
		name := b[start : end-1]
		if p = skipSpace(b, end); p >= len(b) || b[p] != ':' {
			return d.syntax(b, p, "a colon")
		}
		p = skipSpace(b, p+1)
		if end = d.skipValue(b, p, 0); end < 0 {
			return end
		}
		show(name, b[p:end])
		if p = skipSpace(b, end); p < len(b) && b[p] == '}' {
			return p + 1
		}
		if p >= len(b) || b[p] != ',' {
			return d.syntax(b, p, "a comma or }")
		}
		p = skipSpace(b, p+1)
	}
}
