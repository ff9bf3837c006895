package expr

import (
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Fold computes the constant parts of e. Only immutable functions are folded. An expression that raises is left
// as it is, to raise if and when it is evaluated, so that CASE WHEN false THEN 1/0 END stays harmless.
func Fold(e Expr, ctx *funcs.Ctx) Expr {
	return Rewrite(e, func(x Expr) Expr { return foldNode(x, ctx) })
}

// foldNode folds e, whose operands are folded.
func foldNode(e Expr, ctx *funcs.Ctx) Expr {
	switch e := e.(type) {
	case *Call:
		if e.Fn.Vol != funcs.Immutable {
			return e
		}
		if e.Fn == funcs.Relabel {
			if c, ok := e.Args[0].(*Const); ok {
				return relabel(c, e.T)
			}
			return e
		}
		if !e.Fn.Lax && e.Fn.Kind != funcs.CastFunc && anyNull(e.Args) && !contains(&Row{e.Args}, canRaise) {
			return Null(e.T)
		}
		return foldConsts(e, e.Args, ctx)
	case *And:
		return foldLogic(e.Args, false)
	case *Or:
		return foldLogic(e.Args, true)
	case *Not:
		return foldConsts(e, []Expr{e.Arg}, ctx)
	case *IsNull:
		return foldConsts(e, []Expr{e.Arg}, ctx)
	case *Case:
		return foldCase(e)
	case *Coalesce:
		return foldCoalesce(e)
	case *Array:
		return foldConsts(e, e.Elems, ctx)
	}
	return e
}

func canRaise(e Expr) bool {
	c, ok := e.(*Call)
	return ok && (c.Fn.CanFail || c.Fn.Vol != funcs.Immutable)
}

func anyNull(es []Expr) bool {
	for _, e := range es {
		if c, ok := e.(*Const); ok && c.Val.Null {
			return true
		}
	}
	return false
}

// foldConsts evaluates e if all its operands are constants.
func foldConsts(e Expr, args []Expr, ctx *funcs.Ctx) Expr {
	for _, a := range args {
		if _, ok := a.(*Const); !ok {
			return e
		}
	}
	v, err := Value(e, ctx)
	if err != nil {
		return e
	}
	return &Const{v}
}

// Value evaluates an expression that reads no row.
func Value(e Expr, ctx *funcs.Ctx) (vec.Scalar, error) {
	p, err := Compile(e)
	if err != nil {
		return vec.Scalar{}, err
	}
	sub := ctx.Fork()
	v := p.Eval(sub, &vec.Batch{N: 1}, nil)
	if len(sub.Errors) > 0 {
		return vec.Scalar{}, sub.Errors[0].Err
	}
	s := v.At(0)
	s.Type = e.Type()
	return s, nil
}

// foldLogic drops the operands of AND (or false) or OR that decide nothing, and what comes after one that decides.
func foldLogic(args []Expr, or bool) Expr {
	var kept []Expr
	for _, a := range args {
		if nested, same := operands(a, or); same {
			kept = append(kept, nested...)
			continue
		}
		c, ok := a.(*Const)
		if !ok || c.Val.Null {
			kept = append(kept, a)
			continue
		}
		if (c.Val.I != 0) == or {
			kept = append(kept, a)
			break
		}
	}
	if n := len(kept); n > 0 {
		// A deciding constant at the end decides all, unless an operand before it may raise.
		if c, ok := kept[n-1].(*Const); ok && !c.Val.Null && (c.Val.I != 0) == or {
			if n == 1 || !contains(&Row{kept[:n-1]}, func(e Expr) bool { _, sub := e.(*Subquery); return sub || canRaise(e) }) {
				return c
			}
		}
	}
	switch len(kept) {
	case 0:
		return Bool(!or)
	case 1:
		return kept[0]
	}
	if or {
		return &Or{kept}
	}
	return &And{kept}
}

func operands(e Expr, or bool) ([]Expr, bool) {
	switch e := e.(type) {
	case *And:
		return e.Args, !or
	case *Or:
		return e.Args, or
	}
	return nil, false
}

// foldCase drops arms that are never taken.
func foldCase(e *Case) Expr {
	c := &Case{T: e.T, Else: e.Else}
	for _, w := range e.Whens {
		k, ok := w.Cond.(*Const)
		if !ok {
			c.Whens = append(c.Whens, w)
			continue
		}
		if !k.Val.Null && k.Val.I != 0 {
			c.Else = w.Then
			break
		}
	}
	switch {
	case len(c.Whens) > 0 && len(c.Whens) == len(e.Whens):
		return e
	case len(c.Whens) > 0:
		return c
	case c.Else == nil:
		return Null(e.T)
	}
	return retype(c.Else, e.T)
}

// retype keeps the type of a node that is replaced by one of its operands.
func retype(e Expr, t types.Type) Expr {
	if e.Type() == t {
		return e
	}
	return relabel(e, t)
}

// foldCoalesce drops nulls, and what comes after a constant.
func foldCoalesce(e *Coalesce) Expr {
	var kept []Expr
	for _, a := range e.Args {
		c, ok := a.(*Const)
		if ok && c.Val.Null {
			continue
		}
		kept = append(kept, a)
		if ok {
			break
		}
	}
	switch {
	case len(kept) == len(e.Args) && len(kept) > 1:
		return e
	case len(kept) == 0:
		return Null(e.T)
	case len(kept) == 1:
		return retype(kept[0], e.T)
	}
	return &Coalesce{kept, e.T}
}
