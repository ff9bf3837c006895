package parser

import (
	tast "github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/millracedb/millrace/sql/ast"
)

// query decodes a statement or subquery.
func (d *decoder) query(n tast.Node) *ast.Select {
	switch n := n.(type) {
	case *tast.SelectStmt:
		return d.selectWith(n.With, d.core(n), n.OrderBy, n.Limit)
	case *tast.SetOprStmt:
		return d.selectWith(n.With, d.setOp(n.SelectList), n.OrderBy, n.Limit)
	}
	d.fail("query", n)
	return &ast.Select{Body: &ast.Values{}}
}

// selectWith puts WITH, ORDER BY and LIMIT around a body. The LIMIT's hole is the node itself, which
// has what TiDB cannot hold.
func (d *decoder) selectWith(w *tast.WithClause, body ast.Query, o *tast.OrderByClause, l *tast.Limit) *ast.Select {
	s := &ast.Select{}
	if l != nil {
		if tail, ok := d.holeAt(l.Count).node.(*ast.Select); ok {
			s = tail
		} else {
			d.fail("LIMIT", l.Count)
		}
	}
	s.Loc = ast.Loc(body.Pos())
	s.Body = body
	s.With = d.with(w)
	s.OrderBy = d.sortList(o)
	return s
}

func (d *decoder) with(n *tast.WithClause) *ast.With {
	if n == nil {
		return nil
	}
	w := &ast.With{Recursive: n.IsRecursive, CTEs: make([]*ast.CTE, 0, len(n.CTEs))}
	for _, c := range n.CTEs {
		cte, ok := d.ref(c.Name.O).(*ast.CTE)
		if !ok {
			d.fail("WITH", c)
			return nil
		}
		if cte.Stmt == nil {
			cte.Stmt = d.subquery(c.Query)
		}
		w.CTEs = append(w.CTEs, cte)
	}
	w.Loc = w.CTEs[0].Loc
	return w
}

// setOp decodes a set operation: the translator emits two operands in parentheses.
func (d *decoder) setOp(l *tast.SetOprSelectList) ast.Query {
	if l == nil || len(l.Selects) != 2 {
		d.fail("set operation", l)
		return &ast.Values{}
	}
	left, _ := d.operand(l.Selects[0])
	right, op := d.operand(l.Selects[1])
	n := &ast.SetOp{Loc: ast.Loc(left.Pos()), Left: left, Right: right}
	if op == nil {
		d.fail("set operation", l)
		return n
	}
	switch *op {
	case tast.UnionAll, tast.ExceptAll, tast.IntersectAll:
		n.All = true
	}
	switch *op {
	case tast.Except, tast.ExceptAll:
		n.Op = ast.Except
	case tast.Intersect, tast.IntersectAll:
		n.Op = ast.Intersect
	}
	return n
}

// operand decodes one side of a set operation and the operation before it. A side with clauses of its
// own stays a Select.
func (d *decoder) operand(n tast.Node) (ast.Query, *tast.SetOprType) {
	l, ok := n.(*tast.SetOprSelectList)
	if !ok {
		d.fail("operand", n)
		return &ast.Values{}, nil
	}
	var s *ast.Select
	if len(l.Selects) == 1 {
		s = d.query(l.Selects[0])
	} else {
		s = d.selectWith(l.With, d.setOp(l), l.OrderBy, l.Limit)
	}
	if s.With == nil && s.OrderBy == nil && s.Limit == nil && s.Offset == nil && s.Locking == nil && !d.hasTail(l) {
		return s.Body, l.AfterSetOperator
	}
	return s, l.AfterSetOperator
}

// hasTail reports whether the side has a LIMIT hole, whose expressions may not be decoded yet.
func (d *decoder) hasTail(l *tast.SetOprSelectList) bool {
	if s, ok := l.Selects[0].(*tast.SelectStmt); ok && len(l.Selects) == 1 {
		return s.Limit != nil
	}
	return l.Limit != nil
}

