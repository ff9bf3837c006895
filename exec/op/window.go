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

// windowFunc is one function with what its evaluation keeps between partitions.
type windowFunc struct {
	physical.WindowFunc
	acc    funcs.Accumulator // aggregates
	args   []*vec.Vec        // of all partitions
	filter *vec.Vec
	group  []int32  // acc's one group, for each row
	frames []int32  // rows to add to acc
	one    *vec.Vec // a result of acc
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

// part is a partition in order: rows base to base+n of all. Rows are counted from its first.
type part struct {
	base, n int
	// peer[i] is the first row that the order does not tell apart from row i; behind[i] comes after the last.
	peer, behind []int32
	ordered      bool // there is an ORDER BY; else all rows are peers
}

func (w *Window) part(k int) part {
	lo, hi := w.lo[k], w.lo[k+1]
	return part{base: int(lo), n: int(hi - lo), peer: w.peer[lo:hi], behind: w.behind[lo:hi], ordered: len(w.order) > 0}
}

// bind sets the columns that compute reads.
func (f *windowFunc) bind(all *vec.Batch) {
	for k, a := range f.Args {
		f.args[k] = all.Cols[a]
	}
	f.filter = nil
	if f.Filter >= 0 {
		f.filter = all.Cols[f.Filter]
	}
	if f.acc != nil {
		f.group = sized(f.group, all.N)
		clear(f.group)
	}
}

// compute appends the function's value for each row of p to out.
func (f *windowFunc) compute(s *Step, p part, out *vec.Vec) {
	if f.acc != nil {
		f.aggregate(s, p, out)
		return
	}
	for i := range p.n {
		if s.stopped(i) {
			return
		}
		f.value(s.Ctx, p, i, out)
	}
}

// value appends the value of a ranking or offset function for row i.
func (f *windowFunc) value(ctx *funcs.Ctx, p part, i int, out *vec.Vec) {
	switch f.Name {
	case "row_number":
		out.AppendI64(int64(i + 1))
	case "rank":
		out.AppendI64(int64(p.peer[i] + 1))
	case "dense_rank":
		switch {
		case i == 0:
			out.AppendI64(1)
		case int(p.peer[i]) == i:
			out.AppendI64(out.I64[len(out.I64)-1] + 1)
		default:
			out.AppendI64(out.I64[len(out.I64)-1])
		}
	case "percent_rank":
		if p.n == 1 {
			out.AppendF64(0)
		} else {
			out.AppendF64(float64(p.peer[i]) / float64(p.n-1))
		}
	case "cume_dist":
		out.AppendF64(float64(p.behind[i]) / float64(p.n))
	case "ntile":
		f.ntile(ctx, p, i, out)
	case "lag", "lead":
		f.offset(p, i, out)
	case "first_value", "last_value", "nth_value":
		f.framed(ctx, p, i, out)
	default:
		panic("window function " + f.Name + " is not known")
	}
}

func (f *windowFunc) ntile(ctx *funcs.Ctx, p part, i int, out *vec.Vec) {
	row := p.base + i
	if f.args[0].IsNull(row) {
		out.AppendNull()
		return
	}
	buckets := f.args[0].I64[row]
	if buckets <= 0 {
		ctx.Fail(int32(row), pgerr.New("22014", "argument of ntile must be greater than zero"))
		out.AppendNull()
		return
	}
	size, rest := int64(p.n)/buckets, int64(p.n)%buckets
	if at := int64(i); at < rest*(size+1) {
		out.AppendI64(at/(size+1) + 1)
	} else {
		out.AppendI64(rest + (at-rest*(size+1))/size + 1)
	}
}

// offset is lag and lead: (value [, distance [, default]]).
func (f *windowFunc) offset(p part, i int, out *vec.Vec) {
	row, d := p.base+i, int64(1)
	if len(f.args) > 1 {
		if f.args[1].IsNull(row) {
			out.AppendNull()
			return
		}
		d = f.args[1].I64[row]
	}
	if f.Name == "lag" {
		d = -d
	}
	switch at := int64(i) + d; {
	case at >= 0 && at < int64(p.n):
		out.AppendFrom(f.args[0], p.base+int(at))
	case len(f.args) > 2:
		out.AppendFrom(f.args[2], row)
	default:
		out.AppendNull()
	}
}

// framed is first_value, last_value and nth_value: a row of the frame.
func (f *windowFunc) framed(ctx *funcs.Ctx, p part, i int, out *vec.Vec) {
	lo, hi := f.frame(p, i)
	at := lo
	switch f.Name {
	case "last_value":
		at = hi - 1
	case "nth_value":
		row := p.base + i
		if f.args[1].IsNull(row) {
			out.AppendNull()
			return
		}
		k := f.args[1].I64[row]
		if k <= 0 {
			ctx.Fail(int32(row), pgerr.New("22016", "argument of nth_value must be greater than zero"))
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
	out.AppendFrom(f.args[0], p.base+at)
}

// frame is the rows [lo, hi) of row i's frame; lo >= hi if it is empty.
func (f *windowFunc) frame(p part, i int) (lo, hi int) {
	n := p.n
	lo, hi = 0, n
	switch f.Frame.Mode {
	case "rows":
		lo, hi = rowBound(f.Frame.Start, i, n), rowBound(f.Frame.End, i, n)+1
	case "groups", "range":
		lo, hi = groupBound(p, f.Frame.Start, i, false), groupBound(p, f.Frame.End, i, true)
	default: // none given: up to the last peer
		hi = int(p.behind[i])
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
func groupBound(p part, b physical.Bound, i int, end bool) int {
	at := int(p.peer[i])
	if end {
		at = int(p.behind[i])
	}
	switch b.Kind {
	case "unbounded preceding":
		return 0
	case "unbounded following":
		return p.n
	case "preceding":
		for k := int64(0); k < b.Offset && at > 0; k++ {
			at = int(p.peer[at-1])
		}
	case "following":
		for k := int64(0); k < b.Offset && at < p.n; k++ {
			at = int(p.behind[at])
		}
	}
	return at
}

// aggregate computes an aggregate over each row's frame. While the frame only grows at its end, rows are added to one
// running state; a frame whose start moves is added up anew.
func (f *windowFunc) aggregate(s *Step, p part, out *vec.Vec) {
	from, to := 0, 0
	f.acc.Reset(1)
	last := -1 // row whose value is the present state's
	for i := range p.n {
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
			f.acc.Update(s.Ctx, f.group, f.args, nil, len(f.group), f.selected(p, to, hi))
			to, last = hi, -1
		}
		if last >= 0 {
			out.AppendFrom(out, out.Len()-1)
			continue
		}
		f.result(s.Ctx, p.base+i, out)
		last = i
	}
}

// selected lists the rows [lo, hi) of p that pass the FILTER.
func (f *windowFunc) selected(p part, lo, hi int) []int32 {
	f.frames = f.frames[:0]
	for i := p.base + lo; i < p.base+hi; i++ {
		if f.filter == nil || f.filter.Bool(i) {
			f.frames = append(f.frames, int32(i))
		}
	}
	return f.frames
}

// result appends the present state's value, for a row of all.
func (f *windowFunc) result(ctx *funcs.Ctx, row int, out *vec.Vec) {
	if f.one == nil {
		f.one = vec.New(out.Type, 1)
	}
	f.one.Reset()
	one := ctx.Fork()
	f.acc.Result(one, 1, f.one)
	for _, e := range one.Errors {
		ctx.Fail(int32(row), e.Err)
	}
	out.AppendFrom(f.one, 0)
}
