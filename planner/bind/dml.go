package bind

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// Write is a bound INSERT, UPDATE or DELETE. Expressions about the rows of the relation use the columns Row (for an
// INSERT or UPDATE the new row), and for ON CONFLICT the columns Row of the existing and Excluded of the new row.
type Write struct {
	Rel   *catalog.Relation
	Query *logical.Query
	Row   []logical.ColID
	// Rest are the columns of Query behind the rows, which Returning may use.
	Rest []logical.ColID

	Conflict *Conflict
	Excluded []logical.ColID

	Checks    []Check
	Returning []expr.Expr
	Names     []string // of Returning
}

// Conflict is ON CONFLICT; see physical.OnConflict.
type Conflict struct {
	Target []int
	Update []expr.Expr
	Where  expr.Expr
}

// Check is a CHECK constraint over Row.
type Check struct {
	Name string
	Expr expr.Expr
}

// target finds the relation that a statement writes to; verb is "insert into", "update", "delete from".
func (b *Binder) target(n ast.ObjectName, verb string) (*catalog.Relation, error) {
	rel, err := b.Relation(n)
	if err != nil {
		return nil, err
	}
	word := map[string]string{"insert into": "insert into", "update": "update", "delete from": "delete from", "copy to": "copy to"}[verb]
	switch {
	case rel.Kind == catalog.Table && rel.Connector != "":
		return nil, fedByConnector(rel, word).At(n.Pos())
	case rel.Kind == catalog.Table, rel.Kind == catalog.Stream && (verb == "insert into" || verb == "copy to"):
		return rel, nil
	case rel.Kind == catalog.Stream:
		return nil, pgerr.Newf(pgerr.WrongObjectType, `cannot %s stream "%s"`, word, rel.Name).
			WithHint("A stream only grows. Use CREATE TABLE for rows that change.").At(n.Pos())
	case rel.Kind == catalog.MatView:
		return nil, pgerr.Newf(pgerr.WrongObjectType, `cannot change materialized view "%s"`, rel.Name).
			WithHint("A materialized view follows the relations it reads.").At(n.Pos())
	case rel.Kind == catalog.View:
		return nil, pgerr.Newf(pgerr.ObjectNotInState, `cannot %s view "%s"`, word, rel.Name).
			WithDetail("Views are not updatable.").At(n.Pos())
	case rel.Kind == catalog.Sink:
		return nil, pgerr.Newf(pgerr.WrongObjectType, `cannot change sink "%s"`, rel.Name).
			WithHint("A sink follows the relation it reads.").At(n.Pos())
	case rel.Kind == catalog.Sequence:
		return nil, pgerr.Newf(pgerr.WrongObjectType, `cannot change sequence "%s"`, rel.Name).At(n.Pos())
	}
	return nil, pgerr.Newf(pgerr.InsufficientPrivilege, "permission denied for table %s", rel.Name).At(n.Pos())
}

// rowOf makes new columns for the columns of rel and the FROM item that names them.
func (b *Binder) rowColumns(rel *catalog.Relation, name string) ([]logical.ColID, *fromItem) {
	rv := &rangeVar{name: name, rel: rel}
	ids := make([]logical.ColID, len(rel.Columns))
	for i, c := range rel.Columns {
		ids[i] = b.meta.Add(c.Name, c.Type)
		rv.cols = append(rv.cols, scopeCol{name: c.Name, e: b.meta.Var(ids[i]), hidden: c.Hidden})
	}
	return ids, single(nil, rv)
}

// targetColumn finds a column that a statement assigns to.
func targetColumn(rel *catalog.Relation, name string, pos int) (int, error) {
	i := rel.Column(name)
	if i < 0 {
		return 0, pgerr.Newf(pgerr.UndefinedColumn, `column "%s" of relation "%s" does not exist`, name, rel.Name).At(pos)
	}
	return i, nil
}

// DefaultOf is the value of a column that a statement does not give: its default, the next value of its sequence, or
// null.
func (b *Binder) DefaultOf(rel *catalog.Relation, i int) (expr.Expr, error) {
	c := rel.Columns[i]
	switch {
	case c.SeqID != 0:
		next, err := b.function("nextval", []expr.Expr{constInt(types.RegClass, int64(c.SeqID))}, -1)
		if err != nil {
			return nil, err
		}
		return b.assign(next, c.Type, c.Name, -1)
	case c.Default != "":
		return b.storedExpr(c.Default, c.Type, c.Name)
	}
	return nullOf(c.Type), nil
}

// storedExpr binds the text of a default.
func (b *Binder) storedExpr(text string, t types.Type, column string) (expr.Expr, error) {
	a, err := parser.ParseExpr(text)
	if err != nil {
		return nil, pgerr.Newf(pgerr.Internal, "default of column %s cannot be read: %v", column, err)
	}
	x := exprs{b: b, scope: &scope{}, clause: "DEFAULT expressions"}
	e, err := x.bind(a)
	if err != nil {
		return nil, unplaced(err)
	}
	e, err = b.assign(e, t, column, -1)
	return e, unplaced(err)
}

// unplaced takes the position off an error that is about a stored text and not about the statement.
func unplaced(err error) error {
	if err == nil {
		return nil
	}
	e := *pgerr.Of(err)
	e.Position = 0
	return &e
}

// checks binds the CHECK constraints of rel over a row.
func (b *Binder) checks(rel *catalog.Relation, row *fromItem) ([]Check, error) {
	var out []Check
	for _, c := range rel.Checks {
		a, err := parser.ParseExpr(c.Expr)
		if err != nil {
			return nil, pgerr.Newf(pgerr.Internal, "check constraint %s cannot be read: %v", c.Name, err)
		}
		x := exprs{b: b, scope: &scope{rels: row.rels, cols: row.cols}, clause: "check constraints"}
		e, err := x.bool(a, "argument of CHECK")
		if err != nil {
			return nil, unplaced(err)
		}
		out = append(out, Check{c.Name, e})
	}
	return out, nil
}

// returning binds RETURNING.
func (b *Binder) returning(w *Write, items []*ast.SelectItem, s *scope) error {
	if len(items) == 0 {
		return nil
	}
	x := &exprs{b: b, scope: s, clause: "RETURNING"}
	cols, err := b.selectItems(items, x)
	if err != nil {
		return err
	}
	w.Returning = []expr.Expr{}
	for _, c := range cols {
		e, err := b.resolved(c.e)
		if err != nil {
			return err
		}
		w.Returning, w.Names = append(w.Returning, e), append(w.Names, c.name)
	}
	return nil
}

// statementScope is the scope of a DML statement: the names of its WITH clause.
func (b *Binder) statementScope(w *ast.With) (*scope, error) {
	s := &scope{}
	if w == nil {
		return s, nil
	}
	_, err := b.with(w, s)
	return s, err
}

// query makes the Query of a Write: node with the columns given.
func (b *Binder) queryOf(node logical.Node, cols []logical.ColID) *logical.Query {
	q := &logical.Query{Meta: b.meta, Root: node}
	for _, id := range cols {
		q.Out = append(q.Out, logical.Out{Name: b.meta.Columns[id].Name, ID: id})
	}
	return q
}

// rest lists the columns of outs that the expressions use beyond those in have.
func restOf(exprs []expr.Expr, have, outs logical.ColSet) []logical.ColID {
	var used logical.ColSet
	for _, e := range exprs {
		used.AddAll(logical.Cols(e))
	}
	return slices.DeleteFunc(used.List(), func(id logical.ColID) bool { return have.Has(id) || !outs.Has(id) })
}
