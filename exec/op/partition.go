package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// partitions keeps the rows of an operator whose output for a partition depends on all its rows (Window, TopN, Collect):
//
//	d(f(A)) = f(A + dA) - f(A), on the partitions that dA touches
//
// A step collects the change; at End each touched partition is computed as it was and as it is, and the difference
// emitted. The touched partitions of a large step are divided among shards (partshard.go).
type partitions struct {
	Kept    // the rows, by partition
	split   *state.SplitCodec
	in, out []types.Type
	pending *vec.Batch // the step's change, weights explicit
	keys    state.Keys // of pending
	groups  state.Groups
	of      []int32 // group of each pending row
	lose    bool    // rows are taken back
	compute func() computer
	shards  []*partShard
	active  int // shards in use in this step
}

// computer computes what an operator puts out for partitions.
type computer interface {
	// compute appends the output for all partitions of rows, row i being of partition of[i] < n, to out, which is empty: each
	// copy of a row with weight sign. It returns where the output of each partition begins, and behind the last; nil if it
	// cannot tell.
	compute(s *Step, rows *vec.Batch, of []int32, n int, out *vec.Batch, sign int64) (lo []int32)
}

func newPartitions(id uint32, n physical.Node, key []int, retract bool, compute func() computer) *partitions {
	input := n.Inputs()[0]
	in := fieldTypes(input)
	p := &partitions{in: in, out: fieldTypes(n), pending: vec.NewBatch(in, 0), split: state.NewSplitCodec(in, key), compute: compute}
	p.Kept = Kept{Input: input, Key: key, Nulls: true}
	p.arrange(id, in, retract, false)
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
		p.lose = p.lose || p.pending.W[i] < 0
	}
}

// end computes the touched partitions before and after the step and emits the difference.
func (p *partitions) end(s *Step, out Emit) {
	n := p.groups.Len()
	if n == 0 {
		return
	}
	p.active = min(s.shards(p.pending.N), n)
	for len(p.shards) < p.active {
		p.shards = append(p.shards, newPartShard(p))
	}
	if p.active == 1 {
		p.shards[0].end(s, 0, int32(n))
	} else {
		Parallel(p.active, p.active, func(k int) {
			sh := p.shards[k]
			sh.end(sh.fork(s), int32(k*n/p.active), int32((k+1)*n/p.active))
		})
	}
	for _, sh := range p.shards[:p.active] {
		sh.report(s)
		if sh.diff != nil && sh.diff.N > 0 {
			out(sh.diff)
		}
	}
}

// negate turns the rows of b into retractions.
func negate(b *vec.Batch) {
	b.SetWeights()
	for i := range b.W {
		b.W[i] = -b.W[i]
	}
}

// Commit applies the change, unless the table it goes to has it already.
func (p *partitions) Commit() {
	if p.pending.N > 0 && p.rows.claim() {
		p.apply(p.pending)
	}
	p.Abort()
}

// apply applies rows whose keys are p.keys.
func (p *partitions) apply(b *vec.Batch) {
	for i := range b.N {
		p.rows.Apply(&p.keys, b.Cols, i, b.Weight(i), 0)
	}
}

// Abort forgets the change.
func (p *partitions) Abort() {
	for _, sh := range p.shards[:p.active] {
		sh.reset()
	}
	p.active = 0
	if p.pending.N > keepRows {
		p.pending = vec.NewBatch(p.in, 0)
	}
	w := p.pending.W
	p.pending.Reset()
	p.pending.W = w[:0]
	p.keys.Reset(p.split.Key)
	p.groups.Reset()
	p.of, p.lose = p.of[:0], false
}

// Tables are the state tables.
func (p *partitions) Tables() []state.Pages { return p.tables() }

// Keeps is the rows, which may be kept together with those of other operators.
func (p *partitions) Keeps() []*Kept { return []*Kept{&p.Kept} }

func fieldTypes(n physical.Node) []types.Type {
	fields := n.Fields()
	ts := make([]types.Type, len(fields))
	for i, f := range fields {
		ts[i] = f.Type
	}
	return ts
}
