package incr

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/expr"
)

// topN recognises the first k rows of each group,
//
//	SELECT ... FROM (SELECT *, row_number() OVER (PARTITION BY p ORDER BY o) AS n FROM t) WHERE n <= k
//
// and keeps only those: a TopN goes below the Window, or takes its place if nothing else uses the number.
func topN(n logical.Node, need logical.ColSet) logical.Node {
	needs := childNeeds(n, need)
	for i, c := range n.Children() {
		n.SetChild(i, topN(c, needs))
	}
	f, ok := n.(*logical.Filter)
	if !ok {
		return n
	}
	w, ok := f.Input.(*logical.Window)
	if !ok || len(w.Funcs) != 1 || w.Funcs[0].Name != "row_number" {
		return n
	}
	num := w.Funcs[0].ID
	for i, c := range f.Conds {
		k, ok := upTo(c, num)
		if !ok {
			continue
		}
		t := &logical.TopN{Input: w.Input, Partition: w.Partition, Order: w.Order, Limit: max(k, 0)}
		rest := append(f.Conds[:i:i], f.Conds[i+1:]...)
		used := need.Has(num)
		for _, r := range rest {
			used = used || logical.Cols(r).Has(num)
		}
		if used {
			w.Input = t
			return n
		}
		if len(rest) == 0 {
			return t
		}
		return &logical.Filter{Input: t, Conds: rest}
	}
	return n
}

// childNeeds is what a node's inputs must output for it: everything it uses, and what its consumer needs.
func childNeeds(n logical.Node, need logical.ColSet) logical.ColSet {
	out := need.Clone()
	logical.Exprs(n, func(e expr.Expr) expr.Expr {
		out.AddAll(logical.Cols(e))
		return e
	})
	out.AddAll(logical.Uses(n))
	return out
}

// upTo reads num <= k, num < k and num = 1, in either order of the operands.
func upTo(e expr.Expr, num logical.ColID) (int64, bool) {
	c, ok := e.(*expr.Call)
	if !ok || len(c.Args) != 2 {
		return 0, false
	}
	op, col, lim := c.Fn.Name, c.Args[0], c.Args[1]
	if v, ok := lim.(*logical.Var); ok && v.ID == num {
		col, lim = lim, col
		op = map[string]string{">=": "<=", ">": "<", "=": "="}[op]
	}
	v, ok := col.(*logical.Var)
	k, isConst := lim.(*expr.Const)
	if !ok || v.ID != num || !isConst || k.Val.Null || k.Val.Type.Class() != 0 {
		return 0, false
	}
	switch op {
	case "<=":
		return k.Val.I, true
	case "<":
		return k.Val.I - 1, true
	case "=":
		return k.Val.I, k.Val.I == 1
	}
	return 0, false
}
