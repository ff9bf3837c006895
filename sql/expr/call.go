package expr

import (
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// callNode applies a kernel.
type callNode struct {
	fn   *funcs.Func
	args []node
	argv []*vec.Vec
	out  result
	sel  []int32
	// dense says that the kernel may run on the zero in a null's slot: it cannot fail and all is fixed-width.
	dense bool
}

func newCall(fn *funcs.Func, args []node, argTypes []types.Type, t types.Type) *callNode {
	c := &callNode{fn: fn, args: args, argv: make([]*vec.Vec, len(args)), out: newResult(t)}
	c.dense = !fn.CanFail && !fn.Lax && fn.Vol == funcs.Immutable && t.Class() != types.Bytes
	for _, at := range argTypes {
		c.dense = c.dense && at.Class() != types.Bytes
	}
	return c
}

func (c *callNode) eval(ctx *funcs.Ctx, in *vec.Batch, sel []int32) *vec.Vec {
	n, before := in.N, len(ctx.Errors)
	for i, a := range c.args {
		c.argv[i] = a.eval(ctx, in, sel)
	}
	c.out.reset(n)
	run := sel
	nulls := !c.fn.Lax && c.anyNulls()
	switch {
	case nulls && !c.dense:
		run = c.notNull(n, sel)
	case c.fn.Lax && len(ctx.Errors) > before:
		run = c.notFailed(ctx, n, sel)
	}
	c.fn.Kernel(ctx, c.argv, n, run, &c.out.Vec)
	if nulls {
		c.addNulls(n)
	}
	if len(ctx.Errors) > before {
		for _, e := range ctx.Errors[before:] {
			c.out.setNull(int(e.Row), n)
		}
	}
	return &c.out.Vec
}

func (c *callNode) anyNulls() bool {
	for _, a := range c.argv {
		if a.Nulls != nil {
			return true
		}
	}
	return false
}

// notNull returns the selected rows without a null argument.
func (c *callNode) notNull(n int, sel []int32) []int32 {
	c.sel = c.sel[:0]
	keep := func(i int32) {
		for _, a := range c.argv {
			if a.IsNull(int(i)) {
				return
			}
		}
		c.sel = append(c.sel, i)
	}
	if sel == nil {
		for i := range int32(n) {
			keep(i)
		}
	} else {
		for _, i := range sel {
			keep(i)
		}
	}
	if c.sel == nil {
		c.sel = []int32{} // nil would mean all
	}
	return c.sel
}

// notFailed returns the selected rows whose arguments could be computed.
func (c *callNode) notFailed(ctx *funcs.Ctx, n int, sel []int32) []int32 {
	c.sel = appendRows(c.sel[:0], n, sel)
	kept := c.sel[:0]
	for _, i := range c.sel {
		if !ctx.Failed(i) {
			kept = append(kept, i)
		}
	}
	return kept
}

// addNulls makes the result null where an argument is, and clears what a dense kernel left in those slots.
func (c *callNode) addNulls(n int) {
	nulls := c.out.nulls(n)
	for _, a := range c.argv {
		for w := range min(len(a.Nulls), len(nulls)) {
			nulls[w] |= a.Nulls[w]
		}
	}
	if c.dense {
		clearNulls(&c.out.Vec, nulls, n)
	}
}

func clearNulls(v *vec.Vec, nulls vec.Bitmap, n int) {
	for w, bits := range nulls {
		for i := w << 6; bits != 0 && i < n; i, bits = i+1, bits>>1 {
			if bits&1 == 0 {
				continue
			}
			if v.I64 != nil {
				v.I64[i] = 0
			} else {
				v.F64[i] = 0
			}
		}
	}
}
