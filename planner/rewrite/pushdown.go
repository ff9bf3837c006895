package rewrite

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
)

// push returns a tree equal to a filter by conds over n, with the conditions as deep as they may go. A condition that
// can raise stays where it is. One that cannot may go below an expression that can: PostgreSQL does the same when it
// pulls up a subquery, and rows that a filter drops raise nothing.
func (r *rewriter) push(n logical.Node, conds []expr.Expr) logical.Node {
	switch n := n.(type) {
	case *logical.Filter:
		return r.pushFilter(n, conds)
	case *logical.Extend:
		return r.pushExtend(n, conds)
	case *logical.Join:
		return r.pushJoin(n, conds)
	case *logical.Aggregate:
		if len(n.Keys) == 0 {
			break
		}
		return r.pushBelow(n, conds, logical.SetOf(n.Keys...))
	case *logical.Distinct:
		return r.pushBelow(n, conds, logical.SetOf(n.Cols...))
	case *logical.Window:
		return r.pushBelow(n, conds, logical.SetOf(n.Partition...))
	case *logical.TopN:
		return r.pushBelow(n, conds, logical.SetOf(n.Partition...))
	case *logical.Hop:
		return r.pushBelow(n, conds, logical.Outputs(n.Input))
	case *logical.Sort:
		if n.Limit == nil && n.Offset == nil {
			return r.pushBelow(n, conds, logical.Outputs(n))
		}
	case *logical.Union:
		return r.pushUnion(n, conds)
	}
	for i, c := range n.Children() {
		n.SetChild(i, r.push(c, nil))
	}
	return filter(n, conds)
}

// movable reports whether a condition may be evaluated earlier, on more rows.
func movable(e expr.Expr) bool {
	return !logical.MayRaise(e) && !logical.HasSubquery(e) && !logical.Volatile(e, funcs.Volatile)
}

// split divides conds into those for which low holds and that are movable, and the others, keeping the order.
func split(conds []expr.Expr, low func(expr.Expr) bool) (down, stay []expr.Expr) {
	for _, c := range conds {
		if movable(c) && low(c) {
			down = append(down, c)
		} else {
			stay = append(stay, c)
		}
	}
	return down, stay
}

// usesOnly reports that e takes from the columns all only ones in ok; columns from outside the tree do not count.
func usesOnly(e expr.Expr, ok, all logical.ColSet) bool {
	for _, id := range logical.Cols(e).List() {
		if all.Has(id) && !ok.Has(id) {
			return false
		}
	}
	return true
}

// pushBelow pushes conditions on the columns pass below a node with one input.
func (r *rewriter) pushBelow(n logical.Node, conds []expr.Expr, pass logical.ColSet) logical.Node {
	all := logical.Outputs(n)
	down, stay := split(conds, func(e expr.Expr) bool {
		return usesOnly(e, pass, all) && logical.Cols(e).Meets(pass)
	})
	n.SetChild(0, r.push(n.Children()[0], down))
	return filter(n, stay)
}

// pushFilter joins two filters. What stays keeps the order of the text: the inner conditions first.
func (r *rewriter) pushFilter(n *logical.Filter, conds []expr.Expr) logical.Node {
	all := append(n.Conds[:len(n.Conds):len(n.Conds)], conds...)
	var down, stay []expr.Expr
	for _, c := range all {
		if movable(c) {
			down = append(down, c)
		} else {
			stay = append(stay, c)
		}
	}
	// A join decides itself what it takes of the rest: equalities that can raise may still be its keys.
	if j, ok := n.Input.(*logical.Join); ok && r.o.AdHoc {
		return r.pushJoin(j, all)
	}
	return filter(r.push(n.Input, down), stay)
}

