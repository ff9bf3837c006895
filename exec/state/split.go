package state

import (
	"slices"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// SplitCodec encodes a row as key | value, the key up to SQL equality and together without loss: the value has the columns
// outside the key, and those in the key that are Loose.
type SplitCodec struct {
	Key, Val *Codec
	keyCols  []int
	valCols  []int
	keyVecs  []*vec.Vec
	valVecs  []*vec.Vec
}

// NewSplitCodec returns the codec of rows of types ts with key columns key.
func NewSplitCodec(ts []types.Type, key []int) *SplitCodec {
	c := &SplitCodec{keyCols: key}
	var kt, vt []types.Type
	for _, k := range key {
		kt = append(kt, ts[k])
	}
	for i, t := range ts {
		if !slices.Contains(key, i) || Loose(t) {
			c.valCols = append(c.valCols, i)
			vt = append(vt, t)
		}
	}
	c.Key, c.Val = NewKeyCodec(kt), NewRowCodec(vt)
	return c
}

// Shape describes the layout.
func (c *SplitCodec) Shape() string { return c.Key.Shape() + c.Val.Shape() }

// KeyVecs returns the key columns of a row batch; the slice is reused.
func (c *SplitCodec) KeyVecs(cols []*vec.Vec) []*vec.Vec {
	c.keyVecs = pick(c.keyVecs, cols, c.keyCols)
	return c.keyVecs
}

// ValVecs returns the value columns of a row batch; the slice is reused.
func (c *SplitCodec) ValVecs(cols []*vec.Vec) []*vec.Vec {
	c.valVecs = pick(c.valVecs, cols, c.valCols)
	return c.valVecs
}

func pick(dst, cols []*vec.Vec, which []int) []*vec.Vec {
	dst = dst[:0]
	for _, k := range which {
		dst = append(dst, cols[k])
	}
	return dst
}

// Projection says where the columns of a row go in an output: made once for a list of columns, then used to decode many
// rows, by any goroutine.
type Projection struct {
	c        *SplitCodec
	key, val []int
	copies   [][2]int // output columns wanted a second time: from, to
	skipVal  bool
}

// Project returns the projection to columns cols of the row.
func (c *SplitCodec) Project(cols []int) *Projection {
	p := &Projection{c: c, key: fill(len(c.keyCols), -1), val: fill(len(c.valCols), -1), skipVal: true}
	for out, col := range cols {
		if k := slices.Index(c.valCols, col); k >= 0 {
			p.place(p.val, k, out)
			p.skipVal = false
			continue
		}
		p.place(p.key, slices.Index(c.keyCols, col), out)
	}
	return p
}

func (p *Projection) place(want []int, k, out int) {
	if want[k] >= 0 {
		p.copies = append(p.copies, [2]int{want[k], out})
		return
	}
	want[k] = out
}

// Decode appends one row to out.
func (p *Projection) Decode(key, val []byte, out []*vec.Vec) {
	p.c.Key.Decode(key, p.key, out)
	if !p.skipVal {
		p.c.Val.Decode(val, p.val, out)
	}
	for _, c := range p.copies {
		from := out[c[0]]
		out[c[1]].AppendFrom(from, from.Len()-1)
	}
}

// DecodeAll appends many rows to out.
func (p *Projection) DecodeAll(keys, vals [][]byte, out []*vec.Vec) {
	p.c.Key.DecodeAll(keys, p.key, out)
	if !p.skipVal {
		p.c.Val.DecodeAll(vals, p.val, out)
	}
	for _, c := range p.copies {
		from := out[c[0]]
		out[c[1]].AppendRange(from, from.Len()-len(keys), from.Len())
	}
}

func fill(n, x int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = x
	}
	return s
}
