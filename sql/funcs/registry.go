package funcs

import (
	"slices"
	"sort"
	"sync"

	"github.com/millracedb/millrace/sql/types"
)

// sections are the parts of the function table, one file each, in the order of docs/functions.md.
func sections() [][]Func {
	return [][]Func{
		compareFuncs(), intFuncs(), floatFuncs(), numericFuncs(), miscMathFuncs(), stringFuncs(), concatFuncs(),
		datetimeFuncs(), likeFuncs(), regexFuncs(), arrayFuncs(), jsonFuncs(),
		sessionFuncs(), catalogFuncs(), formatFuncs(),
	}
}

// table is the function table and its indexes. It is built once, on first use, and never changes.
type table struct {
	all    []*Func
	byName map[funcKey][]*Func
	byOID  map[types.OID]*Func
	aggs   []*Aggregate
	aggsBy map[string][]*Aggregate
	sets   []*SetFunc
	setsBy map[string][]*SetFunc
}

type funcKey struct {
	kind FuncKind
	name string
}

var registry = sync.OnceValue(buildTable)

func buildTable() *table {
	t := &table{
		byName: map[funcKey][]*Func{}, byOID: map[types.OID]*Func{},
		aggsBy: map[string][]*Aggregate{}, setsBy: map[string][]*SetFunc{},
	}
	for _, s := range sections() {
		for i := range s {
			t.add(&s[i])
		}
	}
	for _, a := range aggregates() {
		if a.OID == 0 {
			a.OID = oidOf('a', a.Name, a.Args)
		}
		t.aggs = append(t.aggs, a)
		t.aggsBy[a.Name] = append(t.aggsBy[a.Name], a)
	}
	for _, f := range setFuncs() {
		if f.OID == 0 {
			f.OID = oidOf(Function, f.Name, f.Args)
		}
		t.sets = append(t.sets, f)
		t.setsBy[f.Name] = append(t.setsBy[f.Name], f)
	}
	return t
}

func (t *table) add(f *Func) {
	if f.OID == 0 {
		f.OID = oidOf(f.Kind, f.Name, f.Args)
	}
	t.all = append(t.all, f)
	k := funcKey{f.Kind, f.Name}
	t.byName[k] = append(t.byName[k], f)
	if f.Kind != CastFunc {
		t.byOID[f.OID] = f
	}
}

// All returns every function and operator, by section. The slice and its rows must not be changed.
func All() []*Func { return registry().all }

// Aggregates returns every aggregate.
func Aggregates() []*Aggregate { return registry().aggs }

// SetFuncs returns every set-returning function.
func SetFuncs() []*SetFunc { return registry().sets }

// ByOID returns the function or operator with a pg_proc or pg_operator oid.
func ByOID(oid types.OID) (*Func, bool) {
	f, ok := registry().byOID[oid]
	return f, ok
}

// Names returns the distinct names of functions, aggregates and set-returning functions, sorted.
func Names() []string {
	t := registry()
	seen := map[string]bool{}
	for k := range t.byName {
		if k.kind == Function {
			seen[k.name] = true
		}
	}
	for n := range t.aggsBy {
		seen[n] = true
	}
	for n := range t.setsBy {
		seen[n] = true
	}
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Lookup finds the row with exactly this signature: what decoding a plan needs. Casts are named after their
// target type; see FindCast.
func Lookup(kind FuncKind, name string, args []types.OID) (*Func, bool) {
	for _, f := range registry().byName[funcKey{kind, name}] {
		if slices.Equal(f.Args, args) {
			return f, true
		}
	}
	switch kind {
	case CastFunc:
		if name == Relabel.Name {
			return Relabel, true
		}
		return lookupCast(name, args)
	case Operator:
		return lookupQuantified(name, args)
	}
	return nil, false
}

// LookupAggregate finds the aggregate with exactly this signature.
func LookupAggregate(name string, args []types.OID) (*Aggregate, bool) {
	for _, a := range registry().aggsBy[name] {
		if slices.Equal(a.Args, args) {
			return a, true
		}
	}
	return nil, false
}

// LookupSet finds the set-returning function with exactly this signature.
func LookupSet(name string, args []types.OID) (*SetFunc, bool) {
	for _, f := range registry().setsBy[name] {
		if slices.Equal(f.Args, args) {
			return f, true
		}
	}
	return nil, false
}
