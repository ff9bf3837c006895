package funcs

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// Resolution follows PostgreSQL's chapter "Type Conversion" (parse_func.c, parse_oper.c): exact match, then
// candidates all of whose arguments coerce implicitly, then most exact matches, then preferred types, then the
// category of untyped literals. args are the types of the arguments as bound so far, types.Unknown for untyped
// literals and parameters. Each Resolve function answers the row, the types to coerce the arguments to
// (args[i] itself where nothing is to be done), and the type of the result.

// Resolution is what a call resolves to.
type Resolution struct {
	Args []types.Type // coerce the arguments to these; as many as were given
	Ret  types.Type
}

// ResolveFunc finds the function called name for arguments of the given types. A name that is a type's, with one
// argument, is a cast.
func ResolveFunc(name string, args []types.Type) (*Func, []types.Type, types.Type, error) {
	rows := registry().byName[funcKey{Function, name}]
	cands := make([]candidate, 0, len(rows))
	for i, f := range rows {
		cands = addCandidate(cands, f.Args, f.Variadic, f.Ret, i, len(args))
	}
	best, n := selectCandidate(cands, args)
	if best != nil && best.exact(args) {
		f := rows[best.row]
		r, err := best.resolution(f.Name, args, f.RetMod)
		return f, r.Args, r.Ret, err
	}
	if f, r, ok := functionCast(name, args); ok {
		return f, r.Args, r.Ret, nil
	}
	if best == nil {
		return nil, nil, types.Type{}, errFunc(name, args, n)
	}
	f := rows[best.row]
	r, err := best.resolution(f.Name, args, f.RetMod)
	return f, r.Args, r.Ret, err
}

// functionCast reads int8(x) as a cast where no function of that name fits exactly.
func functionCast(name string, args []types.Type) (*Func, Resolution, bool) {
	if len(args) != 1 {
		return nil, Resolution{}, false
	}
	to, ok := types.ByTypName(name)
	if !ok || strings.HasPrefix(name, "_") {
		return nil, Resolution{}, false
	}
	f, ok := FindCast(args[0], types.T(to), Explicit)
	if !ok {
		return nil, Resolution{}, false
	}
	if f == nil {
		f = Relabel
	}
	return f, Resolution{Args: args, Ret: types.T(to)}, true
}

// ResolveAggregate is ResolveFunc for aggregates. count(*) has no arguments.
func ResolveAggregate(name string, args []types.Type) (*Aggregate, []types.Type, types.Type, error) {
	rows := registry().aggsBy[name]
	cands := make([]candidate, 0, len(rows))
	for i, a := range rows {
		cands = addCandidate(cands, a.Args, false, a.Ret, i, len(args))
	}
	best, n := selectCandidate(cands, args)
	if best == nil {
		return nil, nil, types.Type{}, errFunc(name, args, n)
	}
	a := rows[best.row]
	r, err := best.resolution(name, args, nil)
	return a, r.Args, r.Ret, err
}

// IsAggregate reports whether name is an aggregate's.
func IsAggregate(name string) bool { return len(registry().aggsBy[name]) > 0 }

// IsSetReturning reports whether name is a set-returning function's.
func IsSetReturning(name string) bool { return len(registry().setsBy[name]) > 0 }

// IsFunction reports whether there is a scalar function called name, whatever its arguments.
func IsFunction(name string) bool { return len(registry().byName[funcKey{Function, name}]) > 0 }

// ResolveSet is ResolveFunc for set-returning functions; cols are the columns of its rows.
func ResolveSet(name string, args []types.Type) (f *SetFunc, coerce []types.Type, cols []SetCol, err error) {
	rows := registry().setsBy[name]
	cands := make([]candidate, 0, len(rows))
	for i, f := range rows {
		cands = addCandidate(cands, f.Args, f.Variadic, types.Record, i, len(args))
	}
	best, n := selectCandidate(cands, args)
	if best == nil {
		return nil, nil, nil, errFunc(name, args, n)
	}
	f = rows[best.row]
	cols = make([]SetCol, len(f.Cols))
	for i, c := range f.Cols {
		b := *best
		b.ret = c.Type.OID
		r, err := b.resolution(name, args, nil)
		if err != nil {
			return nil, nil, nil, err
		}
		coerce, cols[i] = r.Args, SetCol{c.Name, r.Ret}
	}
	return f, coerce, cols, nil
}

// ResolveOperator finds the binary operator called name.
func ResolveOperator(name string, l, r types.Type) (*Func, []types.Type, types.Type, error) {
	args := []types.Type{l, r}
	rows := registry().byName[funcKey{Operator, name}]
	cands := make([]candidate, 0, len(rows))
	for i, f := range rows {
		cands = addCandidate(cands, f.Args, false, f.Ret, i, 2)
	}
	best, n := selectOperator(cands, args)
	if best == nil {
		return nil, nil, types.Type{}, errOperator(name, args, n)
	}
	f := rows[best.row]
	res, err := best.resolution(name, args, f.RetMod)
	if err != nil {
		return nil, nil, types.Type{}, errOperator(name, args, 0)
	}
	return f, res.Args, res.Ret, nil
}

