package dataflow

import (
	"fmt"
	"maps"
	"math/rand"
	"testing"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// keyedTable is a table with key colK, relation 3.
type keyedTable struct{ rel *state.Relation }

// change makes a random change of some rows of the table, which is not applied yet.
func (k *keyedTable) change(r *rand.Rand) *vec.Batch {
	d := vec.NewBatch(testTypes, 0)
	d.SetWeights()
	every := make([]int, len(testTypes))
	for i := range every {
		every[i] = i
	}
	for id := range int64(6) {
		if r.Intn(3) > 0 {
			continue
		}
		key := &vec.Batch{N: 1, Cols: []*vec.Vec{vec.New(testTypes[colK], 1)}}
		key.Cols[0].AppendI64(id)
		old := vec.NewBatch(testTypes, 1)
		k.rel.Lookup(key, every, old, nil)
		if old.N > 0 {
			d.AppendRow(old, 0, -1)
		}
		if old.N == 0 || r.Intn(3) > 0 {
			row := vec.NewBatch(testTypes, 1)
			randomRow(r, row)
			row.Cols[colK] = key.Cols[0]
			d.AppendRow(row, 0, 1)
		}
	}
	return d
}

// TestOwnRows: joins that look into the rows of a table, or of a view, have the rows of joins that keep their own.
func TestOwnRows(t *testing.T) {
	seed := rand.Int63()
	t.Log("seed", seed)
	r := rand.New(rand.NewSource(seed))
	for _, workers := range []int{1, 2, 7} {
		a := &source{id: 1, append: workers == 2, rows: vec.NewBatch(testTypes, 0)}
		tab := &keyedTable{state.NewRelation(3, testTypes, []int{colK}, false)}
		shared, private := NewGraph(), NewGraph()
		shared.Table = func(id catalog.ID) *state.Relation {
			if id == 3 {
				return tab.rel
			}
			return nil
		}
		type pair struct {
			name         string
			mine, theirs *View
		}
		var pairs []pair
		for name, root := range ownShapes(t, a.scan()) {
			p := pair{name: name}
			for _, g := range []*Graph{shared, private} {
				id := catalog.ID(100 + len(pairs))
				v, err := BuildView(id, &physical.View{Root: root, Reads: []catalog.ID{1, 3, 50}}, uint32(1000*int(id)))
				if err != nil {
					t.Fatal(err)
				}
				if g.views[50] == nil {
					by := aggregate(a.scan(), []int{colS}, agg(t, a.scan(), "count"))
					up, err := BuildView(50, &physical.View{Root: by, Key: []int{0}, Reads: []catalog.ID{1}}, 1)
					if err != nil {
						t.Fatal(err)
					}
					if g == private {
						up.key = nil // so that nobody looks into it
					}
					g.Add(up)
				}
				g.Add(v)
				if g == shared {
					p.mine = v
				} else {
					p.theirs = v
				}
			}
			pairs = append(pairs, p)
		}
		for epoch := range 12 {
			in := Inputs{}
			if r.Intn(3) > 0 {
				in[1] = append(in[1], a.change(r, r.Intn(12)))
			}
			if r.Intn(3) > 0 {
				in[3] = append(in[3], tab.change(r))
			}
			for _, g := range []*Graph{shared, private} {
				g.Step(testStep(workers), in)
			}
			tab.rel.Apply(in[3]...)
			shared.Commit()
			private.Commit()
			for _, p := range pairs {
				if got, want := readView(t, p.mine), readView(t, p.theirs); !maps.Equal(got, want) {
					t.Fatalf("seed %d, epoch %d, %s:\n got %v\nwant %v", seed, epoch, p.name, diff(got, want), diff(want, got))
				}
			}
		}
		looks := 0
		for _, p := range pairs {
			for _, k := range keeps(p.mine) {
				if k.Rows() == nil {
					looks++
				}
			}
		}
		const want = 39 // all but the sides that count matches by row, and those that are not kept
		if looks != want {
			t.Errorf("%d sides look into rows of others, want %d", looks, want)
		}
	}
}

// ownShapes are joins of a with relation 3 by its key, and with view 50 by its own.
func ownShapes(t *testing.T, a physical.Node) map[string]physical.Node {
	tab := (&source{id: 3}).scan()
	part := &physical.Scan{Rel: 3, Cols: []int{colS, colK, colV}}
	part.Out = fields(tab, colS, colK, colV)
	one := &expr.Const{Val: vec.Scalar{Type: testTypes[colV], I: 1}}
	notNull := &expr.IsNull{Arg: col(part, 2), Negate: true}
	mapped := mapNode(mapNode(part, notNull, 2, 1, 0), nil, 1, 2)
	mapped.Project = append(mapped.Project, call(t, "+", one, col(mapped.Input, 0)))
	mapped.Out = append(mapped.Out, physical.Field{Type: testTypes[colV]})
	groups := &physical.Scan{Rel: 50, Cols: []int{1, 0}}
	groups.Out = []physical.Field{{Type: testTypes[colV]}, {Type: testTypes[colS]}}

	out := map[string]physical.Node{}
	small := mapNode(a, nil, colK, colV, colS)
	for _, kind := range []physical.JoinKind{physical.Inner, physical.Left, physical.Full, physical.Semi, physical.Anti} {
		add := func(name string, l, r physical.Node, lk, rk int) {
			out[fmt.Sprint(kind, " ", name)] = join(l, r, kind, []int{lk}, []int{rk}, nil)
			residual := join(l, r, kind, []int{lk}, []int{rk}, less(t, l, r, lk, rk))
			out[fmt.Sprint(kind, " residual ", name)] = residual
		}
		add("table right", small, part, 0, 1)
		add("table left", part, small, 1, 0)
		add("mapped right", small, mapped, 0, 0)
		add("mapped left", mapped, small, 0, 0)
		add("view right", small, groups, 2, 1)
		add("view left", groups, small, 1, 2)
	}
	return out
}

// TestSharedOutlives: what views share goes on when the one that brought it fails in the middle of a step, and goes with
// the last of them. Views that began with other rows of a stream keep their own.
func TestSharedOutlives(t *testing.T) {
	seed := rand.Int63()
	r := rand.New(rand.NewSource(seed))
	a := &source{id: 1, rows: vec.NewBatch(testTypes, 0)}
	s := mapNode(a.scan(), nil, colK, colV, colS)
	fuse := 3
	boom := &funcs.Func{Name: "boom", Args: []types.OID{types.Int8}, Ret: types.Int8, Vol: funcs.Immutable,
		Kernel: func(_ *funcs.Ctx, args []*vec.Vec, n int, _ []int32, out *vec.Vec) {
			if fuse--; fuse < 0 {
				panic("boom")
			}
			for range n {
				out.AppendNull()
			}
		}}
	self := join(s, s, physical.Inner, []int{0}, []int{0}, nil)
	bad := &physical.Map{Input: self, Project: []expr.Expr{&expr.Call{Fn: boom, Args: []expr.Expr{col(self, 1)}, T: testTypes[colV]}}}
	bad.Out = []physical.Field{{Type: testTypes[colV]}}
	left := join(s, s, physical.Left, []int{0}, []int{0}, nil)
	g := NewGraph()
	build := func(id catalog.ID, root physical.Node, since map[catalog.ID]uint64) *View {
		v, err := BuildView(id, &physical.View{Root: root, Reads: []catalog.ID{1}}, uint32(10*id))
		if err != nil {
			t.Fatal(err)
		}
		v.SetSince(since)
		g.Add(v)
		return v
	}
	build(10, bad, nil)
	good := build(11, left, nil)
	later := build(12, left, map[catalog.ID]uint64{1: 7})
	if n := len(g.Held()); n != 2 {
		t.Fatalf("%d arrangements, want one of all rows and one of the later ones", n)
	}
	failed := false
	for range 10 {
		res := g.Step(testStep(1), Inputs{1: {a.change(r, 5)}})
		g.Commit()
		for _, x := range res.Suspended {
			failed = true
			for _, p := range g.Remove(x.View) {
				if p.ID() == 100 {
					t.Error("the state that another view uses is gone")
				}
			}
		}
		want := map[string]int64{}
		runOnce(t, left, map[catalog.ID]*vec.Batch{1: a.rows}, func(b *vec.Batch) { countRows(want, b) })
		for _, v := range []*View{good, later} {
			if got := readView(t, v); !maps.Equal(got, want) {
				t.Fatalf("seed %d, view %d:\n got %v\nwant %v", seed, v.ID(), diff(got, want), diff(want, got))
			}
		}
	}
	if !failed {
		t.Error("no view failed")
	}
	gone := map[uint32]bool{}
	for _, p := range g.Remove(11) {
		gone[p.ID()] = true
	}
	if !gone[100] || len(g.Held()) != 1 || len(g.Placed()) != 1 {
		t.Errorf("dropped %v, placed %v", gone, g.Placed())
	}
}

// BenchmarkEnrich: four views join a stream to a table of 100,000 rows by its key, with state of their own and shared.
func BenchmarkEnrich(b *testing.B) {
	const keys = 100_000
	for _, sharing := range []bool{false, true} {
		for _, rows := range []int{1, 16384} {
			b.Run(fmt.Sprintf("sharing=%v/rows=%d", sharing, rows), func(b *testing.B) {
				rel := state.NewRelation(3, eventTypes, []int{0}, false)
				users := vec.NewBatch(eventTypes, keys)
				for i := range int64(keys) {
					users.Cols[0].AppendI64(i)
					users.Cols[1].AppendI64(i % 100)
					users.N++
				}
				rel.Apply(users)
				tab := &physical.Scan{Rel: 3, Cols: []int{0, 1}}
				tab.Out = eventScan().Out
				shared := NewGraph()
				shared.Table = func(id catalog.ID) *state.Relation {
					if id == 3 {
						return rel
					}
					return nil
				}
				graphs := []*Graph{shared}
				for i := range 4 {
					j := join(eventScan(), tab, physical.Inner, []int{0}, []int{0}, nil)
					plan := &physical.View{Root: aggregate(j, []int{3}, agg(b, j, "count")), Key: []int{0}, Reads: []catalog.ID{1, 3}}
					v, err := BuildView(catalog.ID(10+i), plan, uint32(100*i))
					if err != nil {
						b.Fatal(err)
					}
					g := NewGraph()
					g.Add(v)
					g.Step(testStep(1), Inputs{3: {users}})
					g.Commit()
					if sharing {
						shared.Add(v)
					} else {
						graphs = append(graphs, g)
					}
				}
				in := events(keys, rows)
				b.ResetTimer()
				for i := range b.N {
					for _, g := range graphs {
						g.Step(testStep(1), Inputs{1: {in[i%len(in)]}})
						g.Commit()
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
				bytes := int64(0)
				for _, g := range graphs {
					for _, p := range g.Held() {
						bytes += p.Bytes()
					}
				}
				b.ReportMetric(float64(bytes)/float64(b.N*rows+keys), "state-B/row")
			})
		}
	}
}

// TestJoinShards: steps large enough to be split give the same joined rows with 1, 2 and 7 workers.
func TestJoinShards(t *testing.T) {
	seed := rand.Int63()
	for _, kind := range []physical.JoinKind{physical.Inner, physical.Left, physical.Anti} {
		var want map[string]int64
		for _, workers := range []int{1, 2, 7} {
			r := rand.New(rand.NewSource(seed))
			a, b := &source{id: 1, append: true, rows: vec.NewBatch(testTypes, 0)}, &source{id: 2, rows: vec.NewBatch(testTypes, 0)}
			j := join(mapNode(a.scan(), nil, colV, colS), mapNode(b.scan(), nil, colV, colT), kind, []int{0}, []int{0}, nil)
			g := NewGraph()
			v, err := BuildView(5, &physical.View{Root: aggregate(j, []int{0, 1}, agg(t, j, "count")), Key: []int{0, 1}, Reads: []catalog.ID{1, 2}}, 1)
			if err != nil {
				t.Fatal(err)
			}
			g.Add(v)
			for range 3 {
				in := Inputs{1: {a.change(r, 12000)}}
				if b.rows.N < 40 {
					in[2] = []*vec.Batch{b.change(r, 40)}
				}
				g.Step(testStep(workers), in)
				g.Commit()
			}
			got := readView(t, v)
			if workers == 1 {
				want = got
			} else if !maps.Equal(got, want) {
				t.Errorf("seed %d, %s, %d workers: %v, want %v", seed, kind, workers, diff(got, want), diff(want, got))
			}
		}
	}
}
