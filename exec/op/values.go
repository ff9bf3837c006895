package op

import (
	"fmt"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Values is constant rows in a view: d(values) is the rows in the first step, nothing later. Its state is a table with
// one row, which says that the first step was made.
type Values struct {
	node    *physical.Values
	done    *state.Table
	pending bool
}

// NewValues makes the operator.
func NewValues(n *physical.Values, tables *TableAlloc) *Values {
	shape := "values"
	for _, f := range n.Fields() {
		shape += fmt.Sprintf(" %d", f.Type.OID)
	}
	return &Values{node: n, done: state.NewTable(tables.Next(), shape, 0, 8)}
}

// Push is never called: there is no input.
func (v *Values) Push(*Step, int, *vec.Batch, Emit) {}

// End emits the rows in the first step.
func (v *Values) End(s *Step, out Emit) {
	if v.done.Len() > 0 {
		return
	}
	v.pending = true
	b, err := ValuesBatch(v.node)
	if err != nil {
		panic(err)
	}
	b(s, func(rows *vec.Batch) {
		if rows.N > 0 {
			out(rows)
		}
	})
}

// Commit remembers that the rows were emitted.
func (v *Values) Commit() {
	if v.pending {
		v.done.Insert(state.Hash(nil), nil, make([]byte, 8))
	}
	v.pending = false
}

// Abort forgets the step.
func (v *Values) Abort() { v.pending = false }

// Tables are the state tables.
func (v *Values) Tables() []state.Pages { return []state.Pages{v.done} }

// ValuesBatch compiles the rows of a Values node; running the result emits them. A row that cannot be computed is a row
// error.
func ValuesBatch(n *physical.Values) (func(s *Step, out Emit), error) {
	if n.Rows == nil {
		return func(_ *Step, out Emit) { out(n.Batch) }, nil
	}
	fields := n.Fields()
	ts := make([]types.Type, len(fields))
	for i, f := range fields {
		ts[i] = f.Type
	}
	programs := make([][]*expr.Program, len(n.Rows))
	for r, row := range n.Rows {
		for _, e := range row {
			p, err := expr.Compile(e)
			if err != nil {
				return nil, err
			}
			programs[r] = append(programs[r], p)
		}
	}
	one := &vec.Batch{N: 1}
	return func(s *Step, out Emit) {
		b := vec.NewBatch(ts, len(programs))
		vals := make([]*vec.Vec, len(ts))
		for _, row := range programs {
			for c, p := range row {
				vals[c] = p.Eval(s.Ctx, one, nil)
			}
			if len(s.Ctx.Errors) > 0 {
				takeErrors(s, one, nil)
				continue
			}
			for c, v := range vals {
				b.Cols[c].AppendFrom(v, 0)
			}
			b.N++
		}
		out(b)
	}, nil
}
