package pgwire

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// CopyReader turns the bytes of COPY FROM into columns. Bytes come in pieces of any size; a row cut in two waits in
// rest for its end. In the usual case, no escape or quote in the piece, fields are found by searching for the
// delimiter alone and read where they lie.
type CopyReader struct {
	// Batch has the rows read so far; the caller takes them and resets it.
	Batch *vec.Batch
	// Line is the number of the row being read, from 1, counting lines as PostgreSQL does.
	Line int64

	opt   CopyOptions
	rel   string
	names []string
	env   *types.Env
	parse []parseValue

	rest    []byte
	waiting int      // bytes of rest not looked at yet
	scratch []byte   // unescaped fields of the row
	fields  [][]byte // of a row that needed unescaping; nil is null
	ends    []int
	eol     lineEnd
	started bool // the header has been dealt with
	done    bool // an end-of-data mark was seen
	column  int  // being read, for the error context
	value   []byte
}

// longRow is the length from which an incomplete row is not searched for its end with every piece.
const longRow = 256 << 10

// lineEnd is how rows end; the first row decides.
type lineEnd uint8

const (
	eolUnknown lineEnd = iota
	eolNL
	eolCRNL
	eolCR
)

// NewCopyReader reads rows of columns names, of types ts, for relation rel (which is for messages).
func NewCopyReader(opt CopyOptions, rel string, names []string, ts []types.Type, env *types.Env) *CopyReader {
	r := &CopyReader{opt: opt, rel: rel, names: names, env: env, Batch: vec.NewBatch(ts, 0)}
	r.scratch = []byte{} // an empty field is not null
	for _, t := range ts {
		if opt.Format == CopyBinary {
			r.parse = append(r.parse, binaryParser(t))
		} else {
			r.parse = append(r.parse, textParser(t))
		}
	}
	r.started = !opt.Header && opt.Format != CopyBinary
	return r
}

// Feed reads the rows in the next piece of input; last says that there is no more.
func (r *CopyReader) Feed(piece []byte, last bool) error {
	if r.done {
		return nil
	}
	data := piece
	if len(r.rest) > 0 {
		r.rest = append(r.rest, piece...)
		data = r.rest
		// A very long row is looked at again only when it has grown by half, not with every piece.
		if r.waiting += len(piece); len(r.rest) > longRow && r.waiting < len(r.rest)/3 && !last {
			return nil
		}
	}
	r.waiting = 0
	n, err := r.rows(data, last)
	if err != nil {
		return r.locate(err)
	}
	// data may be rest itself; the move is to its front.
	r.rest = append(r.rest[:0], data[n:]...)
	return nil
}

func (r *CopyReader) rows(data []byte, last bool) (int, error) {
	switch r.opt.Format {
	case CopyBinary:
		return r.binaryRows(data, last)
	case CopyCSV:
		if bytes.IndexByte(data, r.opt.Quote) >= 0 {
			return r.lines(data, last, r.csvLine, r.csvRow)
		}
		return r.lines(data, last, r.plainLine, r.plainRow)
	}
	if bytes.IndexByte(data, '\\') >= 0 {
		return r.lines(data, last, r.textLine, r.textRow)
	}
	return r.lines(data, last, r.plainLine, r.plainRow)
}

// lines cuts data into lines with find and reads each with row. It returns the length of what was read.
func (r *CopyReader) lines(data []byte, last bool, find func([]byte) int, row func([]byte) error) (int, error) {
	plain := utf8.Valid(data) && bytes.IndexByte(data, 0) < 0
	if r.eol == eolUnknown {
		r.eol = detectEOL(data, last)
	}
	pos := 0
	for pos < len(data) && !r.done {
		end, next := len(data), len(data)
		if i := find(data[pos:]); i >= 0 {
			end, next = pos+i, pos+i+1
		} else if !last {
			break
		}
		line := data[pos:end]
		if r.eol == eolCRNL && len(line) > 0 && line[len(line)-1] == '\r' {
			line = line[:len(line)-1]
		}
		r.Line++
		r.column = -1
		r.value = line
		if !plain {
			if err := checkText(line); err != nil {
				return pos, err
			}
		}
		if err := r.oneLine(line, row); err != nil {
			return pos, err
		}
		pos = next
	}
	if r.done {
		pos = len(data)
	}
	return pos, nil
}

func (r *CopyReader) oneLine(line []byte, row func([]byte) error) error {
	switch {
	case !r.started:
		r.started = true
		return r.header(line)
	case len(line) == 2 && line[0] == '\\' && line[1] == '.':
		r.done = true
		return nil
	}
	if err := row(line); err != nil {
		return err
	}
	r.Batch.N++
	return nil
}

// detectEOL looks at the first line's end. A carriage return that is data there would be escaped or quoted.
func detectEOL(data []byte, last bool) lineEnd {
	i := bytes.IndexByte(data, '\n')
	j := bytes.IndexByte(data, '\r')
	switch {
	case j >= 0 && j == i-1:
		return eolCRNL
	case i >= 0 && (j < 0 || i < j):
		return eolNL
	case j >= 0 && (j+1 < len(data) || last):
		return eolCR
	}
	return eolUnknown
}

