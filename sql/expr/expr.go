package expr

import (
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Expr is a bound, typed scalar expression over the columns of one input. It is data: plans hold it, compare it,
// encode it into the catalog (Marshal) and print it (String). Compile makes a Program that runs it.
type Expr interface {
	// Type is the type of the result.
	Type() types.Type
}

// Col is column Index of the input. Name is for printing.
type Col struct {
	Index int
	T     types.Type
	Name  string
}

// Const is a constant.
type Const struct{ Val vec.Scalar }

// Param is $N (1-based) of the running statement.
type Param struct {
	N int
	T types.Type
}

// Outer is value Index of the outer row of a correlated subquery (funcs.Ctx.Outer).
type Outer struct {
	Index int
	T     types.Type
	Name  string
}

// Call applies a row of the function table. Casts and operators are calls too. T carries the resolved result type
// of polymorphic functions and the typmod.
type Call struct {
	Fn   *funcs.Func
	Args []Expr
	T    types.Type
}

// And is true if all Args are; later ones are evaluated only on rows the earlier ones leave undecided.
type And struct{ Args []Expr }

// Or is true if any of Args is; later ones are evaluated only on rows the earlier ones leave undecided.
type Or struct{ Args []Expr }

// Not negates a bool.
type Not struct{ Arg Expr }

// IsNull tests for null (Negate: IS NOT NULL).
type IsNull struct {
	Arg    Expr
	Negate bool
}

// Case is the searched CASE (the simple form is bound to it). Each arm is evaluated only on its own rows.
type Case struct {
	Whens []When
	Else  Expr // nil: null
	T     types.Type
}

// When is one arm of a Case.
type When struct{ Cond, Then Expr }

// Coalesce is the first argument that is not null; later ones are evaluated only where needed.
type Coalesce struct {
	Args []Expr
	T    types.Type
}

// Array is ARRAY[...] of Elems, all of the element type of T.
type Array struct {
	Elems []Expr
	T     types.Type
}

// Row is ROW(...); it only occurs under comparisons the binder has taken apart, in record output and count().
type Row struct{ Elems []Expr }

// SubqueryKind says what a Subquery yields.
type SubqueryKind byte

const (
	SubScalar SubqueryKind = 's' // the one value, null if no row, 21000 if more than one
	SubExists SubqueryKind = 'e' // bool
	SubAny    SubqueryKind = 'y' // Test holds for any row (three-valued)
	SubAll    SubqueryKind = 'l' // Test holds for all rows (three-valued)
	SubArray  SubqueryKind = 'a' // ARRAY(subquery)
)

// Subquery is a subquery in an expression: plan ID of the enclosing query, run per distinct tuple of Args, which
// become its Outer values. Only ad hoc queries run it; the planner turns those of views into joins or refuses.
type Subquery struct {
	ID   int
	Kind SubqueryKind
	Args []Expr // outer values, over this expression's input
	// Test, for SubAny and SubAll: a bool over the input's columns followed by the subquery's columns.
	Test Expr
	T    types.Type
}

func (e *Col) Type() types.Type      { return e.T }
func (e *Const) Type() types.Type    { return e.Val.Type }
func (e *Param) Type() types.Type    { return e.T }
func (e *Outer) Type() types.Type    { return e.T }
func (e *Call) Type() types.Type     { return e.T }
func (e *And) Type() types.Type      { return types.T(types.Bool) }
func (e *Or) Type() types.Type       { return types.T(types.Bool) }
func (e *Not) Type() types.Type      { return types.T(types.Bool) }
func (e *IsNull) Type() types.Type   { return types.T(types.Bool) }
func (e *Case) Type() types.Type     { return e.T }
func (e *Coalesce) Type() types.Type { return e.T }
func (e *Array) Type() types.Type    { return e.T }
func (e *Row) Type() types.Type      { return types.T(types.Record) }
func (e *Subquery) Type() types.Type { return e.T }
