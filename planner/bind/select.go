package bind

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
)

// block is one SELECT while it is bound.
type block struct {
	b     *Binder
	scope *scope
	core  *ast.SelectCore
	calls calls
	node  logical.Node
	own   logical.ColSet // the columns of FROM

	items  []outCol
	groups []expr.Expr // the keys of GROUP BY
	sets   [][]int     // its grouping sets, numbers of keys; one, unless it has several
	having expr.Expr
	on     []expr.Expr // DISTINCT ON
	order  []orderKey
}

// selectCore binds one SELECT; q, if not nil, has its ORDER BY and LIMIT. The clauses are bound in the order in which
// PostgreSQL does it, and become nodes in the order in which SQL evaluates them: FROM, WHERE, GROUP BY, HAVING,
// windows, SELECT list, set-returning functions, DISTINCT, ORDER BY, LIMIT.
func (b *Binder) selectCore(core *ast.SelectCore, s *scope, q *ast.Select) (*result, error) {
	k := &block{b: b, scope: s, core: core}
	if err := k.bindClauses(q); err != nil {
		return nil, err
	}
	if err := k.group(); err != nil {
		return nil, err
	}
	k.node = b.windows(k.node, k.calls.wins)
	k.node = b.expandSets(k.node, k.calls.srfs)
	r := &result{node: k.node, cols: k.items}
	if err := k.distinct(r); err != nil {
		return nil, err
	}
	if q == nil {
		return r, nil
	}
	return r, b.sortLimit(q, s, r, k.order)
}

// bindClauses binds the text of the SELECT: names and types.
func (k *block) bindClauses(q *ast.Select) error {
	var err error
	if k.node, err = k.b.from(k.core.From, k.scope); err != nil {
		return err
	}
	k.own = logical.Outputs(k.node).Clone()
	if err := k.where(); err != nil {
		return err
	}
	if err := k.namedWindows(); err != nil {
		return err
	}
	if err := k.list(); err != nil {
		return err
	}
	if err := k.groupBy(); err != nil {
		return err
	}
	if k.core.Having != nil {
		x := k.exprs("HAVING")
		x.noWindow = true
		if k.having, err = x.bool(k.core.Having, "argument of HAVING"); err != nil {
			return err
		}
	}
	if q != nil {
		if err := k.orderBy(q.OrderBy); err != nil {
			return err
		}
	}
	return k.distinctOn()
}

// exprs binds expressions of a clause in which calls may stand.
func (k *block) exprs(clause string) *exprs {
	return &exprs{b: k.b, scope: k.scope, clause: clause, calls: &k.calls}
}

func (k *block) where() error {
	if k.core.Where == nil {
		return nil
	}
	x := exprs{b: k.b, scope: k.scope, clause: "WHERE"}
	e, err := x.bool(k.core.Where, "argument of WHERE")
	if err != nil {
		return err
	}
	k.node = &logical.Filter{Input: k.node, Conds: logical.Conjuncts(e)}
	return nil
}

func (k *block) namedWindows() error {
	k.calls.windows = map[string]*windowSpec{}
	for _, w := range k.core.Windows {
		if k.calls.windows[w.Name] != nil {
			return pgerr.Newf(pgerr.WindowingError, `window "%s" is already defined`, w.Name).At(w.Pos())
		}
		x := k.exprs("WINDOW")
		x.inWindow = true
		spec, err := x.window(w.Spec)
		if err != nil {
			return err
		}
		k.calls.windows[w.Name] = spec
	}
	return nil
}

// list binds the SELECT list.
func (k *block) list() error {
	items, err := k.b.selectItems(k.core.Items, k.exprs("SELECT"))
	k.items = items
	return err
}

// selectItems binds a SELECT or RETURNING list; stars are expanded.
func (b *Binder) selectItems(items []*ast.SelectItem, x *exprs) ([]outCol, error) {
	var out []outCol
	for _, it := range items {
		cols, err := b.expandItem(it, x)
		if err != nil {
			return nil, err
		}
		if cols != nil {
			b.names.star(it, cols)
			for _, c := range cols {
				out = append(out, outCol{name: c.name, e: c.e, pos: it.Pos()})
			}
			continue
		}
		e, err := x.bind(it.Expr)
		if err != nil {
			return nil, err
		}
		name := it.Alias
		if name == "" {
			name = columnName(it.Expr)
		}
		out = append(out, outCol{name: name, e: e, pos: it.Expr.Pos()})
	}
	return out, nil
}

