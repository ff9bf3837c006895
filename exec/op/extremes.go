package op

import (
	"bytes"

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
	raw     *state.Codec
	keys    state.Keys
	entries state.Groups
	net     []int64 // by entry
	left    []bool  // by entry: in the state after the step
	group   []int32 // by entry
	vals    *vec.Vec
	best    []int32 // by group: the best entry added, -1
	lost    []bool  // by group: rows are taken away
	initial []byte  // an accumulator's state for no rows
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
		arg:     s.Args[0], t: t, max: s.Fn.MinMax > 0, loose: state.Loose(t), raw: state.NewRowCodec(s.types),
		vals: vec.New(t, 0), outVals: vec.New(t, 0),
	}
}

const prefixLen = 4

// groupPrefix makes group keys prefix-free.
func groupPrefix(dst, key []byte) []byte {
	return append(be.AppendUint32(dst, uint32(len(key))), key...)
}

func (x *extremes) add(b *vec.Batch, groups *state.Groups, gids []int32, sel []int32) {
	v := b.Cols[x.arg]
	x.keys.ResetRaw()
	var rows []int32
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
		rows = append(rows, int32(i))
	})
	for n, i := range rows {
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
func (x *extremes) appendIdentity(v *vec.Vec, i int) {
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

func (x *extremes) end(ctx *funcs.Ctx, groups *state.Groups, acc funcs.Accumulator) {
	n := groups.Len()
	x.best = sized(x.best, n)
	for g := range x.best {
		x.best[g] = -1
	}
	x.lost, x.left = sized(x.lost, n), sized(x.left, len(x.net))
	clear(x.lost)
	for e, d := range x.net {
		g := x.group[e]
		x.left[e] = true
		switch {
		case d > 0:
			if x.best[g] < 0 || x.better(x.entries.Key(e), x.entries.Key(int(x.best[g]))) {
				x.best[g] = int32(e)
			}
		case d < 0:
			x.lost[g] = true
			v, ok := x.table.Get(x.entries.Key(e))
			x.left[e] = ok && int64(le.Uint64(v))+d > 0
		}
	}
	x.outVals.Reset()
	x.outGrp = x.outGrp[:0]
	for g := range n {
		switch {
		case x.lost[g]:
			acc.Load(g, x.initial)
			x.pickExtreme(g, groups.Key(g))
		case x.best[g] >= 0:
			x.outVals.AppendFrom(x.vals, int(x.best[g]))
			x.outGrp = append(x.outGrp, int32(g))
		}
	}
	if len(x.outGrp) > 0 {
		acc.Update(ctx, x.outGrp, []*vec.Vec{x.outVals}, nil, len(x.outGrp), nil)
	}
}

func (x *extremes) better(a, b []byte) bool { return (bytes.Compare(a, b) < 0) != x.max }

// pickExtreme appends the extreme of group g after the step, if it has one.
func (x *extremes) pickExtreme(g int, key []byte) {
	x.buf = groupPrefix(x.buf[:0], key)
	prefix := len(x.buf)
	var it state.Iter
	if x.max {
		x.buf = append(x.buf, 0xFF) // ordered values begin with 0, 1 or 2
		it = x.table.SeekBefore(x.buf)
	} else {
		it = x.table.Seek(x.buf)
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
	x.outGrp = append(x.outGrp, int32(g))
}

func (x *extremes) commit() {
	cols := []*vec.Vec{x.vals}
	for e, d := range x.net {
		x.buf = x.raw.Append(x.buf[:0], cols, e)
		x.table.AddWeight(x.entries.Key(e), d, x.buf)
	}
}

func (x *extremes) reset() {
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
