package bind

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// aggCall is an aggregate of a SELECT, bound over the rows before grouping.
type aggCall struct {
	id       logical.ColID
	fn       *funcs.Aggregate
	args     []expr.Expr
	distinct bool
	filter   expr.Expr
	order    []orderKey
}

// orderKey is a bound term of ORDER BY.
type orderKey struct {
	e          expr.Expr
	desc       bool
	nullsFirst bool
}

// aggregate binds a call of an aggregate that has no OVER.
func (x *exprs) aggregate(e *ast.FuncCall, name string) (expr.Expr, error) {
	switch {
	case x.inAgg:
		return nil, pgerr.New(pgerr.GroupingError, "aggregate function calls cannot be nested").At(e.Pos())
	case x.calls == nil || x.noAgg:
		return nil, pgerr.Newf(pgerr.GroupingError, "aggregate functions are not allowed in %s", x.clause).At(e.Pos())
	}
	inner := *x
	inner.inAgg = true
	c, fnRet, err := inner.aggArgs(e, name)
	if err != nil {
		return nil, err
	}
	if err := x.ownLevel(c, e.Pos()); err != nil {
		return nil, err
	}
	for _, old := range x.calls.aggs {
		if old.same(c) {
			v := x.b.meta.Var(old.id)
			v.Pos = e.Pos()
			return v, nil
		}
	}
	c.id = x.b.meta.Add(name, fnRet.Type())
	x.calls.aggs = append(x.calls.aggs, c)
	v := x.b.meta.Var(c.id)
	v.Pos = e.Pos()
	return v, nil
}

// aggArgs binds what stands inside the parentheses and behind them; the second result has the type of the result.
func (x *exprs) aggArgs(e *ast.FuncCall, name string) (*aggCall, expr.Expr, error) {
	if e.Star && len(e.Args) > 0 {
		return nil, nil, pgerr.New(pgerr.SyntaxError, "syntax error at or near \"*\"").At(e.Pos())
	}
	args, err := x.list(e.Args)
	if err != nil {
		return nil, nil, err
	}
	if len(args) == 1 && (name == "json_agg" || name == "jsonb_agg") {
		if r, ok := args[0].(*record); ok {
			if args[0], err = x.b.recordJSON(r, name == "jsonb_agg", e.Pos()); err != nil {
				return nil, nil, err
			}
		}
	}
	if !e.Star && len(args) == 0 && name == "count" {
		return nil, nil, pgerr.New(pgerr.WrongObjectType, "count(*) must be used to call a parameterless aggregate function").
			At(e.Pos())
	}
	fn, want, ret, err := funcs.ResolveAggregate(name, typesOf(args))
	if err != nil {
		return nil, nil, at(err, e.Pos())
	}
	if args, err = x.b.coerceArgs(args, want); err != nil {
		return nil, nil, err
	}
	c := &aggCall{fn: fn, args: args, distinct: e.Distinct}
	if e.Distinct && len(args) == 0 {
		return nil, nil, pgerr.New(pgerr.WrongObjectType, "DISTINCT specified for "+name+"(*)").At(e.Pos())
	}
	if c.order, err = x.orderKeys(e.OrderBy); err != nil {
		return nil, nil, err
	}
	if e.Distinct {
		if err := checkDistinctOrder(c, e); err != nil {
			return nil, nil, err
		}
	}
	if e.Filter != nil {
		f := *x
		f.clause, f.calls, f.inAgg, f.inWindow = "FILTER", nil, false, false
		if c.filter, err = f.bool(e.Filter, "argument of FILTER"); err != nil {
			return nil, nil, err
		}
	}
	return c, nullOf(ret), nil
}

func checkDistinctOrder(c *aggCall, e *ast.FuncCall) error {
	for i, k := range c.order {
		found := false
		for _, a := range c.args {
			found = found || logical.Equal(a, k.e)
		}
		if !found {
			return pgerr.New(pgerr.InvalidColumnReference,
				"in an aggregate with DISTINCT, ORDER BY expressions must appear in argument list").At(e.OrderBy[i].Expr.Pos())
		}
	}
	return nil
}