// expandItem returns the columns that *, t.* or (record).* stands for; nil for anything else.
func (b *Binder) expandItem(it *ast.SelectItem, x *exprs) ([]scopeCol, error) {
	switch e := it.Expr.(type) {
	case *ast.ColumnRef:
		if e.Star {
			return b.star(x.scope, e)
		}
	case *ast.Field:
		if !e.Star {
			return nil, nil
		}
		a, err := x.bind(e.Arg)
		if err != nil {
			return nil, err
		}
		r, ok := a.(*record)
		if !ok {
			return nil, pgerr.Newf(pgerr.WrongObjectType, "type %s is not composite", a.Type().OID).At(e.Pos())
		}
		var cols []scopeCol
		for i, n := range r.names {
			cols = append(cols, scopeCol{name: n, e: r.elems[i]})
		}
		return cols, nil
	}
	return nil, nil
}

// star expands * and t.*.
func (b *Binder) star(s *scope, ref *ast.ColumnRef) ([]scopeCol, error) {
	var from []scopeCol
	if len(ref.Parts) == 0 {
		if len(s.rels) == 0 {
			return nil, pgerr.New(pgerr.SyntaxError, "SELECT * with no tables specified is not valid").At(ref.Pos())
		}
		from = s.cols
	} else {
		name, schema := ref.Parts[len(ref.Parts)-1], ""
		if len(ref.Parts) > 1 {
			schema = ref.Parts[len(ref.Parts)-2]
		}
		rv, err := findRel(s, schema, name, ref.Pos())
		if err != nil {
			return nil, err
		}
		if rv == nil {
			return nil, missingRel(s, name, name, ref.Pos())
		}
		from = rv.cols
	}
	out := make([]scopeCol, 0, len(from))
	for _, c := range from {
		if !c.hidden {
			t := s.tableOf(&c)
			out = append(out, scopeCol{name: c.name, e: atPos(c.e, s.qualified(&c), ref.Pos()), table: t})
		}
	}
	return out, nil
}

// callIn says what sort of call e has in it.
func (k *block) callIn(e expr.Expr) string {
	used := logical.Cols(e)
	for _, a := range k.calls.aggs {
		if used.Has(a.id) {
			return "aggregate"
		}
	}
	for _, w := range k.calls.wins {
		if used.Has(w.id) {
			return "window"
		}
	}
	return ""
}

// orderBy binds ORDER BY: a column of the SELECT list by name or number, or an expression over FROM.
func (k *block) orderBy(items []*ast.SortItem) error {
	for _, it := range items {
		e, err := k.outputOrExpr("ORDER BY", it.Expr)
		if err != nil {
			return err
		}
		key, err := sortKey(it, e)
		if err != nil {
			return err
		}
		k.order = append(k.order, key)
	}
	return nil
}

func (k *block) outputOrExpr(clause string, a ast.Expr) (expr.Expr, error) {
	i, ok, err := outputItem(clause, a, k.items)
	if err != nil {
		return nil, err
	}
	if ok {
		e, err := k.b.resolved(k.items[i].e)
		k.items[i].e = e
		return e, err
	}
	return k.exprs(clause).value(a)
}

func (k *block) distinctOn() error {
	for _, d := range k.core.DistinctOn {
		e, err := k.outputOrExpr("SELECT DISTINCT ON", d)
		if err != nil {
			return err
		}
		k.on = append(k.on, e)
	}
	return nil
}

// group puts GROUP BY and HAVING over the node and rewrites all that is computed after them.
func (k *block) group() error {
	if len(k.core.GroupBy) == 0 && len(k.calls.aggs) == 0 && len(k.calls.groupings) == 0 && k.having == nil {
		return nil
	}
	masks, err := k.groupings()
	if err != nil {
		return err
	}
	node, g := k.b.group(k.node, k.groups, k.sets, &k.calls, masks)
	fd := func(id logical.ColID) bool {
		if g.only == nil || !k.determined(id, g) {
			return false
		}
		if !g.isKey.Has(id) {
			g.isKey.Add(id)
			g.only.Keys = append(g.only.Keys, id)
		}
		return true
	}
	re := func(e expr.Expr) expr.Expr {
		if e == nil || err != nil {
			return e
		}
		var r expr.Expr
		r, err = k.b.regroup(e, g, k.own, fd)
		return r
	}
	k.having = re(k.having)
	k.rewriteCalls(re)
	if err != nil {
		return err
	}
	k.node = node
	if k.having != nil {
		k.node = &logical.Filter{Input: node, Conds: logical.Conjuncts(k.having)}
	}
	return nil
}

