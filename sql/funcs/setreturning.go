package funcs

import (
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// SetCol is a column of a set-returning function's rows.
type SetCol struct {
	Name string
	Type types.Type
}

// SetFunc is one row of the table of set-returning functions.
type SetFunc struct {
	Name     string
	Args     []types.OID
	Variadic bool
	// Cols are the columns of the rows; types may be pseudo-types. One column: the function's value is a
	// scalar, named after the function unless Cols says otherwise.
	Cols []SetCol
	Vol  Volatility
	Lax  bool // called with null arguments too; otherwise a null argument yields no rows
	// Rows appends to out the rows that the arguments in row i yield; out's columns have the resolved types.
	Rows    func(ctx *Ctx, args []*vec.Vec, i int, out *vec.Batch) error
	OID     types.OID
	Doc     string
	Example string
	Section string
}
