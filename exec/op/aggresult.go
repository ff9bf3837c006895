package op

import (
	"math"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// end computes the results before and after the step, and the rows that changed.
func (sh *aggShard) end(s *Step) {
	a := sh.a
	if a.global && len(sh.refs) == 0 {
		sh.keys.Reset(a.codec)
		sh.keys.AppendRow(a.codec, nil, 0)
		sh.groups.Add(&sh.keys, 0)
		sh.fresh = append(sh.fresh[:0], 0)
		sh.load(&sh.keys)
	}
	for j, f := range sh.feeds {
		if f != nil {
			f.end(&sh.ctx, &sh.groups, sh.accs[j])
		}
	}
	sh.out.Reset()
	if a.silent && !a.mayFail {
		return
	}
	n := len(sh.refs)
	sh.bad = sh.results(sh.accs, sh.res, n, sh.bad)
	had := false
	for _, r := range sh.refs {
		had = had || r != state.None
	}
	clear(sh.oldBad)
	if had {
		sh.loadOld(n)
		sh.oldBad = sh.results(sh.old, sh.oldRes, n, sh.oldBad)
	}
	if !a.silent {
		for g := range n {
			sh.diff(g)
		}
	}
}

// results computes the results of all groups and says which fail.
func (sh *aggShard) results(accs []funcs.Accumulator, res []*vec.Vec, n int, bad map[int32]*pgerr.Error) map[int32]*pgerr.Error {
	clear(bad)
	for j, acc := range accs {
		res[j].Reset()
		acc.Result(&sh.ctx, n, res[j])
		for _, e := range sh.ctx.Errors {
			if bad == nil {
				bad = map[int32]*pgerr.Error{}
			}
			if bad[e.Row] == nil {
				bad[e.Row] = e.Err
			}
		}
		sh.ctx.Clear()
	}
	return bad
}

// loadOld loads the states before the step once more.
func (sh *aggShard) loadOld(n int) {
	for _, acc := range sh.old {
		acc.Reset(n)
	}
	for g, r := range sh.refs {
		if r == state.None {
			continue
		}
		v := sh.a.accStates(sh.a.table.Value(r))
		for _, acc := range sh.old {
			v = acc.Load(g, v)
		}
	}
}

// accStates is the part of a group's value that holds the states of its aggregates.
func (a *Aggregate) accStates(v []byte) []byte {
	if a.retract {
		v = v[8:]
	}
	if a.reps != nil {
		_, v = cutReps(v)
	}
	return v
}

// exists reports whether group g is there after the step.
func (sh *aggShard) exists(g int) bool { return sh.a.global || !sh.a.retract || sh.counts[g] > 0 }

// diff emits the change of group g.
func (sh *aggShard) diff(g int) {
	had, has := sh.refs[g] != state.None, sh.exists(g)
	if had && has && sh.same(g) {
		return
	}
	if had && sh.oldBad[int32(g)] == nil {
		sh.emit(g, sh.oldRes, -1, true)
	}
	if has && sh.bad[int32(g)] == nil {
		sh.emit(g, sh.res, 1, false)
	}
}

func (sh *aggShard) same(g int) bool {
	if (sh.bad[int32(g)] == nil) != (sh.oldBad[int32(g)] == nil) {
		return false
	}
	for j := range sh.res {
		if !sameValue(sh.res[j], g, sh.oldRes[j], g) {
			return false
		}
	}
	return sh.a.reps == nil || string(leastRep(sh.reps[g])) == string(leastRep(sh.oldReps(g)))
}

func (sh *aggShard) oldReps(g int) []byte {
	v := sh.a.table.Value(sh.refs[g])
	if sh.a.retract {
		v = v[8:]
	}
	list, _ := cutReps(v)
	return list
}

// sameValue reports whether value i of a and value j of b are the same, bit by bit.
func sameValue(a *vec.Vec, i int, b *vec.Vec, j int) bool {
	if a.IsNull(i) != b.IsNull(j) {
		return false
	}
	switch a.Type.Class() {
	case types.I64:
		return a.I64[i] == b.I64[j]
	case types.F64:
		return f64bits(a.F64[i]) == f64bits(b.F64[j])
	}
	return string(a.Bytes(i)) == string(b.Bytes(j))
}

func (sh *aggShard) emit(g int, res []*vec.Vec, w int64, old bool) {
	a, out := sh.a, sh.out
	if w < 0 {
		out.SetWeights()
	}
	nk := len(a.keys)
	switch {
	case a.reps == nil:
		a.codec.Decode(sh.groups.Key(g), sh.want, out.Cols[:nk])
	case old:
		a.reps.codec.Decode(leastRep(sh.oldReps(g)), sh.want, out.Cols[:nk])
	default:
		a.reps.codec.Decode(leastRep(sh.reps[g]), sh.want, out.Cols[:nk])
	}
	for j, r := range res {
		out.Cols[nk+j].AppendFrom(r, g)
	}
	out.N++
	if out.W != nil {
		out.W = append(out.W, w)
	}
}

// reportResults reports groups whose result has begun to fail, and takes back those that no longer do.
func (sh *aggShard) reportResults(s *Step) {
	for g, e := range sh.oldBad {
		if sh.refs[g] != state.None {
			s.RowError(e, sh.keyText(int(g)), -1)
		}
	}
	for g, e := range sh.bad {
		if sh.exists(int(g)) {
			s.RowError(e, sh.keyText(int(g)), 1)
		}
	}
}

// keyText shows the key of a group.
func (sh *aggShard) keyText(g int) string {
	b := vec.NewBatch(sh.a.out[:len(sh.a.keys)], 1)
	if sh.a.reps == nil {
		sh.a.codec.Decode(sh.groups.Key(g), sh.want, b.Cols)
	} else {
		sh.a.reps.codec.Decode(leastRep(sh.reps[g]), sh.want, b.Cols)
	}
	return RowText(b, 0)
}

func f64bits(f float64) uint64 { return math.Float64bits(f) }
