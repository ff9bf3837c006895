package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// partitions keeps the rows of an operator whose output for a partition depends on all its rows (Window, TopN):
//
//	d(f(A)) = f(A + dA) - f(A), on the partitions that dA touches
//
// A step collects the change; at End each touched partition is computed as it was and as it is, and the difference
// emitted.
type partitions struct {
	Kept    // the rows, by partition
	split   *state.SplitCodec
	all     *state.Projection
	in, out []types.Type
	pending *vec.Batch // the step's change, weights explicit
	keys    state.Keys // of pending
	groups  state.Groups
	of      []int32 // group of each pending row
	sum     state.Consolidator
	diff    state.Consolidator
	working int64 // bytes of the partition being computed
}

func newPartitions(id uint32, n physical.Node, key []int, retract bool) *partitions {
	input := n.Inputs()[0]
	in := fieldTypes(input)
	p := &partitions{in: in, out: fieldTypes(n), pending: vec.NewBatch(in, 0), split: state.NewSplitCodec(in, key)}
	p.Kept = Kept{Input: input, Key: key, Nulls: true}
	p.arrange(id, in, retract, false)
	cols := make([]int, len(in))
	for i := range cols {
		cols[i] = i
	}
	p.all = p.split.Project(cols)
	p.Abort()
	return p
}

// push keeps b until End.
func (p *partitions) push(b *vec.Batch) {
	base := p.pending.N
	p.pending.SetWeights()
	p.pending.Append(b)
	p.rows.offer()
	keyVecs := p.split.KeyVecs(p.pending.Cols)
	for i := base; i < p.pending.N; i++ {
		p.keys.AppendRow(p.split.Key, keyVecs, i)
		g, _ := p.groups.Add(&p.keys, i)
		p.of = append(p.of, g)
	}
}

// end computes every touched partition before and after the step and emits the difference. compute appends the output
// of a partition to out, each copy of a row with weight sign.
func (p *partitions) end(s *Step, compute func(rows, out *vec.Batch, sign int64), out Emit) {
	changes := p.byGroup()
	for g := range p.groups.Len() {
		if s.stopped(g) {
			return
		}
		old := p.partition(g)
		fresh := p.sum.Consolidate(p.in, old, p.pending.Select(changes[g]))
		before, after := vec.NewBatch(p.out, 0), vec.NewBatch(p.out, 0)
		if old.N > 0 {
			compute(old, before, -1)
		}
		if fresh.N > 0 {
			compute(fresh, after, 1)
		}
		p.working = int64(fresh.MemSize() + after.MemSize())
		if before.N == 0 {
			if after.N > 0 {
				out(after)
			}
			continue
		}
		if d := p.diff.Consolidate(p.out, before, after); d.N > 0 {
			out(d)
		}
	}
}

// partition is the rows of touched partition g before the step.
func (p *partitions) partition(g int) *vec.Batch {
	b := vec.NewBatch(p.in, 0)
	b.W = []int64{}
	for r := p.rows.First(p.groups.Hash(g), p.groups.Key(g)); r != state.None; r = p.rows.Next(r) {
		p.rows.Decode(r, p.all, b.Cols)
		b.W = append(b.W, p.rows.Weight(r))
		b.N++
	}
	return b
}

// negate turns the rows of b into retractions.
func negate(b *vec.Batch) {
	b.SetWeights()
	for i := range b.W {
		b.W[i] = -b.W[i]
	}
}

// byGroup lists the pending rows of each touched partition.
func (p *partitions) byGroup() [][]int32 {
	lists := make([][]int32, p.groups.Len())
	for i, g := range p.of {
		lists[g] = append(lists[g], int32(i))
	}
	return lists
}

// Commit applies the change.
func (p *partitions) Commit() {
	if p.pending.N > 0 && p.rows.claim() {
		for i := range p.pending.N {
			p.rows.Apply(&p.keys, p.pending.Cols, i, p.pending.W[i], 0)
		}
	}
	p.Abort()
}

// Abort forgets the change.
func (p *partitions) Abort() {
	p.pending.Reset()
	p.pending.W = []int64{}
	p.keys.Reset(p.split.Key)
	p.groups.Reset()
	p.of = p.of[:0]
}

// Tables are the state tables.
func (p *partitions) Tables() []state.Pages { return p.tables() }

// Keeps is the rows, which may be kept together with those of other operators.
func (p *partitions) Keeps() []*Kept { return []*Kept{&p.Kept} }

// totalOrder is keys, then every other column, so that the order of the rows of a multiset is the same wherever it is
// computed.
func totalOrder(keys []keyOrder, cols int) []keyOrder {
	out := append([]keyOrder{}, keys...)
	for c := range cols {
		out = append(out, keyOrder{col: c})
	}
	return out
}

func fieldTypes(n physical.Node) []types.Type {
	fields := n.Fields()
	ts := make([]types.Type, len(fields))
	for i, f := range fields {
		ts[i] = f.Type
	}
	return ts
}
