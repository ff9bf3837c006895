package logical

import (
	"slices"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
)

// Outputs returns the columns a node outputs.
func Outputs(n Node) ColSet {
	switch n := n.(type) {
	case *Scan:
		s := SetOf(n.Cols...)
		if n.Late >= 0 {
			s.Add(n.Late)
		}
		return s
	case *Values:
		return SetOf(n.Cols...)
	case *Filter:
		return Outputs(n.Input)
	case *Extend:
		s := Outputs(n.Input).Clone()
		for _, it := range n.Items {
			s.Add(it.ID)
		}
		return s
	case *Aggregate:
		s := SetOf(n.Keys...)
		for _, a := range n.Aggs {
			s.Add(a.ID)
		}
		return s
	case *Distinct:
		return SetOf(n.Cols...)
	case *Join:
		if n.Kind == physical.Semi || n.Kind == physical.Anti {
			return Outputs(n.Left)
		}
		return Outputs(n.Left).Union(Outputs(n.Right))
	case *Union:
		return SetOf(n.Out...)
	case *SetOp:
		return SetOf(n.Out...)
	case *Window:
		s := Outputs(n.Input).Clone()
		for _, f := range n.Funcs {
			s.Add(f.ID)
		}
		return s
	case *Hop:
		s := Outputs(n.Input).Clone()
		s.Add(n.Start)
		s.Add(n.End)
		return s
	case *Expand:
		return Outputs(n.Input).Union(Outputs(n.Call))
	case *TableFunc:
		s := SetOf(n.Cols...)
		if n.Ord >= 0 {
			s.Add(n.Ord)
		}
		return s
	case *Recursive:
		return SetOf(n.Out...)
	case *RecursiveRef:
		return SetOf(n.Cols...)
	}
	return Outputs(n.Children()[0]) // TopN, EmitOnClose, Sort
}

// Exprs calls f for each expression of the node itself and stores what it returns.
func Exprs(n Node, f func(expr.Expr) expr.Expr) {
	each := func(list []expr.Expr) {
		for i, e := range list {
			list[i] = f(e)
		}
	}
	switch n := n.(type) {
	case *Scan:
		each(n.Lookup)
	case *Values:
		for _, r := range n.Rows {
			each(r)
		}
	case *Filter:
		each(n.Conds)
	case *Extend:
		for i := range n.Items {
			n.Items[i].E = f(n.Items[i].E)
		}
	case *Join:
		each(n.On)
	case *TableFunc:
		each(n.Args)
	case *Expand:
		each(n.Call.Args)
	case *Sort:
		if n.Limit != nil {
			n.Limit = f(n.Limit)
		}
		if n.Offset != nil {
			n.Offset = f(n.Offset)
		}
	}
}

// Uses returns the columns that the node itself reads by id, outside expressions.
func Uses(n Node) ColSet {
	var s ColSet
	keys := func(list []Key) {
		for _, k := range list {
			s.Add(k.ID)
		}
	}
	cols := func(list []ColID) {
		for _, id := range list {
			s.Add(id)
		}
	}
	switch n := n.(type) {
	case *Aggregate:
		cols(n.Keys)
		for _, a := range n.Aggs {
			cols(a.Args)
			keys(a.Order)
			if a.Filter >= 0 {
				s.Add(a.Filter)
			}
		}
	case *Distinct:
		cols(n.Cols)
	case *Window:
		cols(n.Partition)
		keys(n.Order)
		for _, f := range n.Funcs {
			cols(f.Args)
			if f.Filter >= 0 {
				s.Add(f.Filter)
			}
		}
	case *TopN:
		cols(n.Partition)
		keys(n.Order)
	case *Hop:
		s.Add(n.Time)
	case *EmitOnClose:
		s.Add(n.End)
	case *Sort:
		keys(n.Keys)
	case *SetOp:
		cols(n.LeftCols)
		cols(n.RightCols)
	case *Union:
		for _, c := range n.Cols {
			cols(c)
		}
	case *Recursive:
		cols(n.SeedCols)
		cols(n.StepCols)
	}
	return s
}

// FreeCols returns the columns that the tree below n uses and does not output itself: what it takes from outside.
func FreeCols(n Node) ColSet {
	need := Uses(n)
	Exprs(n, func(e expr.Expr) expr.Expr {
		need.AddAll(Cols(e))
		return e
	})
	var have, below ColSet
	for _, c := range n.Children() {
		have.AddAll(Outputs(c))
		below.AddAll(FreeCols(c))
	}
	if j, ok := n.(*Join); ok { // a lateral right side takes columns of the left
		below = FreeCols(j.Left).Clone()
		right := FreeCols(j.Right).Clone()
		right.Remove(Outputs(j.Left))
		below.AddAll(right)
	}
	if x, ok := n.(*Extend); ok { // an item may use an earlier one
		for _, it := range x.Items {
			have.Add(it.ID)
		}
	}
	need.Remove(have)
	need.AddAll(below)
	return need
}

// Lateral reports whether the right side of a join takes columns of the left.
func (n *Join) Lateral() bool { return FreeCols(n.Right).Meets(Outputs(n.Left)) }

// SubstituteTree replaces columns in every expression of a copy of the tree. Columns the tree reads by id (grouping
// and sort keys) are not replaced: repl must know columns from outside the tree only.
func SubstituteTree(n Node, repl func(ColID) expr.Expr) Node {
	c := shallow(n)
	Exprs(c, func(e expr.Expr) expr.Expr { return Substitute(e, repl) })
	for i, k := range c.Children() {
		c.SetChild(i, SubstituteTree(k, repl))
	}
	return c
}

// shallow copies the node and the lists of expressions and children in it.
func shallow(n Node) Node {
	switch n := n.(type) {
	case *Scan:
		c := *n
		c.Lookup = slices.Clone(n.Lookup)
		return &c
	case *Values:
		c := *n
		c.Rows = slices.Clone(n.Rows)
		for i := range c.Rows {
			c.Rows[i] = slices.Clone(c.Rows[i])
		}
		return &c
	case *Filter:
		c := *n
		c.Conds = slices.Clone(n.Conds)
		return &c
	case *Extend:
		c := *n
		c.Items = slices.Clone(n.Items)
		return &c
	case *Join:
		c := *n
		c.On = slices.Clone(n.On)
		return &c
	case *Union:
		c := *n
		c.In = slices.Clone(n.In)
		return &c
	case *TableFunc:
		c := *n
		c.Args = slices.Clone(n.Args)
		return &c
	}
	return shallow2(n)
}

// shallow2 is the second half of shallow: nodes without lists of expressions.
func shallow2(n Node) Node {
	switch n := n.(type) {
	case *Aggregate:
		c := *n
		return &c
	case *Distinct:
		c := *n
		return &c
	case *SetOp:
		c := *n
		return &c
	case *Window:
		c := *n
		return &c
	case *TopN:
		c := *n
		return &c
	case *Hop:
		c := *n
		return &c
	case *Expand:
		c := *n
		c.Call = shallow(n.Call).(*TableFunc)
		return &c
	case *EmitOnClose:
		c := *n
		return &c
	case *Sort:
		c := *n
		return &c
	case *Recursive:
		c := *n
		return &c
	}
	return n
}
