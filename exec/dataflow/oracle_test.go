package dataflow

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand"
	"slices"
	"testing"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// The oracle of every operator: a view fed with random changes in random cuts shows, after every epoch, the rows that one
// run over the whole input gives; so does a view over it, and so does what comes back from a checkpoint. Rows are
// compared as text. (tests/incremental compares with PostgreSQL; here the shapes are random plans, not SQL.)

var testTypes = []types.Type{types.T(types.Int4), types.T(types.Int8), types.T(types.Text), types.T(types.Numeric),
	types.T(types.Bool), types.T(types.Float8), types.T(types.Timestamp)}

const (
	colK = iota
	colV
	colS
	colN
	colB
	colF
	colT
)

// source is a relation with random rows.
type source struct {
	id     catalog.ID
	append bool
	rows   *vec.Batch // current rows
}

func (s *source) scan() *physical.Scan {
	n := &physical.Scan{Rel: s.id}
	n.Append = s.append
	for i, t := range testTypes {
		n.Cols = append(n.Cols, i)
		n.Out = append(n.Out, physical.Field{Name: fmt.Sprint("c", i), Type: t})
	}
	return n
}

func randomRow(r *rand.Rand, b *vec.Batch) {
	null := func() bool { return r.Intn(8) == 0 }
	for c, v := range b.Cols {
		if null() {
			v.AppendNull()
			continue
		}
		switch c {
		case colK:
			v.AppendI64(int64(r.Intn(6)))
		case colV:
			v.AppendI64(int64(r.Intn(20)) - 10)
		case colS:
			v.AppendStr([]string{"a", "b", "", "long enough not to be a short string", "ä"}[r.Intn(5)])
		case colN:
			n, _ := types.AppendParsedNumeric(nil, []string{"1", "1.0", "1.00", "2.5", "-3", "0", "0.0", "NaN"}[r.Intn(8)], -1)
			v.AppendBytes(n)
		case colB:
			v.AppendBool(r.Intn(2) == 0)
		case colF:
			v.AppendF64([]float64{0, math.Copysign(0, -1), 1.5, -2, 1e300, math.NaN()}[r.Intn(6)])
		case colT:
			v.AppendI64(int64(r.Intn(100)) * 1e6)
		}
	}
	b.N++
}

// change makes a random delta of the source and applies it to its rows.
func (s *source) change(r *rand.Rand, n int) *vec.Batch {
	d := vec.NewBatch(testTypes, n)
	if s.append {
		for range n {
			randomRow(r, d)
		}
		s.rows.Append(d)
		return d
	}
	d.SetWeights()
	for range n {
		if s.rows.N > 0 && r.Intn(5) < 2 {
			i := r.Intn(s.rows.N)
			d.AppendRow(s.rows, i, -1)
			var keep []int32
			for k := range s.rows.N {
				if k != i {
					keep = append(keep, int32(k))
				}
			}
			s.rows = s.rows.Select(keep)
			continue
		}
		one := vec.NewBatch(testTypes, 1)
		randomRow(r, one)
		d.AppendRow(one, 0, 1)
		s.rows.Append(one)
	}
	return d
}

func fields(n physical.Node, cols ...int) []physical.Field {
	var fs []physical.Field
	for _, c := range cols {
		fs = append(fs, n.Fields()[c])
	}
	return fs
}

func col(n physical.Node, i int) expr.Expr {
	return &expr.Col{Index: i, T: n.Fields()[i].Type}
}

func mapNode(in physical.Node, filter expr.Expr, cols ...int) *physical.Map {
	m := &physical.Map{Input: in, Filter: filter}
	m.Append, m.Out = in.AppendOnly(), fields(in, cols...)
	for _, c := range cols {
		m.Project = append(m.Project, col(in, c))
	}
	return m
}

func agg(t testing.TB, in physical.Node, name string, args ...int) physical.Agg {
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = in.Fields()[a].Type
	}
	f, _, ret, err := funcs.ResolveAggregate(name, ts)
	if err != nil {
		t.Fatal(err)
	}
	return physical.Agg{Fn: f, Args: args, Filter: -1, T: ret}
}

