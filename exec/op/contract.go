package op

import (
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// Operator is one node of a running dataflow. The life of a step (one epoch, or one chunk of a backfill, or a whole
// ad hoc query):
//
//		Push* -> End -> Commit | Abort
//
//	  - Push gives a part of the change of input port; parts may come in any order and number. The batch is dense, and
//	    valid and unchanged for the call only: an operator that needs it later copies it.
//	  - End says that every part of every input has been pushed. After End the operator has emitted all its output.
//	  - Until Commit the operator's state is frozen: Push and End read it as it was before the step and keep the
//	    change pending. Commit applies the pending change and cannot fail; Abort drops it. So d(A join B) =
//	    dA join B + A join dB + dA join dB, all against the old state, and a step that is given up leaves nothing.
//	  - Output is emitted by out, in Push or End. A keyed operator consolidates first: at most one retraction and
//	    one insertion per key and step, none if nothing changed.
//	  - A row that cannot be computed is left out and reported by Step.RowError with its weight (D9). Anything else that
//	    goes wrong is a panic, which the graph turns into a suspended view (D4).
//	  - An operator is used by one goroutine at a time; sharding is inside (see Parallel).
type Operator interface {
	Push(s *Step, port int, b *vec.Batch, out Emit)
	End(s *Step, out Emit)
	Commit()
	Abort()
}

// Emit passes a batch downstream. The batch is valid for the call only, so that an operator may reuse it.
type Emit func(b *vec.Batch)

// Step is one run of the dataflow.
type Step struct {
	Epoch uint64
	Clock int64 // the epoch's logged clock, microseconds since 2000-01-01 UTC
	// Ctx evaluates expressions; an operator clears its Errors after taking them.
	Ctx *funcs.Ctx
	// Watermark gives a stream's watermark after this epoch (math.MinInt64: none yet).
	Watermark func(stream catalog.ID) int64
	// RowError takes an error row: the cause, the offending row's text (may be ""), its weight.
	RowError func(err *pgerr.Error, data string, weight int64)
	// Workers is the number of goroutines keyed operators may use (1: inline).
	Workers int
	// ShardRows, if not 0, is how many rows a shard must get for a goroutine to be started.
	ShardRows int
	// Stopped, of an ad hoc query, reports that nobody wants more output: an operator whose output can be much larger than
	// its input asks it now and then, and may stop. A view's step has none: it runs to its end.
	Stopped func() bool
}

// stopped asks Stopped, once in many rounds of a loop.
func (s *Step) stopped(round int) bool {
	return round&0xff == 0 && s.Stopped != nil && s.Stopped()
}
