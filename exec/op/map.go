package op

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/vec"
)

// Map filters and projects. It is linear, d(map(A)) = map(dA): it keeps nothing, and a row's weight is carried over.
//
// The filter runs first; the columns the projection reads are then gathered, so that an expression that can fail
// never sees a row the filter left out.
type Map struct {
	stateless
	filter  *expr.Program
	project []*expr.Program
	plain   []int  // by output column: the input column it is, -1 if computed
	reads   []bool // input columns that the projection reads
	dense   vec.Batch
	owned   []*vec.Vec // gathered columns, by input column
	out     vec.Batch
}

// NewMap compiles a Map.
func NewMap(n *physical.Map) (*Map, error) {
	m := &Map{plain: make([]int, len(n.Project)), project: make([]*expr.Program, len(n.Project))}
	var err error
	if n.Filter != nil {
		if m.filter, err = expr.Compile(n.Filter); err != nil {
			return nil, err
		}
	}
	in := n.Input.Fields()
	m.reads = make([]bool, len(in))
	for i, e := range n.Project {
		m.plain[i] = -1
		if c, ok := e.(*expr.Col); ok {
			m.plain[i] = c.Index
			m.reads[c.Index] = true
			continue
		}
		if m.project[i], err = expr.Compile(e); err != nil {
			return nil, err
		}
		markReads(e, m.reads)
	}
	m.owned = make([]*vec.Vec, len(in))
	m.dense.Cols = make([]*vec.Vec, len(in))
	m.out.Cols = make([]*vec.Vec, len(n.Project))
	return m, nil
}

// Push filters and projects b.
func (m *Map) Push(s *Step, _ int, b *vec.Batch, out Emit) {
	in := b
	var sel []int32 // row i of in is row sel[i] of b; nil: they are the same
	if m.filter != nil {
		sel = m.filter.EvalFilter(s.Ctx, b, nil)
		takeErrors(s, b, nil)
		if len(sel) == 0 {
			return
		}
		if len(sel) < b.N {
			in = m.gather(b, sel)
		} else {
			sel = nil
		}
	}
	m.out.N, m.out.W = in.N, in.W
	for i, p := range m.project {
		if p == nil {
			m.out.Cols[i] = in.Cols[m.plain[i]]
			continue
		}
		m.out.Cols[i] = p.Eval(s.Ctx, in, nil)
	}
	if len(s.Ctx.Errors) == 0 {
		out(&m.out)
		return
	}
	var good []int32
	for i := range in.N {
		if !s.Ctx.Failed(int32(i)) {
			good = append(good, int32(i))
		}
	}
	takeErrors(s, b, sel)
	if len(good) > 0 {
		out(m.out.Select(good))
	}
}

// gather makes a dense batch of the selected rows; columns nobody reads stay nil.
func (m *Map) gather(b *vec.Batch, sel []int32) *vec.Batch {
	for i, read := range m.reads {
		if !read {
			continue
		}
		if m.owned[i] == nil {
			m.owned[i] = vec.New(b.Cols[i].Type, len(sel))
		}
		m.owned[i].Reset()
		m.owned[i].AppendSel(b.Cols[i], sel)
		m.dense.Cols[i] = m.owned[i]
	}
	if b.W == nil {
		m.dense.W = nil
	} else {
		m.dense.W = m.dense.W[:0]
		for _, i := range sel {
			m.dense.W = append(m.dense.W, b.W[i])
		}
	}
	m.dense.N = len(sel)
	return &m.dense
}
