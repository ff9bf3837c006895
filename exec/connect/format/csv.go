package format

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// csv decodes lines of comma-separated values as COPY ... (FORMAT csv) does: quotes around a value, two quotes (or
// an escape and a quote) for one inside, and a value without quotes that is written as a null is null. Without a header a line has a value for each
// column, in order; with one, the first line of each record names the columns, and values of other names are left out.
type csv struct {
	columns   []column
	delimiter byte
	quote     byte
	escape    byte // in front of a quote, or of itself, between quotes
	header    bool
	null      string

	scratch []byte // of a value with quotes inside
	order   []int  // by place in the line: which of columns, -1: none
	named   string // the header that order was made of
}

func newCSV(s side, fields []field) (rowDecoder, error) {
	d := &csv{columns: newColumns(fields), null: s.options[optNull], header: s.options[optHeader] == "true"}
	if without, given := s.options["without_header"]; given {
		d.header = without == "false"
	}
	if err := d.readMarks(s.options); err != nil {
		return nil, err
	}
	for _, f := range fields {
		if f.Path != "" {
			return nil, pgerr.Newf(pgerr.InvalidColumnDefinition, "column \"%s\" names a path, which ENCODE CSV does not have", f.Name)
		}
	}
	for i := range d.columns {
		d.order = append(d.order, i)
	}
	return d, nil
}

// readMarks reads the options that are single characters.
func (d *csv) readMarks(options map[string]string) error {
	delimiter := options[optDelimiter]
	if strings.EqualFold(delimiter, "tab") || delimiter == `\t` {
		delimiter = "\t"
	}
	for _, m := range []struct {
		option, value string
		to            *byte
	}{{optDelimiter, delimiter, &d.delimiter}, {optQuote, options[optQuote], &d.quote}, {optEscape, cmp.Or(options[optEscape], options[optQuote]), &d.escape}} {
		if len(m.value) != 1 || m.value[0] >= 0x80 || strings.ContainsAny(m.value, "\r\n\x00") {
			return pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": \"%s\"", m.option, m.value).
				WithHint("Give one ASCII character, or 'tab' for a delimiter.")
		}
		*m.to = m.value[0]
	}
	switch {
	case d.delimiter == d.quote:
		return pgerr.New(pgerr.InvalidParameterValue, "CSV delimiter and quote must be different")
	case strings.IndexByte(d.null, d.delimiter) >= 0:
		return pgerr.New(pgerr.InvalidParameterValue, "CSV delimiter must not appear in the NULL specification")
	case strings.IndexByte(d.null, d.quote) >= 0:
		return pgerr.New(pgerr.InvalidParameterValue, "CSV quote character must not appear in the NULL specification")
	case strings.ContainsAny(d.null, "\r\n"):
		return pgerr.New(pgerr.InvalidParameterValue, "CSV null representation cannot use newline or carriage return")
	}
	return nil
}

// row is for a key, which is one line.
func (d *csv) row(data []byte, dst *vec.Batch) error {
	n, err := d.rows(data, dst)
	if err == nil && n != 1 {
		err = pgerr.Newf(pgerr.BadCopyFileFormat, "record has %d lines where one is wanted", n)
		cutRow(d.columns, dst)
	}
	return err
}

func (d *csv) rows(data []byte, dst *vec.Batch) (n int, err error) {
	if err := checkText(data); err != nil {
		return 0, err
	}
	p := 0
	if d.header {
		if p, err = d.readHeader(data); err != nil {
			return 0, err
		}
	}
	for p < len(data) || n == 0 && !d.header {
		if p, err = d.line(data, p, dst.N+n, dst); err != nil {
			cutRow(d.columns, dst)
			return 0, err
		}
		n++
	}
	return n, nil
}

