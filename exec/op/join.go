package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Join joins on equal keys and a residual condition. It is bilinear:
//
//	d(L join R) = dL join R + L join dR + dL join dR
//
// all against the state before the step. Each side is kept by join key (Kept). The rows of a side that have no
// match (for outer joins and anti joins; or those that have one, for semi joins) follow from the number of matches before and
// after the step:
//
//	a row of the step counts if it has no match after it
//	a row of the state comes or goes if its number of matches moves to or from 0
//
// Without a residual the number of matches is one a key, kept in a table of counts; a semi or anti join then needs no rows of
// its right side. With a residual it is one a row, in the Extra word of the row's arrangement.
//
// A null key matches nothing (unless NullSafe): such rows are passed on at once where unmatched rows count, and never kept.
type Join struct {
	kind     physical.JoinKind
	nullSafe bool
	residual *expr.Program
	pairs    bool // joined rows are output
	l, r     side
	buf      pairBuffer   // of pairs within the step
	makers   []*pairMaker // of pairs with the state, by shard
	out      *vec.Batch   // unmatched and semi-joined rows
	once     bool
	shards   int // of the running step
}

// NewJoin makes the operator.
func NewJoin(n *physical.Join, tables *TableAlloc) (*Join, error) {
	return newJoin(n, tables, !n.Left.AppendOnly(), !n.Right.AppendOnly())
}

func newJoin(n *physical.Join, tables *TableAlloc, lRetract, rRetract bool) (*Join, error) {
	j := &Join{kind: n.Kind, nullSafe: n.NullSafe}
	if n.Residual != nil {
		var err error
		if j.residual, err = expr.Compile(n.Residual); err != nil {
			return nil, err
		}
	}
	j.pairs = n.Kind != physical.Semi && n.Kind != physical.Anti
	switch n.Kind {
	case physical.Left, physical.Anti:
		j.l.track = keepUnmatched
	case physical.Semi:
		j.l.track = keepMatched
	case physical.Full:
		j.l.track, j.r.track = keepUnmatched, keepUnmatched
	}
	j.l.init(n.Left, n.LKeys, n.NullSafe, &j.r, "Left")
	j.r.init(n.Right, n.RKeys, n.NullSafe, &j.l, "Right")
	j.l.keep(tables, lRetract, true, j.l.track != ignoreMatches && j.residual != nil)
	j.r.keep(tables, rRetract, j.pairs || j.residual != nil, j.r.track != ignoreMatches && j.residual != nil)
	if j.residual == nil {
		j.l.counts(tables, j.r.track)
		j.r.counts(tables, j.l.track)
	}
	ts := append(append([]types.Type{}, j.l.types...), j.r.types...)
	j.buf.init(ts, len(j.l.types))
	if j.pairs {
		j.out = vec.NewBatch(ts, 0)
	} else {
		j.out = vec.NewBatch(j.l.types, 0)
	}
	return j, nil
}

// Keeps are the sides whose rows may be kept together with those of other operators.
func (j *Join) Keeps() []*Kept {
	var ks []*Kept
	for _, s := range []*side{&j.l, &j.r} {
		if (s.rows != nil || s.own != nil) && !s.word {
			ks = append(ks, &s.Kept)
		}
	}
	return ks
}

// Push keeps the rows of the step.
func (j *Join) Push(_ *Step, port int, b *vec.Batch, _ Emit) {
	if port == 0 {
		j.l.d.Append(b)
	} else {
		j.r.d.Append(b)
	}
}

// End emits the change.
func (j *Join) End(s *Step, out Emit) {
	if j.l.d.N == 0 && j.r.d.N == 0 {
		return
	}
	j.shards = s.shards(j.l.d.N + j.r.d.N)
	j.l.index(j.nullSafe)
	j.r.index(j.nullSafe)
	if j.pairs || j.residual != nil {
		j.deltaWithState(s, out, &j.l, &j.r, true)
		j.deltaWithState(s, out, &j.r, &j.l, false)
		j.deltaWithDelta(s, out)
	}
	j.out.Reset()
	j.unmatched(s, &j.l, &j.r, 0, out)
	j.unmatched(s, &j.r, &j.l, len(j.l.types), out)
	if j.out.N > 0 {
		out(j.out)
	}
}

// Commit adds the step's rows to the sides.
func (j *Join) Commit() {
	switch {
	case j.once:
	case j.shards > 1 && j.l.d.N > 0 && j.r.d.N > 0:
		Parallel(2, 2, func(i int) { [...]*side{&j.l, &j.r}[i].commit() })
	default:
		j.l.commit()
		j.r.commit()
	}
	j.Abort()
}

// Abort forgets the step.
func (j *Join) Abort() {
	j.l.reset()
	j.r.reset()
	j.buf.reset()
	for _, m := range j.makers {
		m.reset()
	}
}

// Tables are the state tables, in the order of their ids.
func (j *Join) Tables() []state.Pages {
	var ts []state.Pages
	for _, s := range []*side{&j.l, &j.r} {
		ts = append(ts, s.tables()...)
	}
	for _, s := range []*side{&j.l, &j.r} {
		if s.count != nil {
			ts = append(ts, s.count)
		}
	}
	return ts
}
