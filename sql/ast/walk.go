package ast

// Inspect calls visit for n and, where visit returns true, for everything below it, in the order of
// the source. Subqueries are below the expression that holds them; return false at *Select to stay
// out of them.
func Inspect(n Node, visit func(Node) bool) {
	w := walker{visit}
	w.node(n)
}

type walker struct{ visit func(Node) bool }

func (w walker) node(n Node) {
	if n == nil || !w.visit(n) {
		return
	}
	switch n := n.(type) {
	case Expr:
		w.exprChildren(n)
	case *Select, *SelectCore, *SetOp, *Values:
		w.queryChildren(n)
	case TableRef:
		w.tableChildren(n)
	case Statement:
		w.statementChildren(n)
	default:
		w.partChildren(n)
	}
}

func (w walker) exprs(list []Expr) {
	for _, e := range list {
		w.expr(e)
	}
}

func (w walker) expr(e Expr) {
	if e != nil {
		w.node(e)
	}
}

func (w walker) selectStmt(s *Select) {
	if s != nil {
		w.node(s)
	}
}

// each visits a list of pointers to nodes.
func each[T Node](w walker, list []T) {
	for _, n := range list {
		w.node(n)
	}
}

func (w walker) exprChildren(e Expr) {
	switch e := e.(type) {
	case *TypedLiteral:
		w.node(e.Type)
	case *FuncCall:
		w.exprs(e.Args)
		each(w, e.OrderBy)
		w.expr(e.Filter)
		w.window(e.Over)
	case *Unary:
		w.expr(e.Arg)
	case *Binary:
		w.expr(e.Left)
		w.expr(e.Right)
	case *And:
		w.exprs(e.Args)
	case *Or:
		w.exprs(e.Args)
	case *Not:
		w.expr(e.Arg)
	case *IsNull:
		w.expr(e.Arg)
	case *IsBool:
		w.expr(e.Arg)
	case *IsDistinct:
		w.expr(e.Left)
		w.expr(e.Right)
	case *Between:
		w.exprs([]Expr{e.Arg, e.Low, e.High})
	case *In:
		w.expr(e.Left)
		w.exprs(e.List)
		w.selectStmt(e.Query)
	case *Like:
		w.exprs([]Expr{e.Left, e.Pattern, e.Escape})
	case *Quantified:
		w.expr(e.Left)
		w.expr(e.Array)
		w.selectStmt(e.Query)
	default:
		w.exprChildren2(e)
	}
}

// exprChildren2 is the second half of exprChildren: constructors, subqueries and named forms.
func (w walker) exprChildren2(e Expr) {
	switch e := e.(type) {
	case *Exists:
		w.selectStmt(e.Query)
	case *ScalarSubquery:
		w.selectStmt(e.Query)
	case *ArraySubquery:
		w.selectStmt(e.Query)
	case *Array:
		w.exprs(e.Elems)
	case *Row:
		w.exprs(e.Args)
	case *Subscript:
		w.expr(e.Arg)
		for _, x := range e.Indexes {
			w.expr(x.Lower)
			w.expr(x.Upper)
		}
	case *Field:
		w.expr(e.Arg)
	case *Cast:
		w.expr(e.Arg)
		w.node(e.Type)
	case *Collate:
		w.expr(e.Arg)
	case *AtTimeZone:
		w.expr(e.Arg)
		w.expr(e.Zone)
	case *Case:
		w.expr(e.Arg)
		each(w, e.Whens)
		w.expr(e.Else)
	case *Coalesce:
		w.exprs(e.Args)
	case *NullIf:
		w.expr(e.Left)
		w.expr(e.Right)
	case *MinMax:
		w.exprs(e.Args)
	case *GroupingSet:
		w.exprs(e.Args)
	case *Grouping:
		w.exprs(e.Args)
	}
}

func (w walker) window(s *WindowSpec) {
	if s != nil {
		w.node(s)
	}
}

func (w walker) with(c *With) {
	if c != nil {
		w.node(c)
	}
}

func (w walker) queryChildren(n Node) {
	switch q := n.(type) {
	case *Select:
		w.with(q.With)
		w.node(q.Body)
		each(w, q.OrderBy)
		w.expr(q.Limit)
		w.expr(q.Offset)
		each(w, q.Locking)
	case *SelectCore:
		w.exprs(q.DistinctOn)
		each(w, q.Items)
		each(w, q.From)
		w.expr(q.Where)
		w.exprs(q.GroupBy)
		w.expr(q.Having)
		each(w, q.Windows)
	case *SetOp:
		w.node(q.Left)
		w.node(q.Right)
	case *Values:
		for i := range q.NumRows() {
			for j := range q.NumCols(i) {
				w.expr(q.Cell(i, j))
			}
		}
	}
}

