package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// sortedInput feeds an aggregate with an ORDER BY of its own: rows are kept until End and sorted. Ad hoc only.
type sortedInput struct {
	in   []types.Type
	spec physicalArgs
}

// sortedShard is the rows of one shard.
type sortedShard struct {
	*sortedInput
	rows  *vec.Batch
	group []int32
}

func newSortedInput(in []types.Type, s *aggSpec) *sortedInput {
	x := &sortedInput{in: in, spec: physicalArgs{args: s.Args}}
	for _, o := range s.Order {
		x.spec.order = append(x.spec.order, keyOrder{o.Col, state.Order{Desc: o.Desc, NullsFirst: o.NullsFirst}})
	}
	return x
}

func (x *sortedInput) shard() feeder {
	return &sortedShard{sortedInput: x, rows: vec.NewBatch(x.in, 0)}
}

func (x *sortedShard) add(b *vec.Batch, _ *state.Groups, gids []int32, sel []int32) {
	each(b.N, sel, func(i int) {
		x.rows.AppendRow(b, i, b.Weight(i))
		x.group = append(x.group, gids[i])
	})
}

func (x *sortedShard) end(ctx *funcs.Ctx, _ *state.Groups, acc funcs.Accumulator) {
	perm := sortRows(x.rows, x.spec.order)
	sorted := x.rows.Select(perm)
	grp := make([]int32, len(perm))
	for i, p := range perm {
		grp[i] = x.group[p]
	}
	args := make([]*vec.Vec, len(x.spec.args))
	for k, c := range x.spec.args {
		args[k] = sorted.Cols[c]
	}
	acc.Update(ctx, grp, args, sorted.W, sorted.N, nil)
}

func (x *sortedShard) commit() {}

func (x *sortedInput) forget([]byte) {}

func (x *sortedInput) tables() []state.Pages { return nil }

func (x *sortedShard) reset() {
	x.rows.Reset()
	x.group = x.group[:0]
}
