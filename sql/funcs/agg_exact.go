package funcs

import (
	"encoding/binary"
	"math"
	"math/big"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// floatSumAcc sums floats exactly, so that the sum depends neither on the order of the rows nor on what came and
// went. State: length and encoding of a types.FloatSum.
type floatSumAcc struct {
	states[types.FloatSum]
	avg, single bool
	tmp         []byte
}

func (a *floatSumAcc) Width() int { return -1 }

func (a *floatSumAcc) Load(g int, b []byte) []byte {
	state, rest := cutState(b)
	a.s[g].Decode(state)
	return rest
}

func (a *floatSumAcc) Append(dst []byte, g int) []byte {
	a.tmp = a.s[g].Encode(a.tmp[:0])
	return appendState(dst, a.tmp)
}

func (a *floatSumAcc) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	v := args[0]
	rowsOf(v, w, n, sel, func(i int, w int64) { a.s[groups[i]].Add(v.F64[i], w) })
}

func (a *floatSumAcc) Result(ctx *Ctx, n int, out *vec.Vec) {
	for g := range n {
		get := a.s[g].Sum
		if a.avg {
			get = a.s[g].Avg
		}
		f, null, err := get()
		if err == nil && a.single {
			f, err = types.Float8ToFloat4(f)
		}
		if err != nil {
			ctx.Fail(int32(g), pgerr.Of(err))
		}
		if null || err != nil {
			out.AppendNull()
		} else {
			out.AppendF64(f)
		}
	}
}

// numericSumAcc sums numerics. State: length and encoding of a types.NumericSum.
type numericSumAcc struct {
	states[types.NumericSum]
	avg bool
	tmp []byte
}

func (a *numericSumAcc) Width() int { return -1 }

func (a *numericSumAcc) Load(g int, b []byte) []byte {
	state, rest := cutState(b)
	a.s[g].Decode(state)
	return rest
}

func (a *numericSumAcc) Append(dst []byte, g int) []byte {
	a.tmp = a.s[g].Encode(a.tmp[:0])
	return appendState(dst, a.tmp)
}

func (a *numericSumAcc) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	v := args[0]
	rowsOf(v, w, n, sel, func(i int, w int64) { a.s[groups[i]].Add(v.Bytes(i), w) })
}

func (a *numericSumAcc) Result(ctx *Ctx, n int, out *vec.Vec) {
	for g := range n {
		get := a.s[g].AppendSum
		if a.avg {
			get = a.s[g].AppendAvg
		}
		b, null, err := get(out.Buf)
		finish(ctx, g, out, b, null, err)
	}
}

// finish ends a value of group g that was appended to out.Buf, giving b.
func finish(ctx *Ctx, g int, out *vec.Vec, b []byte, null bool, err error) {
	if err != nil {
		ctx.Fail(int32(g), pgerr.Of(err))
	}
	if null || err != nil {
		out.AppendNull()
		return
	}
	out.Buf = b
	out.FinishBytes()
}

// intervalSum is a sum of intervals, part by part, wide enough to be exact.
type intervalSum struct {
	months, days int64
	micros       types.Int128
	n            int64
}

// intervalSumAcc sums intervals. State: months, days, microseconds (16 bytes), count: 40 bytes.
type intervalSumAcc struct {
	states[intervalSum]
	avg bool
}

func (a *intervalSumAcc) Width() int { return 40 }

func (a *intervalSumAcc) Load(g int, b []byte) []byte {
	s := &a.s[g]
	s.months, b = getI64(b)
	s.days, b = getI64(b)
	s.micros = types.DecodeInt128(b)
	s.n, b = getI64(b[16:])
	return b
}

func (a *intervalSumAcc) Append(dst []byte, g int) []byte {
	s := &a.s[g]
	return putI64(s.micros.Append(putI64(putI64(dst, s.months), s.days)), s.n)
}

func (a *intervalSumAcc) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	v := args[0]
	rowsOf(v, w, n, sel, func(i int, w int64) {
		iv, s := types.DecodeInterval(v.Bytes(i)), &a.s[groups[i]]
		s.months += int64(iv.Months) * w
		s.days += int64(iv.Days) * w
		s.micros = s.micros.AddMul(iv.Micros, w)
		s.n += w
	})
}