func aggregate(in physical.Node, keys []int, aggs ...physical.Agg) *physical.Aggregate {
	n := &physical.Aggregate{Input: in, Keys: keys, Aggs: aggs, WindowEnd: -1}
	n.Out = fields(in, keys...)
	for _, a := range aggs {
		n.Out = append(n.Out, physical.Field{Name: a.Fn.Name, Type: a.T})
	}
	return n
}

func join(l, r physical.Node, kind physical.JoinKind, lk, rk []int, residual expr.Expr) *physical.Join {
	n := &physical.Join{Left: l, Right: r, Kind: kind, LKeys: lk, RKeys: rk, Residual: residual}
	n.Out = append(n.Out, l.Fields()...)
	if kind != physical.Semi && kind != physical.Anti {
		n.Out = append(n.Out, r.Fields()...)
	}
	n.Append = l.AppendOnly() && r.AppendOnly() && (kind == physical.Inner || kind == physical.Semi)
	return n
}

func less(t testing.TB, l, r physical.Node, a, b int) expr.Expr {
	f, _, _, err := funcs.ResolveOperator("<", l.Fields()[a].Type, r.Fields()[b].Type)
	if err != nil {
		t.Fatal(err)
	}
	return &expr.Call{Fn: f, T: types.T(types.Bool), Args: []expr.Expr{col(l, a),
		&expr.Col{Index: len(l.Fields()) + b, T: r.Fields()[b].Type}}}
}

