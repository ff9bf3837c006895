package logical

import (
	"bytes"

	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Var is a reference to a column. It exists in logical plans only: lower turns it into expr.Col or expr.Outer.
type Var struct {
	ID   ColID
	T    types.Type
	Name string // for messages: rel.column or column
	Pos  int    // byte offset in the statement
}

// Type is the type of the column.
func (v *Var) Type() types.Type { return v.T }

// Subquery is a query in an expression. Its outer columns are the free columns of Root.
type Subquery struct {
	Root Node
	Cols []ColID // what it yields, in order
	Kind expr.SubqueryKind
	// Test, for SubAny and SubAll, is over the columns around the expression and Cols.
	Test expr.Expr
	T    types.Type
}

// Type is the type of the result.
func (s *Subquery) Type() types.Type { return s.T }

// Map returns e with f applied to it and, where f returns nil, to its parts. Nothing is changed in place; what f
// leaves alone is shared. The plan inside a Subquery is not entered, its Test is.
func Map(e expr.Expr, f func(expr.Expr) expr.Expr) expr.Expr {
	if e == nil {
		return nil
	}
	if r := f(e); r != nil {
		return r
	}
	switch e := e.(type) {
	case *expr.Call:
		if args, changed := mapList(e.Args, f); changed {
			return &expr.Call{Fn: e.Fn, Args: args, T: e.T}
		}
	case *expr.And:
		if args, changed := mapList(e.Args, f); changed {
			return &expr.And{Args: args}
		}
	case *expr.Or:
		if args, changed := mapList(e.Args, f); changed {
			return &expr.Or{Args: args}
		}
	case *expr.Not:
		if a := Map(e.Arg, f); a != e.Arg {
			return &expr.Not{Arg: a}
		}
	case *expr.IsNull:
		if a := Map(e.Arg, f); a != e.Arg {
			return &expr.IsNull{Arg: a, Negate: e.Negate}
		}
	case *expr.Case:
		return mapCase(e, f)
	case *expr.Coalesce:
		if args, changed := mapList(e.Args, f); changed {
			return &expr.Coalesce{Args: args, T: e.T}
		}
	case *expr.Array:
		if args, changed := mapList(e.Elems, f); changed {
			return &expr.Array{Elems: args, T: e.T}
		}
	case *expr.Row:
		if args, changed := mapList(e.Elems, f); changed {
			return &expr.Row{Elems: args}
		}
	case *Subquery:
		if t := Map(e.Test, f); t != e.Test {
			c := *e
			c.Test = t
			return &c
		}
	}
	return e
}

func mapList(list []expr.Expr, f func(expr.Expr) expr.Expr) ([]expr.Expr, bool) {
	for i, a := range list {
		m := Map(a, f)
		if m == a {
			continue
		}
		out := append([]expr.Expr(nil), list...)
		out[i] = m
		for j := i + 1; j < len(list); j++ {
			out[j] = Map(list[j], f)
		}
		return out, true
	}
	return list, false
}

func mapCase(e *expr.Case, f func(expr.Expr) expr.Expr) expr.Expr {
	c := &expr.Case{Whens: make([]expr.When, len(e.Whens)), Else: Map(e.Else, f), T: e.T}
	changed := c.Else != e.Else
	for i, w := range e.Whens {
		c.Whens[i] = expr.When{Cond: Map(w.Cond, f), Then: Map(w.Then, f)}
		changed = changed || c.Whens[i] != w
	}
	if !changed {
		return e
	}
	return c
}

// Walk calls visit for e and, where it returns true, for its parts. The plan inside a Subquery is not entered.
func Walk(e expr.Expr, visit func(expr.Expr) bool) {
	Map(e, func(x expr.Expr) expr.Expr {
		if visit(x) {
			return nil
		}
		return x
	})
}

// Substitute replaces the columns that repl knows, in e and in the subqueries below it.
func Substitute(e expr.Expr, repl func(ColID) expr.Expr) expr.Expr {
	return Map(e, func(x expr.Expr) expr.Expr {
		switch x := x.(type) {
		case *Var:
			if r := repl(x.ID); r != nil {
				return r
			}
			return x
		case *Subquery:
			c := *x
			c.Test = Substitute(x.Test, repl)
			c.Root = SubstituteTree(x.Root, repl)
			return &c
		}
		return nil
	})
}

// Equal reports whether a and b are the same expression, wherever they were written. Expressions with subqueries are
// equal only if they are the same object.
func Equal(a, b expr.Expr) bool {
	if a == b {
		return true
	}
	switch a := a.(type) {
	case *Var:
		b, ok := b.(*Var)
		return ok && a.ID == b.ID
	case *expr.Const:
		b, ok := b.(*expr.Const)
		return ok && equalScalar(a.Val, b.Val)
	case *expr.Param:
		b, ok := b.(*expr.Param)
		return ok && a.N == b.N && a.T == b.T
	case *expr.Call:
		b, ok := b.(*expr.Call)
		return ok && sameFunc(a.Fn, b.Fn) && a.T == b.T && equalList(a.Args, b.Args) && a.Fn.Vol != funcs.Volatile
	case *expr.And:
		b, ok := b.(*expr.And)
		return ok && equalList(a.Args, b.Args)
	case *expr.Or:
		b, ok := b.(*expr.Or)
		return ok && equalList(a.Args, b.Args)
	case *expr.Not:
		b, ok := b.(*expr.Not)
		return ok && Equal(a.Arg, b.Arg)
	case *expr.IsNull:
		b, ok := b.(*expr.IsNull)
		return ok && a.Negate == b.Negate && Equal(a.Arg, b.Arg)
	case *expr.Case:
		b, ok := b.(*expr.Case)
		return ok && equalCase(a, b)
	case *expr.Coalesce:
		b, ok := b.(*expr.Coalesce)
		return ok && a.T == b.T && equalList(a.Args, b.Args)
	case *expr.Array:
		b, ok := b.(*expr.Array)
		return ok && a.T == b.T && equalList(a.Elems, b.Elems)
	case *expr.Row:
		b, ok := b.(*expr.Row)
		return ok && equalList(a.Elems, b.Elems)
	}
	return false
}

// sameFunc compares by signature: the rows of casts are made when asked for.
func sameFunc(a, b *funcs.Func) bool {
	if a == b {
		return true
	}
	if a.Kind != b.Kind || a.Name != b.Name || a.Ret != b.Ret || len(a.Args) != len(b.Args) {
		return false
	}
	for i := range a.Args {
		if a.Args[i] != b.Args[i] {
			return false
		}
	}
	return true
}

func equalCase(a, b *expr.Case) bool {
	if len(a.Whens) != len(b.Whens) || a.T != b.T || (a.Else == nil) != (b.Else == nil) {
		return false
	}
	for i := range a.Whens {
		if !Equal(a.Whens[i].Cond, b.Whens[i].Cond) || !Equal(a.Whens[i].Then, b.Whens[i].Then) {
			return false
		}
	}
	return a.Else == nil || Equal(a.Else, b.Else)
}

func equalList(a, b []expr.Expr) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalScalar(a, b vec.Scalar) bool {
	if a.Type != b.Type || a.Null != b.Null {
		return false
	}
	return a.Null || a.I == b.I && a.F == b.F && bytes.Equal(a.B, b.B)
}

// Cols returns the columns e uses, those that its subqueries take from outside included.
func Cols(e expr.Expr) ColSet {
	var s ColSet
	addCols(&s, e)
	return s
}

func addCols(s *ColSet, e expr.Expr) {
	Walk(e, func(x expr.Expr) bool {
		switch x := x.(type) {
		case *Var:
			s.Add(x.ID)
		case *Subquery:
			inner := FreeCols(x.Root)
			test := Cols(x.Test)
			test.Remove(SetOf(x.Cols...))
			s.AddAll(inner)
			s.AddAll(test)
			return false
		}
		return true
	})
}

// MayRaise reports whether evaluating e can fail, so that it must stay where it is written (D9). A subquery can: it
// may yield more than one row.
func MayRaise(e expr.Expr) bool {
	raises := false
	Walk(e, func(x expr.Expr) bool {
		switch x := x.(type) {
		case *expr.Call:
			raises = raises || x.Fn.CanFail || x.Fn.Vol == funcs.Volatile
		case *Subquery:
			raises = true
		}
		return !raises
	})
	return raises
}

// Volatile reports whether e calls a function of that volatility or worse.
func Volatile(e expr.Expr, least funcs.Volatility) bool {
	found := false
	Walk(e, func(x expr.Expr) bool {
		if c, ok := x.(*expr.Call); ok {
			found = found || c.Fn.Vol == funcs.Volatile || c.Fn.Vol == least
		}
		return !found
	})
	return found
}

// HasSubquery reports whether e contains a subquery.
func HasSubquery(e expr.Expr) bool {
	found := false
	Walk(e, func(x expr.Expr) bool {
		_, ok := x.(*Subquery)
		found = found || ok
		return !found
	})
	return found
}

// Conjuncts splits e at its ANDs.
func Conjuncts(e expr.Expr) []expr.Expr {
	if e == nil {
		return nil
	}
	if a, ok := e.(*expr.And); ok {
		var out []expr.Expr
		for _, x := range a.Args {
			out = append(out, Conjuncts(x)...)
		}
		return out
	}
	return []expr.Expr{e}
}

// AndOf is the conjunction of list; nil for none.
func AndOf(list []expr.Expr) expr.Expr {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return &expr.And{Args: list}
}
