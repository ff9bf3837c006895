package funcs

import (
	"encoding/binary"
	"math"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

func minMaxAggs() []*Aggregate {
	var as []*Aggregate
	for _, t := range []types.OID{types.Int2, types.Int4, types.Int8, types.Oid, types.Date, types.Time, types.Timestamp,
		types.TimestampTZ, types.Float4, types.Float8, types.Text, types.BPChar, types.Numeric, types.Interval,
		types.TimeTZ, types.AnyArray} {
		for _, dir := range []int{-1, 1} {
			name, doc, ex := "min", "Least value.", "min(x) of 3, 1, 2 → 1"
			if dir > 0 {
				name, doc, ex = "max", "Greatest value.", "max(x) of 3, 1, 2 → 3"
			}
			if t != types.Int4 {
				ex = ""
			}
			as = append(as, &Aggregate{Name: name, Args: []types.OID{t}, Ret: t, MinMax: dir, Doc: doc, Example: ex,
				New: func(args []types.Type, retract bool) Accumulator {
					if retract {
						return nil
					}
					return newMinMax(args[0], dir)
				}})
		}
	}
	return as
}

func newMinMax(t types.Type, dir int) Accumulator {
	switch t.Class() {
	case types.I64:
		return &minMaxI64{dir: dir}
	case types.F64:
		return &minMaxF64{dir: dir}
	}
	return &minMaxBytes{t: t, dir: dir}
}

type bestI64 struct {
	v   int64
	has bool
}

// minMaxI64 keeps the best value of an I64 type. State: a byte that says whether there is one, and the value.
type minMaxI64 struct {
	states[bestI64]
	dir int
}

func (a *minMaxI64) Width() int { return 9 }

func (a *minMaxI64) Load(g int, b []byte) []byte {
	a.s[g].has = b[0] != 0
	a.s[g].v, b = getI64(b[1:])
	return b
}

func (a *minMaxI64) Append(dst []byte, g int) []byte {
	return putI64(append(dst, byte(b2i(a.s[g].has))), a.s[g].v)
}

func (a *minMaxI64) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	v := args[0]
	if v.Nulls == nil && sel == nil && w == nil {
		x := v.I64[:n]
		for i, g := range groups[:n] {
			s := &a.s[g]
			if !s.has || (x[i] > s.v) == (a.dir > 0) && x[i] != s.v {
				s.v, s.has = x[i], true
			}
		}
		return
	}
	rowsOf(v, w, n, sel, func(i int, _ int64) {
		s, x := &a.s[groups[i]], v.I64[i]
		if !s.has || (x > s.v) == (a.dir > 0) && x != s.v {
			s.v, s.has = x, true
		}
	})
}

func (a *minMaxI64) Result(_ *Ctx, n int, out *vec.Vec) {
	for _, s := range a.s[:n] {
		if !s.has {
			out.AppendNull()
			continue
		}
		out.AppendI64(s.v)
	}
}

type bestF64 struct {
	v   float64
	has bool
}

// minMaxF64 keeps the best value of a float type, NaN being the greatest. State: as minMaxI64.
type minMaxF64 struct {
	states[bestF64]
	dir int
}

func (a *minMaxF64) Width() int { return 9 }

func (a *minMaxF64) Load(g int, b []byte) []byte {
	a.s[g].has = b[0] != 0
	a.s[g].v = math.Float64frombits(binary.LittleEndian.Uint64(b[1:]))
	return b[9:]
}

func (a *minMaxF64) Append(dst []byte, g int) []byte {
	return binary.LittleEndian.AppendUint64(append(dst, byte(b2i(a.s[g].has))), math.Float64bits(a.s[g].v))
}

func (a *minMaxF64) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	v := args[0]
	rowsOf(v, w, n, sel, func(i int, _ int64) {
		s, x := &a.s[groups[i]], v.F64[i]
		if !s.has || types.CompareFloat(x, s.v)*a.dir > 0 {
			s.v, s.has = x, true
		}
	})
}

func (a *minMaxF64) Result(_ *Ctx, n int, out *vec.Vec) {
	for _, s := range a.s[:n] {
		if !s.has {
			out.AppendNull()
			continue
		}
		out.AppendF64(s.v)
	}
}

// span is a byte string in an arena; off is 0 when there is none (the arena's first byte is not used).
type span struct{ off, len uint32 }

// minMaxBytes keeps the best value of a Bytes type in an arena that is compacted when it is mostly garbage.
// State: uvarint length plus one, 0 for none; the value. Among equals (1.0 and 1.00) the one with the least
// bytes is kept, so that the state does not depend on the order of arrival.
type minMaxBytes struct {
	states[span]
	t     types.Type
	dir   int
	arena []byte
	live  int
}

func (a *minMaxBytes) Reset(n int) {
	a.states.Reset(n)
	a.arena, a.live = append(a.arena[:0], 0), 0
}

func (a *minMaxBytes) Grow(n int) {
	a.states.Grow(n)
	if len(a.arena) == 0 {
		a.arena = append(a.arena, 0)
	}
}

func (a *minMaxBytes) Width() int { return -1 }

func (a *minMaxBytes) value(g int32) []byte {
	s := a.s[g]
	return a.arena[s.off : s.off+s.len]
}

func (a *minMaxBytes) set(g int32, b []byte) {
	s := &a.s[g]
	a.live += len(b) - int(s.len)
	if s.off != 0 && uint32(len(b)) <= s.len {
		copy(a.arena[s.off:], b)
		s.len = uint32(len(b))
		return
	}
	if len(a.arena) > 1<<16 && len(a.arena) > 4*a.live {
		a.compact(g)
		s = &a.s[g]
	}
	*s = span{uint32(len(a.arena)), uint32(len(b))}
	a.arena = append(a.arena, b...)
}

// compact copies the live values, except g's, into a new arena.
func (a *minMaxBytes) compact(g int32) {
	arena := make([]byte, 1, 2*a.live+64)
	for i := range a.s {
		if s := &a.s[i]; s.off != 0 && int32(i) != g {
			off := uint32(len(arena))
			arena = append(arena, a.arena[s.off:s.off+s.len]...)
			s.off = off
		}
	}
	a.arena = arena
}

func (a *minMaxBytes) Load(g int, b []byte) []byte {
	n, k := binary.Uvarint(b)
	b = b[k:]
	if n == 0 {
		a.s[g] = span{}
		return b
	}
	a.set(int32(g), b[:n-1])
	return b[n-1:]
}

func (a *minMaxBytes) Append(dst []byte, g int) []byte {
	if a.s[g].off == 0 {
		return append(dst, 0)
	}
	v := a.value(int32(g))
	return append(binary.AppendUvarint(dst, uint64(len(v))+1), v...)
}

func (a *minMaxBytes) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	v := args[0]
	rowsOf(v, w, n, sel, func(i int, _ int64) {
		g, x := groups[i], v.Bytes(i)
		if a.s[g].off == 0 {
			a.set(g, x)
			return
		}
		old := a.value(g)
		c := types.CompareBytes(a.t, x, old)
		if c*a.dir > 0 || c == 0 && string(x) < string(old) {
			a.set(g, x)
		}
	})
}

func (a *minMaxBytes) Result(_ *Ctx, n int, out *vec.Vec) {
	for g := range n {
		if a.s[g].off == 0 {
			out.AppendNull()
			continue
		}
		out.AppendBytes(a.value(int32(g)))
	}
}
