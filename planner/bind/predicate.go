package bind

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
)

// isNull binds IS [NOT] NULL; a row is null if all its parts are, and not null if none is.
func (x *exprs) isNull(e *ast.IsNull) (expr.Expr, error) {
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	if elems, ok := rowOf(a); ok {
		args := make([]expr.Expr, len(elems))
		for i, el := range elems {
			if el, err = x.b.resolved(el); err != nil {
				return nil, err
			}
			args[i] = &expr.IsNull{Arg: el, Negate: e.Not}
		}
		if len(args) == 0 {
			return constBool(true), nil
		}
		return logical.AndOf(args), nil
	}
	if p, ok := a.(*paramRef); ok {
		a = x.b.params.anyType(p)
	} else if a, err = x.b.resolved(a); err != nil {
		return nil, err
	}
	return &expr.IsNull{Arg: a, Negate: e.Not}, nil
}

func (x *exprs) isBool(e *ast.IsBool) (expr.Expr, error) {
	names := [...]string{"IS TRUE", "IS FALSE", "IS UNKNOWN"}
	if e.Not {
		names = [...]string{"IS NOT TRUE", "IS NOT FALSE", "IS NOT UNKNOWN"}
	}
	a, err := x.bool(e.Arg, "argument of "+names[e.Test])
	if err != nil {
		return nil, err
	}
	var r expr.Expr
	switch e.Test {
	case ast.TestUnknown:
		return &expr.IsNull{Arg: a, Negate: e.Not}, nil
	case ast.TestTrue:
		r = &expr.Coalesce{Args: []expr.Expr{a, constBool(false)}, T: boolType}
	default:
		r = &expr.Not{Arg: &expr.Coalesce{Args: []expr.Expr{a, constBool(true)}, T: boolType}}
	}
	if e.Not {
		if n, ok := r.(*expr.Not); ok {
			return n.Arg, nil
		}
		return &expr.Not{Arg: r}, nil
	}
	return r, nil
}

func (x *exprs) isDistinct(e *ast.IsDistinct) (expr.Expr, error) {
	l, r, err := x.pair(e.Left, e.Right)
	if err != nil {
		return nil, err
	}
	d, err := x.b.distinct(l, r, e.Pos())
	if err != nil {
		return nil, err
	}
	if e.Not {
		return &expr.Not{Arg: d}, nil
	}
	return d, nil
}

// distinct is l IS DISTINCT FROM r.
func (b *Binder) distinct(l, r expr.Expr, pos int) (expr.Expr, error) {
	le, lok := rowOf(l)
	re, rok := rowOf(r)
	if lok && rok {
		if len(le) != len(re) {
			return nil, errRowSize(pos)
		}
		args := make([]expr.Expr, len(le))
		for i := range le {
			var err error
			if args[i], err = b.distinct(le[i], re[i], pos); err != nil {
				return nil, err
			}
		}
		return orOf(args), nil
	}
	eq, err := b.operator("=", l, r, pos)
	if err != nil {
		return nil, err
	}
	c, ok := eq.(*expr.Call)
	if !ok || len(c.Args) != 2 {
		return nil, pgerr.New(pgerr.DatatypeMismatch, "IS DISTINCT FROM requires = operator to yield boolean").At(pos)
	}
	l, r = c.Args[0], c.Args[1]
	if isNullConst(r) {
		return &expr.IsNull{Arg: l, Negate: true}, nil
	}
	if isNullConst(l) {
		return &expr.IsNull{Arg: r, Negate: true}, nil
	}
	return &expr.Case{
		Whens: []expr.When{
			{Cond: &expr.IsNull{Arg: l}, Then: &expr.IsNull{Arg: r, Negate: true}},
			{Cond: &expr.IsNull{Arg: r}, Then: constBool(true)},
		},
		Else: &expr.Not{Arg: eq}, T: boolType,
	}, nil
}

func isNullConst(e expr.Expr) bool {
	c, ok := e.(*expr.Const)
	return ok && c.Val.Null
}

func orOf(args []expr.Expr) expr.Expr {
	switch len(args) {
	case 0:
		return constBool(false)
	case 1:
		return args[0]
	}
	return &expr.Or{Args: args}
}

func (x *exprs) pair(l, r ast.Expr) (expr.Expr, expr.Expr, error) {
	le, err := x.bind(l)
	if err != nil {
		return nil, nil, err
	}
	re, err := x.bind(r)
	return le, re, err
}

func (x *exprs) between(e *ast.Between) (expr.Expr, error) {
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	lo, hi, err := x.pair(e.Low, e.High)
	if err != nil {
		return nil, err
	}
	within := func(lo, hi expr.Expr) (expr.Expr, error) {
		ge, err := x.b.operator(">=", a, lo, e.Pos())
		if err != nil {
			return nil, err
		}
		le, err := x.b.operator("<=", a, hi, e.Pos())
		return &expr.And{Args: []expr.Expr{ge, le}}, err
	}
	r, err := within(lo, hi)
	if err == nil && e.Symmetric {
		var r2 expr.Expr
		r2, err = within(hi, lo)
		r = &expr.Or{Args: []expr.Expr{r, r2}}
	}
	if err != nil {
		return nil, err
	}
	if e.Not {
		return &expr.Not{Arg: r}, nil
	}
	return r, nil
}