func (a *intervalSumAcc) Result(ctx *Ctx, n int, out *vec.Vec) {
	for g := range n {
		s := &a.s[g]
		if s.n == 0 {
			out.AppendNull()
			continue
		}
		iv, err := s.value()
		if err == nil && a.avg {
			iv, err = types.IntervalDiv(iv, float64(s.n))
		}
		finish(ctx, g, out, types.AppendInterval(out.Buf, iv), false, err)
	}
}

func (s *intervalSum) value() (iv types.IntervalValue, err error) {
	micros, ok := s.micros.Int64()
	if !ok || s.months != int64(int32(s.months)) || s.days != int64(int32(s.days)) {
		return iv, pgerr.New(pgerr.DatetimeFieldOverflow, "interval out of range")
	}
	return types.IntervalValue{Months: int32(s.months), Days: int32(s.days), Micros: micros}, nil
}

// statAggs are the variance family.
func statAggs() []*Aggregate {
	var as []*Aggregate
	for _, f := range []struct {
		name         string
		sample, root bool
		doc          string
	}{
		{"var_pop", false, false, "Population variance."}, {"var_samp", true, false, "Sample variance."},
		{"variance", true, false, "Sample variance."}, {"stddev_pop", false, true, "Population standard deviation."},
		{"stddev_samp", true, true, "Sample standard deviation."}, {"stddev", true, true, "Sample standard deviation."},
	} {
		for _, t := range []types.OID{types.Int2, types.Int4, types.Int8, types.Numeric, types.Float4, types.Float8} {
			float := types.T(t).Class() == types.F64
			a := &Aggregate{Name: f.name, Args: []types.OID{t}, Ret: types.Numeric, Doc: f.doc,
				New: func([]types.Type, bool) Accumulator {
					if float {
						return &floatVarAcc{sample: f.sample, root: f.root}
					}
					return &numericVarAcc{t: t, sample: f.sample, root: f.root}
				}}
			if float {
				a.Ret = types.Float8
			}
			as = append(as, a)
		}
	}
	return as
}

// numericMoments are the sums of values and of their squares.
type numericMoments struct{ x, xx types.NumericSum }

// numericVarAcc computes variances of integers and numerics. State: length and encoding of both sums.
type numericVarAcc struct {
	states[numericMoments]
	t            types.OID
	sample, root bool
	tmp, sq      []byte
}

func (a *numericVarAcc) Width() int { return -1 }

func (a *numericVarAcc) Load(g int, b []byte) []byte {
	x, b := cutState(b)
	xx, b := cutState(b)
	a.s[g].x.Decode(x)
	a.s[g].xx.Decode(xx)
	return b
}

func (a *numericVarAcc) Append(dst []byte, g int) []byte {
	a.tmp = a.s[g].x.Encode(a.tmp[:0])
	dst = appendState(dst, a.tmp)
	a.tmp = a.s[g].xx.Encode(a.tmp[:0])
	return appendState(dst, a.tmp)
}

func (a *numericVarAcc) Update(ctx *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	v := args[0]
	rowsOf(v, w, n, sel, func(i int, w int64) {
		var x []byte
		if a.t == types.Numeric {
			x = v.Bytes(i)
		} else {
			a.tmp = types.AppendNumericInt(a.tmp[:0], v.I64[i])
			x = a.tmp
		}
		sq, err := types.NumericMul(a.sq[:0], x, x)
		if err != nil {
			ctx.Fail(int32(i), pgerr.Of(err))
			return
		}
		a.sq = sq
		a.s[groups[i]].x.Add(x, w)
		a.s[groups[i]].xx.Add(sq, w)
	})
}

func (a *numericVarAcc) Result(ctx *Ctx, n int, out *vec.Vec) {
	for g := range n {
		s := &a.s[g]
		sum, null, err := s.x.AppendSum(nil)
		var squares []byte
		if !null && err == nil {
			squares, _, err = s.xx.AppendSum(nil)
		}
		b := out.Buf
		if !null && err == nil {
			b, null, err = types.AppendNumericVariance(out.Buf, s.x.Count(), sum, squares, a.sample, a.root)
		}
		finish(ctx, g, out, b, null, err)
	}
}

