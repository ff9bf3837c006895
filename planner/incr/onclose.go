package incr

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

func errOnClose(why, hint string) error {
	return pgerr.Newf(pgerr.InvalidTableDefinition, "EMIT ON WINDOW CLOSE %s", why).WithHint("%s", hint)
}

// emitOnClose prepares a view that shows a window once it has closed (D11): late rows are left out at the scan, the
// groups of closed windows are forgotten, and EmitOnClose holds rows until the watermark passes their window's end.
//
//	Scan -> not late -> Hop -> ... -> Aggregate(closing) -> EmitOnClose -> ...
func emitOnClose(q *logical.Query) (logical.Node, error) {
	path := []logical.Node{q.Root} // root first, down to the scan
	var hop *logical.Hop
	for {
		n := path[len(path)-1]
		if h, ok := n.(*logical.Hop); ok && hop == nil {
			hop = h
		}
		if _, ok := n.(*logical.Scan); ok {
			break
		}
		kids := n.Children()
		if len(kids) != 1 {
			return nil, pgerr.Unsupported("EMIT ON WINDOW CLOSE over a join or a set operation")
		}
		path = append(path, kids[0])
	}
	scan := path[len(path)-1].(*logical.Scan)
	if hop == nil {
		return nil, errOnClose("needs a window", "Group by window_start and window_end of TUMBLE or HOP.")
	}
	if scan.Rel.Kind != catalog.Stream || scan.Late < 0 {
		return nil, errOnClose("needs a watermark on the source",
			"Declare it with the stream: WATERMARK FOR ts AS ts - INTERVAL '5 seconds'.")
	}
	if hop.Time != scan.Cols[scan.Rel.Watermark.Col] {
		return nil, errOnClose("needs windows over the watermark's column",
			`The watermark is for "`+scan.Rel.Columns[scan.Rel.Watermark.Col].Name+`".`)
	}
	return place(q, path, hop, scan)
}

// place puts EmitOnClose over the aggregate of the path, or over the windows themselves if there is none.
func place(q *logical.Query, path []logical.Node, hop *logical.Hop, scan *logical.Scan) (logical.Node, error) {
	over := -1 // what EmitOnClose goes over
	for i, n := range path {
		switch n := n.(type) {
		case *logical.Aggregate:
			if over >= 0 {
				return nil, pgerr.Unsupported("EMIT ON WINDOW CLOSE over several aggregations")
			}
			if !slices.Contains(n.Keys, hop.End) && !slices.Contains(n.Keys, hop.Start) {
				return nil, errOnClose("needs the window among the grouping columns", "Add window_start and window_end to GROUP BY.")
			}
			if !slices.Contains(n.Keys, hop.End) { // the start decides the end, so the groups stay the same
				n.Keys = append(n.Keys, hop.End)
			}
			if slices.ContainsFunc(n.Aggs, func(a logical.Agg) bool { return len(a.Order) > 0 || !a.Fn.TakesBack() }) {
				return nil, pgerr.Unsupported("EMIT ON WINDOW CLOSE over an aggregate that keeps the rows of its groups")
			}
			n.WindowEnd, over = hop.End, i
		case *logical.Distinct, *logical.Window, *logical.TopN:
			return nil, pgerr.Unsupported("EMIT ON WINDOW CLOSE with DISTINCT, window functions or LIMIT")
		case *logical.Hop:
			if n != hop {
				return nil, pgerr.Unsupported("EMIT ON WINDOW CLOSE over windows of windows")
			}
			if over < 0 {
				over = i
			}
		}
	}
	emit := &logical.EmitOnClose{Input: path[over], End: hop.End, Rel: scan.Rel.ID}
	late := &logical.Var{ID: scan.Late, T: types.T(types.Bool), Name: "late", Pos: -1}
	if last := len(path) - 2; last >= 0 {
		path[last].SetChild(0, &logical.Filter{Input: scan, Conds: []expr.Expr{&expr.Not{Arg: late}}})
	}
	if over == 0 {
		return emit, nil
	}
	path[over-1].SetChild(0, emit)
	return q.Root, nil
}