// pushExtend pushes conditions below computed columns, replacing these by what they are where that is cheap and safe.
func (r *rewriter) pushExtend(n *logical.Extend, conds []expr.Expr) logical.Node {
	items := map[logical.ColID]expr.Expr{}
	var computed logical.ColSet
	for _, it := range n.Items {
		items[it.ID] = it.E
		computed.Add(it.ID)
	}
	var down, stay []expr.Expr
	for _, c := range conds {
		if !movable(c) {
			stay = append(stay, c)
			continue
		}
		if !logical.Cols(c).Meets(computed) {
			down = append(down, c)
			continue
		}
		s := logical.Substitute(c, func(id logical.ColID) expr.Expr { return items[id] })
		if movable(s) {
			down = append(down, simplifyLogic(r.o.Folder.Fold(s)))
		} else {
			stay = append(stay, c)
		}
	}
	n.Input = r.push(n.Input, down)
	return filter(n, stay)
}

// pushUnion pushes conditions into every branch.
func (r *rewriter) pushUnion(n *logical.Union, conds []expr.Expr) logical.Node {
	all := logical.Outputs(n)
	down, stay := split(conds, func(e expr.Expr) bool { return logical.Cols(e).Meets(all) })
	for k, in := range n.In {
		var mine []expr.Expr
		for _, c := range down {
			mine = append(mine, logical.Substitute(c, func(id logical.ColID) expr.Expr {
				for i, out := range n.Out {
					if out == id {
						return r.meta.Var(n.Cols[k][i])
					}
				}
				return nil
			}))
		}
		n.In[k] = r.push(in, mine)
	}
	return filter(n, stay)
}

// pushJoin pushes conditions into the sides of a join. Inner joins are handled together (joinorder.go).
func (r *rewriter) pushJoin(n *logical.Join, conds []expr.Expr) logical.Node {
	if n.Lateral() {
		return r.pushLateral(n, conds)
	}
	left, right := logical.Outputs(n.Left), logical.Outputs(n.Right)
	all := left.Union(right)
	if n.Kind == physical.Left && rejectsNulls(conds, right) {
		n.Kind = physical.Inner
	}
	switch n.Kind {
	case physical.Inner:
		return r.joins(n, conds)
	case physical.Full:
		n.Left, n.Right = r.push(n.Left, nil), r.push(n.Right, nil)
		return filter(n, conds)
	}
	down, stay := split(conds, func(e expr.Expr) bool { return usesOnly(e, left, all) })
	var rdown, on []expr.Expr
	for _, c := range n.On {
		switch {
		case movable(c) && usesOnly(c, right, all):
			rdown = append(rdown, c)
		case n.Kind == physical.Semi && movable(c) && usesOnly(c, left, all):
			down = append(down, c)
		default:
			on = append(on, c)
		}
	}
	n.On = on
	n.Left, n.Right = r.push(n.Left, down), r.push(n.Right, rdown)
	return filter(n, stay)
}

// pushLateral pushes conditions on the left side of a lateral join; the right side runs for each row that is left.
func (r *rewriter) pushLateral(n *logical.Join, conds []expr.Expr) logical.Node {
	left := logical.Outputs(n.Left)
	all := logical.Outputs(n)
	down, stay := split(conds, func(e expr.Expr) bool { return usesOnly(e, left, all) })
	n.Left, n.Right = r.push(n.Left, down), r.push(n.Right, nil)
	return filter(n, stay)
}

// rejectsNulls reports whether one of the conditions is not true for a row whose columns cols are all null: an outer
// join below it is then an inner join.
func rejectsNulls(conds []expr.Expr, cols logical.ColSet) bool {
	for _, c := range conds {
		if strictIn(c, cols) {
			return true
		}
	}
	return false
}

// strictIn reports that e is null or false if all of cols are null.
func strictIn(e expr.Expr, cols logical.ColSet) bool {
	switch e := e.(type) {
	case *logical.Var:
		return cols.Has(e.ID)
	case *expr.Call:
		if e.Fn.Lax {
			return false
		}
		for _, a := range e.Args {
			if strictIn(a, cols) {
				return true
			}
		}
	case *expr.IsNull:
		return e.Negate && strictIn(e.Arg, cols)
	case *expr.And:
		for _, a := range e.Args {
			if strictIn(a, cols) {
				return true
			}
		}
	case *expr.Or:
		for _, a := range e.Args {
			if !strictIn(a, cols) {
				return false
			}
		}
		return len(e.Args) > 0
	}
	return false
}
