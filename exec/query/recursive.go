package query

import (
	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/vec"
)

// workTable is the working table of a recursive query: the rows of the last round.
type workTable struct{ rows *vec.Batch }

// recursive is WITH RECURSIVE, as PostgreSQL runs it: the seed is the first round; each round runs the step over the
// rows of the last; it ends with a round of no (new) rows.
type recursive struct {
	r     *runner
	n     *physical.Recursive
	table *workTable
	seen  *op.RowSet // UNION: rows given so far
	begun bool
	rows  share // the working table
	found share // seen
}

func (r *runner) recursive(n *physical.Recursive) (Rows, error) {
	x := &recursive{r: r, n: n, table: &workTable{}, rows: share{m: r.mem}, found: share{m: r.mem}}
	if n.Distinct {
		x.seen = op.NewRowSet(fieldTypes(n))
	}
	return x, nil
}

func (x *recursive) Next() (*vec.Batch, error) {
	from := x.n.Seed
	if x.begun {
		if x.table.rows.N == 0 {
			x.Close()
			return nil, nil
		}
		from = x.n.Step
	}
	x.begun = true
	if err := x.r.live(); err != nil {
		return nil, err
	}
	saved := x.r.work[x.n.ID]
	x.r.work[x.n.ID] = x.table
	round := share{m: x.r.mem}
	b, err := x.r.collect(from, &round)
	round.free()
	x.r.work[x.n.ID] = saved
	if err != nil {
		return nil, err
	}
	if x.seen != nil {
		b = b.Select(x.seen.Add(b))
		if err := x.found.set(x.seen.Size()); err != nil {
			return nil, err
		}
	}
	x.table.rows = b
	if err := x.rows.hold(b, 0); err != nil {
		return nil, err
	}
	if b.N == 0 {
		return nil, nil
	}
	return b, nil
}

func (x *recursive) Close() {
	x.begun, x.table.rows = true, &vec.Batch{}
	x.seen = nil
	x.rows.free()
	x.found.free()
}

func (r *runner) recursiveRef(n *physical.RecursiveRef) (Rows, error) {
	w := r.work[n.ID]
	if w == nil || w.rows == nil {
		return nil, internal("recursive query %d is not running", n.ID)
	}
	return &batches{list: []*vec.Batch{w.rows}}, nil
}
