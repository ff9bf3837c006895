package engine

import (
	"slices"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

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
