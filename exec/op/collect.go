package op

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// Collect groups where a result cannot be brought up to date from an accumulated state: array_agg, string_agg, an
// aggregate with an ORDER BY of its own. The rows of each group are kept, and a touched group is aggregated anew (see
// partitions), by an Aggregate as of an ad hoc query. Rows that an ORDER BY does not tell apart are ordered by all their
// columns, so that a group comes out the same each time.
type Collect struct{ *partitions }

// collectShard aggregates some groups.
type collectShard struct {
	agg    *Aggregate
	sorter partSorter
	sorted *vec.Batch
	minus  []int64
}

// NewCollect makes the operator. The plan has grouping keys: without any there would be a row for no input.
func NewCollect(n *physical.Aggregate, tables *TableAlloc) *Collect {
	return &Collect{newPartitions(tables.Next(), n, n.Keys, !n.Input.AppendOnly(), func() computer {
		agg := onceAggregate(n, NewTableAlloc(0))
		return &collectShard{agg: agg, sorted: vec.NewBatch(agg.in, 0)}
	})}
}

// Push keeps b until End.
func (c *Collect) Push(_ *Step, _ int, b *vec.Batch, _ Emit) { c.push(b) }

// End emits how the touched groups change.
func (c *Collect) End(s *Step, out Emit) { c.end(s, out) }

// compute appends a row for each group that has rows.
func (x *collectShard) compute(s *Step, rows *vec.Batch, of []int32, n int, out *vec.Batch, sign int64) []int32 {
	p := x.sorter.sort(rows, of, n, s.Stopped)
	if p == nil || rows.N == 0 {
		return nil
	}
	x.sorted.Reset()
	x.sorted.AppendSel(rows, p.perm)
	step := *s
	step.Workers = 1 // the groups are divided among shards already
	step.RowError = func(err *pgerr.Error, data string, weight int64) { s.RowError(err, data, weight*sign) }
	x.agg.Push(&step, 0, x.sorted, nil)
	x.agg.End(&step, func(b *vec.Batch) { out.Append(b) })
	x.agg.Abort()
	if sign < 0 {
		x.minus = sized(x.minus, out.N)
		for i := range x.minus {
			x.minus[i] = -1
		}
		out.W = x.minus
	}
	return nil
}
