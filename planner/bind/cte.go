package bind

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// cteEnv is the common table expressions visible at a point, innermost first.
type cteEnv struct {
	outer *cteEnv
	cte   *cte
}

// cte is one of them. It is bound again for each reference: it has no columns of its own.
type cte struct {
	def   *ast.CTE
	env   *cteEnv // what its body sees
	scope *scope  // around its body
	// working is set while the recursive term is bound: a reference is the working table.
	working *workTable
	// recursive: the clause said so and the body refers to itself.
	recursive bool
	used      bool
}

// workTable is the table a recursive term reads: the rows of the last round.
type workTable struct {
	id    int
	names []string
	types []types.Type
	used  bool
}

func (e *cteEnv) find(name string) *cte {
	for ; e != nil; e = e.outer {
		if e.cte.def.Name == name {
			return e.cte
		}
	}
	return nil
}

// with makes the CTEs of a WITH clause visible in s.
func (b *Binder) with(w *ast.With, s *scope) ([]*cte, error) {
	var list []*cte
	seen := map[string]bool{}
	for _, def := range w.CTEs {
		if seen[def.Name] {
			return nil, pgerr.Newf(pgerr.DuplicateAlias, `WITH query name "%s" specified more than once`, def.Name).At(def.Pos())
		}
		seen[def.Name] = true
		if _, ok := def.Stmt.(*ast.Select); !ok {
			return nil, pgerr.Unsupported("a data-modifying statement in WITH").At(def.Pos())
		}
		c := &cte{def: def, scope: s.outer}
		env := &cteEnv{outer: s.ctes, cte: c}
		c.env = s.ctes
		if w.Recursive && refersTo(def.Stmt, def.Name) {
			c.recursive, c.env = true, env
		}
		s.ctes = env
		list = append(list, c)
	}
	return list, nil
}

// checkUnused binds the bodies that nothing refers to, for their errors; what is made of them is dropped.
func (b *Binder) checkUnused(list []*cte) error {
	reads := slices.Clone(b.reads)
	for _, c := range list {
		if c.used {
			continue
		}
		if _, err := b.cteBody(c); err != nil {
			return err
		}
	}
	b.reads = reads
	return nil
}

// refersTo reports whether a relation of that name is read anywhere in the statement.
func refersTo(stmt ast.Statement, name string) bool {
	found := false
	ast.Inspect(stmt, func(n ast.Node) bool {
		if t, ok := n.(*ast.TableName); ok && t.ObjectName.Schema == "" && t.ObjectName.Name == name {
			found = true
		}
		return !found
	})
	return found
}

// cteRef binds a reference to a CTE.
func (b *Binder) cteRef(t *ast.TableName, c *cte) (*fromItem, error) {
	rv := &rangeVar{name: t.ObjectName.Name}
	if w := c.working; w != nil {
		w.used = true
		n := &logical.RecursiveRef{ID: w.id}
		for i, name := range w.names {
			id := b.meta.Add(name, w.types[i])
			n.Cols = append(n.Cols, id)
			rv.cols = append(rv.cols, scopeCol{name: name, e: b.meta.Var(id)})
		}
		return b.aliased(single(n, rv), rv, t.Alias)
	}
	c.used = true
	r, err := b.cteBody(c)
	if err != nil {
		return nil, err
	}
	for _, col := range r.cols {
		rv.cols = append(rv.cols, scopeCol{name: col.name, e: col.e})
	}
	return b.aliased(single(r.node, rv), rv, t.Alias)
}

// cteBody binds the body of a CTE with the column names it declares.
func (b *Binder) cteBody(c *cte) (*result, error) {
	if err := b.enter(); err != nil {
		return nil, err
	}
	defer func() { b.depth-- }()
	sel := c.def.Stmt.(*ast.Select)
	s := &scope{outer: c.scope, ctes: c.env}
	var r *result
	var err error
	if c.recursive {
		r, err = b.recursive(c, sel, s)
	} else if r, err = b.query(sel, s); err == nil {
		err = b.settleParts(r)
	}
	if err != nil {
		return nil, err
	}
	return r, rename(r, c.def)
}

// rename gives the columns of r the names of the CTE's column list.
func rename(r *result, def *ast.CTE) error {
	if len(def.Columns) > len(r.cols) {
		return pgerr.Newf(pgerr.InvalidColumnReference, `WITH query "%s" has %d columns available but %d columns specified`,
			def.Name, len(r.cols), len(def.Columns)).At(def.Pos())
	}
	for i, n := range def.Columns {
		r.cols[i].name = n
	}
	return nil
}

