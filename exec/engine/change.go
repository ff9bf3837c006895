package engine

import (
	"encoding/binary"
	"math"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// tableChange is what a transaction does to one table: for each key the row it found and the row it leaves. A table
// without a primary key is a bag: its key is the whole row, and what counts is the net number of copies.
type tableChange struct {
	meta  *catalog.Relation
	cols  []int      // key columns
	bag   bool       // no primary key
	rows  *vec.Batch // rows that entries name, all columns
	byKey map[string]*rowChange
	order []*rowChange // in the order of first touch
	key   []byte       // scratch
}

// rowChange is the change of one key. old and new are row numbers in tableChange.rows, none if there is no row.
type rowChange struct {
	key      string
	old, new int32
	net      int64 // bags: copies added (old and new are then the row itself)
}

const none = int32(-1)

func newTableChange(meta *catalog.Relation) *tableChange {
	c := &tableChange{meta: meta, cols: meta.PrimaryKey, byKey: map[string]*rowChange{}}
	ts := columnTypes(meta)
	if len(c.cols) == 0 {
		c.bag = true
		for i := range ts {
			c.cols = append(c.cols, i)
		}
	}
	c.rows = vec.NewBatch(ts, 0)
	return c
}

func columnTypes(meta *catalog.Relation) []types.Type {
	ts := make([]types.Type, len(meta.Columns))
	for i, c := range meta.Columns {
		ts[i] = c.Type
	}
	return ts
}

// appendKey appends the identity of columns cols of row i: equal bytes for equal values by SQL equality, or, with
// exact, for identical values.
func appendKey(dst []byte, b *vec.Batch, cols []int, i int, exact bool) []byte {
	for _, c := range cols {
		v := b.Cols[c]
		if v.IsNull(i) {
			dst = append(dst, 0)
			continue
		}
		dst = append(dst, 1)
		switch v.Type.Class() {
		case types.I64:
			dst = binary.LittleEndian.AppendUint64(dst, uint64(v.I64[i]))
		case types.F64:
			f := v.F64[i]
			if !exact {
				f = normalFloat(f)
			}
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
		default:
			at := len(dst)
			dst = append(dst, 0, 0, 0, 0)
			if exact {
				dst = append(dst, v.Bytes(i)...)
			} else {
				dst = types.AppendKey(dst, v.Type, v.Bytes(i))
			}
			binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
		}
	}
	return dst
}

func normalFloat(f float64) float64 {
	switch {
	case f == 0:
		return 0 // -0 = 0
	case math.IsNaN(f):
		return math.NaN()
	}
	return f
}

func (c *tableChange) entry(b *vec.Batch, i int) (*rowChange, bool) {
	c.key = appendKey(c.key[:0], b, c.cols, i, c.bag)
	if r := c.byKey[string(c.key)]; r != nil {
		return r, true
	}
	r := &rowChange{key: string(c.key), old: none, new: none}
	c.byKey[r.key] = r
	c.order = append(c.order, r)
	return r, false
}

func (c *tableChange) keep(b *vec.Batch, i int) int32 {
	c.rows.AppendRow(b, i, 1)
	return int32(c.rows.N - 1)
}

// find returns the change of the key of row i of b, whose key columns are cols, or nil.
func (c *tableChange) find(b *vec.Batch, cols []int, i int) *rowChange {
	c.key = appendKey(c.key[:0], b, cols, i, c.bag)
	return c.byKey[string(c.key)]
}

// insert adds row i of b. It reports false, and changes nothing, if the transaction itself has a row of that key. Whether
// others have is the caller's question.
func (c *tableChange) insert(u *undoLog, b *vec.Batch, i int) bool {
	r, known := c.entry(b, i)
	u.note(c, r, known)
	if c.bag {
		if r.old == none {
			r.old = c.keep(b, i)
			r.new = r.old
		}
		r.net++
		return true
	}
	if r.new != none {
		return false
	}
	r.new = c.keep(b, i)
	return true
}

// remove takes away row i of b, which the transaction sees.
func (c *tableChange) remove(u *undoLog, b *vec.Batch, i int) {
	r, known := c.entry(b, i)
	u.note(c, r, known)
	switch {
	case c.bag:
		if r.old == none {
			r.old = c.keep(b, i)
			r.new = r.old
		}
		r.net--
	case known:
		r.new = none
	default:
		r.old = c.keep(b, i)
	}
}

// delta is the change as a batch with weights.
func (c *tableChange) delta() *vec.Batch {
	out := vec.NewBatch(c.rows.Types(), len(c.order))
	out.W = []int64{}
	for _, r := range c.order {
		if c.bag {
			if r.net != 0 {
				out.AppendRow(c.rows, int(r.old), r.net)
			}
			continue
		}
		if r.old != none && r.new != none && c.same(r.old, c.rows, int(r.new)) {
			continue
		}
		if r.old != none {
			out.AppendRow(c.rows, int(r.old), -1)
		}
		if r.new != none {
			out.AppendRow(c.rows, int(r.new), 1)
		}
	}
	return out
}

// same reports whether row a of c is identical to row i of b.
func (c *tableChange) same(a int32, b *vec.Batch, i int) bool { return sameRow(c.rows, int(a), b, i) }

// sameRow reports whether row j of a is identical to row i of b.
func sameRow(a *vec.Batch, j int, b *vec.Batch, i int) bool {
	for k, v := range a.Cols {
		w := b.Cols[k]
		if v.IsNull(j) != w.IsNull(i) {
			return false
		}
		switch v.Type.Class() {
		case types.I64:
			if v.I64[j] != w.I64[i] {
				return false
			}
		case types.F64:
			if math.Float64bits(v.F64[j]) != math.Float64bits(w.F64[i]) {
				return false
			}
		default:
			if string(v.Bytes(j)) != string(w.Bytes(i)) {
				return false
			}
		}
	}
	return true
}

// undoLog lets a transaction go back to a savepoint.
type undoLog struct {
	entries []undo
}

type undo struct {
	c     *tableChange
	r     *rowChange
	known bool
	prev  rowChange
}

func (u *undoLog) note(c *tableChange, r *rowChange, known bool) {
	if u != nil {
		u.entries = append(u.entries, undo{c, r, known, *r})
	}
}

func (u *undoLog) rollback(to int) {
	for i := len(u.entries) - 1; i >= to; i-- {
		e := u.entries[i]
		if e.known {
			*e.r = e.prev
			continue
		}
		delete(e.c.byKey, e.r.key)
		e.c.order = e.c.order[:len(e.c.order)-1] // first touches are undone in reverse order
	}
	u.entries = u.entries[:to]
}
