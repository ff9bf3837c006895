package vec

import (
	"math/rand/v2"
	"testing"

	"github.com/millracedb/millrace/sql/types"
)

var classes = []types.Type{types.T(types.Int8), types.T(types.Float8), types.T(types.Text)}

// model is a vector as a list of values, which all operations are compared with.
type model []Scalar

func randomScalar(r *rand.Rand, t types.Type) Scalar {
	s := Scalar{Type: t}
	switch t.Class() {
	case types.I64:
		s.I = r.Int64N(100)
	case types.F64:
		s.F = r.Float64()
	default:
		s.B = []byte("0123456789"[:r.IntN(10)])
	}
	if r.IntN(4) == 0 {
		return NullOf(t)
	}
	return s
}

func same(a, b Scalar) bool {
	return a.Null == b.Null && a.I == b.I && a.F == b.F && string(a.B) == string(b.B)
}

func (m model) check(t *testing.T, v *Vec) {
	t.Helper()
	if v.Len() != len(m) {
		t.Fatalf("%d values, want %d", v.Len(), len(m))
	}
	nulls := 0
	for i, want := range m {
		if got := v.At(i); !same(got, want) {
			t.Fatalf("value %d is %+v, want %+v", i, got, want)
		}
		if !want.Null {
			continue
		}
		nulls++
		if v.I64 != nil && v.I64[i] != 0 || v.F64 != nil && v.F64[i] != 0 || v.Off != nil && len(v.Bytes(i)) != 0 {
			t.Fatalf("null %d has a value in its slot", i)
		}
	}
	if got := v.Nulls.Count(); got != nulls {
		t.Fatalf("%d nulls in the bitmap, want %d", got, nulls)
	}
}

func randomVec(r *rand.Rand, t types.Type, n int) (*Vec, model) {
	v, m := New(t, 0), model{}
	for range n {
		s := randomScalar(r, t)
		v.AppendScalar(s)
		m = append(m, s)
	}
	return v, m
}

// TestVec does random operations on vectors of each class and on their models.
func TestVec(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		ty := classes[r.IntN(len(classes))]
		v, m := randomVec(r, ty, r.IntN(200))
		for range 6 {
			src, sm := randomVec(r, ty, 1+r.IntN(150))
			lo := r.IntN(len(sm))
			hi := lo + r.IntN(len(sm)-lo+1)
			switch r.IntN(5) {
			case 0:
				v.AppendRange(src, lo, hi)
				m = append(m, sm[lo:hi]...)
			case 1:
				v.AppendVec(src.Slice(lo, hi))
				m = append(m, sm[lo:hi]...)
			case 2:
				var sel []int32
				for i := range sm {
					if r.IntN(2) == 0 {
						sel = append(sel, int32(i))
						m = append(m, sm[i])
					}
				}
				v.AppendSel(src, sel)
			case 3:
				v.AppendFrom(src, lo)
				m = append(m, sm[lo])
			case 4:
				lo := r.IntN(v.Len() + 1)
				hi := lo + r.IntN(v.Len()-lo+1)
				s, before := v.Slice(lo, hi), append(model{}, m...)
				m[lo:hi].check(t, s)
				s.AppendScalar(randomScalar(r, ty)) // must not touch v
				s.AppendNull()
				before.check(t, v)
			}
			m.check(t, v)
		}
		v.Reset()
		model{}.check(t, v)
	}
}

func TestResize(t *testing.T) {
	v, _ := randomVec(rand.New(rand.NewPCG(1, 2)), types.T(types.Int8), 100)
	v.Resize(70)
	for i, x := range v.I64 {
		if x != 0 || v.IsNull(i) {
			t.Fatalf("value %d is not zero", i)
		}
	}
	v.Resize(500)
	if v.Len() != 500 || v.I64[499] != 0 {
		t.Fatal("not 500 zeros")
	}
}

// TestBatchWeights checks that weights appear only when one is not 1, and are kept by all ways of appending.
func TestBatchWeights(t *testing.T) {
	ts := []types.Type{types.T(types.Int8), types.T(types.Text)}
	src := NewBatch(ts, 0)
	for i := range 5 {
		src.Cols[0].AppendI64(int64(i))
		src.Cols[1].AppendStr("x")
		src.N++
	}
	b := NewBatch(ts, 0)
	b.Append(src)
	b.AppendRow(src, 1, 1)
	if !b.AppendOnly() {
		t.Fatal("weights without need")
	}
	b.AppendRow(src, 2, -1)
	b.AppendSel(src, []int32{0, 4})
	b.Append(src.Slice(1, 3))
	want := []int64{1, 1, 1, 1, 1, 1, -1, 1, 1, 1, 1}
	if b.N != len(want) || len(b.W) != b.N || b.Cols[0].Len() != b.N {
		t.Fatalf("%d rows, %d weights, want %d", b.N, len(b.W), len(want))
	}
	for i, w := range want {
		if b.Weight(i) != w {
			t.Errorf("weight %d is %d, want %d", i, b.Weight(i), w)
		}
	}
	sel := b.Select([]int32{6, 7})
	if sel.N != 2 || sel.Weight(0) != -1 || sel.Weight(1) != 1 || sel.Cols[0].I64[0] != 2 {
		t.Errorf("selection is %+v", sel)
	}
	s := b.Slice(5, 8)
	if s.N != 3 || s.Weight(1) != -1 {
		t.Errorf("slice is %+v", s)
	}
	b.Reset()
	if b.N != 0 || b.Cols[1].Len() != 0 || !b.AppendOnly() {
		t.Error("not empty after Reset")
	}
}
