package funcs

import (
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// category is pg_type.typcategory; pseudo-types of arrays count as their own.
func category(t types.OID) byte {
	if in := types.InfoOf(t); in != nil {
		return in.Category
	}
	return 'U'
}

func isPreferred(t types.OID) bool {
	in := types.InfoOf(t)
	return in != nil && in.Preferred
}

func preferredIn(cat byte, t types.OID) bool { return category(t) == cat && isPreferred(t) }

func isPoly(t types.OID) bool {
	switch t {
	case types.AnyElement, types.AnyArray, types.AnyNonArray,
		types.AnyCompatible, types.AnyCompatibleArray, types.AnyCompatibleNonArray:
		return true
	}
	return false
}

// canCoerce reports whether a value of type in may stand, without a cast in the text, where want is expected.
func canCoerce(in, want types.OID) bool {
	if in == want || want == types.Any || in == types.Unknown {
		return true
	}
	if want == types.Record {
		return false
	}
	_, ok := castMethod(in, want, Implicit)
	return ok
}

// binding is what the polymorphic types of a signature stand for.
type binding struct {
	elem       types.OID // anyelement, anynonarray; 0: not bound
	array      types.OID // anyarray
	compat     types.OID
	compatArr  types.OID
	elemNonArr bool
	undecided  bool // there are nothing but untyped literals to decide by
}

func (b *binding) concrete(t types.OID) types.OID {
	r := t
	switch t {
	case types.AnyElement, types.AnyNonArray:
		r = b.elem
	case types.AnyArray:
		r = b.array
	case types.AnyCompatible, types.AnyCompatibleNonArray:
		r = b.compat
	case types.AnyCompatibleArray:
		r = b.compatArr
	}
	if r == 0 {
		return t
	}
	return r
}

// unify binds the polymorphic types of want to the types in; false if they contradict each other.
func unify(want, in []types.OID) (binding, bool) {
	var b binding
	var compat []types.Type
	anyPoly, anyCompat := false, false
	for i, w := range want {
		t := in[i]
		switch w {
		case types.AnyElement, types.AnyNonArray:
			anyPoly = true
			b.elemNonArr = b.elemNonArr || w == types.AnyNonArray
			if t == types.Unknown {
				continue
			}
			if b.elem != 0 && b.elem != t {
				return b, false
			}
			b.elem = t
		case types.AnyArray:
			anyPoly = true
			if t == types.Unknown {
				continue
			}
			if !t.IsArray() && t != types.AnyArray || b.array != 0 && b.array != t {
				return b, false
			}
			b.array = t
		case types.AnyCompatible, types.AnyCompatibleNonArray:
			anyCompat = true
			if w == types.AnyCompatibleNonArray && t.IsArray() {
				return b, false
			}
			compat = append(compat, types.T(t))
		case types.AnyCompatibleArray:
			anyCompat = true
			if t == types.Unknown {
				compat = append(compat, types.T(t))
				continue
			}
			e, ok := types.ElemOf(t)
			if !ok {
				return b, false
			}
			compat = append(compat, types.T(e))
		}
	}
	if anyPoly && !b.bindElem() {
		return b, false
	}
	if anyCompat && !b.bindCompat(compat) {
		return b, false
	}
	return b, true
}

// bindElem makes element and array type agree.
func (b *binding) bindElem() bool {
	if b.array != 0 {
		e, ok := types.ElemOf(b.array)
		if !ok || b.elem != 0 && b.elem != e {
			return false
		}
		b.elem = e
	}
	if b.elem == 0 {
		b.undecided = true
		return true
	}
	if b.array == 0 {
		b.array, _ = types.ArrayOf(b.elem)
	}
	return !b.elemNonArr || !b.elem.IsArray()
}

func (b *binding) bindCompat(ts []types.Type) bool {
	t, err := CommonType("", ts)
	if err != nil {
		return false
	}
	for _, in := range ts {
		if !canCoerce(in.OID, t.OID) {
			return false
		}
	}
	b.compat = t.OID
	b.compatArr, _ = types.ArrayOf(t.OID)
	return true
}

// CommonType is the type that UNION, CASE, COALESCE, VALUES, ARRAY, GREATEST, IN, ... bring their branches to; what
// names the construct for the error message. All untyped literals: text.
func CommonType(what string, ts []types.Type) (types.Type, error) {
	if len(ts) == 0 {
		return types.T(types.Text), nil
	}
	t := ts[0].OID
	for _, next := range ts[1:] {
		n := next.OID
		switch {
		case n == types.Unknown || n == t:
		case t == types.Unknown:
			t = n
		case category(n) != category(t):
			return types.Type{}, pgerr.Newf(pgerr.DatatypeMismatch, "%s types %s and %s cannot be matched", what, t, n)
		case !isPreferred(t) && canCoerce(t, n) && !canCoerce(n, t):
			t = n
		}
	}
	if t == types.Unknown {
		return types.T(types.Text), nil
	}
	mod := ts[0].Mod
	for _, x := range ts {
		if x.OID != t || x.Mod != mod {
			mod = -1
		}
	}
	return types.Type{OID: t, Mod: mod}, nil
}
