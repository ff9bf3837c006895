package engine

import (
	"context"
	"slices"

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
	meta, err := t.relation(s.Rel)
	if err != nil {
		return Result{}, err
	}
	var w rowWriter
	if err := w.init(meta, s.Checks, s.Returning, fc); err != nil {
		return Result{}, err
	}
	var one [1]*vec.Batch
	rows, err := t.collect(ctx, s.Query, fc, one[:0])
	if err != nil {
		return Result{}, err
	}
	for _, b := range rows {
		if err := w.check(b); err != nil {
			return Result{}, err
		}
		switch {
		case meta.Kind == catalog.Stream:
			err = t.addRows(meta.ID, b)
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
	meta, err := t.relation(s.Rel)
	if err != nil {
		return Result{}, err
	}
	var w rowWriter
	if err := w.init(meta, s.Checks, s.Returning, fc); err != nil {
		return Result{}, err
	}
	var one [1]*vec.Batch
	rows, err := t.collect(ctx, s.Query, fc, one[:0])
	if err != nil {
		return Result{}, err
	}
	n := len(meta.Columns)
	c := t.tableChange(meta)
	rows = firstPerKey(c, rows)
	// All old rows go before any new one comes, so that keys may move among the rows of one statement.
	for _, b := range rows {
		for i := range b.N {
			for range b.Weight(i) {
				c.remove(&t.undo, b, i)
			}
		}
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
	meta, err := t.relation(s.Rel)
	if err != nil {
		return Result{}, err
	}
	var w rowWriter
	if err := w.init(meta, nil, s.Returning, fc); err != nil {
		return Result{}, err
	}
	var one [1]*vec.Batch
	rows, err := t.collect(ctx, s.Query, fc, one[:0])
	if err != nil {
		return Result{}, err
	}
	c := t.tableChange(meta)
	for _, b := range firstPerKey(c, rows) {
		if err := t.grow(int64(b.MemSize())); err != nil {
			return Result{}, err
		}
		for i := range b.N {
			for range b.Weight(i) {
				c.remove(&t.undo, b, i)
			}
		}
		if err := w.computeReturning(b); err != nil {
			return Result{}, err
		}
	}
	return w.result(), nil
}

// collect runs the query of a write to its end, and appends its rows to out, before the first change: a statement does not see its own rows.
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

// upsert is INSERT ... ON CONFLICT. It returns the rows inserted or updated, for RETURNING.
func (t *txn) upsert(w *rowWriter, oc *physical.OnConflict, b *vec.Batch) (*vec.Batch, error) {
	if err := t.grow(int64(b.MemSize())); err != nil {
		return nil, err
	}
	c := t.tableChange(w.meta)
	cur := t.current(w.meta, b)
	if !slices.Contains(cur.over, c) { // empty so far, but the rows of this command must meet one another
		cur.over = slices.Insert(cur.over, 0, c)
	}
	mine := map[*rowChange]bool{} // keys this command has inserted or updated
	out := vec.NewBatch(c.rows.Types(), b.N)
	pair := vec.NewBatch(append(c.rows.Types(), c.rows.Types()...), 0)
	for i := range b.N {
		old, at, exists := cur.get(b, i)
		if !exists {
			c.insert(&t.undo, b, i)
			mine[c.find(b, c.cols, i)] = true
			out.AppendRow(b, i, 1)
			continue
		}
		if oc.Update == nil {
			continue
		}
		if r := c.find(b, c.cols, i); r != nil && mine[r] {
			return nil, pgerr.New(pgerr.CardinalityViolation, "ON CONFLICT DO UPDATE command cannot affect row a second time").
				WithHint("Ensure that no rows proposed for insertion within the same command have duplicate constrained values.")
		}
		pair.Reset()
		for k := range c.rows.Cols {
			pair.Cols[k].AppendFrom(old.Cols[k], at)
			pair.Cols[k+len(c.rows.Cols)].AppendFrom(b.Cols[k], i)
		}
		pair.N = 1
		fresh, err := w.conflictUpdate(oc, pair)
		if err != nil {
			return nil, err
		}
		if fresh == nil {
			continue
		}
		c.remove(&t.undo, pair, 0)
		if err := t.insertRows(w, fresh); err != nil {
			return nil, err
		}
		mine[c.find(fresh, c.cols, 0)] = true
		out.AppendRow(fresh, 0, 1)
	}
	return out, nil
}

// currentRows answers for the rows of a batch whether, and with what row, their key exists now: in the transaction's own
// changes, in earlier changes of the epoch (at the cut), in the published state.
type currentRows struct {
	over  []*tableChange // newest first
	cols  []int
	found *vec.Batch
	at    []int32 // by row of the batch: its row in found, or none
}

func (t *txn) current(meta *catalog.Relation, b *vec.Batch) *currentRows {
	over := t.overlays(meta.ID)
	cr := &currentRows{cols: meta.PrimaryKey, at: make([]int32, b.N)}
	for i := len(over) - 1; i >= 0; i-- {
		cr.over = append(cr.over, over[i])
	}
	cr.found, cr.at = t.e.liveRows(meta, b)
	return cr
}

// liveRows looks up the keys of b's rows in the published state of a table.
func (e *Engine) liveRows(meta *catalog.Relation, b *vec.Batch) (found *vec.Batch, at []int32) {
	e.publish.RLock()
	defer e.publish.RUnlock()
	return e.core.liveRows(meta, b)
}

func (c *core) liveRows(meta *catalog.Relation, b *vec.Batch) (found *vec.Batch, at []int32) {
	found = vec.NewBatch(columnTypes(meta), 0)
	at = make([]int32, b.N)
	for i := range at {
		at[i] = none
	}
	r := c.rels[meta.ID]
	if r == nil || r.table == nil {
		return found, at
	}
	key := &vec.Batch{N: b.N}
	for _, k := range meta.PrimaryKey {
		key.Cols = append(key.Cols, b.Cols[k])
	}
	all := make([]int, len(meta.Columns))
	for i := range all {
		all[i] = i
	}
	var match []int32
	r.table.Lookup(key, all, found, &match)
	for k, i := range match {
		at[i] = int32(k)
	}
	return found, at
}

func (cr *currentRows) get(b *vec.Batch, i int) (rows *vec.Batch, at int, ok bool) {
	for _, c := range cr.over {
		if r := c.find(b, cr.cols, i); r != nil {
			return c.rows, int(r.new), r.new != none
		}
	}
	return cr.found, int(cr.at[i]), cr.at[i] != none
}

func (cr *currentRows) exists(b *vec.Batch, i int) bool {
	_, _, ok := cr.get(b, i)
	return ok
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

// rowWriter checks rows against a relation's constraints and computes RETURNING.
type rowWriter struct {
	meta      *catalog.Relation
	fc        *funcs.Ctx
	checks    []*expr.Program
	names     []string
	returning []*expr.Program
	isReturn  bool
	out       *vec.Batch
	rows      int64
	conflict  []*expr.Program
	where     *expr.Program
}

func (w *rowWriter) init(meta *catalog.Relation, checks []physical.RowCheck, returning []expr.Expr, fc *funcs.Ctx) error {
	w.meta, w.fc, w.isReturn = meta, fc, returning != nil
	for _, c := range checks {
		p, err := expr.Compile(c.Expr)
		if err != nil {
			return err
		}
		w.checks, w.names = append(w.checks, p), append(w.names, c.Name)
	}
	var err error
	w.returning, err = compileAll(returning)
	return err
}

func compileAll(es []expr.Expr) ([]*expr.Program, error) {
	var out []*expr.Program
	for _, e := range es {
		p, err := expr.Compile(e)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// check applies NOT NULL and CHECK to new rows.
func (w *rowWriter) check(b *vec.Batch) error {
	for k, c := range w.meta.Columns {
		if !c.NotNull || b.Cols[k].Nulls == nil {
			continue
		}
		for i := range b.N {
			if b.Cols[k].IsNull(i) {
				e := pgerr.Newf(pgerr.NotNullViolation, `null value in column "%s" of relation "%s" violates not-null constraint`,
					c.Name, w.meta.Name).WithDetail("Failing row contains %s.", rowText(b, len(w.meta.Columns), i, w.fc))
				e.Table, e.Column = w.meta.Name, c.Name
				return e
			}
		}
	}
	for k, p := range w.checks {
		v, err := w.eval(p, b)
		if err != nil {
			return err
		}
		for i := range b.N {
			if !v.IsNull(i) && !v.Bool(i) {
				e := pgerr.Newf(pgerr.CheckViolation, `new row for relation "%s" violates check constraint "%s"`, w.meta.Name, w.names[k]).
					WithDetail("Failing row contains %s.", rowText(b, len(w.meta.Columns), i, w.fc))
				e.Table, e.Constraint = w.meta.Name, w.names[k]
				return e
			}
		}
	}
	return nil
}

func (w *rowWriter) eval(p *expr.Program, b *vec.Batch) (*vec.Vec, error) {
	w.fc.Clear()
	v := p.Eval(w.fc, b, nil)
	if len(w.fc.Errors) > 0 {
		return nil, w.fc.Errors[0].Err
	}
	return v, nil
}

// conflictUpdate gives the new row of DO UPDATE for an (existing, excluded) pair, nil if WHERE says no.
func (w *rowWriter) conflictUpdate(oc *physical.OnConflict, pair *vec.Batch) (*vec.Batch, error) {
	if w.conflict == nil {
		var err error
		if w.conflict, err = compileAll(oc.Update); err != nil {
			return nil, err
		}
		if oc.Where != nil {
			if w.where, err = expr.Compile(oc.Where); err != nil {
				return nil, err
			}
		}
	}
	if w.where != nil {
		v, err := w.eval(w.where, pair)
		if err != nil || v.IsNull(0) || !v.Bool(0) {
			return nil, err
		}
	}
	out, err := w.project(w.conflict, pair)
	if err != nil {
		return nil, err
	}
	return out, w.check(out)
}

func (w *rowWriter) project(ps []*expr.Program, b *vec.Batch) (*vec.Batch, error) {
	out := &vec.Batch{N: b.N}
	for _, p := range ps {
		v, err := w.eval(p, b)
		if err != nil {
			return nil, err
		}
		c := vec.New(v.Type, b.N)
		c.AppendVec(v)
		out.Cols = append(out.Cols, c)
	}
	return out, nil
}

// computeReturning counts the rows of b and adds their RETURNING values to the result.
func (w *rowWriter) computeReturning(b *vec.Batch) error {
	for i := range b.N {
		w.rows += b.Weight(i)
	}
	if !w.isReturn {
		return nil
	}
	out, err := w.project(w.returning, b)
	if err != nil {
		return err
	}
	if w.out == nil {
		w.out = out
		return nil
	}
	w.out.Append(out)
	return nil
}

func (w *rowWriter) result() Result { return Result{Rows: w.rows, Returning: w.out} }
