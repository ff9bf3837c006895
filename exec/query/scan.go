package query

import (
	"context"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/vec"
)

// scan reads a relation; multiplicities become rows.
type scan struct {
	r    *runner
	rows Rows
}

func (r *runner) scan(n *physical.Scan) (Rows, error) {
	key, err := r.constants(n.Lookup)
	if err != nil {
		return nil, err
	}
	for _, k := range key {
		if k.Null {
			return &batches{}, nil
		}
	}
	rows, err := r.src.Scan(r.ctx, n, key)
	if err != nil {
		return nil, err
	}
	return &scan{r: r, rows: rows}, nil
}

func (s *scan) Next() (*vec.Batch, error) {
	if err := s.r.live(); err != nil {
		return nil, err
	}
	b, err := s.rows.Next()
	if b == nil || err != nil {
		return nil, err
	}
	return expand(b), nil
}

func (s *scan) Close() { s.rows.Close() }

// expand repeats each row as often as its weight says.
func expand(b *vec.Batch) *vec.Batch {
	if b.W == nil {
		return b
	}
	var sel []int32
	same := true
	for i, w := range b.W {
		same = same && w == 1
		for range w {
			sel = append(sel, int32(i))
		}
	}
	if same {
		return &vec.Batch{Cols: b.Cols, N: b.N}
	}
	out := vec.NewBatch(b.Types(), len(sel))
	for c, v := range out.Cols {
		v.AppendSel(b.Cols[c], sel)
	}
	out.N = len(sel)
	return out
}

// noRow is the input of expressions over no input.
var noRow = &vec.Batch{N: 1}

// constants evaluates expressions over no input; nil for nil.
func (r *runner) constants(es []expr.Expr) ([]vec.Scalar, error) {
	if es == nil {
		return nil, nil
	}
	out := make([]vec.Scalar, len(es))
	for i, e := range es {
		v, err := r.constant(e)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (r *runner) constant(e expr.Expr) (vec.Scalar, error) { return constant(r.fc, e) }

func constant(fc *funcs.Ctx, e expr.Expr) (vec.Scalar, error) {
	switch e := e.(type) {
	case *expr.Const:
		return e.Val, nil
	case *expr.Param:
		if e.N <= len(fc.Params) {
			return fc.Params[e.N-1], nil
		}
	}
	p, err := expr.Compile(e)
	if err != nil {
		return vec.Scalar{}, err
	}
	v := p.Eval(fc, noRow, nil)
	if err := raise(fc); err != nil {
		return vec.Scalar{}, err
	}
	return v.At(0), nil
}

// values is the rows of a Values node.
func (r *runner) values(n *physical.Values) (Rows, error) {
	b := n.Batch
	if b == nil {
		var err error
		if b, err = rowsOf(n, r.fc); err != nil {
			return nil, err
		}
	}
	return &batches{list: []*vec.Batch{b}}, nil
}

// rowsOf evaluates the expressions of a Values node.
func rowsOf(n *physical.Values, fc *funcs.Ctx) (*vec.Batch, error) {
	out := vec.NewBatch(fieldTypes(n), len(n.Rows))
	for _, row := range n.Rows {
		for c, e := range row {
			v, err := constant(fc, e)
			if err != nil {
				return nil, err
			}
			out.Cols[c].AppendScalar(v)
		}
		out.N++
	}
	return out, nil
}

// ValuesOf is the node of a query that is nothing but constants and parameters, as of INSERT ... VALUES; else nil.
func ValuesOf(q *physical.Query) *physical.Values {
	if n, ok := q.Root.(*physical.Values); ok && len(q.Subplans) == 0 {
		return n
	}
	return nil
}

// Values gives the rows of such a query. They are the caller's.
func Values(ctx context.Context, n *physical.Values, fc *funcs.Ctx) (*vec.Batch, error) {
	fc.Context = ctx
	if n.Batch == nil {
		return rowsOf(n, fc)
	}
	b := vec.NewBatch(n.Batch.Types(), n.Batch.N)
	b.Append(n.Batch)
	return b, nil
}
