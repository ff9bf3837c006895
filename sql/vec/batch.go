package vec

import "github.com/millracedb/millrace/sql/types"

// Batch is N rows in columns, each with a weight: a Z-set, or a change of one.
type Batch struct {
	Cols []*Vec
	W    []int64 // nil: all +1
	N    int     // number of rows; needed since a batch may have no columns
}

// NewBatch returns an empty batch with a column for each type.
func NewBatch(ts []types.Type, capacity int) *Batch {
	b := &Batch{Cols: make([]*Vec, len(ts))}
	vs := make([]Vec, len(ts)) // they come and go together
	for i, t := range ts {
		vs[i].init(t, capacity)
		b.Cols[i] = &vs[i]
	}
	return b
}

// Weight returns the weight of row i.
func (b *Batch) Weight(i int) int64 {
	if b.W == nil {
		return 1
	}
	return b.W[i]
}

// AppendOnly reports whether every weight is +1 by construction.
func (b *Batch) AppendOnly() bool { return b.W == nil }

// Types returns the column types.
func (b *Batch) Types() []types.Type {
	ts := make([]types.Type, len(b.Cols))
	for i, c := range b.Cols {
		ts[i] = c.Type
	}
	return ts
}

// SetWeights makes the weights explicit.
func (b *Batch) SetWeights() {
	if b.W != nil {
		return
	}
	b.W = make([]int64, b.N)
	for i := range b.W {
		b.W[i] = 1
	}
}

// AppendRow appends row i of src with weight w; src must have columns of the same classes.
func (b *Batch) AppendRow(src *Batch, i int, w int64) {
	if w != 1 {
		b.SetWeights()
	}
	for c, v := range b.Cols {
		v.AppendFrom(src.Cols[c], i)
	}
	b.N++
	if b.W != nil {
		b.W = append(b.W, w)
	}
}

// Append appends all rows of src.
func (b *Batch) Append(src *Batch) {
	if src.W != nil {
		b.SetWeights()
	}
	for c, v := range b.Cols {
		v.AppendVec(src.Cols[c])
	}
	if b.W != nil {
		if src.W != nil {
			b.W = append(b.W, src.W...)
		} else {
			for range src.N {
				b.W = append(b.W, 1)
			}
		}
	}
	b.N += src.N
}

// AppendSel appends the rows of src whose numbers are in sel.
func (b *Batch) AppendSel(src *Batch, sel []int32) {
	if src.W != nil {
		b.SetWeights()
	}
	for c, v := range b.Cols {
		v.AppendSel(src.Cols[c], sel)
	}
	if b.W != nil {
		for _, i := range sel {
			b.W = append(b.W, src.Weight(int(i)))
		}
	}
	b.N += len(sel)
}

// Select returns a new batch of the rows of b in sel.
func (b *Batch) Select(sel []int32) *Batch {
	out := NewBatch(b.Types(), len(sel))
	out.AppendSel(b, sel)
	return out
}

// Slice returns rows [lo, hi) sharing b's memory.
func (b *Batch) Slice(lo, hi int) *Batch {
	s := &Batch{Cols: make([]*Vec, len(b.Cols)), N: hi - lo}
	for i, c := range b.Cols {
		s.Cols[i] = c.Slice(lo, hi)
	}
	if b.W != nil {
		s.W = b.W[lo:hi:hi]
	}
	return s
}

// Reset empties b and keeps its memory.
func (b *Batch) Reset() {
	for _, c := range b.Cols {
		c.Reset()
	}
	b.N, b.W = 0, nil
}

// MemSize returns the bytes held.
func (b *Batch) MemSize() int {
	n := cap(b.W) * 8
	for _, c := range b.Cols {
		n += c.MemSize()
	}
	return n
}
