package dataflow

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/vec"
)

// BenchmarkOperators is the cost of an event in a view of one kind, with 1 and 2 workers: the figures of
// docs/benchmarks.md, "Operators in process". A round is a fresh view that takes 32 steps of 16384 events; filling what
// it joins with is not counted. Compare Mevents/s, which is of the wall clock, between the numbers of workers, and
// Mevents/cpu-s between versions.
func BenchmarkOperators(b *testing.B) {
	for _, c := range operatorBenches(b) {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/workers=%d", c.name, workers), func(b *testing.B) { c.run(b, workers) })
		}
	}
}

type operatorBench struct {
	name  string
	root  physical.Node
	key   []int
	fill  Inputs
	own   bool // relation 2 is a table whose rows are looked into
	steps []Inputs
}

const (
	benchSteps = 32
	benchRows  = 16384
)

func operatorBenches(t testing.TB) []operatorBench {
	grow, change := eventScan(), eventScan()
	change.Append = false
	right := eventScan()
	right.Rel = 2
	table := eventScan()
	table.Rel, table.Append = 2, false
	distinct := func(in physical.Node) *physical.Distinct {
		d := &physical.Distinct{Input: in}
		d.Append, d.Out = in.AppendOnly(), in.Fields()
		return d
	}
	count := func(in physical.Node) physical.Agg {
		a := agg(t, in, "count", 1)
		a.Distinct = true
		return a
	}
	top := func(in physical.Node) *physical.TopN {
		n := &physical.TopN{Input: in, Partition: []int{0}, Order: []physical.SortKey{{Col: 1, Desc: true}}, Limit: 3}
		n.Out = in.Fields()
		return n
	}
	lag := func(in physical.Node) *physical.Window {
		n := &physical.Window{Input: in, Partition: []int{0}, Order: []physical.SortKey{{Col: 1}}}
		n.Funcs = []physical.WindowFunc{{Name: "lag", Args: []int{1}, T: eventTypes[1], Filter: -1}}
		n.Out = append(slices.Clone(in.Fields()), physical.Field{Type: eventTypes[1]})
		return n
	}
	const keys = 100_000
	dim := Inputs{2: {sequence(keys)}}
	one := func(keys int) []Inputs { return inputs(growing(keys), 1) }
	moving := inputs(sliding(keys), 1)
	both := inputs(growing(keys), 1)
	for i, x := range inputs(growing(keys), 2) {
		both[i][2] = x[2]
	}
	return []operatorBench{
		{name: "group", root: aggregate(grow, []int{0}, agg(t, grow, "count"), agg(t, grow, "sum", 1)), key: []int{0}, steps: one(keys)},
		{name: "distinct", root: distinct(grow), key: []int{0, 1}, steps: one(keys)},
		{name: "distinct of changing input", root: distinct(change), key: []int{0, 1}, steps: moving},
		{name: "count distinct", root: aggregate(grow, []int{0}, count(grow)), key: []int{0}, steps: one(1000)},
		{name: "count distinct of changing input", root: aggregate(change, []int{0}, count(change)), key: []int{0}, steps: moving},
		{name: "min of changing input", root: aggregate(change, []int{0}, agg(t, change, "min", 1)), key: []int{0}, steps: moving},
		{name: "join of streams", root: join(grow, right, physical.Inner, []int{0}, []int{0}, nil), steps: both},
		{name: "join of changing inputs", root: join(change, table, physical.Inner, []int{0}, []int{0}, nil), fill: dim, steps: moving},
		{name: "join with a table", root: join(grow, table, physical.Inner, []int{0}, []int{0}, nil), fill: dim, steps: one(keys)},
		{name: "join with a table by its key", root: join(grow, table, physical.Inner, []int{0}, []int{0}, nil), fill: dim, own: true, steps: one(keys)},
		{name: "left join with a table", root: join(grow, table, physical.Left, []int{0}, []int{0}, nil), fill: dim, steps: one(keys)},
		{name: "top 3", root: top(grow), steps: one(10_000)},
		{name: "top 3 of changing input", root: top(change), steps: inputs(sliding(10_000), 1)},
		{name: "lag", root: lag(grow), steps: one(keys)},
		{name: "lag of changing input", root: lag(change), steps: moving},
	}
}

