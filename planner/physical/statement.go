package physical

import (
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
)

// Query is a planned SELECT (or VALUES, TABLE, or the query of a DML statement).
type Query struct {
	Root     Node
	Subplans []Node       // by expr.Subquery.ID
	Params   []types.Type // of $1..
	Reads    []catalog.ID // every relation scanned, for pins and privileges
}

// Insert adds the rows of Query to a stream or table. Query's fields are all the relation's columns in order
// (defaults, nextval and casts are in the plan).
type Insert struct {
	Rel        catalog.ID
	Query      *Query
	OnConflict *OnConflict
	Checks     []RowCheck
	Returning  []expr.Expr // over the relation's columns
	Fields     []Field     // of Returning
}

// OnConflict is ON CONFLICT on the primary key (or a unique constraint's columns). Update nil: DO NOTHING.
type OnConflict struct {
	Target []int       // key columns; nil: any
	Update []expr.Expr // new row, over existing row's columns then excluded row's columns; nil: DO NOTHING
	Where  expr.Expr   // over the same; may be nil
}

// Update replaces rows of a table. Query's fields are the old row (all columns) then the new row (all columns).
// When Query joins, a row is updated once, by the first match.
type Update struct {
	Rel       catalog.ID
	Query     *Query
	Checks    []RowCheck
	Returning []expr.Expr // over the new row's columns then the rest of Query's fields behind old and new
	Fields    []Field
}

// Delete removes rows of a table. Query's fields start with the old row (all columns).
type Delete struct {
	Rel       catalog.ID
	Query     *Query
	Returning []expr.Expr // over Query's fields
	Fields    []Field
}

// RowCheck is a CHECK constraint over the relation's columns.
type RowCheck struct {
	Name string
	Expr expr.Expr
}

// View is the dataflow of a materialized view.
type View struct {
	Root Node
	// Key are output columns that identify a row in every state (a grouping key, a source's primary key carried
	// through); nil: none known, rows are kept as a multiset.
	Key   []int
	Reads []catalog.ID
}
