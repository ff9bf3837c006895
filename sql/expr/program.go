package expr

import (
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Program is a compiled expression. It owns scratch vectors, so one goroutine uses it at a time: compile an Expr
// once for each goroutine that runs it.
type Program struct {
	root node
	pred *filter
	t    types.Type
}

// Type is the type of the result.
func (p *Program) Type() types.Type { return p.t }

// Eval computes the expression for the rows sel of in (ascending; nil: all). The result has in.N values, of which
// the selected ones are valid, and is itself valid until the next call. Rows that cannot be computed are in
// ctx.Errors and null in the result. With a sel of nil the result is a column as package vec defines it; it may
// be a column of in itself.
func (p *Program) Eval(ctx *funcs.Ctx, in *vec.Batch, sel []int32) *vec.Vec {
	return p.root.eval(ctx, in, sel)
}

// EvalFilter returns the rows of sel (nil: all) for which a bool expression is true: not those where it is false,
// null or failed. The result is valid until the next call; the operands of a top-level AND are evaluated in
// order, each only where the ones before it are true.
func (p *Program) EvalFilter(ctx *funcs.Ctx, in *vec.Batch, sel []int32) []int32 {
	return p.pred.run(ctx, in, sel)
}

// node is one operation of a program.
type node interface {
	// eval is Program.Eval for the operation. The result belongs to the node.
	eval(ctx *funcs.Ctx, in *vec.Batch, sel []int32) *vec.Vec
}

// colNode is a column of the input.
type colNode struct{ index int }

func (c *colNode) eval(_ *funcs.Ctx, in *vec.Batch, _ []int32) *vec.Vec { return in.Cols[c.index] }

// relabelNode gives its argument another type with the same values.
type relabelNode struct {
	arg node
	t   types.Type
	out vec.Vec
}

func (r *relabelNode) eval(ctx *funcs.Ctx, in *vec.Batch, sel []int32) *vec.Vec {
	r.out = *r.arg.eval(ctx, in, sel)
	r.out.Type = r.t
	return &r.out
}

// result is the output vector of a node and the memory behind it.
type result struct {
	vec.Vec
	spare vec.Bitmap
}

func newResult(t types.Type) result { return result{Vec: *vec.New(t, 0)} }

// reset makes the vector ready for n values: zero and not null for fixed-width types, empty for the Bytes class.
func (r *result) reset(n int) {
	if r.Type.Class() == types.Bytes {
		r.Vec.Reset()
		return
	}
	r.Vec.Resize(n)
}

// nulls returns the null bitmap, with room for n rows.
func (r *result) nulls(n int) vec.Bitmap {
	if r.Nulls == nil {
		words := (n + 63) >> 6
		if cap(r.spare) < words {
			r.spare = vec.NewBitmap(n)
		}
		r.Nulls = r.spare[:words]
		clear(r.Nulls)
		return r.Nulls
	}
	for len(r.Nulls) < (n+63)>>6 {
		r.Nulls = append(r.Nulls, 0)
	}
	return r.Nulls
}

// setNull makes value i of n null.
func (r *result) setNull(i, n int) { r.nulls(n).Set(i) }