func (w walker) tableChildren(t TableRef) {
	switch t := t.(type) {
	case *TableName:
		if t.Sample != nil {
			w.node(t.Sample)
		}
	case *Join:
		w.node(t.Left)
		w.node(t.Right)
		w.expr(t.On)
	case *Subquery:
		w.selectStmt(t.Query)
	case *FuncTable:
		each(w, t.Funcs)
	case *WindowTable:
		w.node(t.Input)
		w.expr(t.TimeCol)
		w.exprs(t.Args)
	}
}

// partChildren visits what is neither a statement, an expression, a query nor a table.
func (w walker) partChildren(n Node) {
	switch n := n.(type) {
	case *SelectItem:
		w.expr(n.Expr)
	case *SortItem:
		w.expr(n.Expr)
	case *When:
		w.expr(n.Cond)
		w.expr(n.Result)
	case *With:
		each(w, n.CTEs)
	case *CTE:
		w.node(n.Stmt)
	case *NamedWindow:
		w.window(n.Spec)
	case *WindowSpec:
		w.exprs(n.PartitionBy)
		each(w, n.OrderBy)
		if n.Frame != nil {
			w.expr(n.Frame.Start.Offset)
			w.expr(n.Frame.End.Offset)
		}
	case *TableSample:
		w.exprs(n.Args)
		w.expr(n.Repeatable)
	case *TableFunc:
		w.expr(n.Call)
		each(w, n.ColDefs)
	case *Assignment:
		w.expr(n.Value)
	case *IndexElem:
		w.expr(n.Expr)
	case *OnConflict:
		each(w, n.Elems)
		w.expr(n.Where)
		each(w, n.Set)
		w.expr(n.SetWhere)
	case *ColumnDef:
		if n.Type != nil {
			w.node(n.Type)
		}
		each(w, n.Constraints)
	case *Constraint:
		w.expr(n.Expr)
	case *Watermark:
		w.expr(n.Expr)
	case *AlterAction:
		w.alterAction(n)
	}
}

func (w walker) alterAction(a *AlterAction) {
	if a.Column != nil {
		w.node(a.Column)
	}
	if a.Type != nil {
		w.node(a.Type)
	}
	w.expr(a.Expr)
	if a.Constraint != nil {
		w.node(a.Constraint)
	}
}

func (w walker) statementChildren(s Statement) {
	switch s := s.(type) {
	case *Insert:
		w.with(s.With)
		w.selectStmt(s.Source)
		if s.OnConflict != nil {
			w.node(s.OnConflict)
		}
		each(w, s.Returning)
	case *Update:
		w.with(s.With)
		w.node(s.Table)
		each(w, s.Set)
		each(w, s.From)
		w.expr(s.Where)
		each(w, s.Returning)
	case *Delete:
		w.with(s.With)
		w.node(s.Table)
		each(w, s.Using)
		w.expr(s.Where)
		each(w, s.Returning)
	case *CreateTable:
		w.relation(&s.RelationDef)
		w.statement(s.As)
	case *CreateStream:
		w.relation(&s.RelationDef)
	case *CreateView:
		w.selectStmt(s.Query)
	case *CreateMaterializedView:
		w.selectStmt(s.Query)
	case *CreateSink:
		w.selectStmt(s.Query)
	case *CreateIndex:
		each(w, s.Elems)
		w.expr(s.Where)
	case *Alter:
		each(w, s.Actions)
	default:
		w.sessionChildren(s)
	}
}

func (w walker) sessionChildren(s Statement) {
	switch s := s.(type) {
	case *Copy:
		w.statement(s.Query)
		w.expr(s.Where)
	case *Prepare:
		each(w, s.Types)
		w.statement(s.Stmt)
	case *Execute:
		w.exprs(s.Args)
	case *Declare:
		w.statement(s.Query)
	case *Explain:
		w.statement(s.Stmt)
	case *Subscribe:
		w.selectStmt(s.Query)
	}
}

func (w walker) statement(s Statement) {
	if s != nil {
		w.node(s)
	}
}

func (w walker) relation(r *RelationDef) {
	each(w, r.Columns)
	each(w, r.Constraints)
	each(w, r.Watermarks)
}
