package query

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/vec"
)

// apply is LATERAL: it runs the right side for each row of the left one, with that row's values as outer values. Rows of
// the right side stream; a few rows of several left ones are put together.
type apply struct {
	r    *runner
	n    *physical.Apply
	args []*expr.Program
	on   *expr.Program
	left Rows
	cur  *vec.Batch     // the left batch being worked on
	vals [][]vec.Scalar // outer values of its rows

	row     int  // of cur
	right   Rows // of that row; nil: not begun
	matched bool // it has given a row
	out     *vec.Batch
}

func (r *runner) apply(n *physical.Apply) (Rows, error) {
	a := &apply{r: r, n: n, out: vec.NewBatch(fieldTypes(n), 0)}
	for _, e := range n.Args {
		p, err := expr.Compile(e)
		if err != nil {
			return nil, err
		}
		a.args = append(a.args, p)
	}
	if n.On != nil {
		p, err := expr.Compile(n.On)
		if err != nil {
			return nil, err
		}
		a.on = p
	}
	var err error
	a.left, err = r.build(n.Left)
	return a, err
}

// applyRows is how many rows of several left rows are put together.
const applyRows = 256

func (a *apply) Next() (*vec.Batch, error) {
	a.out.Reset()
	for a.out.N < applyRows {
		if a.cur == nil || a.row == a.cur.N {
			ok, err := a.nextLeft()
			if err != nil {
				return nil, err
			}
			if !ok {
				break
			}
		}
		if err := a.advance(); err != nil {
			return nil, err
		}
	}
	if a.out.N == 0 {
		return nil, nil
	}
	return a.out, nil
}

// nextLeft goes to the next left batch; what is put together never refers to the one before.
func (a *apply) nextLeft() (bool, error) {
	b, err := a.left.Next()
	if err != nil || b == nil {
		a.cur = nil
		return false, err
	}
	a.cur, a.row = b, 0
	a.vals, err = a.r.outerValues(a.args, b)
	return true, err
}

// outerValues evaluates the correlated expressions of every row of b.
func (r *runner) outerValues(args []*expr.Program, b *vec.Batch) ([][]vec.Scalar, error) {
	out := make([][]vec.Scalar, b.N)
	for i := range out {
		out[i] = make([]vec.Scalar, len(args))
	}
	for k, p := range args {
		v := p.Eval(r.fc, b, nil)
		if err := r.raise(); err != nil {
			return nil, err
		}
		for i := range out {
			out[i][k] = v.At(i)
		}
	}
	return out, nil
}

// advance adds the next batch of the right side of the current left row, or ends that row.
func (a *apply) advance() error {
	if err := a.r.live(); err != nil {
		return err
	}
	b, err := a.nextRight()
	if err != nil {
		return err
	}
	if b != nil {
		return a.join(b)
	}
	if a.n.Outer && !a.matched {
		a.pad()
	}
	a.endRow()
	a.row++
	return nil
}

// nextRight is the next batch of the right side, computed with the left row's outer values.
func (a *apply) nextRight() (*vec.Batch, error) {
	saved := a.r.fc.Outer
	a.r.fc.Outer = a.vals[a.row]
	defer func() { a.r.fc.Outer = saved }()
	if a.right == nil {
		var err error
		if a.right, err = a.r.build(a.n.Right); err != nil {
			return nil, err
		}
	}
	return a.right.Next()
}

// join adds the pairs of the left row and the rows of right.
func (a *apply) join(right *vec.Batch) error {
	nl := len(a.cur.Cols)
	pairs := a.out
	if a.on != nil {
		pairs = vec.NewBatch(fieldTypes(a.n), right.N)
	}
	for c, v := range pairs.Cols {
		if c >= nl {
			v.AppendVec(right.Cols[c-nl])
			continue
		}
		for range right.N {
			v.AppendFrom(a.cur.Cols[c], a.row)
		}
	}
	pairs.N += right.N
	if a.on == nil {
		a.matched = true
		return nil
	}
	sel := a.on.EvalFilter(a.r.fc, pairs, nil)
	if err := a.r.raise(); err != nil {
		return err
	}
	a.matched = a.matched || len(sel) > 0
	a.out.AppendSel(pairs, sel)
	return nil
}

// pad adds the left row with nulls beside it.
func (a *apply) pad() {
	nl := len(a.cur.Cols)
	for c, v := range a.out.Cols {
		if c < nl {
			v.AppendFrom(a.cur.Cols[c], a.row)
		} else {
			v.AppendNull()
		}
	}
	a.out.N++
}

func (a *apply) endRow() {
	if a.right != nil {
		a.right.Close()
	}
	a.right, a.matched = nil, false
}

func (a *apply) Close() {
	a.endRow()
	a.left.Close()
}

// subquery is funcs.Ctx.Subquery. It runs while an expression is being evaluated, whose errors so far it must keep.
func (r *runner) subquery(id int, outer []vec.Scalar) (*vec.Batch, error) {
	if id < 0 || id >= len(r.q.Subplans) {
		return nil, internal("subquery %d is not in the plan", id)
	}
	if err := r.live(); err != nil {
		return nil, err
	}
	inner := &runner{ctx: r.ctx, q: r.q, src: r.src, mem: r.mem, work: r.work}
	inner.fc = r.fc.Fork()
	inner.fc.Subquery = inner.subquery
	inner.fc.Outer = outer
	held := share{m: r.mem}
	defer held.free()
	return inner.collect(r.q.Subplans[id], &held)
}
