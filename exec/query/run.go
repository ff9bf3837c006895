package query

import (
	"context"
	"fmt"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Run starts q over src. fc carries parameters and the session; the query uses it until Close, and installs itself as
// its Subquery.
func Run(ctx context.Context, q *physical.Query, src Sources, fc *funcs.Ctx) (Cursor, error) {
	r := &runner{ctx: ctx, q: q, src: src, fc: fc, mem: &memory{limit: memoryLimit(fc)}, work: map[int]*workTable{}}
	fc.Context = ctx
	if len(q.Subplans) > 0 {
		fc.Subquery = r.subquery
	}
	rows, err := r.build(q.Root)
	if err != nil {
		return nil, err
	}
	return &cursor{r: r, rows: rows}, nil
}

// runner is one running query.
type runner struct {
	ctx  context.Context
	q    *physical.Query
	src  Sources
	fc   *funcs.Ctx
	mem  *memory
	work map[int]*workTable // of recursive queries, by Recursive.ID
}

// cursor is the result of the whole query.
type cursor struct {
	r    *runner
	rows Rows
}

func (c *cursor) Next() (*vec.Batch, error) {
	b, err := c.rows.Next()
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (c *cursor) Close() { c.rows.Close() }

// live ends a query whose context has ended.
func (r *runner) live() error {
	if r.ctx.Err() == nil {
		return nil
	}
	return canceled(context.Cause(r.ctx))
}

func canceled(cause error) error {
	if e := pgerr.Of(cause); e.Code != pgerr.Internal {
		return e
	}
	return pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
}

// raise gives the error of the first row that failed, and clears it.
func (r *runner) raise() error { return raise(r.fc) }

func raise(fc *funcs.Ctx) error {
	if len(fc.Errors) == 0 {
		return nil
	}
	first := fc.Errors[0]
	for _, e := range fc.Errors[1:] {
		if e.Row < first.Row {
			first = e
		}
	}
	err := first.Err
	fc.Clear()
	return err
}

// build makes the iterator of a node.
func (r *runner) build(n physical.Node) (Rows, error) {
	switch n := n.(type) {
	case *physical.Scan:
		return r.scan(n)
	case *physical.Values:
		return r.values(n)
	case *physical.Union:
		return r.union(n)
	case *physical.Join:
		return r.join(n)
	case *physical.Sort:
		return r.sort(n)
	case *physical.TableFunc:
		return r.tableFunc(n)
	case *physical.Apply:
		return r.apply(n)
	case *physical.Recursive:
		return r.recursive(n)
	case *physical.RecursiveRef:
		return r.recursiveRef(n)
	}
	return r.operator(n)
}

// drain reads rows to the end and closes them.
func (r *runner) drain(rows Rows, each func(*vec.Batch) error) error {
	defer rows.Close()
	for {
		b, err := rows.Next()
		if err != nil || b == nil {
			return err
		}
		if err := each(b); err != nil {
			return err
		}
	}
}

// collect reads all rows of a node into one batch, which counts as held until mem is freed.
func (r *runner) collect(n physical.Node, mem *share) (*vec.Batch, error) {
	rows, err := r.build(n)
	if err != nil {
		return nil, err
	}
	out, base := vec.NewBatch(fieldTypes(n), 0), mem.n
	err = r.drain(rows, func(b *vec.Batch) error {
		out.Append(b)
		return mem.hold(out, base)
	})
	return out, err
}

func fieldTypes(n physical.Node) []types.Type {
	fs := n.Fields()
	ts := make([]types.Type, len(fs))
	for i, f := range fs {
		ts[i] = f.Type
	}
	return ts
}

// union is UNION ALL: one input after the other.
type union struct {
	r    *runner
	in   []physical.Node
	rows Rows
}

func (r *runner) union(n *physical.Union) (Rows, error) { return &union{r: r, in: n.In}, nil }

func (u *union) Next() (*vec.Batch, error) {
	for {
		if u.rows == nil {
			if len(u.in) == 0 {
				return nil, nil
			}
			rows, err := u.r.build(u.in[0])
			if err != nil {
				return nil, err
			}
			u.rows, u.in = rows, u.in[1:]
		}
		b, err := u.rows.Next()
		if b != nil || err != nil {
			return b, err
		}
		u.rows.Close()
		u.rows = nil
	}
}

func (u *union) Close() {
	if u.rows != nil {
		u.rows.Close()
		u.rows = nil
	}
	u.in = nil
}

// batches are rows that are there already.
type batches struct {
	list []*vec.Batch
}

func (l *batches) Next() (*vec.Batch, error) {
	for len(l.list) > 0 {
		b := l.list[0]
		l.list = l.list[1:]
		if b.N > 0 {
			return b, nil
		}
	}
	return nil, nil
}

func (l *batches) Close() { l.list = nil }

func internal(format string, args ...any) error {
	return pgerr.New(pgerr.Internal, fmt.Sprintf(format, args...))
}