// rewriteCalls applies re to everything that is computed after grouping.
func (k *block) rewriteCalls(re func(expr.Expr) expr.Expr) {
	for i := range k.items {
		k.items[i].e = re(k.items[i].e)
	}
	keys := func(list []orderKey) {
		for i := range list {
			list[i].e = re(list[i].e)
		}
	}
	keys(k.order)
	for i := range k.on {
		k.on[i] = re(k.on[i])
	}
	done := map[*windowSpec]bool{}
	for _, w := range k.calls.wins {
		for i := range w.args {
			w.args[i] = re(w.args[i])
		}
		w.filter = re(w.filter)
		if done[w.spec] {
			continue
		}
		done[w.spec] = true
		for i := range w.spec.partition {
			w.spec.partition[i] = re(w.spec.partition[i])
		}
		keys(w.spec.order)
	}
	for _, s := range k.calls.srfs {
		for i := range s.args {
			s.args[i] = re(s.args[i])
		}
	}
}

// determined reports whether column id is decided by the grouping keys: they include the primary key of its table.
func (k *block) determined(id logical.ColID, g *grouping) bool {
	for _, rv := range k.scope.rels {
		if rv.rel == nil || len(rv.rel.PrimaryKey) == 0 || len(rv.cols) < len(rv.rel.Columns) {
			continue
		}
		holds, has := true, false
		for _, c := range rv.cols {
			v, ok := c.e.(*logical.Var)
			has = has || ok && v.ID == id
		}
		for _, p := range rv.rel.PrimaryKey {
			v, ok := rv.cols[p].e.(*logical.Var)
			holds = holds && ok && g.isKey.Has(v.ID)
		}
		if has && holds {
			return true
		}
	}
	return false
}

// distinct puts DISTINCT or DISTINCT ON over r.
func (k *block) distinct(r *result) error {
	if !k.core.Distinct && k.on == nil {
		return nil
	}
	if k.on != nil {
		on := make([]orderKey, len(k.on))
		for i, e := range k.on {
			on[i].e = e
		}
		all := append(on, k.order...)
		if err := k.b.settleKeys(r, all); err != nil {
			return err
		}
		for i := range k.on {
			k.on[i] = all[i].e
		}
		k.order = all[len(k.on):]
		return k.firstOfEach(r)
	}
	if err := k.b.settleKeys(r, k.order); err != nil {
		return err
	}
	var selected logical.ColSet
	for i, c := range r.cols {
		if err := checkGroupable(c.e, c.pos); err != nil {
			return err
		}
		selected.Add(r.ids()[i])
	}
	for _, o := range k.order {
		if v, ok := o.e.(*logical.Var); !ok || !selected.Has(v.ID) {
			return pgerr.New(pgerr.InvalidColumnReference, "for SELECT DISTINCT, ORDER BY expressions must appear in select list").
				At(posOf(o.e))
		}
	}
	r.node = &logical.Distinct{Input: r.node, Cols: r.ids()}
	return nil
}

// firstOfEach is DISTINCT ON: the first row of each group in the order given.
func (k *block) firstOfEach(r *result) error {
	rest := k.order
	for n := 0; n < len(k.on) && len(rest) > 0; n++ {
		found := false
		for _, e := range k.on {
			found = found || logical.Equal(e, rest[0].e)
		}
		if !found {
			return pgerr.New(pgerr.InvalidColumnReference, "SELECT DISTINCT ON expressions must match initial ORDER BY expressions").
				At(posOf(rest[0].e))
		}
		rest = rest[1:]
	}
	ext := extender{b: k.b, own: logical.Outputs(r.node)}
	t := &logical.TopN{Limit: 1}
	for _, e := range k.on {
		t.Partition = append(t.Partition, ext.column(e))
	}
	t.Order = ext.keys(rest)
	t.Input = ext.over(r.node)
	r.node = t
	return nil
}
