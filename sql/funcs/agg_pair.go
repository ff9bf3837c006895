package funcs

import (
	"math"
	"math/big"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// pairAggs are the statistics of pairs (y, x).
func pairAggs() []*Aggregate {
	var as []*Aggregate
	for _, f := range []struct {
		name, doc string
		result    pairResult
	}{
		{"corr", "Correlation coefficient.", func(m pairStats) (float64, bool) {
			return m.sxy / math.Sqrt(m.sxx*m.syy), m.sxx != 0 && m.syy != 0
		}},
		{"covar_pop", "Population covariance.", func(m pairStats) (float64, bool) { return m.sxy / m.n, true }},
		{"covar_samp", "Sample covariance.", func(m pairStats) (float64, bool) { return m.sxy / (m.n - 1), m.n > 1 }},
		{"regr_avgx", "Average of x.", func(m pairStats) (float64, bool) { return m.avgx, true }},
		{"regr_avgy", "Average of y.", func(m pairStats) (float64, bool) { return m.avgy, true }},
		{"regr_sxx", "Sum of the squares of x about its average.", func(m pairStats) (float64, bool) { return m.sxx, true }},
		{"regr_syy", "Sum of the squares of y about its average.", func(m pairStats) (float64, bool) { return m.syy, true }},
		{"regr_sxy", "Sum of the products of x and y about their averages.", func(m pairStats) (float64, bool) { return m.sxy, true }},
		{"regr_slope", "Slope of the least-squares line.", func(m pairStats) (float64, bool) { return m.sxy / m.sxx, m.sxx != 0 }},
		{"regr_intercept", "Intercept of the least-squares line.", func(m pairStats) (float64, bool) {
			return m.avgy - m.avgx*m.sxy/m.sxx, m.sxx != 0
		}},
		{"regr_r2", "Square of the correlation coefficient.", func(m pairStats) (float64, bool) {
			if m.syy == 0 {
				return 1, m.sxx != 0
			}
			return m.sxy * m.sxy / (m.sxx * m.syy), m.sxx != 0
		}},
	} {
		as = append(as, &Aggregate{Name: f.name, Args: sig(types.Float8, types.Float8), Ret: types.Float8, Doc: f.doc,
			New: func([]types.Type, bool) Accumulator { return &pairAcc{result: f.result} }})
	}
	return append(as, &Aggregate{Name: "regr_count", Args: sig(types.Float8, types.Float8), Ret: types.Int8,
		Doc: "Number of pairs without a null.", New: func([]types.Type, bool) Accumulator { return &pairAcc{} }})
}

// pairStats are what the statistics are made of; false from a pairResult is null.
type pairStats struct{ n, avgx, avgy, sxx, syy, sxy float64 }

type pairResult func(m pairStats) (v float64, ok bool)

// pairSums are exact sums over pairs.
type pairSums struct{ x, y, xx, yy, xy types.FloatSum }

func (s *pairSums) all() [5]*types.FloatSum {
	return [5]*types.FloatSum{&s.x, &s.y, &s.xx, &s.yy, &s.xy}
}

// pairAcc computes statistics of pairs from exact sums, as floatVarAcc does. State: length and encoding of the five
// sums.
type pairAcc struct {
	states[pairSums]
	result pairResult // nil: the count
	tmp    []byte
}

func (a *pairAcc) Width() int { return -1 }

func (a *pairAcc) Load(g int, b []byte) []byte {
	for _, s := range a.s[g].all() {
		var state []byte
		state, b = cutState(b)
		s.Decode(state)
	}
	return b
}

func (a *pairAcc) Append(dst []byte, g int) []byte {
	for _, s := range a.s[g].all() {
		a.tmp = s.Encode(a.tmp[:0])
		dst = appendState(dst, a.tmp)
	}
	return dst
}

func (a *pairAcc) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	rowsOf(args[0], w, n, sel, func(i int, w int64) {
		if args[1].IsNull(i) {
			return
		}
		y, x, s := args[0].F64[i], args[1].F64[i], &a.s[groups[i]]
		s.x.Add(x, w)
		s.y.Add(y, w)
		addProduct(&s.xx, x, x, w)
		addProduct(&s.yy, y, y, w)
		addProduct(&s.xy, x, y, w)
	})
}

// addProduct adds x*y exactly; an infinity for too large a product makes the result not a number.
func addProduct(s *types.FloatSum, x, y float64, w int64) {
	hi := x * y
	s.Add(hi, w)
	if lo := math.FMA(x, y, -hi); lo != 0 && !math.IsNaN(lo) && !math.IsInf(lo, 0) {
		s.Add(lo, w)
		s.Add(0, -w) // lo is no value of its own
	}
}

func (a *pairAcc) Result(_ *Ctx, n int, out *vec.Vec) {
	for g := range n {
		s := &a.s[g]
		if a.result == nil {
			out.AppendI64(s.x.Count())
			continue
		}
		if s.x.Count() == 0 {
			out.AppendNull()
			continue
		}
		if v, ok := a.result(s.stats()); ok {
			out.AppendF64(v)
		} else {
			out.AppendNull()
		}
	}
}

// stats turns the sums into moments about the averages; those of infinite values are not a number.
func (s *pairSums) stats() pairStats {
	n := s.x.Count()
	m := pairStats{n: float64(n), avgx: average(&s.x), avgy: average(&s.y)}
	x, y := exactFloat(&s.x), exactFloat(&s.y)
	about := func(ab *types.FloatSum, a, b *big.Float) float64 {
		p := exactFloat(ab)
		if p == nil || a == nil || b == nil {
			return math.NaN()
		}
		v, _ := aboutMean(n, p, a, b).Float64()
		return v
	}
	m.sxx, m.syy, m.sxy = about(&s.xx, x, x), about(&s.yy, y, y), about(&s.xy, x, y)
	return m
}

func average(s *types.FloatSum) float64 {
	v, _, err := s.Avg()
	if err != nil {
		return math.NaN()
	}
	return v
}
