package pgcatalog

import (
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// Source is where names are looked up: the catalog and the search path of a session.
type Source interface {
	Snapshot() *catalog.Snapshot
	// SearchPath lists the schemas of the path that exist; implicit adds pg_catalog where it is searched unasked.
	SearchPath(implicit bool) []string
}

// Names is types.RegNames over a Source.
type Names struct{ Source Source }

var _ types.RegNames = (*Names)(nil)

// indexCache holds the indexes of the last snapshot by oid.
var indexCache atomic.Pointer[indexMap]

type indexMap struct {
	cat  *catalog.Snapshot
	byID map[catalog.ID]index
}

func indexByID(cat *catalog.Snapshot, id catalog.ID) (index, bool) {
	m := indexCache.Load()
	if m == nil || m.cat != cat {
		m = &indexMap{cat: cat, byID: map[catalog.ID]index{}}
		for _, r := range cat.Relations() {
			for _, x := range indexes(r) {
				m.byID[x.id] = x
			}
		}
		indexCache.Store(m)
	}
	x, ok := m.byID[id]
	return x, ok
}

// visible reports whether a relation is found by its bare name.
func visible(cat *catalog.Snapshot, r *catalog.Relation, path []string) bool {
	return cat.Resolve(path, r.Name) == r
}

// qualified is a relation's name, with its schema unless the path finds it, quoted where needed.
func qualified(cat *catalog.Snapshot, r *catalog.Relation, path []string) string {
	if visible(cat, r, path) {
		return funcs.QuoteIdent(r.Name)
	}
	return fullName(cat, r.Schema, r.Name)
}

func fullName(cat *catalog.Snapshot, schema catalog.ID, name string) string {
	if sc := cat.SchemaByID(schema); sc != nil {
		return funcs.QuoteIdent(sc.Name) + "." + funcs.QuoteIdent(name)
	}
	return funcs.QuoteIdent(name)
}

// AppendRegName appends what object v is called; false if there is none.
func (n *Names) AppendRegName(dst []byte, t types.OID, v types.OID) ([]byte, bool) {
	cat := n.Source.Snapshot()
	switch t {
	case types.RegClass:
		path := n.Source.SearchPath(true)
		if r := cat.Relation(catalog.ID(v)); r != nil {
			return append(dst, qualified(cat, r, path)...), true
		}
		if x, ok := indexByID(cat, catalog.ID(v)); ok {
			if visible(cat, x.rel, path) {
				return append(dst, funcs.QuoteIdent(x.name)...), true
			}
			return append(dst, fullName(cat, x.rel.Schema, x.name)...), true
		}
	case types.RegType:
		if in := types.InfoOf(v); in != nil {
			return append(dst, in.SQLName...), true
		}
	case types.RegProc, types.RegProcedure:
		p := procs().byOID[v]
		if p == nil {
			return dst, false
		}
		dst = append(dst, funcs.QuoteIdent(p.name)...)
		if t == types.RegProcedure {
			dst = append(dst, argList(p.args)...)
		}
		return dst, true
	case types.RegOper, types.RegOperator:
		if f, ok := funcs.ByOID(v); ok && f.Kind != funcs.Function {
			dst = append(dst, f.Name...)
			if t == types.RegOperator {
				dst = append(dst, operatorArgs(f)...)
			}
			return dst, true
		}
	case types.RegNamespace:
		if sc := cat.SchemaByID(catalog.ID(v)); sc != nil {
			return append(dst, funcs.QuoteIdent(sc.Name)...), true
		}
	case types.RegRole:
		if r := cat.RoleByID(catalog.ID(v)); r != nil {
			return append(dst, funcs.QuoteIdent(r.Name)...), true
		}
	case types.RegCollation:
		if s, ok := collationNames[v]; ok {
			return append(dst, `"`+s+`"`...), true
		}
	}
	return dst, false
}

var collationNames = map[types.OID]string{100: "default", 950: "C", 951: "POSIX"}

func argList(args []types.OID) string {
	s := make([]string, len(args))
	for i, a := range args {
		s[i] = a.String()
	}
	return "(" + strings.Join(s, ",") + ")"
}

func operatorArgs(f *funcs.Func) string {
	if f.Kind == funcs.Prefix {
		return "(NONE," + f.Args[0].String() + ")"
	}
	return argList(f.Args)
}

// RegLookup finds the object called name.
func (n *Names) RegLookup(t types.OID, name string) (types.OID, error) {
	switch t {
	case types.RegClass:
		return n.lookupClass(name)
	case types.RegType:
		return LookupType(n.Source.Snapshot(), name)
	case types.RegProc:
		return n.lookupProc(name)
	case types.RegProcedure:
		return n.lookupProcedure(name)
	case types.RegOper, types.RegOperator:
		return lookupOperator(name, t == types.RegOperator)
	}
	parts, err := parseName(name)
	if err != nil {
		return 0, err
	}
	if len(parts) != 1 {
		return 0, pgerr.New(pgerr.InvalidName, "invalid name syntax")
	}
	cat := n.Source.Snapshot()
	switch t {
	case types.RegNamespace:
		if sc := cat.Schema(parts[0]); sc != nil {
			return types.OID(sc.ID), nil
		}
		return 0, pgerr.Newf(pgerr.InvalidSchemaName, `schema "%s" does not exist`, parts[0])
	case types.RegRole:
		if r := cat.Role(parts[0]); r != nil {
			return types.OID(r.ID), nil
		}
		return 0, pgerr.Newf(pgerr.UndefinedObject, `role "%s" does not exist`, parts[0])
	case types.RegCollation:
		for id, c := range collationNames {
			if c == parts[0] {
				return id, nil
			}
		}
		return 0, pgerr.Newf(pgerr.UndefinedObject, `collation "%s" for encoding "UTF8" does not exist`, parts[0])
	}
	return 0, pgerr.Unsupported("input of type " + t.String())
}

// parseName splits a possibly qualified name, folding what is not quoted.
func parseName(s string) ([]string, error) {
	var out []string
	rest := strings.TrimSpace(s)
	for {
		var part string
		if strings.HasPrefix(rest, `"`) {
			rest = rest[1:]
			for {
				i := strings.IndexByte(rest, '"')
				if i < 0 {
					return nil, pgerr.New(pgerr.InvalidName, "invalid name syntax")
				}
				part += rest[:i]
				rest = rest[i+1:]
				if !strings.HasPrefix(rest, `"`) {
					break
				}
				part += `"`
				rest = rest[1:]
			}
		} else {
			i := strings.IndexByte(rest, '.')
			if i < 0 {
				i = len(rest)
			}
			part = strings.ToLower(strings.TrimSpace(rest[:i]))
			rest = rest[i:]
		}
		if part == "" {
			return nil, pgerr.New(pgerr.InvalidName, "invalid name syntax")
		}
		out = append(out, part)
		rest = strings.TrimSpace(rest)
		if rest == "" {
			return out, nil
		}
		if rest[0] != '.' {
			return nil, pgerr.New(pgerr.InvalidName, "invalid name syntax")
		}
		rest = strings.TrimSpace(rest[1:])
	}
}

func (n *Names) lookupClass(name string) (types.OID, error) {
	parts, err := parseName(name)
	if err != nil {
		return 0, err
	}
	if id, ok := n.findClass(parts); ok {
		return types.OID(id), nil
	}
	return 0, pgerr.Newf(pgerr.UndefinedTable, `relation "%s" does not exist`, strings.Join(parts, "."))
}

// findClass finds a relation or index by the parts of its name.
func (n *Names) findClass(parts []string) (catalog.ID, bool) {
	cat := n.Source.Snapshot()
	if len(parts) == 3 && parts[0] == DatabaseName {
		parts = parts[1:]
	}
	path := n.Source.SearchPath(true)
	switch len(parts) {
	case 1:
		if r := cat.Resolve(path, parts[0]); r != nil {
			return r.ID, true
		}
	case 2:
		sc := cat.Schema(parts[0])
		if sc == nil {
			return 0, false
		}
		if r := cat.Lookup(sc.ID, parts[1]); r != nil {
			return r.ID, true
		}
		path = []string{parts[0]}
	default:
		return 0, false
	}
	name := parts[len(parts)-1]
	for _, s := range path {
		sc := cat.Schema(s)
		if sc == nil {
			continue
		}
		for _, r := range cat.InSchema(sc.ID) {
			for _, x := range indexes(r) {
				if x.name == name {
					return x.id, true
				}
			}
		}
	}
	return 0, false
}

// LookupType finds a type by a name as written in SQL.
func LookupType(cat *catalog.Snapshot, name string) (types.OID, error) {
	s := strings.Join(strings.Fields(strings.ToLower(name)), " ")
	s, _, _ = strings.Cut(s, "(")
	if i := strings.IndexByte(name, '('); i >= 0 {
		if j := strings.IndexByte(name[i:], ')'); j >= 0 {
			s += strings.ToLower(name[i+j+1:])
		}
	}
	if oid, ok := types.ByName(s); ok {
		return oid, nil
	}
	elem, isArray := strings.CutSuffix(strings.TrimSpace(name), "[]")
	parts, err := parseName(elem)
	if err != nil {
		return 0, err
	}
	if len(parts) == 1 || len(parts) == 2 && parts[0] == catalog.PgCatalog {
		last := parts[len(parts)-1]
		if oid, ok := types.ByTypName(last); ok {
			if isArray {
				oid, ok = types.ArrayOf(oid)
			}
			if ok {
				return oid, nil
			}
		}
	} else if cat.Schema(parts[0]) == nil {
		return 0, pgerr.Newf(pgerr.InvalidSchemaName, `schema "%s" does not exist`, parts[0])
	}
	return 0, pgerr.Newf(pgerr.UndefinedObject, `type "%s" does not exist`, name)
}

func (n *Names) lookupProc(name string) (types.OID, error) {
	parts, err := parseName(name)
	if err != nil {
		return 0, err
	}
	ps := procs().byName[parts[len(parts)-1]]
	switch {
	case len(ps) == 0 || len(parts) > 1 && parts[0] != catalog.PgCatalog:
		return 0, pgerr.Newf(pgerr.UndefinedFunction, `function "%s" does not exist`, name)
	case len(ps) > 1:
		return 0, pgerr.Newf(pgerr.AmbiguousFunction, `more than one function named "%s"`, name)
	}
	return ps[0].oid, nil
}

func (n *Names) lookupProcedure(name string) (types.OID, error) {
	open := strings.IndexByte(name, '(')
	if open < 0 || !strings.HasSuffix(strings.TrimSpace(name), ")") {
		return 0, pgerr.New(pgerr.InvalidTextRepresentation, "expected a left parenthesis")
	}
	parts, err := parseName(name[:open])
	if err != nil {
		return 0, err
	}
	want, err := argTypes(n.Source.Snapshot(), strings.TrimSpace(name)[open+1:])
	if err != nil {
		return 0, err
	}
	for _, p := range procs().byName[parts[len(parts)-1]] {
		if slices.Equal(p.args, want) {
			return p.oid, nil
		}
	}
	return 0, pgerr.Newf(pgerr.UndefinedFunction, `function "%s" does not exist`, name)
}

// argTypes reads "type, type)".
func argTypes(cat *catalog.Snapshot, s string) ([]types.OID, error) {
	s = strings.TrimSpace(strings.TrimSuffix(s, ")"))
	if s == "" {
		return nil, nil
	}
	var out []types.OID
	for _, a := range strings.Split(s, ",") {
		oid, err := LookupType(cat, strings.TrimSpace(a))
		if err != nil {
			return nil, err
		}
		out = append(out, oid)
	}
	return out, nil
}

func lookupOperator(name string, withArgs bool) (types.OID, error) {
	op, args, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(name), "pg_catalog."), "(")
	op = strings.TrimSpace(op)
	var found []*funcs.Func
	for _, f := range funcs.All() {
		if f.Name != op || f.Kind != funcs.Operator && f.Kind != funcs.Prefix {
			continue
		}
		if withArgs && strings.ReplaceAll(operatorArgs(f), " ", "") != strings.ReplaceAll("("+args, " ", "") {
			continue
		}
		found = append(found, f)
	}
	switch len(found) {
	case 0:
		return 0, pgerr.Newf(pgerr.UndefinedFunction, "operator does not exist: %s", name)
	case 1:
		return found[0].OID, nil
	}
	return 0, pgerr.Newf(pgerr.AmbiguousFunction, "more than one operator named %s", name)
}

func quoteLiteral(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func oidText(v types.OID) string { return strconv.FormatUint(uint64(v), 10) }
