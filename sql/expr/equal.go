package expr

import (
	"hash/maphash"
	"math"

	"github.com/millracedb/millrace/sql/vec"
)

// sameFloat reports whether two floats are the same bits, so that NaN equals itself and 0 is not -0.
func sameFloat(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }

// Equal reports whether a and b are the same expression: they give the same value for the same row, volatile
// functions aside. Column names do not count.
func Equal(a, b Expr) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || !sameNode(a, b) {
		return false
	}
	ac, bc := Children(a), Children(b)
	if len(ac) != len(bc) {
		return false
	}
	for i := range ac {
		if !Equal(ac[i], bc[i]) {
			return false
		}
	}
	return true
}

// sameNode compares everything but the operands.
func sameNode(a, b Expr) bool {
	switch a := a.(type) {
	case *Col:
		b, ok := b.(*Col)
		return ok && a.Index == b.Index && a.T == b.T
	case *Const:
		b, ok := b.(*Const)
		return ok && sameScalar(a.Val, b.Val)
	case *Param:
		b, ok := b.(*Param)
		return ok && *a == *b
	case *Outer:
		b, ok := b.(*Outer)
		return ok && a.Index == b.Index && a.T == b.T
	case *Call:
		b, ok := b.(*Call)
		return ok && a.Fn == b.Fn && a.T == b.T
	case *And:
		_, ok := b.(*And)
		return ok
	case *Or:
		_, ok := b.(*Or)
		return ok
	case *Not:
		_, ok := b.(*Not)
		return ok
	case *IsNull:
		b, ok := b.(*IsNull)
		return ok && a.Negate == b.Negate
	case *Case:
		b, ok := b.(*Case)
		return ok && len(a.Whens) == len(b.Whens) && (a.Else == nil) == (b.Else == nil) && a.T == b.T
	case *Coalesce:
		b, ok := b.(*Coalesce)
		return ok && a.T == b.T
	case *Array:
		b, ok := b.(*Array)
		return ok && a.T == b.T
	case *Row:
		_, ok := b.(*Row)
		return ok
	case *Subquery:
		b, ok := b.(*Subquery)
		return ok && a.ID == b.ID && a.Kind == b.Kind && a.T == b.T && Equal(a.Test, b.Test)
	}
	return false
}

// EqualAll reports whether two lists hold equal expressions in the same order.
func EqualAll(a, b []Expr) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

var hashSeed = maphash.MakeSeed()

// Hash returns a hash of e that is the same for Equal expressions, within one process.
func Hash(e Expr) uint64 {
	var h maphash.Hash
	h.SetSeed(hashSeed)
	Walk(e, func(x Expr) bool {
		hashNode(&h, x)
		return true
	})
	return h.Sum64()
}

func hashNode(h *maphash.Hash, e Expr) {
	switch e := e.(type) {
	case *Col:
		maphash.WriteComparable(h, [2]int{'c', e.Index})
	case *Const:
		hashScalar(h, e.Val)
	case *Param:
		maphash.WriteComparable(h, [2]int{'p', e.N})
	case *Outer:
		maphash.WriteComparable(h, [2]int{'o', e.Index})
	case *Call:
		maphash.WriteComparable(h, e.Fn)
	case *And:
		h.WriteByte('&')
	case *Or:
		h.WriteByte('|')
	case *Not:
		h.WriteByte('!')
	case *IsNull:
		maphash.WriteComparable(h, e.Negate)
	case *Case:
		maphash.WriteComparable(h, [2]int{'w', len(e.Whens)})
	case *Coalesce:
		h.WriteByte('?')
	case *Array:
		maphash.WriteComparable(h, [2]int{'a', len(e.Elems)})
	case *Row:
		maphash.WriteComparable(h, [2]int{'r', len(e.Elems)})
	case *Subquery:
		maphash.WriteComparable(h, [2]int{'s', e.ID})
	}
}

func hashScalar(h *maphash.Hash, v vec.Scalar) {
	maphash.WriteComparable(h, v.Type)
	maphash.WriteComparable(h, v.Null)
	maphash.WriteComparable(h, v.I)
	maphash.WriteComparable(h, math.Float64bits(v.F))
	h.Write(v.B)
}
