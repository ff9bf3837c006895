package bind

import (
	"fmt"
	"strings"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// scope is the names that expressions at one point may use. A name that is not found is looked up in outer, the
// scope around the query.
type scope struct {
	outer *scope
	rels  []*rangeVar // by their names
	cols  []scopeCol  // what bare names mean and * expands to, in order
	// unreachable are tables of the same FROM that may not be referenced here, for a better error.
	unreachable []*rangeVar
	ctes        *cteEnv
}

// rangeVar is a named item of FROM.
type rangeVar struct {
	name   string
	schema string            // of a relation without an alias
	rel    *catalog.Relation // nil for subqueries and functions
	cols   []scopeCol
	// scalar: a function that yields one column; the item's name then also names the value.
	scalar bool
}

// scopeCol is a column under its name. e is usually a *logical.Var.
type scopeCol struct {
	name   string
	e      expr.Expr
	hidden bool   // a system column, or one that USING has merged away: not in *
	table  string // of an expanded star: the table it belongs to, if one
}

// child returns a scope for a query inside this one.
func (s *scope) child() *scope { return &scope{outer: s, ctes: s.cteEnvOf()} }

func (s *scope) cteEnvOf() *cteEnv {
	if s == nil {
		return nil
	}
	return s.ctes
}

// add makes the items of f visible.
func (s *scope) add(f *fromItem) {
	s.rels = append(s.rels, f.rels...)
	s.cols = append(s.cols, f.cols...)
}

// column resolves a column reference of one to four parts.
func (b *Binder) column(s *scope, ref *ast.ColumnRef) (expr.Expr, error) {
	parts := ref.Parts
	if len(parts) == 1 {
		return b.bareColumn(s, parts[0], ref)
	}
	col := parts[len(parts)-1]
	schema := ""
	if len(parts) > 2 {
		schema = parts[len(parts)-3]
	}
	rv, err := findRel(s, schema, parts[len(parts)-2], ref.Pos())
	if err != nil {
		return nil, err
	}
	if rv == nil {
		if len(parts) == 2 { // (record column).field
			if e, ok, err := b.fieldOfColumn(s, ref); ok || err != nil {
				return e, err
			}
		}
		return nil, missingRel(s, strings.Join(parts[:len(parts)-1], "."), parts[len(parts)-2], ref.Pos())
	}
	if e, err := rv.column(col, ref.Pos()); e != nil || err != nil {
		return e, err
	}
	if e := b.systemColumn(rv, col); e != nil {
		return e, nil
	}
	return nil, pgerr.Newf(pgerr.UndefinedColumn, "column %s.%s does not exist", rv.name, col).At(ref.Pos())
}

// fieldOfColumn reads a.b as field b of a record column a.
func (b *Binder) fieldOfColumn(s *scope, ref *ast.ColumnRef) (expr.Expr, bool, error) {
	e, found, err := lookupBare(s, ref.Parts[0], ref.Pos())
	if err != nil || !found {
		return nil, false, err
	}
	if r, ok := e.(*record); ok {
		f, err := r.field(ref.Parts[1], ref.Pos())
		return f, true, err
	}
	return nil, false, nil
}

// column finds a column of the item; nil if there is none.
func (rv *rangeVar) column(name string, pos int) (expr.Expr, error) {
	var found expr.Expr
	for _, c := range rv.cols {
		if c.name != name {
			continue
		}
		if found != nil {
			return nil, pgerr.Newf(pgerr.AmbiguousColumn, `column reference "%s" is ambiguous`, name).At(pos)
		}
		found = c.e
	}
	return atPos(found, rv.name+"."+name, pos), nil
}

// atPos stamps a column with the place and the name it is used by.
func atPos(e expr.Expr, name string, pos int) expr.Expr {
	if v, ok := e.(*logical.Var); ok {
		return &logical.Var{ID: v.ID, T: v.T, Name: name, Pos: pos}
	}
	return e
}

// bareColumn resolves an unqualified name: a column, or the whole row of the table of that name.
func (b *Binder) bareColumn(s *scope, name string, ref *ast.ColumnRef) (expr.Expr, error) {
	e, found, err := lookupBare(s, name, ref.Pos())
	if err != nil {
		return nil, err
	}
	if found {
		return e, nil
	}
	for sc := s; sc != nil; sc = sc.outer {
		for _, rv := range sc.rels {
			if e := b.systemColumn(rv, name); e != nil {
				return e, nil
			}
		}
	}
	rv, err := findRel(s, "", name, ref.Pos())
	if err != nil {
		return nil, err
	}
	if rv != nil {
		return wholeRow(rv, ref.Pos()), nil
	}
	return nil, missingColumn(s, name, ref.Pos())
}

func lookupBare(s *scope, name string, pos int) (expr.Expr, bool, error) {
	for sc := s; sc != nil; sc = sc.outer {
		var found *scopeCol
		for i := range sc.cols {
			c := &sc.cols[i]
			if c.name != name {
				continue
			}
			if found != nil {
				return nil, false, pgerr.Newf(pgerr.AmbiguousColumn, `column reference "%s" is ambiguous`, name).At(pos)
			}
			found = c
		}
		if found != nil {
			return atPos(found.e, sc.qualified(found), pos), true, nil
		}
	}
	return nil, false, nil
}

// tableOf is the name of the table that c is a column of, or "".
func (s *scope) tableOf(c *scopeCol) string {
	v, ok := c.e.(*logical.Var)
	if !ok {
		return ""
	}
	for _, rv := range s.rels {
		for _, rc := range rv.cols {
			if w, ok := rc.e.(*logical.Var); ok && w.ID == v.ID && rc.name == c.name {
				return rv.name
			}
		}
	}
	return ""
}

// qualified is the name with its table, as the grouping error prints it.
func (s *scope) qualified(c *scopeCol) string {
	if t := s.tableOf(c); t != "" {
		return t + "." + c.name
	}
	return c.name
}

// wholeRow is a table's name used as a value: the record of its columns, or the value of a scalar function.
func wholeRow(rv *rangeVar, pos int) expr.Expr {
	if rv.scalar && len(rv.cols) > 0 {
		return atPos(rv.cols[0].e, rv.name, pos)
	}
	r := &record{rel: rv}
	for _, c := range rv.cols {
		if c.hidden {
			continue
		}
		r.names = append(r.names, c.name)
		r.elems = append(r.elems, atPos(c.e, rv.name+"."+c.name, pos))
	}
	return r
}

// record is a row value whose fields have names: a whole-row reference, or the value of a function that returns
// records. It is taken apart, or ends as an expr.Row.
type record struct {
	rel   *rangeVar
	names []string
	elems []expr.Expr
}

// Type is record.
func (r *record) Type() types.Type { return types.T(types.Record) }

func (r *record) field(name string, pos int) (expr.Expr, error) {
	for i, n := range r.names {
		if n == name {
			return r.elems[i], nil
		}
	}
	return nil, pgerr.Newf(pgerr.UndefinedColumn, `column "%s" not found in data type record`, name).At(pos)
}

// findRel finds the FROM item called name in the scope or around it; nil if there is none.
func findRel(s *scope, schema, name string, pos int) (*rangeVar, error) {
	for sc := s; sc != nil; sc = sc.outer {
		var found *rangeVar
		for _, rv := range sc.rels {
			if rv.name != name || schema != "" && rv.schema != schema {
				continue
			}
			if found != nil {
				return nil, pgerr.Newf(pgerr.AmbiguousAlias, `table reference "%s" is ambiguous`, name).At(pos)
			}
			found = rv
		}
		if found != nil {
			return found, nil
		}
	}
	return nil, nil
}

// missingRel is the error for a qualifier that is no table here.
func missingRel(s *scope, full, name string, pos int) error {
	for sc := s; sc != nil; sc = sc.outer {
		for _, rv := range sc.unreachable {
			if rv.name == name {
				return pgerr.Newf(pgerr.UndefinedTable, `invalid reference to FROM-clause entry for table "%s"`, name).
					WithDetail(`There is an entry for table "%s", but it cannot be referenced from this part of the query.`, name).
					At(pos)
			}
		}
		for _, rv := range sc.rels {
			if rv.rel != nil && rv.rel.Name == name && rv.name != name {
				return pgerr.Newf(pgerr.UndefinedTable, `invalid reference to FROM-clause entry for table "%s"`, name).
					WithHint(`Perhaps you meant to reference the table alias "%s".`, rv.name).At(pos)
			}
		}
	}
	return pgerr.Newf(pgerr.UndefinedTable, `missing FROM-clause entry for table "%s"`, full).At(pos)
}

// missingColumn is the error for an unknown bare name, with a hint where one name comes close.
func missingColumn(s *scope, name string, pos int) error {
	e := pgerr.Newf(pgerr.UndefinedColumn, `column "%s" does not exist`, name).At(pos)
	for sc := s; sc != nil; sc = sc.outer {
		for _, rv := range sc.unreachable {
			for _, c := range rv.cols {
				if c.name == name && !c.hidden {
					return e.WithDetail(
						`There is a column named "%s" in table "%s", but it cannot be referenced from this part of the query.`,
						name, rv.name)
				}
			}
		}
	}
	if hint := closest(s, name); hint != "" {
		_ = e.WithHint(`Perhaps you meant to reference the column %s.`, hint)
	}
	return e
}

// closest finds the visible columns whose names differ least from name: one, or two as PostgreSQL offers them. The
// limit is half the length of the name.
func closest(s *scope, name string) string {
	best, limit := []string{}, len(name)/2
	if s == nil {
		return ""
	}
	for _, rv := range s.rels {
		for _, c := range rv.cols {
			if c.hidden {
				continue
			}
			d := editDistance(name, c.name, limit)
			if d > limit {
				continue
			}
			if d < limit {
				best, limit = best[:0], d
			}
			best = append(best, fmt.Sprintf(`"%s.%s"`, rv.name, c.name))
		}
	}
	switch len(best) {
	case 1:
		return best[0]
	case 2:
		return best[0] + " or the column " + best[1]
	}
	return ""
}

// editDistance is the Levenshtein distance, or more than limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diag
			if a[i-1] != b[j-1] {
				cost++
			}
			diag, row[j] = row[j], min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// systemColumn answers the system columns that clients ask for. tableoid is the relation's id; xmin and ctid are
// constants, since rows have no versions and no place.
func (b *Binder) systemColumn(rv *rangeVar, name string) expr.Expr {
	if rv.rel == nil {
		return nil
	}
	switch name {
	case "tableoid":
		return constInt(types.Oid, int64(rv.rel.ID))
	case "xmin", "xmax":
		return constInt(types.Xid, 0)
	case "cmin", "cmax":
		return constInt(types.Cid, 0)
	}
	return nil
}
