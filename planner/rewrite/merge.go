package rewrite

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
)

// merge makes one Extend of two, where a column of the inner one is used once or costs nothing: one pass over the rows
// instead of two. A part that can raise is not moved: it might get into a CASE arm.
func (r *rewriter) merge(n logical.Node) logical.Node {
	for i, c := range n.Children() {
		n.SetChild(i, r.merge(c))
	}
	outer, ok := n.(*logical.Extend)
	if !ok {
		return n
	}
	inner, ok := outer.Input.(*logical.Extend)
	if !ok {
		return n
	}
	items := map[logical.ColID]expr.Expr{}
	for _, it := range inner.Items {
		items[it.ID] = it.E
	}
	uses := map[logical.ColID]int{}
	for _, it := range outer.Items {
		countUses(it.E, uses)
	}
	for id, e := range items {
		if uses[id] > 0 && !(trivial(e) || uses[id] == 1 && simple(e)) {
			return n
		}
	}
	merged := &logical.Extend{Input: inner.Input, Items: append([]logical.Item{}, inner.Items...)}
	for _, it := range outer.Items {
		e := logical.Substitute(it.E, func(id logical.ColID) expr.Expr { return items[id] })
		merged.Items = append(merged.Items, logical.Item{ID: it.ID, E: e})
	}
	return merged
}

func countUses(e expr.Expr, uses map[logical.ColID]int) {
	logical.Walk(e, func(x expr.Expr) bool {
		switch x := x.(type) {
		case *logical.Var:
			uses[x.ID]++
		case *logical.Subquery:
			for _, id := range logical.Cols(x).List() {
				uses[id] += 2 // it may be evaluated for every row of the subquery
			}
			return false
		}
		return true
	})
}

func trivial(e expr.Expr) bool {
	switch e.(type) {
	case *logical.Var, *expr.Const, *expr.Param:
		return true
	}
	return false
}

func simple(e expr.Expr) bool {
	return !logical.MayRaise(e) && !logical.HasSubquery(e) && !logical.Volatile(e, funcs.Volatile)
}
