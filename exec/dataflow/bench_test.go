package dataflow

import (
	"fmt"
	"math/rand"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

var eventTypes = []types.Type{types.T(types.Int8), types.T(types.Int8)}

func eventScan() *physical.Scan {
	n := &physical.Scan{Rel: 1, Cols: []int{0, 1}}
	n.Append = true
	n.Out = []physical.Field{{Name: "k", Type: eventTypes[0]}, {Name: "v", Type: eventTypes[1]}}
	return n
}

func groupBy(t testing.TB) *physical.View {
	s := eventScan()
	return &physical.View{Root: aggregate(s, []int{0}, agg(t, s, "count"), agg(t, s, "sum", 1)), Key: []int{0}, Reads: []catalog.ID{1}}
}

func events(keys, n int) []*vec.Batch { return randomEvents(64, n, keys, 1000) }

// randomEvents makes n batches of rows with so many keys and values.
func randomEvents(n, rows, keys, values int) []*vec.Batch {
	r := rand.New(rand.NewSource(1))
	var bs []*vec.Batch
	for range n {
		b := vec.NewBatch(eventTypes, rows)
		for range rows {
			b.Cols[0].AppendI64(int64(r.Intn(keys)))
			b.Cols[1].AppendI64(int64(r.Intn(values)))
			b.N++
		}
		bs = append(bs, b)
	}
	return bs
}

// BenchmarkGroupBy is the figure of docs/benchmarks.md without the log: count and sum by a bigint key, one core, batches
// of 16384 rows; beside it a Go map doing the same.
func BenchmarkGroupBy(b *testing.B) {
	for _, keys := range []int{1000, 1_000_000} {
		for _, rows := range []int{16384} {
			in := events(keys, rows)
			b.Run(fmt.Sprintf("keys=%d/rows=%d", keys, rows), func(b *testing.B) {
				g := NewGraph()
				v, _ := BuildView(2, groupBy(b), 1)
				g.Add(v)
				s := testStep(1)
				for _, x := range in {
					g.Step(s, Inputs{1: {x}})
					g.Commit()
				}
				b.ReportAllocs()
				n, start := 0, cpuTime()
				for b.Loop() {
					g.Step(s, Inputs{1: {in[n&63]}})
					g.Commit()
					n++
				}
				report(b, start, n*rows)
			})
			b.Run(fmt.Sprintf("map/keys=%d/rows=%d", keys, rows), func(b *testing.B) {
				type acc struct{ n, sum int64 }
				m := map[int64]acc{}
				n, start := 0, cpuTime()
				for b.Loop() {
					x := in[n&63]
					for i, k := range x.Cols[0].I64 {
						a := m[k]
						a.n++
						a.sum += x.Cols[1].I64[i]
						m[k] = a
					}
					n++
				}
				report(b, start, n*rows)
			})
		}
	}
}

// BenchmarkSingleRow is a step of one row through ten simple views.
func BenchmarkSingleRow(b *testing.B) {
	g := NewGraph()
	for i := range 10 {
		v, _ := BuildView(catalog.ID(10+i), groupBy(b), uint32(10*i))
		g.Add(v)
	}
	in := events(1000, 1)
	s := testStep(1)
	b.ReportAllocs()
	n, start := 0, cpuTime()
	inputs := Inputs{1: {in[0]}}
	for b.Loop() {
		inputs[1][0] = in[n&63]
		g.Step(s, inputs)
		g.Commit()
		n++
	}
	report(b, start, 10*n)
}

// cpuTime is the processor time this process has used: what a benchmark costs, whatever else the machine does.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func report(b *testing.B, start time.Duration, rows int) {
	cpu := cpuTime() - start
	b.ReportMetric(float64(cpu)/float64(rows), "cpu-ns/row")
	b.ReportMetric(float64(rows)/cpu.Seconds()/1e6, "Mrows/cpu-s")
}

// BenchmarkBytesPerGroup reports the memory of 10 M groups beyond their keys and aggregates.
func BenchmarkBytesPerGroup(b *testing.B) {
	const groups = 10_000_000
	for b.Loop() {
		v, _ := BuildView(2, groupBy(b), 1)
		g := NewGraph()
		g.Add(v)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		in := vec.NewBatch(eventTypes, 1<<16)
		s := testStep(1)
		for k := 0; k < groups; {
			in.Reset()
			for range 1 << 16 {
				in.Cols[0].AppendI64(int64(k))
				in.Cols[1].AppendI64(1)
				in.N++
				k++
			}
			g.Step(s, Inputs{1: {in}})
			g.Commit()
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/groups-8-8-24, "B/group")
		b.ReportMetric(float64(v.Reader().Bytes())/groups-8-8-24, "counted-B/group")
		runtime.KeepAlive(v)
	}
}

