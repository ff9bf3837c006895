package funcs

import (
	"math/bits"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

func sumAggs() []*Aggregate {
	var as []*Aggregate
	add := func(name string, arg, ret types.OID, doc, ex string, acc func(retract bool) Accumulator) {
		as = append(as, &Aggregate{Name: name, Args: []types.OID{arg}, Ret: ret, Doc: doc, Example: ex,
			New: func(_ []types.Type, retract bool) Accumulator { return acc(retract) }})
	}
	const sumDoc, avgDoc = "Sum.", "Average (arithmetic mean)."
	for _, t := range intTypes {
		ret, sum := types.Int8, sumToInt8
		if t.oid == types.Int8 {
			ret, sum = types.Numeric, sumToNumeric
		}
		ex, ax := "", ""
		if t.oid == types.Int4 {
			ex, ax = "sum(x) of 1, 2, null → 3", "avg(x) of 1, 2, null → 1.5000000000000000"
		}
		add("sum", t.oid, ret, sumDoc, ex, func(bool) Accumulator { return &intSumAcc{result: sum} })
		add("avg", t.oid, types.Numeric, avgDoc, ax, func(bool) Accumulator { return &intSumAcc{result: avgToNumeric} })
	}
	for _, t := range []types.OID{types.Float4, types.Float8} {
		single := t == types.Float4
		add("sum", t, t, sumDoc, "", func(bool) Accumulator { return &floatSumAcc{single: single} })
		add("avg", t, types.Float8, avgDoc, "", func(bool) Accumulator { return &floatSumAcc{avg: true} })
	}
	add("sum", types.Numeric, types.Numeric, sumDoc, "sum(x) of 1.5, 2.25 → 3.75", func(bool) Accumulator { return &numericSumAcc{} })
	add("avg", types.Numeric, types.Numeric, avgDoc, "", func(bool) Accumulator { return &numericSumAcc{avg: true} })
	add("sum", types.Interval, types.Interval, sumDoc, "", func(bool) Accumulator { return &intervalSumAcc{} })
	add("avg", types.Interval, types.Interval, avgDoc, "", func(bool) Accumulator { return &intervalSumAcc{avg: true} })
	return as
}

// intSum is a sum of int64s in 128 bits, and how many there were.
type intSum struct {
	types.Int128
	n int64
}

func (s *intSum) add(x int64) {
	var c uint64
	s.Lo, c = bits.Add64(s.Lo, uint64(x), 0)
	s.Hi += x>>63 + int64(c)
	s.n++
}

func (s *intSum) addWeighted(x, w int64) {
	s.Int128 = s.AddMul(x, w)
	s.n += w
}

// intSumAcc sums integers exactly, so rows can be taken away in any order. State: low and high word, count: 24
// bytes.
type intSumAcc struct {
	states[intSum]
	result func(ctx *Ctx, g int, s *intSum, out *vec.Vec) error
}

func (a *intSumAcc) Width() int { return 24 }

func (a *intSumAcc) Load(g int, b []byte) []byte {
	s := &a.s[g]
	s.Int128 = types.DecodeInt128(b)
	s.n, b = getI64(b[16:])
	return b
}

func (a *intSumAcc) Append(dst []byte, g int) []byte {
	return putI64(a.s[g].Int128.Append(dst), a.s[g].n)
}

func (a *intSumAcc) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	v := args[0]
	x := v.I64[:n]
	switch {
	case v.Nulls == nil && sel == nil && w == nil:
		for i, g := range groups[:n] {
			a.s[g].add(x[i])
		}
	case v.Nulls == nil && sel == nil:
		w = w[:n]
		for i, g := range groups[:n] {
			a.s[g].addWeighted(x[i], w[i])
		}
	default:
		rowsOf(v, w, n, sel, func(i int, w int64) { a.s[groups[i]].addWeighted(x[i], w) })
	}
}

func (a *intSumAcc) Result(ctx *Ctx, n int, out *vec.Vec) {
	for g := range n {
		if a.s[g].n == 0 {
			out.AppendNull()
			continue
		}
		if err := a.result(ctx, g, &a.s[g], out); err != nil {
			ctx.Fail(int32(g), pgerr.Of(err))
			out.AppendNull()
		}
	}
}

func sumToInt8(_ *Ctx, _ int, s *intSum, out *vec.Vec) error {
	v, ok := s.Int64()
	if !ok {
		return pgerr.New(pgerr.NumericValueOutOfRange, "bigint out of range")
	}
	out.AppendI64(v)
	return nil
}

func sumToNumeric(_ *Ctx, _ int, s *intSum, out *vec.Vec) error {
	return finishNumeric(out)(s.AppendNumeric(out.Buf), nil)
}

func avgToNumeric(_ *Ctx, _ int, s *intSum, out *vec.Vec) error {
	return finishNumeric(out)(s.AppendAvg(out.Buf, s.n))
}

// finishNumeric ends a value appended to out.Buf, unless it failed.
func finishNumeric(out *vec.Vec) func([]byte, error) error {
	return func(b []byte, err error) error {
		if err != nil {
			return err
		}
		out.Buf = b
		out.FinishBytes()
		return nil
	}
}
