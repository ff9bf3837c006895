package physical

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/expr"
)

// Explain prints a plan as PostgreSQL's EXPLAIN does: a line for each node, its inputs indented below it. subplans are
// those of a query, printed where the first expression uses them.
func Explain(n Node, subplans []Node) []string {
	e := &explainer{subplans: subplans, shown: make([]bool, len(subplans))}
	e.node(n, 0, "")
	return e.lines
}

// Describe is a node's line in EXPLAIN, and those below it that say more.
func Describe(n Node) (title string, details []string) {
	title, details, _ = describe(n)
	return title, details
}

// ExplainView prints the dataflow of a materialized view.
func ExplainView(v *View) []string { return ExplainRunning(v, nil) }

// ExplainRunning is ExplainView with further lines for some nodes, which notes gives.
func ExplainRunning(v *View, notes func(Node) []string) []string {
	e := &explainer{notes: notes}
	e.node(v.Root, 0, "")
	lines := e.lines
	if v.Key != nil {
		lines = append(lines, "Key: "+names(v.Root.Fields(), v.Key))
	}
	return lines
}

type explainer struct {
	lines    []string
	subplans []Node
	shown    []bool
	notes    func(Node) []string
}

func (e *explainer) node(n Node, depth int, label string) {
	pad := strings.Repeat("  ", depth)
	arrow := ""
	if depth > 0 {
		pad = strings.Repeat(" ", 2+6*(depth-1))
		arrow = "->  "
	}
	title, details, exprs := describe(n)
	if n.AppendOnly() && keeps(n) {
		title += " (append-only)"
	}
	e.lines = append(e.lines, pad+arrow+label+title)
	inner := strings.Repeat(" ", 6*depth+2)
	if e.notes != nil {
		details = append(details, e.notes(n)...)
	}
	for _, d := range details {
		e.lines = append(e.lines, inner+d)
	}
	for _, x := range exprs {
		e.expr(x, depth)
	}
	for _, in := range n.Inputs() {
		e.node(in, depth+1, "")
	}
}

// expr prints the subplans that an expression uses.
func (e *explainer) expr(x expr.Expr, depth int) {
	expr.Walk(x, func(y expr.Expr) bool {
		if s, ok := y.(*expr.Subquery); ok && s.ID < len(e.subplans) && !e.shown[s.ID] {
			e.shown[s.ID] = true
			e.node(e.subplans[s.ID], depth+1, fmt.Sprintf("SubPlan %d: ", s.ID+1))
		}
		return true
	})
}

// keeps reports whether it is worth saying that a node is append-only: it decides what its consumers keep.
func keeps(n Node) bool {
	switch n.(type) {
	case *Scan, *Join, *EmitOnClose, *Distinct:
		return true
	}
	return false
}

// describe is a node's title, its further lines, and the expressions in it.
func describe(n Node) (title string, details []string, exprs []expr.Expr) {
	switch n := n.(type) {
	case *Scan:
		if n.Lookup != nil {
			return "Lookup on " + n.Name, []string{"Key: " + expr.Strings(n.Lookup), "Output: " + fieldNames(n.Out)}, n.Lookup
		}
		return "Scan on " + n.Name, output(n.Out), nil
	case *Values:
		rows := len(n.Rows)
		if n.Batch != nil {
			rows = n.Batch.N
		}
		for _, r := range n.Rows {
			exprs = append(exprs, r...)
		}
		if rows == 1 && len(n.Out) == 0 {
			return "Result", nil, exprs
		}
		return "Values", []string{"Rows: " + strconv.Itoa(rows)}, exprs
	case *Map:
		exprs = append(exprs, n.Project...)
		if len(n.Project) > 0 {
			details = []string{"Output: " + expr.Strings(n.Project)}
		}
		if n.Filter != nil {
			exprs = append(exprs, n.Filter)
			details = append(details, "Filter: "+expr.String(n.Filter))
			return "Filter", details, exprs
		}
		return "Project", details, exprs
	case *Join:
		return describeJoin(n)
	case *Aggregate:
		return describeAggregate(n)
	case *Distinct:
		return "Distinct", nil, nil
	case *Union:
		return "Append", nil, nil
	case *SetOp:
		title = "Intersect"
		if n.Except {
			title = "Except"
		}
		if n.All {
			title += " All"
		}
		return title, nil, nil
	}
	return describe2(n)
}

