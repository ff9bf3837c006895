package op

import (
	"math"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/vec"
)

// TopN keeps, in each partition, the rows [offset, offset+limit) of an order. It computes a touched partition before
// and after the step (see partitions). Of an input that never takes a row back, only the first offset+limit rows of a
// partition are kept: the others can never come up again.
type TopN struct {
	*partitions
	order         []keyOrder
	limit, offset int64
	narrow        bool
}

// NewTopN makes the operator.
func NewTopN(n *physical.TopN, tables *TableAlloc) (*TopN, error) {
	in := fieldTypes(n.Input)
	t := &TopN{
		partitions: newPartitions(tables.Next(), n, n.Partition, true),
		order:      totalOrder(keyOrders(n.Order), len(in)),
		limit:      n.Limit, offset: n.Offset, narrow: n.Input.AppendOnly(),
	}
	return t, nil
}

// Keeps is the rows, if they are all of the input's.
func (t *TopN) Keeps() []*Kept {
	if t.narrow {
		return nil
	}
	return t.partitions.Keeps()
}

// Push keeps b until End.
func (t *TopN) Push(_ *Step, _ int, b *vec.Batch, _ Emit) { t.push(b) }

// End emits what entered and what left.
func (t *TopN) End(s *Step, out Emit) {
	t.end(s, func(rows, res *vec.Batch, sign int64) { t.slice(rows, res, t.offset, t.limit, sign) }, out)
}

// slice appends the rows [skip, skip+take) of rows in order to out, counting multiplicities, with weights times sign.
func (t *TopN) slice(rows, out *vec.Batch, skip, take, sign int64) {
	end := int64(math.MaxInt64)
	if take < end-skip {
		end = skip + take
	}
	at := int64(0)
	for _, i := range sortRows(rows, t.order) {
		w := rows.Weight(int(i))
		if n := min(at+w, end) - max(at, skip); n > 0 {
			out.AppendRow(rows, int(i), n*sign)
		}
		if at += w; at >= end {
			return
		}
	}
}

// Commit applies the change, without the rows that fell behind the last one that can be shown.
func (t *TopN) Commit() {
	if t.narrow && t.limit < math.MaxInt64-t.offset {
		change := t.kept()
		t.Abort()
		t.push(change)
	}
	t.partitions.Commit()
}

// kept is the change of what is kept: the first offset+limit rows of each touched partition.
func (t *TopN) kept() *vec.Batch {
	change := vec.NewBatch(t.in, 0)
	for g, rows := range t.byGroup() {
		old := t.partition(g)
		first := vec.NewBatch(t.in, 0)
		t.slice(t.sum.Consolidate(t.in, old, t.pending.Select(rows)), first, 0, t.offset+t.limit, 1)
		negate(old)
		change.Append(t.diff.Consolidate(t.in, old, first))
	}
	return change
}
