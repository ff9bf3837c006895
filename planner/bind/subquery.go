package bind

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// subquery binds EXISTS (q), (q) and ARRAY(q).
func (x *exprs) subquery(q *ast.Select, kind expr.SubqueryKind, pos int) (expr.Expr, error) {
	r, err := x.b.query(q, x.scope.child())
	if err != nil {
		return nil, err
	}
	if err := x.b.settle(r); err != nil {
		return nil, err
	}
	s := &logical.Subquery{Root: r.node, Cols: r.ids(), Kind: kind, T: boolType}
	if kind == expr.SubExists {
		return s, nil
	}
	if len(s.Cols) != 1 {
		return nil, pgerr.New(pgerr.SyntaxError, "subquery must return only one column").At(pos)
	}
	s.T = r.cols[0].e.Type()
	if kind == expr.SubArray {
		a, ok := types.ArrayOf(s.T.OID)
		if !ok {
			if !s.T.OID.IsArray() {
				return nil, pgerr.Newf(pgerr.UndefinedObject, "could not find array type for data type %s", s.T.OID).At(pos)
			}
			a = s.T.OID
		}
		s.T.OID = a
	}
	return s, nil
}

// quantifiedQuery binds left op ANY/ALL (q), and IN.
func (x *exprs) quantifiedQuery(op string, left ast.Expr, q *ast.Select, kind expr.SubqueryKind, pos int) (expr.Expr, error) {
	l, err := x.bind(left)
	if err != nil {
		return nil, err
	}
	r, err := x.b.query(q, x.scope.child())
	if err != nil {
		return nil, err
	}
	ls, isRow := rowOf(l)
	if !isRow {
		ls = []expr.Expr{l}
	}
	switch {
	case len(r.cols) > len(ls):
		return nil, pgerr.New(pgerr.SyntaxError, "subquery has too many columns").At(pos)
	case len(r.cols) < len(ls):
		return nil, pgerr.New(pgerr.SyntaxError, "subquery has too few columns").At(pos)
	}
	if err := x.b.settle(r); err != nil {
		return nil, err
	}
	rs := make([]expr.Expr, len(r.cols))
	for i, c := range r.cols {
		rs[i] = c.e
	}
	var test expr.Expr
	if len(ls) == 1 {
		test, err = x.b.operator(op, ls[0], rs[0], pos)
	} else {
		test, err = x.b.compareRows(op, ls, rs, pos)
	}
	if err != nil {
		return nil, err
	}
	if test.Type().OID != types.Bool {
		return nil, pgerr.New(pgerr.DatatypeMismatch, "row comparison operator must yield type boolean").At(pos)
	}
	return &logical.Subquery{Root: r.node, Cols: r.ids(), Kind: kind, Test: test, T: boolType}, nil
}