// describe2 is the second half of describe.
func describe2(n Node) (title string, details []string, exprs []expr.Expr) {
	switch n := n.(type) {
	case *Window:
		in := n.Input.Fields()
		if len(n.Partition) > 0 {
			details = append(details, "Partition: "+names(in, n.Partition))
		}
		details = append(details, orderLine("Order: ", in, n.Order)...)
		var fs []string
		for _, f := range n.Funcs {
			fs = append(fs, f.Name+"("+names(in, f.Args)+")")
		}
		return "Window", append(details, "Functions: "+strings.Join(fs, ", ")), nil
	case *TopN:
		in := n.Input.Fields()
		if len(n.Partition) > 0 {
			details = append(details, "Partition: "+names(in, n.Partition))
		}
		details = append(details, orderLine("Order: ", in, n.Order)...)
		details = append(details, fmt.Sprintf("Limit: %d", n.Limit))
		if n.Offset > 0 {
			details = append(details, fmt.Sprintf("Offset: %d", n.Offset))
		}
		return "Top N", details, nil
	case *Hop:
		title = "Hop"
		if n.Slide == n.Size {
			title = "Tumble"
		}
		return title, []string{fmt.Sprintf("Window: %s, slide %s, size %s", n.Input.Fields()[n.TimeCol].Name,
			seconds(n.Slide), seconds(n.Size))}, nil
	case *Expand:
		title = "Project Set"
		if n.Outer {
			title = "Project Set Left"
		}
		return title, []string{"Function Call: " + n.Name + "(" + expr.Strings(n.Args) + ")"}, nil
	case *EmitOnClose:
		return "Emit on Window Close", []string{"Window End: " + n.Input.Fields()[n.EndCol].Name}, nil
	case *Sort:
		return describeSort(n)
	case *TableFunc:
		return "Function Scan on " + n.Name, []string{"Function Call: " + n.Name + "(" + expr.Strings(n.Args) + ")"}, n.Args
	case *Apply:
		title = "Nested Loop"
		if n.Outer {
			title = "Nested Loop Left Join"
		}
		if len(n.Args) > 0 {
			details = append(details, "Outer: "+expr.Strings(n.Args))
		}
		if n.On != nil {
			details, exprs = append(details, "Join Filter: "+expr.String(n.On)), append(exprs, n.On)
		}
		return title, details, exprs
	case *Recursive:
		title = "Recursive Union"
		if n.Distinct {
			title += " Distinct"
		}
		return title, nil, nil
	case *RecursiveRef:
		return "WorkTable Scan", nil, nil
	}
	return fmt.Sprintf("%T", n), nil, nil
}

func describeJoin(n *Join) (string, []string, []expr.Expr) {
	kinds := map[JoinKind]string{Inner: "Join", Left: "Left Join", Full: "Full Join", Semi: "Semi Join", Anti: "Anti Join"}
	l, r := n.Left.Fields(), n.Right.Fields()
	title := "Nested Loop " + kinds[n.Kind]
	var details []string
	if len(n.LKeys) > 0 {
		title = "Hash " + kinds[n.Kind]
		var conds []string
		op := " = "
		if n.NullSafe {
			op = " IS NOT DISTINCT FROM "
		}
		for i := range n.LKeys {
			conds = append(conds, "("+l[n.LKeys[i]].Name+op+r[n.RKeys[i]].Name+")")
		}
		details = append(details, "Hash Cond: "+strings.Join(conds, " AND "))
	}
	if n.Residual != nil {
		return title, append(details, "Join Filter: "+expr.String(n.Residual)), []expr.Expr{n.Residual}
	}
	return title, details, nil
}

func describeAggregate(n *Aggregate) (string, []string, []expr.Expr) {
	in := n.Input.Fields()
	title := "Aggregate"
	var details []string
	if len(n.Keys) > 0 {
		title = "Hash Aggregate"
		details = append(details, "Group Key: "+names(in, n.Keys))
	}
	if n.WindowEnd >= 0 {
		details = append(details, "Closes at: "+in[n.Keys[n.WindowEnd]].Name)
	}
	var aggs []string
	for _, a := range n.Aggs {
		args := names(in, a.Args)
		if len(a.Args) == 0 {
			args = "*"
		}
		if a.Distinct {
			args = "DISTINCT " + args
		}
		if len(a.Order) > 0 {
			args += strings.Join(orderLine(" ORDER BY ", in, a.Order), "")
		}
		s := a.Fn.Name + "(" + args + ")"
		if a.Filter >= 0 {
			s += " FILTER (WHERE " + in[a.Filter].Name + ")"
		}
		aggs = append(aggs, s)
	}
	if len(aggs) > 0 {
		details = append(details, "Aggregates: "+strings.Join(aggs, ", "))
	}
	return title, details, nil
}

func describeSort(n *Sort) (string, []string, []expr.Expr) {
	title := "Sort"
	if len(n.Keys) == 0 {
		title = "Limit"
	}
	details := orderLine("Sort Key: ", n.Input.Fields(), n.Keys)
	var exprs []expr.Expr
	if n.Limit != nil {
		details, exprs = append(details, "Limit: "+expr.String(n.Limit)), append(exprs, n.Limit)
	}
	if n.Offset != nil {
		details, exprs = append(details, "Offset: "+expr.String(n.Offset)), append(exprs, n.Offset)
	}
	return title, details, exprs
}

func orderLine(label string, in []Field, keys []SortKey) []string {
	if len(keys) == 0 {
		return nil
	}
	var out []string
	for _, k := range keys {
		s := in[k.Col].Name
		if k.Desc {
			s += " DESC"
		}
		if k.NullsFirst != k.Desc {
			s += map[bool]string{true: " NULLS FIRST", false: " NULLS LAST"}[k.NullsFirst]
		}
		out = append(out, s)
	}
	return []string{label + strings.Join(out, ", ")}
}

func names(in []Field, cols []int) string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = in[c].Name
	}
	return strings.Join(out, ", ")
}

func fieldNames(fs []Field) string {
	out := make([]string, len(fs))
	for i, f := range fs {
		out[i] = f.Name
	}
	return strings.Join(out, ", ")
}

func output(fs []Field) []string {
	if len(fs) == 0 {
		return nil
	}
	return []string{"Output: " + fieldNames(fs)}
}

func seconds(us int64) string {
	if us%1_000_000 == 0 {
		return strconv.FormatInt(us/1_000_000, 10) + "s"
	}
	return strconv.FormatInt(us, 10) + "us"
}