// BenchmarkLookup is a point lookup by key, without SQL around it.
func BenchmarkLookup(b *testing.B) {
	in := events(100000, 16384)
	for _, mapped := range []bool{false, true} {
		p := groupBy(b)
		if mapped { // a filter: the rows are a relation of their own
			p.Root = mapNode(p.Root, &expr.IsNull{Arg: col(p.Root, 0), Negate: true}, 0, 1, 2)
		}
		v, _ := BuildView(2, p, 1)
		g := NewGraph()
		g.Add(v)
		for _, x := range in {
			g.Step(testStep(1), Inputs{1: {x}})
			g.Commit()
		}
		b.Run(fmt.Sprintf("relation=%v", mapped), func(b *testing.B) {
			r := rand.New(rand.NewSource(1))
			key := vec.NewBatch(eventTypes[:1], 1)
			key.N = 1
			key.Cols[0].AppendI64(0)
			ts := []types.Type{p.Root.Fields()[0].Type, p.Root.Fields()[1].Type, p.Root.Fields()[2].Type}
			start, n := cpuTime(), 0
			b.ReportAllocs()
			for b.Loop() {
				key.Cols[0].I64[0] = in[n&63].Cols[0].I64[r.Intn(16384)]
				out := vec.NewBatch(ts, 1)
				v.Reader().Lookup(key, []int{0, 1, 2}, out, nil)
				if out.N != 1 {
					b.Fatal("no row")
				}
				n++
			}
			report(b, start, n)
		})
		b.Run(fmt.Sprintf("scan/relation=%v", mapped), func(b *testing.B) {
			start, n := cpuTime(), 0
			for b.Loop() {
				s := v.Reader().Pin()
				_ = s.Scan([]int{0, 1, 2}, func(x *vec.Batch) error { n += x.N; return nil })
				s.Release()
			}
			report(b, start, n)
		})
	}
}

// BenchmarkShapes is the cost of a row in other kinds of views, one core, steps of 4096 rows.
func BenchmarkShapes(b *testing.B) {
	s := eventScan()
	dist := agg(b, s, "count", 1)
	dist.Distinct = true
	r := eventScan()
	r.Rel, r.Append = 2, false
	changing := eventScan()
	changing.Append = false
	hop := &physical.Hop{Input: s, TimeCol: 1, Slide: 10, Size: 10}
	hop.Append = true
	hop.Out = append(slices.Clone(s.Out), physical.Field{Type: types.T(types.Timestamp)}, physical.Field{Type: types.T(types.Timestamp)})
	for _, c := range []struct {
		name string
		root physical.Node
		key  []int
	}{
		{"map", mapNode(s, nil, 1, 0), nil},
		{"count distinct", aggregate(s, []int{0}, dist), []int{0}},
		{"min of changing input", aggregate(changing, []int{0}, agg(b, changing, "min", 1)), []int{0}},
		{"tumble group", aggregate(hop, []int{2, 3, 0}, agg(b, hop, "count")), []int{0, 1, 2}},
		{"join table", join(s, r, physical.Inner, []int{0}, []int{0}, nil), nil},
		{"left join table", join(s, r, physical.Left, []int{0}, []int{0}, nil), nil},
		{"group of join", aggregate(join(s, r, physical.Inner, []int{0}, []int{0}, nil), []int{3}, agg(b, s, "count")), []int{0}},
	} {
		b.Run(c.name, func(b *testing.B) {
			const rows = 4096
			in := events(10000, rows)
			v, err := BuildView(3, &physical.View{Root: c.root, Key: c.key, Reads: []catalog.ID{1, 2}}, 1)
			if err != nil {
				b.Fatal(err)
			}
			g := NewGraph()
			g.Add(v)
			dim := vec.NewBatch(eventTypes, 10000)
			for k := range 10000 {
				dim.Cols[0].AppendI64(int64(k))
				dim.Cols[1].AppendI64(int64(k % 100))
				dim.N++
			}
			g.Step(testStep(1), Inputs{2: {dim}})
			g.Commit()
			b.ReportAllocs()
			st := testStep(1)
			n, start := 0, cpuTime()
			for b.Loop() {
				g.Step(st, Inputs{1: {in[n&63]}})
				g.Commit()
				n++
			}
			report(b, start, n*rows)
		})
	}
}
