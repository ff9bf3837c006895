package bind

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
)

// CopyFrom is a bound COPY ... FROM; Defaults has nil for the columns copied.
type CopyFrom struct {
	Rel      *catalog.Relation
	Cols     []int
	Row      []logical.ColID
	Defaults []expr.Expr
	Checks   []Check
	Where    expr.Expr
}

// CopyFrom binds COPY ... FROM.
func (b *Binder) CopyFrom(stmt *ast.Copy) (*CopyFrom, error) {
	rel, err := b.target(*stmt.Table, "copy to")
	if err != nil {
		return nil, err
	}
	c := &CopyFrom{Rel: rel, Defaults: make([]expr.Expr, len(rel.Columns))}
	if c.Cols, err = copyColumns(rel, stmt); err != nil {
		return nil, err
	}
	for i := range rel.Columns {
		if slices.Contains(c.Cols, i) {
			continue
		}
		if c.Defaults[i], err = b.DefaultOf(rel, i); err != nil {
			return nil, err
		}
	}
	var item *fromItem
	c.Row, item = b.rowColumns(rel, rel.Name)
	if c.Checks, err = b.checks(rel, item); err != nil {
		return nil, err
	}
	if stmt.Where != nil {
		x := exprs{b: b, scope: &scope{rels: item.rels, cols: item.cols}, clause: "COPY FROM WHERE conditions"}
		c.Where, err = x.bool(stmt.Where, "argument of WHERE")
	}
	return c, err
}

// copyColumns resolves the column list; without one it is all columns that are not computed.
func copyColumns(rel *catalog.Relation, stmt *ast.Copy) ([]int, error) {
	var out []int
	if stmt.Columns == nil {
		for i, c := range rel.Columns {
			if !c.Hidden {
				out = append(out, i)
			}
		}
		return out, nil
	}
	for _, n := range stmt.Columns {
		i, err := targetColumn(rel, n, stmt.Pos())
		if err != nil {
			return nil, err
		}
		if slices.Contains(out, i) {
			return nil, errDuplicateColumn(n)
		}
		out = append(out, i)
	}
	return out, nil
}

// CopyTo binds COPY ... TO: a query.
func (b *Binder) CopyTo(stmt *ast.Copy) (*logical.Query, error) {
	if stmt.Query != nil {
		sel, ok := stmt.Query.(*ast.Select)
		if !ok {
			return nil, pgerr.Unsupported("COPY of this statement").At(stmt.Query.Pos())
		}
		return b.Query(sel)
	}
	rel, err := b.Relation(*stmt.Table)
	if err != nil {
		return nil, err
	}
	if rel.Kind == catalog.View {
		return nil, pgerr.Newf(pgerr.WrongObjectType, `cannot copy from view "%s"`, rel.Name).
			WithHint("Try the COPY (SELECT ...) TO variant.").At(stmt.Table.Pos())
	}
	if rel.Kind == catalog.Sequence {
		return nil, pgerr.Newf(pgerr.WrongObjectType, `cannot copy from sequence "%s"`, rel.Name).At(stmt.Table.Pos())
	}
	cols, err := copyColumns(rel, stmt)
	if err != nil {
		return nil, err
	}
	scan := b.scan(rel)
	ids := make([]logical.ColID, len(cols))
	for i, c := range cols {
		ids[i] = scan.Cols[c]
	}
	return b.queryOf(scan, ids), nil
}
