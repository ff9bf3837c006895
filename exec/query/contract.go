package query

import (
	"context"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/vec"
)

// Sources gives the rows behind the Scan nodes of a query, all as of the one epoch it was pinned to (D7). The engine
// implements it: tables and materialized views by state.Snapshot and state.Reader, streams by the log, system
// relations by their providers.
type Sources interface {
	// Scan starts reading the rows of n.Rel: columns n.Cols, in that order. If key is not nil, only the rows whose
	// primary key equals it (the values of n.Lookup; a null in it matches nothing).
	Scan(ctx context.Context, n *physical.Scan, key []vec.Scalar) (Rows, error)
}

// Rows is a pull iterator over batches; a query, a scan and state.Cursor have the same shape. It is used by one
// goroutine at a time.
type Rows interface {
	// Next returns the next batch, which has at least one row, or nil at the end. The batch is valid until the following
	// call. Weights of a scan are positive multiplicities; a query's result has none (W is nil).
	Next() (*vec.Batch, error)
	// Close frees what the iterator holds. It may be called at any time, also twice.
	Close()
}

// Cursor is the running result of a query (engine.Cursor).
type Cursor = Rows
