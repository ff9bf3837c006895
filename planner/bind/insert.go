package bind

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
)

// inserter is an INSERT while it is bound.
type inserter struct {
	b    *Binder
	stmt *ast.Insert
	rel  *catalog.Relation
	cols []int // target columns
	pos  []int // where they are written, -1 if not
}

// Insert binds INSERT. The query yields every column of the relation, in order.
func (b *Binder) Insert(stmt *ast.Insert) (*Write, error) {
	rel, err := b.target(stmt.Table, "insert into")
	if err != nil {
		return nil, err
	}
	s, err := b.statementScope(stmt.With)
	if err != nil {
		return nil, err
	}
	in := &inserter{b: b, stmt: stmt, rel: rel}
	if err := in.targets(); err != nil {
		return nil, err
	}
	node, row, err := in.source(s)
	if err != nil {
		return nil, err
	}
	w := &Write{Rel: rel, Query: b.queryOf(node, row)}
	name := stmt.Alias
	if name == "" {
		name = rel.Name
	}
	var item *fromItem
	w.Row, item = b.rowColumns(rel, name)
	if w.Checks, err = b.checks(rel, item); err != nil {
		return nil, err
	}
	if stmt.OnConflict != nil {
		if err := in.conflict(w, item, s); err != nil {
			return nil, err
		}
	}
	return w, b.returning(w, stmt.Returning, &scope{rels: item.rels, cols: item.cols, ctes: s.ctes})
}

// targets resolves the column list; without one it is all columns.
func (in *inserter) targets() error {
	if in.stmt.Columns == nil {
		for i, c := range in.rel.Columns {
			if !c.Hidden {
				in.cols, in.pos = append(in.cols, i), append(in.pos, -1)
			}
		}
		return nil
	}
	for _, c := range in.stmt.Columns {
		i, err := targetColumn(in.rel, c.Name, c.Pos())
		if err != nil {
			return err
		}
		if slices.Contains(in.cols, i) {
			return pgerr.Newf(pgerr.DuplicateColumn, `column "%s" specified more than once`, c.Name).At(c.Pos())
		}
		in.cols, in.pos = append(in.cols, i), append(in.pos, c.Pos())
	}
	return nil
}

// source binds what is inserted and completes it to whole rows.
func (in *inserter) source(s *scope) (logical.Node, []logical.ColID, error) {
	q := in.stmt.Source
	if q == nil {
		return in.values(&ast.Values{Rows: [][]ast.Expr{{}}}, s)
	}
	v, ok := q.Body.(*ast.Values)
	if !ok || q.With != nil || len(q.OrderBy) > 0 || q.Limit != nil || q.Offset != nil {
		return in.query(q, s)
	}
	if v.Flat != nil {
		node, row, err := in.flat(v)
		if node != nil || err != nil {
			return node, row, err
		}
	}
	return in.values(v, s)
}

