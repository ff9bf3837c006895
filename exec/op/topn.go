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
	order         []keyOrder
	limit, offset int64
	narrow        bool
}

// topShard computes the rows that TopN shows of some partitions.
type topShard struct {
	*TopN
	sorter  partSorter
	sel     []int32 // slice's output before it is copied
	lo      [2][]int32
	weights [2][]int64
	top     *vec.Batch // what is kept
	keep    state.Consolidator
}

// NewTopN makes the operator.
func NewTopN(n *physical.TopN, tables *TableAlloc) (*TopN, error) {
	t := &TopN{
		order: keyOrders(n.Order),
		limit: n.Limit, offset: n.Offset, narrow: n.Input.AppendOnly() && n.Limit < math.MaxInt64-n.Offset,
	}
	t.partitions = newPartitions(tables.Next(), n, n.Partition, true, func() computer {
		return &topShard{TopN: t, sorter: partSorter{order: t.order}, top: vec.NewBatch(t.in, 0)}
	})
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
func (t *TopN) End(s *Step, out Emit) { t.end(s, out) }

// compute appends the rows shown of all partitions.
func (t *topShard) compute(s *Step, rows *vec.Batch, of []int32, n int, out *vec.Batch, sign int64) []int32 {
	p := t.sorter.sort(rows, of, n, s.Stopped)
	if p == nil {
		return nil
	}
	return t.slice(p, out, t.offset, t.limit, sign)
}

// slice appends the rows [skip, skip+take) of each partition to out, counting multiplicities, with weights times sign. It
// returns where those of each partition begin.
func (t *topShard) slice(p *parts, out *vec.Batch, skip, take, sign int64) []int32 {
	end := int64(math.MaxInt64)
	if take < end-skip {
		end = skip + take
	}
	k := max(sign, 0) // before and after the step are there at the same time
	sel, weights, lo := t.sel[:0], t.weights[k][:0], append(t.lo[k][:0], 0)
	for k := range p.len() {
		at := int64(0)
		for _, i := range p.part(k) {
			w := p.rows.Weight(int(i))
			if n := min(at+w, end) - max(at, skip); n > 0 {
				sel, weights = append(sel, i), append(weights, n*sign)
			}
			if at += w; at >= end {
				break
			}
		}
		lo = append(lo, int32(len(sel)))
	}
	t.sel, t.weights[k], t.lo[k] = sel, weights, lo
	for c, v := range out.Cols {
		v.AppendSel(p.rows.Cols[c], sel)
	}
	out.N, out.W = len(sel), weights
	return lo
}

// Commit applies the change, without the rows that fell behind the last one that can be shown.
func (t *TopN) Commit() {
	if !t.narrow {
		t.partitions.Commit()
		return
	}
	if t.active > 0 && t.rows.claim() {
		for _, sh := range t.shards[:t.active] {
			c := sh.diff // without an offset what is shown is what is kept
			if t.offset > 0 {
				c = sh.compute.(*topShard).kept(sh.old)
			}
			if c == nil {
				continue
			}
			t.split.Key.Encode(&t.keys, t.split.KeyVecs(c.Cols), c.N)
			t.apply(c)
		}
	}
	t.Abort()
}

// kept is the change of what is kept, of which old was: the first offset+limit rows of each partition.
func (t *topShard) kept(old *vec.Batch) *vec.Batch {
	t.top.Reset()
	t.slice(&t.sorter.parts, t.top, 0, t.offset+t.limit, 1)
	negate(old)
	return t.keep.Consolidate(t.in, old, t.top)
}
