package incr

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
)

// setOp gives INTERSECT and EXCEPT the form of a grouping: of each row there are n copies, l of them from the left. The
// intersection is the rows with 0 < l < n, the difference those with l = n.
func setOp(n *logical.SetOp, meta *logical.Meta) (logical.Node, error) {
	if n.All {
		return nil, refuse(map[bool]string{false: "INTERSECT ALL", true: "EXCEPT ALL"}[n.Except])
	}
	isLeft := meta.Add("from_left", types.T(types.Bool))
	u := &logical.Union{Out: append(slices.Clone(n.Out), isLeft)}
	add := func(in logical.Node, cols []logical.ColID, left bool) {
		flag := meta.Add("", types.T(types.Bool))
		u.In = append(u.In, &logical.Extend{Input: in, Items: []logical.Item{{ID: flag, E: expr.Bool(left)}}})
		u.Cols = append(u.Cols, append(slices.Clone(cols), flag))
	}
	add(n.Left, n.LeftCols, true)
	add(n.Right, n.RightCols, false)

	count, _ := funcs.LookupAggregate("count", nil)
	all, left := meta.Add("copies", types.T(types.Int8)), meta.Add("copies_left", types.T(types.Int8))
	agg := &logical.Aggregate{Input: u, Keys: n.Out, Given: len(n.Out), WindowEnd: -1, Aggs: []logical.Agg{
		{ID: all, Fn: count, Filter: -1}, {ID: left, Fn: count, Filter: isLeft},
	}}
	f := &logical.Filter{Input: agg}
	if n.Except {
		f.Conds = []expr.Expr{compare("=", meta.Var(left), meta.Var(all))}
	} else {
		f.Conds = []expr.Expr{compare(">", meta.Var(left), expr.Int(0)), compare("<", meta.Var(left), meta.Var(all))}
	}
	return f, nil
}

// compare is l op r over bigint.
func compare(op string, l, r expr.Expr) expr.Expr {
	fn, _, _, _ := funcs.ResolveOperator(op, l.Type(), r.Type())
	return &expr.Call{Fn: fn, T: types.T(types.Bool), Args: []expr.Expr{l, r}}
}
