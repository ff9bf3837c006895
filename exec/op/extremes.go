package op

import (
	"bytes"
	"slices"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// extremes computes MIN or MAX over input that takes rows back: an ordered multiset of the values of each group, whose
// first (last) entry is the answer.
//
//	group prefix | value, ordered | value as it is, if Loose  ->  weight, 8 bytes | value
//
// Among equal values that look different the one of the least bytes is the answer, for MAX too: there the bytes as they are
// stand inverted in the key.
//
// The accumulator holds the extreme before the step. If the step only adds to a group, the best value it adds is all the
// accumulator needs to see. If it takes rows from it, the group starts again from nothing, with the better one of the first
// stored value the step leaves and the best value it adds.
type extremes struct {
	table   *state.Ordered
	arg     int
	t       types.Type
	max     bool
	loose   bool
	initial []byte // an accumulator's state for no rows
}

// extremesShard is the part of a step that concerns the groups of one shard.
type extremesShard struct {
	*extremes
	raw     *state.Codec
	keys    state.Keys
	rows    []int32
	entries state.Groups
	net     []int64 // by entry
	left    []bool  // by entry: in the state after the step
	group   []int32 // by entry
	vals    *vec.Vec
	order   []int32 // entries in the order of their keys
	near    state.Near
	best    []int32 // by group: the best entry added, -1
	lost    []bool  // by group: rows are taken away
	done    []bool  // by group: its extreme is told
	outVals *vec.Vec
	outGrp  []int32
	buf     []byte
}

func newExtremes(id uint32, group *state.Codec, s *aggSpec) *extremes {
	t := s.types[0]
	none := s.Fn.New(s.types, false)
	none.Reset(1)
	return &extremes{
		initial: none.Append(nil, 0),
		table:   state.NewOrdered(id, s.Fn.Name+" "+group.Shape()+state.NewRowCodec(s.types).Shape()),
		arg:     s.Args[0], t: t, max: s.Fn.MinMax > 0, loose: state.Loose(t),
	}
}

func (x *extremes) shard() feeder {
	return &extremesShard{extremes: x, raw: state.NewRowCodec([]types.Type{x.t}), vals: vec.New(x.t, 0), outVals: vec.New(x.t, 0)}
}

const prefixLen = 4

// groupPrefix makes group keys prefix-free.
func groupPrefix(dst, key []byte) []byte {
	return append(be.AppendUint32(dst, uint32(len(key))), key...)
}

func (x *extremesShard) add(b *vec.Batch, groups *state.Groups, gids []int32, sel []int32) {
	v := b.Cols[x.arg]
	x.keys.ResetRaw()
	x.rows = x.rows[:0]
	each(b.N, sel, func(i int) {
		if v.IsNull(i) {
			return
		}
		x.buf = groupPrefix(x.buf[:0], groups.Key(int(gids[i])))
		x.buf = state.AppendOrdered(x.buf, v, i, state.Order{})
		if x.loose {
			x.appendIdentity(v, i)
		}
		x.keys.AppendRaw(x.buf)
		x.rows = append(x.rows, int32(i))
	})
	for n, i := range x.rows {
		e, isNew := x.entries.Add(&x.keys, n)
		if isNew {
			x.net = append(x.net, 0)
			x.group = append(x.group, gids[i])
			x.vals.AppendFrom(v, int(i))
		}
		x.net[e] += b.Weight(int(i))
	}
}

// appendIdentity appends what tells apart values that are equal.
func (x *extremesShard) appendIdentity(v *vec.Vec, i int) {
	at := len(x.buf)
	if x.t.Class() == types.F64 {
		x.buf = be.AppendUint64(x.buf, f64bits(v.F64[i]))
	} else {
		x.buf = append(x.buf, v.Bytes(i)...)
	}
	if x.max {
		for k := at; k < len(x.buf); k++ {
			x.buf[k] = ^x.buf[k]
		}
	}
}

func (x *extremesShard) end(ctx *funcs.Ctx, groups *state.Groups, acc funcs.Accumulator) {
	x.sort()
	x.sum(groups.Len())
	x.outVals.Reset()
	x.outGrp = x.outGrp[:0]
	for _, e := range x.order {
		g := x.group[e]
		if x.done[g] {
			continue
		}
		x.done[g] = true
		switch {
		case x.lost[g]:
			acc.Load(int(g), x.initial)
			x.pickExtreme(g, groups.Key(int(g)))
		case x.best[g] >= 0:
			x.outVals.AppendFrom(x.vals, int(x.best[g]))
			x.outGrp = append(x.outGrp, g)
		}
	}
	if len(x.outGrp) > 0 {
		acc.Update(ctx, x.outGrp, []*vec.Vec{x.outVals}, nil, len(x.outGrp), nil)
	}
}

// sort puts the entries in order: neighbours are in the same leaf of the table, then, and found at once.
func (x *extremesShard) sort() {
	x.order = sized(x.order, len(x.net))
	for e := range x.order {
		x.order[e] = int32(e)
	}
	slices.SortFunc(x.order, func(a, b int32) int { return bytes.Compare(x.entries.Key(int(a)), x.entries.Key(int(b))) })
}

// sum finds what the step adds to each of n groups, and takes from it.
func (x *extremesShard) sum(n int) {
	x.best, x.lost, x.done, x.left = sized(x.best, n), sized(x.lost, n), sized(x.done, n), sized(x.left, len(x.net))
	for g := range x.best {
		x.best[g] = -1
	}
	clear(x.lost)
	clear(x.done)
	for _, e := range x.order {
		g, d := x.group[e], x.net[e]
		x.left[e] = true
		switch {
		case d > 0:
			if x.best[g] < 0 || x.better(x.entries.Key(int(e)), x.entries.Key(int(x.best[g]))) {
				x.best[g] = e
			}
		case d < 0:
			x.lost[g] = true
			v, ok := x.table.GetNear(x.entries.Key(int(e)), &x.near)
			x.left[e] = ok && int64(le.Uint64(v))+d > 0
		}
	}
}

func (x *extremes) better(a, b []byte) bool { return (bytes.Compare(a, b) < 0) != x.max }

// pickExtreme appends the extreme of group g after the step, if it has one.
func (x *extremesShard) pickExtreme(g int32, key []byte) {
	x.buf = groupPrefix(x.buf[:0], key)
	prefix := len(x.buf)
	var it state.Iter
	if x.max {
		x.buf = append(x.buf, 0xFF) // ordered values begin with 0, 1 or 2
		it = x.table.SeekBeforeNear(x.buf, &x.near)
	} else {
		it = x.table.SeekNear(x.buf, &x.near)
	}
	for it.Valid() && bytes.HasPrefix(it.Key(), x.buf[:prefix]) {
		if e := x.entries.Find(state.Hash(it.Key()), it.Key()); e < 0 || x.left[e] {
			break
		}
		if x.max {
			it.Prev()
		} else {
			it.Next()
		}
	}
	stored := it.Valid() && bytes.HasPrefix(it.Key(), x.buf[:prefix])
	e := x.best[g]
	switch {
	case e >= 0 && (!stored || x.better(x.entries.Key(int(e)), it.Key())):
		x.outVals.AppendFrom(x.vals, int(e))
	case stored:
		x.raw.Decode(it.Value()[8:], []int{0}, []*vec.Vec{x.outVals})
	default:
		return
	}
	x.outGrp = append(x.outGrp, g)
}

func (x *extremesShard) commit() {
	cols := []*vec.Vec{x.vals}
	for _, e := range x.order {
		x.buf = x.raw.Append(x.buf[:0], cols, int(e))
		x.table.AddWeight(x.entries.Key(int(e)), x.net[e], x.buf, &x.near)
	}
}

func (x *extremesShard) reset() {
	x.entries.Reset()
	x.vals.Reset()
	x.net, x.group = x.net[:0], x.group[:0]
}

func (x *extremes) forget(key []byte) { dropPrefix(x.table, groupPrefix(nil, key)) }

// dropPrefix deletes the entries whose keys begin with prefix.
func dropPrefix(t *state.Ordered, prefix []byte) {
	for {
		it := t.Seek(prefix)
		if !it.Valid() || !bytes.HasPrefix(it.Key(), prefix) {
			return
		}
		t.Delete(bytes.Clone(it.Key()))
	}
}

func (x *extremes) tables() []state.Pages { return []state.Pages{x.table} }
