package op

import (
	"fmt"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Aggregate groups. With S the accumulated state of each group,
//
//	d(agg(A)) = agg(S + dA) - agg(S), for the groups that dA touches
//
// so a step loads the states of the touched groups from the table into accumulators (columns of states, numbered
// 0..n-1 within the step), updates them batch by batch, and at End compares results before and after.
//
// One hash table holds the groups:
//
//	key -> rows, 8 bytes (unless append-only) | representatives (if the key is Loose) | state of each aggregate
//
// Aggregates over distinct values and MIN/MAX that must be able to take rows back keep a further table each
// (distinct.go, minmax.go), which feeds the accumulators.
//
// Without aggregates this is DISTINCT.
type Aggregate struct {
	keys      []int
	in        []types.Type
	aggs      []aggSpec
	table     *state.Table
	codec     *state.Codec // of keys
	reps      *repCodec    // nil: equal keys are identical
	retract   bool         // input may take rows back: groups count their rows
	global    bool
	silent    bool
	mayFail   bool // a result may fail to compute
	once      bool // ad hoc: a single step over everything, no state is kept
	closing   *closing
	out       []types.Type
	shards    []*aggShard
	active    int // shards in use in this step, 0: none yet
	parallel  state.Keys
	shardRows [][]int32
	keyVecs   []*vec.Vec
}

// aggSpec is one aggregate call.
type aggSpec struct {
	physical.Agg
	types   []types.Type // of Args
	feed    feed         // nil: the accumulator is fed straight from the input
	extreme bool         // feed takes care of retraction: the accumulator sees none
}

// feed stands between the input and an accumulator, and keeps what the accumulator cannot.
type feed interface {
	// shard makes what a step needs of it, for the groups of one shard.
	shard() feeder
	tables() []state.Pages
	// forget drops what is kept of a group.
	forget(key []byte)
}

// feeder is the step of a feed. Shards run beside one another and read what is kept; they commit one after the other.
type feeder interface {
	// add takes rows sel of a batch (nil: all), gids being their groups.
	add(b *vec.Batch, groups *state.Groups, gids []int32, sel []int32)
	// end updates acc for all groups of the step.
	end(ctx *funcs.Ctx, groups *state.Groups, acc funcs.Accumulator)
	commit()
	reset()
	size() int64
}

// NewAggregate makes the operator. tables hands out ids for its state tables. stream is the one whose watermark closes
// windows, if n.WindowEnd says so.
func NewAggregate(n *physical.Aggregate, tables *TableAlloc, stream catalog.ID) *Aggregate {
	return newAggregate(n, tables, stream, !n.Input.AppendOnly())
}

func newAggregate(n *physical.Aggregate, tables *TableAlloc, stream catalog.ID, retract bool) *Aggregate {
	a := &Aggregate{keys: n.Keys, retract: retract, global: len(n.Keys) == 0}
	for _, f := range n.Input.Fields() {
		a.in = append(a.in, f.Type)
	}
	for _, f := range n.Fields() {
		a.out = append(a.out, f.Type)
	}
	kt := make([]types.Type, len(n.Keys))
	for i, k := range n.Keys {
		kt[i] = a.in[k]
	}
	a.codec = state.NewKeyCodec(kt)
	if a.codec.AnyLoose() {
		a.reps = newRepCodec(kt, a.retract)
	}
	closes := n.WindowEnd >= 0 && stream != 0
	id := tables.Next()
	width, shape := 0, fmt.Sprintf("aggregate %s retract=%v", a.codec.Shape(), a.retract)
	if a.retract {
		width = 8
	}
	if a.reps != nil {
		width = -1
	}
	for _, g := range n.Aggs {
		spec := a.newSpec(g, tables, closes)
		a.aggs = append(a.aggs, spec)
		shape += fmt.Sprintf(" %s%v", g.Fn.Name, spec.types)
		if w := a.newAcc(&spec).Width(); w < 0 || width < 0 {
			width = -1
		} else {
			width += w
		}
		a.mayFail = a.mayFail || !neverFails(g.Fn)
	}
	a.table = state.NewTable(id, shape, a.codec.Width(), width)
	if closes {
		a.closing = &closing{key: n.WindowEnd, stream: stream, ends: state.NewOrdered(tables.Next(), "window ends")}
	}
	return a
}

func (a *Aggregate) newSpec(g physical.Agg, tables *TableAlloc, closes bool) aggSpec {
	s := aggSpec{Agg: g}
	for _, c := range g.Args {
		s.types = append(s.types, a.in[c])
	}
	switch {
	case g.Fn.MinMax != 0 && a.retract:
		s.feed, s.extreme = newExtremes(tables.Next(), a.codec, &s), true
	case g.Fn.MinMax != 0:
	case g.Distinct:
		s.feed = newDistinctValues(tables, a.codec, &s, a.retract, closes)
	case len(g.Order) > 0:
		s.feed = newSortedInput(a.in, &s)
	}
	return s
}

// newAcc makes an accumulator for a call. One that is fed extremes sees no retraction.
func (a *Aggregate) newAcc(s *aggSpec) funcs.Accumulator {
	return s.Fn.New(s.types, a.retract && !s.extreme)
}

// neverFails lists the aggregates whose result is always defined: unlike a sum of floats, or of ints in a bigint.
func neverFails(f *funcs.Aggregate) bool {
	switch f.Name {
	case "count", "bool_and", "bool_or", "every":
		return true
	case "sum":
		return f.Ret == types.Numeric
	case "avg":
		return f.Ret == types.Numeric
	}
	return f.MinMax != 0
}

// Push adds the rows of b to their groups.
func (a *Aggregate) Push(s *Step, _ int, b *vec.Batch, _ Emit) {
	if a.active == 0 {
		a.begin(s, b.N)
	}
	if a.active == 1 {
		sh := a.shards[0]
		sh.begin(s)
		sh.pushAll(b)
		sh.report(s, b)
		return
	}
	a.pushParallel(s, b)
}

// begin decides the number of shards of a step by its first batch.
func (a *Aggregate) begin(s *Step, rows int) {
	a.active = 1
	if !a.global {
		a.active = s.shards(rows)
	}
	for len(a.shards) < a.active {
		a.shards = append(a.shards, newAggShard(a))
	}
}

// pushParallel is the exchange: rows are split by the hash of their key, each shard works on its own groups.
func (a *Aggregate) pushParallel(s *Step, b *vec.Batch) {
	k := &a.parallel
	vecs := pick(&a.keyVecs, b.Cols, a.keys)
	a.codec.Encode(k, vecs, b.N)
	for len(a.shardRows) < a.active {
		a.shardRows = append(a.shardRows, []int32{}) // not nil, which means all rows
	}
	for p := range a.active {
		a.shardRows[p] = a.shardRows[p][:0]
	}
	for i, h := range k.Hash[:b.N] {
		p := int(uint64(uint32(h)) * uint64(a.active) >> 32)
		a.shardRows[p] = append(a.shardRows[p], int32(i))
	}
	Parallel(a.active, a.active, func(p int) {
		a.shards[p].begin(s)
		a.shards[p].pushSome(b, vecs, k, a.shardRows[p])
	})
	for _, sh := range a.shards[:a.active] {
		sh.report(s, b)
	}
}

// End emits the change of the touched groups.
func (a *Aggregate) End(s *Step, out Emit) {
	if a.closing != nil {
		a.closing.upTo = s.Watermark(a.closing.stream)
	}
	if a.active == 0 {
		if !a.global || a.table.Len() > 0 {
			return
		}
		a.begin(s, 0) // the row of no input
	}
	if a.active > 1 {
		Parallel(a.active, a.active, func(p int) { a.shards[p].end(s) })
	} else {
		a.shards[0].begin(s)
		a.shards[0].end(s)
	}
	for _, sh := range a.shards[:a.active] {
		sh.reportResults(s)
		if sh.out.N > 0 {
			out(sh.out)
		}
	}
}

// Commit writes the states of the touched groups.
func (a *Aggregate) Commit() {
	if !a.once {
		a.commitTables()
		a.forget()
	}
	a.Abort()
}

func (a *Aggregate) commitTables() {
	if a.active > 1 {
		Parallel(1+len(a.aggs), a.active, a.commitTable)
		return
	}
	for i := range 1 + len(a.aggs) {
		a.commitTable(i)
	}
}

// commitTable writes one of the state tables: that of the groups, or what the feed of aggregate i-1 keeps.
func (a *Aggregate) commitTable(i int) {
	for _, sh := range a.shards[:a.active] {
		if i == 0 {
			sh.commit()
		} else if f := sh.feeds[i-1]; f != nil {
			f.commit()
		}
	}
}

// Abort forgets the step.
func (a *Aggregate) Abort() {
	for _, sh := range a.shards[:a.active] {
		sh.reset()
	}
	a.active = 0
}

// Tables are the state tables, in the order of their ids.
func (a *Aggregate) Tables() []state.Pages {
	ts := []state.Pages{a.table}
	for i := range a.aggs {
		if f := a.aggs[i].feed; f != nil {
			ts = append(ts, f.tables()...)
		}
	}
	if a.closing != nil {
		ts = append(ts, a.closing.ends)
	}
	return ts
}

// SetSilent says whether anybody wants the output; if not it is not computed. The groups are read from the table then.
func (a *Aggregate) SetSilent(silent bool) { a.silent = silent }
