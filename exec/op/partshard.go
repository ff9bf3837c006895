package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// partShard computes some of the touched partitions of a step. Partitions of the shard are numbered from 0.
type partShard struct {
	p       *partitions
	compute computer
	all     *state.Projection
	finder  *state.RowFinder
	step    Step // of a shard among others
	ctx     funcs.Ctx
	errs    []shardError

	// The rows of the partitions before the step, the partition of each, where it is stored.
	old   *vec.Batch
	oldW  []int64
	oldOf []int32
	refs  []state.Ref

	// What the step does to them: weights added to stored rows, pending rows that are none of these, their sum.
	lost   refSums
	came   []int32
	added  *vec.Batch
	addedW []int64
	net    state.Consolidator

	// The rows after the step; both is their memory, kept the rows taken over.
	fresh   *vec.Batch
	freshOf []int32
	both    *vec.Batch
	bothW   []int64
	kept    []int32

	// What is output for them, the rows of each that the other one may not have, the difference (nil: none yet).
	before, after     *vec.Batch
	goneRows, newRows []int32
	rest              [2]*vec.Batch
	restW             [2][]int64
	sum               state.Consolidator
	diff              *vec.Batch
}

// shardError is a row error that waits until all shards are done.
type shardError struct {
	err    *pgerr.Error
	data   string
	weight int64
}

func newPartShard(p *partitions) *partShard {
	cols := make([]int, len(p.in))
	for i := range cols {
		cols[i] = i
	}
	sh := &partShard{p: p, compute: p.compute(), all: p.split.Project(cols)}
	sh.scratch()
	return sh
}

// scratch makes new memory for a step.
func (sh *partShard) scratch() {
	in, out := sh.p.in, sh.p.out
	sh.old, sh.both, sh.added = vec.NewBatch(in, 0), vec.NewBatch(in, 0), vec.NewBatch(in, 0)
	sh.before, sh.after = vec.NewBatch(out, 0), vec.NewBatch(out, 0)
	sh.rest[0], sh.rest[1] = vec.NewBatch(out, 0), vec.NewBatch(out, 0)
	sh.sum, sh.net = state.Consolidator{}, state.Consolidator{}
	sh.fresh = nil
}

// fork makes the frame of a shard that runs beside others: they must not share evaluation errors.
func (sh *partShard) fork(s *Step) *Step {
	sh.step = *s
	s.forkCtx(&sh.ctx)
	sh.step.Ctx = &sh.ctx
	sh.step.RowError = func(err *pgerr.Error, data string, weight int64) {
		sh.errs = append(sh.errs, shardError{err, data, weight})
	}
	return &sh.step
}

// report gives the row errors of a forked step to the step.
func (sh *partShard) report(s *Step) {
	for _, e := range sh.errs {
		s.RowError(e.err, e.data, e.weight)
	}
	clear(sh.errs)
	sh.errs = sh.errs[:0]
}

// end computes partitions lo to hi before and after the step, all of them at once, and the difference.
func (sh *partShard) end(s *Step, lo, hi int32) {
	if sh.p.lose {
		sh.lookUp(lo, hi)
	}
	sh.load(lo, hi)
	sh.change(lo, hi)
	sh.before.Reset()
	sh.after.Reset()
	was := sh.compute.compute(s, sh.old, sh.oldOf, int(hi-lo), sh.before, -1)
	is := sh.compute.compute(s, sh.fresh, sh.freshOf, int(hi-lo), sh.after, 1)
	switch {
	case s.Stopped != nil && s.Stopped():
	case sh.before.N == 0:
		sh.diff = sh.after
	default:
		sh.subtract(was, is)
	}
}

// lookUp finds what the step adds to rows that are stored, and which of its rows are others.
func (sh *partShard) lookUp(lo, hi int32) {
	p := sh.p
	if sh.finder == nil || !sh.finder.Of(p.rows.Arrangement) {
		sh.finder = p.rows.Finder()
	}
	sh.came = sh.came[:0]
	for i, g := range p.of {
		if g < lo || g >= hi {
			continue
		}
		if r := sh.finder.Find(&p.keys, p.pending.Cols, i); r != state.None {
			sh.lost.add(r, p.pending.W[i])
		} else {
			sh.came = append(sh.came, int32(i))
		}
	}
}

// load reads the partitions as they were before the step.
func (sh *partShard) load(lo, hi int32) {
	p := sh.p
	sh.old.Reset()
	sh.oldW, sh.oldOf, sh.refs = sh.oldW[:0], sh.oldOf[:0], sh.refs[:0]
	for g := lo; g < hi; g++ {
		for r := p.rows.First(p.groups.Hash(int(g)), p.groups.Key(int(g))); r != state.None; r = p.rows.Next(r) {
			p.rows.Decode(r, sh.all, sh.old.Cols)
			sh.oldW = append(sh.oldW, p.rows.Weight(r))
			sh.oldOf, sh.refs = append(sh.oldOf, g-lo), append(sh.refs, r)
		}
	}
	sh.old.W, sh.old.N = sh.oldW, len(sh.oldOf)
}

