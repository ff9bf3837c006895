package bind

import (
	"context"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// inferrer finds the columns of relations that name none, and the primary key where the connector's records tell it.
type inferrer interface {
	Infer(ctx context.Context, rel *catalog.Relation) (columns []catalog.Column, key []string, notice string, err error)
}

// inferColumns takes the columns from the connector, and says in a notice which they are.
func (c *creator) inferColumns() error {
	source, ok := c.b.env.Connectors.(inferrer)
	if !ok {
		return nil
	}
	opts, refs, err := c.b.secretOptions(c.def.Options)
	if err != nil {
		return err
	}
	probe := &creator{b: c.b, def: c.def, rel: &catalog.Relation{Name: c.rel.Name, Kind: c.rel.Kind, Options: opts, Secrets: refs,
		Connector: strings.ToLower(opts["connector"])}}
	if err := probe.format(); err != nil {
		return err
	}
	revealed, err := c.b.env.Catalog.Revealed(probe.rel)
	if err != nil {
		return err
	}
	ctx := context.Background()
	if fc := c.b.env.Funcs; fc != nil && fc.Context != nil {
		ctx = fc.Context
	}
	columns, key, notice, err := source.Infer(ctx, revealed)
	if ctx.Err() != nil {
		return context.Cause(ctx) // the client's wish, or its statement_timeout
	}
	if err != nil {
		return err
	}
	c.rel.Columns = columns
	c.b.notice(pgerr.SuccessfulCompletion, "%s", notice)
	named := slices.ContainsFunc(c.def.Constraints, func(con *ast.Constraint) bool { return con.Kind == ast.ConstraintPrimaryKey })
	if c.rel.Kind != catalog.Table || named || len(key) == 0 {
		return nil
	}
	return c.constraint(&ast.Constraint{Kind: ast.ConstraintPrimaryKey, Columns: key}, key)
}
