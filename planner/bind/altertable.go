package bind

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
)

// Reshape is an ALTER TABLE after which rows look otherwise: the table is replaced by Rel, which Query fills from it.
type Reshape struct {
	Old    catalog.ID
	Rel    *catalog.Relation
	Query  *logical.Query
	Row    []logical.ColID // of Checks
	Checks []Check
}

// reshaper applies the actions of one ALTER TABLE to a new definition, in order.
type reshaper struct {
	*creator
	old  *scope
	fill []expr.Expr // what each column of the new definition gets, over the old columns
}

// reshapes reports whether an action changes what rows look like, or what must hold of them.
func reshapes(k ast.AlterKind) bool {
	switch k {
	case ast.AlterAddColumn, ast.AlterDropColumn, ast.AlterColumnType, ast.AlterColumnSetNotNull, ast.AlterAddConstraint,
		ast.AlterDropConstraint:
		return true
	}
	return false
}

// reshape binds an ALTER TABLE of which at least one action reshapes.
func (b *Binder) reshape(old *catalog.Relation, stmt *ast.Alter) (*Reshape, error) {
	if old.Kind != catalog.Table || old.Connector != "" {
		return nil, pgerr.Unsupported("changing the columns of a " + string(old.Kind)).
			WithHint("Create another one and move the readers.").At(stmt.Pos())
	}
	if err := b.noDependents(old, "alter", stmt.Pos()); err != nil {
		return nil, err
	}
	scan := b.scan(old)
	rv := &rangeVar{name: old.Name, rel: old}
	s := &reshaper{creator: &creator{b: b, rel: old.Clone(), names: constraintNames(old), deps: old.DependsOn}}
	for i, id := range scan.Cols {
		v := b.meta.Var(id)
		rv.cols = append(rv.cols, scopeCol{name: old.Columns[i].Name, e: v})
		s.fill = append(s.fill, v)
	}
	s.old = &scope{rels: []*rangeVar{rv}, cols: rv.cols}
	for _, act := range stmt.Actions {
		err := b.alterRelation(s.rel, act)
		if reshapes(act.Kind) {
			err = s.apply(act)
		}
		if err != nil {
			return nil, err
		}
	}
	s.rel.DependsOn = s.deps
	out := &Reshape{Old: old.ID, Rel: s.rel, Query: s.query(scan)}
	var item *fromItem
	out.Row, item = b.rowColumns(s.rel, s.rel.Name)
	var err error
	out.Checks, err = b.checks(s.rel, item)
	return out, err
}

func constraintNames(r *catalog.Relation) map[string]bool {
	names := map[string]bool{}
	if r.PKName != "" {
		names[r.PKName] = true
	}
	for _, u := range r.Uniques {
		names[u.Name] = true
	}
	for _, c := range r.Checks {
		names[c.Name] = true
	}
	return names
}

// query computes the new rows from the old ones.
func (s *reshaper) query(scan *logical.Scan) *logical.Query {
	x := &logical.Extend{Input: scan}
	ids := make([]logical.ColID, len(s.fill))
	for i, e := range s.fill {
		if v, ok := e.(*logical.Var); ok {
			ids[i] = v.ID
			continue
		}
		c := s.rel.Columns[i]
		ids[i] = s.b.meta.Add(c.Name, c.Type)
		x.Items = append(x.Items, logical.Item{ID: ids[i], E: e})
	}
	if len(x.Items) == 0 {
		return s.b.queryOf(scan, ids)
	}
	return s.b.queryOf(x, ids)
}

func (s *reshaper) apply(act *ast.AlterAction) error {
	switch act.Kind {
	case ast.AlterAddColumn:
		return s.addColumn(act)
	case ast.AlterAddConstraint:
		return s.addConstraint(act)
	case ast.AlterDropConstraint:
		return s.dropConstraint(act)
	}
	i := s.rel.Column(act.Name)
	if i < 0 {
		if act.IfExists {
			return nil
		}
		return pgerr.Newf(pgerr.UndefinedColumn, `column "%s" of relation "%s" does not exist`, act.Name, s.rel.Name)
	}
	switch act.Kind {
	case ast.AlterDropColumn:
		return s.dropColumn(i)
	case ast.AlterColumnType:
		return s.columnType(i, act)
	default:
		s.rel.Columns[i].NotNull = true
		return nil
	}
}

