package bind

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// fromItem is a bound item of FROM: its rows, the names of its tables, and its columns in order.
type fromItem struct {
	node logical.Node
	rels []*rangeVar
	cols []scopeCol
}

// single is an item of one named table.
func single(node logical.Node, rv *rangeVar) *fromItem {
	return &fromItem{node: node, rels: []*rangeVar{rv}, cols: rv.cols}
}

// from binds the FROM list, a product of its items, and adds their names to s. Without FROM there is one row.
func (b *Binder) from(list []ast.TableRef, s *scope) (logical.Node, error) {
	if len(list) == 0 {
		return oneRow(), nil
	}
	var node logical.Node
	for _, ref := range list {
		f, err := b.tableRef(ref, s, &fromItem{rels: s.rels, cols: s.cols})
		if err != nil {
			return nil, err
		}
		if err := checkAliases(s.rels, f.rels); err != nil {
			return nil, err
		}
		s.add(f)
		if node == nil {
			node = f.node
		} else {
			node = &logical.Join{Kind: physical.Inner, Left: node, Right: f.node}
		}
	}
	return node, nil
}

func oneRow() logical.Node { return &logical.Values{Rows: [][]expr.Expr{{}}} }

// checkAliases refuses the same table name twice.
func checkAliases(have, add []*rangeVar) error {
	for _, a := range add {
		for _, h := range have {
			if a.name == h.name && a.name != "" && (a.schema == h.schema || a.schema == "" || h.schema == "") {
				return pgerr.Newf(pgerr.DuplicateAlias, `table name "%s" specified more than once`, a.name)
			}
		}
	}
	return nil
}

// tableRef binds one item; left is what stands before it, which lateral items may use.
func (b *Binder) tableRef(ref ast.TableRef, s *scope, left *fromItem) (*fromItem, error) {
	switch ref := ref.(type) {
	case *ast.TableName:
		return b.tableName(ref, s)
	case *ast.Subquery:
		return b.derived(ref, s, left)
	case *ast.FuncTable:
		return b.funcTable(ref, s, left)
	case *ast.Join:
		return b.join(ref, s, left)
	case *ast.WindowTable:
		return b.windowTable(ref, s, left)
	}
	return nil, pgerr.Unsupported("this FROM item").At(ref.Pos())
}

// inner is the scope of a query in FROM: a lateral one sees the items before it.
func (s *scope) inner(left *fromItem, lateral bool) *scope {
	if lateral {
		return &scope{outer: &scope{outer: s.outer, rels: left.rels, cols: left.cols, unreachable: s.unreachable, ctes: s.ctes}, ctes: s.ctes}
	}
	return &scope{outer: &scope{outer: s.outer, unreachable: left.rels, ctes: s.ctes}, ctes: s.ctes}
}

// tableName binds a relation, view or CTE by name.
func (b *Binder) tableName(t *ast.TableName, s *scope) (*fromItem, error) {
	if t.Sample != nil {
		return nil, pgerr.Unsupported("TABLESAMPLE").At(t.Sample.Pos())
	}
	if t.ObjectName.Schema == "" {
		if c := s.ctes.find(t.ObjectName.Name); c != nil {
			return b.cteRef(t, c)
		}
	}
	rel, err := b.Relation(t.ObjectName)
	if err != nil {
		return nil, err
	}
	b.names.relation(t, b.env.Catalog, rel)
	b.addDepend(rel.ID)
	rv := &rangeVar{name: rel.Name, rel: rel}
	if sc := b.env.Catalog.SchemaByID(rel.Schema); sc != nil {
		rv.schema = sc.Name
	}
	switch rel.Kind {
	case catalog.View:
		return b.expandView(t, rel, rv)
	case catalog.Sink:
		return nil, pgerr.Newf(pgerr.WrongObjectType, `cannot open relation "%s"`, rel.Name).
			WithDetail("This operation is not supported for sinks.").At(t.Pos())
	case catalog.Sequence:
		return nil, pgerr.Unsupported("SELECT from a sequence").At(t.Pos())
	}
	node := b.scan(rel)
	for i, c := range rel.Columns {
		rv.cols = append(rv.cols, scopeCol{name: c.Name, e: b.meta.Var(node.Cols[i]), hidden: c.Hidden})
	}
	return b.aliased(single(node, rv), rv, t.Alias)
}

