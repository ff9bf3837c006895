package op

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Expand puts behind each row the rows that a set-returning function yields for it. It is linear: d(expand(A)) =
// expand(dA).
type Expand struct {
	stateless
	fn    *funcs.SetFunc
	args  []*expr.Program
	vecs  []*vec.Vec
	ord   bool
	outer bool
	call  *vec.Batch // what one row yields
	rows  []int32    // of the input, one for each row of out
	out   *vec.Batch
	w     []int64
}

const (
	expandRows = 4096    // rows of a batch that is handed on
	expandMost = 1 << 20 // rows that one row may yield
)

var errExpand = pgerr.Newf(pgerr.ProgramLimitExceeded, "a set-returning function yields more than %d rows for one row of a view", expandMost)

// NewExpand finds the function and compiles its arguments.
func NewExpand(n *physical.Expand) (*Expand, error) {
	x := &Expand{ord: n.Ordinality, outer: n.Outer, out: vec.NewBatch(fieldTypes(n), 0), vecs: make([]*vec.Vec, len(n.Args))}
	ts := make([]types.Type, len(n.Args))
	for i, a := range n.Args {
		p, err := expr.Compile(a)
		if err != nil {
			return nil, err
		}
		x.args, ts[i] = append(x.args, p), a.Type()
	}
	var err error
	if x.fn, _, _, err = funcs.ResolveSet(n.Name, ts); err != nil {
		return nil, err
	}
	own := fieldTypes(n)[len(n.Input.Fields()):]
	if x.ord {
		own = own[:len(own)-1]
	}
	x.call = vec.NewBatch(own, 0)
	return x, nil
}

// Push calls the function for the rows of b.
func (x *Expand) Push(s *Step, _ int, b *vec.Batch, out Emit) {
	for i, p := range x.args {
		x.vecs[i] = p.Eval(s.Ctx, b, nil)
	}
	ctx := s.Ctx.Fork()
	ctx.Full = func(rows *vec.Batch) error {
		if rows.N > expandMost {
			return errExpand
		}
		return nil
	}
	for i := range b.N {
		if s.Ctx.Failed(int32(i)) {
			continue
		}
		if err := x.yield(ctx, i); err != nil {
			s.RowError(pgerr.Of(err), RowText(b, i), b.Weight(i))
			continue
		}
		x.add(b, i)
		if len(x.rows) >= expandRows {
			x.flush(b, out)
		}
	}
	takeErrors(s, b, nil)
	x.flush(b, out)
}

// yield makes the rows of row i in call.
func (x *Expand) yield(ctx *funcs.Ctx, i int) error {
	x.call.Reset()
	for _, v := range x.vecs {
		if v.IsNull(i) && !x.fn.Lax {
			return nil
		}
	}
	if err := x.fn.Rows(ctx, x.vecs, i, x.call); err != nil {
		return err
	}
	if len(ctx.Errors) > 0 {
		err := ctx.Errors[0].Err
		ctx.Clear()
		return err
	}
	return nil
}

// add puts the rows in call behind row i of b.
func (x *Expand) add(b *vec.Batch, i int) {
	own := x.out.Cols[len(b.Cols):]
	n := x.call.N
	if n == 0 && x.outer {
		x.rows = append(x.rows, int32(i))
		for _, v := range own {
			v.AppendNull()
		}
	}
	for k := range n {
		x.rows = append(x.rows, int32(i))
		if x.ord {
			own[len(own)-1].AppendI64(int64(k + 1))
		}
	}
	for c, v := range x.call.Cols {
		own[c].AppendVec(v)
	}
}

// flush hands on what add has collected.
func (x *Expand) flush(b *vec.Batch, out Emit) {
	if len(x.rows) == 0 {
		return
	}
	for c, v := range b.Cols {
		x.out.Cols[c].AppendSel(v, x.rows)
	}
	x.out.N = len(x.rows)
	if b.W != nil {
		x.w = x.w[:0]
		for _, i := range x.rows {
			x.w = append(x.w, b.W[i])
		}
		x.out.W = x.w
	}
	out(x.out)
	x.out.Reset()
	x.rows = x.rows[:0]
}
