package incr

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
)

// expanded is a set-returning function, or a join with one, as an Expand, which needs no state; any other node as it is.
func expanded(n logical.Node) logical.Node {
	switch n := n.(type) {
	case *logical.TableFunc:
		return &logical.Expand{Input: &logical.Values{Rows: [][]expr.Expr{{}}}, Call: n}
	case *logical.Join:
		return expandedJoin(n)
	}
	return n
}

func expandedJoin(j *logical.Join) logical.Node {
	left, right := j.Left, j.Right
	if _, ok := left.(*logical.TableFunc); ok && j.Kind == physical.Inner && !j.Lateral() {
		left, right = right, left
	}
	switch j.Kind {
	case physical.Inner:
		if n := under(right, left); n != nil {
			if len(j.On) > 0 {
				n = &logical.Filter{Input: n, Conds: j.On}
			}
			return n
		}
	case physical.Left:
		if call, ok := right.(*logical.TableFunc); ok && len(j.On) == 0 {
			return &logical.Expand{Input: left, Call: call, Outer: true}
		}
	}
	return j
}

// under puts the tree n, whose only leaf is a function, over input; nil if it is another tree.
func under(n, input logical.Node) logical.Node {
	switch n := n.(type) {
	case *logical.TableFunc:
		return &logical.Expand{Input: input, Call: n}
	case *logical.Filter:
		if in := under(n.Input, input); in != nil {
			return &logical.Filter{Input: in, Conds: n.Conds}
		}
	case *logical.Extend:
		if in := under(n.Input, input); in != nil {
			return &logical.Extend{Input: in, Items: n.Items}
		}
	}
	return nil
}
