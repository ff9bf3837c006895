package query

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// tableFunc calls a set-returning function in FROM.
func (r *runner) tableFunc(n *physical.TableFunc) (Rows, error) {
	ts := make([]types.Type, len(n.Args))
	for i, a := range n.Args {
		ts[i] = a.Type()
	}
	f, _, _, err := funcs.ResolveSet(n.Name, ts)
	if err != nil {
		return nil, err
	}
	args := make([]*vec.Vec, len(n.Args))
	null := false
	for i, a := range n.Args {
		v, err := r.constant(a)
		if err != nil {
			return nil, err
		}
		args[i] = vec.New(a.Type(), 1)
		args[i].AppendScalar(v)
		null = null || v.Null
	}
	cols := fieldTypes(n)
	if n.Ordinality {
		cols = cols[:len(cols)-1]
	}
	out := vec.NewBatch(cols, 0)
	if !null || f.Lax {
		if err := f.Rows(r.fc, args, 0, out); err != nil {
			return nil, err
		}
		if err := r.raise(); err != nil {
			return nil, err
		}
	}
	if n.Ordinality {
		o := vec.New(types.T(types.Int8), out.N)
		for i := range out.N {
			o.AppendI64(int64(i + 1))
		}
		out.Cols = append(out.Cols, o)
	}
	if err := r.mem.add(out); err != nil {
		return nil, err
	}
	return &batches{list: []*vec.Batch{out}}, nil
}
