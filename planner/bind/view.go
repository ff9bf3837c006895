package bind

import (
	"slices"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
)

// expandView binds the query of a plain view in place of its name.
func (b *Binder) expandView(t *ast.TableName, rel *catalog.Relation, rv *rangeVar) (*fromItem, error) {
	if slices.Contains(b.views, rel.ID) {
		return nil, pgerr.Newf(pgerr.InvalidObjectDefinition, `infinite recursion detected in rules for relation "%s"`, rel.Name).At(t.Pos())
	}
	q, err := parser.ParseSelect(rel.Definition)
	if err != nil {
		return nil, pgerr.Newf(pgerr.Internal, "definition of view %s cannot be read: %v", rel.Name, err)
	}
	names, depends := b.names, b.depends
	b.names = nil
	b.views = append(b.views, rel.ID)
	r, err := b.query(q, &scope{})
	b.views = b.views[:len(b.views)-1]
	b.names, b.depends = names, depends
	if err == nil {
		err = b.settle(r)
	}
	if err != nil {
		e := *pgerr.Of(err)
		e.Position = 0 // of the view's text, not of the statement's
		return nil, &e
	}
	for i, c := range r.cols {
		name := c.name
		if i < len(rel.Columns) {
			name = rel.Columns[i].Name
		}
		rv.cols = append(rv.cols, scopeCol{name: name, e: c.e})
	}
	return b.aliased(single(r.node, rv), rv, t.Alias)
}
