package funcs

import (
	"math/big"
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
	return as
}

// intSum is a sum of int64s in 128 bits, and how many there were.
type intSum struct {
	lo uint64
	hi int64
	n  int64
}

func (s *intSum) add(x int64) {
	var c uint64
	s.lo, c = bits.Add64(s.lo, uint64(x), 0)
	s.hi += x>>63 + int64(c)
	s.n++
}

func (s *intSum) addWeighted(x, w int64) {
	hi, lo := mulSigned(x, w)
	var c uint64
	s.lo, c = bits.Add64(s.lo, lo, 0)
	s.hi += hi + int64(c)
	s.n += w
}

// mulSigned is the 128-bit product.
func mulSigned(a, b int64) (hi int64, lo uint64) {
	h, l := bits.Mul64(uint64(a), uint64(b))
	h -= uint64(a>>63&b) + uint64(b>>63&a)
	return int64(h), l
}

func (s *intSum) big() *big.Int {
	v := new(big.Int).SetInt64(s.hi)
	v.Lsh(v, 64)
	return v.Add(v, new(big.Int).SetUint64(s.lo))
}

// appendNumeric appends the sum as a numeric.
func (s *intSum) appendNumeric(dst []byte) ([]byte, error) {
	if s.hi == int64(s.lo)>>63 {
		return types.AppendNumericInt(dst, int64(s.lo)), nil
	}
	return types.AppendParsedNumeric(dst, s.big().String(), -1)
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
	var lo int64
	lo, b = getI64(b)
	s.lo = uint64(lo)
	s.hi, b = getI64(b)
	s.n, b = getI64(b)
	return b
}

func (a *intSumAcc) Append(dst []byte, g int) []byte {
	s := &a.s[g]
	return putI64(putI64(putI64(dst, int64(s.lo)), s.hi), s.n)
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
	if s.hi != int64(s.lo)>>63 {
		return pgerr.New(pgerr.NumericValueOutOfRange, "bigint out of range")
	}
	out.AppendI64(int64(s.lo))
	return nil
}

func sumToNumeric(_ *Ctx, _ int, s *intSum, out *vec.Vec) error {
	return finishNumeric(out)(s.appendNumeric(out.Buf))
}

func avgToNumeric(_ *Ctx, _ int, s *intSum, out *vec.Vec) error {
	var a, b [64]byte
	sum, err := s.appendNumeric(a[:0])
	if err != nil {
		return err
	}
	return finishNumeric(out)(types.NumericDiv(out.Buf, sum, types.AppendNumericInt(b[:0], s.n)))
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
