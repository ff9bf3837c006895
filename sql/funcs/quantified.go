package funcs

import (
	"bytes"
	"slices"
	"strings"
	"sync"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Quantified comparisons, x op ANY (array) and x op ALL (array), are operators made from a comparison operator:
// their name is the operator's followed by " any" or " all", and they take the element and the array.

type quantKey struct {
	op  *Func
	all bool
}

var quantCache sync.Map // quantKey -> *Func

// Quantified makes the operator x op ANY (array) or, if all, x op ALL (array), from a binary operator that
// yields a bool. The array argument's type is the array over the operator's right type.
func Quantified(op *Func, all bool) *Func {
	key := quantKey{op, all}
	if f, ok := quantCache.Load(key); ok {
		return f.(*Func)
	}
	suffix := " any"
	if all {
		suffix = " all"
	}
	arr, ok := types.ArrayOf(op.Args[1])
	if !ok {
		arr = types.AnyArray
	}
	f := &Func{
		Name: op.Name + suffix, Kind: Operator, Args: []types.OID{op.Args[0], arr}, Ret: types.Bool, Vol: op.Vol,
		Lax: true, CanFail: op.CanFail, Kernel: quantKernel(op, all), Section: secArray,
	}
	got, _ := quantCache.LoadOrStore(key, f)
	return got.(*Func)
}

// ResolveQuantified resolves x op ANY/ALL (array): the types of the element and of the array (Unknown where
// untyped) give the operator and the types to coerce both to.
func ResolveQuantified(name string, all bool, elem, array types.Type) (*Func, []types.Type, error) {
	e := types.Unknown
	if array.OID != types.Unknown {
		var ok bool
		if e, ok = types.ElemOf(array.OID); !ok {
			return nil, nil, pgerr.New(pgerr.WrongObjectType, "op ANY/ALL (array) requires array on right side")
		}
	}
	op, args, ret, err := ResolveOperator(name, elem, types.T(e))
	if err != nil {
		return nil, nil, err
	}
	if ret.OID != types.Bool {
		return nil, nil, pgerr.New(pgerr.WrongObjectType, "op ANY/ALL (array) requires operator to yield boolean")
	}
	to, ok := types.ArrayOf(args[1].OID)
	if !ok {
		return nil, nil, pgerr.Newf(pgerr.UndefinedObject, "could not find array type for data type %s", args[1].OID)
	}
	// A vector type is read as it is; its elements are those of the array.
	coerce := types.T(to)
	if e == args[1].OID {
		coerce = array
	}
	return Quantified(op, all), []types.Type{args[0], coerce}, nil
}

// lookupQuantified finds a quantified operator again by its Func's name and arguments.
func lookupQuantified(name string, args []types.OID) (*Func, bool) {
	base, all := strings.CutSuffix(name, " all")
	if !all {
		var anyOf bool
		if base, anyOf = strings.CutSuffix(name, " any"); !anyOf {
			return nil, false
		}
	}
	if len(args) != 2 {
		return nil, false
	}
	for _, op := range registry().byName[funcKey{Operator, base}] {
		if op.Args[0] != args[0] {
			continue
		}
		if f := Quantified(op, all); slices.Equal(f.Args, args) {
			return f, true
		}
	}
	return nil, false
}

// quantKernel is the kernel of a quantified operator.
func quantKernel(op *Func, all bool) Kernel {
	if op.Name == "=" && !all && equalsBits(op.Args[0], op.Args[1]) {
		return memberKernel
	}
	return func(ctx *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
		q := quantifier{op: op, decided: b2i(!all), x: args[0], left: vec.New(args[0].Type, 0)}
		elem := args[1].Type.ElemType()
		forRows(rows, sel, func(i int) {
			if !settled(args, i, all, out) {
				q.row(ctx, i, elem, args[1].Bytes(i), out)
			}
		})
	}
}

// settled sets the result where it does not depend on the operator: null for a null array, what an empty one gives
// even for a null value, else null for a null value.
func settled(args []*vec.Vec, i int, all bool, out *vec.Vec) bool {
	if !args[1].IsNull(i) && !args[0].IsNull(i) {
		return false
	}
	if !args[1].IsNull(i) {
		if r := types.ReadArray(args[1].Type.ElemType(), args[1].Bytes(i)); r.Len() == 0 {
			out.I64[i] = b2i(all)
			return true
		}
	}
	out.SetNull(i)
	return true
}

// quantifier applies an operator to a value and all elements of an array at once. Rows one after the other that have
// the same array, as with a constant, decode it once.
type quantifier struct {
	op      *Func
	decided int64 // the outcome that one element settles: true for ANY, false for ALL
	x       *vec.Vec
	left    *vec.Vec // the value, once for each element
	same    []int32
	last    []byte
	elems   *vec.Vec
}

func (q *quantifier) row(ctx *Ctx, i int, elem types.Type, array []byte, out *vec.Vec) {
	if q.elems == nil || !bytes.Equal(array, q.last) {
		r := types.ReadArray(elem, array)
		q.elems, q.last = vec.New(elem, r.Len()), array
		appendElems(q.elems, &r)
	}
	n := q.elems.Len()
	q.same = q.same[:0]
	for range n {
		q.same = append(q.same, int32(i))
	}
	q.left.Reset()
	q.left.AppendSel(q.x, q.same)
	sub := ctx.Fork()
	v := run(sub, q.op, []*vec.Vec{q.left, q.elems}, n, types.T(types.Bool))
	null := false
	for k := range n {
		switch {
		case sub.Failed(int32(k)):
			ctx.Fail(int32(i), sub.Errors[0].Err)
			return
		case v.IsNull(k):
			null = true
		case v.I64[k] == q.decided:
			out.I64[i] = q.decided
			return
		}
	}
	if null {
		out.SetNull(i)
		return
	}
	out.I64[i] = 1 - q.decided
}

// equalsBits reports whether values of the two types are equal exactly if they are stored alike.
func equalsBits(l, r types.OID) bool {
	ints := func(t types.OID) bool { return t == types.Int2 || t == types.Int4 || t == types.Int8 }
	switch {
	case l != r:
		return ints(l) && ints(r)
	case types.T(l).Class() == types.I64:
		return true
	}
	return l == types.Text || l == types.Name || l == types.UUID || l == types.Bytea
}

// setAfter is how many rows in a row must have the same array before a set is made of it.
const setAfter = 8

// members are the elements of an array, as a set once it has come up often enough.
type members struct {
	elem  types.Type
	array []byte
	hits  int
	nulls bool
	ints  map[int64]struct{}
	strs  map[string]struct{}
}

// memberKernel is x = ANY (array) for types whose values are equal only if they are stored alike.
func memberKernel(_ *Ctx, args []*vec.Vec, rows int, sel []int32, out *vec.Vec) {
	x := args[0]
	m := members{elem: args[1].Type.ElemType()}
	isInt := x.Type.Class() == types.I64
	forRows(rows, sel, func(i int) {
		if settled(args, i, false, out) {
			return
		}
		var n int64
		var s string
		if isInt {
			n = x.I64[i]
		} else {
			s = x.Str(i)
		}
		found, null := m.has(args[1].Bytes(i), n, s)
		switch {
		case found:
			out.I64[i] = 1
		case null:
			out.SetNull(i)
		}
	})
}

func (m *members) has(array []byte, n int64, s string) (found, null bool) {
	if m.hits == 0 || !bytes.Equal(array, m.array) {
		*m = members{elem: m.elem, array: array}
	}
	if m.hits++; m.hits < setAfter {
		for r := types.ReadArray(m.elem, array); r.Next(); {
			switch {
			case r.Null:
				null = true
			case m.elem.Class() == types.I64 && r.I64 == n, m.elem.Class() == types.Bytes && string(r.Bytes) == s:
				return true, false
			}
		}
		return false, null
	}
	if m.hits == setAfter {
		m.build()
	}
	if m.ints != nil {
		_, found = m.ints[n]
	} else {
		_, found = m.strs[s]
	}
	return found, m.nulls
}

func (m *members) build() {
	r := types.ReadArray(m.elem, m.array)
	if m.elem.Class() == types.I64 {
		m.ints = make(map[int64]struct{}, r.Len())
	} else {
		m.strs = make(map[string]struct{}, r.Len())
	}
	for r.Next() {
		switch {
		case r.Null:
			m.nulls = true
		case m.ints != nil:
			m.ints[r.I64] = struct{}{}
		default:
			m.strs[string(r.Bytes)] = struct{}{}
		}
	}
}
