package planner

import (
	"github.com/millracedb/millrace/planner/bind"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// ddl plans what changes the catalog.
func (p *planning) ddl(stmt ast.Statement) (physical.DDL, error) {
	switch stmt := stmt.(type) {
	case *ast.CreateTable:
		return p.createTable(stmt)
	case *ast.CreateStream:
		c, err := p.b.CreateStream(stmt)
		return some(p.rowChecks(c, err))
	case *ast.CreateView:
		return some(p.b.CreateView(stmt))
	case *ast.CreateMaterializedView:
		return p.createMaterializedView(stmt)
	case *ast.CreateSchema:
		return p.b.CreateSchema(stmt)
	case *ast.Drop:
		return p.b.Drop(stmt)
	case *ast.Truncate:
		return p.b.Truncate(stmt)
	case *ast.Alter:
		if bind.IsReplay(stmt) {
			return p.replayErrors(stmt)
		}
		return p.alter(stmt)
	case *ast.Comment:
		return p.b.Comment(stmt)
	case *ast.CreateRole:
		return p.b.CreateRole(stmt)
	case *ast.AlterRole:
		return p.b.AlterRole(stmt)
	case *ast.Rebuild:
		return p.rebuild(stmt)
	case *ast.CreateIndex:
		return nil, pgerr.Unsupported("CREATE INDEX").
			WithHint("Lookups by primary key need no index; for other lookups create a materialized view.").At(stmt.Pos())
	case *ast.CreateSink:
		return p.createSink(stmt)
	case *ast.CreateSecret:
		return p.b.CreateSecret(stmt)
	case *ast.AlterSecret:
		return p.b.AlterSecret(stmt)
	case *ast.Other:
		return nil, pgerr.Unsupported(stmt.Tag).At(stmt.Pos())
	}
	return nil, pgerr.Unsupported("this statement").At(stmt.Pos())
}

// some makes a DDL of a CreateRelation, without a typed nil.
func some(c *physical.CreateRelation, err error) (physical.DDL, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (p *planning) createTable(stmt *ast.CreateTable) (physical.DDL, error) {
	c, q, err := p.b.CreateTable(stmt)
	if err != nil || q == nil {
		return some(p.rowChecks(c, err))
	}
	c.Query, err = p.query(q)
	return some(c, err)
}

// rowChecks plans the CHECK constraints of a relation that a connector feeds: they are checked where no session is.
func (p *planning) rowChecks(c *physical.CreateRelation, err error) (*physical.CreateRelation, error) {
	if err != nil || c.Rel.Connector == "" || len(c.Rel.Checks) == 0 {
		return c, err
	}
	bound, row, err := p.b.ConnectorChecks(c.Rel)
	if err != nil {
		return nil, err
	}
	checks, err := p.checks(bound, row)
	if err != nil {
		return nil, err
	}
	c.Rel.RowChecks, err = physical.EncodeChecks(c.Rel, checks)
	return c, err
}

func (p *planning) replayErrors(stmt *ast.Alter) (physical.DDL, error) {
	rel, row, where, err := p.b.ReplayErrors(stmt)
	if rel == nil || err != nil {
		return nil, err
	}
	out := &physical.ReplayErrors{Rel: rel.ID}
	out.Where, err = p.expr(where, row)
	return out, err
}

func (p *planning) createMaterializedView(stmt *ast.CreateMaterializedView) (physical.DDL, error) {
	c, q, err := p.b.CreateMaterializedView(stmt)
	if err != nil {
		return nil, err
	}
	return some(c, p.view(c, q))
}

func (p *planning) alter(stmt *ast.Alter) (physical.DDL, error) {
	d, r, err := p.b.Alter(stmt)
	if err != nil || r == nil {
		return d, err
	}
	rw := &physical.RewriteTable{Old: r.Old, Rel: r.Rel}
	if rw.Query, err = p.query(r.Query); err != nil {
		return nil, err
	}
	rw.Checks, err = p.checks(r.Checks, r.Row)
	return rw, err
}

func (p *planning) rebuild(stmt *ast.Rebuild) (physical.DDL, error) {
	rel, err := p.b.Relation(stmt.Name)
	if err != nil {
		return nil, err
	}
	if rel.Kind != catalog.MatView {
		return nil, pgerr.Newf(pgerr.WrongObjectType, `"%s" is not a materialized view`, rel.Name).At(stmt.Name.Pos())
	}
	return &physical.Rebuild{View: rel.ID}, nil
}
