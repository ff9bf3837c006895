package op

import (
	"bytes"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Window computes functions over partitions: OVER (PARTITION BY ... ORDER BY ... frame). A row's values depend on the
// whole partition, so a touched partition is computed anew (see partitions). Rows that the order does not tell apart are
// ordered by all their columns, so that a view and an ad hoc query number them alike.
type Window struct {
	*partitions
	order []keyOrder
	total []keyOrder
	funcs []windowFunc
}

// windowFunc is one function with what its evaluation keeps between partitions.
type windowFunc struct {
	physical.WindowFunc
	acc  funcs.Accumulator // aggregates
	args []*vec.Vec
}

// NewWindow makes the operator.
func NewWindow(n *physical.Window, tables *TableAlloc) (*Window, error) {
	in := fieldTypes(n.Input)
	w := &Window{
		partitions: newPartitions(tables.Next(), n, n.Partition, !n.Input.AppendOnly()),
		order:      keyOrders(n.Order), total: totalOrder(keyOrders(n.Order), len(in)),
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
	w.end(s, func(rows, res *vec.Batch, sign int64) { w.compute(s, rows, res, sign) }, out)
}

// compute appends the rows of a partition with their function values to out, which is empty.
func (w *Window) compute(s *Step, rows, out *vec.Batch, sign int64) {
	p := w.sorted(s, rows)
	n := len(w.in)
	for c := range n {
		out.Cols[c].AppendVec(p.rows.Cols[c])
	}
	for k := range w.funcs {
		w.funcs[k].compute(s, p, out.Cols[n+k])
	}
	out.N = p.rows.N
	if s.Stopped != nil && s.Stopped() {
		*out = *vec.NewBatch(w.out, 0) // its columns may be short
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

// part is a partition in order.
type part struct {
	rows *vec.Batch // each copy a row of its own; no weights
	// peer[i] is the first row that the order does not tell apart from row i; end[i] is behind the last.
	peer, end []int
	ordered   bool // there is an ORDER BY; else all rows are peers
}

func (w *Window) sorted(s *Step, rows *vec.Batch) *part {
	perm := sortRowsUntil(rows, w.total, s.Stopped)
	var sel []int32
	for _, i := range perm {
		for range rows.Weight(int(i)) {
			sel = append(sel, i)
		}
	}
	b := vec.NewBatch(w.in, len(sel))
	for c, v := range b.Cols {
		v.AppendSel(rows.Cols[c], sel)
	}
	b.N = len(sel)
	p := &part{rows: b, peer: make([]int, b.N), end: make([]int, b.N), ordered: len(w.order) > 0}
	keys := encodeOrder(b, w.order, nil)
	for i := 1; i < b.N; i++ {
		if bytes.Equal(keys.at(int32(i)), keys.at(int32(i-1))) {
			p.peer[i] = p.peer[i-1]
		} else {
			p.peer[i] = i
		}
	}
	for i := b.N - 1; i >= 0; i-- {
		if i+1 < b.N && p.peer[i+1] == p.peer[i] {
			p.end[i] = p.end[i+1]
		} else {
			p.end[i] = i + 1
		}
	}
	return p
}

// compute appends the function's value for each row of p to out.
func (f *windowFunc) compute(s *Step, p *part, out *vec.Vec) {
	for k, a := range f.Args {
		f.args[k] = p.rows.Cols[a]
	}
	if f.acc != nil {
		f.aggregate(s, p, out)
		return
	}
	for i := range p.rows.N {
		if s.stopped(i) {
			return
		}
		f.value(s.Ctx, p, i, out)
	}
}

// value appends the value of a ranking or offset function for row i.
func (f *windowFunc) value(ctx *funcs.Ctx, p *part, i int, out *vec.Vec) {
	n := p.rows.N
	switch f.Name {
	case "row_number":
		out.AppendI64(int64(i + 1))
	case "rank":
		out.AppendI64(int64(p.peer[i] + 1))
	case "dense_rank":
		out.AppendI64(denseRank(p, i))
	case "percent_rank":
		if n == 1 {
			out.AppendF64(0)
		} else {
			out.AppendF64(float64(p.peer[i]) / float64(n-1))
		}
	case "cume_dist":
		out.AppendF64(float64(p.end[i]) / float64(n))
	case "ntile":
		f.ntile(ctx, n, i, out)
	case "lag", "lead":
		f.offset(n, i, out)
	case "first_value", "last_value", "nth_value":
		f.framed(ctx, p, i, out)
	default:
		panic("window function " + f.Name + " is not known")
	}
}

// denseRank counts the groups of peers up to row i.
func denseRank(p *part, i int) int64 {
	rank := int64(1)
	for j := p.peer[i]; j > 0; j = p.peer[j-1] {
		rank++
	}
	return rank
}

func (f *windowFunc) ntile(ctx *funcs.Ctx, n, i int, out *vec.Vec) {
	if f.args[0].IsNull(i) {
		out.AppendNull()
		return
	}
	buckets := f.args[0].I64[i]
	if buckets <= 0 {
		ctx.Fail(int32(i), pgerr.New("22014", "argument of ntile must be greater than zero"))
		out.AppendNull()
		return
	}
	size, rest := int64(n)/buckets, int64(n)%buckets
	if at := int64(i); at < rest*(size+1) {
		out.AppendI64(at/(size+1) + 1)
	} else {
		out.AppendI64(rest + (at-rest*(size+1))/size + 1)
	}
}

// offset is lag and lead: (value [, distance [, default]]).
func (f *windowFunc) offset(n, i int, out *vec.Vec) {
	d := int64(1)
	if len(f.args) > 1 {
		if f.args[1].IsNull(i) {
			out.AppendNull()
			return
		}
		d = f.args[1].I64[i]
	}
	if f.Name == "lag" {
		d = -d
	}
	switch at := int64(i) + d; {
	case at >= 0 && at < int64(n):
		out.AppendFrom(f.args[0], int(at))
	case len(f.args) > 2:
		out.AppendFrom(f.args[2], i)
	default:
		out.AppendNull()
	}
}

// framed is first_value, last_value and nth_value: a row of the frame.
func (f *windowFunc) framed(ctx *funcs.Ctx, p *part, i int, out *vec.Vec) {
	lo, hi := f.frame(p, i)
	at := lo
	switch f.Name {
	case "last_value":
		at = hi - 1
	case "nth_value":
		if f.args[1].IsNull(i) {
			out.AppendNull()
			return
		}
		k := f.args[1].I64[i]
		if k <= 0 {
			ctx.Fail(int32(i), pgerr.New("22016", "argument of nth_value must be greater than zero"))
			out.AppendNull()
			return
		}
		at = hi
		if k <= int64(hi-lo) {
			at = lo + int(k) - 1
		}
	}
	if lo >= hi || at >= hi {
		out.AppendNull()
		return
	}
	out.AppendFrom(f.args[0], at)
}

// frame is the rows [lo, hi) of row i's frame; lo >= hi if it is empty.
func (f *windowFunc) frame(p *part, i int) (lo, hi int) {
	n := p.rows.N
	lo, hi = 0, n
	switch f.Frame.Mode {
	case "rows":
		lo, hi = rowBound(f.Frame.Start, i, n), rowBound(f.Frame.End, i, n)+1
	case "groups", "range":
		lo, hi = groupBound(p, f.Frame.Start, i, false), groupBound(p, f.Frame.End, i, true)
	default: // none given: up to the last peer
		hi = p.end[i]
		if !p.ordered {
			hi = n
		}
	}
	return max(lo, 0), min(hi, n)
}

func rowBound(b physical.Bound, i, n int) int {
	off := int(min(b.Offset, int64(n)))
	switch b.Kind {
	case "unbounded preceding":
		return 0
	case "preceding":
		return i - off
	case "following":
		return i + off
	case "unbounded following":
		return n - 1
	}
	return i
}

// groupBound is where a frame begins, or with end ends, that is bounded by whole groups of peers: the first row of the group
// that b means for row i, or the row behind its last.
func groupBound(p *part, b physical.Bound, i int, end bool) int {
	at := p.peer[i]
	if end {
		at = p.end[i]
	}
	switch b.Kind {
	case "unbounded preceding":
		return 0
	case "unbounded following":
		return p.rows.N
	case "preceding":
		for k := int64(0); k < b.Offset && at > 0; k++ {
			at = p.peer[at-1]
		}
	case "following":
		for k := int64(0); k < b.Offset && at < p.rows.N; k++ {
			at = p.end[at]
		}
	}
	return at
}

// aggregate computes an aggregate over each row's frame. While the frame only grows at its end, rows are added to one
// running state; a frame whose start moves is added up anew.
func (f *windowFunc) aggregate(s *Step, p *part, out *vec.Vec) {
	zero := make([]int32, p.rows.N)
	from, to := 0, 0
	f.acc.Reset(1)
	last := -1 // row whose value is the present state's
	for i := range p.rows.N {
		if s.stopped(i) {
			return
		}
		lo, hi := f.frame(p, i)
		hi = max(hi, lo)
		if lo != from || hi < to {
			f.acc.Reset(1)
			from, to, last = lo, lo, -1
		}
		if hi > to {
			f.acc.Update(s.Ctx, zero, f.args, nil, p.rows.N, f.selected(p, to, hi))
			to, last = hi, -1
		}
		if last >= 0 {
			out.AppendFrom(out, out.Len()-1)
			continue
		}
		f.result(s.Ctx, i, out)
		last = i
	}
}

// selected lists the rows [lo, hi) that pass the FILTER.
func (f *windowFunc) selected(p *part, lo, hi int) []int32 {
	sel := make([]int32, 0, hi-lo)
	for i := lo; i < hi; i++ {
		if f.Filter < 0 || p.rows.Cols[f.Filter].Bool(i) {
			sel = append(sel, int32(i))
		}
	}
	return sel
}

// result appends the present state's value, for row i.
func (f *windowFunc) result(ctx *funcs.Ctx, i int, out *vec.Vec) {
	one := ctx.Fork()
	v := vec.New(out.Type, 1)
	f.acc.Result(one, 1, v)
	for _, e := range one.Errors {
		ctx.Fail(int32(i), e.Err)
	}
	out.AppendFrom(v, 0)
}
