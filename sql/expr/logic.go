package expr

import (
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// logicNode is AND (or false) or OR: each operand is evaluated only on the rows that the ones before it leave
// undecided.
type logicNode struct {
	or   bool
	args []node
	out  result
	open []int32 // undecided rows
}

func newLogic(or bool, args []node) *logicNode {
	return &logicNode{or: or, args: args, out: newResult(types.T(types.Bool))}
}

func (l *logicNode) eval(ctx *funcs.Ctx, in *vec.Batch, sel []int32) *vec.Vec {
	n := in.N
	l.out.reset(n)
	decided, r := int64(0), l.out.I64
	if l.or {
		decided = 1
	}
	l.open = appendRows(l.open[:0], n, sel)
	for _, i := range l.open {
		r[i] = 1 - decided
	}
	open := l.open
	for k, a := range l.args {
		v := a.eval(ctx, in, openSel(open, sel, k, n))
		kept := open[:0]
		for _, i := range open {
			switch {
			case v.IsNull(int(i)):
				l.out.setNull(int(i), n)
				if !ctx.Failed(i) {
					kept = append(kept, i)
				}
			case v.I64[i] == decided:
				r[i] = decided
				if l.out.Nulls != nil {
					l.out.Nulls.Clear(int(i))
				}
			default:
				kept = append(kept, i)
			}
		}
		if open = kept; len(open) == 0 {
			break
		}
	}
	if l.out.Nulls != nil {
		clearNulls(&l.out.Vec, l.out.Nulls, n)
	}
	return &l.out.Vec
}

// openSel passes nil for "all rows" on to the first operand, which is faster than a full selection.
func openSel(open, sel []int32, k, n int) []int32 {
	if k == 0 || sel == nil && len(open) == n {
		return sel
	}
	return open
}

// appendRows appends the rows of sel, or all n, to dst.
func appendRows(dst []int32, n int, sel []int32) []int32 {
	if dst == nil {
		dst = make([]int32, 0, max(n, 1)) // an empty selection must not be nil: that means all
	}
	if sel != nil {
		return append(dst, sel...)
	}
	for i := range int32(n) {
		dst = append(dst, i)
	}
	return dst
}

// notNode negates a bool.
type notNode struct {
	arg node
	out result
}

func (x *notNode) eval(ctx *funcs.Ctx, in *vec.Batch, sel []int32) *vec.Vec {
	v := x.arg.eval(ctx, in, sel)
	x.out.reset(in.N)
	for i, b := range v.I64[:in.N] {
		x.out.I64[i] = b ^ 1
	}
	if v.Nulls != nil {
		copy(x.out.nulls(in.N), v.Nulls)
		clearNulls(&x.out.Vec, x.out.Nulls, in.N)
	}
	return &x.out.Vec
}

// isNullNode tests for null.
type isNullNode struct {
	arg    node
	negate bool
	out    result
}

func (x *isNullNode) eval(ctx *funcs.Ctx, in *vec.Batch, sel []int32) *vec.Vec {
	before := len(ctx.Errors)
	v := x.arg.eval(ctx, in, sel)
	x.out.reset(in.N)
	for i := range x.out.I64 {
		if v.IsNull(i) != x.negate {
			x.out.I64[i] = 1
		}
	}
	for _, e := range ctx.Errors[before:] {
		x.out.I64[e.Row] = 0
		x.out.setNull(int(e.Row), in.N)
	}
	return &x.out.Vec
}
