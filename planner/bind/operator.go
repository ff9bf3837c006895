package bind

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

func errRowSize(pos int) error {
	return pgerr.New(pgerr.SyntaxError, "unequal number of entries in row expressions").At(pos)
}

func checkOpSchema(schema, op string, pos int) error {
	if schema != "" && schema != "pg_catalog" {
		return pgerr.Newf(pgerr.UndefinedFunction, "operator does not exist: %s.%s", schema, op).At(pos)
	}
	return nil
}

func (x *exprs) unary(e *ast.Unary) (expr.Expr, error) {
	if err := checkOpSchema(e.Schema, e.Op, e.Pos()); err != nil {
		return nil, err
	}
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	f, args, ret, err := funcs.ResolvePrefix(e.Op, a.Type())
	if err != nil {
		return nil, at(err, e.Pos())
	}
	if a, err = x.b.implicit(a, args[0]); err != nil {
		return nil, err
	}
	return &expr.Call{Fn: f, Args: []expr.Expr{a}, T: ret}, nil
}

func (x *exprs) binary(e *ast.Binary) (expr.Expr, error) {
	if err := checkOpSchema(e.Schema, e.Op, e.Pos()); err != nil {
		return nil, err
	}
	// A chain of operators leans to the left: bind it without recursion as deep as it is long.
	chain := []*ast.Binary{e}
	left := e.Left
	for {
		l, ok := left.(*ast.Binary)
		if !ok || l.Schema != "" {
			break
		}
		chain = append(chain, l)
		left = l.Left
	}
	acc, err := x.bind(left)
	if err != nil {
		return nil, err
	}
	for i := len(chain) - 1; i >= 0; i-- {
		op := chain[i]
		r, err := x.bind(op.Right)
		if err != nil {
			return nil, err
		}
		if acc, err = x.b.operator(op.Op, acc, r, op.Pos()); err != nil {
			return nil, err
		}
	}
	return acc, nil
}

// operator applies a binary operator; rows are compared field by field.
func (b *Binder) operator(op string, l, r expr.Expr, pos int) (expr.Expr, error) {
	le, lrow := rowOf(l)
	re, rrow := rowOf(r)
	if lrow && rrow {
		return b.compareRows(op, le, re, pos)
	}
	if l2, ok := l.(*record); ok {
		l = finishRecord(l2)
	}
	if r2, ok := r.(*record); ok {
		r = finishRecord(r2)
	}
	f, args, ret, err := funcs.ResolveOperator(op, l.Type(), r.Type())
	if err != nil {
		return nil, at(err, pos)
	}
	if l, err = b.implicit(l, args[0]); err != nil {
		return nil, err
	}
	if r, err = b.implicit(r, args[1]); err != nil {
		return nil, err
	}
	return &expr.Call{Fn: f, Args: []expr.Expr{l, r}, T: ret}, nil
}

// compareRows takes a comparison of rows apart: equality is a conjunction, order is lexicographic.
func (b *Binder) compareRows(op string, l, r []expr.Expr, pos int) (expr.Expr, error) {
	if len(l) != len(r) {
		return nil, errRowSize(pos)
	}
	if len(l) == 0 {
		return nil, pgerr.New(pgerr.FeatureNotSupported, "cannot compare rows of zero length").At(pos)
	}
	switch op {
	case "=", "<>":
		args := make([]expr.Expr, len(l))
		for i := range l {
			var err error
			if args[i], err = b.operator(op, l[i], r[i], pos); err != nil {
				return nil, err
			}
		}
		if op == "=" {
			return logical.AndOf(args), nil
		}
		return orOf(args), nil
	case "<", "<=", ">", ">=":
		return b.orderRows(op, l, r, pos)
	}
	return nil, pgerr.Newf(pgerr.FeatureNotSupported, "could not determine interpretation of row comparison operator %s", op).
		WithHint("Row comparison operators must be associated with btree operator families.").At(pos)
}

// orderRows is (a, b) < (c, d): a < c OR (a = c AND b < d).
func (b *Binder) orderRows(op string, l, r []expr.Expr, pos int) (expr.Expr, error) {
	if len(l) == 1 {
		return b.operator(op, l[0], r[0], pos)
	}
	lt, err := b.operator(op[:1], l[0], r[0], pos)
	if err != nil {
		return nil, err
	}
	eq, err := b.operator("=", l[0], r[0], pos)
	if err != nil {
		return nil, err
	}
	rest, err := b.orderRows(op, l[1:], r[1:], pos)
	if err != nil {
		return nil, err
	}
	return &expr.Or{Args: []expr.Expr{lt, &expr.And{Args: []expr.Expr{eq, rest}}}}, nil
}

// in binds IN over a list or a query.
func (x *exprs) in(e *ast.In) (expr.Expr, error) {
	var r expr.Expr
	var err error
	if e.Query != nil {
		r, err = x.quantifiedQuery("=", e.Left, e.Query, expr.SubAny, e.Pos())
	} else {
		r, err = x.inList(e)
	}
	if err != nil {
		return nil, err
	}
	if e.Not {
		return &expr.Not{Arg: r}, nil
	}
	return r, nil
}

