package op

import (
	"bytes"
	"slices"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Window computes functions over partitions: OVER (PARTITION BY ... ORDER BY ... frame). A row's values depend on the
// whole partition, so a touched partition is computed anew (see partitions). Rows that the order does not tell apart are
// ordered by all their columns, so that a view and an ad hoc query number them alike.
type Window struct {
	*partitions
	order []keyOrder
	plan  []physical.WindowFunc
	peers bool // a function asks for peers
}

// windowShard computes some partitions.
type windowShard struct {
	*Window
	sorter partSorter
	keys   orderKeys
	sorted vec.Batch // all partitions in order, each copy a row of its own
	sel    []int32   // rows of sorted
	lo     [2][]int32
	minus  []int64
	peer   []int32
	behind []int32
	funcs  []windowFunc
}

// NewWindow makes the operator.
func NewWindow(n *physical.Window, tables *TableAlloc) (*Window, error) {
	w := &Window{order: keyOrders(n.Order), plan: n.Funcs, peers: slices.ContainsFunc(n.Funcs, asksPeers)}
	w.partitions = newPartitions(tables.Next(), n, n.Partition, !n.Input.AppendOnly(), w.shard)
	return w, nil
}

// asksPeers says whether a function's value depends on which rows the order tells apart.
func asksPeers(f physical.WindowFunc) bool {
	switch f.Name {
	case "row_number", "lag", "lead", "ntile":
		return false
	}
	return true
}

func (w *Window) shard() computer {
	sh := &windowShard{Window: w, sorter: partSorter{order: w.order}}
	for _, f := range w.plan {
		x := windowFunc{WindowFunc: f, args: make([]*vec.Vec, len(f.Args))}
		if f.Agg != nil {
			argTypes := make([]types.Type, 0, len(f.Args))
			for _, a := range f.Args {
				argTypes = append(argTypes, w.in[a])
			}
			x.acc = f.Agg.New(argTypes, false)
		}
		sh.funcs = append(sh.funcs, x)
	}
	return sh
}

// Push keeps b until End.
func (w *Window) Push(_ *Step, _ int, b *vec.Batch, _ Emit) { w.push(b) }

// End emits how the rows of touched partitions change.
func (w *Window) End(s *Step, out Emit) { w.end(s, out) }

// compute appends the rows of the partitions with their function values to out.
func (w *windowShard) compute(s *Step, rows *vec.Batch, of []int32, n int, out *vec.Batch, sign int64) []int32 {
	p := w.sorter.sort(rows, of, n, s.Stopped)
	if p == nil {
		return nil
	}
	in := len(w.in)
	lo := w.lay(p, out, sign)
	for k := range w.funcs {
		f := &w.funcs[k]
		f.bind(&w.sorted)
		for i := range n {
			f.compute(s, w.part(lo, i), out.Cols[in+k])
		}
	}
	if s.Stopped != nil && s.Stopped() {
		out.Reset() // its columns may be short
		return nil
	}
	if sign < 0 {
		w.minus = sized(w.minus, out.N)
		for i := range w.minus {
			w.minus[i] = -1
		}
		out.W = w.minus
	}
	if len(s.Ctx.Errors) > 0 {
		w.leaveOut(s, out)
		return nil
	}
	return lo
}

// leaveOut takes rows whose functions could not be computed out of the output, as row errors.
func (w *windowShard) leaveOut(s *Step, out *vec.Batch) {
	var good []int32
	for i := range out.N {
		if !s.Ctx.Failed(int32(i)) {
			good = append(good, int32(i))
		}
	}
	takeErrors(s, out, nil)
	*out = *out.Select(good)
}

// lay puts the rows of the partitions one after the other into out and finds their peers. It returns where each partition
// begins, and behind the last.
func (w *windowShard) lay(p *parts, out *vec.Batch, sign int64) []int32 {
	at := max(sign, 0) // before and after the step are there at the same time
	lo := append(w.lo[at][:0], 0)
	w.sel = w.sel[:0]
	for k := range p.len() {
		for _, i := range p.part(k) {
			for range p.rows.Weight(int(i)) {
				w.sel = append(w.sel, i)
			}
		}
		lo = append(lo, int32(len(w.sel)))
	}
	w.lo[at] = lo
	w.sorted.Cols, w.sorted.N = out.Cols[:len(w.in)], len(w.sel)
	for c, v := range w.sorted.Cols {
		v.AppendSel(p.rows.Cols[c], w.sel)
	}
	out.N = len(w.sel)
	if w.peers {
		w.findPeers(lo)
	}
	return lo
}

func (w *windowShard) findPeers(lo []int32) {
	n := w.sorted.N
	w.keys.encode(&w.sorted, w.order, nil)
	w.peer, w.behind = sized(w.peer, n), sized(w.behind, n)
	for k := range len(lo) - 1 {
		lo, hi := lo[k], lo[k+1]
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

func (w *windowShard) part(lo []int32, k int) part {
	from, to := lo[k], lo[k+1]
	p := part{base: int(from), n: int(to - from), ordered: len(w.order) > 0}
	if w.peers {
		p.peer, p.behind = w.peer[from:to], w.behind[from:to]
	}
	return p
}
