package incr

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
)

// keyOf finds output columns that identify a row of the view in every state: grouping keys, or primary keys of what it
// reads that are carried through. nil: none.
func keyOf(q *logical.Query) []int {
	cols := unique(q.Root)
	if len(cols) == 0 {
		return nil
	}
	var key []int
	for _, id := range cols {
		i := slices.IndexFunc(q.Out, func(o logical.Out) bool { return o.ID == id })
		if i < 0 {
			if i = renamed(q, id); i < 0 {
				return nil
			}
		}
		key = append(key, i)
	}
	return key
}

// renamed finds an output column that is a plain copy of column id.
func renamed(q *logical.Query, id logical.ColID) int {
	x, ok := q.Root.(*logical.Extend)
	if !ok {
		return -1
	}
	for _, it := range x.Items {
		if v, ok := it.E.(*logical.Var); ok && v.ID == id {
			return slices.IndexFunc(q.Out, func(o logical.Out) bool { return o.ID == it.ID })
		}
	}
	return -1
}

// unique returns columns whose values together occur at most once in the output of n; nil if none are known.
func unique(n logical.Node) []logical.ColID {
	switch n := n.(type) {
	case *logical.Scan:
		return scanKey(n)
	case *logical.Filter, *logical.Extend, *logical.EmitOnClose, *logical.Sort:
		return unique(n.Children()[0])
	case *logical.TopN:
		if k := unique(n.Input); k != nil || n.Limit != 1 {
			return k
		}
		return n.Partition
	case *logical.Window:
		return windowKey(n)
	case *logical.Hop:
		if k := unique(n.Input); k != nil {
			return append(slices.Clone(k), n.Start)
		}
	case *logical.Expand:
		if k := unique(n.Input); k != nil && n.Call.Ord >= 0 && !n.Outer {
			return append(slices.Clone(k), n.Call.Ord)
		}
	case *logical.Aggregate:
		return withoutEnds(n.Keys[:n.Given], n)
	case *logical.Distinct:
		return withoutEnds(n.Cols, n)
	case *logical.Join:
		return joinKey(n)
	}
	return nil
}

// windowKey: the rows of a partition are told apart by their number.
func windowKey(n *logical.Window) []logical.ColID {
	if k := unique(n.Input); k != nil {
		return k
	}
	for _, f := range n.Funcs {
		if f.Name == "row_number" {
			return append(slices.Clone(n.Partition), f.ID)
		}
	}
	return nil
}

func scanKey(n *logical.Scan) []logical.ColID {
	var k []logical.ColID
	for _, i := range n.Rel.PrimaryKey {
		k = append(k, n.Cols[i])
	}
	return k
}

// withoutEnds drops a window's end from grouping keys that have its start: the start decides it.
func withoutEnds(keys []logical.ColID, n logical.Node) []logical.ColID {
	out := slices.Clone(keys)
	for ; n != nil; n = only(n) {
		if h, ok := n.(*logical.Hop); ok && slices.Contains(out, h.Start) && slices.Contains(out, h.End) {
			out = slices.DeleteFunc(out, func(id logical.ColID) bool { return id == h.End })
		}
	}
	return out
}

func only(n logical.Node) logical.Node {
	if kids := n.Children(); len(kids) == 1 {
		return kids[0]
	}
	return nil
}

// joinKey: if a row of one side matches at most one of the other, the first side's key is the join's; else, for an
// inner join, the keys of both together.
func joinKey(n *logical.Join) []logical.ColID {
	left := unique(n.Left)
	switch n.Kind {
	case physical.Semi, physical.Anti:
		return left
	case physical.Full: // either side's key may be null
		return nil
	}
	right := unique(n.Right)
	lhas, rhas := logical.Outputs(n.Left), logical.Outputs(n.Right)
	one := func(key []logical.ColID, mine, other logical.ColSet) bool { // the other side decides the key of this one
		if len(key) == 0 {
			return false
		}
		for _, id := range key {
			if !slices.ContainsFunc(n.On, func(e expr.Expr) bool { return fixes(e, id, other) }) {
				return false
			}
		}
		return true
	}
	switch {
	case left != nil && one(right, rhas, lhas):
		return left
	case n.Kind != physical.Inner:
		return nil
	case right != nil && one(left, lhas, rhas):
		return right
	case left != nil && right != nil:
		return append(slices.Clone(left), right...)
	}
	return nil
}

// fixes reports that e is id = something over the columns of the other side.
func fixes(e expr.Expr, id logical.ColID, other logical.ColSet) bool {
	c, ok := e.(*expr.Call)
	if !ok || c.Fn.Name != "=" || len(c.Args) != 2 {
		return false
	}
	for i := range 2 {
		v, ok := c.Args[i].(*logical.Var)
		if ok && v.ID == id && logical.Cols(c.Args[1-i]).Within(other) {
			return true
		}
	}
	return false
}