// recursive binds seed UNION [ALL] step.
func (b *Binder) recursive(c *cte, sel *ast.Select, s *scope) (*result, error) {
	op, ok := sel.Body.(*ast.SetOp)
	if !ok || op.Op != ast.Union {
		return nil, pgerr.Newf(pgerr.InvalidRecursion,
			`recursive query "%s" does not have the form non-recursive-term UNION [ALL] recursive-term`, c.def.Name).At(c.def.Pos())
	}
	if len(sel.OrderBy) > 0 || sel.Limit != nil || sel.Offset != nil {
		return nil, pgerr.Unsupported("ORDER BY or LIMIT in a recursive query").At(sel.Pos())
	}
	if refersToQuery(op.Left, c.def.Name) {
		return nil, pgerr.Newf(pgerr.InvalidRecursion,
			`recursive reference to query "%s" must not appear within its non-recursive term`, c.def.Name).At(c.def.Pos())
	}
	if sel.With != nil {
		if _, err := b.with(sel.With, s); err != nil {
			return nil, err
		}
	}
	seed, err := b.body(op.Left, s.child())
	if err != nil {
		return nil, err
	}
	if err := b.settle(seed); err != nil {
		return nil, err
	}
	if err := rename(seed, c.def); err != nil {
		return nil, err
	}
	w := &workTable{id: b.nextRec}
	b.nextRec++
	for _, col := range seed.cols {
		w.names, w.types = append(w.names, col.name), append(w.types, col.e.Type())
	}
	if err := noAggregates(op.Right, c.def.Name); err != nil {
		return nil, err
	}
	old := c.working
	c.working = w
	step, err := b.body(op.Right, s.child())
	c.working = old
	if err != nil {
		return nil, err
	}
	return b.recursiveNode(c, op, seed, step, w)
}

// noAggregates refuses aggregates over the working table: each round sees only the rows of the last.
func noAggregates(q ast.Query, name string) error {
	core, ok := q.(*ast.SelectCore)
	if !ok {
		return nil
	}
	over := false
	for _, f := range core.From {
		ast.Inspect(f, func(n ast.Node) bool {
			t, ok := n.(*ast.TableName)
			over = over || ok && t.ObjectName.Schema == "" && t.ObjectName.Name == name
			_, query := n.(*ast.Select)
			return !query
		})
	}
	if !over {
		return nil
	}
	var err error
	check := func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncCall); ok && f.Over == nil && err == nil && funcs.IsAggregate(f.Name[len(f.Name)-1]) {
			err = pgerr.New(pgerr.InvalidRecursion, "aggregate functions are not allowed in a recursive query's recursive term").At(f.Pos())
		}
		_, query := n.(*ast.Select)
		return err == nil && !query
	}
	for _, it := range core.Items {
		ast.Inspect(it, check)
	}
	if core.Having != nil {
		ast.Inspect(core.Having, check)
	}
	return err
}

func (b *Binder) recursiveNode(c *cte, op *ast.SetOp, seed, step *result, w *workTable) (*result, error) {
	if len(seed.cols) != len(step.cols) {
		return nil, errSetWidth(op, step)
	}
	n := &logical.Recursive{ID: w.id, Distinct: !op.All}
	for i := range step.cols {
		want, got := seed.cols[i].e.Type(), step.cols[i].e.Type()
		t, err := commonType("UNION", []types.Type{want, got}, []int{seed.cols[i].pos, step.cols[i].pos})
		if err != nil {
			return nil, err
		}
		if t.OID != want.OID {
			return nil, pgerr.Newf(pgerr.DatatypeMismatch,
				`recursive query "%s" column %d has type %s in non-recursive term but type %s overall`, c.def.Name, i+1, want, t).
				WithHint("Cast the output of the non-recursive term to the correct type.").At(seed.cols[i].pos)
		}
		e, _, err := b.coerceKeep(step.cols[i].e, types.T(want.OID))
		if err != nil {
			return nil, err
		}
		step.cols[i].e = e
	}
	b.compute(step)
	n.Seed, n.Step, n.SeedCols, n.StepCols = seed.node, step.node, seed.ids(), step.ids()
	out := &result{node: n}
	for i, col := range seed.cols {
		id := b.meta.Add(col.name, w.types[i])
		n.Out = append(n.Out, id)
		out.cols = append(out.cols, outCol{name: col.name, e: expr.Expr(b.meta.Var(id)), pos: col.pos})
	}
	return out, nil
}

func refersToQuery(q ast.Query, name string) bool {
	return refersTo(&ast.Select{Loc: ast.Loc(q.Pos()), Body: q}, name)
}
