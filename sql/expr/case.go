package expr

import (
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// chooser assembles a result whose rows come from different vectors.
type chooser struct {
	out  result
	arm  []int32    // which of arms row i comes from; -1: null
	arms []*vec.Vec // vectors of the arms that ran
	open []int32    // rows without an arm
	pick []int32    // rows of the arm in hand
}

func newChooser(t types.Type) chooser { return chooser{out: newResult(t)} }

// start makes all selected rows open.
func (c *chooser) start(n int, sel []int32) {
	if cap(c.arm) < n {
		c.arm = make([]int32, n)
	}
	c.arm, c.arms = c.arm[:n], c.arms[:0]
	for i := range c.arm {
		c.arm[i] = -1
	}
	c.open = appendRows(c.open[:0], n, sel)
}

// take gives the rows picked to v.
func (c *chooser) take(v *vec.Vec, rows []int32) {
	for _, i := range rows {
		c.arm[i] = int32(len(c.arms))
	}
	c.arms = append(c.arms, v)
}

// finish builds the result.
func (c *chooser) finish(n int) *vec.Vec {
	c.out.reset(n)
	class := c.out.Type.Class()
	for i, k := range c.arm[:n] {
		if k < 0 || c.arms[k].IsNull(i) {
			if class == types.Bytes {
				c.out.FinishBytes()
			}
			c.out.setNull(i, n)
			continue
		}
		switch v := c.arms[k]; class {
		case types.I64:
			c.out.I64[i] = v.I64[i]
		case types.F64:
			c.out.F64[i] = v.F64[i]
		default:
			c.out.Buf = append(c.out.Buf, v.Bytes(i)...)
			c.out.FinishBytes()
		}
	}
	return &c.out.Vec
}

// caseNode is the searched CASE. Conditions and results are evaluated only on the rows that reach them.
type caseNode struct {
	chooser
	conds, thens []node
	els          node // nil: null
}

func (c *caseNode) eval(ctx *funcs.Ctx, in *vec.Batch, sel []int32) *vec.Vec {
	c.start(in.N, sel)
	open := c.open
	for k, cond := range c.conds {
		v := cond.eval(ctx, in, open)
		kept := open[:0]
		c.pick = c.pick[:0]
		for _, i := range open {
			switch {
			case v.I64[i] != 0 && !v.IsNull(int(i)):
				c.pick = append(c.pick, i)
			case !ctx.Failed(i):
				kept = append(kept, i)
			}
		}
		if len(c.pick) > 0 {
			c.take(c.thens[k].eval(ctx, in, c.pick), c.pick)
		}
		if open = kept; len(open) == 0 {
			break
		}
	}
	if c.els != nil && len(open) > 0 {
		c.take(c.els.eval(ctx, in, open), open)
	}
	return c.finish(in.N)
}

// coalesceNode takes the first argument that is not null.
type coalesceNode struct {
	chooser
	args []node
}

func (c *coalesceNode) eval(ctx *funcs.Ctx, in *vec.Batch, sel []int32) *vec.Vec {
	c.start(in.N, sel)
	open := c.open
	for _, a := range c.args {
		v := a.eval(ctx, in, open)
		kept := open[:0]
		c.pick = c.pick[:0]
		for _, i := range open {
			switch {
			case !v.IsNull(int(i)):
				c.pick = append(c.pick, i)
			case !ctx.Failed(i):
				kept = append(kept, i)
			}
		}
		c.take(v, c.pick)
		if open = kept; len(open) == 0 {
			break
		}
	}
	return c.finish(in.N)
}
