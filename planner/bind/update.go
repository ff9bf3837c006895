package bind

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
)

// targetItem scans the relation that UPDATE and DELETE change, under its alias.
func (b *Binder) targetItem(t *ast.TableName, rel *catalog.Relation) (*logical.Scan, *fromItem) {
	scan := b.scan(rel)
	rv := &rangeVar{name: rel.Name, rel: rel}
	if t.Alias.Name != "" {
		rv.name = t.Alias.Name
	} else if sc := b.env.Catalog.SchemaByID(rel.Schema); sc != nil {
		rv.schema = sc.Name
	}
	for i, c := range rel.Columns {
		rv.cols = append(rv.cols, scopeCol{name: c.Name, e: b.meta.Var(scan.Cols[i]), hidden: c.Hidden})
	}
	return scan, single(scan, rv)
}

// changed is the table that an UPDATE or DELETE changes, and the rows it may change: with their old values, and what FROM or
// USING adds.
type changed struct {
	rel   *catalog.Relation
	scope *scope
	item  *fromItem
	scan  *logical.Scan
	rows  logical.Node
}

func (b *Binder) changed(table *ast.TableName, verb string, with *ast.With, from []ast.TableRef, where ast.Expr) (*changed, error) {
	rel, err := b.target(table.ObjectName, verb)
	if err != nil {
		return nil, err
	}
	s, err := b.statementScope(with)
	if err != nil {
		return nil, err
	}
	scan, item := b.targetItem(table, rel)
	rows, err := b.joined(item, from, where, s)
	return &changed{rel: rel, scope: s, item: item, scan: scan, rows: rows}, err
}

// joined adds the FROM or USING list and the WHERE clause to the target.
func (b *Binder) joined(item *fromItem, list []ast.TableRef, where ast.Expr, s *scope) (logical.Node, error) {
	node := item.node
	s.add(item)
	if len(list) > 0 {
		more := &scope{outer: s.outer, ctes: s.ctes}
		other, err := b.from(list, more)
		if err != nil {
			return nil, err
		}
		if err := checkAliases(s.rels, more.rels); err != nil {
			return nil, err
		}
		s.rels, s.cols = append(s.rels, more.rels...), append(s.cols, more.cols...)
		node = &logical.Join{Kind: physical.Inner, Left: node, Right: other}
	}
	if where == nil {
		return node, nil
	}
	x := exprs{b: b, scope: s, clause: "WHERE"}
	e, err := x.bool(where, "argument of WHERE")
	if err != nil {
		return nil, err
	}
	return &logical.Filter{Input: node, Conds: logical.Conjuncts(e)}, nil
}

// Update binds UPDATE. The query yields the old row, the new row, and what RETURNING needs of FROM.
func (b *Binder) Update(stmt *ast.Update) (*Write, error) {
	t, err := b.changed(stmt.Table, "update", stmt.With, stmt.From, stmt.Where)
	if err != nil {
		return nil, err
	}
	rel, s, scan, node := t.rel, t.scope, t.scan, t.rows
	set, err := b.assignments(rel, stmt.Set, &exprs{b: b, scope: s, clause: "UPDATE"})
	if err != nil {
		return nil, err
	}
	w := &Write{Rel: rel, Row: make([]logical.ColID, len(rel.Columns))}
	ext := &logical.Extend{Input: node}
	for i, c := range rel.Columns {
		e := set[i]
		if e == nil {
			e = b.meta.Var(scan.Cols[i])
		}
		w.Row[i] = b.meta.Add(c.Name, c.Type)
		ext.Items = append(ext.Items, logical.Item{ID: w.Row[i], E: e})
	}
	newRow := &rangeVar{name: t.item.rels[0].name, schema: t.item.rels[0].schema, rel: rel}
	for i, c := range rel.Columns {
		newRow.cols = append(newRow.cols, scopeCol{name: c.Name, e: b.meta.Var(w.Row[i]), hidden: c.Hidden})
	}
	if w.Checks, err = b.checks(rel, single(nil, newRow)); err != nil {
		return nil, err
	}
	ret := &scope{ctes: s.ctes, rels: append([]*rangeVar{newRow}, s.rels[1:]...),
		cols: append(append([]scopeCol{}, newRow.cols...), s.cols[len(rel.Columns):]...)}
	if err := b.returning(w, stmt.Returning, ret); err != nil {
		return nil, err
	}
	w.Rest = restOf(w.Returning, logical.SetOf(w.Row...), logical.Outputs(node))
	cols := append(append([]logical.ColID{}, scan.Cols...), w.Row...)
	w.Query = b.queryOf(ext, append(cols, w.Rest...))
	return w, nil
}

// Delete binds DELETE. The query yields the old row and what RETURNING needs of USING.
func (b *Binder) Delete(stmt *ast.Delete) (*Write, error) {
	t, err := b.changed(stmt.Table, "delete from", stmt.With, stmt.Using, stmt.Where)
	if err != nil {
		return nil, err
	}
	s, scan, node := t.scope, t.scan, t.rows
	w := &Write{Rel: t.rel, Row: scan.Cols}
	if err := b.returning(w, stmt.Returning, s); err != nil {
		return nil, err
	}
	w.Rest = restOf(w.Returning, logical.SetOf(w.Row...), logical.Outputs(node))
	w.Query = b.queryOf(node, append(append([]logical.ColID{}, scan.Cols...), w.Rest...))
	return w, nil
}

// assignments binds SET: an expression for each column that is assigned, nil for the others.
func (b *Binder) assignments(rel *catalog.Relation, list []*ast.Assignment, x *exprs) ([]expr.Expr, error) {
	set := make([]expr.Expr, len(rel.Columns))
	for _, a := range list {
		values := []ast.Expr{a.Value}
		if a.Multi {
			row, ok := a.Value.(*ast.Row)
			if !ok {
				return nil, pgerr.Unsupported("assigning a subquery to several columns").At(a.Pos())
			}
			values = row.Args
		}
		if len(values) != len(a.Columns) {
			return nil, pgerr.New(pgerr.SyntaxError, "number of columns does not match number of values").At(a.Pos())
		}
		for i, name := range a.Columns {
			c, err := targetColumn(rel, name, a.Pos())
			if err != nil {
				return nil, err
			}
			if set[c] != nil {
				return nil, pgerr.Newf(pgerr.SyntaxError, `multiple assignments to same column "%s"`, name).At(a.Pos())
			}
			if set[c], err = b.assignment(rel, c, values[i], x); err != nil {
				return nil, err
			}
		}
	}
	return set, nil
}

func (b *Binder) assignment(rel *catalog.Relation, i int, v ast.Expr, x *exprs) (expr.Expr, error) {
	c := rel.Columns[i]
	if _, ok := v.(*ast.Default); ok {
		return b.DefaultOf(rel, i)
	}
	if c.Identity == 'a' {
		return nil, pgerr.Newf(pgerr.GeneratedAlways, `column "%s" can only be updated to DEFAULT`, c.Name).
			WithDetail(`Column "%s" is an identity column defined as GENERATED ALWAYS.`, c.Name).At(v.Pos())
	}
	e, err := x.bind(v)
	if err != nil {
		return nil, err
	}
	r, ok, err := b.coerce(e, c.Type, funcs.Assignment)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, pgerr.Newf(pgerr.DatatypeMismatch, `column "%s" is of type %s but expression is of type %s`,
			c.Name, c.Type.OID, e.Type().OID).WithHint("You will need to rewrite or cast the expression.").At(v.Pos())
	}
	return r, nil
}