// scan makes a Scan of all columns of a relation.
func (b *Binder) scan(rel *catalog.Relation) *logical.Scan {
	b.addRead(rel.ID)
	n := &logical.Scan{Rel: rel, Late: -1}
	for _, c := range rel.Columns {
		id := b.meta.Add(c.Name, c.Type)
		b.meta.Columns[id].NotNull = c.NotNull
		n.Cols = append(n.Cols, id)
	}
	if rel.Watermark != nil {
		n.Late = b.meta.Add("late", boolType)
	}
	return n
}

// aliased gives the table its alias and its columns theirs.
func (b *Binder) aliased(f *fromItem, rv *rangeVar, a ast.Alias) (*fromItem, error) {
	if a.Name != "" {
		rv.name, rv.schema = a.Name, ""
	}
	if len(a.Columns) > 0 {
		n := 0
		for i := range rv.cols {
			if rv.cols[i].hidden {
				continue
			}
			if n < len(a.Columns) {
				rv.cols[i].name = a.Columns[n]
			}
			n++
		}
		if len(a.Columns) > n {
			return nil, pgerr.Newf(pgerr.InvalidColumnReference, `table "%s" has %d columns available but %d columns specified`,
				rv.name, n, len(a.Columns))
		}
	}
	f.cols = rv.cols
	return f, nil
}

// derived binds a query in FROM.
func (b *Binder) derived(q *ast.Subquery, s *scope, left *fromItem) (*fromItem, error) {
	r, err := b.query(q.Query, s.inner(left, q.Lateral))
	if err != nil {
		return nil, err
	}
	return b.named(r, q.Alias)
}

// named makes a FROM item of a query's result.
func (b *Binder) named(r *result, a ast.Alias) (*fromItem, error) {
	if err := b.settleParts(r); err != nil {
		return nil, err
	}
	rv := &rangeVar{}
	for _, c := range r.cols {
		rv.cols = append(rv.cols, scopeCol{name: c.name, e: c.e})
	}
	return b.aliased(single(r.node, rv), rv, a)
}

// join binds a JOIN.
func (b *Binder) join(j *ast.Join, s *scope, left *fromItem) (*fromItem, error) {
	if j.Asof {
		return nil, pgerr.Unsupported("ASOF JOIN").At(j.Pos())
	}
	l, err := b.tableRef(j.Left, s, left)
	if err != nil {
		return nil, err
	}
	both := &fromItem{rels: append(append([]*rangeVar{}, left.rels...), l.rels...),
		cols: append(append([]scopeCol{}, left.cols...), l.cols...)}
	r, err := b.tableRef(j.Right, s, both)
	if err != nil {
		return nil, err
	}
	if err := checkAliases(l.rels, r.rels); err != nil {
		return nil, err
	}
	n := &logical.Join{Kind: physical.Inner, Left: l.node, Right: r.node}
	switch j.Kind {
	case ast.LeftJoin:
		n.Kind = physical.Left
	case ast.RightJoin:
		n.Kind, n.Left, n.Right = physical.Left, r.node, l.node
	case ast.FullJoin:
		n.Kind = physical.Full
	}
	if (j.Kind == ast.RightJoin || j.Kind == ast.FullJoin) && logical.FreeCols(r.node).Meets(logical.Outputs(l.node)) {
		return nil, pgerr.New(pgerr.InvalidColumnReference, "invalid reference to FROM-clause entry for a table").
			WithDetail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.").At(j.Pos())
	}
	f := &fromItem{node: n, rels: append(append([]*rangeVar{}, l.rels...), r.rels...)}
	f.cols = append(append([]scopeCol{}, l.cols...), r.cols...)
	if err := b.joinCondition(j, s, n, f, l, r); err != nil {
		return nil, err
	}
	if j.Alias.Name != "" {
		rv := &rangeVar{cols: visible(f.cols)}
		return b.aliased(single(f.node, rv), rv, j.Alias)
	}
	return f, nil
}

