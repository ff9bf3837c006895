package op

import (
	"encoding/binary"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

// aggShard is the part of an Aggregate's step that concerns the groups of one shard. Everything in it is of the
// running step; arrays are by group number unless said otherwise.
type aggShard struct {
	a       *Aggregate
	ctx     funcs.Ctx
	keys    state.Keys // by row, of the last batch
	keyVecs []*vec.Vec
	groups  state.Groups
	gids    []int32     // by row: its group
	rowRefs []state.Ref // by row
	fresh   []int32     // rows that are the first of their group
	sel     []int32
	args    []*vec.Vec

	refs   []state.Ref // the group's row in the table, None if it is new
	counts []int64     // rows (retract only)
	reps   [][]byte    // representatives (Loose keys only)
	feeds  []feeder    // by aggregate, nil if it has none
	accs   []funcs.Accumulator
	old    []funcs.Accumulator

	res    []*vec.Vec // results after the step
	oldRes []*vec.Vec
	bad    map[int32]*pgerr.Error // groups whose result fails
	oldBad map[int32]*pgerr.Error
	out    *vec.Batch
	rep    []byte
	arena  []byte // of representatives from the table
	val    []byte
	want   []int
}

func newAggShard(a *Aggregate) *aggShard {
	sh := &aggShard{a: a, out: vec.NewBatch(a.out, 0)}
	for i := range a.aggs {
		g := &a.aggs[i]
		sh.accs = append(sh.accs, a.newAcc(g))
		sh.old = append(sh.old, a.newAcc(g))
		sh.res = append(sh.res, vec.New(g.T, 0))
		sh.oldRes = append(sh.oldRes, vec.New(g.T, 0))
		var f feeder
		if g.feed != nil {
			f = g.feed.shard()
		}
		sh.feeds = append(sh.feeds, f)
	}
	for i := range a.keys {
		sh.want = append(sh.want, i)
	}
	sh.groups.Reset()
	return sh
}

// begin takes over what evaluation needs of the step.
func (sh *aggShard) begin(s *Step) { s.forkCtx(&sh.ctx) }

// pushAll adds all rows of b to their groups. Keys are made and looked up some at a time, to stay in the cache.
func (sh *aggShard) pushAll(b *vec.Batch) {
	sh.keyVecs = pick(&sh.keyVecs, b.Cols, sh.a.keys)
	sh.gids = sized(sh.gids, b.N)
	const chunk = 1024
	for lo := 0; lo < b.N; lo += chunk {
		hi := min(lo+chunk, b.N)
		sh.a.codec.EncodeRange(&sh.keys, sh.keyVecs, lo, hi)
		sh.fresh = sh.groups.AddAll(&sh.keys, sh.gids[lo:hi], sh.fresh[:0])
		sh.load(&sh.keys)
	}
	sh.update(b, sh.keyVecs, nil)
}

// pushSome adds rows sel of b, whose keys are k, to their groups.
func (sh *aggShard) pushSome(b *vec.Batch, keyVecs []*vec.Vec, k *state.Keys, sel []int32) {
	sh.gids = sized(sh.gids, b.N)
	sh.fresh = sh.fresh[:0]
	for _, i := range sel {
		g, isNew := sh.groups.Add(k, int(i))
		sh.gids[i] = g
		if isNew {
			sh.fresh = append(sh.fresh, i)
		}
	}
	sh.load(k)
	sh.update(b, keyVecs, sel)
}

// update adds rows sel of b (nil: all) to the states of their groups.
func (sh *aggShard) update(b *vec.Batch, keyVecs []*vec.Vec, sel []int32) {
	a := sh.a
	if a.retract {
		each(b.N, sel, func(i int) { sh.counts[sh.gids[i]] += b.Weight(i) })
	}
	if a.reps != nil {
		each(b.N, sel, func(i int) {
			g := sh.gids[i]
			sh.rep = a.reps.codec.Append(sh.rep[:0], keyVecs, i)
			sh.reps[g] = a.reps.add(sh.reps[g], sh.rep, b.Weight(i))
		})
	}
	for j := range a.aggs {
		g := &a.aggs[j]
		rows := sel
		if g.Filter >= 0 {
			rows = sh.filter(b.Cols[g.Filter], b.N, sel)
		}
		if f := sh.feeds[j]; f != nil {
			f.add(b, &sh.groups, sh.gids, rows)
			continue
		}
		sh.accs[j].Update(&sh.ctx, sh.gids, pick(&sh.args, b.Cols, g.Args), b.W, b.N, rows)
	}
}

// filter returns the rows of sel whose value is true.
func (sh *aggShard) filter(v *vec.Vec, n int, sel []int32) []int32 {
	if sh.sel == nil {
		sh.sel = make([]int32, 0, n)
	}
	sh.sel = sh.sel[:0]
	each(n, sel, func(i int) {
		if v.I64[i] != 0 {
			sh.sel = append(sh.sel, int32(i))
		}
	})
	return sh.sel
}

// load brings the states of the groups that are new in this step from the table.
func (sh *aggShard) load(k *state.Keys) {
	if len(sh.fresh) == 0 {
		return
	}
	a := sh.a
	sh.rowRefs = sized(sh.rowRefs, k.N)
	a.table.FindBatch(k, sh.fresh, sh.rowRefs)
	g := len(sh.refs)
	for _, i := range sh.fresh {
		sh.refs = append(sh.refs, sh.rowRefs[i])
	}
	n := len(sh.refs)
	if a.retract {
		sh.counts = grow(sh.counts, n)
	}
	if a.reps != nil {
		sh.reps = grow(sh.reps, n)
	}
	for _, acc := range sh.accs {
		acc.Grow(n)
	}
	for ; g < n; g++ {
		if sh.refs[g] == state.None {
			continue
		}
		v := a.table.Value(sh.refs[g])
		if a.retract {
			sh.counts[g] = int64(le.Uint64(v))
			v = v[8:]
		}
		if a.reps != nil {
			var list []byte // copied: commit moves rows while others are still to be read
			list, v = cutReps(v)
			at := len(sh.arena)
			sh.arena = append(sh.arena, list...)
			sh.reps[g] = sh.arena[at:len(sh.arena):len(sh.arena)]
		}
		for _, acc := range sh.accs {
			v = acc.Load(g, v)
		}
	}
}

// report gives the rows that could not be added to the step.
func (sh *aggShard) report(s *Step, b *vec.Batch) {
	for _, e := range sh.ctx.Errors {
		s.RowError(e.Err, RowText(b, int(e.Row)), b.Weight(int(e.Row)))
	}
	sh.ctx.Clear()
}

// commit writes the groups of the step to the table.
func (sh *aggShard) commit() {
	a := sh.a
	for g, r := range sh.refs {
		h, key := sh.groups.Hash(g), sh.groups.Key(g)
		if !sh.exists(g) {
			if r != state.None {
				a.table.Delete(r, h)
				a.closing.remove(a, key)
			}
			continue
		}
		v := sh.val[:0]
		if a.retract {
			v = le.AppendUint64(v, uint64(sh.counts[g]))
		}
		if a.reps != nil {
			v = appendReps(v, sh.reps[g])
		}
		for _, acc := range sh.accs {
			v = acc.Append(v, g)
		}
		sh.val = v
		if r == state.None {
			a.table.Insert(h, key, v)
			a.closing.add(a, key)
		} else {
			a.table.Update(r, h, v)
		}
	}
}

func (sh *aggShard) reset() {
	sh.groups.Reset()
	sh.refs, sh.counts = sh.refs[:0], sh.counts[:0]
	clear(sh.reps)
	sh.reps, sh.arena = sh.reps[:0], sh.arena[:0]
	for j, acc := range sh.accs {
		acc.Reset(0)
		if f := sh.feeds[j]; f != nil {
			f.reset()
		}
	}
	clear(sh.bad)
	clear(sh.oldBad)
}