// selectOperator tries an untyped side as the type of the other side first.
func selectOperator(cands []candidate, args []types.Type) (*candidate, int) {
	l, r := args[0].OID, args[1].OID
	if l == types.Unknown {
		l = r
	} else if r == types.Unknown {
		r = l
	}
	for i := range cands {
		if cands[i].args[0] == l && cands[i].args[1] == r {
			return &cands[i], 1
		}
	}
	return selectCandidate(cands, args)
}

// ResolvePrefix finds the prefix operator called name.
func ResolvePrefix(name string, arg types.Type) (*Func, []types.Type, types.Type, error) {
	args := []types.Type{arg}
	rows := registry().byName[funcKey{Prefix, name}]
	cands := make([]candidate, 0, len(rows))
	for i, f := range rows {
		cands = addCandidate(cands, f.Args, false, f.Ret, i, 1)
	}
	best, n := selectCandidate(cands, args)
	if best == nil {
		return nil, nil, types.Type{}, errOperator(name, args, n)
	}
	f := rows[best.row]
	res, err := best.resolution(name, args, f.RetMod)
	return f, res.Args, res.Ret, err
}

// IsOperator reports whether there is an operator called name, whatever its arguments.
func IsOperator(name string) bool {
	t := registry()
	return len(t.byName[funcKey{Operator, name}])+len(t.byName[funcKey{Prefix, name}]) > 0
}

// candidate is a row of a table for a given number of arguments, variadic ones spread out.
type candidate struct {
	args     []types.OID
	ret      types.OID
	row      int
	variadic bool
}

func addCandidate(cands []candidate, args []types.OID, variadic bool, ret types.OID, row, n int) []candidate {
	if !variadic {
		if len(args) == n {
			cands = append(cands, candidate{args, ret, row, false})
		}
		return cands
	}
	if n < len(args) {
		return cands
	}
	spread := append([]types.OID{}, args...)
	for len(spread) < n {
		spread = append(spread, args[len(args)-1])
	}
	return append(cands, candidate{spread, ret, row, true})
}

func (c *candidate) exact(args []types.Type) bool {
	for i, a := range args {
		if c.args[i] != a.OID {
			return false
		}
	}
	return true
}

// coercible reports whether args coerce implicitly to what the candidate takes.
func (c *candidate) coercible(args []types.OID) bool {
	var poly bool
	for i, a := range args {
		if isPoly(c.args[i]) {
			poly = true
			continue
		}
		if !canCoerce(a, c.args[i]) {
			return false
		}
	}
	if !poly {
		return true
	}
	_, ok := unify(c.args, args)
	return ok
}

// selectCandidate picks the best candidate; n is how many were left when none is.
func selectCandidate(cands []candidate, args []types.Type) (best *candidate, n int) {
	for i := range cands {
		if cands[i].exact(args) && !cands[i].variadic {
			return &cands[i], 1
		}
	}
	in := make([]types.OID, len(args))
	for i, a := range args {
		in[i] = a.OID
	}
	left := make([]*candidate, 0, len(cands))
	for i := range cands {
		if cands[i].coercible(in) {
			left = append(left, &cands[i])
		}
	}
	if len(left) > 1 {
		left = preferFixed(left)
	}
	if len(left) <= 1 {
		if len(left) == 0 {
			return nil, 0
		}
		return left[0], 1
	}
	return narrow(left, in)
}

// preferFixed drops variadic candidates that a fixed one with the same arguments shadows.
func preferFixed(cands []*candidate) []*candidate {
	out := cands[:0:0]
	for _, c := range cands {
		shadowed := false
		for _, d := range cands {
			shadowed = shadowed || c.variadic && !d.variadic && slices.Equal(c.args, d.args)
		}
		if !shadowed {
			out = append(out, c)
		}
	}
	return out
}

// narrow is PostgreSQL's func_select_candidate.
func narrow(cands []*candidate, in []types.OID) (*candidate, int) {
	unknowns := 0
	for _, t := range in {
		if t == types.Unknown {
			unknowns++
		}
	}
	cands = mostMatches(cands, in, func(in, want types.OID) bool { return in == want })
	if len(cands) == 1 {
		return cands[0], 1
	}
	cands = mostMatches(cands, in, func(in, want types.OID) bool {
		return in == want || preferredIn(category(in), want)
	})
	if len(cands) == 1 {
		return cands[0], 1
	}
	if unknowns == 0 {
		return nil, len(cands)
	}
	cands = matchUnknowns(cands, in)
	if len(cands) == 1 {
		return cands[0], 1
	}
	if unknowns < len(in) {
		if c := sameAsKnown(cands, in); c != nil {
			return c, 1
		}
	}
	return nil, len(cands)
}

