package lower

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
)

// frame is the outer values that a subplan or the right side of an Apply sees, by number.
type frame struct{ cols []logical.ColID }

// index is the number of an outer column, or -1.
func (f *frame) index(id logical.ColID) int {
	if f == nil {
		return -1
	}
	return slices.Index(f.cols, id)
}

// positions maps columns to where they are in an operator's input.
type positions struct {
	at    map[logical.ColID]int
	width int
}

func layout(cols []logical.ColID) *positions {
	p := &positions{at: make(map[logical.ColID]int, len(cols)), width: len(cols)}
	for i, id := range cols {
		if _, ok := p.at[id]; !ok {
			p.at[id] = i
		}
	}
	return p
}

// expr lowers an expression over an input; a nil layout means no input.
func (l *Lowerer) expr(e expr.Expr, at *positions, f *frame) (expr.Expr, error) {
	var bad error
	r := logical.Map(e, func(x expr.Expr) expr.Expr {
		switch x := x.(type) {
		case *logical.Var:
			v, err := l.variable(x, at, f)
			if err != nil && bad == nil {
				bad = err
			}
			return v
		case *logical.Subquery:
			s, err := l.subquery(x, at, f)
			if err != nil {
				if bad == nil {
					bad = err
				}
				return x
			}
			return s
		}
		return nil
	})
	return r, bad
}

func (l *Lowerer) variable(v *logical.Var, at *positions, f *frame) (expr.Expr, error) {
	name := l.meta.Columns[v.ID].Name
	if at != nil {
		if i, ok := at.at[v.ID]; ok {
			return &expr.Col{Index: i, T: v.T, Name: name}, nil
		}
	}
	if i := f.index(v.ID); i >= 0 {
		return &expr.Outer{Index: i, T: v.T, Name: name}, nil
	}
	return v, pgerr.Newf(pgerr.Internal, "column %s (%d) is not available where it is used", name, v.ID)
}

// args lowers the columns that a subplan takes from outside.
func (l *Lowerer) args(cols []logical.ColID, at *positions, f *frame) ([]expr.Expr, error) {
	var out []expr.Expr
	for _, id := range cols {
		e, err := l.variable(l.meta.Var(id), at, f)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// subquery lowers the plan of a subquery and numbers it.
func (l *Lowerer) subquery(s *logical.Subquery, at *positions, f *frame) (expr.Expr, error) {
	inner := &frame{cols: logical.FreeCols(s.Root).List()}
	cols := s.Cols
	if s.Kind == expr.SubExists {
		cols = nil
	}
	node, err := l.exactly(s.Root, cols, inner)
	if err != nil {
		return nil, err
	}
	id := len(l.subplans)
	l.subplans = append(l.subplans, node)
	r := &expr.Subquery{ID: id, Kind: s.Kind, T: s.T}
	if r.Args, err = l.args(inner.cols, at, f); err != nil {
		return nil, err
	}
	if s.Test != nil {
		both := &positions{at: map[logical.ColID]int{}}
		if at != nil {
			both.width = at.width
			for id, i := range at.at {
				both.at[id] = i
			}
		}
		for i, id := range cols {
			both.at[id] = both.width + i
		}
		if r.Test, err = l.expr(s.Test, both, f); err != nil {
			return nil, err
		}
	}
	return r, nil
}
