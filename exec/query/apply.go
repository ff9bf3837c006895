package query

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/vec"
)

// apply is LATERAL: it runs the right side for each row of the left one, with that row's values as outer values.
type apply struct {
	r    *runner
	n    *physical.Apply
	args []*expr.Program
	on   *expr.Program
	left Rows
	cur  *vec.Batch     // copy of the left batch being worked on
	vals [][]vec.Scalar // outer values of its rows
	row  int
}

func (r *runner) apply(n *physical.Apply) (Rows, error) {
	a := &apply{r: r, n: n}
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

func (a *apply) Next() (*vec.Batch, error) {
	for {
		if a.cur == nil || a.row == a.cur.N {
			if ok, err := a.nextLeft(); err != nil || !ok {
				return nil, err
			}
		}
		i := a.row
		a.row++
		b, err := a.one(i)
		if err != nil {
			return nil, err
		}
		if b.N > 0 {
			return b, nil
		}
	}
}

func (a *apply) nextLeft() (bool, error) {
	b, err := a.left.Next()
	if err != nil || b == nil {
		return false, err
	}
	a.cur = vec.NewBatch(b.Types(), b.N)
	a.cur.Append(b)
	a.row = 0
	a.vals, err = a.r.outerValues(a.args, a.cur)
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

// one gives the rows that left row i joins to.
func (a *apply) one(i int) (*vec.Batch, error) {
	right, err := a.r.inner(a.n.Right, a.vals[i])
	if err != nil {
		return nil, err
	}
	out := vec.NewBatch(fieldTypes(a.n), right.N)
	nl := len(a.cur.Cols)
	for c, v := range out.Cols {
		if c >= nl {
			v.AppendVec(right.Cols[c-nl])
			continue
		}
		for range right.N {
			v.AppendFrom(a.cur.Cols[c], i)
		}
	}
	out.N = right.N
	if a.on != nil {
		sel := a.on.EvalFilter(a.r.fc, out, nil)
		if err := a.r.raise(); err != nil {
			return nil, err
		}
		out = out.Select(sel)
	}
	if out.N == 0 && a.n.Outer {
		for c, v := range out.Cols {
			if c < nl {
				v.AppendFrom(a.cur.Cols[c], i)
			} else {
				v.AppendNull()
			}
		}
		out.N = 1
	}
	return out, nil
}

func (a *apply) Close() { a.left.Close() }

// inner runs a plan with outer values to its end.
func (r *runner) inner(n physical.Node, outer []vec.Scalar) (*vec.Batch, error) {
	if err := r.live(); err != nil {
		return nil, err
	}
	saved := r.fc.Outer
	r.fc.Outer = outer
	defer func() { r.fc.Outer = saved }()
	held := r.mem.held
	b, err := r.collect(n)
	r.mem.held = held
	return b, err
}

// subquery is funcs.Ctx.Subquery. It runs while an expression is being evaluated, whose errors so far it must keep.
func (r *runner) subquery(id int, outer []vec.Scalar) (*vec.Batch, error) {
	if id < 0 || id >= len(r.q.Subplans) {
		return nil, internal("subquery %d is not in the plan", id)
	}
	inner := &runner{ctx: r.ctx, q: r.q, src: r.src, mem: r.mem, work: r.work}
	inner.fc = r.fc.Fork()
	inner.fc.Subquery = inner.subquery
	return inner.inner(r.q.Subplans[id], outer)
}
