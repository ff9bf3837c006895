package pgcatalog

import (
	"strconv"
	"sync"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
)

func itoa[T integer](v T) string { return strconv.FormatInt(int64(v), 10) }

// proc is a function as pg_proc shows it.
type proc struct {
	oid      types.OID
	name     string
	kind     byte // f, a, w
	args     []types.OID
	ret      types.OID
	variadic bool
	set      bool
	strict   bool
	vol      funcs.Volatility
	doc      string
}

// procs are all functions, by name and by oid.
var procs = sync.OnceValue(func() *procTable {
	t := &procTable{byOID: map[types.OID]*proc{}, byName: map[string][]*proc{}}
	for _, d := range ioProcs {
		t.add(&proc{oid: types.OID(d.oid), name: d.name, kind: 'f', args: parseOids(d.args), ret: types.OID(d.ret),
			strict: true, vol: funcs.Immutable})
	}
	for _, f := range funcs.All() {
		if f.Kind == funcs.Function {
			t.add(&proc{oid: f.OID, name: f.Name, kind: 'f', args: f.Args, ret: f.Ret, variadic: f.Variadic,
				strict: !f.Lax, vol: f.Vol, doc: f.Doc})
		}
	}
	for _, f := range funcs.SetFuncs() {
		p := &proc{oid: f.OID, name: f.Name, kind: 'f', args: f.Args, ret: types.Record, variadic: f.Variadic,
			set: true, strict: !f.Lax, vol: f.Vol, doc: f.Doc}
		if len(f.Cols) == 1 {
			p.ret = f.Cols[0].Type.OID
		}
		t.add(p)
	}
	for _, a := range funcs.Aggregates() {
		t.add(&proc{oid: a.OID, name: a.Name, kind: 'a', args: a.Args, ret: a.Ret, vol: funcs.Immutable, doc: a.Doc})
	}
	return t
})

type procTable struct {
	all    []*proc
	byOID  map[types.OID]*proc
	byName map[string][]*proc
}

func (t *procTable) add(p *proc) {
	if t.byOID[p.oid] != nil {
		return
	}
	t.all = append(t.all, p)
	t.byOID[p.oid] = p
	t.byName[p.name] = append(t.byName[p.name], p)
}

func parseOids(s string) []types.OID {
	var out []types.OID
	var v uint64
	in := false
	for _, c := range s + " " {
		if c >= '0' && c <= '9' {
			v, in = v*10+uint64(c-'0'), true
		} else if in {
			out, v, in = append(out, types.OID(v)), 0, false
		}
	}
	return out
}

// procOID is the oid of the only function of that name, 0 for none.
func procOID(name string) uint32 {
	if ps := procs().byName[name]; len(ps) > 0 {
		return uint32(ps[0].oid)
	}
	return 0
}

func fillProc(w *writer) {
	for _, p := range procs().all {
		v := row{
			"oid": num(uint32(p.oid)), "proname": str(p.name), "pronamespace": num(catalog.PgCatalogID),
			"proowner": num(catalog.SuperuserID), "prolang": num(12), "procost": float(1), "prokind": num(p.kind),
			"proisstrict": yes(p.strict), "proretset": yes(p.set), "provolatile": num(byte(p.vol)),
			"proparallel": num(byte('s')), "pronargs": num(len(p.args)), "prorettype": num(uint32(p.ret)),
			"proargtypes": vector(ints(p.args)), "prosrc": str(p.name),
		}
		if p.set {
			v["prorows"] = float(1000)
		}
		if p.variadic && len(p.args) > 0 {
			v["provariadic"] = num(uint32(p.args[len(p.args)-1]))
		}
		w.add(v)
	}
}

func fillAggregate(w *writer) {
	for _, a := range funcs.Aggregates() {
		w.add(row{"aggfnoid": num(uint32(a.OID)), "aggkind": num(byte('n')), "aggfinalmodify": num(byte('r')),
			"aggmfinalmodify": num(byte('r'))})
	}
}

func fillOperator(w *writer) {
	for _, f := range funcs.All() {
		v := row{"oid": num(uint32(f.OID)), "oprname": str(f.Name), "oprnamespace": num(catalog.PgCatalogID),
			"oprowner": num(catalog.SuperuserID), "oprkind": num(byte(f.Kind)), "oprresult": num(uint32(f.Ret))}
		switch {
		case f.Kind == funcs.Operator && len(f.Args) == 2:
			v["oprleft"], v["oprright"] = num(uint32(f.Args[0])), num(uint32(f.Args[1]))
		case f.Kind == funcs.Prefix && len(f.Args) == 1:
			v["oprright"] = num(uint32(f.Args[0]))
		default:
			continue
		}
		w.add(v)
	}
}

// castBase makes oids for casts, which have none of their own here.
const castBase = 10000

func fillCast(w *writer) {
	for i, c := range funcs.CastRows() {
		w.add(row{"oid": num(castBase + i), "castsource": num(uint32(c.From)), "casttarget": num(uint32(c.To)),
			"castcontext": num(byte(c.Context)), "castmethod": num(c.Method)})
	}
}
