package planner

import (
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
		return some(p.b.CreateStream(stmt))
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
		return p.b.Alter(stmt)
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
		return nil, pgerr.Unsupported("CREATE SECRET").At(stmt.Pos())
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
		return some(c, err)
	}
	c.Query, err = p.query(q)
	return some(c, err)
}

func (p *planning) createMaterializedView(stmt *ast.CreateMaterializedView) (physical.DDL, error) {
	c, q, err := p.b.CreateMaterializedView(stmt)
	if err != nil {
		return nil, err
	}
	return some(c, p.view(c, q))
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
