package op

import (
	"bytes"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// distinctValues feeds an aggregate over DISTINCT arguments: it counts each (group, arguments) and passes on the ones
// that appear or vanish.
//
//	group prefix | arguments, up to equality  ->  representatives of the arguments (reps.go)
//
// Append-only input stores the same, with the least representative alone.
type distinctValues struct {
	spec    physicalArgs
	table   *state.Table
	byGroup *state.Ordered // the keys once more, in order, where groups are forgotten; else nil
	argKey  *state.Codec
	reps    *repCodec
	keys    state.Keys
	entries state.Groups
	group   []int32  // by entry
	lists   [][]byte // by entry: what the step adds
	was     [][]byte // by entry: before the step
	refs    []state.Ref
	args    *vec.Batch
	argGrp  []int32
	want    []int
	buf     []byte
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
	d := &distinctValues{argKey: state.NewKeyCodec(s.types), reps: newRepCodec(s.types, retract), args: vec.NewBatch(s.types, 0)}
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
	d.table = state.NewTable(tables.Next(), "distinct "+group.Shape()+d.argKey.Shape(), -1, -1)
	if closes {
		d.byGroup = state.NewOrdered(tables.Next(), "distinct by group")
	}
	return d
}

func (d *distinctValues) add(b *vec.Batch, groups *state.Groups, gids []int32, sel []int32) {
	d.keys.ResetRaw()
	cols := make([]*vec.Vec, len(d.spec.args))
	for k, c := range d.spec.args {
		cols[k] = b.Cols[c]
	}
	each(b.N, sel, func(i int) {
		d.buf = groupPrefix(d.buf[:0], groups.Key(int(gids[i])))
		d.buf = d.argKey.Append(d.buf, cols, i)
		d.keys.AppendRaw(d.buf)
		e, isNew := d.entries.Add(&d.keys, d.keys.N-1)
		if isNew {
			d.group = append(d.group, gids[i])
			d.lists = append(d.lists, nil)
		}
		d.buf = d.reps.codec.Append(d.buf[:0], cols, i)
		d.lists[e] = d.reps.add(d.lists[e], d.buf, b.Weight(i))
	})
}

func (d *distinctValues) end(ctx *funcs.Ctx, _ *state.Groups, acc funcs.Accumulator) {
	n := len(d.lists)
	d.was, d.refs = d.was[:0], d.refs[:0]
	d.args.Reset()
	d.argGrp = d.argGrp[:0]
	for e := range n {
		ref, ok := d.table.Find(d.entries.Hash(e), d.entries.Key(e))
		var was []byte
		if ok {
			was = bytes.Clone(d.table.Value(ref)) // commit moves rows while others are still to be read
		} else {
			ref = state.None
		}
		now := d.merge(was, d.lists[e])
		d.refs, d.was = append(d.refs, ref), append(d.was, was)
		d.lists[e] = now
		old, cur := leastRep(was), leastRep(now)
		if (old == nil) == (cur == nil) && bytes.Equal(old, cur) {
			continue
		}
		d.change(e, old, -1)
		d.change(e, cur, 1)
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

func (d *distinctValues) change(e int, rep []byte, w int64) {
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
func (d *distinctValues) merge(a, b []byte) []byte {
	if len(a) == 0 {
		return b
	}
	for len(b) > 0 {
		w, rep, rest := nextRep(b)
		a, b = d.reps.add(a, rep, w), rest
	}
	return a
}

func (d *distinctValues) commit() {
	for e, ref := range d.refs {
		h, key, now := d.entries.Hash(e), d.entries.Key(e), d.lists[e]
		switch {
		case len(now) == 0 && ref != state.None:
			d.table.Delete(ref, h)
			if d.byGroup != nil {
				d.byGroup.Delete(key)
			}
		case len(now) == 0:
		case ref != state.None:
			d.table.Update(ref, h, now)
		default:
			d.table.Insert(h, key, now)
			if d.byGroup != nil {
				d.byGroup.Put(key, nil)
			}
		}
	}
}

func (d *distinctValues) reset() {
	d.entries.Reset()
	clear(d.lists)
	clear(d.was)
	d.lists, d.was, d.refs, d.group = d.lists[:0], d.was[:0], d.refs[:0], d.group[:0]
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

// sortedInput feeds an aggregate with an ORDER BY of its own: rows are kept until End and sorted. Ad hoc only.
type sortedInput struct {
	spec  physicalArgs
	rows  *vec.Batch
	group []int32
}

func newSortedInput(in []types.Type, s *aggSpec) *sortedInput {
	x := &sortedInput{rows: vec.NewBatch(in, 0), spec: physicalArgs{args: s.Args}}
	for _, o := range s.Order {
		x.spec.order = append(x.spec.order, keyOrder{o.Col, state.Order{Desc: o.Desc, NullsFirst: o.NullsFirst}})
	}
	return x
}

func (x *sortedInput) add(b *vec.Batch, _ *state.Groups, gids []int32, sel []int32) {
	each(b.N, sel, func(i int) {
		x.rows.AppendRow(b, i, b.Weight(i))
		x.group = append(x.group, gids[i])
	})
}

func (x *sortedInput) end(ctx *funcs.Ctx, _ *state.Groups, acc funcs.Accumulator) {
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

func (x *sortedInput) commit()               {}
func (x *sortedInput) forget([]byte)         {}
func (x *sortedInput) tables() []state.Pages { return nil }
func (x *sortedInput) reset() {
	x.rows.Reset()
	x.group = x.group[:0]
}