// line decodes the line at p, in front of which there are as many rows, and returns the position behind its end.
func (d *csv) line(b []byte, p, rows int, dst *vec.Batch) (int, error) {
	for i := 0; ; i++ {
		text, quoted, end, err := d.value(b, p)
		if err != nil {
			return 0, err
		}
		if i >= len(d.order) {
			return 0, pgerr.New(pgerr.BadCopyFileFormat, "extra data after last expected column")
		}
		if at := d.order[i]; at >= 0 {
			c := &d.columns[at]
			v := dst.Cols[c.index]
			if !quoted && string(text) == d.null {
				v.AppendNull()
			} else if err := appendText(v, c.typ, text); err != nil {
				return 0, inColumn(c, err)
			}
		}
		if end < len(b) && b[end] == d.delimiter {
			p = end + 1
			continue
		}
		if i+1 < len(d.order) {
			name := "the next column"
			if at := d.order[i+1]; at >= 0 {
				name = fmt.Sprintf("column \"%s\"", d.columns[at].name)
			}
			return 0, pgerr.Newf(pgerr.BadCopyFileFormat, "missing data for %s", name)
		}
		d.fill(dst, rows+1)
		return lineEnd(b, end), nil
	}
}

// fill makes columns null that the header does not name, up to a number of rows.
func (d *csv) fill(dst *vec.Batch, rows int) {
	if !d.header {
		return
	}
	for i := range d.columns {
		if v := dst.Cols[d.columns[i].index]; v.Len() < rows {
			v.AppendNull()
		}
	}
}

// lineEnd returns the position behind the line break at p.
func lineEnd(b []byte, p int) int {
	if p < len(b) && b[p] == '\r' {
		p++
	}
	if p < len(b) && b[p] == '\n' {
		p++
	}
	return p
}

// value reads the value at p; end is where the delimiter, the line's end or the end of the data stands.
func (d *csv) value(b []byte, p int) (text []byte, quoted bool, end int, err error) {
	start := p
	for p < len(b) && b[p] != d.delimiter && b[p] != '\n' && b[p] != '\r' && b[p] != d.quote {
		p++
	}
	if p == len(b) || b[p] != d.quote {
		return b[start:p], false, p, nil
	}
	out := append(d.scratch[:0], b[start:p]...)
	for inside := false; p < len(b); p++ {
		ch := b[p]
		switch {
		case ch == d.quote && !inside:
			inside, quoted = true, true
		case ch == d.escape && inside && p+1 < len(b) && (b[p+1] == d.quote || b[p+1] == d.escape):
			p++
			out = append(out, b[p])
		case ch == d.quote:
			inside = false
		case !inside && (ch == d.delimiter || ch == '\n' || ch == '\r'):
			d.scratch = out
			return out, quoted, p, nil
		default:
			out = append(out, ch)
		}
		if p+1 == len(b) && inside {
			return nil, false, 0, pgerr.New(pgerr.BadCopyFileFormat, "unterminated CSV quoted field")
		}
	}
	d.scratch = out
	return out, quoted, p, nil
}

// readHeader reads the names in the first line and returns the position behind it.
func (d *csv) readHeader(b []byte) (int, error) {
	if n := len(d.named); n > 0 && len(b) >= n && string(b[:n]) == d.named {
		return n, nil
	}
	d.order, d.named = d.order[:0], ""
	taken := make([]bool, len(d.columns))
	for p := 0; ; p++ {
		text, _, end, err := d.value(b, p)
		if err != nil {
			return 0, err
		}
		at := d.find(strings.TrimSpace(string(text)), taken)
		if at >= 0 {
			taken[at] = true
		}
		d.order = append(d.order, at)
		if p = end; p < len(b) && b[p] == d.delimiter {
			continue
		}
		end = lineEnd(b, p)
		if end > p { // a header with a line behind it can be recognised whole
			d.named = string(b[:end])
		}
		return end, nil
	}
}

// find returns which column has a name and is not taken, -1: none.
func (d *csv) find(name string, taken []bool) int {
	for i, c := range d.columns {
		if c.name == name && !taken[i] {
			return i
		}
	}
	for i, c := range d.columns {
		if strings.EqualFold(c.name, name) && !taken[i] {
			return i
		}
	}
	return -1
}
