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
	out   []*vec.Batch
	err   error
}

func (r *runner) operator(n physical.Node) (Rows, error) {
	o, err := op.NewOnce(n)
	if err != nil {
		return nil, err
	}
	x := &operator{r: r, op: o, in: n.Inputs()}
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
			x.out = x.out[1:]
			return b, nil
		}
		if x.ended {
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
	return x.err
}

// emit keeps a batch, which is the operator's, for the reader.
func (x *operator) emit(b *vec.Batch) {
	if b.N == 0 || x.err != nil {
		return
	}
	if err := x.r.mem.add(b); err != nil {
		x.err = err
		return
	}
	c := vec.NewBatch(b.Types(), b.N)
	c.Append(&vec.Batch{Cols: b.Cols, N: b.N})
	if b.W != nil {
		c.W = append([]int64{}, b.W...)
	}
	x.out = append(x.out, expand(c))
}

func (x *operator) Close() {
	if x.rows != nil {
		x.rows.Close()
		x.rows = nil
	}
	if !x.ended {
		x.op.Abort()
	}
	x.ended, x.out, x.port = true, nil, len(x.in)
}
