package op

import (
	"slices"

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
	working int64   // bytes of what is computed with

	old, fresh    *vec.Batch // rows of the touched partitions before and after the step
	both          *vec.Batch // memory of fresh
	oldOf         []int32    // group of each old row
	freshOf       []int32
	before, after *vec.Batch // what is output for them
	sum, diff     state.Consolidator
}

// computing appends the output for all partitions of rows, row i being of partition of[i] < n, to out: each copy of a
// row with weight sign.
type computing func(rows *vec.Batch, of []int32, n int, out *vec.Batch, sign int64)

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
	p.scratch()
	p.Abort()
	return p
}

// scratch makes new memory for a step.
func (p *partitions) scratch() {
	p.old, p.both = vec.NewBatch(p.in, 0), vec.NewBatch(p.in, 0)
	p.before, p.after = vec.NewBatch(p.out, 0), vec.NewBatch(p.out, 0)
	p.sum, p.diff = state.Consolidator{}, state.Consolidator{}
	p.fresh = nil
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

// end computes the touched partitions before and after the step, all of them at once, and emits the difference, which
// it returns as well: nil if no partition was touched.
func (p *partitions) end(s *Step, compute computing, out Emit) *vec.Batch {
	n := p.groups.Len()
	if n == 0 {
		return nil
	}
	p.load()
	p.change()
	p.before.Reset()
	p.after.Reset()
	compute(p.old, p.oldOf, n, p.before, -1)
	compute(p.fresh, p.freshOf, n, p.after, 1)
	if s.Stopped != nil && s.Stopped() {
		return nil
	}
	p.working = int64(p.fresh.MemSize() + p.after.MemSize())
	d := p.after
	if p.before.N > 0 {
		d = p.diff.Consolidate(p.out, p.before, p.after)
	}
	if d.N > 0 {
		out(d)
	}
	return d
}

// load reads the touched partitions as they were before the step.
func (p *partitions) load() {
	p.old.Reset()
	p.old.W, p.oldOf = []int64{}, p.oldOf[:0]
	for g := range p.groups.Len() {
		for r := p.rows.First(p.groups.Hash(g), p.groups.Key(g)); r != state.None; r = p.rows.Next(r) {
			p.rows.Decode(r, p.all, p.old.Cols)
			p.old.W = append(p.old.W, p.rows.Weight(r))
			p.oldOf = append(p.oldOf, int32(g))
		}
	}
	p.old.N = len(p.oldOf)
}

// change makes the touched partitions as they are after the step. Copies of a row may stand side by side.
func (p *partitions) change() {
	p.freshOf = p.freshOf[:0]
	if slices.ContainsFunc(p.pending.W, func(w int64) bool { return w < 0 }) {
		p.fresh = p.sum.Consolidate(p.in, p.old, p.pending)
		for _, row := range p.sum.Origin() {
			if int(row) < p.old.N {
				p.freshOf = append(p.freshOf, p.oldOf[row])
			} else {
				p.freshOf = append(p.freshOf, p.of[int(row)-p.old.N])
			}
		}
		return
	}
	p.fresh = p.pending
	if p.old.N > 0 {
		p.both.Reset()
		p.both.Append(p.old)
		p.both.Append(p.pending)
		p.fresh = p.both
	}
	p.freshOf = append(append(p.freshOf, p.oldOf...), p.of...)
}

// negate turns the rows of b into retractions.
func negate(b *vec.Batch) {
	b.SetWeights()
	for i := range b.W {
		b.W[i] = -b.W[i]
	}
}

// Commit applies the change.
func (p *partitions) Commit() {
	p.apply(p.pending)
	p.Abort()
}

// apply applies rows whose keys are p.keys, unless the table they go to has them already.
func (p *partitions) apply(b *vec.Batch) {
	if b.N == 0 || !p.rows.claim() {
		return
	}
	for i := range b.N {
		p.rows.Apply(&p.keys, b.Cols, i, b.Weight(i), 0)
	}
}

// Abort forgets the change.
func (p *partitions) Abort() {
	if p.old.N+p.pending.N > keepRows {
		p.scratch()
		p.pending = vec.NewBatch(p.in, 0)
	}
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

func fieldTypes(n physical.Node) []types.Type {
	fields := n.Fields()
	ts := make([]types.Type, len(fields))
	for i, f := range fields {
		ts[i] = f.Type
	}
	return ts
}
