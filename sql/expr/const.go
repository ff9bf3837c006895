package expr

import (
	"bytes"

	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// constNode spreads one value over all rows. The vector is kept and only grows, so that a constant costs nothing
// after the first batch.
type constNode struct {
	val  vec.Scalar
	full *vec.Vec
	view vec.Vec
}

func newConst(val vec.Scalar) *constNode { return &constNode{val: val, full: vec.New(val.Type, 0)} }

func (c *constNode) eval(_ *funcs.Ctx, in *vec.Batch, _ []int32) *vec.Vec { return c.spread(in.N) }

func (c *constNode) spread(n int) *vec.Vec {
	for have := c.full.Len(); have < n; have++ {
		c.full.AppendScalar(c.val)
	}
	c.view = vec.Vec{Type: c.val.Type, Nulls: c.full.Nulls}
	switch c.val.Type.Class() {
	case types.I64:
		c.view.I64 = c.full.I64[:n]
	case types.F64:
		c.view.F64 = c.full.F64[:n]
	default:
		c.view.Off, c.view.Buf = c.full.Off[:n+1], c.full.Buf
	}
	return &c.view
}

// set changes the constant.
func (c *constNode) set(val vec.Scalar) {
	if sameScalar(c.val, val) {
		return
	}
	c.val = val
	c.full.Type = val.Type
	c.full.Reset()
}

func sameScalar(a, b vec.Scalar) bool {
	return a.Type == b.Type && a.Null == b.Null && a.I == b.I && sameFloat(a.F, b.F) && bytes.Equal(a.B, b.B)
}

// slotNode is a value that is constant during an Eval: a parameter or a value of the outer row.
type slotNode struct {
	c     *constNode
	t     types.Type
	index int
	outer bool
}

func (s *slotNode) eval(ctx *funcs.Ctx, in *vec.Batch, _ []int32) *vec.Vec {
	s.c.set(s.value(ctx))
	return s.c.spread(in.N)
}

func (s *slotNode) value(ctx *funcs.Ctx) vec.Scalar {
	from := ctx.Params
	if s.outer {
		from = ctx.Outer
	}
	if s.index >= len(from) {
		return vec.NullOf(s.t)
	}
	v := from[s.index]
	v.Type = s.t
	return v
}
