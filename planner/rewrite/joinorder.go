package rewrite

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
)

// cluster is a set of inner joins taken apart: the relations joined and all conditions over them. FROM a, b, c WHERE
// a.x = c.x AND c.y = b.y would else be a product of a and b.
type cluster struct {
	leaves []logical.Node
	conds  []expr.Expr
}

// joins plans a cluster of inner joins under the conditions conds: each condition on one relation goes to it, and
// relations are joined in an order in which, as far as possible, every one has an equality with those before it.
func (r *rewriter) joins(n *logical.Join, conds []expr.Expr) logical.Node {
	c := &cluster{}
	r.flatten(n, c)
	var top []expr.Expr // evaluated over the whole, in the order of the text
	for _, e := range conds {
		if movable(e) || r.raisingKey(e, c) {
			c.conds = append(c.conds, e)
		} else {
			top = append(top, e)
		}
	}
	rest := r.single(c)
	return filter(r.order(c, rest), top)
}

// raisingKey reports whether e is an equality of two relations that may serve as a key although computing it can raise.
// In a view it may not: its rows would become error rows.
func (r *rewriter) raisingKey(e expr.Expr, c *cluster) bool {
	if !r.o.AdHoc || logical.HasSubquery(e) {
		return false
	}
	call, ok := e.(*expr.Call)
	if !ok || call.Fn.Name != "=" || len(call.Args) != 2 {
		return false
	}
	return c.leafOf(call.Args[0]) >= 0 && c.leafOf(call.Args[1]) >= 0 && c.leafOf(call.Args[0]) != c.leafOf(call.Args[1])
}

// leafOf is the one leaf whose columns e uses, or -1.
func (c *cluster) leafOf(e expr.Expr) int {
	cols := logical.Cols(e)
	if cols.Empty() {
		return -1
	}
	for i, l := range c.leaves {
		if cols.Within(logical.Outputs(l)) {
			return i
		}
	}
	return -1
}

// flatten collects the leaves below nested inner joins. A join with a condition that can raise stays one leaf: its
// condition belongs to its pairs.
func (r *rewriter) flatten(n logical.Node, c *cluster) {
	switch x := n.(type) {
	case *logical.Join:
		if x.Kind != physical.Inner || x.Lateral() || raisesAny(x.On) && !r.o.AdHoc {
			break
		}
		if raisesAny(x.On) && !onlyKeys(x) {
			break
		}
		r.flatten(x.Left, c)
		r.flatten(x.Right, c)
		c.conds = append(c.conds, x.On...)
		return
	case *logical.Filter:
		if j, ok := x.Input.(*logical.Join); ok && j.Kind == physical.Inner && !j.Lateral() && !raisesAny(x.Conds) && !raisesAny(j.On) {
			r.flatten(j, c)
			c.conds = append(c.conds, x.Conds...)
			return
		}
	}
	c.leaves = append(c.leaves, n)
}

// onlyKeys reports that the raising conditions of a join are equalities between its sides.
func onlyKeys(j *logical.Join) bool {
	l, rt := logical.Outputs(j.Left), logical.Outputs(j.Right)
	for _, e := range j.On {
		if !logical.MayRaise(e) {
			continue
		}
		c, ok := e.(*expr.Call)
		if !ok || c.Fn.Name != "=" || len(c.Args) != 2 || logical.HasSubquery(e) {
			return false
		}
		a, b := logical.Cols(c.Args[0]), logical.Cols(c.Args[1])
		if a.Empty() || b.Empty() || !(a.Within(l) && b.Within(rt) || a.Within(rt) && b.Within(l)) {
			return false
		}
	}
	return true
}

// single pushes the conditions on one leaf into it and returns the others. Conditions on no leaf at all (constants,
// outer columns) go to the first leaf, so that nothing is read when they are false.
func (r *rewriter) single(c *cluster) []expr.Expr {
	all := logical.ColSet{}
	outs := make([]logical.ColSet, len(c.leaves))
	for i, l := range c.leaves {
		outs[i] = logical.Outputs(l)
		all.AddAll(outs[i])
	}
	mine := make([][]expr.Expr, len(c.leaves))
	var rest []expr.Expr
next:
	for _, e := range c.conds {
		if movable(e) {
			for i := range c.leaves {
				if usesOnly(e, outs[i], all) {
					mine[i] = append(mine[i], e)
					continue next
				}
			}
		}
		rest = append(rest, e)
	}
	for i, l := range c.leaves {
		if j, ok := l.(*logical.Join); ok && j.Kind == physical.Inner && !j.Lateral() {
			j.Left, j.Right = r.push(j.Left, nil), r.push(j.Right, nil)
			c.leaves[i] = filter(j, mine[i])
			continue
		}
		c.leaves[i] = r.push(l, mine[i])
	}
	return rest
}

// order joins the leaves, each next one connected to those before it if any is.
func (r *rewriter) order(c *cluster, conds []expr.Expr) logical.Node {
	left := make([]int, len(c.leaves))
	for i := range left {
		left[i] = i
	}
	first := 0
	if r.o.AdHoc {
		first = c.selective()
	}
	node := c.leaves[first]
	have := logical.Outputs(node).Clone()
	left = append(left[:first], left[first+1:]...)
	for len(left) > 0 {
		pick := 0
		for k, i := range left {
			if connected(conds, have, logical.Outputs(c.leaves[i])) {
				pick = k
				break
			}
		}
		leaf := c.leaves[left[pick]]
		left = append(left[:pick], left[pick+1:]...)
		have.AddAll(logical.Outputs(leaf))
		j := &logical.Join{Kind: physical.Inner, Left: node, Right: leaf}
		j.On, conds = covered(conds, have, c)
		node = j
	}
	return filter(node, conds)
}

// selective is the leaf to begin with: the first that is filtered by an equality with a constant, else the first.
func (c *cluster) selective() int {
	for i, l := range c.leaves {
		f, ok := l.(*logical.Filter)
		if !ok {
			continue
		}
		for _, e := range f.Conds {
			call, ok := e.(*expr.Call)
			if ok && call.Fn.Name == "=" && len(call.Args) == 2 &&
				(logical.Cols(call.Args[0]).Empty() || logical.Cols(call.Args[1]).Empty()) {
				return i
			}
		}
	}
	return 0
}

// connected reports whether an equality links the columns have with the columns of a leaf.
func connected(conds []expr.Expr, have, leaf logical.ColSet) bool {
	for _, e := range conds {
		c, ok := e.(*expr.Call)
		if !ok || c.Fn.Name != "=" || len(c.Args) != 2 {
			continue
		}
		a, b := logical.Cols(c.Args[0]), logical.Cols(c.Args[1])
		if a.Empty() || b.Empty() {
			continue
		}
		if a.Within(have) && b.Within(leaf) || a.Within(leaf) && b.Within(have) {
			return true
		}
	}
	return false
}

// covered takes the conditions that can be evaluated over the columns have.
func covered(conds []expr.Expr, have logical.ColSet, c *cluster) (now, later []expr.Expr) {
	var all logical.ColSet
	for _, l := range c.leaves {
		all.AddAll(logical.Outputs(l))
	}
	for _, e := range conds {
		if usesOnly(e, have, all) {
			now = append(now, e)
		} else {
			later = append(later, e)
		}
	}
	return now, later
}
