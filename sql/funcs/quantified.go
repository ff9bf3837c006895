package funcs

import (
	"strings"
	"sync"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
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
		CanFail: op.CanFail, Kernel: quantKernel(op, all), Section: secArray,
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
		if f := Quantified(op, all); equalOIDs(f.Args, args) {
			return f, true
		}
	}
	return nil, false
}
