package bind

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// The limits are PostgreSQL's.
const (
	maxCube      = 12
	maxSets      = 4096
	maxGroupings = 31
)

// groupBy binds GROUP BY: its keys, and the sets they are grouped by. Terms beside each other multiply their sets.
func (k *block) groupBy() error {
	k.sets = [][]int{nil}
	for _, g := range k.core.GroupBy {
		sets, err := k.groupTerm(g)
		if err != nil {
			return err
		}
		if len(k.sets)*len(sets) > maxSets {
			return errTooManySets
		}
		var product [][]int
		for _, left := range k.sets {
			for _, right := range sets {
				product = append(product, unite(left, right))
			}
		}
		k.sets = product
	}
	return nil
}

var errTooManySets = pgerr.Newf(pgerr.StatementTooComplex, "too many grouping sets present (maximum %d)", maxSets)

// unite is the numbers of both sets, each once.
func unite(sets ...[]int) []int {
	var out []int
	for _, s := range sets {
		for _, i := range s {
			if !slices.Contains(out, i) {
				out = append(out, i)
			}
		}
	}
	return out
}

// groupTerm returns the sets that one term of GROUP BY stands for.
func (k *block) groupTerm(g ast.Expr) ([][]int, error) {
	set, ok := g.(*ast.GroupingSet)
	switch {
	case !ok:
		keys, err := k.groupKeys(g)
		return [][]int{keys}, err
	case set.Kind == ast.GroupEmpty:
		return [][]int{nil}, nil
	case set.Kind == ast.GroupSets:
		var out [][]int
		for _, arg := range set.Args {
			sets, err := k.groupTerm(arg)
			if err != nil {
				return nil, err
			}
			if out = append(out, sets...); len(out) > maxSets {
				return nil, errTooManySets
			}
		}
		return out, nil
	}
	parts := make([][]int, len(set.Args))
	for i, arg := range set.Args {
		var err error
		if parts[i], err = k.groupKeys(arg); err != nil {
			return nil, err
		}
	}
	if set.Kind == ast.GroupRollup {
		return rollup(parts), nil
	}
	if len(parts) > maxCube {
		return nil, pgerr.Newf(pgerr.TooManyColumns, "CUBE is limited to %d elements", maxCube).At(g.Pos())
	}
	return cube(parts), nil
}

// rollup is the beginnings of parts, from the whole to nothing.
func rollup(parts [][]int) [][]int {
	var out [][]int
	for n := len(parts); n >= 0; n-- {
		out = append(out, unite(parts[:n]...))
	}
	return out
}

// cube is every choice among parts.
func cube(parts [][]int) [][]int {
	var out [][]int
	for mask := 1<<len(parts) - 1; mask >= 0; mask-- {
		var chosen [][]int
		for i, p := range parts {
			if mask>>(len(parts)-1-i)&1 != 0 {
				chosen = append(chosen, p)
			}
		}
		out = append(out, unite(chosen...))
	}
	return out
}

// groupKeys returns the numbers of the keys that a term names: one, or several in parentheses.
func (k *block) groupKeys(g ast.Expr) ([]int, error) {
	if row, ok := g.(*ast.Row); ok && !row.Explicit {
		var out []int
		for _, arg := range row.Args {
			keys, err := k.groupKeys(arg)
			if err != nil {
				return nil, err
			}
			out = unite(out, keys)
		}
		return out, nil
	}
	e, err := k.groupItem(g)
	if err != nil {
		return nil, err
	}
	elems, ok := rowOf(e)
	if !ok {
		elems = []expr.Expr{e}
	}
	var out []int
	for _, e := range elems {
		if e, err = k.b.resolved(e); err != nil {
			return nil, err
		}
		if err := checkGroupable(e, g.Pos()); err != nil {
			return nil, err
		}
		out = unite(out, []int{k.groupKey(e)})
	}
	return out, nil
}

// groupKey returns the number of a key.
func (k *block) groupKey(e expr.Expr) int {
	i := slices.IndexFunc(k.groups, func(old expr.Expr) bool { return logical.Equal(old, e) })
	if i < 0 {
		i = len(k.groups)
		k.groups = append(k.groups, e)
	}
	return i
}

// groupItem binds one key. A bare name is a column of FROM first, of the SELECT list second.
func (k *block) groupItem(g ast.Expr) (expr.Expr, error) {
	if ref, ok := g.(*ast.ColumnRef); ok && len(ref.Parts) == 1 && !ref.Star {
		inner := &scope{rels: k.scope.rels, cols: k.scope.cols}
		if e, found, err := lookupBare(inner, ref.Parts[0], ref.Pos()); found || err != nil {
			return e, err
		}
	}
	i, ok, err := outputItem("GROUP BY", g, k.items)
	if err != nil {
		return nil, err
	}
	if !ok {
		x := exprs{b: k.b, scope: k.scope, clause: "GROUP BY"}
		return x.bind(g)
	}
	e := k.items[i].e
	if what := k.callIn(e); what != "" {
		code := pgerr.GroupingError
		if what == "window" {
			code = pgerr.WindowingError
		}
		return nil, pgerr.Newf(code, "%s functions are not allowed in GROUP BY", what).At(posOfItem(k.items[i]))
	}
	return e, nil
}