func (c *aggCall) same(d *aggCall) bool {
	if c.fn != d.fn || c.distinct != d.distinct || len(c.args) != len(d.args) || len(c.order) != len(d.order) ||
		(c.filter == nil) != (d.filter == nil) {
		return false
	}
	for i := range c.args {
		if !logical.Equal(c.args[i], d.args[i]) {
			return false
		}
	}
	for i := range c.order {
		a, b := c.order[i], d.order[i]
		if a.desc != b.desc || a.nullsFirst != b.nullsFirst || !logical.Equal(a.e, b.e) {
			return false
		}
	}
	return c.filter == nil || logical.Equal(c.filter, d.filter)
}

// ownLevel refuses an aggregate all of whose columns come from a query further out: it would belong there.
func (x *exprs) ownLevel(c *aggCall, pos int) error {
	if x.scope.outer == nil || len(c.args) == 0 {
		return nil
	}
	mine, vars := false, false
	own := logical.ColSet{}
	for _, rv := range x.scope.rels {
		for _, col := range rv.cols {
			own.AddAll(logical.Cols(col.e))
		}
	}
	for _, a := range c.args {
		used := logical.Cols(a)
		vars = vars || !used.Empty()
		mine = mine || used.Meets(own)
	}
	if vars && !mine {
		return pgerr.Unsupported("an aggregate of columns of an outer query").At(pos)
	}
	return nil
}

