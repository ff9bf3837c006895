package pgcatalog

import (
	"strings"
	"sync"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
)

// relationDef is a system relation: its oid, its name, and its columns as "name type, ...", with the name of the type
// as in pg_type and a mark ! for NOT NULL.
type relationDef struct {
	oid  catalog.ID
	name string
	cols string
}

// Ids of the system schemas. PostgreSQL gives information_schema another one in each version.
const (
	InformationSchemaID catalog.ID = 13000
	MillraceSchemaID    catalog.ID = 16000

	informationSchema = "information_schema"
	millraceSchema    = "millrace"
)

// Oids of relations that others refer to.
const (
	oidClass      = 1259
	oidAttribute  = 1249
	oidProc       = 1255
	oidType       = 1247
	oidNamespace  = 2615
	oidConstraint = 2606
	oidAuthid     = 1260
	oidDatabase   = 1262
	oidRewrite    = 2618
	oidAttrdef    = 2604
	oidAmHeap     = 2
	oidAmBtree    = 403
	databaseOID   = 16001 // the one database
	defaultColl   = 100
)

// Schemas returns the system schemas.
func Schemas() []*catalog.Schema {
	return []*catalog.Schema{
		{ID: catalog.PgCatalogID, Name: catalog.PgCatalog, Owner: catalog.SuperuserID, Comment: "system catalog schema"},
		{ID: InformationSchemaID, Name: informationSchema, Owner: catalog.SuperuserID},
		{ID: MillraceSchemaID, Name: millraceSchema, Owner: catalog.SuperuserID, Comment: "the state of the server"},
	}
}

// Relations returns the system relations.
var Relations = sync.OnceValue(func() []*catalog.Relation {
	var out []*catalog.Relation
	for _, g := range []struct {
		schema catalog.ID
		defs   []relationDef
		table  bool
	}{
		{catalog.PgCatalogID, catalogTables, true},
		{catalog.PgCatalogID, catalogViews, false},
		{InformationSchemaID, schemaViews, false},
		{MillraceSchemaID, millraceRelations, false},
	} {
		for i := range g.defs {
			out = append(out, g.defs[i].relation(g.schema, g.table))
		}
	}
	return out
})

// relation makes the catalog's entry. System tables have PostgreSQL's system columns, hidden.
func (d *relationDef) relation(schema catalog.ID, table bool) *catalog.Relation {
	r := &catalog.Relation{ID: d.oid, Schema: schema, Name: d.name, Kind: catalog.System, Owner: catalog.SuperuserID}
	for _, c := range strings.Split(d.cols, ",") {
		name, typ, _ := strings.Cut(strings.TrimSpace(c), " ")
		typ, notNull := strings.CutSuffix(typ, "!")
		oid, ok := types.ByTypName(typ)
		if !ok {
			panic("pgcatalog: " + d.name + "." + name + ": no type " + typ)
		}
		r.Columns = append(r.Columns, catalog.Column{Name: name, Type: types.T(oid), NotNull: notNull})
	}
	if table {
		r.Columns = append(r.Columns,
			catalog.Column{Name: "tableoid", Type: types.T(types.Oid), Hidden: true},
			catalog.Column{Name: "xmin", Type: types.T(types.Xid), Hidden: true})
	}
	if q, ok := viewQueries[schema][d.name]; ok {
		r.Kind, r.Definition = catalog.View, strings.TrimSpace(q)
	}
	return r
}

// isTable reports whether a system relation is a table rather than a view.
func isTable(r *catalog.Relation) bool { return r.Columns[len(r.Columns)-1].Hidden }

// columns returns how many columns are shown.
func shown(r *catalog.Relation) int {
	n := 0
	for _, c := range r.Columns {
		if !c.Hidden {
			n++
		}
	}
	return n
}