// shapes are the plans that are tried, over sources a and b.
func shapes(t testing.TB, a, b physical.Node) map[string]*physical.View {
	vs := map[string]*physical.View{}
	add := func(name string, root physical.Node, key ...int) {
		vs[name] = &physical.View{Root: root, Key: key, Reads: []catalog.ID{1, 2}}
		if len(key) == 0 {
			vs[name].Key = nil
		}
	}
	notNull := &expr.IsNull{Arg: col(a, colV), Negate: true}
	add("map", mapNode(a, notNull, colS, colK, colK))
	u := &physical.Union{In: []physical.Node{mapNode(a, nil, colK, colS), mapNode(b, nil, colK, colS)}}
	u.Append, u.Out = a.AppendOnly() && b.AppendOnly(), u.In[0].Fields()
	add("union", u)
	for _, c := range []int{colK, colS, colN, colF} {
		d := &physical.Distinct{Input: mapNode(a, nil, c)}
		d.Append, d.Out = a.AppendOnly() && c != colN && c != colF, d.Input.Fields()
		add(fmt.Sprint("distinct ", c), d, 0)
	}
	filtered := agg(t, a, "count")
	filtered.Filter = colB
	dist := func(g physical.Agg) physical.Agg { g.Distinct = true; return g }
	plain := []physical.Agg{agg(t, a, "count"), agg(t, a, "sum", colV), agg(t, a, "avg", colN), agg(t, a, "sum", colF), filtered}
	rich := append(slices.Clone(plain), agg(t, a, "min", colV), agg(t, a, "max", colS), agg(t, a, "min", colN), agg(t, a, "max", colN),
		dist(agg(t, a, "count", colV)), dist(agg(t, a, "sum", colN)), agg(t, a, "min", colK))
	add("group", aggregate(a, []int{colK}, plain...), 0)
	add("group rich", aggregate(a, []int{colK}, rich...), 0)
	add("group by text and int", aggregate(a, []int{colS, colK}, rich...), 0, 1)
	add("group by numeric", aggregate(a, []int{colN}, rich...), 0)
	add("group by float", aggregate(a, []int{colF, colB}, plain...), 0, 1)
	add("global", aggregate(a, nil, rich...))
	add("group under map", mapNode(aggregate(a, []int{colS, colK}, rich...), nil, 1, 3, 0, 2, 1), 0, 2)
	g := aggregate(a, []int{colK}, agg(t, a, "count"), agg(t, a, "max", colV))
	add("group of groups", aggregate(g, []int{1}, agg(t, g, "count"), agg(t, g, "sum", 2), agg(t, g, "min", 0)), 0)
	add("group filtered", mapNode(g, &expr.IsNull{Arg: col(g, 2), Negate: true}, 0, 2), 0)
	small := func(n physical.Node) physical.Node { return mapNode(n, nil, colK, colV, colS) }
	for _, kind := range []physical.JoinKind{physical.Inner, physical.Left, physical.Full, physical.Semi, physical.Anti} {
		add(fmt.Sprint(kind, " join"), join(small(a), small(b), kind, []int{0}, []int{0}, nil))
		add(fmt.Sprint(kind, " join on two"), join(small(a), small(b), kind, []int{0, 2}, []int{0, 2}, nil))
		add(fmt.Sprint(kind, " join residual"), join(small(a), small(b), kind, []int{0}, []int{0}, less(t, small(a), small(b), 1, 1)))
		add(fmt.Sprint(kind, " join without key"), join(small(a), small(b), kind, nil, nil, less(t, small(a), small(b), 1, 1)))
		add(fmt.Sprint(kind, " join of groups"), join(aggregate(a, []int{colK}, agg(t, a, "count")), aggregate(b, []int{colK}, agg(t, b, "sum", colV)), kind, []int{0}, []int{0}, nil))
	}
	same := join(small(a), small(b), physical.Inner, []int{0}, []int{0}, nil)
	same.NullSafe = true
	add("null-safe join", same)
	add("cross join", join(mapNode(a, nil, colK), mapNode(b, nil, colS), physical.Inner, nil, nil, nil))
	add("self join", join(small(a), small(a), physical.Inner, []int{0}, []int{0}, nil))
	add("cte used twice", join(g, mapNode(g, nil, 0, 1), physical.Left, []int{1}, []int{1}, nil))
	jn := join(small(a), small(b), physical.Left, []int{0}, []int{0}, nil)
	add("group of join", aggregate(jn, []int{0}, agg(t, jn, "count"), agg(t, jn, "min", 4)), 0)
	for _, part := range [][]int{{0}, nil, {0, 2}} {
		in := small(a)
		w := &physical.Window{Input: in, Partition: part, Order: []physical.SortKey{{Col: 1, Desc: true, NullsFirst: true}}}
		w.Out = append(slices.Clone(in.Fields()), physical.Field{Type: testTypes[colV]}, physical.Field{Type: testTypes[colV]}, physical.Field{Type: testTypes[colV]})
		w.Funcs = []physical.WindowFunc{{Name: "row_number", T: testTypes[colV], Filter: -1}, {Name: "rank", T: testTypes[colV], Filter: -1},
			{Name: "lag", Args: []int{1}, T: testTypes[colV], Filter: -1}}
		add(fmt.Sprint("window ", part), w)
		for _, limit := range []int64{1, 3} {
			n := &physical.TopN{Input: in, Partition: part, Order: w.Order, Limit: limit, Offset: limit / 2}
			n.Out = in.Fields()
			add(fmt.Sprint("top ", limit, part), n)
		}
	}
	for _, slide := range []int64{10e6, 4e6, 30e6} {
		h := &physical.Hop{Input: mapNode(a, nil, colK, colT), TimeCol: 1, Slide: slide, Size: 10e6, Origin: 3e6}
		h.Append = a.AppendOnly()
		h.Out = append(slices.Clone(h.Input.Fields()), physical.Field{Type: testTypes[colT]}, physical.Field{Type: testTypes[colT]})
		add(fmt.Sprint("hop ", slide), h)
		add(fmt.Sprint("hop group ", slide), aggregate(h, []int{2, 3, 0}, agg(t, h, "count")), 0, 1, 2)
	}
	return vs
}

func TestIncrementalIsBatch(t *testing.T) {
	for _, appendOnly := range []bool{true, false} {
		seed := rand.Int63()
		r := rand.New(rand.NewSource(seed))
		a := &source{id: 1, append: appendOnly, rows: vec.NewBatch(testTypes, 0)}
		b := &source{id: 2, append: appendOnly, rows: vec.NewBatch(testTypes, 0)}
		plans := shapes(t, a.scan(), b.scan())
		run := newOracle(t, seed, plans)
		for epoch := range 12 {
			in := Inputs{}
			for range r.Intn(3) {
				in[1] = append(in[1], a.change(r, r.Intn(12)))
			}
			for range r.Intn(3) {
				in[2] = append(in[2], b.change(r, r.Intn(12)))
			}
			run.step(r, in)
			rows := map[catalog.ID]*vec.Batch{1: a.rows, 2: b.rows}
			for range 8 {
				run.replace(r, rows)
			}
			if epoch%4 == 3 {
				run.recover()
			}
			run.check(fmt.Sprintf("append-only %v, epoch %d", appendOnly, epoch), rows)
		}
	}
}

