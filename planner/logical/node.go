package logical

import (
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"

	"github.com/millracedb/millrace/planner/physical"
)

// ColID names a column of one statement.
type ColID int32

// Column is what is known of a column.
type Column struct {
	Name    string // "" of an expression on the way: lower calls it by its text
	Type    types.Type
	NotNull bool // in every row of the relation it comes from; outer joins may still add nulls
}

// Meta is the columns of one statement, by ColID.
type Meta struct{ Columns []Column }

// Add makes a new column.
func (m *Meta) Add(name string, t types.Type) ColID {
	m.Columns = append(m.Columns, Column{Name: name, Type: t})
	return ColID(len(m.Columns) - 1)
}

// Var returns a reference to id.
func (m *Meta) Var(id ColID) *Var {
	c := m.Columns[id]
	return &Var{ID: id, T: c.Type, Name: c.Name, Pos: -1}
}

// Query is a whole query: its tree and what it returns, in order.
type Query struct {
	Meta *Meta
	Root Node
	Out  []Out
}

// Out is one column of a query's result. The same ColID may be returned twice.
type Out struct {
	Name string
	ID   ColID
}

// Node is an operator of the tree.
type Node interface {
	// Children are the inputs; SetChild replaces one. A tree is owned by one planning and changed in place.
	Children() []Node
	SetChild(i int, n Node)
}

// Scan is the rows of a relation. Cols has the id of each of its columns; with a watermark Late is the hidden column.
type Scan struct {
	Rel    *catalog.Relation
	Cols   []ColID
	Late   ColID
	Lookup []expr.Expr // see physical.Scan
}

// Values is constant rows. Rows are over no input; or Batch has them already.
type Values struct {
	Cols  []ColID
	Rows  [][]expr.Expr
	Batch *vec.Batch
}

// Filter keeps the rows for which all Conds are true.
type Filter struct {
	Input Node
	Conds []expr.Expr
}

// Item defines a column.
type Item struct {
	ID ColID
	E  expr.Expr
}

// Extend adds computed columns to its input's.
type Extend struct {
	Input Node
	Items []Item
}

// Aggregate groups by Keys; its columns are Keys and the aggregates.
type Aggregate struct {
	Input Node
	Keys  []ColID
	// Given is how many of Keys were asked for; the others are decided by them.
	Given int
	Aggs  []Agg
	// WindowEnd is the key that closes groups, or -1; see physical.Aggregate.
	WindowEnd ColID
}

// Agg is one aggregate call over columns of the input. Filter is -1 for none.
type Agg struct {
	ID       ColID
	Fn       *funcs.Aggregate
	Args     []ColID
	Distinct bool
	Filter   ColID
	Order    []Key
}

// Key orders by a column.
type Key struct {
	ID         ColID
	Desc       bool
	NullsFirst bool
}

// Distinct keeps one of each row of Cols, which are its columns.
type Distinct struct {
	Input Node
	Cols  []ColID
}

// Join joins on the conjuncts On. Right may have free columns that Left outputs: then it is lateral, and Kind is
// Inner or Left. Semi and Anti output the columns of Left only.
type Join struct {
	Kind        physical.JoinKind
	Left, Right Node
	On          []expr.Expr
}

// Union is UNION ALL: column i of the output is column Cols[k][i] of In[k].
type Union struct {
	In   []Node
	Cols [][]ColID
	Out  []ColID
}

// SetOp is INTERSECT or EXCEPT over the columns listed; its own are Out.
type SetOp struct {
	Left, Right         Node
	LeftCols, RightCols []ColID
	Out                 []ColID
	Except, All         bool
}

// Window adds the results of window functions.
type Window struct {
	Input     Node
	Partition []ColID
	Order     []Key
	Funcs     []WindowFunc
}

// WindowFunc is one call; see physical.WindowFunc.
type WindowFunc struct {
	ID     ColID
	Name   string
	Agg    *funcs.Aggregate
	Args   []ColID
	Frame  physical.Frame
	Filter ColID
}

// TopN keeps rows [Offset, Offset+Limit) of each partition.
type TopN struct {
	Input         Node
	Partition     []ColID
	Order         []Key
	Limit, Offset int64
}

