package op

import (
	"bytes"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Window computes functions over partitions: OVER (PARTITION BY ... ORDER BY ... frame). A row's values depend on the
// whole partition, so a touched partition is computed anew (see partitions). Rows that the order does not tell apart are
// ordered by all their columns, so that a view and an ad hoc query number them alike.
type Window struct {
	*partitions
	order  []keyOrder
	sorter partSorter
	keys   orderKeys
	sorted *vec.Batch // all partitions in order, each copy a row of its own
	sel    []int32    // rows of sorted
	lo     []int32    // where each partition begins in sorted, and behind the last
	peer   []int32
	behind []int32
	funcs  []windowFunc
}

// NewWindow makes the operator.
func NewWindow(n *physical.Window, tables *TableAlloc) (*Window, error) {
	in := fieldTypes(n.Input)
	w := &Window{
		partitions: newPartitions(tables.Next(), n, n.Partition, !n.Input.AppendOnly()),
		order:      keyOrders(n.Order), sorter: partSorter{order: keyOrders(n.Order)}, sorted: vec.NewBatch(in, 0),
	}
	for _, f := range n.Funcs {
		x := windowFunc{WindowFunc: f, args: make([]*vec.Vec, len(f.Args))}
		if f.Agg != nil {
			argTypes := make([]types.Type, 0, len(f.Args))
			for _, a := range f.Args {
				argTypes = append(argTypes, in[a])
			}
			x.acc = f.Agg.New(argTypes, false)
		}
		w.funcs = append(w.funcs, x)
	}
	return w, nil
}

// Push keeps b until End.
func (w *Window) Push(_ *Step, _ int, b *vec.Batch, _ Emit) { w.push(b) }

// End emits how the rows of touched partitions change.
func (w *Window) End(s *Step, out Emit) {
	w.end(s, func(rows *vec.Batch, of []int32, n int, res *vec.Batch, sign int64) {
		if p := w.sorter.sort(rows, of, n, s.Stopped); p != nil {
			w.compute(s, p, res, sign)
		}
	}, out)
}

// compute appends the rows of the partitions with their function values to out, which is empty.
func (w *Window) compute(s *Step, p *parts, out *vec.Batch, sign int64) {
	w.lay(p)
	n := len(w.in)
	for c := range n {
		out.Cols[c].AppendVec(w.sorted.Cols[c])
	}
	out.N = w.sorted.N
	for k := range w.funcs {
		f := &w.funcs[k]
		f.bind(w.sorted)
		for i := range p.len() {
			f.compute(s, w.part(i), out.Cols[n+k])
		}
	}
	if s.Stopped != nil && s.Stopped() {
		out.Reset() // its columns may be short
		return
	}
	if sign < 0 {
		negate(out)
	}
	if len(s.Ctx.Errors) > 0 {
		w.leaveOut(s, out)
	}
}

// leaveOut takes rows whose functions could not be computed out of the output, as row errors.
func (w *Window) leaveOut(s *Step, out *vec.Batch) {
	var good []int32
	for i := range out.N {
		if !s.Ctx.Failed(int32(i)) {
			good = append(good, int32(i))
		}
	}
	takeErrors(s, out, nil)
	*out = *out.Select(good)
}

// lay puts the rows of the partitions one after the other and finds their peers.
func (w *Window) lay(p *parts) {
	w.sel, w.lo = w.sel[:0], append(w.lo[:0], 0)
	for k := range p.len() {
		for _, i := range p.part(k) {
			for range p.rows.Weight(int(i)) {
				w.sel = append(w.sel, i)
			}
		}
		w.lo = append(w.lo, int32(len(w.sel)))
	}
	b := w.sorted
	b.Reset()
	for c, v := range b.Cols {
		v.AppendSel(p.rows.Cols[c], w.sel)
	}
	b.N = len(w.sel)
	w.peers()
}

func (w *Window) peers() {
	n := w.sorted.N
	w.keys.encode(w.sorted, w.order, nil)
	w.peer, w.behind = sized(w.peer, n), sized(w.behind, n)
	for k := range len(w.lo) - 1 {
		lo, hi := w.lo[k], w.lo[k+1]
		for i := lo; i < hi; i++ {
			if i > lo && bytes.Equal(w.keys.at(i), w.keys.at(i-1)) {
				w.peer[i] = w.peer[i-1]
			} else {
				w.peer[i] = i - lo
			}
		}
		for i := hi - 1; i >= lo; i-- {
			if i+1 < hi && w.peer[i+1] == w.peer[i] {
				w.behind[i] = w.behind[i+1]
			} else {
				w.behind[i] = i - lo + 1
			}
		}
	}
}

func (w *Window) part(k int) part {
	lo, hi := w.lo[k], w.lo[k+1]
	return part{base: int(lo), n: int(hi - lo), peer: w.peer[lo:hi], behind: w.behind[lo:hi], ordered: len(w.order) > 0}
}
