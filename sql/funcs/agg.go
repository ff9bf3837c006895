package funcs

import (
	"encoding/binary"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// aggregates is the aggregate table.
func aggregates() []*Aggregate {
	var as []*Aggregate
	for _, s := range [][]*Aggregate{countAggs(), sumAggs(), minMaxAggs(), boolAggs(), bitAggs(), statAggs(), pairAggs(), collectAggs()} {
		as = append(as, s...)
	}
	return as
}

// states holds one fixed-size state a group; the accumulators that embed it add the arithmetic.
type states[S any] struct{ s []S }

// Reset implements Accumulator.
func (a *states[S]) Reset(n int) {
	a.s = a.s[:0]
	a.Grow(n)
}

// Grow implements Accumulator.
func (a *states[S]) Grow(n int) {
	if n <= cap(a.s) {
		old := len(a.s)
		a.s = a.s[:max(n, old)]
		clear(a.s[old:])
		return
	}
	s := make([]S, n, max(n, 2*cap(a.s)))
	copy(s, a.s)
	a.s = s
}

// rowsOf calls f for the rows to add whose argument is not null, with their weights. It is for aggregates whose
// work per row is more than a few instructions.
func rowsOf(arg *vec.Vec, w []int64, n int, sel []int32, f func(i int, w int64)) {
	one := func(i int) {
		if arg != nil && arg.Nulls.Get(i) {
			return
		}
		if w == nil {
			f(i, 1)
		} else if w[i] != 0 {
			f(i, w[i])
		}
	}
	forRows(n, sel, one)
}

// appendState appends a state of varying size after its length.
func appendState(dst, state []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(state))), state...)
}

// cutState takes such a state off the front of b.
func cutState(b []byte) (state, rest []byte) {
	n, k := binary.Uvarint(b)
	return b[k : k+int(n)], b[k+int(n):]
}

func putI64(dst []byte, v int64) []byte { return binary.LittleEndian.AppendUint64(dst, uint64(v)) }

func getI64(b []byte) (int64, []byte) { return int64(binary.LittleEndian.Uint64(b)), b[8:] }

func countAggs() []*Aggregate {
	return []*Aggregate{
		{Name: "count", Ret: types.Int8, OID: 2803, Doc: "Number of rows.", Example: "count(*) of 1, 2, null → 3",
			New: func([]types.Type, bool) Accumulator { return &countAcc{} }},
		{Name: "count", Args: []types.OID{types.Any}, Ret: types.Int8, OID: 2147, Doc: "Number of values that are not null.",
			Example: "count(x) of 1, 2, null → 2",
			New:     func([]types.Type, bool) Accumulator { return &countAcc{} }},
	}
}

// countAcc counts rows, or values that are not null. State: the count, 8 bytes.
type countAcc struct{ states[int64] }

func (a *countAcc) Width() int { return 8 }

func (a *countAcc) Load(g int, b []byte) (rest []byte) {
	a.s[g], rest = getI64(b)
	return rest
}

func (a *countAcc) Append(dst []byte, g int) []byte { return putI64(dst, a.s[g]) }

func (a *countAcc) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	s := a.s
	var nulls vec.Bitmap
	if len(args) > 0 {
		nulls = args[0].Nulls
	}
	switch {
	case nulls == nil && sel == nil && w == nil:
		for _, g := range groups[:n] {
			s[g]++
		}
	case nulls == nil && sel == nil:
		w = w[:n]
		for i, g := range groups[:n] {
			s[g] += w[i]
		}
	default:
		forRows(n, sel, func(i int) {
			if nulls.Get(i) {
				return
			}
			if w == nil {
				s[groups[i]]++
			} else {
				s[groups[i]] += w[i]
			}
		})
	}
}

func (a *countAcc) Result(_ *Ctx, n int, out *vec.Vec) {
	for _, c := range a.s[:n] {
		out.AppendI64(c)
	}
}

func boolAggs() []*Aggregate {
	mk := func(name, doc, example string, and bool) *Aggregate {
		return &Aggregate{Name: name, Args: []types.OID{types.Bool}, Ret: types.Bool, Doc: doc, Example: example,
			New: func([]types.Type, bool) Accumulator { return &boolAcc{and: and} }}
	}
	return []*Aggregate{
		mk("bool_and", "True if all values are.", "bool_and(x) of true, false, null → f", true),
		mk("every", "True if all values are.", "every(x) of true, true, null → t", true),
		mk("bool_or", "True if any value is.", "bool_or(x) of true, false, null → t", false),
	}
}

type boolCounts struct{ t, f int64 }

// boolAcc counts trues and falses, so that rows can be taken away again. State: two counts, 16 bytes.
type boolAcc struct {
	states[boolCounts]
	and bool
}

func (a *boolAcc) Width() int { return 16 }

func (a *boolAcc) Load(g int, b []byte) []byte {
	a.s[g].t, b = getI64(b)
	a.s[g].f, b = getI64(b)
	return b
}

func (a *boolAcc) Append(dst []byte, g int) []byte { return putI64(putI64(dst, a.s[g].t), a.s[g].f) }

func (a *boolAcc) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	v := args[0]
	rowsOf(v, w, n, sel, func(i int, w int64) {
		if v.I64[i] != 0 {
			a.s[groups[i]].t += w
		} else {
			a.s[groups[i]].f += w
		}
	})
}

func (a *boolAcc) Result(_ *Ctx, n int, out *vec.Vec) {
	for _, c := range a.s[:n] {
		switch {
		case c.t == 0 && c.f == 0:
			out.AppendNull()
		case a.and:
			out.AppendBool(c.f == 0)
		default:
			out.AppendBool(c.t != 0)
		}
	}
}
