package funcs

import (
	"strings"
	"sync"

	"github.com/millracedb/millrace/sql/types"
)

// CastContext says what sort of text a cast may come from.
type CastContext byte

const (
	Implicit   CastContext = 'i' // no cast written: operators, functions, UNION
	Assignment CastContext = 'a' // INSERT and UPDATE of a column
	Explicit   CastContext = 'e' // CAST and ::
)

// allows reports whether a cast that pg_cast lists for context c may be used in context in.
func (c CastContext) allows(in CastContext) bool {
	return c == Implicit || in == Explicit || c == in
}

// castKind is how a cast works.
type castKind byte

const (
	castNone    castKind = iota
	castRelabel          // the value is the same in both types
	castKernel           // a kernel of the cast table
	castInput            // from text by the target's input function
	castOutput           // to text by the source's output function
	castArray            // element by element
)

// castMethod finds how a value of type from becomes one of type to: PostgreSQL's find_coercion_pathway.
func castMethod(from, to types.OID, ctx CastContext) (castKind, bool) {
	if from == to {
		return castRelabel, true
	}
	if from == types.Unknown {
		return castInput, types.InfoOf(to) != nil
	}
	if row, ok := castTable()[castKey{from, to}]; ok {
		if !row.context.allows(ctx) {
			return castNone, false
		}
		if row.kernel == nil {
			return castRelabel, true
		}
		return castKernel, true
	}
	fe, fromArr := types.ElemOf(from)
	te, toArr := types.ElemOf(to)
	if fromArr && toArr && from != types.Int2Vector && from != types.OidVector &&
		to != types.Int2Vector && to != types.OidVector {
		switch m, ok := castMethod(fe, te, ctx); {
		case !ok:
			return castNone, false
		case m == castRelabel:
			return castRelabel, true // the array encoding does not name the element type
		default:
			return castArray, true
		}
	}
	if from == types.Int2Vector && to == types.Int2Array || from == types.OidVector && to == types.OidArray {
		return castRelabel, true
	}
	if ctx != Implicit && category(to) == 'S' && (ctx == Explicit || category(from) != 'P') {
		return castOutput, true
	}
	if ctx == Explicit && category(from) == 'S' {
		return castInput, true
	}
	return castNone, false
}

type castKey struct{ from, to types.OID }

// castID is one cast with all that its kernel depends on besides types and typmods.
type castID struct {
	castKey
	assign bool // too long a string is an error, not cut
}

var castCache sync.Map // castID -> *Func

// assignPrefix marks, in Func.Name, casts of assignments, which refuse to cut a string.
const assignPrefix = "assign "

// FindCast finds the cast of from to to in a context. The Func is nil if there is nothing to compute: the value
// is the same in both types. The kernel of a cast takes the target's typmod from out.Type, so that one call
// converts and applies the typmod: the Call's T must be to. A Func's name is pg_type.typname of the target,
// after "assign " for implicit and assignment casts to char(n) and varchar(n).
func FindCast(from, to types.Type, ctx CastContext) (*Func, bool) {
	kind, ok := castMethod(from.OID, to.OID, ctx)
	if !ok {
		return nil, false
	}
	if kind == castRelabel && (to.Mod == -1 || to.Mod == from.Mod && from.OID == to.OID || !hasTypmod(to.OID)) {
		return nil, true
	}
	assign := ctx != Explicit
	return castFunc(castID{castKey{from.OID, to.OID}, assign && stringTypmod(to.OID)}), true
}

func stringTypmod(t types.OID) bool {
	switch t {
	case types.Varchar, types.BPChar, types.VarcharArray, types.BPCharArray:
		return true
	}
	return false
}

// hasTypmod reports whether values of type t, or its elements, are fitted to the typmod.
func hasTypmod(t types.OID) bool {
	in := types.InfoOf(t)
	return in != nil && in.ModIn != ""
}

func castFunc(id castID) *Func {
	if f, ok := castCache.Load(id); ok {
		return f.(*Func)
	}
	name := id.to.TypName()
	if id.assign {
		name = assignPrefix + name
	}
	f := &Func{
		Name: name, Kind: CastFunc, Args: []types.OID{id.from}, Ret: id.to, Vol: castVolatility(id.castKey),
		CanFail: castCanFail(id), Kernel: castKernelOf(id), Section: "Casts",
	}
	got, _ := castCache.LoadOrStore(id, f)
	return got.(*Func)
}

// lookupCast finds a cast again by its Func's name.
func lookupCast(name string, args []types.OID) (*Func, bool) {
	target, assign := strings.CutPrefix(name, assignPrefix)
	to, ok := types.ByTypName(target)
	if !ok || len(args) != 1 {
		return nil, false
	}
	if _, ok := castMethod(args[0], to, Explicit); !ok {
		return nil, false
	}
	return castFunc(castID{castKey{args[0], to}, assign}), true
}

// castKernelOf builds the kernel of a cast. Relabelling casts get here only for the sake of the typmod.
func castKernelOf(id castID) Kernel {
	if row, ok := castTable()[id.castKey]; ok && row.kernel != nil {
		return row.kernel(id.assign)
	}
	kind, _ := castMethod(id.from, id.to, Explicit)
	switch kind {
	case castInput:
		return inputKernel(id.to, id.assign)
	case castOutput:
		return outputKernel(id.from, id.to, id.assign)
	case castArray:
		return arrayCastKernel(id)
	}
	return typmodKernel(id)
}

// castVolatility: reg* names depend on the catalog. What depends on the time zone alone counts as immutable
// (see Volatility).
func castVolatility(k castKey) Volatility {
	if isReg(k.from) && category(k.to) == 'S' || isReg(k.to) && (category(k.from) == 'S' || k.from == types.Unknown) {
		return Stable
	}
	return Immutable
}

func isReg(t types.OID) bool {
	switch t {
	case types.RegProc, types.RegProcedure, types.RegOper, types.RegOperator, types.RegClass, types.RegType,
		types.RegRole, types.RegNamespace, types.RegCollation:
		return true
	}
	return false
}

// castCanFail is false only for the casts known to succeed on every value.
func castCanFail(id castID) bool {
	if row, ok := castTable()[id.castKey]; ok && row.kernel != nil {
		return !row.total
	}
	kind, _ := castMethod(id.from, id.to, Explicit)
	return kind != castOutput || id.assign
}