// growing makes the changes of a stream with random keys.
func growing(keys int) []*vec.Batch { return randomEvents(benchSteps, benchRows, keys, 1_000_000) }

// sliding makes the changes of the last eight steps of a stream: half of the rows come, half go.
func sliding(keys int) []*vec.Batch {
	const kept = 8
	all := growing(keys)
	var out []*vec.Batch
	for i, x := range all {
		b := vec.NewBatch(eventTypes, benchRows)
		b.SetWeights()
		for k := range benchRows / 2 {
			b.AppendRow(x, k, 1)
			if i >= kept {
				b.AppendRow(all[i-kept], k, -1)
			}
		}
		out = append(out, b)
	}
	return out
}

func sequence(n int) *vec.Batch {
	b := vec.NewBatch(eventTypes, n)
	for k := range n {
		b.Cols[0].AppendI64(int64(k))
		b.Cols[1].AppendI64(int64(k % 100))
		b.N++
	}
	return b
}

func inputs(bs []*vec.Batch, rel catalog.ID) []Inputs {
	var out []Inputs
	for _, b := range bs {
		out = append(out, Inputs{rel: {b}})
	}
	return out
}

func (c *operatorBench) run(b *testing.B, workers int) {
	rows := 0
	for _, in := range c.steps {
		for _, bs := range in {
			rows += bs[0].N
		}
	}
	s := testStep(workers)
	var wall, cpu time.Duration
	var mallocs uint64
	for b.Loop() {
		b.StopTimer()
		g := c.graph(b)
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b.StartTimer()
		start, startCPU := time.Now(), cpuTime()
		for _, in := range c.steps {
			g.Step(s, in)
			g.Commit()
		}
		wall += time.Since(start)
		cpu += cpuTime() - startCPU
		b.StopTimer()
		runtime.ReadMemStats(&after)
		mallocs += after.Mallocs - before.Mallocs
		b.StartTimer()
	}
	n := float64(rows * b.N)
	b.ReportMetric(n/wall.Seconds()/1e6, "Mevents/s")
	b.ReportMetric(n/cpu.Seconds()/1e6, "Mevents/cpu-s")
	b.ReportMetric(float64(mallocs)/n, "allocs/event")
	b.ReportMetric(0, "ns/op")
}

// graph makes the view, filled.
func (c *operatorBench) graph(b *testing.B) *Graph {
	v, err := BuildView(3, &physical.View{Root: c.root, Key: c.key, Reads: []catalog.ID{1, 2}}, 1)
	if err != nil {
		b.Fatal(err)
	}
	g := NewGraph()
	if c.own {
		table := state.NewRelation(99, eventTypes, []int{0}, false)
		table.Apply(c.fill[2]...)
		g.Table = func(catalog.ID) *state.Relation { return table }
	}
	g.Add(v)
	if c.fill != nil && !c.own {
		g.Step(testStep(1), c.fill)
		g.Commit()
	}
	return g
}

// BenchmarkSmallSteps is the cost of a step of one row in the same views, filled before: goroutines must cost it nothing.
func BenchmarkSmallSteps(b *testing.B) {
	for _, c := range operatorBenches(b) {
		b.Run(c.name, func(b *testing.B) {
			g, s := c.graph(b), testStep(2)
			const fill = 10
			for _, in := range c.steps[:fill] {
				g.Step(s, in)
				g.Commit()
			}
			var rows []Inputs
			for _, in := range c.steps[fill:] {
				for i := range 1000 {
					one := Inputs{}
					for rel, bs := range in {
						one[rel] = []*vec.Batch{bs[0].Slice(i, i+1)}
					}
					rows = append(rows, one)
				}
			}
			b.ReportAllocs()
			n, start := 0, cpuTime()
			for b.Loop() {
				g.Step(s, rows[n%len(rows)])
				g.Commit()
				n++
			}
			report(b, start, n)
		})
	}
}