// orderKeys binds the ORDER BY of an aggregate or a window: expressions only.
func (x *exprs) orderKeys(items []*ast.SortItem) ([]orderKey, error) {
	var out []orderKey
	for _, it := range items {
		e, err := x.value(it.Expr)
		if err != nil {
			return nil, err
		}
		k, err := sortKey(it, e)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// sortKey gives a bound expression the direction of it.
func sortKey(it *ast.SortItem, e expr.Expr) (orderKey, error) {
	k := orderKey{e: e, desc: it.Desc, nullsFirst: it.NullsAreFirst()}
	switch it.Using {
	case "":
	case "<":
		k.desc, k.nullsFirst = false, it.Nulls == ast.NullsFirst
	case ">":
		k.desc, k.nullsFirst = true, it.Nulls != ast.NullsLast
	default:
		return k, pgerr.Newf(pgerr.WrongObjectType, "operator %s is not a valid ordering operator", it.Using).
			WithHint("Ordering operators must be \"<\" or \">\" members of btree operator families.").At(it.Pos())
	}
	return k, checkSortable(e, it.Expr.Pos())
}

// grouping is the GROUP BY of one SELECT, as what stands above it sees it.
type grouping struct {
	keys  []expr.Expr
	ids   []logical.ColID // of the keys
	isKey logical.ColSet  // what may be used above: the keys and the aggregates
	only  *logical.Aggregate
}

// column is what a column of the rows before grouping has become; nil if nothing has it alone.
func (g *grouping) column(id logical.ColID) expr.Expr {
	for i, k := range g.keys {
		if v, ok := k.(*logical.Var); ok && v.ID == id {
			c := *v
			c.ID = g.ids[i]
			return &c
		}
	}
	return nil
}

// group puts GROUP BY over node and returns it with the keys to rewrite expressions by. Each grouping set is an Aggregate;
// several are a Union of them, each over a copy of node, in which a key that is not in the set is null. masks has the
// value of each GROUPING call in each set.
func (b *Binder) group(node logical.Node, keys []expr.Expr, sets [][]int, c *calls, masks [][]int64) (logical.Node, *grouping) {
	if len(sets) > 1 {
		return b.groupSets(node, keys, sets, c, masks)
	}
	g := &grouping{keys: keys}
	ids := make([]logical.ColID, len(c.aggs))
	for i, a := range c.aggs {
		ids[i] = a.id
	}
	g.only = b.groupBy(node, keys, c.aggs, ids)
	g.ids = g.only.Keys
	for _, id := range append(ids, g.ids...) {
		g.isKey.Add(id)
	}
	if len(c.groupings) == 0 {
		return g.only, g
	}
	ext := &logical.Extend{Input: g.only}
	for i, call := range c.groupings {
		ext.Items = append(ext.Items, logical.Item{ID: call.id, E: constInt(types.Int4, masks[i][0])})
		g.isKey.Add(call.id)
	}
	return ext, g
}

// groupBy puts an Aggregate over node. The aggregates have the columns ids.
func (b *Binder) groupBy(node logical.Node, keys []expr.Expr, aggs []*aggCall, ids []logical.ColID) *logical.Aggregate {
	ext := extender{b: b, own: logical.Outputs(node)}
	agg := &logical.Aggregate{Given: len(keys), WindowEnd: -1}
	for _, k := range keys {
		agg.Keys = append(agg.Keys, ext.column(k))
	}
	for i, a := range aggs {
		la := logical.Agg{ID: ids[i], Fn: a.fn, Distinct: a.distinct, Filter: -1}
		for _, arg := range a.args {
			la.Args = append(la.Args, ext.column(arg))
		}
		if a.filter != nil {
			la.Filter = ext.column(a.filter)
		}
		la.Order = ext.keys(a.order)
		agg.Aggs = append(agg.Aggs, la)
	}
	agg.Input = ext.over(node)
	return agg
}

// regroup replaces the grouping expressions in e by their columns and checks that nothing else of the rows before
// grouping is used.
func (b *Binder) regroup(e expr.Expr, g *grouping, own logical.ColSet, fd func(logical.ColID) bool) (expr.Expr, error) {
	var bad error
	r := logical.Map(e, func(x expr.Expr) expr.Expr {
		for i, k := range g.keys {
			if logical.Equal(x, k) {
				v := b.meta.Var(g.ids[i])
				v.Pos = posOf(x)
				return v
			}
		}
		switch x := x.(type) {
		case *record:
			return b.regroupRecord(x, g, own, fd, &bad)
		case *logical.Var:
			if !g.isKey.Has(x.ID) && own.Has(x.ID) && !fd(x.ID) && bad == nil {
				bad = pgerr.Newf(pgerr.GroupingError,
					`column "%s" must appear in the GROUP BY clause or be used in an aggregate function`, x.Name).At(x.Pos)
			}
			return x
		case *logical.Subquery:
			sub := logical.Substitute(x, g.column)
			for _, id := range logical.Cols(sub).List() {
				if !g.isKey.Has(id) && own.Has(id) && !fd(id) && bad == nil {
					bad = pgerr.Newf(pgerr.GroupingError, `subquery uses ungrouped column "%s" from outer query`, b.meta.Columns[id].Name)
				}
			}
			return sub
		}
		return nil
	})
	return r, bad
}

func (b *Binder) regroupRecord(r *record, g *grouping, own logical.ColSet, fd func(logical.ColID) bool, bad *error) expr.Expr {
	c := &record{rel: r.rel, names: r.names, elems: make([]expr.Expr, len(r.elems))}
	for i, e := range r.elems {
		n, err := b.regroup(e, g, own, fd)
		if err != nil && *bad == nil {
			*bad = err
		}
		c.elems[i] = n
	}
	return c
}

// extender collects computed columns to put over a node.
type extender struct {
	b     *Binder
	own   logical.ColSet // the columns of the node; those of an outer query are copied
	items []logical.Item
}

// column returns a column that holds e: the one it is, or a new one without a name of its own.
func (x *extender) column(e expr.Expr) logical.ColID {
	if v, ok := e.(*logical.Var); ok && x.own.Has(v.ID) {
		return v.ID
	}
	for _, it := range x.items {
		if logical.Equal(it.E, e) {
			return it.ID
		}
	}
	id := x.b.meta.Add("", e.Type())
	x.items = append(x.items, logical.Item{ID: id, E: e})
	return id
}

func (x *extender) keys(order []orderKey) []logical.Key {
	var out []logical.Key
	for _, k := range order {
		out = append(out, logical.Key{ID: x.column(k.e), Desc: k.desc, NullsFirst: k.nullsFirst})
	}
	return out
}

// over puts the collected columns over n.
func (x *extender) over(n logical.Node) logical.Node {
	if len(x.items) == 0 {
		return n
	}
	e := &logical.Extend{Input: n, Items: x.items}
	x.items = nil
	return e
}
