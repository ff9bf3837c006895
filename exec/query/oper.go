package query

import (
	"math"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// operator runs an operator of exec/op for one step. One that emits while it is pushed streams; what one emits at End
// comes after its inputs.
type operator struct {
	r     *runner
	op    op.Operator
	step  op.Step
	in    []physical.Node
	port  int
	rows  Rows // of the input at port; nil: not opened
	ended bool
	lasts bool // it emits at most one batch a call, which stays valid until the next call
	out   []*vec.Batch
	queue int64 // bytes of out, if they are copies
	mem   share
	err   error
}

func (r *runner) operator(n physical.Node) (Rows, error) {
	o, err := op.NewOnce(n)
	if err != nil {
		return nil, err
	}
	x := &operator{r: r, op: o, in: n.Inputs(), mem: share{m: r.mem}}
	switch n.(type) {
	case *physical.Map, *physical.Hop, *physical.Aggregate, *physical.Distinct, *physical.SetOp:
		x.lasts = true
	}
	x.step = op.Step{
		Ctx: r.fc, Clock: r.fc.Now, Workers: 1,
		Watermark: func(catalog.ID) int64 { return math.MaxInt64 },
		RowError: func(err *pgerr.Error, _ string, _ int64) {
			if x.err == nil {
				x.err = err
			}
		},
	}
	x.step.Stopped = func() bool { return x.err != nil || r.ctx.Err() != nil }
	return x, nil
}

func (x *operator) Next() (*vec.Batch, error) {
	for {
		if len(x.out) > 0 {
			b := x.out[0]
			x.out[0], x.out = nil, x.out[1:]
			if !x.lasts {
				x.queue -= batchSize(b)
			}
			return b, nil
		}
		if x.ended {
			x.Close()
			return nil, nil
		}
		if err := x.advance(); err != nil {
			return nil, err
		}
	}
}

// advance pushes one batch of input, or ends the step.
func (x *operator) advance() error {
	if x.port == len(x.in) {
		x.ended = true
		x.op.End(&x.step, x.emit)
		return x.failed()
	}
	if x.rows == nil {
		rows, err := x.r.build(x.in[x.port])
		if err != nil {
			return err
		}
		x.rows = rows
	}
	b, err := x.rows.Next()
	if err != nil {
		return err
	}
	if b == nil {
		x.rows.Close()
		x.rows = nil
		x.port++
		return nil
	}
	x.op.Push(&x.step, x.port, b, x.emit)
	return x.failed()
}

func (x *operator) failed() error {
	if x.err == nil {
		x.err = x.r.raise()
	}
	if x.err == nil {
		x.err = x.r.live()
	}
	if x.err == nil {
		x.err = x.mem.set(op.Held(x.op) + x.queue)
	}
	return x.err
}

// emit keeps a batch, which is the operator's, for the reader.
func (x *operator) emit(b *vec.Batch) {
	if b.N == 0 || x.err != nil {
		return
	}
	if !x.lasts {
		b = clone(b)
		x.queue += batchSize(b)
		x.err = x.mem.set(op.Held(x.op) + x.queue)
	}
	x.out = append(x.out, expand(b))
}

func (x *operator) Close() {
	if x.rows != nil {
		x.rows.Close()
		x.rows = nil
	}
	if x.op != nil {
		x.op.Abort()
		x.op = nil
	}
	x.ended, x.out, x.port, x.queue = true, nil, len(x.in), 0
	x.mem.free()
}
