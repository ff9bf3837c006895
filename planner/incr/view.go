package incr

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
)

// View prepares the tree of a view, which rewrite has been over. onClose is EMIT ON WINDOW CLOSE. The result is the
// view's key: the positions of output columns that identify a row, nil if none are known.
func View(q *logical.Query, onClose bool) (key []int, err error) {
	if s, ok := q.Root.(*logical.Sort); ok && s.Limit == nil && s.Offset == nil {
		q.Root = s.Input // a view is a set of rows: its order is that of the query that reads it
	}
	if q.Root, err = supported(q.Root, q.Meta); err != nil {
		return nil, err
	}
	q.Root = topN(q.Root, need(q))
	if onClose {
		if q.Root, err = emitOnClose(q); err != nil {
			return nil, err
		}
	}
	return keyOf(q), nil
}

func need(q *logical.Query) logical.ColSet {
	var s logical.ColSet
	for _, o := range q.Out {
		s.Add(o.ID)
	}
	return s
}

func refuse(feature string) error { return pgerr.Unsupported(feature + " in a materialized view") }

// supported checks that every part of the tree can be maintained, and gives functions in FROM, INTERSECT, EXCEPT and
// ORDER BY ... LIMIT their incremental forms.
func supported(n logical.Node, meta *logical.Meta) (logical.Node, error) {
	n = expanded(n)
	for i, c := range n.Children() {
		c, err := supported(c, meta)
		if err != nil {
			return nil, err
		}
		n.SetChild(i, c)
	}
	var bad error
	logical.Exprs(n, func(e expr.Expr) expr.Expr {
		if bad == nil {
			bad = supportedExpr(e)
		}
		return e
	})
	if bad != nil {
		return nil, bad
	}
	switch n := n.(type) {
	case *logical.Scan:
		if n.Rel.Kind == catalog.System {
			return nil, refuse("a system relation")
		}
	case *logical.Join:
		if n.Lateral() {
			return nil, refuse("LATERAL")
		}
	case *logical.SetOp:
		return setOp(n, meta)
	case *logical.Expand:
		if n.Call.Fn.Vol != funcs.Immutable {
			return nil, refuse(n.Call.Fn.Name + "()")
		}
	case *logical.Recursive, *logical.RecursiveRef:
		return nil, refuse("WITH RECURSIVE")
	case *logical.Aggregate:
		return n, supportedAggs(n)
	case *logical.Sort:
		return limited(n)
	}
	return n, nil
}

func supportedExpr(e expr.Expr) error {
	var bad error
	logical.Walk(e, func(x expr.Expr) bool {
		switch x := x.(type) {
		case *expr.Call:
			if x.Fn.Vol != funcs.Immutable && bad == nil {
				bad = refuse(x.Fn.Name + "()")
			}
		case *logical.Subquery:
			if bad == nil {
				bad = refuseSubquery(x)
			}
		}
		return bad == nil
	})
	return bad
}

func refuseSubquery(s *logical.Subquery) error {
	switch {
	case s.Kind == expr.SubAny || s.Kind == expr.SubAll:
		return pgerr.Unsupported("this quantified subquery in a materialized view").
			WithHint("IN, EXISTS and NOT EXISTS are supported as conditions of WHERE, NOT IN over columns that are NOT NULL.")
	case !logical.FreeCols(s.Root).Empty():
		return pgerr.Unsupported("a correlated subquery in a materialized view").
			WithHint("Write it as a join with a grouped subquery.")
	}
	return pgerr.Unsupported("this scalar subquery in a materialized view").
		WithHint("A subquery that always yields one row is supported: one aggregate without GROUP BY.")
}

func supportedAggs(n *logical.Aggregate) error {
	if len(n.Keys) > 0 {
		return nil
	}
	for _, a := range n.Aggs {
		what := "the aggregate " + a.Fn.Name + " without GROUP BY"
		if len(a.Order) > 0 {
			what = "ORDER BY in an aggregate without GROUP BY"
		} else if a.Fn.TakesBack() {
			continue
		}
		return pgerr.Unsupported(what + " in a materialized view").WithHint("Group by an expression that is the same for all rows.")
	}
	return nil
}

// limited turns ORDER BY ... LIMIT into TopN; without a limit the order means nothing below the root.
func limited(n *logical.Sort) (logical.Node, error) {
	if n.Limit == nil && n.Offset == nil {
		return n.Input, nil
	}
	t := &logical.TopN{Input: n.Input, Order: n.Keys, Limit: noLimit}
	for _, b := range []struct {
		e  expr.Expr
		to *int64
	}{{n.Limit, &t.Limit}, {n.Offset, &t.Offset}} {
		if b.e == nil {
			continue
		}
		c, ok := b.e.(*expr.Const)
		if !ok {
			return nil, refuse("a LIMIT that is not constant")
		}
		*b.to = c.Val.I
	}
	return t, nil
}

// noLimit is a limit that no view reaches: OFFSET alone.
const noLimit = 1<<62 - 1