func visible(cols []scopeCol) []scopeCol {
	var out []scopeCol
	for _, c := range cols {
		if !c.hidden {
			out = append(out, c)
		}
	}
	return out
}

// joinCondition binds ON, USING or NATURAL.
func (b *Binder) joinCondition(j *ast.Join, s *scope, n *logical.Join, f, l, r *fromItem) error {
	if j.On != nil {
		x := exprs{b: b, clause: "JOIN conditions", scope: &scope{
			outer: s.outer, rels: f.rels, cols: f.cols, unreachable: s.rels, ctes: s.ctes}}
		e, err := x.bool(j.On, "argument of JOIN/ON")
		if err != nil {
			return err
		}
		n.On = logical.Conjuncts(e)
		return nil
	}
	names := j.Using
	if j.Natural {
		names = commonNames(l.cols, r.cols)
	}
	if len(names) == 0 {
		return nil
	}
	return b.using(j, names, n, f, l, r)
}

func commonNames(l, r []scopeCol) []string {
	var out []string
	for _, c := range l {
		if c.hidden {
			continue
		}
		for _, d := range r {
			if d.name == c.name && !d.hidden {
				out = append(out, c.name)
				break
			}
		}
	}
	return out
}

// using equates the columns of the given names and merges each pair into one, which comes first.
func (b *Binder) using(j *ast.Join, names []string, n *logical.Join, f, l, r *fromItem) error {
	var merged []scopeCol
	ext := &logical.Extend{}
	lc, rc := hideable(l.cols), hideable(r.cols)
	for _, name := range names {
		a, err := usingColumn(lc, name, "left", j.Pos())
		if err != nil {
			return err
		}
		c, err := usingColumn(rc, name, "right", j.Pos())
		if err != nil {
			return err
		}
		eq, err := b.operator("=", a.e, c.e, j.Pos())
		if err != nil {
			return err
		}
		n.On = append(n.On, eq)
		e, err := b.merge(j.Kind, a.e, c.e, j.Pos())
		if err != nil {
			return err
		}
		if _, isVar := e.(*logical.Var); !isVar {
			id := b.meta.Add(name, e.Type())
			ext.Items = append(ext.Items, logical.Item{ID: id, E: e})
			e = b.meta.Var(id)
		}
		merged = append(merged, scopeCol{name: name, e: e})
		a.hidden, c.hidden = true, true
	}
	if len(ext.Items) > 0 {
		ext.Input = f.node
		f.node = ext
	}
	f.cols = append(merged, append(visible(lc), visible(rc)...)...)
	if j.UsingAlias != "" {
		f.rels = append(f.rels, &rangeVar{name: j.UsingAlias, cols: merged})
	}
	return nil
}

func hideable(cols []scopeCol) []scopeCol { return append([]scopeCol{}, cols...) }

func usingColumn(cols []scopeCol, name, side string, pos int) (*scopeCol, error) {
	var found *scopeCol
	for i := range cols {
		if cols[i].name != name || cols[i].hidden {
			continue
		}
		if found != nil {
			return nil, pgerr.Newf(pgerr.AmbiguousColumn, `common column name "%s" appears more than once in %s table`, name, side).At(pos)
		}
		found = &cols[i]
	}
	if found == nil {
		return nil, pgerr.Newf(pgerr.UndefinedColumn, `column "%s" specified in USING clause does not exist in %s table`, name, side).At(pos)
	}
	return found, nil
}

// merge is the value of a USING column.
func (b *Binder) merge(kind ast.JoinKind, l, r expr.Expr, pos int) (expr.Expr, error) {
	both, t, err := b.common("JOIN/USING", []expr.Expr{l, r}, []int{pos, pos})
	if err != nil {
		return nil, err
	}
	switch kind {
	case ast.RightJoin:
		return both[1], nil
	case ast.FullJoin:
		return &expr.Coalesce{Args: both, T: types.T(t.OID)}, nil
	}
	return both[0], nil
}
