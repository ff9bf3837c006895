package op

import (
	"context"
	"fmt"
	"maps"
	"math/rand"
	"testing"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// One step of an operator against the definition of what it computes, written as plainly as possible. That many steps
// add up to one is exec/dataflow's test.

var pairTypes = []types.Type{types.T(types.Int4), types.T(types.Int8)}

func pairNode() *physical.Scan {
	n := &physical.Scan{Cols: []int{0, 1}}
	n.Append = true
	n.Out = []physical.Field{{Name: "k", Type: pairTypes[0]}, {Name: "v", Type: pairTypes[1]}}
	return n
}

func randomPairs(r *rand.Rand, n int) *vec.Batch {
	b := vec.NewBatch(pairTypes, n)
	for range n {
		for c, v := range b.Cols {
			if r.Intn(6) == 0 {
				v.AppendNull()
			} else {
				v.AppendI64(int64(r.Intn(4 + c)))
			}
		}
		b.N++
	}
	return b
}

func runStep(t *testing.T, n physical.Node, in ...*vec.Batch) map[string]int {
	o, err := NewOnce(n)
	if err != nil {
		t.Fatal(err)
	}
	s := &Step{Ctx: &funcs.Ctx{Context: context.Background()}, Workers: 1,
		RowError: func(err *pgerr.Error, data string, _ int64) { t.Fatalf("%v: %s", err, data) }}
	got := map[string]int{}
	emit := func(b *vec.Batch) {
		for i := range b.N {
			got[RowText(b, i)] += int(b.Weight(i))
		}
	}
	for port, b := range in {
		o.Push(s, port, b, emit)
	}
	o.End(s, emit)
	return got
}

func TestJoinDefinition(t *testing.T) {
	seed := rand.Int63()
	t.Log("seed", seed)
	r := rand.New(rand.NewSource(seed))
	lt, _, _, err := funcs.ResolveOperator("<", pairTypes[1], pairTypes[1])
	if err != nil {
		t.Fatal(err)
	}
	less := &expr.Call{Fn: lt, T: types.T(types.Bool), Args: []expr.Expr{&expr.Col{Index: 1, T: pairTypes[1]}, &expr.Col{Index: 3, T: pairTypes[1]}}}
	for range 300 {
		l, rt := randomPairs(r, r.Intn(8)), randomPairs(r, r.Intn(8))
		for _, kind := range []physical.JoinKind{physical.Inner, physical.Left, physical.Full, physical.Semi, physical.Anti} {
			for mode := range 8 {
				n := &physical.Join{Left: pairNode(), Right: pairNode(), Kind: kind, NullSafe: mode&1 != 0}
				if mode&2 != 0 {
					n.Residual = less
				}
				if mode&4 == 0 {
					n.LKeys, n.RKeys = []int{0}, []int{0}
				}
				n.Out = append(n.Out, n.Left.Fields()...)
				if kind != physical.Semi && kind != physical.Anti {
					n.Out = append(n.Out, n.Right.Fields()...)
				}
				if got, want := runStep(t, n, l, rt), naiveJoin(n, l, rt); !maps.Equal(got, want) {
					t.Fatalf("seed %d, %s, mode %d: got %v, want %v", seed, kind, mode, got, want)
				}
			}
		}
	}
}

func naiveJoin(n *physical.Join, l, r *vec.Batch) map[string]int {
	out := map[string]int{}
	cell := func(v *vec.Vec, i int) string {
		if i < 0 || v.IsNull(i) {
			return ""
		}
		return fmt.Sprint(v.I64[i])
	}
	row := func(i, k int, both bool) string {
		s := "(" + cell(l.Cols[0], i) + "," + cell(l.Cols[1], i)
		if both {
			s += "," + cell(r.Cols[0], k) + "," + cell(r.Cols[1], k)
		}
		return s + ")"
	}
	match := func(i, k int) bool {
		if len(n.LKeys) > 0 {
			a, b := l.Cols[0], r.Cols[0]
			if (a.IsNull(i) || b.IsNull(k)) && !(n.NullSafe && a.IsNull(i) && b.IsNull(k)) || a.I64[i] != b.I64[k] {
				return false
			}
		}
		if n.Residual != nil {
			a, b := l.Cols[1], r.Cols[1]
			return !a.IsNull(i) && !b.IsNull(k) && a.I64[i] < b.I64[k]
		}
		return true
	}
	seen := make([]bool, r.N)
	for i := range l.N {
		any := false
		for k := range r.N {
			if !match(i, k) {
				continue
			}
			any, seen[k] = true, true
			if n.Kind != physical.Semi && n.Kind != physical.Anti {
				out[row(i, k, true)]++
			}
		}
		switch {
		case n.Kind == physical.Semi && any, n.Kind == physical.Anti && !any:
			out[row(i, -1, false)]++
		case (n.Kind == physical.Left || n.Kind == physical.Full) && !any:
			out[row(i, -1, true)]++
		}
	}
	for k := range r.N {
		if n.Kind == physical.Full && !seen[k] {
			out[row(-1, k, true)]++
		}
	}
	return out
}

func TestHopDefinition(t *testing.T) {
	ts := types.T(types.Timestamp)
	for _, c := range []struct{ slide, size, origin int64 }{{10, 10, 0}, {10, 10, 3}, {4, 10, 0}, {10, 4, 0}, {3, 7, -5}, {1, 3, 0}} {
		in := &physical.Scan{}
		in.Out = []physical.Field{{Type: ts}}
		h := &physical.Hop{Input: in, Slide: c.slide, Size: c.size, Origin: c.origin}
		h.Out = []physical.Field{{Type: ts}, {Type: ts}, {Type: ts}}
		b := vec.NewBatch([]types.Type{ts}, 0)
		b.Cols[0].AppendNull()
		b.N++
		want := map[string]int{}
		for x := int64(-30); x <= 30; x++ {
			b.Cols[0].AppendI64(x)
			b.N++
			for k := int64(-100); k <= 100; k++ {
				if s := c.origin + k*c.slide; s <= x && x < s+c.size {
					row := vec.NewBatch([]types.Type{ts, ts, ts}, 1)
					for i, v := range []int64{x, s, s + c.size} {
						row.Cols[i].AppendI64(v)
					}
					row.N = 1
					want[RowText(row, 0)]++
				}
			}
		}
		if got := runStep(t, h, b); !maps.Equal(got, want) {
			t.Errorf("%+v: got %d rows, want %d", c, len(got), len(want))
		}
	}
}

func TestRepresentatives(t *testing.T) {
	r := rand.New(rand.NewSource(1))
	c := newRepCodec([]types.Type{types.T(types.Text)}, true)
	var list []byte
	model := map[string]int64{}
	for range 2000 {
		rep, w := string(rune('a'+r.Intn(5))), int64(r.Intn(3)-1)
		if model[rep]+w < 0 {
			continue
		}
		model[rep] += w
		list = c.add(list, []byte(rep), w)
		want := ""
		for k := 'e'; k >= 'a'; k-- {
			if model[string(k)] > 0 {
				want = string(k)
			}
		}
		if got := string(leastRep(list)); got != want {
			t.Fatalf("least is %q, want %q", got, want)
		}
	}
}