func posOfItem(c outCol) int { return c.pos }

// groupingCall is GROUPING(args) of a SELECT. Its column has a bit for each argument, the last one lowest: 1 where the
// row's grouping set does not have it.
type groupingCall struct {
	id   logical.ColID
	args []expr.Expr
	pos  int
}

// grouping binds GROUPING(...).
func (x *exprs) grouping(e *ast.Grouping) (expr.Expr, error) {
	switch {
	case x.inAgg:
		return nil, pgerr.New(pgerr.GroupingError, "aggregate function calls cannot be nested").At(e.Pos())
	case x.calls == nil || x.noAgg:
		return nil, pgerr.Newf(pgerr.GroupingError, "grouping operations are not allowed in %s", x.clause).At(e.Pos())
	case len(e.Args) > maxGroupings:
		return nil, pgerr.New(pgerr.TooManyArguments, "GROUPING must have fewer than 32 arguments").At(e.Pos())
	}
	args, err := x.list(e.Args)
	if err != nil {
		return nil, err
	}
	id := x.b.meta.Add("grouping", types.T(types.Int4))
	x.calls.groupings = append(x.calls.groupings, groupingCall{id: id, args: args, pos: e.Pos()})
	v := x.b.meta.Var(id)
	v.Pos = e.Pos()
	return v, nil
}

// groupings returns the value of each GROUPING call in each grouping set.
func (k *block) groupings() ([][]int64, error) {
	var out [][]int64
	for _, call := range k.calls.groupings {
		masks := make([]int64, len(k.sets))
		for _, arg := range call.args {
			key := slices.IndexFunc(k.groups, func(g expr.Expr) bool { return logical.Equal(g, arg) })
			if key < 0 {
				return nil, pgerr.New(pgerr.GroupingError, "arguments to GROUPING must be grouping expressions of the associated query level").
					At(posOf(arg))
			}
			for i, set := range k.sets {
				masks[i] <<= 1
				if !slices.Contains(set, key) {
					masks[i]++
				}
			}
		}
		out = append(out, masks)
	}
	return out, nil
}

// groupSets is group of several sets.
func (b *Binder) groupSets(node logical.Node, keys []expr.Expr, sets [][]int, c *calls, masks [][]int64) (logical.Node, *grouping) {
	g := &grouping{keys: keys}
	u := &logical.Union{}
	for _, k := range keys {
		name := ""
		if v, ok := k.(*logical.Var); ok {
			name = v.Name
		}
		g.ids = append(g.ids, b.meta.Add(name, k.Type()))
	}
	u.Out = slices.Clone(g.ids)
	for _, a := range c.aggs {
		u.Out = append(u.Out, a.id)
	}
	for _, call := range c.groupings {
		u.Out = append(u.Out, call.id)
	}
	for _, id := range u.Out {
		g.isKey.Add(id)
	}
	for n, set := range sets {
		branch, cols := b.groupSet(logical.SubstituteTree(node, func(logical.ColID) expr.Expr { return nil }), keys, set, c)
		consts := &logical.Extend{Input: branch}
		for i := range cols {
			if cols[i] < 0 {
				cols[i] = b.meta.Add("", keys[i].Type())
				consts.Items = append(consts.Items, logical.Item{ID: cols[i], E: nullOf(keys[i].Type())})
			}
		}
		for i := range c.groupings {
			id := b.meta.Add("grouping", types.T(types.Int4))
			consts.Items = append(consts.Items, logical.Item{ID: id, E: constInt(types.Int4, masks[i][n])})
			cols = append(cols, id)
		}
		if len(consts.Items) > 0 {
			branch = consts
		}
		u.In, u.Cols = append(u.In, branch), append(u.Cols, cols)
	}
	return u, g
}

// groupSet groups node by the keys in set. It returns the columns of all keys, -1 for one not in the set, and behind them
// those of the aggregates.
func (b *Binder) groupSet(node logical.Node, keys []expr.Expr, set []int, c *calls) (logical.Node, []logical.ColID) {
	mine := make([]expr.Expr, len(set))
	for i, k := range set {
		mine[i] = keys[k]
	}
	aggs := make([]logical.ColID, len(c.aggs))
	for i, a := range c.aggs {
		aggs[i] = b.meta.Add(b.meta.Columns[a.id].Name, b.meta.Columns[a.id].Type)
	}
	agg := b.groupBy(node, mine, c.aggs, aggs)
	cols := make([]logical.ColID, len(keys))
	for i := range cols {
		cols[i] = -1
	}
	for i, k := range set {
		cols[k] = agg.Keys[i]
	}
	return agg, append(cols, aggs...)
}
