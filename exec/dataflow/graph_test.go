package dataflow

import (
	"maps"
	"math"
	"math/rand"
	"testing"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// TestShards: steps large enough to be split give the same rows with 1, 2 and 7 workers.
func TestShards(t *testing.T) {
	seed := rand.Int63()
	t.Log("seed", seed)
	for _, appendOnly := range []bool{true, false} {
		var want []map[string]int64
		for _, workers := range []int{1, 2, 7} {
			r := rand.New(rand.NewSource(seed))
			a := &source{id: 1, append: appendOnly, rows: vec.NewBatch(testTypes, 0)}
			s := a.scan()
			by := aggregate(s, []int{colV, colK}, agg(t, s, "count"), agg(t, s, "sum", colN), agg(t, s, "avg", colV))
			g := NewGraph()
			var vs []*View
			for i, root := range []physical.Node{by, mapNode(by, nil, 0, 2), aggregate(s, []int{colN}, agg(t, s, "count"))} {
				var key []int
				if i != 1 {
					key = []int{0, 1}[:2-i/2]
				}
				v, err := BuildView(catalog.ID(10+i), &physical.View{Root: root, Key: key, Reads: []catalog.ID{1}}, uint32(10*i))
				if err != nil {
					t.Fatal(err)
				}
				g.Add(v)
				vs = append(vs, v)
			}
			for range 3 {
				d := vec.NewBatch(testTypes, 0)
				for range 20000 {
					randomRow(r, d)
				}
				if !appendOnly {
					d.SetWeights()
					for i := range d.N / 2 {
						d.AppendRow(d, i, -1)
					}
				}
				g.Step(testStep(workers), Inputs{1: {d}})
				g.Commit()
			}
			for i, v := range vs {
				got := readView(t, v)
				if workers == 1 {
					want = append(want, got)
				} else if !maps.Equal(got, want[i]) {
					t.Errorf("append-only %v, view %d: %d workers: %v, want %v", appendOnly, i, workers, diff(got, want[i]), diff(want[i], got))
				}
			}
		}
	}
}

// TestEmptyShard: of a large step all of whose rows have one key, other shards get nothing.
func TestEmptyShard(t *testing.T) {
	d := vec.NewBatch(eventTypes, 0)
	for i := range 20000 {
		d.Cols[0].AppendI64(1)
		d.Cols[1].AppendI64(int64(i))
		d.N++
	}
	for _, workers := range []int{1, 2, 7} {
		v, err := BuildView(2, groupBy(t), 1)
		if err != nil {
			t.Fatal(err)
		}
		g := NewGraph()
		g.Add(v)
		if res := g.Step(testStep(workers), Inputs{1: {d}}); len(res.Suspended) > 0 {
			t.Fatalf("workers %d: %+v", workers, res.Suspended)
		}
		g.Commit()
		if got := readView(t, v); !maps.Equal(got, map[string]int64{"(1,20000,199990000)": 1}) {
			t.Errorf("workers %d: %v", workers, got)
		}
	}
}

// TestWindowErrorsInShards: rows whose functions cannot be computed are told by every shard, and taken back.
func TestWindowErrorsInShards(t *testing.T) {
	in := eventScan()
	in.Append = false
	w := &physical.Window{Input: in, Partition: []int{0}, Order: []physical.SortKey{{Col: 1}}}
	w.Funcs = []physical.WindowFunc{{Name: "ntile", Args: []int{1}, T: eventTypes[1], Filter: -1}}
	w.Out = append(fields(in, 0, 1), physical.Field{Type: eventTypes[1]})
	d := vec.NewBatch(eventTypes, 0)
	for i := range 400 {
		d.Cols[0].AppendI64(int64(i % 50))
		d.Cols[1].AppendI64(int64(i % 3)) // ntile(0) is an error
		d.N++
	}
	for _, workers := range []int{1, 2, 7} {
		v, err := BuildView(2, &physical.View{Root: w, Reads: []catalog.ID{1}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		g := NewGraph()
		g.Add(v)
		s := testStep(workers)
		s.ShardRows = 1
		for _, sign := range []int64{1, -1} {
			d.W = nil
			d.SetWeights()
			n := int64(0)
			for i := range d.W {
				d.W[i] = sign
			}
			for _, e := range g.Step(s, Inputs{1: {d}}).Errors {
				n += e.Weight
			}
			if want := sign * 134; n != want {
				t.Errorf("workers %d: errors of weight %d, want %d", workers, n, want)
			}
			g.Commit()
			if n := v.Reader().Rows(); n != (400-134)*(1+sign)/2 {
				t.Errorf("workers %d: %d rows", workers, n)
			}
		}
	}
}

func call(t testing.TB, name string, args ...expr.Expr) expr.Expr {
	f, _, ret, err := funcs.ResolveOperator(name, args[0].Type(), args[1].Type())
	if err != nil {
		t.Fatal(err)
	}
	return &expr.Call{Fn: f, Args: args, T: ret}
}

// TestRowErrors: a row that cannot be computed is left out and reported, and taken back when it goes.
func TestRowErrors(t *testing.T) {
	a := &source{id: 1, rows: vec.NewBatch(testTypes, 0)}
	s := a.scan()
	one := &expr.Const{Val: vec.Scalar{Type: testTypes[colV], I: 1}}
	notNull := &expr.IsNull{Arg: col(s, colV), Negate: true}
	m := &physical.Map{Input: s, Filter: notNull, Project: []expr.Expr{call(t, "/", one, col(s, colV))}}
	m.Out = []physical.Field{{Type: testTypes[colV]}}
	v, err := BuildView(5, &physical.View{Root: m, Reads: []catalog.ID{1}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	g := NewGraph()
	g.Add(v)
	d := vec.NewBatch(testTypes, 3)
	for _, x := range []int64{1, 0, 2} {
		for c, cv := range d.Cols {
			if c == colV {
				cv.AppendI64(x)
			} else {
				cv.AppendNull()
			}
		}
		d.N++
	}
	res := g.Step(testStep(1), Inputs{1: {d}})
	if len(res.Errors) != 1 || res.Errors[0].Err.Code != "22012" || res.Errors[0].Weight != 1 || res.Errors[0].Data != "(,0,,,,,)" || res.Errors[0].View != 5 {
		t.Errorf("%+v", res.Errors)
	}
	g.Commit()
	if n := v.Reader().Rows(); n != 2 {
		t.Errorf("%d rows", n)
	}
	gone := d.Select([]int32{1})
	gone.W = []int64{-1}
	if res = g.Step(testStep(1), Inputs{1: {gone}}); len(res.Errors) != 1 || res.Errors[0].Weight != -1 {
		t.Errorf("%+v", res.Errors)
	}
	g.Commit()
}

// TestAggregateError: a group whose result fails has no row, shows as an error, and comes back when it can be computed.
func TestAggregateError(t *testing.T) {
	a := &source{id: 1, rows: vec.NewBatch(testTypes, 0)}
	s := a.scan()
	for _, watched := range []int{0, 1} {
		v, _ := BuildView(5, &physical.View{Root: aggregate(s, []int{colK}, agg(t, s, "sum", colF)), Key: []int{0}, Reads: []catalog.ID{1}}, 1)
		g := NewGraph()
		g.Add(v)
		g.Watch(5, watched)
		d := vec.NewBatch(testTypes, 2)
		for range 2 {
			for c, cv := range d.Cols {
				switch c {
				case colK:
					cv.AppendI64(7)
				case colF:
					cv.AppendF64(math.MaxFloat64)
				default:
					cv.AppendNull()
				}
			}
			d.N++
		}
		res := g.Step(testStep(1), Inputs{1: {d}})
		if len(res.Errors) != 1 || res.Errors[0].Err.Code != "22003" || res.Errors[0].Weight != 1 || res.Errors[0].Data != "(7)" {
			t.Errorf("watched %d: %+v", watched, res.Errors)
		}
		g.Commit()
		if m := readRows(t, v); len(m) != 0 {
			t.Errorf("watched %d: %v", watched, m)
		}
		gone := d.Select([]int32{1})
		gone.W = []int64{-1}
		if res = g.Step(testStep(1), Inputs{1: {gone}}); len(res.Errors) != 1 || res.Errors[0].Weight != -1 {
			t.Errorf("watched %d: %+v", watched, res.Errors)
		}
		if n := len(res.Deltas[5]); n != watched {
			t.Errorf("watched %d: %d deltas", watched, n)
		}
		g.Commit()
		if m := readRows(t, v); len(m) != 1 {
			t.Errorf("watched %d: %v", watched, m)
		}
	}
}

func readRows(t *testing.T, v *View) map[string]int64 {
	m := map[string]int64{}
	s := v.Reader().Pin()
	defer s.Release()
	cols := make([]int, len(v.types))
	for i := range cols {
		cols[i] = i
	}
	if err := s.Scan(cols, func(b *vec.Batch) error { countRows(m, b); return nil }); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSuspension: a view that panics is taken out with the views over it; the others go on.
func TestSuspension(t *testing.T) {
	a := &source{id: 1, append: true, rows: vec.NewBatch(testTypes, 0)}
	s := a.scan()
	boom := &funcs.Func{Name: "boom", Args: []types.OID{types.Int8}, Ret: types.Int8, Vol: funcs.Immutable,
		Kernel: func(*funcs.Ctx, []*vec.Vec, int, []int32, *vec.Vec) { panic("boom") }}
	bad := &physical.Map{Input: s, Project: []expr.Expr{&expr.Call{Fn: boom, Args: []expr.Expr{col(s, colV)}, T: testTypes[colV]}}}
	bad.Out = []physical.Field{{Type: testTypes[colV]}}
	g := NewGraph()
	for i, root := range []physical.Node{bad, mapNode(s, nil, colK), scanOf(bad, 10), scanOf(bad, 12)} {
		reads := []catalog.ID{1}
		if sc, ok := root.(*physical.Scan); ok {
			reads = []catalog.ID{sc.Rel}
		}
		v, err := BuildView(catalog.ID(10+i), &physical.View{Root: root, Reads: reads}, uint32(10*i))
		if err != nil {
			t.Fatal(err)
		}
		g.Add(v)
	}
	for _, workers := range []int{1, 4} {
		d := vec.NewBatch(testTypes, 0)
		r := rand.New(rand.NewSource(1))
		for range 3000 {
			randomRow(r, d)
		}
		res := g.Step(testStep(workers), Inputs{1: {d}})
		got := map[catalog.ID]string{}
		for _, x := range res.Suspended {
			got[x.View] = x.Reason
		}
		if len(got) != 3 || got[10] != "boom" || got[12] == "" || got[13] == "" {
			t.Errorf("suspended: %v", got)
		}
		g.Commit()
		if n := g.View(11).Reader().Rows(); n == 0 || n%3000 != 0 {
			t.Errorf("%d rows in the view that works", n)
		}
	}
}

// first is a scan of the first column alone.
func first(s *physical.Scan) *physical.Scan {
	s.Out = s.Out[:1]
	return s
}

// torn is an operator that fails in the middle of its commit.
type torn struct{ op.Operator }

func (torn) Commit() { panic("torn") }

// TestCommitFails: a view that panics when it commits is suspended with the views that share its state and those that read
// it; the others have the step.
func TestCommitFails(t *testing.T) {
	a := &source{id: 1, append: true, rows: vec.NewBatch(testTypes, 0)}
	s := mapNode(a.scan(), nil, colK, colV)
	self := join(s, aggregate(s, []int{0}, agg(t, s, "count")), physical.Inner, []int{1}, []int{1}, nil)
	sharer := join(s, aggregate(s, []int{0}, agg(t, s, "count")), physical.Left, []int{1}, []int{1}, nil)
	plans := map[catalog.ID]*physical.View{
		10: {Root: self, Reads: []catalog.ID{1}},
		11: {Root: sharer, Reads: []catalog.ID{1}},
		12: {Root: aggregate(s, []int{0}, agg(t, s, "count")), Key: []int{0}, Reads: []catalog.ID{1}},
		13: {Root: first(scanOf(self, 10)), Reads: []catalog.ID{10}},
		14: {Root: first(scanOf(sharer, 11)), Reads: []catalog.ID{11}},
		15: {Root: first(scanOf(s, 1)), Reads: []catalog.ID{1}},
	}
	for _, workers := range []int{1, 4} {
		g := NewGraph()
		for id := catalog.ID(10); id <= 15; id++ {
			v, err := BuildView(id, plans[id], uint32(100*id))
			if err != nil {
				t.Fatal(err)
			}
			g.Add(v)
		}
		v := g.View(10)
		n := v.nodes[len(v.nodes)-1]
		n.op = torn{n.op}
		d := vec.NewBatch(testTypes, 0)
		r := rand.New(rand.NewSource(1))
		for range 3000 {
			randomRow(r, d)
		}
		res := g.Step(testStep(workers), Inputs{1: {d}})
		if len(res.Suspended) > 0 {
			t.Fatalf("%+v", res.Suspended)
		}
		got := map[catalog.ID]string{}
		for _, x := range g.Commit() {
			got[x.View] = x.Reason
		}
		if len(got) != 4 || got[10] != "torn" || got[11] == "" || got[13] == "" || got[14] == "" {
			t.Errorf("workers %d: suspended: %v", workers, got)
		}
		for id := range got {
			g.Remove(id)
		}
		for range 2 {
			want := map[string]int64{}
			runOnce(t, plans[12].Root, map[catalog.ID]*vec.Batch{1: d}, func(b *vec.Batch) { countRows(want, b) })
			if m := readView(t, g.View(12)); !maps.Equal(m, want) {
				t.Errorf("workers %d: %v", workers, diff(m, want))
			}
			if n := g.View(15).Reader().Rows(); n != int64(d.N) {
				t.Errorf("workers %d: %d rows of %d", workers, n, d.N)
			}
			more := vec.NewBatch(testTypes, 0)
			randomRow(r, more)
			g.Step(testStep(workers), Inputs{1: {more}})
			if f := g.Commit(); len(f) > 0 {
				t.Errorf("workers %d: %+v", workers, f)
			}
			d.Append(more)
		}
	}
}

func scanOf(n physical.Node, id catalog.ID) *physical.Scan {
	s := &physical.Scan{Rel: id, Cols: []int{0}}
	s.Out, s.Append = n.Fields(), n.AppendOnly()
	return s
}

// TestEmitOnClose: a group by window shows the rows of closed windows, and forgets them.
func TestEmitOnClose(t *testing.T) {
	a := &source{id: 1, append: true, rows: vec.NewBatch(testTypes, 0)}
	in := mapNode(a.scan(), nil, colK, colT, colV)
	h := &physical.Hop{Input: in, TimeCol: 1, Slide: 10e6, Size: 10e6}
	h.Append = true
	h.Out = append(append([]physical.Field{}, in.Fields()...), physical.Field{Type: testTypes[colT]}, physical.Field{Type: testTypes[colT]})
	dist := agg(t, h, "count", 2)
	dist.Distinct = true
	by := aggregate(h, []int{3, 4, 0}, agg(t, h, "count"), agg(t, h, "max", 2), dist)
	by.WindowEnd = 1
	e := &physical.EmitOnClose{Input: by, EndCol: 1, Rel: 1}
	e.Append, e.Out = true, by.Fields()
	v, err := BuildView(5, &physical.View{Root: e, Key: []int{0, 1, 2}, Reads: []catalog.ID{1}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	g := NewGraph()
	g.Add(v)
	seed := rand.Int63()
	t.Log("seed", seed)
	r := rand.New(rand.NewSource(seed))
	mark := int64(math.MinInt64)
	for epoch := range 16 {
		s := testStep(1)
		d := vec.NewBatch(testTypes, 0)
		for range r.Intn(30) {
			one := vec.NewBatch(testTypes, 1)
			randomRow(r, one)
			if !one.Cols[colT].IsNull(0) && one.Cols[colT].I64[0] >= mark { // late rows do not get here
				d.AppendRow(one, 0, 1)
			}
		}
		a.rows.Append(d)
		if epoch > 3 {
			mark = int64(epoch-3) * 11e6
		}
		s.Watermark = func(id catalog.ID) int64 { return mark }
		in := Inputs{1: {d}}
		if d.N == 0 {
			in = nil
		}
		g.Step(s, in)
		g.Commit()
		want := map[string]int64{}
		runOnce(t, by, map[catalog.ID]*vec.Batch{1: a.rows}, func(b *vec.Batch) {
			for i := range b.N {
				if b.Cols[1].I64[i] <= mark {
					want[op.RowText(b, i)]++
				}
			}
		})
		if got := readView(t, v); !maps.Equal(got, want) {
			t.Fatalf("seed %d, epoch %d: got %v, want %v", seed, epoch, diff(got, want), diff(want, got))
		}
		for _, p := range v.Pages() {
			if mark > 100e6 && p != v.Pages()[len(v.Pages())-1] && p.Bytes() > 4096 {
				t.Errorf("table %d (%s) still holds %d bytes", p.ID(), p.Fingerprint(), p.Bytes())
			}
		}
	}
}