func (s *reshaper) addColumn(act *ast.AlterAction) error {
	d := act.Column
	if s.rel.Column(d.Name) >= 0 {
		if act.IfNotExists {
			return nil
		}
		return pgerr.Newf(pgerr.DuplicateColumn, `column "%s" of relation "%s" already exists`, d.Name, s.rel.Name)
	}
	if len(s.rel.Columns) == maxColumns {
		return pgerr.Newf(pgerr.TooManyColumns, "tables can have at most %d columns", maxColumns)
	}
	if err := s.column(d); err != nil {
		return err
	}
	i := len(s.rel.Columns) - 1
	s.fill = append(s.fill, nullOf(s.rel.Columns[i].Type))
	for _, con := range d.Constraints {
		if err := s.constraint(con, []string{d.Name}); err != nil {
			return err
		}
	}
	if len(s.seqs) > 0 {
		return pgerr.Unsupported("adding a serial or identity column").
			WithHint("Create a table with the column and copy the rows.").At(d.Pos())
	}
	s.keyNotNull()
	var err error
	s.fill[i], err = s.b.DefaultOf(s.rel, i)
	return err
}

// keyNotNull: columns of a primary key are not null.
func (s *reshaper) keyNotNull() {
	for _, k := range s.rel.PrimaryKey {
		s.rel.Columns[k].NotNull = true
	}
}

// dropColumn drops a column and the constraints that name it.
func (s *reshaper) dropColumn(i int) error {
	r := s.rel
	name := r.Columns[i].Name
	uses := func(cols []int) bool { return slices.Contains(cols, i) }
	if uses(r.PrimaryKey) {
		r.PrimaryKey, r.PKName = nil, ""
	}
	r.Uniques = slices.DeleteFunc(r.Uniques, func(u catalog.Index) bool { return uses(u.Cols) })
	var bad error
	r.Checks = slices.DeleteFunc(r.Checks, func(c catalog.Check) bool {
		e, err := parser.ParseExpr(c.Expr)
		if err != nil {
			bad = pgerr.Newf(pgerr.Internal, "check constraint %s cannot be read: %v", c.Name, err)
			return false
		}
		return slices.Contains(columnsIn(e), name)
	})
	shift := func(cols []int) []int {
		out := slices.Clone(cols)
		for k := range out {
			if out[k] > i {
				out[k]--
			}
		}
		return out
	}
	r.PrimaryKey = shift(r.PrimaryKey)
	for k := range r.Uniques {
		r.Uniques[k].Cols = shift(r.Uniques[k].Cols)
	}
	r.Columns = slices.Delete(r.Columns, i, i+1)
	s.fill = slices.Delete(s.fill, i, i+1)
	return bad
}

func (s *reshaper) columnType(i int, act *ast.AlterAction) error {
	col := &s.rel.Columns[i]
	t, err := s.b.typeName(act.Type)
	if err != nil {
		return err
	}
	e, using := s.fill[i], act.Expr != nil
	if using {
		x := exprs{b: s.b, scope: s.old, clause: "transform expressions"}
		if e, err = x.bind(act.Expr); err != nil {
			return err
		}
	}
	if s.fill[i], err = s.b.assign(e, t, col.Name, act.Pos()); err != nil {
		if using {
			return pgerr.Newf(pgerr.DatatypeMismatch, `result of USING clause for column "%s" cannot be cast automatically to type %s`,
				col.Name, t.OID).WithHint("You might need to add an explicit cast.")
		}
		return pgerr.Newf(pgerr.DatatypeMismatch, `column "%s" cannot be cast automatically to type %s`, col.Name, t.OID).
			WithHint(`You might need to specify "USING %s::%s".`, parser.QuoteIdent(col.Name), t)
	}
	col.Type = t
	if col.SeqID != 0 || col.Default != "" {
		if _, err := s.b.DefaultOf(s.rel, i); err != nil {
			return pgerr.Newf(pgerr.DatatypeMismatch, `default for column "%s" cannot be cast automatically to type %s`, col.Name, t.OID)
		}
	}
	return nil
}

func (s *reshaper) addConstraint(act *ast.AlterAction) error {
	if act.Constraint.UsingIndex != "" {
		return pgerr.Unsupported("USING INDEX").At(act.Pos())
	}
	err := s.constraint(act.Constraint, act.Constraint.Columns)
	s.keyNotNull()
	return err
}

func (s *reshaper) dropConstraint(act *ast.AlterAction) error {
	r := s.rel
	check := slices.IndexFunc(r.Checks, func(c catalog.Check) bool { return c.Name == act.Name })
	unique := slices.IndexFunc(r.Uniques, func(u catalog.Index) bool { return u.Name == act.Name })
	switch {
	case act.Name == r.PKName:
		r.PrimaryKey, r.PKName = nil, ""
	case check >= 0:
		r.Checks = slices.Delete(r.Checks, check, check+1)
	case unique >= 0:
		r.Uniques = slices.Delete(r.Uniques, unique, unique+1)
	case act.IfExists:
		return nil
	default:
		return pgerr.Newf(pgerr.UndefinedObject, `constraint "%s" of relation "%s" does not exist`, act.Name, r.Name)
	}
	delete(s.names, act.Name)
	return nil
}
