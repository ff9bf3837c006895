package funcs

import (
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// bitAggs are the bitwise aggregates of integers.
func bitAggs() []*Aggregate {
	var as []*Aggregate
	for _, t := range intTypes {
		for _, f := range []struct {
			name, doc string
			op        byte
		}{{"bit_and", "Bitwise and of all values.", '&'}, {"bit_or", "Bitwise or of all values.", '|'},
			{"bit_xor", "Bitwise exclusive or of all values.", '#'}} {
			as = append(as, &Aggregate{Name: f.name, Args: sig(t.oid), Ret: t.oid, Doc: f.doc,
				New: func(_ []types.Type, retract bool) Accumulator {
					if retract {
						return nil
					}
					return &bitAcc{op: f.op}
				}})
		}
	}
	return as
}

// bitAcc combines bits. State: as minMaxI64.
type bitAcc struct {
	states[bestI64]
	op byte
}

func (a *bitAcc) Width() int { return 9 }

func (a *bitAcc) Load(g int, b []byte) []byte {
	a.s[g].has = b[0] != 0
	a.s[g].v, b = getI64(b[1:])
	return b
}

func (a *bitAcc) Append(dst []byte, g int) []byte {
	return putI64(append(dst, byte(b2i(a.s[g].has))), a.s[g].v)
}

func (a *bitAcc) Update(_ *Ctx, groups []int32, args []*vec.Vec, w []int64, n int, sel []int32) {
	v := args[0]
	rowsOf(v, w, n, sel, func(i int, w int64) {
		s, x := &a.s[groups[i]], v.I64[i]
		switch {
		case a.op == '#' && w&1 == 0:
		case !s.has:
			s.v = x
		case a.op == '&':
			s.v &= x
		case a.op == '|':
			s.v |= x
		default:
			s.v ^= x
		}
		s.has = true
	})
}

func (a *bitAcc) Result(_ *Ctx, n int, out *vec.Vec) {
	for _, s := range a.s[:n] {
		if !s.has {
			out.AppendNull()
			continue
		}
		out.AppendI64(s.v)
	}
}