// oracle runs plans, each with a view over it, and compares.
type oracle struct {
	t     *testing.T
	seed  int64
	plans map[string]*physical.View
	names []string
	g     *Graph
	views map[string][2]*View
	base  map[catalog.ID]uint32 // of each view's state tables
	next  uint32
	disk  map[uint32]map[uint64][]byte
}

func newOracle(t *testing.T, seed int64, plans map[string]*physical.View) *oracle {
	t.Logf("seed %d, %d plans", seed, len(plans))
	o := &oracle{
		t: t, seed: seed, plans: plans, names: slices.Sorted(maps.Keys(plans)), disk: map[uint32]map[uint64][]byte{},
		base: map[catalog.ID]uint32{}, next: 1,
	}
	o.build(nil)
	return o
}

// build makes the views: number i is relation 100+2i, the one over it the next.
func (o *oracle) build(placed map[uint32]uint32) {
	o.g, o.views = NewGraph(), map[string][2]*View{}
	for i := range o.names {
		vs := o.pair(i)
		o.g.Restore(vs[0], placed)
		o.g.Restore(vs[1], placed)
	}
}

// pair builds views number i.
func (o *oracle) pair(i int) [2]*View {
	name := o.names[i]
	p := o.plans[name]
	id := catalog.ID(100 + 2*i)
	over := &physical.Scan{Rel: id}
	over.Out, over.Append = p.Root.Fields(), p.Root.AppendOnly()
	for c := range over.Out {
		over.Cols = append(over.Cols, c)
	}
	var vs [2]*View
	for k, plan := range []*physical.View{p, {Root: over, Key: p.Key, Reads: []catalog.ID{id}}} {
		vid := id + catalog.ID(k)
		n := StateTables(plan)
		if _, ok := o.base[vid]; !ok {
			o.base[vid] = o.next
			o.next += uint32(n)
		}
		v, err := BuildView(vid, plan, o.base[vid])
		if err != nil {
			o.t.Fatalf("%s: %v", name, err)
		}
		if n != len(v.Pages()) && k == 1 {
			o.t.Fatalf("%s: %d tables, %d ids", name, len(v.Pages()), n)
		}
		vs[k] = v
	}
	o.views[name] = vs
	return vs
}

// replace drops the views of a plan and makes them again, filled beside the others from all rows.
func (o *oracle) replace(r *rand.Rand, rows map[catalog.ID]*vec.Batch) {
	i := r.Intn(len(o.names))
	old := o.views[o.names[i]]
	for k := 1; k >= 0; k-- {
		for _, p := range o.g.Remove(old[k].ID()) {
			delete(o.disk, p.ID())
		}
		delete(o.base, old[k].ID())
	}
	vs := o.pair(i)
	g := NewGraph()
	g.Add(vs[0])
	g.Add(vs[1])
	in := Inputs{}
	for id, b := range rows {
		if b.N > 0 {
			in[id] = []*vec.Batch{b}
		}
	}
	g.Step(testStep(1), in)
	g.Commit()
	o.g.Add(vs[0])
	o.g.Add(vs[1])
}

func testStep(workers int) *Step {
	return &Step{Ctx: &funcs.Ctx{Context: context.Background()}, Workers: workers, Watermark: func(catalog.ID) int64 { return math.MinInt64 }}
}

func (o *oracle) step(r *rand.Rand, in Inputs) {
	if r.Intn(4) == 0 { // a step that is given up leaves nothing
		o.g.Step(testStep(1), in)
		o.g.Abort()
	}
	s := testStep([]int{1, 2, 7}[r.Intn(3)])
	s.ShardRows = 1
	res := o.g.Step(s, in)
	if len(res.Suspended) > 0 {
		o.t.Fatalf("seed %d: %+v", o.seed, res.Suspended)
	}
	o.g.Commit()
}

// pages are all state tables.
func (o *oracle) pages() []state.Pages {
	out := o.g.Held()
	for _, vs := range o.views {
		out = append(append(out, vs[0].Pages()...), vs[1].Pages()...)
	}
	return out
}

