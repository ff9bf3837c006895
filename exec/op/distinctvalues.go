package op

import (
	"bytes"
	"fmt"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// distinctValues feeds an aggregate over DISTINCT arguments: it counts each (group, arguments) and passes on the ones
// that appear or vanish.
//
//	group prefix | arguments, up to equality  ->  number of rows, 8 bytes (nothing, of append-only input)
//
// If equal arguments can look different, the value is the list of their representatives instead (reps.go), and the
// least one is passed on.
type distinctValues struct {
	spec    physicalArgs
	ts      []types.Type // of the arguments
	table   *state.Table
	byGroup *state.Ordered // the keys once more, in order, where groups are forgotten; else nil
	reps    *repCodec
	loose   bool
	retract bool
	want    []int
}

// distinctShard is the part of a step that concerns the groups of one shard.
type distinctShard struct {
	*distinctValues
	argKey  *state.Codec
	keys    state.Keys
	entries state.Groups
	group   []int32 // by entry
	refs    []state.Ref
	cols    []*vec.Vec
	args    *vec.Batch // what End passes on
	argGrp  []int32
	buf     []byte

	net   []int64    // by entry: rows the step adds, then rows there are
	first *vec.Batch // by entry: the arguments

	lists [][]byte // by entry, if loose: what the step adds, then what there is
}

// physicalArgs is what a feeder needs of the call.
type physicalArgs struct {
	args    []int
	collect bool
	order   []keyOrder // over args
}

type keyOrder struct {
	col int
	state.Order
}

func newDistinctValues(tables *TableAlloc, group *state.Codec, s *aggSpec, retract, closes bool) *distinctValues {
	argKey := state.NewKeyCodec(s.types)
	d := &distinctValues{ts: s.types, reps: newRepCodec(s.types, retract), loose: argKey.AnyLoose(), retract: retract}
	d.spec = physicalArgs{args: s.Args, collect: s.Fn.Collect}
	for _, o := range s.Order {
		for k, c := range s.Args {
			if c == o.Col {
				d.spec.order = append(d.spec.order, keyOrder{k, state.Order{Desc: o.Desc, NullsFirst: o.NullsFirst}})
			}
		}
	}
	for k := range s.types {
		d.want = append(d.want, k)
		d.spec.order = append(d.spec.order, keyOrder{col: k})
	}
	keyW, valW := -1, 0
	if group.Width() >= 0 && argKey.Width() >= 0 {
		keyW = prefixLen + group.Width() + argKey.Width()
	}
	switch {
	case d.loose:
		valW = -1
	case retract:
		valW = 8
	}
	d.table = state.NewTable(tables.Next(), fmt.Sprintf("distinct %s%s retract=%v", group.Shape(), argKey.Shape(), retract), keyW, valW)
	if closes {
		d.byGroup = state.NewOrdered(tables.Next(), "distinct by group")
	}
	return d
}

func (d *distinctValues) shard() feeder {
	return &distinctShard{distinctValues: d, argKey: state.NewKeyCodec(d.ts), cols: make([]*vec.Vec, len(d.ts)),
		args: vec.NewBatch(d.ts, 0), first: vec.NewBatch(d.ts, 0)}
}

func (d *distinctShard) add(b *vec.Batch, groups *state.Groups, gids []int32, sel []int32) {
	for k, c := range d.spec.args {
		d.cols[k] = b.Cols[c]
	}
	d.keys.ResetRaw()
	n := 0
	each(b.N, sel, func(i int) {
		d.buf = groupPrefix(d.buf[:0], groups.Key(int(gids[i])))
		d.buf = d.argKey.Append(d.buf, d.cols, i)
		d.keys.AppendRaw(d.buf)
		e, isNew := d.entries.Add(&d.keys, n)
		n++
		if isNew {
			d.group = append(d.group, gids[i])
		}
		if d.loose {
			d.addRep(e, isNew, i, b.Weight(i))
			return
		}
		if isNew {
			d.net = append(d.net, 0)
			for k, v := range d.cols {
				d.first.Cols[k].AppendFrom(v, i)
			}
			d.first.N++
		}
		d.net[e] += b.Weight(i)
	})
}

func (d *distinctShard) addRep(e int32, isNew bool, i int, w int64) {
	if isNew {
		d.lists = append(d.lists, nil)
	}
	d.buf = d.reps.codec.Append(d.buf[:0], d.cols, i)
	d.lists[e] = d.reps.add(d.lists[e], d.buf, w)
}

func (d *distinctShard) end(ctx *funcs.Ctx, _ *state.Groups, acc funcs.Accumulator) {
	d.args.Reset()
	d.argGrp, d.refs = d.argGrp[:0], d.refs[:0]
	for e := range d.entries.Len() {
		ref, ok := d.table.Find(d.entries.Hash(e), d.entries.Key(e))
		if !ok {
			ref = state.None
		}
		d.refs = append(d.refs, ref)
		if d.loose {
			d.endReps(e, ref)
		} else {
			d.endCount(e, ref)
		}
	}
	args, grp := d.args, d.argGrp
	if d.spec.collect {
		perm := sortRows(args, d.spec.order)
		args = args.Select(perm)
		sorted := make([]int32, len(grp))
		for i, p := range perm {
			sorted[i] = grp[p]
		}
		grp = sorted
	}
	if args.N > 0 {
		acc.Update(ctx, grp, args.Cols, args.W, args.N, nil)
	}
}

// endCount passes on the arguments of entry e if they appear or vanish.
func (d *distinctShard) endCount(e int, ref state.Ref) {
	had := ref != state.None
	switch {
	case had && d.retract:
		d.net[e] += int64(le.Uint64(d.table.Value(ref)))
	case had:
		d.net[e]++
	}
	if has := d.net[e] > 0; has != had {
		w := int64(1)
		if had {
			w = -1
		}
		d.args.AppendRow(d.first, e, w)
		d.argGrp = append(d.argGrp, d.group[e])
	}
}

// endReps passes on how the least representative of entry e changes.
func (d *distinctShard) endReps(e int, ref state.Ref) {
	var was []byte
	if ref != state.None {
		was = bytes.Clone(d.table.Value(ref)) // commit moves rows while others are still to be read
	}
	d.lists[e] = d.merge(was, d.lists[e])
	old, cur := leastRep(was), leastRep(d.lists[e])
	if (old == nil) == (cur == nil) && bytes.Equal(old, cur) {
		return
	}
	d.change(e, old, -1)
	d.change(e, cur, 1)
}

func (d *distinctShard) change(e int, rep []byte, w int64) {
	if rep == nil {
		return
	}
	if w < 0 {
		d.args.SetWeights()
	}
	d.reps.codec.Decode(rep, d.want, d.args.Cols)
	d.args.N++
	if d.args.W != nil {
		d.args.W = append(d.args.W, w)
	}
	d.argGrp = append(d.argGrp, d.group[e])
}

// merge adds the representatives of list b to a.
func (d *distinctShard) merge(a, b []byte) []byte {
	if len(a) == 0 {
		return b
	}
	for len(b) > 0 {
		w, rep, rest := nextRep(b)
		a, b = d.reps.add(a, rep, w), rest
	}
	return a
}

func (d *distinctShard) commit() {
	for e, ref := range d.refs {
		h, key := d.entries.Hash(e), d.entries.Key(e)
		var val []byte
		gone := false
		switch {
		case d.loose:
			val = d.lists[e]
			gone = len(val) == 0
		case d.retract:
			d.buf = le.AppendUint64(d.buf[:0], uint64(d.net[e]))
			val, gone = d.buf, d.net[e] == 0
		}
		switch {
		case gone && ref != state.None:
			d.table.Delete(ref, h)
			if d.byGroup != nil {
				d.byGroup.Delete(key)
			}
		case gone:
		case ref == state.None:
			d.table.Insert(h, key, val)
			if d.byGroup != nil {
				d.byGroup.Put(key, nil)
			}
		case d.loose || d.retract:
			d.table.Update(ref, h, val)
		}
	}
}

func (d *distinctShard) reset() {
	d.entries.Reset()
	d.first.Reset()
	clear(d.lists)
	d.lists, d.net, d.refs, d.group = d.lists[:0], d.net[:0], d.refs[:0], d.group[:0]
}

func (d *distinctValues) forget(key []byte) {
	prefix := groupPrefix(nil, key)
	for {
		it := d.byGroup.Seek(prefix)
		if !it.Valid() || !bytes.HasPrefix(it.Key(), prefix) {
			return
		}
		k := bytes.Clone(it.Key())
		h := state.Hash(k)
		if ref, ok := d.table.Find(h, k); ok {
			d.table.Delete(ref, h)
		}
		d.byGroup.Delete(k)
	}
}

func (d *distinctValues) tables() []state.Pages {
	if d.byGroup != nil {
		return []state.Pages{d.table, d.byGroup}
	}
	return []state.Pages{d.table}
}