// query inserts the rows of a query.
func (in *inserter) query(q *ast.Select, s *scope) (logical.Node, []logical.ColID, error) {
	b := in.b
	r, err := b.query(q, s.child())
	if err != nil {
		return nil, nil, err
	}
	if err := in.width(len(r.cols), func(i int) int { return r.cols[i].pos }, q.Pos()); err != nil {
		return nil, nil, err
	}
	row := make([]logical.ColID, len(in.rel.Columns))
	given := make([]bool, len(row))
	for i := range r.cols {
		c := in.rel.Columns[in.cols[i]]
		given[in.cols[i]], err = in.mayGive(in.cols[i])
		if err != nil {
			return nil, nil, err
		}
		if !given[in.cols[i]] {
			r.cols[i].e, err = b.resolved(r.cols[i].e)
		} else {
			r.cols[i].e, err = b.assign(r.cols[i].e, c.Type, c.Name, r.cols[i].pos)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	b.compute(r)
	for i, id := range r.ids() {
		if given[in.cols[i]] {
			row[in.cols[i]] = id
		}
	}
	node, err := in.complete(r.node, row, given)
	return node, row, err
}

// complete adds the columns that are not given.
func (in *inserter) complete(node logical.Node, row []logical.ColID, given []bool) (logical.Node, error) {
	ext := &logical.Extend{Input: node}
	for i := range row {
		if given[i] {
			continue
		}
		e, err := in.b.DefaultOf(in.rel, i)
		if err != nil {
			return nil, err
		}
		row[i] = in.b.meta.Add(in.rel.Columns[i].Name, e.Type())
		ext.Items = append(ext.Items, logical.Item{ID: row[i], E: e})
	}
	if len(ext.Items) == 0 {
		return node, nil
	}
	return ext, nil
}

// width checks the number of values against the target columns.
func (in *inserter) width(n int, posOf func(int) int, pos int) error {
	if n > len(in.cols) {
		return pgerr.New(pgerr.SyntaxError, "INSERT has more expressions than target columns").At(posOf(len(in.cols)))
	}
	if n < len(in.cols) && in.stmt.Columns != nil && in.stmt.Source != nil {
		return pgerr.New(pgerr.SyntaxError, "INSERT has more target columns than expressions").At(in.pos[n])
	}
	return nil
}

// mayGive reports whether a value for column i is used; false: its default is (OVERRIDING USER VALUE). A value for a
// GENERATED ALWAYS column is an error.
func (in *inserter) mayGive(i int) (bool, error) {
	c := in.rel.Columns[i]
	switch {
	case c.Identity != 0 && in.stmt.Overriding == ast.OverridingUser:
		return false, nil
	case c.Identity == 'a' && in.stmt.Overriding != ast.OverridingSystem:
		return false, pgerr.Newf(pgerr.GeneratedAlways, `cannot insert a non-DEFAULT value into column "%s"`, c.Name).
			WithDetail(`Column "%s" is an identity column defined as GENERATED ALWAYS.`, c.Name).
			WithHint("Use OVERRIDING SYSTEM VALUE to override.")
	}
	return true, nil
}

// values inserts rows of expressions.
func (in *inserter) values(v *ast.Values, s *scope) (logical.Node, []logical.ColID, error) {
	node := &logical.Values{}
	for _, c := range in.rel.Columns {
		node.Cols = append(node.Cols, in.b.meta.Add(c.Name, c.Type))
	}
	x := exprs{b: in.b, scope: s, clause: "VALUES"}
	for i := range v.NumRows() {
		if v.NumCols(i) != v.NumCols(0) {
			return nil, nil, pgerr.New(pgerr.SyntaxError, "VALUES lists must all be the same length").At(v.Cell(i, 0).Pos())
		}
		if err := in.width(v.NumCols(i), func(j int) int { return v.Cell(i, j).Pos() }, v.Pos()); err != nil {
			return nil, nil, err
		}
		row, err := in.valuesRow(v, i, &x)
		if err != nil {
			return nil, nil, err
		}
		node.Rows = append(node.Rows, row)
	}
	return node, node.Cols, nil
}

func (in *inserter) valuesRow(v *ast.Values, i int, x *exprs) ([]expr.Expr, error) {
	row := make([]expr.Expr, len(in.rel.Columns))
	for j := range v.NumCols(i) {
		cell := v.Cell(i, j)
		if _, ok := cell.(*ast.Default); ok {
			continue
		}
		use, err := in.mayGive(in.cols[j])
		if err != nil {
			return nil, at(err, cell.Pos())
		}
		e, err := x.bind(cell)
		if err != nil {
			return nil, err
		}
		c := in.rel.Columns[in.cols[j]]
		if e, err = in.b.assign(e, c.Type, c.Name, cell.Pos()); err != nil {
			return nil, err
		}
		if use {
			row[in.cols[j]] = e
		}
	}
	for j := range row {
		if row[j] != nil {
			continue
		}
		var err error
		if row[j], err = in.b.DefaultOf(in.rel, j); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// conflict binds ON CONFLICT.
func (in *inserter) conflict(w *Write, existing *fromItem, s *scope) error {
	c := in.stmt.OnConflict
	if in.rel.Kind != catalog.Table {
		return pgerr.Newf(pgerr.InvalidColumnReference, "there is no unique or exclusion constraint matching the ON CONFLICT specification").
			WithHint(`"%s" is a stream: its rows have no key.`, in.rel.Name)
	}
	w.Conflict = &Conflict{}
	if err := in.arbiter(w.Conflict, c); err != nil {
		return err
	}
	if c.DoNothing {
		return nil
	}
	var excluded *fromItem
	w.Excluded, excluded = in.b.rowColumns(in.rel, "excluded")
	both := &scope{ctes: s.ctes}
	both.add(existing)
	both.add(excluded)
	set, err := in.b.assignments(in.rel, c.Set, &exprs{b: in.b, scope: both, clause: "UPDATE"})
	if err != nil {
		return err
	}
	for i, id := range w.Row {
		e := set[i]
		if e == nil {
			e = in.b.meta.Var(id)
		}
		w.Conflict.Update = append(w.Conflict.Update, e)
	}
	if c.SetWhere != nil {
		x := exprs{b: in.b, scope: both, clause: "WHERE"}
		w.Conflict.Where, err = x.bool(c.SetWhere, "argument of WHERE")
	}
	return err
}

// arbiter finds the unique constraint that ON CONFLICT names.
func (in *inserter) arbiter(out *Conflict, c *ast.OnConflict) error {
	keys := [][]int{}
	names := []string{}
	if len(in.rel.PrimaryKey) > 0 {
		keys, names = append(keys, in.rel.PrimaryKey), append(names, in.rel.PKName)
	}
	for _, u := range in.rel.Uniques {
		keys, names = append(keys, u.Cols), append(names, u.Name)
	}
	if c.Constraint != "" {
		i := slices.Index(names, c.Constraint)
		if i < 0 {
			return pgerr.Newf(pgerr.UndefinedObject, `constraint "%s" for table "%s" does not exist`, c.Constraint, in.rel.Name)
		}
		out.Target = keys[i]
		return nil
	}
	if c.Elems == nil {
		if !c.DoNothing {
			return pgerr.New(pgerr.SyntaxError, "ON CONFLICT DO UPDATE requires inference specification or constraint name").
				WithHint("For example, ON CONFLICT (column_name).").At(c.Pos())
		}
		return nil
	}
	var want []int
	for _, e := range c.Elems {
		if e.Column == "" {
			want = append(want, -1)
			continue
		}
		i := in.rel.Column(e.Column)
		if i < 0 {
			return pgerr.Newf(pgerr.UndefinedColumn, `column "%s" does not exist`, e.Column).At(e.Pos())
		}
		want = append(want, i)
	}
	slices.Sort(want)
	want = slices.Compact(want)
	for _, k := range keys {
		sorted := slices.Sorted(slices.Values(k))
		if slices.Equal(sorted, want) {
			out.Target = k
			return nil
		}
	}
	return pgerr.New(pgerr.InvalidColumnReference, "there is no unique or exclusion constraint matching the ON CONFLICT specification")
}