// recover writes a checkpoint and continues with what it holds.
func (o *oracle) recover() {
	for _, p := range o.pages() {
		d := o.disk[p.ID()]
		if d == nil {
			d = map[uint64][]byte{}
			o.disk[p.ID()] = d
		}
		p.BeginCheckpoint(func(page uint64, data []byte) {
			if data == nil {
				delete(d, page)
			} else {
				d[page] = bytes.Clone(data)
			}
		})(true)
	}
	o.build(o.g.Placed())
	for _, p := range o.pages() {
		for page, data := range o.disk[p.ID()] {
			if err := p.LoadPage(page, data); err != nil {
				o.t.Fatal(err)
			}
		}
		if err := p.Loaded(); err != nil {
			o.t.Fatal(err)
		}
	}
}

func (o *oracle) check(when string, rows map[catalog.ID]*vec.Batch) {
	for _, name := range o.names {
		want := map[string]int64{}
		runOnce(o.t, o.plans[name].Root, rows, func(b *vec.Batch) { countRows(want, b) })
		for k, v := range o.views[name] {
			got := readView(o.t, v)
			if !maps.Equal(got, want) {
				o.t.Fatalf("seed %d, %s, %s, view %d:\n got %v\nwant %v", o.seed, when, name, k, diff(got, want), diff(want, got))
			}
		}
		o.lookup(name)
	}
}

// lookup finds every row of a view with a key by its key.
func (o *oracle) lookup(name string) {
	p := o.plans[name]
	if p.Key == nil {
		return
	}
	v := o.views[name][0]
	every := make([]int, len(p.Root.Fields()))
	for i := range every {
		every[i] = i
	}
	s := v.Reader().Pin()
	defer s.Release()
	if err := s.Scan(every, func(b *vec.Batch) error {
		key := &vec.Batch{N: b.N}
		for _, k := range p.Key {
			key.Cols = append(key.Cols, b.Cols[k])
		}
		out := vec.NewBatch(b.Types(), 0)
		var match []int32
		v.Reader().Lookup(key, every, out, &match)
		if out.N != b.N {
			return fmt.Errorf("%d of %d keys found", out.N, b.N)
		}
		for i := range b.N {
			if op.RowText(out, i) != op.RowText(b, int(match[i])) {
				return fmt.Errorf("lookup gives %s for %s", op.RowText(out, i), op.RowText(b, int(match[i])))
			}
		}
		return nil
	}); err != nil {
		o.t.Fatalf("seed %d, %s: %v", o.seed, name, err)
	}
}

func diff(a, b map[string]int64) map[string]int64 {
	d := map[string]int64{}
	for k, n := range a {
		if n != b[k] {
			d[k] = n
		}
	}
	return d
}

func countRows(m map[string]int64, b *vec.Batch) {
	for i := range b.N {
		k := op.RowText(b, i)
		if m[k] += b.Weight(i); m[k] == 0 {
			delete(m, k)
		}
	}
}

func readView(t *testing.T, v *View) map[string]int64 {
	m := map[string]int64{}
	cols := make([]int, len(v.types))
	for i := range cols {
		cols[i] = i
	}
	s := v.Reader().Pin()
	defer s.Release()
	n := int64(0)
	if err := s.Scan(cols, func(b *vec.Batch) error {
		countRows(m, b)
		for i := range b.N {
			n += b.Weight(i)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n != v.Reader().Rows() {
		t.Fatalf("%d rows, reader says %d", n, v.Reader().Rows())
	}
	return m
}

// runOnce evaluates a plan over whole relations.
func runOnce(t testing.TB, n physical.Node, rows map[catalog.ID]*vec.Batch, yield func(*vec.Batch)) {
	if s, ok := n.(*physical.Scan); ok {
		b := rows[s.Rel]
		out := &vec.Batch{N: b.N, W: b.W}
		for _, c := range s.Cols {
			out.Cols = append(out.Cols, b.Cols[c])
		}
		yield(out)
		return
	}
	o, err := op.NewOnce(n)
	if err != nil {
		t.Fatal(err)
	}
	s := testStep(1)
	s.RowError = func(err *pgerr.Error, data string, _ int64) { t.Fatalf("%v: %s", err, data) }
	for port, in := range n.Inputs() {
		runOnce(t, in, rows, func(b *vec.Batch) {
			if b.N > 0 {
				o.Push(s, port, b, yield)
			}
		})
	}
	o.End(s, yield)
}

var _ state.Reader = (*state.Relation)(nil)
