package engine

import (
	"context"

	"github.com/millracedb/millrace/exec/query"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// write is a statement that writes rows: an Insert, Update, Delete or RewriteTable.
type write struct {
	ctx  context.Context
	stmt physical.Statement
	fc   *funcs.Ctx
	res  Result // of the last run
}

func (w *write) run(t *txn) (err error) {
	switch s := w.stmt.(type) {
	case *physical.Insert:
		w.res, err = t.insert(w.ctx, s, w.fc)
	case *physical.Update:
		w.res, err = t.update(w.ctx, s, w.fc)
	case *physical.Delete:
		w.res, err = t.delete(w.ctx, s, w.fc)
	case *physical.RewriteTable:
		err = t.rewrite(w.ctx, s, w.fc)
	}
	return err
}

// statement runs one write statement. A Single transaction is committed with it, and if rows it changed were changed
// meanwhile it runs again at the cut, where nobody is in between: its result is then that of the second run.
func (t *txn) statement(ctx context.Context, s physical.Statement, fc *funcs.Ctx) (Result, error) {
	if t.opts.ReadOnly {
		return Result{}, pgerr.New(pgerr.ReadOnlySQLTransaction, "cannot execute a write in a read-only transaction")
	}
	t.writes++
	w := write{ctx: ctx, stmt: s, fc: fc}
	err := w.run(t)
	if err != nil || !t.opts.Single {
		return w.res, err
	}
	if t.writes > 1 {
		return w.res, t.Commit(ctx)
	}
	t.again = w
	if err := t.Commit(ctx); err != nil {
		return Result{}, err
	}
	return t.again.res, nil
}

// Insert adds rows to a stream or table.
func (t *txn) Insert(ctx context.Context, s *physical.Insert, fc *funcs.Ctx) (Result, error) {
	return t.statement(ctx, s, fc)
}

// Update replaces rows of a table.
func (t *txn) Update(ctx context.Context, s *physical.Update, fc *funcs.Ctx) (Result, error) {
	return t.statement(ctx, s, fc)
}

// Delete removes rows of a table.
func (t *txn) Delete(ctx context.Context, s *physical.Delete, fc *funcs.Ctx) (Result, error) {
	return t.statement(ctx, s, fc)
}

func (t *txn) insert(ctx context.Context, s *physical.Insert, fc *funcs.Ctx) (Result, error) {
	w := rowWriter{fc: fc}
	rows, err := t.target(ctx, &w, s.Rel, s.Checks, s.Returning, s.Query)
	if err != nil {
		return Result{}, err
	}
	for _, b := range rows {
		if err := w.check(b); err != nil {
			return Result{}, err
		}
		switch {
		case w.meta.Kind == catalog.Stream:
			err = t.addRows(w.meta.ID, b)
		case s.OnConflict != nil:
			b, err = t.upsert(&w, s.OnConflict, b)
		default:
			err = t.insertRows(&w, b)
		}
		if err != nil {
			return Result{}, err
		}
		if err := w.computeReturning(b); err != nil {
			return Result{}, err
		}
	}
	return w.result(), nil
}

func (t *txn) update(ctx context.Context, s *physical.Update, fc *funcs.Ctx) (Result, error) {
	w := rowWriter{fc: fc}
	rows, err := t.target(ctx, &w, s.Rel, s.Checks, s.Returning, s.Query)
	if err != nil {
		return Result{}, err
	}
	n := len(w.meta.Columns)
	c := t.tableChange(w.meta)
	rows = firstPerKey(c, rows)
	// All old rows go before any new one comes, so that keys may move among the rows of one statement.
	for _, b := range rows {
		t.removeRows(c, b)
	}
	for _, b := range rows {
		fresh := &vec.Batch{Cols: b.Cols[n : 2*n], W: b.W, N: b.N}
		if err := w.check(fresh); err != nil {
			return Result{}, err
		}
		if err := t.insertRows(&w, fresh); err != nil {
			return Result{}, err
		}
		if err := w.computeReturning(&vec.Batch{Cols: b.Cols[n:], W: b.W, N: b.N}); err != nil {
			return Result{}, err
		}
	}
	return w.result(), nil
}

func (t *txn) delete(ctx context.Context, s *physical.Delete, fc *funcs.Ctx) (Result, error) {
	w := rowWriter{fc: fc}
	rows, err := t.target(ctx, &w, s.Rel, nil, s.Returning, s.Query)
	if err != nil {
		return Result{}, err
	}
	c := t.tableChange(w.meta)
	for _, b := range firstPerKey(c, rows) {
		if err := t.grow(int64(b.MemSize())); err != nil {
			return Result{}, err
		}
		t.removeRows(c, b)
		if err := w.computeReturning(b); err != nil {
			return Result{}, err
		}
	}
	return w.result(), nil
}

// target makes w ready to write to a relation, and returns the rows of the statement's query: all of them before the
// first change, since a statement does not see its own rows.
func (t *txn) target(ctx context.Context, w *rowWriter, rel catalog.ID, checks []physical.RowCheck, returning []expr.Expr, q *physical.Query) ([]*vec.Batch, error) {
	meta, err := t.relation(rel)
	if err != nil {
		return nil, err
	}
	if err := w.init(meta, checks, returning, w.fc); err != nil {
		return nil, err
	}
	return t.collect(ctx, q, w.fc, w.one[:0])
}

// removeRows takes rows, each as often as it says, out of a table.
func (t *txn) removeRows(c *tableChange, b *vec.Batch) {
	for i := range b.N {
		for range b.Weight(i) {
			c.remove(&t.undo, b, i)
		}
	}
}

// collect runs the query of a write to its end and appends its rows to out.
func (t *txn) collect(ctx context.Context, q *physical.Query, fc *funcs.Ctx, out []*vec.Batch) ([]*vec.Batch, error) {
	if v := query.ValuesOf(q); v != nil {
		if !t.opts.Single {
			t.pinFor(q)
		}
		b, err := query.Values(ctx, v, fc)
		return append(out, b), err
	}
	cur, err := t.Query(ctx, q, fc)
	if err != nil {
		return nil, err
	}
	defer cur.Close()
	for {
		b, err := cur.Next()
		if b == nil || err != nil {
			return out, err
		}
		c := vec.NewBatch(b.Types(), b.N)
		c.Append(b)
		out = append(out, c)
	}
}

// firstPerKey leaves of the rows of a joining UPDATE or DELETE the first for each target row.
func firstPerKey(c *tableChange, rows []*vec.Batch) []*vec.Batch {
	if c.bag {
		return rows
	}
	seen := map[string]struct{}{}
	for k, b := range rows {
		sel := make([]int32, 0, b.N)
		for i := range b.N {
			c.key = appendKey(c.key[:0], b, c.cols, i, false)
			if _, twice := seen[string(c.key)]; !twice {
				seen[string(c.key)] = struct{}{}
				sel = append(sel, int32(i))
			}
		}
		if len(sel) < b.N {
			rows[k] = b.Select(sel)
		}
	}
	return rows
}

// insertRows adds rows to a table. A key that exists is 23505; the keys of other transactions are looked at here when
// the statement is part of a block or runs at the cut, and at the cut in any case.
func (t *txn) insertRows(w *rowWriter, b *vec.Batch) error {
	if err := t.grow(int64(b.MemSize())); err != nil {
		return err
	}
	c := t.tableChange(w.meta)
	var cur *currentRows
	if !c.bag && (!t.opts.Single || t.atCut) {
		cur = t.current(w.meta, b)
	}
	for i := range b.N {
		if cur != nil && cur.exists(b, i) {
			return uniqueViolation(w.meta, b, i)
		}
		for range b.Weight(i) {
			if !c.insert(&t.undo, b, i) {
				return uniqueViolation(w.meta, b, i)
			}
		}
	}
	return nil
}

// addRows adds rows to a stream. It takes b over. Big batches go to the log at once, so that the disk works while
// the rest arrives.
func (t *txn) addRows(id catalog.ID, b *vec.Batch) error {
	if b.N == 0 {
		return nil
	}
	size := int64(b.MemSize())
	if err := t.grow(size); err != nil {
		return err
	}
	w := &t.first
	if t.streams == nil {
		t.streams = t.list[:0]
	} else {
		w = &streamWrite{}
	}
	w.id, w.rows = id, b
	if size >= earlyLogBytes {
		w.logTxn = t.e.nextTxn.Add(1)
		if err := t.e.logPart(w); err != nil {
			return err
		}
	}
	t.streams = append(t.streams, w)
	return nil
}

// earlyLogBytes is the size from which a batch is logged before its transaction commits.
const earlyLogBytes = 256 << 10