// inList is a disjunction of equalities, or = ANY of a constant array where the types allow it.
func (x *exprs) inList(e *ast.In) (expr.Expr, error) {
	l, err := x.bind(e.Left)
	if err != nil {
		return nil, err
	}
	items := make([]expr.Expr, len(e.List))
	for i, it := range e.List {
		if items[i], err = x.bind(it); err != nil {
			return nil, err
		}
	}
	if _, isRow := rowOf(l); !isRow {
		if r, ok, err := x.inArray(l, items, e.Pos()); ok || err != nil {
			return r, err
		}
	}
	args := make([]expr.Expr, len(items))
	for i, it := range items {
		if args[i], err = x.b.operator("=", l, it, e.Pos()); err != nil {
			return nil, err
		}
	}
	return orOf(args), nil
}

// inArray is l = ANY (ARRAY[items]) when the items are constants of a common type with l, as in PostgreSQL.
func (x *exprs) inArray(l expr.Expr, items []expr.Expr, pos int) (expr.Expr, bool, error) {
	if len(items) < 2 {
		return nil, false, nil
	}
	ts := []types.Type{l.Type()}
	for _, it := range items {
		switch it.(type) {
		case *expr.Const, *literal, *expr.Param, *paramRef:
			ts = append(ts, it.Type())
		default:
			return nil, false, nil
		}
	}
	t, err := funcs.CommonType("IN", ts)
	if err != nil {
		return nil, false, nil
	}
	arr, ok := types.ArrayOf(t.OID)
	if !ok {
		return nil, false, nil
	}
	f, args, err := funcs.ResolveQuantified("=", false, l.Type(), types.T(arr))
	if err != nil {
		return nil, true, at(err, pos)
	}
	elems := make([]expr.Expr, len(items))
	for i, it := range items {
		e, ok, err := x.b.coerce(it, types.T(t.OID), funcs.Implicit)
		if err != nil {
			return nil, true, err
		}
		if !ok {
			return nil, false, nil
		}
		elems[i] = e
	}
	if l, err = x.b.implicit(l, args[0]); err != nil {
		return nil, true, err
	}
	list := expr.Expr(&expr.Array{Elems: elems, T: types.T(arr)})
	if list, err = x.b.implicit(list, args[1]); err != nil {
		return nil, true, err
	}
	return &expr.Call{Fn: f, Args: []expr.Expr{l, list}, T: boolType}, true, nil
}

// likeOps are the operators behind the pattern predicates, plain and negated.
var likeOps = map[string]string{"LIKE": "~~", "NOT LIKE": "!~~", "ILIKE": "~~*", "NOT ILIKE": "!~~*"}

func (x *exprs) like(e *ast.Like) (expr.Expr, error) {
	l, p, err := x.pair(e.Left, e.Pattern)
	if err != nil {
		return nil, err
	}
	op := [...]string{"~~", "~~*", "~"}[e.Kind]
	var esc []expr.Expr
	if e.Escape != nil {
		v, err := x.bind(e.Escape)
		if err != nil {
			return nil, err
		}
		esc = []expr.Expr{v}
	}
	switch {
	case e.Kind == ast.KindSimilarTo:
		p, err = x.b.function("similar_to_escape", append([]expr.Expr{p}, esc...), e.Pos())
	case esc != nil:
		p, err = x.b.function("like_escape", append([]expr.Expr{p}, esc...), e.Pos())
	}
	if err != nil {
		return nil, err
	}
	if e.Not {
		op = "!" + op
	}
	return x.b.operator(op, l, p, e.Pos())
}

// quantified binds op ANY/ALL over an array or a query.
func (x *exprs) quantified(e *ast.Quantified) (expr.Expr, error) {
	if err := checkOpSchema(e.Schema, e.Op, e.Pos()); err != nil {
		return nil, err
	}
	op := e.Op
	if o, ok := likeOps[op]; ok {
		op = o
	}
	if e.Query != nil {
		kind := expr.SubAny
		if e.All {
			kind = expr.SubAll
		}
		return x.quantifiedQuery(op, e.Left, e.Query, kind, e.Pos())
	}
	l, err := x.bind(e.Left)
	if err != nil {
		return nil, err
	}
	a, err := x.bind(e.Array)
	if err != nil {
		return nil, err
	}
	return x.b.quantifiedArray(op, e.All, l, a, e.Pos())
}

func (b *Binder) quantifiedArray(op string, all bool, l, a expr.Expr, pos int) (expr.Expr, error) {
	if r, ok := l.(*record); ok {
		l = finishRecord(r)
	}
	f, args, err := funcs.ResolveQuantified(op, all, l.Type(), a.Type())
	if err != nil {
		return nil, at(err, pos)
	}
	if l, err = b.implicit(l, args[0]); err != nil {
		return nil, err
	}
	if a, err = b.implicit(a, args[1]); err != nil {
		return nil, err
	}
	return &expr.Call{Fn: f, Args: []expr.Expr{l, a}, T: boolType}, nil
}
