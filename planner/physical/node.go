package physical

import (
	"slices"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Field is an output column of a node.
type Field struct {
	Name string
	Type types.Type
}

// Node is an operator of a plan. Column references (int) and expressions are over the input's output fields.
// One algebra serves views and ad hoc queries; the nodes marked "ad hoc only" never occur in a view's plan.
type Node interface {
	Fields() []Field
	Inputs() []Node
	// AppendOnly reports that the node never takes a row back, in any epoch (D6: planner-inferred).
	AppendOnly() bool
}

// Base is the part every node has.
type Base struct {
	Out    []Field
	Append bool // see Node.AppendOnly
}

func (b *Base) Fields() []Field  { return b.Out }
func (b *Base) AppendOnly() bool { return b.Append }

// Scan is the rows (in a view: the changes) of a relation: a stream, a table, a materialized view, or (ad hoc only) a
// system relation. Cols are the columns wanted, in output order. Index len(relation columns) is the hidden
// bool "late" of a stream with a watermark.
type Scan struct {
	Base
	Rel  catalog.ID
	Name string // for EXPLAIN
	Cols []int
	// Lookup, ad hoc only: the relation's key columns equal these values (over no input: Const, Param, Outer). The
	// relation's PrimaryKey order. nil: full scan.
	Lookup []expr.Expr
}

// Values is constant rows: either Batch (already values; INSERT ... VALUES) or Rows of expressions over no input.
type Values struct {
	Base
	Batch *vec.Batch
	Rows  [][]expr.Expr
}

// Map filters, then projects. Filter may be nil. An error in Filter or Project is a row error.
type Map struct {
	Base
	Input   Node
	Filter  expr.Expr
	Project []expr.Expr
}

// Aggregate groups by Keys. Output: the key columns in order, then one column per Agg. No Keys: exactly one row, also
// for no input (Global).
type Aggregate struct {
	Base
	Input Node
	Keys  []int
	Aggs  []Agg
	// WindowEnd, in a view that emits on window close: the position in Keys of window_end; state of closed windows is
	// dropped. -1 otherwise.
	WindowEnd int
}

// Agg is one aggregate call. Args are input columns; Filter is a bool input column or -1.
type Agg struct {
	Fn       *funcs.Aggregate
	Args     []int
	Distinct bool
	Filter   int
	Order    []SortKey
	T        types.Type
}

// Collects reports whether a group is aggregated anew from all its rows when one of them changes.
func (n *Aggregate) Collects() bool {
	return slices.ContainsFunc(n.Aggs, func(a Agg) bool { return len(a.Order) > 0 || !a.Fn.TakesBack() })
}

// SortKey orders by an input column.
type SortKey struct {
	Col        int
	Desc       bool
	NullsFirst bool
}

// Distinct removes duplicates (SQL equality, over all columns).
type Distinct struct {
	Base
	Input Node
}

// JoinKind is the kind of a join.
type JoinKind string

const (
	Inner JoinKind = "inner"
	Left  JoinKind = "left"
	Full  JoinKind = "full" // ad hoc only for now
	Semi  JoinKind = "semi" // left rows with a match
	Anti  JoinKind = "anti" // left rows without a match
)

// Join joins on LKeys[i] = RKeys[i] (null never matches, unless NullSafe) and Residual, over left columns then right
// columns. Output: left columns then right columns (semi, anti: left only). No keys: a cross join with Residual.
type Join struct {
	Base
	Left, Right  Node
	Kind         JoinKind
	LKeys, RKeys []int
	NullSafe     bool
	Residual     expr.Expr
}

// Union is UNION ALL of inputs with the same column classes and types.
type Union struct {
	Base
	In []Node
}

// SetOp is INTERSECT or EXCEPT (All: with multiplicities). Ad hoc only for now.
type SetOp struct {
	Base
	Left, Right Node
	Except, All bool
}

// Window computes window functions per partition. Output: input columns, then one column per Func.
type Window struct {
	Base
	Input     Node
	Partition []int
	Order     []SortKey
	Funcs     []WindowFunc
}

// WindowFunc is one window function call: a ranking or offset function by Name (row_number, rank, dense_rank,
// percent_rank, cume_dist, ntile, lag, lead, first_value, last_value, nth_value) or an aggregate (Agg).
type WindowFunc struct {
	Name   string
	Agg    *funcs.Aggregate
	Args   []int
	Frame  Frame
	T      types.Type
	Filter int // bool input column or -1
}

// Frame is the window frame. Offsets are only in Rows mode (and Groups); nil bounds are as the kind says.
type Frame struct {
	Mode       string // rows, range, groups
	Start, End Bound
}

// Bound is one end of a frame: "unbounded preceding", "preceding", "current row", "following", "unbounded following".
type Bound struct {
	Kind   string
	Offset int64
}

// TopN keeps, per Partition, the rows [Offset, Offset+Limit) in Order. In views: `row_number() ... <= k` and
// ORDER BY ... LIMIT.
type TopN struct {
	Base
	Input         Node
	Partition     []int
	Order         []SortKey
	Limit, Offset int64
}

// Hop gives each row one copy per window [start, start+Size) with start a multiple of Slide that contains TimeCol, with
// window_start and window_end appended; a null time gives none. Slide == Size is TUMBLE.
type Hop struct {
	Base
	Input       Node
	TimeCol     int
	Slide, Size int64 // microseconds
	Origin      int64 // offset of the windows, microseconds
}

// Expand calls a set-returning function for each row of Input and puts its columns behind the row's: one row for each that
// the function yields, and with Outer one with nulls if it yields none. Args are over Input. In views only.
type Expand struct {
	Base
	Input             Node
	Name              string
	Args              []expr.Expr
	Ordinality, Outer bool
}

// EmitOnClose passes rows once EndCol (timestamp) <= the watermark of stream Rel; until then it holds them, consolidated.
type EmitOnClose struct {
	Base
	Input  Node
	EndCol int
	Rel    catalog.ID
}

// Sort orders all rows; Limit/Offset (expressions over no input, nil = none) cut. Keys may be empty. Ad hoc only.
type Sort struct {
	Base
	Input         Node
	Keys          []SortKey
	Limit, Offset expr.Expr
	// KeepOut > 0: only the first KeepOut columns are output, the others were sort keys.
	KeepOut int
}

// TableFunc is a set-returning function called with Args over no input (under Apply they may use Outer). Ordinality
// appends a bigint. Ad hoc only.
type TableFunc struct {
	Base
	Name       string
	Args       []expr.Expr
	Ordinality bool
}

// Apply runs Right for each row of Left, whose values of Args are Right's Outer values: LATERAL. Ad hoc only.
type Apply struct {
	Base
	Left, Right Node
	Outer       bool // LEFT JOIN LATERAL
	Args        []expr.Expr
	On          expr.Expr // over left then right columns; may be nil
}

// Recursive is WITH RECURSIVE: Seed, then Step over the rows of the last round (RecursiveRef) until there are none.
// Ad hoc only.
type Recursive struct {
	Base
	Seed, Step Node
	Distinct   bool // UNION
	ID         int
}

// RecursiveRef is the working table of Recursive ID.
type RecursiveRef struct {
	Base
	ID int
}

func (n *Scan) Inputs() []Node         { return nil }
func (n *Values) Inputs() []Node       { return nil }
func (n *Map) Inputs() []Node          { return []Node{n.Input} }
func (n *Aggregate) Inputs() []Node    { return []Node{n.Input} }
func (n *Distinct) Inputs() []Node     { return []Node{n.Input} }
func (n *Join) Inputs() []Node         { return []Node{n.Left, n.Right} }
func (n *Union) Inputs() []Node        { return n.In }
func (n *SetOp) Inputs() []Node        { return []Node{n.Left, n.Right} }
func (n *Window) Inputs() []Node       { return []Node{n.Input} }
func (n *TopN) Inputs() []Node         { return []Node{n.Input} }
func (n *Hop) Inputs() []Node          { return []Node{n.Input} }
func (n *Expand) Inputs() []Node       { return []Node{n.Input} }
func (n *EmitOnClose) Inputs() []Node  { return []Node{n.Input} }
func (n *Sort) Inputs() []Node         { return []Node{n.Input} }
func (n *TableFunc) Inputs() []Node    { return nil }
func (n *Apply) Inputs() []Node        { return []Node{n.Left, n.Right} }
func (n *Recursive) Inputs() []Node    { return []Node{n.Seed, n.Step} }
func (n *RecursiveRef) Inputs() []Node { return nil }