// core decodes SELECT ... without what applies to its result. Field 0 is the node, or the VALUES that
// stand there.
func (d *decoder) core(n *tast.SelectStmt) ast.Query {
	if n.Kind == tast.SelectStmtKindValues {
		return d.values(n)
	}
	head := d.marker(n.Fields.Fields[0].Expr)
	if v, ok := head.(*ast.Values); ok {
		return v
	}
	c, ok := head.(*ast.SelectCore)
	if !ok {
		d.fail("SELECT", n)
		return &ast.SelectCore{}
	}
	d.items(c, n.Fields.Fields[1:])
	if n.From != nil {
		d.from(c, n.From.TableRefs)
	}
	if n.Where != nil {
		c.Where = d.expr(n.Where)
	}
	if n.GroupBy != nil {
		for _, item := range n.GroupBy.Items {
			c.GroupBy = append(c.GroupBy, d.expr(item.Expr))
		}
	}
	if n.Having != nil {
		c.Having = d.expr(n.Having.Expr)
	}
	for i := range n.WindowSpecs {
		d.namedWindow(c, &n.WindowSpecs[i])
	}
	return c
}

func (d *decoder) items(c *ast.SelectCore, fields []*tast.SelectField) {
	if len(fields) == 0 {
		return
	}
	c.Items = make([]*ast.SelectItem, 0, len(fields))
	for _, f := range fields {
		item, ok := d.ref(f.AsName.O).(*ast.SelectItem)
		if !ok {
			d.fail("SELECT list", f)
			return
		}
		item.Expr = d.expr(f.Expr)
		c.Items = append(c.Items, item)
	}
}

func (d *decoder) namedWindow(c *ast.SelectCore, n *tast.WindowSpec) {
	w, ok := d.ref(n.Name.O).(*ast.NamedWindow)
	if !ok {
		d.fail("WINDOW", n)
		return
	}
	w.Spec = d.windowSpec(n)
	c.Windows = append(c.Windows, w)
}

// values decodes VALUES with cells that are not all constants.
func (d *decoder) values(n *tast.SelectStmt) ast.Query {
	v := &ast.Values{Rows: make([][]ast.Expr, 0, len(n.Lists))}
	for _, row := range n.Lists {
		v.Rows = append(v.Rows, d.exprs(row.Values))
	}
	if len(v.Rows) > 0 && len(v.Rows[0]) > 0 {
		v.Loc = ast.Loc(v.Rows[0][0].Pos())
	}
	return v
}

// from decodes the comma list of FROM, which TiDB keeps as joins without a condition.
func (d *decoder) from(c *ast.SelectCore, n tast.ResultSetNode) {
	if j, ok := n.(*tast.Join); ok && (j.Right == nil || j.On == nil) {
		d.from(c, j.Left)
		if j.Right != nil {
			d.from(c, j.Right)
		}
		return
	}
	if t := d.table(n); t != nil {
		c.From = append(c.From, t)
	}
}

// table decodes one item of FROM; nil is the table of a SELECT without one.
func (d *decoder) table(n tast.ResultSetNode) ast.TableRef {
	switch n := n.(type) {
	case *tast.Join:
		if n.Right == nil {
			return d.table(n.Left)
		}
		return d.join(n)
	case *tast.TableSource:
		return d.source(n)
	}
	d.fail("FROM", n)
	return nil
}

func (d *decoder) join(n *tast.Join) ast.TableRef {
	var node ast.Node
	if n.On != nil {
		node = d.marker(n.On.Expr)
	}
	j, ok := node.(joinNode)
	if !ok {
		d.fail("join", n)
		return nil
	}
	j.Left = d.table(n.Left)
	j.Right = d.table(n.Right)
	return j.Join
}

// source decodes a table, derived table or function; its alias is the node.
func (d *decoder) source(n *tast.TableSource) ast.TableRef {
	switch t := d.ref(n.AsName.O).(type) {
	case noFrom:
		return nil
	case *ast.TableName:
		return t
	case *ast.Subquery:
		t.Query = d.query(n.Source)
		return t
	case *ast.FuncTable:
		d.operands(n.Source)
		return t
	case *ast.WindowTable:
		d.operands(n.Source)
		return t
	}
	d.fail("FROM", n)
	return nil
}

// operands decodes the subquery that carries the arguments of a table function.
func (d *decoder) operands(n tast.ResultSetNode) {
	s, ok := n.(*tast.SelectStmt)
	if !ok || len(s.Fields.Fields) != 1 {
		d.fail("table function", n)
		return
	}
	d.marker(s.Fields.Fields[0].Expr)
}
