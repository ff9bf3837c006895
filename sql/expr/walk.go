package expr

import "github.com/millracedb/millrace/sql/funcs"

// Children returns the direct operands of e, in order of evaluation. A subquery's are its outer values; its Test
// is over other columns and is not among them.
func Children(e Expr) []Expr {
	switch e := e.(type) {
	case *Call:
		return e.Args
	case *And:
		return e.Args
	case *Or:
		return e.Args
	case *Not:
		return []Expr{e.Arg}
	case *IsNull:
		return []Expr{e.Arg}
	case *Case:
		cs := make([]Expr, 0, 2*len(e.Whens)+1)
		for _, w := range e.Whens {
			cs = append(cs, w.Cond, w.Then)
		}
		if e.Else != nil {
			cs = append(cs, e.Else)
		}
		return cs
	case *Coalesce:
		return e.Args
	case *Array:
		return e.Elems
	case *Row:
		return e.Elems
	case *Subquery:
		return e.Args
	}
	return nil
}

// Walk calls f for e and, while f returns true, for all below it, parents first. Of a subquery's Test it sees the
// parts over the input's columns and over the subquery's alike: tests on columns must stop at Subquery.
func Walk(e Expr, f func(Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	for _, c := range Children(e) {
		Walk(c, f)
	}
	if s, ok := e.(*Subquery); ok && s.Test != nil {
		Walk(s.Test, f)
	}
}

// Rewrite returns e with f applied to every node, children first. It copies what changes and shares the rest; e
// is not modified. A subquery's Test is rewritten too.
func Rewrite(e Expr, f func(Expr) Expr) Expr {
	if e == nil {
		return nil
	}
	return f(withChildren(e, func(c Expr) Expr { return Rewrite(c, f) }))
}

// withChildren maps the direct operands of e, and a subquery's Test.
func withChildren(e Expr, f func(Expr) Expr) Expr {
	switch e := e.(type) {
	case *Call:
		if args, changed := mapAll(e.Args, f); changed {
			return &Call{Fn: e.Fn, Args: args, T: e.T}
		}
	case *And:
		if args, changed := mapAll(e.Args, f); changed {
			return &And{args}
		}
	case *Or:
		if args, changed := mapAll(e.Args, f); changed {
			return &Or{args}
		}
	case *Not:
		if a := f(e.Arg); a != e.Arg {
			return &Not{a}
		}
	case *IsNull:
		if a := f(e.Arg); a != e.Arg {
			return &IsNull{a, e.Negate}
		}
	case *Case:
		return mapCase(e, f)
	case *Coalesce:
		if args, changed := mapAll(e.Args, f); changed {
			return &Coalesce{args, e.T}
		}
	case *Array:
		if elems, changed := mapAll(e.Elems, f); changed {
			return &Array{elems, e.T}
		}
	case *Row:
		if elems, changed := mapAll(e.Elems, f); changed {
			return &Row{elems}
		}
	case *Subquery:
		args, changed := mapAll(e.Args, f)
		test := e.Test
		if test != nil {
			test = f(test)
		}
		if changed || test != e.Test {
			return &Subquery{ID: e.ID, Kind: e.Kind, Args: args, Test: test, T: e.T}
		}
	}
	return e
}

func mapAll(es []Expr, f func(Expr) Expr) (out []Expr, changed bool) {
	for i, e := range es {
		m := f(e)
		if m != e && !changed {
			out, changed = append([]Expr{}, es...), true
		}
		if changed {
			out[i] = m
		}
	}
	if !changed {
		return es, false
	}
	return out, true
}

func mapCase(e *Case, f func(Expr) Expr) Expr {
	c := &Case{Whens: make([]When, len(e.Whens)), T: e.T}
	changed := false
	for i, w := range e.Whens {
		c.Whens[i] = When{f(w.Cond), f(w.Then)}
		changed = changed || c.Whens[i] != w
	}
	if e.Else != nil {
		c.Else = f(e.Else)
		changed = changed || c.Else != e.Else
	}
	if !changed {
		return e
	}
	return c
}

// MapCols returns e with the number of every input column replaced by f(number). The columns of a subquery's Test
// that lie past the input's width are the subquery's own and are shifted by as much as the width changes: from
// and to are the widths of the old and the new input.
func MapCols(e Expr, from, to int, f func(int) int) Expr {
	if e == nil {
		return nil
	}
	switch x := e.(type) {
	case *Col:
		i := x.Index + to - from
		if x.Index < from {
			i = f(x.Index)
		}
		if i == x.Index {
			return e
		}
		return &Col{Index: i, T: x.T, Name: x.Name}
	}
	return withChildren(e, func(c Expr) Expr { return MapCols(c, from, to, f) })
}

// Shift adds by to the number of every input column, for an input that by columns are put in front of; width is
// the number of columns before that.
func Shift(e Expr, width, by int) Expr {
	return MapCols(e, width, width+by, func(i int) int { return i + by })
}

// Remap replaces column i of an input by column m[i] of one of width columns.
func Remap(e Expr, m []int, width int) Expr {
	return MapCols(e, len(m), width, func(i int) int { return m[i] })
}

// Substitute replaces every input column by an expression over another input: what pushing an expression through
// a projection means. e must not contain a quantified subquery.
func Substitute(e Expr, by []Expr) Expr {
	return Rewrite(e, func(x Expr) Expr {
		if c, ok := x.(*Col); ok {
			return by[c.Index]
		}
		return x
	})
}

// Columns calls f for the number of every input column that e reads, repeatedly if it is read repeatedly. width is
// the number of columns of the input.
func Columns(e Expr, width int, f func(int)) {
	Walk(e, func(x Expr) bool {
		if c, ok := x.(*Col); ok && c.Index < width {
			f(c.Index)
		}
		return true
	})
}

// CanFail reports whether evaluating e may raise an error for some row. Such an expression must not run on rows
// that it would not run on in the query as written.
func CanFail(e Expr) bool {
	return contains(e, func(x Expr) bool {
		switch x := x.(type) {
		case *Call:
			return x.Fn.CanFail
		case *Subquery:
			return true
		case *Array:
			return len(x.Elems) > 0 && x.Elems[0].Type().OID.IsArray()
		}
		return false
	})
}

// MaxVolatility is the volatility of the most volatile function in e.
func MaxVolatility(e Expr) funcs.Volatility {
	max := funcs.Immutable
	Walk(e, func(x Expr) bool {
		if c, ok := x.(*Call); ok && volRank(c.Fn.Vol) > volRank(max) {
			max = c.Fn.Vol
		}
		return true
	})
	return max
}

func volRank(v funcs.Volatility) int {
	switch v {
	case funcs.Volatile:
		return 2
	case funcs.Stable:
		return 1
	}
	return 0
}

// IsVolatile reports whether e may give another value each time.
func IsVolatile(e Expr) bool { return MaxVolatility(e) == funcs.Volatile }

// IsConst reports whether e reads no row and gives one value in a statement: it has no columns, outer values,
// subqueries or volatile functions.
func IsConst(e Expr) bool {
	return !contains(e, func(x Expr) bool {
		switch x := x.(type) {
		case *Col, *Outer, *Subquery:
			return true
		case *Call:
			return x.Fn.Vol == funcs.Volatile
		}
		return false
	})
}

// HasSubquery reports whether there is a subquery in e.
func HasSubquery(e Expr) bool {
	return contains(e, func(x Expr) bool { _, ok := x.(*Subquery); return ok })
}

func contains(e Expr, is func(Expr) bool) bool {
	found := false
	Walk(e, func(x Expr) bool {
		found = found || is(x)
		return !found
	})
	return found
}
