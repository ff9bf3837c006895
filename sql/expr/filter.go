package expr

import (
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// filter narrows a selection by a conjunction: each part sees the rows that the parts before it leave.
type filter struct {
	parts []selector
	bufs  [2][]int32
}

// selector appends the rows of sel (nil: all) for which a condition is true to dst.
type selector interface {
	rows(ctx *funcs.Ctx, in *vec.Batch, sel, dst []int32) []int32
}

func (f *filter) run(ctx *funcs.Ctx, in *vec.Batch, sel []int32) []int32 {
	for k, p := range f.parts {
		buf := &f.bufs[k&1]
		if cap(*buf) < in.N {
			*buf = make([]int32, 0, in.N)
		}
		sel = p.rows(ctx, in, sel, (*buf)[:0])
		if len(sel) == 0 {
			return (*buf)[:0]
		}
	}
	return sel
}

// boolSelector selects by any bool expression.
type boolSelector struct{ n node }

func (b *boolSelector) rows(ctx *funcs.Ctx, in *vec.Batch, sel, dst []int32) []int32 {
	v := b.n.eval(ctx, in, sel)
	x := v.I64[:in.N] // the slot of a null is 0
	if sel == nil {
		for i, t := range x {
			if t != 0 {
				dst = append(dst, int32(i))
			}
		}
		return dst
	}
	for _, i := range sel {
		if x[i] != 0 {
			dst = append(dst, i)
		}
	}
	return dst
}

// intRange gives, for a comparison x op c, the closed range of x.
var intRange = map[string]func(c int64) (lo, hi int64, some bool){
	"=":  func(c int64) (int64, int64, bool) { return c, c, true },
	"<>": func(c int64) (int64, int64, bool) { return c, c, true },
	"<":  func(c int64) (int64, int64, bool) { return minInt, c - 1, c != minInt },
	"<=": func(c int64) (int64, int64, bool) { return minInt, c, true },
	">":  func(c int64) (int64, int64, bool) { return c + 1, maxInt, c != maxInt },
	">=": func(c int64) (int64, int64, bool) { return c, maxInt, true },
}

const (
	minInt = -1 << 63
	maxInt = 1<<63 - 1
)

// rangeSelector compares a fixed-width integer with a value that is constant during the Eval: it selects
// lo <= x <= hi, or what lies outside. It needs neither the vector of the constant nor that of the bool.
type rangeSelector struct {
	arg    node
	op     string
	val    func(ctx *funcs.Ctx) vec.Scalar
	negate bool
}

func (r *rangeSelector) rows(ctx *funcs.Ctx, in *vec.Batch, sel, dst []int32) []int32 {
	c := r.val(ctx)
	if c.Null {
		return dst
	}
	lo, hi, some := intRange[r.op](c.I)
	if !some {
		return dst
	}
	v := r.arg.eval(ctx, in, sel)
	x := v.I64[:in.N]
	span := uint64(hi) - uint64(lo) // x is in range if x-lo, unsigned, is not above
	if r.negate {
		lo, span = hi+1, ^uint64(0)-1 // all but c: the range that starts after it and ends before it
	}
	k := 0
	dst = dst[:in.N]
	if sel == nil {
		for i, y := range x {
			dst[k] = int32(i)
			if uint64(y)-uint64(lo) <= span {
				k++
			}
		}
	} else {
		for _, i := range sel {
			dst[k] = i
			if uint64(x[i])-uint64(lo) <= span {
				k++
			}
		}
	}
	if v.Nulls != nil {
		return dropNulls(v, dst[:k])
	}
	return dst[:k]
}

func dropNulls(v *vec.Vec, rows []int32) []int32 {
	k := 0
	for _, i := range rows {
		if !v.Nulls.Get(int(i)) {
			rows[k] = i
			k++
		}
	}
	return rows[:k]
}

// textSelector compares a string column with a constant for equality.
type textSelector struct {
	arg node
	val func(ctx *funcs.Ctx) vec.Scalar
	ne  bool
}

func (t *textSelector) rows(ctx *funcs.Ctx, in *vec.Batch, sel, dst []int32) []int32 {
	c := t.val(ctx)
	if c.Null {
		return dst
	}
	v := t.arg.eval(ctx, in, sel)
	want := types.Str(c.B)
	if sel == nil {
		for i := range in.N {
			if (v.Str(i) == want) != t.ne {
				dst = append(dst, int32(i))
			}
		}
	} else {
		for _, i := range sel {
			if (v.Str(int(i)) == want) != t.ne {
				dst = append(dst, i)
			}
		}
	}
	if v.Nulls != nil {
		return dropNulls(v, dst)
	}
	return dst
}
