package engine

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// A batch in the log is its columns, one after the other, in their memory layout (little endian):
//
//	batch   = flags:1 rows:uvarint cols:uvarint [weights: rows x int64] column*
//	column  = class:1 hasNulls:1 [bitmap: ceil(rows/64) x uint64] body
//	body    = rows x int64 | rows x float64 | (rows x length:uvarint) bytes:uvarint arena
//
// Types are not in it: the catalog entry of the relation at that epoch has them.

const flagWeights = 1

var errCodec = errors.New("malformed batch in the log")

// appendBatch appends the encoding of b to dst.
func appendBatch(dst []byte, b *vec.Batch) []byte {
	var flags byte
	if b.W != nil {
		flags |= flagWeights
	}
	dst = append(dst, flags)
	dst = binary.AppendUvarint(dst, uint64(b.N))
	dst = binary.AppendUvarint(dst, uint64(len(b.Cols)))
	if b.W != nil {
		dst = appendI64s(dst, b.W)
	}
	for _, c := range b.Cols {
		dst = appendColumn(dst, c, b.N)
	}
	return dst
}

func appendColumn(dst []byte, c *vec.Vec, rows int) []byte {
	class := c.Type.Class()
	dst = append(dst, byte(class))
	if c.Nulls == nil {
		dst = append(dst, 0)
	} else {
		dst = append(dst, 1)
		for w := range (rows + 63) / 64 {
			var x uint64
			if w < len(c.Nulls) {
				x = c.Nulls[w]
			}
			if rest := rows - w*64; rest < 64 {
				x &= 1<<uint(rest) - 1
			}
			dst = binary.LittleEndian.AppendUint64(dst, x)
		}
	}
	switch class {
	case types.I64:
		return appendI64s(dst, c.I64)
	case types.F64:
		for _, f := range c.F64 {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
		}
		return dst
	}
	for i := range rows {
		dst = binary.AppendUvarint(dst, uint64(c.Off[i+1]-c.Off[i]))
	}
	lo, hi := c.Off[0], c.Off[rows]
	dst = binary.AppendUvarint(dst, uint64(hi-lo))
	return append(dst, c.Buf[lo:hi]...)
}

func appendI64s(dst []byte, xs []int64) []byte {
	n := len(dst)
	dst = growBytes(dst, 8*len(xs))
	for i, x := range xs {
		binary.LittleEndian.PutUint64(dst[n+8*i:], uint64(x))
	}
	return dst
}

func growBytes(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		nb := make([]byte, len(b), max(2*cap(b), len(b)+n))
		copy(nb, b)
		b = nb
	}
	return b[:len(b)+n]
}

// decoder reads one encoded batch; bad is set, and reads give zeros, once the input has run out.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) uvarint() uint64 {
	x, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return x
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.bad, d.b = true, nil
		return nil
	}
	x := d.b[:n]
	d.b = d.b[n:]
	return x
}

func (d *decoder) byte() byte {
	if x := d.take(1); x != nil {
		return x[0]
	}
	return 0
}

// decodeBatch appends the rows encoded in src to out. Columns that out lacks (nil entries of out.Cols) are skipped.
// A column that src lacks, since it was added later, is null.
func decodeBatch(src []byte, out *vec.Batch) error {
	d := decoder{b: src}
	flags := d.byte()
	rows, cols := int(d.uvarint()), int(d.uvarint())
	if d.bad || rows < 0 || cols < 0 || rows > math.MaxInt32 {
		return errCodec
	}
	if flags&flagWeights != 0 {
		out.SetWeights()
		w := d.take(8 * rows)
		for i := 0; i+8 <= len(w); i += 8 {
			out.W = append(out.W, int64(binary.LittleEndian.Uint64(w[i:])))
		}
	} else if out.W != nil {
		for range rows {
			out.W = append(out.W, 1)
		}
	}
	for i := range cols {
		var v *vec.Vec
		if i < len(out.Cols) {
			v = out.Cols[i]
		}
		d.column(v, rows)
		if d.bad {
			return errCodec
		}
	}
	for i := cols; i < len(out.Cols); i++ {
		for v := out.Cols[i]; v != nil && v.Len() < out.N+rows; {
			v.AppendNull()
		}
	}
	out.N += rows
	return nil
}

// column decodes one column of rows values onto v; v nil skips it.
func (d *decoder) column(v *vec.Vec, rows int) {
	class := types.Class(d.byte())
	var nulls []byte
	if d.byte() != 0 {
		nulls = d.take((rows + 63) / 64 * 8)
	}
	if v != nil && v.Type.Class() != class {
		d.bad = true
	}
	if d.bad {
		return
	}
	base := 0
	if v != nil {
		base = v.Len()
	}
	switch class {
	case types.I64, types.F64:
		body := d.take(8 * rows)
		if v == nil || d.bad {
			return
		}
		if class == types.I64 {
			for i := 0; i < len(body); i += 8 {
				v.I64 = append(v.I64, int64(binary.LittleEndian.Uint64(body[i:])))
			}
		} else {
			for i := 0; i < len(body); i += 8 {
				v.F64 = append(v.F64, math.Float64frombits(binary.LittleEndian.Uint64(body[i:])))
			}
		}
	default:
		d.bytesColumn(v, rows)
		if v == nil || d.bad {
			return
		}
	}
	v.ExtendNulls(base, rows, nulls)
}

func (d *decoder) bytesColumn(v *vec.Vec, rows int) {
	lens := d.b
	total := uint64(0)
	for range rows {
		total += d.uvarint()
	}
	size := d.uvarint()
	if size != total {
		d.bad = true
	}
	arena := d.take(int(size))
	if d.bad || v == nil {
		return
	}
	at := uint32(len(v.Buf))
	v.Buf = append(v.Buf, arena...)
	for range rows {
		n, k := binary.Uvarint(lens)
		lens = lens[k:]
		at += uint32(n)
		v.Off = append(v.Off, at)
	}
}
