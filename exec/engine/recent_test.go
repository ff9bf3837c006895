package engine

import (
	"testing"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// A lookup at an older epoch finds the row that the first later change replaced.
func TestRecentChanges(t *testing.T) {
	meta := &catalog.Relation{Columns: []catalog.Column{{Type: types.T(types.Int8)}, {Type: types.T(types.Int8)}}, PrimaryKey: []int{0}}
	row := func(k, v int64) *vec.Batch {
		b := vec.NewBatch(columnTypes(meta), 1)
		b.Cols[0].AppendI64(k)
		b.Cols[1].AppendI64(v)
		b.N = 1
		return b
	}
	change := func(old, fresh *vec.Batch) *tableChange {
		c := newTableChange(meta)
		var undo undoLog
		if old != nil {
			c.remove(&undo, old, 0)
		}
		if fresh != nil {
			c.insert(&undo, fresh, 0)
		}
		return c
	}
	var r recentChanges
	r.forget(10)
	r.add(11, change(row(1, 100), row(1, 101)))
	r.add(12, change(row(1, 101), nil))
	r.add(13, change(nil, row(2, 200)))
	r.add(14, change(nil, row(1, 103)))
	const absent, present, unknown = -1, -2, -3
	for _, c := range []struct {
		epoch uint64
		key   int64
		want  int64
	}{
		{9, 1, unknown}, {10, 1, 100}, {11, 1, 101}, {12, 1, absent}, {13, 1, absent}, {14, 1, present},
		{12, 2, absent}, {13, 2, present}, {10, 3, present},
	} {
		got := int64(present)
		rows, i, changed, ok := r.at(c.epoch, appendKey(nil, row(c.key, 0), []int{0}, 0, false))
		switch {
		case !ok:
			got = unknown
		case changed && i == none:
			got = absent
		case changed:
			got = rows.Cols[1].I64[i]
		}
		if got != c.want {
			t.Errorf("key %d after epoch %d: %d, want %d", c.key, c.epoch, got, c.want)
		}
	}
	for e := uint64(15); e < 15+maxRecent+10; e++ {
		r.add(e, change(nil, row(int64(e), 0)))
	}
	if _, _, _, ok := r.at(14, nil); ok || r.rows > maxRecent {
		t.Errorf("%d rows are kept", r.rows)
	}
}
