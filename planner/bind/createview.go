package bind

import (
	"strings"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// Query binds a query that stands alone.
func (b *Binder) Query(sel *ast.Select) (*logical.Query, error) {
	r, err := b.query(sel, &scope{})
	if err != nil {
		return nil, err
	}
	if err := b.settle(r); err != nil {
		return nil, err
	}
	q := &logical.Query{Meta: b.meta, Root: r.node}
	for i, id := range r.ids() {
		q.Out = append(q.Out, logical.Out{Name: r.cols[i].name, ID: id})
	}
	return q, nil
}

// viewQuery binds the query of a view, gives rel its columns and its definition as qualified text, and notes what it
// depends on.
func (b *Binder) viewQuery(rel *catalog.Relation, sel *ast.Select, columns []string) (*logical.Query, error) {
	if n := len(b.params.list); n > 0 {
		return nil, pgerr.New(pgerr.UndefinedParameter, "there is no parameter $1")
	}
	b.names = newQualifier()
	q, err := b.Query(sel)
	if err != nil {
		return nil, err
	}
	if len(b.params.list) > 0 {
		return nil, pgerr.New(pgerr.UndefinedParameter, "views cannot have parameters")
	}
	if len(columns) > len(q.Out) {
		return nil, pgerr.New(pgerr.SyntaxError, "CREATE VIEW specifies more column names than columns")
	}
	for i := range q.Out {
		if i < len(columns) {
			q.Out[i].Name = columns[i]
		}
		o := q.Out[i]
		if rel.Column(o.Name) >= 0 {
			return nil, pgerr.Newf(pgerr.DuplicateColumn, `column "%s" specified more than once`, o.Name)
		}
		t := b.meta.Columns[o.ID].Type
		if t.OID == types.Record {
			return nil, pgerr.Newf(pgerr.InvalidTableDefinition, `column "%s" has pseudo-type record`, o.Name)
		}
		rel.Columns = append(rel.Columns, catalog.Column{Name: o.Name, Type: t})
	}
	rel.Definition = parser.Deparse(b.names.apply(sel))
	rel.DependsOn = b.depends
	return q, nil
}

// CreateView binds CREATE VIEW.
func (b *Binder) CreateView(stmt *ast.CreateView) (*physical.CreateRelation, error) {
	switch {
	case stmt.Temp:
		return nil, pgerr.Unsupported("CREATE TEMPORARY VIEW").At(stmt.Pos())
	case stmt.Recursive:
		return nil, pgerr.Unsupported("CREATE RECURSIVE VIEW").At(stmt.Pos())
	case stmt.CheckOption != "":
		return nil, pgerr.Unsupported("WITH CHECK OPTION").At(stmt.Pos())
	}
	for _, o := range stmt.Options {
		switch o.Name {
		case "security_barrier", "security_invoker":
		default:
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, `unrecognized parameter "%s"`, o.Name).At(o.Pos())
		}
	}
	rel, err := b.newRelation(catalog.View, stmt.Name)
	if err != nil {
		return nil, err
	}
	if _, err := b.viewQuery(rel, stmt.Query, stmt.Columns); err != nil {
		return nil, err
	}
	if stmt.OrReplace {
		if err := b.replaceable(rel); err != nil {
			return nil, err
		}
	}
	return &physical.CreateRelation{Rel: rel, Replace: stmt.OrReplace}, nil
}

// replaceable checks CREATE OR REPLACE VIEW against the view that is there: columns may only be added at the end.
func (b *Binder) replaceable(rel *catalog.Relation) error {
	old := b.env.Catalog.Lookup(rel.Schema, rel.Name)
	if old == nil {
		return nil
	}
	if old.Kind != rel.Kind {
		return pgerr.Newf(pgerr.WrongObjectType, `"%s" is not a view`, rel.Name)
	}
	if len(rel.Columns) < len(old.Columns) {
		return pgerr.New(pgerr.InvalidTableDefinition, "cannot drop columns from view")
	}
	for i, c := range old.Columns {
		n := rel.Columns[i]
		switch {
		case n.Name != c.Name:
			return pgerr.Newf(pgerr.InvalidTableDefinition, `cannot change name of view column "%s" to "%s"`, c.Name, n.Name).
				WithHint("Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.")
		case n.Type != c.Type:
			return pgerr.Newf(pgerr.InvalidTableDefinition, `cannot change data type of view column "%s" from %s to %s`, c.Name, c.Type, n.Type)
		}
	}
	return nil
}

// CreateMaterializedView binds CREATE MATERIALIZED VIEW; the plan is made of the query.
func (b *Binder) CreateMaterializedView(stmt *ast.CreateMaterializedView) (*physical.CreateRelation, *logical.Query, error) {
	if stmt.NoData {
		return nil, nil, pgerr.Unsupported("WITH NO DATA").WithHint("A materialized view always has its rows.").At(stmt.Pos())
	}
	rel, err := b.newRelation(catalog.MatView, stmt.Name)
	if err != nil {
		return nil, nil, err
	}
	if rel.Options, err = optionMap(stmt.Options); err != nil {
		return nil, nil, err
	}
	for _, o := range stmt.Options {
		switch o.Name {
		case "on_error":
			switch v := rel.Options["on_error"]; strings.ToLower(v) {
			case "fail":
				rel.OnErrorFail = true
			case "skip":
			default:
				return nil, nil, pgerr.Newf(pgerr.InvalidParameterValue, `invalid value for parameter "on_error": "%s"`, v).
					WithHint("Available values: fail, skip.").At(o.Pos())
			}
		case "fillfactor", "autovacuum_enabled":
		default:
			return nil, nil, pgerr.Newf(pgerr.InvalidParameterValue, `unrecognized parameter "%s"`, o.Name).At(o.Pos())
		}
	}
	rel.EmitOnClose = stmt.Emit == ast.EmitOnWindowClose
	q, err := b.viewQuery(rel, stmt.Query, stmt.Columns)
	if err != nil {
		return nil, nil, err
	}
	return &physical.CreateRelation{Rel: rel, IfNotExists: stmt.IfNotExists, Replace: stmt.OrReplace}, q, nil
}
