package parser

import (
	"github.com/millracedb/millrace/sql/ast"
)

// query writes a Select.
func (d *deparser) query(s *ast.Select) {
	d.with(s.With)
	d.body(s.Body)
	if len(s.OrderBy) > 0 {
		d.text(" ORDER BY ")
		list(d, s.OrderBy, d.sortItem)
	}
	if s.Offset != nil {
		d.text(" OFFSET ")
		d.expr(s.Offset, 0)
	}
	switch {
	case s.Limit != nil && s.WithTies:
		d.text(" FETCH FIRST (")
		d.expr(s.Limit, 0)
		d.text(") ROWS WITH TIES")
	case s.Limit != nil:
		d.text(" LIMIT ")
		d.expr(s.Limit, 0)
	}
	for _, l := range s.Locking {
		d.text(" FOR " + l.Strength)
		if len(l.Of) > 0 {
			d.text(" OF ")
			d.objectNames(l.Of)
		}
		d.when(l.Wait != "", " "+l.Wait)
	}
}

func (d *deparser) with(w *ast.With) {
	if w == nil {
		return
	}
	d.text("WITH ")
	d.when(w.Recursive, "RECURSIVE ")
	list(d, w.CTEs, func(c *ast.CTE) {
		d.ident(c.Name)
		d.columns(c.Columns)
		d.text(" AS " + [...]string{"", "MATERIALIZED ", "NOT MATERIALIZED "}[c.Materialize] + "(")
		d.statement(c.Stmt)
		d.text(")")
	})
	d.text(" ")
}

// body writes a query without what applies to its result.
func (d *deparser) body(q ast.Query) {
	switch q := q.(type) {
	case *ast.Select:
		d.text("(")
		d.query(q)
		d.text(")")
	case *ast.SetOp:
		d.setOp(q)
	case *ast.Values:
		d.values(q)
	case *ast.SelectCore:
		d.core(q)
	}
}

func setOpPrec(op ast.SetOpKind) int {
	if op == ast.Intersect {
		return precIntersect
	}
	return precUnion
}

func (d *deparser) setOp(q *ast.SetOp) {
	d.setOperand(q.Left, setOpPrec(q.Op))
	d.text([...]string{" UNION ", " INTERSECT ", " EXCEPT "}[q.Op])
	d.when(q.All, "ALL ")
	d.setOperand(q.Right, setOpPrec(q.Op)+1)
}

func (d *deparser) setOperand(q ast.Query, min int) {
	if s, ok := q.(*ast.SetOp); ok && setOpPrec(s.Op) < min {
		d.text("(")
		d.setOp(s)
		d.text(")")
		return
	}
	d.body(q)
}

func (d *deparser) values(v *ast.Values) {
	d.text("VALUES ")
	for i := range v.NumRows() {
		d.when(i > 0, ", ")
		d.text("(")
		for j := range v.NumCols(i) {
			d.when(j > 0, ", ")
			d.expr(v.Cell(i, j), 0)
		}
		d.text(")")
	}
}

func (d *deparser) core(c *ast.SelectCore) {
	d.text("SELECT")
	d.when(c.Distinct, " DISTINCT")
	if len(c.DistinctOn) > 0 {
		d.call(" ON ", c.DistinctOn)
	}
	if len(c.Items) > 0 {
		d.text(" ")
		list(d, c.Items, d.item)
	}
	if len(c.From) > 0 {
		d.text(" FROM ")
		list(d, c.From, d.table)
	}
	d.where(c.Where)
	if len(c.GroupBy) > 0 {
		d.text(" GROUP BY ")
		d.exprs(c.GroupBy)
	}
	if c.Having != nil {
		d.text(" HAVING ")
		d.expr(c.Having, 0)
	}
	if len(c.Windows) > 0 {
		d.text(" WINDOW ")
		list(d, c.Windows, func(w *ast.NamedWindow) {
			d.ident(w.Name)
			d.text(" AS ")
			d.window(w.Spec)
		})
	}
}

func (d *deparser) where(e ast.Expr) {
	if e != nil {
		d.text(" WHERE ")
		d.expr(e, 0)
	}
}

