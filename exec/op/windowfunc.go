package op

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

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
