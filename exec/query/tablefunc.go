package query

import (
	"iter"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// tableFunc calls a set-returning function in FROM.
func (r *runner) tableFunc(n *physical.TableFunc) (Rows, error) {
	ts := make([]types.Type, len(n.Args))
	for i, a := range n.Args {
		ts[i] = a.Type()
	}
	f, _, _, err := funcs.ResolveSet(n.Name, ts)
	if err != nil {
		return nil, err
	}
	args := make([]*vec.Vec, len(n.Args))
	null := false
	for i, a := range n.Args {
		v, err := r.constant(a)
		if err != nil {
			return nil, err
		}
		args[i] = vec.New(a.Type(), 1)
		args[i].AppendScalar(v)
		null = null || v.Null
	}
	if null && !f.Lax {
		return &batches{}, nil
	}
	return r.called(n, f, args), nil
}

// called is the rows of a set-returning function. Most make them all at once; one that makes many hands them on in
// parts, for which it runs as a coroutine.
type called struct {
	r    *runner
	next func() (*vec.Batch, error, bool)
	stop func()
	ord  *vec.Vec // WITH ORDINALITY
	n    int64    // rows so far
	mem  share
}

var errStopped = internal("the function's rows are not wanted any more")

func (r *runner) called(n *physical.TableFunc, f *funcs.SetFunc, args []*vec.Vec) *called {
	c := &called{r: r, mem: share{m: r.mem}}
	cols := fieldTypes(n)
	if n.Ordinality {
		c.ord = vec.New(cols[len(cols)-1], 0)
		cols = cols[:len(cols)-1]
	}
	fc := r.fc.Fork()
	c.next, c.stop = iter.Pull2(func(yield func(*vec.Batch, error) bool) {
		fc.Full = func(out *vec.Batch) error {
			if !yield(out, nil) {
				return errStopped
			}
			out.Reset()
			return nil
		}
		out := vec.NewBatch(cols, 0)
		err := f.Rows(fc, args, 0, out)
		if err == nil && len(fc.Errors) > 0 {
			err = fc.Errors[0].Err
		}
		if err != errStopped {
			yield(out, err)
		}
	})
	return c
}

func (c *called) Next() (*vec.Batch, error) {
	if err := c.r.live(); err != nil {
		return nil, err
	}
	b, err, ok := c.next()
	if !ok || err != nil || b.N == 0 {
		c.Close()
		return nil, err
	}
	if c.ord != nil {
		c.ord.Reset()
		for range b.N {
			c.n++
			c.ord.AppendI64(c.n)
		}
		b = &vec.Batch{Cols: append(append([]*vec.Vec{}, b.Cols...), c.ord), N: b.N}
	}
	return b, c.mem.hold(b, 0)
}

func (c *called) Close() {
	c.stop()
	c.mem.free()
}