func (d *deparser) item(i *ast.SelectItem) {
	d.expr(i.Expr, 0)
	if i.Alias != "" {
		d.text(" AS ")
		d.ident(i.Alias)
	}
}

func (d *deparser) alias(a ast.Alias) {
	if a.Name != "" {
		d.text(" AS ")
		d.ident(a.Name)
		d.columns(a.Columns)
	}
}

// table writes an item of FROM.
func (d *deparser) table(t ast.TableRef) {
	switch t := t.(type) {
	case *ast.TableName:
		d.tableName(t)
	case *ast.Join:
		d.join(t)
	case *ast.Subquery:
		d.when(t.Lateral, "LATERAL ")
		d.text("(")
		d.query(t.Query)
		d.text(")")
		d.alias(t.Alias)
	case *ast.FuncTable:
		d.when(t.Lateral, "LATERAL ")
		d.funcTable(t)
	case *ast.WindowTable:
		d.when(t.Lateral, "LATERAL ")
		d.windowTable(t)
	}
}

func (d *deparser) tableName(t *ast.TableName) {
	d.when(t.Only, "ONLY ")
	d.objectName(t.ObjectName)
	d.alias(t.Alias)
	if s := t.Sample; s != nil {
		d.text(" TABLESAMPLE ")
		d.ident(s.Method)
		d.call("", s.Args)
		if s.Repeatable != nil {
			d.call(" REPEATABLE ", []ast.Expr{s.Repeatable})
		}
	}
}

func (d *deparser) join(j *ast.Join) {
	if j.Alias.Name != "" {
		d.text("(")
	}
	d.table(j.Left)
	d.when(j.Natural, " NATURAL")
	d.when(j.Asof, " ASOF")
	d.text([...]string{"", " LEFT", " RIGHT", " FULL", " CROSS"}[j.Kind] + " JOIN ")
	if r, ok := j.Right.(*ast.Join); ok && r.Alias.Name == "" {
		d.text("(")
		d.join(r)
		d.text(")")
	} else {
		d.table(j.Right)
	}
	switch {
	case j.On != nil:
		d.text(" ON ")
		d.expr(j.On, 0)
	case len(j.Using) > 0:
		d.text(" USING (")
		d.idents(j.Using)
		d.text(")")
		if j.UsingAlias != "" {
			d.text(" AS ")
			d.ident(j.UsingAlias)
		}
	}
	if j.Alias.Name != "" {
		d.text(")")
		d.alias(j.Alias)
	}
}

func (d *deparser) funcTable(t *ast.FuncTable) {
	d.when(t.RowsFrom, "ROWS FROM (")
	list(d, t.Funcs, func(f *ast.TableFunc) {
		d.tableCall(f.Call)
		if t.RowsFrom && f.ColDefs != nil {
			d.text(" AS ")
			d.columnDefs(f.ColDefs)
		}
	})
	d.when(t.RowsFrom, ")")
	d.when(t.Ordinality, " WITH ORDINALITY")
	if defs := t.Funcs[0].ColDefs; defs != nil && !t.RowsFrom {
		d.text(" AS ")
		d.when(t.Alias.Name != "", QuoteIdent(t.Alias.Name))
		d.columnDefs(defs)
		return
	}
	d.alias(t.Alias)
}

// tableCall writes a function in FROM, where :: is not allowed.
func (d *deparser) tableCall(e ast.Expr) {
	if c, ok := e.(*ast.Cast); ok {
		d.text("CAST(")
		d.expr(c.Arg, 0)
		d.text(" AS ")
		d.typeName(c.Type)
		d.text(")")
		return
	}
	d.expr(e, 0)
}

func (d *deparser) columnDefs(defs []*ast.ColumnDef) {
	d.text("(")
	list(d, defs, d.columnDef)
	d.text(")")
}

func (d *deparser) windowTable(t *ast.WindowTable) {
	d.text([...]string{"TUMBLE(", "HOP(", "SESSION("}[t.Kind])
	d.table(t.Input)
	d.text(", ")
	d.bare(t.TimeCol)
	for _, a := range t.Args {
		d.text(", ")
		d.expr(a, 0)
	}
	d.text(")")
	d.alias(t.Alias)
}
