package op

import (
	"math"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/vec"
)

// TopN keeps, in each partition, the rows [offset, offset+limit) of an order. It computes a touched partition before
// and after the step (see partitions). Of an input that never takes a row back, only the first offset+limit rows of a
// partition are kept: the others can never come up again.
type TopN struct {
	*partitions
	sorter        partSorter
	limit, offset int64
	narrow        bool
	sel           []int32 // slice's output before it is copied
	weights       []int64
	change        *vec.Batch // narrow: what Commit applies; without an offset that is what End emitted
	top           *vec.Batch // narrow: what is kept
	keep          state.Consolidator
}

// NewTopN makes the operator.
func NewTopN(n *physical.TopN, tables *TableAlloc) (*TopN, error) {
	in := fieldTypes(n.Input)
	t := &TopN{
		partitions: newPartitions(tables.Next(), n, n.Partition, true),
		sorter:     partSorter{order: keyOrders(n.Order)},
		limit:      n.Limit, offset: n.Offset, narrow: n.Input.AppendOnly() && n.Limit < math.MaxInt64-n.Offset,
		top: vec.NewBatch(in, 0),
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
	t.change = t.end(s, func(rows *vec.Batch, of []int32, n int, res *vec.Batch, sign int64) {
		if p := t.sorter.sort(rows, of, n, s.Stopped); p != nil {
			t.slice(p, res, t.offset, t.limit, sign)
		}
	}, out)
	if t.change != nil && t.narrow && t.offset > 0 {
		t.change = t.kept()
	}
}

// kept is the change of what is kept: the first offset+limit rows of each touched partition.
func (t *TopN) kept() *vec.Batch {
	t.top.Reset()
	t.slice(&t.sorter.parts, t.top, 0, t.offset+t.limit, 1)
	negate(t.old)
	return t.keep.Consolidate(t.in, t.old, t.top)
}

// slice appends the rows [skip, skip+take) of each partition to out, counting multiplicities, with weights times sign.
func (t *TopN) slice(p *parts, out *vec.Batch, skip, take, sign int64) {
	end := int64(math.MaxInt64)
	if take < end-skip {
		end = skip + take
	}
	t.sel, t.weights = t.sel[:0], t.weights[:0]
	for k := range p.len() {
		at := int64(0)
		for _, i := range p.part(k) {
			w := p.rows.Weight(int(i))
			if n := min(at+w, end) - max(at, skip); n > 0 {
				t.sel, t.weights = append(t.sel, i), append(t.weights, n*sign)
			}
			if at += w; at >= end {
				break
			}
		}
	}
	for c, v := range out.Cols {
		v.AppendSel(p.rows.Cols[c], t.sel)
	}
	out.N, out.W = len(t.sel), append(out.W, t.weights...)
}

// Commit applies the change, without the rows that fell behind the last one that can be shown.
func (t *TopN) Commit() {
	if !t.narrow {
		t.partitions.Commit()
		return
	}
	if c := t.change; c != nil {
		t.split.Key.Encode(&t.keys, t.split.KeyVecs(c.Cols), c.N)
		t.apply(c)
	}
	t.Abort()
}

// Abort forgets the change.
func (t *TopN) Abort() {
	t.change = nil
	t.partitions.Abort()
}