// mostMatches keeps the candidates with the most arguments that match.
func mostMatches(cands []*candidate, in []types.OID, match func(in, want types.OID) bool) []*candidate {
	var out []*candidate
	best := -1
	for _, c := range cands {
		n := 0
		for i, t := range in {
			if t != types.Unknown && match(t, c.args[i]) {
				n++
			}
		}
		if n > best {
			best, out = n, nil
		}
		if n == best {
			out = append(out, c)
		}
	}
	return out
}

// matchUnknowns decides what category untyped literals are of, the string category if any candidate takes
// that, and keeps the candidates that accept it, those of the preferred type first.
func matchUnknowns(cands []*candidate, in []types.OID) []*candidate {
	type slot struct {
		cat  byte
		pref bool
	}
	slots := make([]slot, len(in))
	for i, t := range in {
		if t != types.Unknown {
			continue
		}
		conflict := false
		s := &slots[i]
		for _, c := range cands {
			cat, pref := category(c.args[i]), isPreferred(c.args[i])
			switch {
			case s.cat == 0:
				*s = slot{cat, pref}
			case s.cat == cat:
				s.pref = s.pref || pref
			case cat == 'S':
				*s = slot{cat, pref}
			default:
				conflict = true
			}
		}
		if conflict && s.cat != 'S' {
			return cands
		}
	}
	var out []*candidate
	for _, c := range cands {
		keep := true
		for i, t := range in {
			if t == types.Unknown && (category(c.args[i]) != slots[i].cat || slots[i].pref && !isPreferred(c.args[i])) {
				keep = false
			}
		}
		if keep {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return cands
	}
	return out
}

// sameAsKnown takes untyped literals for the one type that all typed arguments have.
func sameAsKnown(cands []*candidate, in []types.OID) *candidate {
	known := types.Unknown
	for _, t := range in {
		if t == types.Unknown {
			continue
		}
		if known != types.Unknown && known != t {
			return nil
		}
		known = t
	}
	same := make([]types.OID, len(in))
	for i := range same {
		same[i] = known
	}
	var found *candidate
	for _, c := range cands {
		if c.coercible(same) {
			if found != nil {
				return nil
			}
			found = c
		}
	}
	return found
}

// resolution fills in polymorphic types and the result's typmod.
func (c *candidate) resolution(name string, args []types.Type, retMod func([]types.Type) int32) (Resolution, error) {
	in := make([]types.OID, len(args))
	for i, a := range args {
		in[i] = a.OID
	}
	b, ok := unify(c.args, in)
	if !ok {
		return Resolution{}, errFunc(name, args, 0)
	}
	r := Resolution{Args: make([]types.Type, len(args))}
	if b.undecided {
		return r, pgerr.New(pgerr.DatatypeMismatch, "could not determine polymorphic type because input has type unknown")
	}
	for i, a := range args {
		want := b.concrete(c.args[i])
		switch {
		case want == types.Any && a.OID == types.Unknown:
			r.Args[i] = types.T(types.Text)
		case want == a.OID || want == types.Any || want == types.Record && a.OID == types.Record:
			r.Args[i] = a
		default:
			r.Args[i] = types.T(want)
		}
	}
	if r.Ret = types.T(b.concrete(c.ret)); isPoly(r.Ret.OID) {
		return r, pgerr.New(pgerr.DatatypeMismatch, "could not determine polymorphic type because input has type unknown")
	}
	if retMod != nil {
		r.Ret.Mod = retMod(r.Args)
	}
	return r, nil
}

// Signature prints a call's name and argument types as PostgreSQL's messages do.
func Signature(name string, args []types.Type) string {
	var b strings.Builder
	b.WriteString(name)
	b.WriteByte('(')
	for i, a := range args {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(a.OID.String())
	}
	b.WriteByte(')')
	return b.String()
}

func errFunc(name string, args []types.Type, n int) error {
	if n > 1 {
		return pgerr.Newf(pgerr.AmbiguousFunction, "function %s is not unique", Signature(name, args)).
			WithHint("Could not choose a best candidate function. You might need to add explicit type casts.")
	}
	return pgerr.Newf(pgerr.UndefinedFunction, "function %s does not exist", Signature(name, args)).
		WithHint("No function matches the given name and argument types. You might need to add explicit type casts.")
}

func errOperator(name string, args []types.Type, n int) error {
	call := name + " " + args[0].OID.String()
	noun, hint := "type", "an explicit type cast"
	if len(args) == 2 {
		call = args[0].OID.String() + " " + name + " " + args[1].OID.String()
		noun, hint = "types", "explicit type casts"
	}
	if n > 1 {
		return pgerr.Newf(pgerr.AmbiguousFunction, "operator is not unique: %s", call).
			WithHint("Could not choose a best candidate operator. You might need to add explicit type casts.")
	}
	return pgerr.Newf(pgerr.UndefinedFunction, "operator does not exist: %s", call).
		WithHint("No operator matches the given name and argument %s. You might need to add %s.", noun, hint)
}
