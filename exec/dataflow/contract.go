package dataflow

import (
	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// Step is one run of a graph (op.Step). The graph sets RowError itself, view by view.
type Step = op.Step

// Inputs are the changes of relations in one step. The batches stay the caller's; they must not change until
// Commit or Abort.
type Inputs map[catalog.ID][]*vec.Batch

// Result is what a step did. It is valid until the next step of the graph.
type Result struct {
	Errors    []RowError
	Suspended []Suspension
	// Deltas are the changes of views that somebody watches (Graph.Watch) or reads.
	Deltas Inputs
}

// RowError is a row a view could not compute (weight > 0), or no longer has to (weight < 0).
type RowError struct {
	View   catalog.ID
	Err    *pgerr.Error
	Data   string
	Weight int64
}

// Suspension says that a view failed, or one that it reads, and takes part in no further step.
type Suspension struct {
	View   catalog.ID
	Reason string
}
