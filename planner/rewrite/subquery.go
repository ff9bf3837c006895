package rewrite

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/vec"
)

// unnest turns subqueries into joins where that is simple, so that they run once and not for each row:
//
//	WHERE EXISTS (q), x IN (q)      semi join
//	WHERE NOT EXISTS (q)            anti join
//	(SELECT count(*) FROM ...)      a join with the one row, if it does not depend on outer columns
//
// NOT IN becomes an anti join only where no null can be on either side: with one it is never true.
func (r *rewriter) unnest(n logical.Node) logical.Node {
	for i, c := range n.Children() {
		n.SetChild(i, r.unnest(c))
	}
	switch x := n.(type) {
	case *logical.Filter:
		return r.unnestFilter(x)
	case *logical.Extend:
		for i := range x.Items {
			x.Items[i].E, x.Input = r.scalars(x.Items[i].E, x.Input)
		}
	}
	return n
}

func (r *rewriter) unnestFilter(f *logical.Filter) logical.Node {
	var rest []expr.Expr
	for _, c := range f.Conds {
		if j := r.semiJoin(f.Input, c); j != nil {
			f.Input = j
			continue
		}
		c, f.Input = r.scalars(c, f.Input)
		rest = append(rest, c)
	}
	if len(rest) == 0 {
		return f.Input
	}
	f.Conds = rest
	return f
}

// semiJoin returns the join that a condition is over input, or nil.
func (r *rewriter) semiJoin(input logical.Node, cond expr.Expr) logical.Node {
	kind := physical.Semi
	if not, ok := cond.(*expr.Not); ok {
		kind, cond = physical.Anti, not.Arg
	}
	s, ok := cond.(*logical.Subquery)
	if !ok || s.Kind != expr.SubExists && s.Kind != expr.SubAny {
		return nil
	}
	outer := logical.Outputs(input)
	j := &logical.Join{Kind: kind, Left: input}
	if s.Kind == expr.SubAny {
		if kind == physical.Anti && !r.neverNull(s, input) {
			return nil
		}
		if logical.HasSubquery(s.Test) {
			return nil
		}
		j.On = logical.Conjuncts(s.Test)
	}
	right, conds, ok := decorrelate(s.Root, outer, s.Kind == expr.SubExists)
	if !ok {
		return nil
	}
	j.Right, j.On = r.unnest(r.fold(right)), append(j.On, conds...)
	if raisesAny(j.On) && !onlyKeys(j) {
		return nil
	}
	return j
}

// decorrelate takes the conditions on outer columns out of the tree; false if it depends on them in other ways, or if
// what stands above the conditions (grouping, limits) would see other rows without them. For EXISTS what the query
// selects, and in which order, does not matter.
func decorrelate(n logical.Node, outer logical.ColSet, exists bool) (logical.Node, []expr.Expr, bool) {
	if !logical.FreeCols(n).Meets(outer) {
		return n, nil, true
	}
	switch x := n.(type) {
	case *logical.Extend:
		in, conds, ok := decorrelate(x.Input, outer, exists)
		if !ok {
			return nil, nil, false
		}
		if exists {
			return in, conds, true
		}
		for _, it := range x.Items {
			if logical.Cols(it.E).Meets(outer) {
				return nil, nil, false
			}
		}
		return &logical.Extend{Input: in, Items: x.Items}, conds, true
	case *logical.Filter:
		in, conds, ok := decorrelate(x.Input, outer, exists)
		if !ok {
			return nil, nil, false
		}
		var stay []expr.Expr
		for _, c := range x.Conds {
			if !logical.Cols(c).Meets(outer) {
				stay = append(stay, c)
				continue
			}
			if !movable(c) {
				return nil, nil, false
			}
			conds = append(conds, c)
		}
		return filter(in, stay), conds, true
	case *logical.Distinct:
		if exists {
			return decorrelate(x.Input, outer, exists)
		}
	case *logical.Sort:
		if x.Offset == nil && (x.Limit == nil || exists && atLeastOne(x.Limit)) {
			return decorrelate(x.Input, outer, exists)
		}
	}
	return nil, nil, false
}

func atLeastOne(limit expr.Expr) bool {
	c, ok := limit.(*expr.Const)
	return ok && !c.Val.Null && c.Val.I >= 1
}

// neverNull reports that neither side of the test of an IN can be null.
func (r *rewriter) neverNull(s *logical.Subquery, input logical.Node) bool {
	safe := logical.ColSet{}
	notNulls(r.meta, input, &safe)
	notNulls(r.meta, s.Root, &safe)
	for _, e := range logical.Conjuncts(s.Test) {
		c, ok := e.(*expr.Call)
		if !ok || c.Fn.Name != "=" || c.Fn.Lax {
			return false
		}
		for _, a := range c.Args {
			if k, ok := a.(*expr.Const); ok && !k.Val.Null {
				continue
			}
			if v, ok := a.(*logical.Var); !ok || !safe.Has(v.ID) {
				return false
			}
		}
	}
	return true
}

// notNulls adds the columns that are never null in the output of n.
func notNulls(meta *logical.Meta, n logical.Node, out *logical.ColSet) {
	switch x := n.(type) {
	case *logical.Scan:
		for _, id := range x.Cols {
			if meta.Columns[id].NotNull {
				out.Add(id)
			}
		}
	case *logical.Filter, *logical.Extend, *logical.Sort, *logical.Distinct, *logical.TopN, *logical.Hop, *logical.Window:
		notNulls(meta, n.Children()[0], out)
	case *logical.Join:
		notNulls(meta, x.Left, out)
		switch x.Kind {
		case physical.Inner:
			notNulls(meta, x.Right, out)
		case physical.Full:
			*out = logical.ColSet{}
		}
	}
}

// scalars replaces, in e, scalar subqueries that yield exactly one row and do not depend on outer columns by columns
// joined to input.
func (r *rewriter) scalars(e expr.Expr, input logical.Node) (expr.Expr, logical.Node) {
	r2 := logical.Map(e, func(x expr.Expr) expr.Expr {
		switch x := x.(type) {
		case *expr.Case, *expr.Coalesce, *expr.And, *expr.Or:
			if r.o.AdHoc && logical.MayRaise(x) {
				return x // the subquery may never be asked for
			}
		case *logical.Subquery:
			if x.Kind != expr.SubScalar || !oneRow(x.Root) || !logical.FreeCols(x.Root).Empty() {
				return x
			}
			input = &logical.Join{Kind: physical.Inner, Left: input, Right: r.unnest(r.fold(x.Root))}
			return r.meta.Var(x.Cols[0])
		}
		return nil
	})
	return r2, input
}

// oneRow reports that a tree yields exactly one row: an aggregate without keys.
func oneRow(n logical.Node) bool {
	switch x := n.(type) {
	case *logical.Aggregate:
		return len(x.Keys) == 0
	case *logical.Extend:
		return oneRow(x.Input)
	case *logical.Values:
		return len(x.Rows) == 1
	}
	return false
}

func boolScalar(v bool) vec.Scalar {
	s := vec.Scalar{Type: exprBool}
	if v {
		s.I = 1
	}
	return s
}

var exprBool = (&expr.And{}).Type()
