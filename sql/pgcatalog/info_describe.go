package pgcatalog

import (
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

func viewDef(in *Info, a args) (vec.Scalar, error) {
	var r *catalog.Relation
	if a.isText(0) {
		id, err := in.lookupClass(a.text(0))
		if err != nil {
			return vec.Scalar{}, err
		}
		r = in.cat().Relation(catalog.ID(id))
	} else {
		r = in.cat().Relation(a.oid(0))
	}
	if r == nil || r.Kind != catalog.View && r.Kind != catalog.MatView {
		return nothing(types.Text)
	}
	return text(" " + strings.TrimSuffix(strings.TrimSpace(r.Definition), ";") + ";")
}

func ruleDef(in *Info, a args) (vec.Scalar, error) {
	for _, r := range in.cat().Relations() {
		if (r.Kind == catalog.View || r.Kind == catalog.MatView) && ruleOID(r.ID) == a.oid(0) {
			name := fullName(in.cat(), r.Schema, r.Name)
			return text(`CREATE RULE "_RETURN" AS ON SELECT TO ` + name + " DO INSTEAD " + r.Definition + ";")
		}
	}
	return nothing(types.Text)
}

func indexDef(in *Info, a args) (vec.Scalar, error) {
	x, ok := indexByID(in.cat(), a.oid(0))
	if !ok {
		return nothing(types.Text)
	}
	cols := make([]string, len(x.cols))
	for i, c := range x.cols {
		cols[i] = funcs.QuoteIdent(x.rel.Columns[c].Name)
	}
	if n := a.int(1); len(a) > 1 && n > 0 {
		if n > len(cols) {
			return text("")
		}
		return text(cols[n-1])
	}
	return text("CREATE UNIQUE INDEX " + funcs.QuoteIdent(x.name) + " ON " + fullName(in.cat(), x.rel.Schema, x.rel.Name) +
		" USING btree (" + strings.Join(cols, ", ") + ")")
}

func constraintDef(in *Info, a args) (vec.Scalar, error) {
	id := a.oid(0)
	if x, ok := indexByID(in.cat(), id); ok {
		cols := make([]string, len(x.cols))
		for i, c := range x.cols {
			cols[i] = funcs.QuoteIdent(x.rel.Columns[c].Name)
		}
		word := "UNIQUE ("
		if x.primary {
			word = "PRIMARY KEY ("
		}
		return text(word + strings.Join(cols, ", ") + ")")
	}
	for _, r := range in.cat().Relations() {
		for i, c := range r.Checks {
			if checkOID(r.ID, i) == id {
				return text("CHECK (" + parenthesized(c.Expr) + ")")
			}
		}
	}
	return nothing(types.Text)
}

// parenthesized puts an expression in parentheses, as PostgreSQL shows it, unless it stands in them.
func parenthesized(s string) string {
	if strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")") {
		depth := 0
		for i := range len(s) - 1 {
			switch s[i] {
			case '(':
				depth++
			case ')':
				depth--
			}
			if depth == 0 {
				return "(" + s + ")"
			}
		}
		return s
	}
	return "(" + s + ")"
}

func serialSequence(in *Info, a args) (vec.Scalar, error) {
	id, err := in.lookupClass(a.text(0))
	if err != nil {
		return vec.Scalar{}, err
	}
	r := in.cat().Relation(catalog.ID(id))
	if r == nil {
		return nothing(types.Text)
	}
	i := slices.IndexFunc(r.Columns, func(c catalog.Column) bool { return c.Name == a.text(1) })
	if i < 0 {
		return vec.Scalar{}, pgerr.Newf(pgerr.UndefinedColumn, `column "%s" of relation "%s" does not exist`, a.text(1), r.Name)
	}
	seq := in.cat().Relation(r.Columns[i].SeqID)
	if r.Columns[i].SeqID == 0 || seq == nil {
		return nothing(types.Text)
	}
	return text(fullName(in.cat(), seq.Schema, seq.Name))
}

func userByID(in *Info, a args) (vec.Scalar, error) {
	name := "unknown (OID=" + oidText(types.OID(a.oid(0))) + ")"
	if r := in.cat().RoleByID(a.oid(0)); r != nil {
		name = r.Name
	}
	return vec.Scalar{Type: types.T(types.Name), B: []byte(name)}, nil
}

