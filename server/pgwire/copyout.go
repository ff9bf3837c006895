package pgwire

import (
	"encoding/binary"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// CopyWriter prints rows as COPY data, one message a row.
type CopyWriter struct {
	c       *Conn
	opt     CopyOptions
	env     *types.Env
	cols    []appendValue
	scratch []byte
	header  bool // the binary header is still to be sent, with the first row, as clients expect
}

// CopyWriter starts the data: CopyOutResponse and the header.
func (c *Conn) CopyWriter(opt CopyOptions, names []string, ts []types.Type, env *types.Env) *CopyWriter {
	w := &CopyWriter{c: c, opt: opt, env: env}
	format := TextFormat
	if opt.Format == CopyBinary {
		format = BinaryFormat
	}
	for _, t := range ts {
		w.cols = append(w.cols, encoderOf(t, format))
	}
	c.CopyOut(&opt, len(ts))
	switch {
	case opt.Format == CopyBinary:
		w.header = true
	case opt.Header:
		start := c.beginData()
		for i, n := range names {
			if i > 0 {
				c.out = append(c.out, opt.Delim)
			}
			c.out = w.appendField(c.out, []byte(n), false, len(names) == 1)
		}
		c.out = append(c.out, '\n')
		endMessage(c.out, start)
	}
	return w
}

// Rows prints all rows of b. Weights are not looked at.
func (w *CopyWriter) Rows(b *vec.Batch) error {
	for i := range b.N {
		start := w.c.beginData()
		if w.opt.Format == CopyBinary {
			w.binaryRow(b, i)
		} else {
			w.textRow(b, i)
		}
		endMessage(w.c.out, start)
		if err := w.c.spill(); err != nil {
			return err
		}
	}
	return nil
}

// Done ends the data.
func (w *CopyWriter) Done() {
	if w.opt.Format == CopyBinary {
		start := w.c.beginData()
		w.binaryHeader()
		w.c.out = append(w.c.out, 0xff, 0xff)
		endMessage(w.c.out, start)
	}
	w.c.CopyOutDone()
}

func (w *CopyWriter) binaryHeader() {
	if w.header {
		w.c.out, w.header = appendBinaryHeader(w.c.out), false
	}
}

func (w *CopyWriter) binaryRow(b *vec.Batch, i int) {
	w.binaryHeader()
	out := binary.BigEndian.AppendUint16(w.c.out, uint16(len(b.Cols)))
	for k, v := range b.Cols {
		if v.IsNull(i) {
			out = append(out, 0xff, 0xff, 0xff, 0xff)
			continue
		}
		at := len(out)
		out = w.cols[k](append(out, 0, 0, 0, 0), v, i, w.env)
		binary.BigEndian.PutUint32(out[at:], uint32(len(out)-at-4))
	}
	w.c.out = out
}

func (w *CopyWriter) textRow(b *vec.Batch, i int) {
	out := w.c.out
	for k, v := range b.Cols {
		if k > 0 {
			out = append(out, w.opt.Delim)
		}
		if v.IsNull(i) {
			out = append(out, w.opt.Null...)
			continue
		}
		w.scratch = w.cols[k](w.scratch[:0], v, i, w.env)
		out = w.appendField(out, w.scratch, w.opt.ForceQuote != nil && w.opt.ForceQuote[k], len(b.Cols) == 1)
	}
	w.c.out = append(out, '\n')
}

func (w *CopyWriter) appendField(dst, s []byte, force, single bool) []byte {
	if w.opt.Format == CopyCSV {
		return w.appendCSV(dst, s, force, single)
	}
	for _, c := range s {
		switch c {
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\v':
			dst = append(dst, '\\', 'v')
		case '\\', w.opt.Delim:
			dst = append(dst, '\\', c)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendCSV quotes what would be read back as something else: the null string, and the end-of-data mark when it
// would stand alone on its line.
func (w *CopyWriter) appendCSV(dst, s []byte, force, single bool) []byte {
	if !force && !w.needsQuote(s, single) {
		return append(dst, s...)
	}
	dst = append(dst, w.opt.Quote)
	for _, c := range s {
		if c == w.opt.Quote || c == w.opt.Escape {
			dst = append(dst, w.opt.Escape)
		}
		dst = append(dst, c)
	}
	return append(dst, w.opt.Quote)
}

func (w *CopyWriter) needsQuote(s []byte, single bool) bool {
	if string(s) == w.opt.Null || single && string(s) == `\.` {
		return true
	}
	for _, c := range s {
		if c == w.opt.Delim || c == w.opt.Quote || c == '\n' || c == '\r' {
			return true
		}
	}
	return false
}
