package query

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// tableFunc calls a set-returning function in FROM.
func (r *runner) tableFunc(n *physical.TableFunc) (Rows, error) {
	oids := make([]types.OID, len(n.Args))
	for i, a := range n.Args {
		oids[i] = a.Type().OID
	}
	f, ok := funcs.LookupSet(n.Name, oids)
	if !ok {
		return nil, internal("set-returning function %s%v is not known", n.Name, oids)
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
	ts := fieldTypes(n)
	cols := ts
	if n.Ordinality {
		cols = ts[:len(ts)-1]
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
