package op

import (
	"math"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Hop copies each row into every window [start, start+size) that contains its time, start being a multiple of slide
// (from origin). It is linear: d(hop(A)) = hop(dA).
type Hop struct {
	stateless
	time                int
	slide, size, origin int64
	out                 *vec.Batch
	rows                []int32
}

// NewHop makes the operator.
func NewHop(n *physical.Hop) *Hop {
	fields := n.Fields()
	ts := make([]types.Type, len(fields))
	for i, f := range fields {
		ts[i] = f.Type
	}
	return &Hop{time: n.TimeCol, slide: n.Slide, size: n.Size, origin: n.Origin, out: vec.NewBatch(ts, 0)}
}

// Push assigns windows to the rows of b.
func (h *Hop) Push(_ *Step, _ int, b *vec.Batch, out Emit) {
	h.out.Reset()
	h.rows = h.rows[:0]
	n := len(h.out.Cols)
	starts, ends := h.out.Cols[n-2], h.out.Cols[n-1]
	t := b.Cols[h.time]
	for i := range b.N {
		if t.IsNull(i) {
			continue
		}
		x := t.I64[i]
		if x == math.MaxInt64 || x == math.MinInt64 {
			continue
		}
		last := x - floorMod(x-h.origin, h.slide)
		for s := last - (h.size-1)/h.slide*h.slide; s <= last; s += h.slide {
			if s+h.size <= x {
				continue
			}
			h.rows = append(h.rows, int32(i))
			starts.AppendI64(s)
			ends.AppendI64(s + h.size)
		}
	}
	if len(h.rows) == 0 {
		return
	}
	if h.slide == h.size && len(h.rows) == b.N {
		h.tumble(b, starts, ends, out)
		return
	}
	for c, v := range b.Cols {
		h.out.Cols[c].AppendSel(v, h.rows)
	}
	h.out.N = len(h.rows)
	if b.W != nil {
		h.out.W = make([]int64, 0, len(h.rows))
		for _, i := range h.rows {
			h.out.W = append(h.out.W, b.W[i])
		}
	}
	out(h.out)
}

// tumble emits b itself with its windows: each row has one.
func (h *Hop) tumble(b *vec.Batch, starts, ends *vec.Vec, out Emit) {
	e := vec.Batch{Cols: make([]*vec.Vec, 0, len(b.Cols)+2), W: b.W, N: b.N}
	e.Cols = append(append(e.Cols, b.Cols...), starts, ends)
	out(&e)
}

func floorMod(a, b int64) int64 {
	m := a % b
	if m < 0 {
		m += b
	}
	return m
}
