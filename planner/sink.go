package planner

import (
	"github.com/millracedb/millrace/planner/lower"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
)

// createSink plans CREATE SINK. A sink with a query is a materialized view that nobody reads, and sends its own changes.
func (p *planning) createSink(stmt *ast.CreateSink) (physical.DDL, error) {
	c, q, err := p.b.CreateSink(stmt)
	if err != nil {
		return nil, err
	}
	if q == nil {
		from := p.env.Catalog.Relation(c.Rel.Sink.From)
		return some(c, p.b.FinishSink(stmt, c.Rel, from.PrimaryKey, lower.AppendOnly(from)))
	}
	if err := p.view(c, q); err != nil {
		return nil, err
	}
	return some(c, p.b.FinishSink(stmt, c.Rel, c.View.Key, c.View.Root.AppendOnly()))
}