// change makes the partitions as they are after the step. Copies of a row may stand side by side.
func (sh *partShard) change(lo, hi int32) {
	p := sh.p
	if !p.lose {
		if sh.old.N == 0 && int(hi-lo) == p.groups.Len() {
			sh.fresh, sh.freshOf = p.pending, append(sh.freshOf[:0], p.of...)
			return
		}
		sh.came = sh.came[:0]
		for i, g := range p.of {
			if g >= lo && g < hi {
				sh.came = append(sh.came, int32(i))
			}
		}
	}
	sh.both.Reset()
	sh.bothW, sh.freshOf = sh.bothW[:0], sh.freshOf[:0]
	sh.stay()
	sh.come(lo)
	sh.both.W, sh.both.N = sh.bothW, len(sh.bothW)
	sh.fresh = sh.both
}

// stay takes the stored rows over that the step leaves.
func (sh *partShard) stay() {
	sh.kept = sh.kept[:0]
	for k, w := range sh.oldW {
		if w += sh.lost.get(sh.refs[k]); w > 0 {
			sh.kept = append(sh.kept, int32(k))
			sh.bothW, sh.freshOf = append(sh.bothW, w), append(sh.freshOf, sh.oldOf[k])
		}
	}
	for c, v := range sh.both.Cols {
		v.AppendSel(sh.old.Cols[c], sh.kept)
	}
}

// come adds the rows that the step brings. If rows are taken back, one of them may be among these.
func (sh *partShard) come(lo int32) {
	p := sh.p
	if p.lose {
		sh.addedW = takeRows(sh.added, p.pending, sh.came, sh.addedW)
		net := sh.net.Consolidate(p.in, sh.added)
		came := sh.kept[:0]
		for k, i := range sh.net.Origin() {
			if net.Weight(k) > 0 {
				came = append(came, sh.came[i])
				sh.bothW = append(sh.bothW, net.Weight(k))
			}
		}
		sh.kept, sh.came = came, append(sh.came[:0], came...)
	} else {
		for _, i := range sh.came {
			sh.bothW = append(sh.bothW, p.pending.W[i])
		}
	}
	for c, v := range sh.both.Cols {
		v.AppendSel(p.pending.Cols[c], sh.came)
	}
	for _, i := range sh.came {
		sh.freshOf = append(sh.freshOf, p.of[i]-lo)
	}
}

// subtract makes the difference of what is output before and after the step. Most of a partition is the same in both, from
// its beginning and from its end: what is left in the middle is added up.
func (sh *partShard) subtract(was, is []int32) {
	if was == nil || is == nil {
		sh.diff = sh.sum.Consolidate(sh.p.out, sh.before, sh.after)
		return
	}
	sh.goneRows, sh.newRows = sh.goneRows[:0], sh.newRows[:0]
	for k := range len(was) - 1 {
		i, iEnd, j, jEnd := was[k], was[k+1], is[k], is[k+1]
		for i < iEnd && j < jEnd && sh.cancel(i, j) {
			i, j = i+1, j+1
		}
		for i < iEnd && j < jEnd && sh.cancel(iEnd-1, jEnd-1) {
			iEnd, jEnd = iEnd-1, jEnd-1
		}
		for ; i < iEnd; i++ {
			sh.goneRows = append(sh.goneRows, i)
		}
		for ; j < jEnd; j++ {
			sh.newRows = append(sh.newRows, j)
		}
	}
	sh.restW[0] = takeRows(sh.rest[0], sh.before, sh.goneRows, sh.restW[0])
	sh.restW[1] = takeRows(sh.rest[1], sh.after, sh.newRows, sh.restW[1])
	sh.diff = sh.sum.Consolidate(sh.p.out, sh.rest[0], sh.rest[1])
}

// cancel reports whether row i of before and row j of after are the same row.
func (sh *partShard) cancel(i, j int32) bool {
	if sh.before.Weight(int(i)) != -sh.after.Weight(int(j)) {
		return false
	}
	for c, v := range sh.before.Cols {
		if !sameValue(v, int(i), sh.after.Cols[c], int(j)) {
			return false
		}
	}
	return true
}

// reset forgets the step.
func (sh *partShard) reset() {
	sh.diff = nil
	sh.lost.reset()
	if sh.old.N+sh.both.N > keepRows {
		sh.scratch()
	}
}

func (sh *partShard) size() int64 {
	n := int64(sh.after.MemSize())
	if sh.fresh != nil {
		n += int64(sh.fresh.MemSize())
	}
	return n
}