func (r *CopyReader) eolByte() byte {
	if r.eol == eolCR {
		return '\r'
	}
	return '\n'
}

// plainLine finds the end of a line in which no byte is special.
func (r *CopyReader) plainLine(data []byte) int { return bytes.IndexByte(data, r.eolByte()) }

// textLine finds the end of a line in which a backslash quotes the next byte.
func (r *CopyReader) textLine(data []byte) int {
	nl := r.eolByte()
	for i := 0; ; {
		end := bytes.IndexByte(data[i:], nl)
		if end < 0 {
			return -1
		}
		esc := bytes.IndexByte(data[i:i+end], '\\')
		if esc < 0 {
			return i + end
		}
		i += esc + 2
		if i > len(data) {
			return -1
		}
	}
}

// plainRow reads a row without escapes and quotes in place.
func (r *CopyReader) plainRow(line []byte) error {
	if r.opt.Format == CopyText && r.eol != eolCR && bytes.IndexByte(line, '\r') >= 0 {
		return pgerr.New(pgerr.BadCopyFileFormat, "literal carriage return found in data").
			WithHint(`Use "\r" to represent carriage return.`)
	}
	if r.opt.Format == CopyCSV && r.eol != eolCR && bytes.IndexByte(line, '\r') >= 0 {
		return pgerr.New(pgerr.BadCopyFileFormat, "unquoted carriage return found in data").
			WithHint("Use quoted CSV field to represent carriage return.")
	}
	if len(r.parse) == 0 {
		if len(line) > 0 {
			return errExtraData()
		}
		return nil
	}
	last := len(r.parse) - 1
	for k := range r.parse {
		field := line
		if i := bytes.IndexByte(line, r.opt.Delim); i >= 0 {
			if k == last {
				return errExtraData()
			}
			field, line = line[:i], line[i+1:]
		} else if k < last {
			if err := r.plainField(k, field); err != nil {
				return err
			}
			return r.missing(k + 1)
		}
		if err := r.plainField(k, field); err != nil {
			return err
		}
	}
	return nil
}

func (r *CopyReader) plainField(k int, field []byte) error {
	if string(field) == r.opt.Null && !(r.opt.ForceNotNil != nil && r.opt.ForceNotNil[k]) {
		r.Batch.Cols[k].AppendNull()
		return nil
	}
	if err := r.parse[k](r.Batch.Cols[k], field, r.env); err != nil {
		r.column, r.value = k, field
		return err
	}
	return nil
}

// unescaped reads the row whose fields were copied out of it.
func (r *CopyReader) unescaped() error {
	if len(r.fields) > len(r.parse) {
		return errExtraData()
	}
	for k, f := range r.fields {
		if f == nil {
			r.Batch.Cols[k].AppendNull()
			continue
		}
		if err := r.parse[k](r.Batch.Cols[k], f, r.env); err != nil {
			r.column, r.value = k, f
			return err
		}
	}
	if len(r.fields) < len(r.parse) {
		return r.missing(len(r.fields))
	}
	return nil
}

func errExtraData() error {
	return pgerr.New(pgerr.BadCopyFileFormat, "extra data after last expected column")
}

func (r *CopyReader) missing(k int) error {
	return pgerr.Newf(pgerr.BadCopyFileFormat, `missing data for column "%s"`, r.names[k])
}

// header checks the first line if it must match, and skips it.
func (r *CopyReader) header(line []byte) error {
	if !r.opt.HeaderMatch {
		return nil
	}
	got := bytes.Split(line, []byte{r.opt.Delim})
	if len(got) != len(r.names) {
		return pgerr.Newf(pgerr.BadCopyFileFormat,
			"wrong number of fields in header line: got %d, expected %d", len(got), len(r.names))
	}
	for i, g := range got {
		if r.opt.Format == CopyCSV && len(g) >= 2 && g[0] == r.opt.Quote && g[len(g)-1] == r.opt.Quote {
			g = g[1 : len(g)-1]
		}
		if string(g) != r.names[i] {
			return pgerr.Newf(pgerr.BadCopyFileFormat,
				`column name mismatch in header line field %d: got "%s", expected "%s"`, i+1, g, r.names[i])
		}
	}
	return nil
}

// locate adds where in the input an error is: PostgreSQL's CONTEXT of COPY.
func (r *CopyReader) locate(err error) error {
	e := *pgerr.Of(err)
	if e.Where != "" {
		return &e
	}
	e.Where = fmt.Sprintf("COPY %s, line %d", r.rel, r.Line)
	const most = 100
	v := r.value
	if len(v) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(v[cut]) {
			cut--
		}
		v = append(append([]byte{}, v[:cut]...), "..."...)
	}
	switch {
	case r.opt.Format == CopyBinary:
		if r.column >= 0 && r.column < len(r.names) {
			e.Where += ", column " + r.names[r.column]
		}
	case e.Code == pgerr.CharacterNotInRepertoire:
	case r.column >= 0:
		e.Where += fmt.Sprintf(`, column %s: "%s"`, r.names[r.column], v)
	default:
		e.Where += fmt.Sprintf(`: "%s"`, v)
	}
	return &e
}
