package ast

// Alias is AS Name (Columns); Name is "" when there is none.
type Alias struct {
	Name    string
	Columns []string
}

// TableName is a relation or CTE by name.
type TableName struct {
	Loc
	ObjectName ObjectName
	Only       bool
	Alias      Alias
	Sample     *TableSample
}

// TableSample is TABLESAMPLE method (args) [REPEATABLE (seed)].
type TableSample struct {
	Loc
	Method     string
	Args       []Expr
	Repeatable Expr
}

// JoinKind is the kind of a Join.
type JoinKind uint8

// The kinds of joins.
const (
	InnerJoin JoinKind = iota
	LeftJoin
	RightJoin
	FullJoin
	CrossJoin
)

// Join is Left JOIN Right. At most one of On, Using and Natural is given; CrossJoin has none.
type Join struct {
	Loc
	Kind       JoinKind
	Asof       bool // ASOF [LEFT] JOIN
	Natural    bool
	Left       TableRef
	Right      TableRef
	On         Expr
	Using      []string
	UsingAlias string // JOIN ... USING (a) AS x
	Alias      Alias  // (a JOIN b ...) AS x
}

// Subquery is (Query) in FROM; VALUES in FROM is one too.
type Subquery struct {
	Loc
	Query   *Select
	Lateral bool
	Alias   Alias
}

// FuncTable is a function in FROM, or several in ROWS FROM (...).
type FuncTable struct {
	Loc
	Funcs      []*TableFunc
	RowsFrom   bool
	Ordinality bool
	Lateral    bool
	Alias      Alias
}

// TableFunc is one function of a FuncTable. ColDefs is AS t(a int, b text), for functions that
// return records.
type TableFunc struct {
	Loc
	Call    Expr // a *FuncCall; some functions have nodes of their own (Coalesce, Niladic, ...)
	ColDefs []*ColumnDef
}

// WindowKind is the table function of a WindowTable.
type WindowKind uint8

// The windowing table functions.
const (
	TumbleWindow  WindowKind = iota // Args: size[, offset]
	HopWindow                       // Args: slide, size[, offset]
	SessionWindow                   // Args: gap, then partition keys
)

// WindowTable is TUMBLE, HOP or SESSION over Input, in either spelling:
// TUMBLE(t, ts, size) or TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), size)).
type WindowTable struct {
	Loc
	Kind    WindowKind
	Input   TableRef // *TableName or *Subquery
	TimeCol *ColumnRef
	Args    []Expr
	Lateral bool
	Alias   Alias
}

func (*TableName) tableRef()   {}
func (*Join) tableRef()        {}
func (*Subquery) tableRef()    {}
func (*FuncTable) tableRef()   {}
func (*WindowTable) tableRef() {}