func functionArguments(_ *Info, a args) (vec.Scalar, error) {
	p := procs().byOID[types.OID(a.oid(0))]
	if p == nil {
		return nothing(types.Text)
	}
	s := make([]string, len(p.args))
	for i, t := range p.args {
		s[i] = t.String()
		if p.variadic && i == len(p.args)-1 {
			s[i] = "VARIADIC " + s[i]
		}
	}
	return text(strings.Join(s, ", "))
}

func functionResult(_ *Info, a args) (vec.Scalar, error) {
	p := procs().byOID[types.OID(a.oid(0))]
	if p == nil {
		return nothing(types.Text)
	}
	s := p.ret.String()
	if p.set {
		s = "SETOF " + s
	}
	return text(s)
}

func objDescription(in *Info, a args) (vec.Scalar, error) {
	id, class := a.oid(0), "pg_class"
	if len(a) > 1 {
		class = a.text(1)
	}
	s := ""
	switch class {
	case "pg_class":
		if r := in.cat().Relation(id); r != nil {
			s = r.Comment
		}
	case "pg_namespace":
		if n := in.cat().SchemaByID(id); n != nil {
			s = n.Comment
		}
	case "pg_proc":
		if p := procs().byOID[types.OID(id)]; p != nil {
			s = p.doc
		}
	}
	if s == "" {
		return nothing(types.Text)
	}
	return text(s)
}

func colDescription(in *Info, a args) (vec.Scalar, error) {
	r, n := in.cat().Relation(a.oid(0)), a.int(1)
	if r == nil || n < 1 || n > len(r.Columns) || r.Columns[n-1].Comment == "" {
		return nothing(types.Text)
	}
	return text(r.Columns[n-1].Comment)
}

func sharedDescription(_ *Info, a args) (vec.Scalar, error) {
	if a.oid(0) == databaseOID && a.text(1) == "pg_database" {
		return text("the database")
	}
	return nothing(types.Text)
}

func describeObject(in *Info, a args) (vec.Scalar, error) {
	if a.oid(0) == oidClass {
		if r := in.cat().Relation(a.oid(1)); r != nil {
			s := string(r.Kind) + " " + qualified(in.cat(), r, in.Source.SearchPath(true))
			if n := a.int(2); n > 0 && n <= len(r.Columns) {
				s = "column " + funcs.QuoteIdent(r.Columns[n-1].Name) + " of " + s
			}
			return text(s)
		}
	}
	return nothing(types.Text)
}

func tableVisible(in *Info, a args) (vec.Scalar, error) {
	path := in.Source.SearchPath(true)
	if r := in.cat().Relation(a.oid(0)); r != nil {
		return boolean(visible(in.cat(), r, path))
	}
	if x, ok := indexByID(in.cat(), a.oid(0)); ok {
		sc := in.cat().SchemaByID(x.rel.Schema)
		return boolean(sc != nil && slices.Contains(path, sc.Name))
	}
	return nothing(types.Bool)
}

func indexProperty(_ *Info, a args) (vec.Scalar, error) {
	switch a.text(2) {
	case "asc", "nulls_last", "orderable", "distance_orderable", "returnable", "search_array", "search_nulls":
		return boolean(a.text(2) != "distance_orderable")
	case "desc", "nulls_first":
		return boolean(false)
	}
	return nothing(types.Bool)
}

// Bits of pg_relation_is_updatable: insert, update, delete.
const (
	canInsert = 1 << 3
	canUpdate = 1 << 2
	canDelete = 1 << 4
)

func relationUpdatable(in *Info, a args) (vec.Scalar, error) {
	v := vec.Scalar{Type: types.T(types.Int4)}
	if r := in.cat().Relation(a.oid(0)); r != nil {
		switch r.Kind {
		case catalog.Table:
			v.I = canInsert | canUpdate | canDelete
		case catalog.Stream:
			v.I = canInsert
		}
	}
	return v, nil
}

func columnUpdatable(in *Info, a args) (vec.Scalar, error) {
	r := in.cat().Relation(a.oid(0))
	return boolean(r != nil && r.Kind == catalog.Table)
}