// floatMoments are the exact sums of values and of their squares. lo and hi are not part of it: whether all values
// are the same follows from the sums.
type floatMoments struct{ x, xx types.FloatSum }

// floatVarAcc computes variances of floats from exact sums, so that the result does not depend on the order of the
// rows; PostgreSQL's, from running sums, may differ in the last digits. State: length and encoding of both sums.
type floatVarAcc struct {
	states[floatMoments]
	sample, root bool
	tmp          []byte
}

func (a *floatVarAcc) Width() int { return -1 }

func (a *floatVarAcc) Load(g int, b []byte) []byte {
	x, b := cutState(b)
	xx, b := cutState(b)
	a.s[g].x.Decode(x)
	a.s[g].xx.Decode(xx)
	return b
}

func (a *floatVarAcc) Append(dst []byte, g int) []byte {
	a.tmp = a.s[g].x.Encode(a.tmp[:0])
	dst = appendState(dst, a.tmp)
	a.tmp = a.s[g].xx.Encode(a.tmp[:0])
	return appendState(dst, a.tmp)
}

func (a *floatVarAcc) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	v := args[0]
	rowsOf(v, w, n, sel, func(i int, w int64) {
		x, s := v.F64[i], &a.s[groups[i]]
		hi := x * x // an infinity for too large an x makes the result an error
		s.x.Add(x, w)
		s.xx.Add(hi, w)
		if lo := math.FMA(x, x, -hi); lo != 0 && !math.IsNaN(lo) && !math.IsInf(lo, 0) {
			s.xx.Add(lo, w) // x*x is hi+lo exactly
			s.xx.Add(0, -w) // lo is no value of its own
		}
	})
}

func (a *floatVarAcc) Result(ctx *Ctx, n int, out *vec.Vec) {
	for g := range n {
		s := &a.s[g]
		count := s.x.Count()
		by := count
		if a.sample {
			by--
		}
		if by <= 0 {
			out.AppendNull()
			continue
		}
		sum, squares := exactFloat(&s.x), exactFloat(&s.xx)
		switch {
		case sum == nil:
			out.AppendF64(math.NaN()) // a value is infinite or not a number
		case count == 1:
			out.AppendF64(0)
		case squares == nil:
			ctx.Fail(int32(g), errFloatOverflow)
			out.AppendNull()
		default:
			out.AppendF64(a.variance(count, by, sum, squares))
		}
	}
}

// variance is (n*squares - sum^2) / (n*by).
func (a *floatVarAcc) variance(n, by int64, sum, squares *big.Float) float64 {
	v := aboutMean(n, squares, sum, sum)
	if v.Sign() <= 0 {
		return 0
	}
	v.Quo(v, new(big.Float).SetInt64(by))
	if a.root {
		v.Sqrt(v)
	}
	f, _ := v.Float64()
	return f
}

// wide is a precision that holds every sum of floats, and of products of floats, exactly.
const wide = 4400

// aboutMean is ab - a*b/n: the sum of products about the averages, from sums of n pairs.
func aboutMean(n int64, ab, a, b *big.Float) *big.Float {
	mean := new(big.Float).SetPrec(wide).Mul(a, b)
	mean.Quo(mean, new(big.Float).SetInt64(n))
	return mean.Sub(ab, mean)
}

// exactFloat is the value of a sum, which Sum would round, from its encoding; nil if it is not finite.
func exactFloat(s *types.FloatSum) *big.Float {
	b := s.Encode(nil)
	var counts [5]int64 // NaN, +Inf, -Inf, finite, -0
	for i := range counts {
		n, k := binary.Varint(b)
		counts[i], b = n, b[k:]
	}
	v := new(big.Float).SetPrec(wide)
	switch {
	case counts[0] != 0 || counts[1] != 0 || counts[2] != 0:
		return nil
	case len(b) == 0:
		return v
	}
	neg, low, limbs := b[0] != 0, int(b[1]), b[2:]
	m := new(big.Int)
	for i := len(limbs) - 8; i >= 0; i -= 8 {
		m.Lsh(m, 64)
		m.Or(m, new(big.Int).SetUint64(binary.LittleEndian.Uint64(limbs[i:])))
	}
	v.SetInt(m)
	v.SetMantExp(v, 64*low-1074)
	if neg {
		v.Neg(v)
	}
	return v
}