// Hop multiplies rows by windows and adds Start and End.
type Hop struct {
	Input       Node
	Time        ColID
	Slide, Size int64
	Origin      int64
	Start, End  ColID
}

// Expand puts behind each row the rows that Call yields for it, whose Args are over Input's columns. It is a join with a
// lateral function in a form that keeps no rows. Outer also keeps a row for which there are none.
type Expand struct {
	Input Node
	Call  *TableFunc
	Outer bool
}

// EmitOnClose holds rows until the watermark of Rel has passed End.
type EmitOnClose struct {
	Input Node
	End   ColID
	Rel   catalog.ID
}

// Sort orders and cuts.
type Sort struct {
	Input         Node
	Keys          []Key
	Limit, Offset expr.Expr
}

// TableFunc is a set-returning function. Args may have free columns. Ord is the ordinality column, or -1.
type TableFunc struct {
	Fn   *funcs.SetFunc
	Args []expr.Expr
	Cols []ColID
	Ord  ColID
}

// Recursive is WITH RECURSIVE. Seed and Step yield SeedCols and StepCols in the order of Out.
type Recursive struct {
	Seed, Step         Node
	SeedCols, StepCols []ColID
	Out                []ColID
	Distinct           bool
	ID                 int
}

// RecursiveRef is the working table of Recursive ID.
type RecursiveRef struct {
	ID   int
	Cols []ColID
}

func (*Scan) Children() []Node          { return nil }
func (*Values) Children() []Node        { return nil }
func (n *Filter) Children() []Node      { return []Node{n.Input} }
func (n *Extend) Children() []Node      { return []Node{n.Input} }
func (n *Aggregate) Children() []Node   { return []Node{n.Input} }
func (n *Distinct) Children() []Node    { return []Node{n.Input} }
func (n *Join) Children() []Node        { return []Node{n.Left, n.Right} }
func (n *Union) Children() []Node       { return n.In }
func (n *SetOp) Children() []Node       { return []Node{n.Left, n.Right} }
func (n *Window) Children() []Node      { return []Node{n.Input} }
func (n *TopN) Children() []Node        { return []Node{n.Input} }
func (n *Hop) Children() []Node         { return []Node{n.Input} }
func (n *Expand) Children() []Node      { return []Node{n.Input} }
func (n *EmitOnClose) Children() []Node { return []Node{n.Input} }
func (n *Sort) Children() []Node        { return []Node{n.Input} }
func (*TableFunc) Children() []Node     { return nil }
func (n *Recursive) Children() []Node   { return []Node{n.Seed, n.Step} }
func (*RecursiveRef) Children() []Node  { return nil }

func (*Scan) SetChild(int, Node)            {}
func (*Values) SetChild(int, Node)          {}
func (n *Filter) SetChild(_ int, c Node)    { n.Input = c }
func (n *Extend) SetChild(_ int, c Node)    { n.Input = c }
func (n *Aggregate) SetChild(_ int, c Node) { n.Input = c }
func (n *Distinct) SetChild(_ int, c Node)  { n.Input = c }
func (n *Union) SetChild(i int, c Node)     { n.In[i] = c }
func (n *Window) SetChild(_ int, c Node)    { n.Input = c }
func (n *TopN) SetChild(_ int, c Node)      { n.Input = c }
func (n *Hop) SetChild(_ int, c Node)       { n.Input = c }
func (n *Expand) SetChild(_ int, c Node)    { n.Input = c }
func (n *EmitOnClose) SetChild(_ int, c Node) {
	n.Input = c
}
func (n *Sort) SetChild(_ int, c Node)      { n.Input = c }
func (*TableFunc) SetChild(int, Node)       {}
func (*RecursiveRef) SetChild(int, Node)    {}
func (n *Join) SetChild(i int, c Node)      { setPair(&n.Left, &n.Right, i, c) }
func (n *SetOp) SetChild(i int, c Node)     { setPair(&n.Left, &n.Right, i, c) }
func (n *Recursive) SetChild(i int, c Node) { setPair(&n.Seed, &n.Step, i, c) }

func setPair(left, right *Node, i int, c Node) {
	if i == 0 {
		*left = c
	} else {
		*right = c
	}
}
