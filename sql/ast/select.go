package ast

// Select is a whole query: WITH, a body, and what applies to the body's result.
type Select struct {
	Loc
	With     *With
	Body     Query
	OrderBy  []*SortItem
	Limit    Expr // nil: no limit (LIMIT ALL, LIMIT NULL is a literal)
	Offset   Expr
	WithTies bool // FETCH FIRST n ROWS WITH TIES
	Locking  []*Locking
}

// SelectCore is SELECT ... FROM ... WHERE ... GROUP BY ... HAVING ... WINDOW.
type SelectCore struct {
	Loc
	Distinct   bool
	DistinctOn []Expr // implies Distinct
	Items      []*SelectItem
	From       []TableRef // a comma list
	Where      Expr
	GroupBy    []Expr // expressions, integer ordinals and *GroupingSet
	Having     Expr
	Windows    []*NamedWindow
}

// SelectItem is one output of a SELECT or RETURNING list.
type SelectItem struct {
	Loc
	Expr  Expr
	Alias string // "" when the binder has to find a name
}

// SetOpKind is UNION, INTERSECT or EXCEPT.
type SetOpKind uint8

// The set operations.
const (
	Union SetOpKind = iota
	Intersect
	Except
)

// SetOp combines two queries.
type SetOp struct {
	Loc
	Op    SetOpKind
	All   bool
	Left  Query
	Right Query
}

// Values is VALUES (...), (...). Rows of nothing but constants are kept flat: see Flat.
type Values struct {
	Loc
	// Rows holds the cells unless Flat does.
	Rows [][]Expr
	// Flat holds Width cells a row, row after row, when every cell is a Literal and all rows are
	// equally long: a bulk INSERT then costs no allocation per cell.
	Flat  []Literal
	Width int
}

// NumRows is the number of rows in either form.
func (v *Values) NumRows() int {
	if v.Flat != nil {
		return len(v.Flat) / v.Width
	}
	return len(v.Rows)
}

// NumCols is the number of cells in row i in either form.
func (v *Values) NumCols(i int) int {
	if v.Flat != nil {
		return v.Width
	}
	return len(v.Rows[i])
}

// Cell is the cell in row i and column j in either form.
func (v *Values) Cell(i, j int) Expr {
	if v.Flat != nil {
		return &v.Flat[i*v.Width+j]
	}
	return v.Rows[i][j]
}

// With is a WITH clause.
type With struct {
	Loc
	Recursive bool
	CTEs      []*CTE
}

// CTEMaterialize is the hint after AS.
type CTEMaterialize uint8

// The hints of a CTE.
const (
	CTEDefault CTEMaterialize = iota
	CTEMaterialized
	CTENotMaterialized
)

// CTE is one common table expression.
type CTE struct {
	Loc
	Name        string
	Columns     []string
	Materialize CTEMaterialize
	Stmt        Statement // *Select, or *Insert, *Update, *Delete with RETURNING
}

// NullsOrder says where NULLs sort.
type NullsOrder uint8

// The NULL orders. PostgreSQL's default is last for ASC and first for DESC: SortItem.NullsAreFirst.
const (
	NullsDefault NullsOrder = iota
	NullsFirst
	NullsLast
)

// SortItem is one term of ORDER BY.
type SortItem struct {
	Loc
	Expr  Expr
	Desc  bool
	Nulls NullsOrder
	Using string // ORDER BY x USING op; "" usually
}

// NullsAreFirst resolves NullsDefault.
func (s *SortItem) NullsAreFirst() bool {
	if s.Nulls == NullsDefault {
		return s.Desc
	}
	return s.Nulls == NullsFirst
}

// Locking is FOR UPDATE and its kin: parsed, and without effect.
type Locking struct {
	Loc
	Strength string // "UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE"
	Of       []ObjectName
	Wait     string // "", "NOWAIT" or "SKIP LOCKED"
}

// NamedWindow is an item of the WINDOW clause.
type NamedWindow struct {
	Loc
	Name string
	Spec *WindowSpec
}

// WindowSpec is what follows OVER. OVER w has only Ref; OVER (w ORDER BY x) has Base.
type WindowSpec struct {
	Loc
	Ref         string
	Base        string
	PartitionBy []Expr
	OrderBy     []*SortItem
	Frame       *Frame // nil: the default frame
}

// FrameMode is ROWS, RANGE or GROUPS.
type FrameMode uint8

// The frame modes.
const (
	FrameRange FrameMode = iota
	FrameRows
	FrameGroups
)

// BoundKind is one end of a frame.
type BoundKind uint8

// The frame bounds.
const (
	UnboundedPreceding BoundKind = iota
	OffsetPreceding
	CurrentRow
	OffsetFollowing
	UnboundedFollowing
)

// FrameBound is one end of a frame; Offset belongs to the offset kinds.
type FrameBound struct {
	Kind   BoundKind
	Offset Expr
}

// FrameExclude is the EXCLUDE clause.
type FrameExclude uint8

// The exclusions.
const (
	ExcludeNone FrameExclude = iota
	ExcludeCurrentRow
	ExcludeGroup
	ExcludeTies
)

// Frame is the frame clause of a window; a missing end is CURRENT ROW.
type Frame struct {
	Loc
	Mode    FrameMode
	Start   FrameBound
	End     FrameBound
	Exclude FrameExclude
}

func (*Select) statement() {}

func (*Select) query()     {}
func (*SelectCore) query() {}
func (*SetOp) query()      {}
func (*Values) query()     {}
