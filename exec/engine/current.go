package engine

import (
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/vec"
)

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
