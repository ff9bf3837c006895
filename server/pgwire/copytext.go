package pgwire

import (
	"bytes"

	"github.com/millracedb/millrace/sql/pgerr"
)

// textRow reads a row of the text format that has backslashes: its fields are copied, unescaped, into scratch.
func (r *CopyReader) textRow(line []byte) error {
	if bytes.IndexByte(line, '\\') < 0 {
		return r.plainRow(line)
	}
	r.scratch, r.ends = r.scratch[:0], r.ends[:0]
	r.fields = r.fields[:0]
	for {
		raw, rest, more := cutText(line, r.opt.Delim)
		if len(r.ends) >= len(r.parse) {
			return errExtraData()
		}
		end := len(r.scratch)
		if string(raw) == r.opt.Null {
			r.ends = append(r.ends, -1)
		} else {
			var wide bool
			r.scratch, wide = unescapeText(r.scratch, raw)
			if wide {
				if err := checkText(r.scratch[end:]); err != nil {
					return err
				}
			}
			r.ends = append(r.ends, len(r.scratch))
		}
		if !more {
			break
		}
		line = rest
	}
	return r.cutFields()
}

// cutFields makes the fields of a line from where each of them ends in scratch, -1 for a null.
func (r *CopyReader) cutFields() error {
	start := 0
	for _, e := range r.ends {
		if e < 0 {
			r.fields = append(r.fields, nil)
			continue
		}
		r.fields = append(r.fields, r.scratch[start:e:e])
		start = e
	}
	return r.unescaped()
}

// cutText splits at the first delimiter that no backslash quotes.
func cutText(line []byte, delim byte) (field, rest []byte, more bool) {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case delim:
			return line[:i], line[i+1:], true
		}
	}
	return line, nil, false
}

// unescapeText appends s without its backslash sequences. wide says that a byte outside ASCII, or a zero, was
// written as an escape, so that the result may not be text.
func unescapeText(dst, s []byte) (out []byte, wide bool) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '\\' || i+1 >= len(s) {
			dst = append(dst, c)
			continue
		}
		i++
		c = s[i]
		switch {
		case c == 'b':
			c = '\b'
		case c == 'f':
			c = '\f'
		case c == 'n':
			c = '\n'
		case c == 'r':
			c = '\r'
		case c == 't':
			c = '\t'
		case c == 'v':
			c = '\v'
		case c >= '0' && c <= '7':
			v := int(c - '0')
			for k := 0; k < 2 && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '7'; k++ {
				i++
				v = v<<3 + int(s[i]-'0')
			}
			c = byte(v)
			wide = wide || c >= 0x80 || c == 0
		case c == 'x' && i+1 < len(s) && hexDigit(s[i+1]) >= 0:
			v := 0
			for k := 0; k < 2 && i+1 < len(s) && hexDigit(s[i+1]) >= 0; k++ {
				i++
				v = v<<4 + hexDigit(s[i])
			}
			c = byte(v)
			wide = wide || c >= 0x80 || c == 0
		}
		dst = append(dst, c)
	}
	return dst, wide
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// csvLine finds the end of a line in which line ends may be quoted.
func (r *CopyReader) csvLine(data []byte) int {
	nl, q, esc := r.eolByte(), r.opt.Quote, r.opt.Escape
	in := false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case in && c == esc && esc != q && i+1 < len(data) && (data[i+1] == q || data[i+1] == esc):
			i++
		case c == q:
			in = !in // a doubled quote flips twice
		case c == nl && !in:
			return i
		case !in:
			// Nothing but a quote or a line end matters from here.
			rest := data[i:]
			if k := bytes.IndexByte(rest, nl); k >= 0 {
				rest = rest[:k]
			}
			if k := bytes.IndexByte(rest, q); k >= 0 {
				i += k - 1
			} else if len(rest) < len(data)-i {
				return i + len(rest)
			} else {
				return -1
			}
		}
	}
	return -1
}

// csvRow reads a row of the csv format that may have quotes.
func (r *CopyReader) csvRow(line []byte) error {
	q, esc := r.opt.Quote, r.opt.Escape
	if bytes.IndexByte(line, q) < 0 {
		return r.plainRow(line)
	}
	r.scratch, r.ends, r.fields = r.scratch[:0], r.ends[:0], r.fields[:0]
	for i, k := 0, 0; ; k++ {
		if k >= len(r.parse) {
			return errExtraData()
		}
		start := len(r.scratch)
		in, quoted := false, false
		for ; i < len(line); i++ {
			c := line[i]
			switch {
			case in && c == esc && i+1 < len(line) && (line[i+1] == q || line[i+1] == esc):
				i++
				r.scratch = append(r.scratch, line[i])
				continue
			case c == q:
				in, quoted = !in, true
				continue
			case c == r.opt.Delim && !in:
			default:
				r.scratch = append(r.scratch, c)
				continue
			}
			break
		}
		if in {
			return pgerr.New(pgerr.BadCopyFileFormat, "unterminated CSV quoted field")
		}
		if r.csvNull(k, quoted, r.scratch[start:]) {
			r.scratch = r.scratch[:start]
			r.ends = append(r.ends, -1)
		} else {
			r.ends = append(r.ends, len(r.scratch))
		}
		if i >= len(line) {
			break
		}
		i++ // the delimiter
	}
	return r.cutFields()
}

func (r *CopyReader) csvNull(k int, quoted bool, field []byte) bool {
	if string(field) != r.opt.Null {
		return false
	}
	if quoted {
		return r.opt.ForceNull != nil && r.opt.ForceNull[k]
	}
	return r.opt.ForceNotNil == nil || !r.opt.ForceNotNil[k]
}
