package logical

import (
	"context"

	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// Folder evaluates constant expressions while a plan is made.
type Folder struct {
	ctx funcs.Ctx
}

// NewFolder returns a Folder for the session behind fc, which may be nil.
func NewFolder(fc *funcs.Ctx) *Folder {
	f := &Folder{ctx: funcs.Ctx{Context: context.Background()}}
	if fc != nil {
		f.ctx.Env, f.ctx.Sys, f.ctx.Now, f.ctx.TxnNow = fc.Env, fc.Sys, fc.Now, fc.TxnNow
		if fc.Context != nil {
			f.ctx.Context = fc.Context
		}
	}
	return f
}

// IsConst reports whether e is the same value always: made of constants and immutable functions.
func IsConst(e expr.Expr) bool {
	ok := true
	Walk(e, func(x expr.Expr) bool {
		switch x := x.(type) {
		case *expr.Const:
		case *expr.Call:
			ok = ok && x.Fn.Vol == funcs.Immutable
		case *expr.And, *expr.Or, *expr.Not, *expr.IsNull, *expr.Case, *expr.Coalesce, *expr.Array:
		default:
			ok = false
		}
		return ok
	})
	return ok
}

// Eval computes a constant expression.
func (f *Folder) Eval(e expr.Expr) (vec.Scalar, error) {
	if c, ok := e.(*expr.Const); ok {
		return c.Val, nil
	}
	p, err := expr.Compile(e)
	if err != nil {
		return vec.Scalar{}, err
	}
	f.ctx.Clear()
	v := p.Eval(&f.ctx, &vec.Batch{N: 1}, nil)
	if len(f.ctx.Errors) > 0 {
		err := *f.ctx.Errors[0].Err
		f.ctx.Clear()
		return vec.Scalar{}, &err
	}
	if v.Len() != 1 {
		return vec.Scalar{}, pgerr.New(pgerr.Internal, "a constant expression has no value")
	}
	s := v.At(0)
	s.Type = e.Type()
	return s, nil
}

// Fold replaces the constant parts of e by their values. A part that raises is left as it is: it may stand in a CASE
// arm that is never taken.
func (f *Folder) Fold(e expr.Expr) expr.Expr {
	return Map(e, func(x expr.Expr) expr.Expr {
		switch x := x.(type) {
		case *expr.Const, *Var, *expr.Param:
			return x
		case *expr.Call:
			if x.Fn == funcs.Relabel {
				return nil
			}
		case *expr.Row:
			return nil
		}
		if !IsConst(x) {
			return nil
		}
		v, err := f.Eval(x)
		if err != nil {
			return x
		}
		return &expr.Const{Val: v}
	})
}
