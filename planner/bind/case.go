package bind

import (
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// caseExpr binds CASE. The simple form is a list of equalities.
func (x *exprs) caseExpr(e *ast.Case) (expr.Expr, error) {
	var arg expr.Expr
	if e.Arg != nil {
		var err error
		if arg, err = x.value(e.Arg); err != nil {
			return nil, err
		}
	}
	c := &expr.Case{}
	results := make([]expr.Expr, 0, len(e.Whens)+1)
	pos := make([]int, 0, len(e.Whens)+1)
	for _, w := range e.Whens {
		cond, err := x.when(arg, w)
		if err != nil {
			return nil, err
		}
		then, err := x.bind(w.Result)
		if err != nil {
			return nil, err
		}
		c.Whens = append(c.Whens, expr.When{Cond: cond})
		results, pos = append(results, then), append(pos, w.Result.Pos())
	}
	// PostgreSQL lets the ELSE branch speak first about the type.
	els := untypedNull(e.Pos())
	if e.Else != nil {
		var err error
		if els, err = x.bind(e.Else); err != nil {
			return nil, err
		}
		pos = append([]int{e.Else.Pos()}, pos...)
	} else {
		pos = append([]int{e.Pos()}, pos...)
	}
	all, t, err := x.b.common("CASE", append([]expr.Expr{els}, results...), pos)
	if err != nil {
		return nil, err
	}
	c.T = t
	if e.Else != nil {
		c.Else = all[0]
	}
	for i := range c.Whens {
		c.Whens[i].Then = all[i+1]
	}
	return c, nil
}

func (x *exprs) when(arg expr.Expr, w *ast.When) (expr.Expr, error) {
	if arg == nil {
		return x.bool(w.Cond, "argument of CASE/WHEN")
	}
	v, err := x.bind(w.Cond)
	if err != nil {
		return nil, err
	}
	return x.b.operator("=", arg, v, w.Cond.Pos())
}

func (x *exprs) coalesce(e *ast.Coalesce) (expr.Expr, error) {
	args, t, err := x.commonList("COALESCE", e.Args)
	if err != nil {
		return nil, err
	}
	if len(args) == 1 {
		return args[0], nil
	}
	return &expr.Coalesce{Args: args, T: t}, nil
}

func (x *exprs) commonList(what string, es []ast.Expr) ([]expr.Expr, types.Type, error) {
	args := make([]expr.Expr, len(es))
	pos := make([]int, len(es))
	for i, a := range es {
		var err error
		if args[i], err = x.bind(a); err != nil {
			return nil, types.Type{}, err
		}
		pos[i] = a.Pos()
	}
	return x.b.common(what, args, pos)
}

func (x *exprs) nullIf(e *ast.NullIf) (expr.Expr, error) {
	l, r, err := x.pair(e.Left, e.Right)
	if err != nil {
		return nil, err
	}
	eq, err := x.b.operator("=", l, r, e.Pos())
	if err != nil {
		return nil, err
	}
	if c, ok := eq.(*expr.Call); ok { // the value is the operand of =, which may have been promoted
		if l = c.Args[0]; l.Type().OID == types.Varchar {
			l = relabel(l, textType) // PostgreSQL has no = of its own for varchar
		}
	} else if l, err = x.b.resolved(l); err != nil {
		return nil, err
	}
	return &expr.Case{Whens: []expr.When{{Cond: eq, Then: nullOf(l.Type())}}, Else: l, T: l.Type()}, nil
}

// minMax binds GREATEST and LEAST as a CASE with an arm for each argument: it is the answer if it is not null and no
// other argument, null aside, is better; of equals the first one.
func (x *exprs) minMax(e *ast.MinMax) (expr.Expr, error) {
	what, better := "GREATEST", ">"
	if e.Least {
		what, better = "LEAST", "<"
	}
	args, t, err := x.commonList(what, e.Args)
	if err != nil {
		return nil, err
	}
	if len(args) == 1 {
		return args[0], nil
	}
	c := &expr.Case{T: t}
	for i, a := range args[:len(args)-1] {
		cond := []expr.Expr{&expr.IsNull{Arg: a, Negate: true}}
		// Earlier arguments have had their turn: they are null, or worse than a later one. Only later ones can beat a.
		for _, other := range args[i+1:] {
			cmp, err := x.b.operator(better, other, a, e.Pos())
			if err != nil {
				return nil, err
			}
			cond = append(cond, &expr.Not{Arg: &expr.Coalesce{Args: []expr.Expr{cmp, constBool(false)}, T: boolType}})
		}
		c.Whens = append(c.Whens, expr.When{Cond: &expr.And{Args: cond}, Then: a})
	}
	c.Else = args[len(args)-1]
	return c, nil
}
