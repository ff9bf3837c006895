package bind

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// result is a bound query. Until settle, a column may still be an untyped literal or parameter, so that what uses the
// query (UNION, INSERT) can give it a type.
type result struct {
	node logical.Node
	cols []outCol
}

// outCol is a column of a query's result.
type outCol struct {
	name string
	e    expr.Expr
	pos  int
}

// ids are the columns of a settled result.
func (r *result) ids() []logical.ColID {
	out := make([]logical.ColID, len(r.cols))
	for i, c := range r.cols {
		out[i] = c.e.(*logical.Var).ID
	}
	return out
}

// settle gives every column a type and computes it: afterwards all columns are Vars.
func (b *Binder) settle(r *result) error {
	for i := range r.cols {
		e, err := b.resolved(r.cols[i].e)
		if err != nil {
			return err
		}
		r.cols[i].e = e
	}
	b.compute(r)
	return nil
}

// settleKeys is settle that also makes sort keys which are columns of r refer to them, so that random() AS r ... ORDER
// BY r is computed once.
func (b *Binder) settleKeys(r *result, keys []orderKey) error {
	before := make([]expr.Expr, len(r.cols))
	for i, c := range r.cols {
		before[i] = c.e
	}
	if err := b.settle(r); err != nil {
		return err
	}
	for i, k := range keys {
		for j, e := range before {
			if k.e == e || logical.Equal(k.e, e) {
				keys[i].e = r.cols[j].e
				break
			}
		}
	}
	return nil
}

// settleParts is settle that leaves records in their parts, for a query in FROM: (q.col).field still finds them.
func (b *Binder) settleParts(r *result) error {
	for i := range r.cols {
		if _, ok := r.cols[i].e.(*record); ok {
			continue
		}
		e, err := b.resolved(r.cols[i].e)
		if err != nil {
			return err
		}
		r.cols[i].e = e
	}
	b.compute(r)
	return nil
}

// compute puts the columns that are expressions, and the parts of records, over the node. A column of an outer query is
// such an expression: what is selected of it is a column of its own, which an outer join may make null.
func (b *Binder) compute(r *result) {
	ext := &logical.Extend{Input: r.node}
	own := logical.Outputs(r.node)
	column := func(name string, e expr.Expr) expr.Expr {
		if v, ok := e.(*logical.Var); ok && own.Has(v.ID) {
			return e
		}
		id := b.meta.Add(name, e.Type())
		ext.Items = append(ext.Items, logical.Item{ID: id, E: e})
		return b.meta.Var(id)
	}
	for i, c := range r.cols {
		rec, ok := c.e.(*record)
		if !ok {
			r.cols[i].e = column(c.name, c.e)
			continue
		}
		parts := &record{rel: rec.rel, names: rec.names}
		for j, e := range rec.elems {
			parts.elems = append(parts.elems, column(rec.names[j], e))
		}
		r.cols[i].e = parts
	}
	if len(ext.Items) > 0 {
		r.node = ext
	}
}

// query binds a whole query in scope s, which is its own: empty, with the surroundings as outer.
func (b *Binder) query(q *ast.Select, s *scope) (*result, error) {
	if err := b.enter(); err != nil {
		return nil, err
	}
	defer func() { b.depth-- }()
	if q.WithTies {
		return nil, pgerr.Unsupported("WITH TIES").At(q.Pos())
	}
	if q.With != nil {
		ctes, err := b.with(q.With, s)
		if err != nil {
			return nil, err
		}
		r, err := b.queryBody(q, s)
		if err != nil {
			return nil, err
		}
		return r, b.checkUnused(ctes)
	}
	return b.queryBody(q, s)
}

// queryBody is query behind WITH.
func (b *Binder) queryBody(q *ast.Select, s *scope) (*result, error) {
	if core, ok := q.Body.(*ast.SelectCore); ok {
		return b.selectCore(core, s, q)
	}
	r, err := b.body(q.Body, s)
	if err != nil {
		return nil, err
	}
	if len(q.OrderBy) > 0 {
		if err := b.settle(r); err != nil {
			return nil, err
		}
	}
	keys, err := b.orderResult(q.OrderBy, r)
	if err != nil {
		return nil, err
	}
	return r, b.sortLimit(q, s, r, keys)
}

// body binds what a Select wraps, without ORDER BY and LIMIT.
func (b *Binder) body(q ast.Query, s *scope) (*result, error) {
	switch q := q.(type) {
	case *ast.SelectCore:
		return b.selectCore(q, s, nil)
	case *ast.SetOp:
		return b.setOp(q, s)
	case *ast.Values:
		return b.values(q, s)
	case *ast.Select:
		return b.query(q, s.child())
	}
	return nil, pgerr.Unsupported("this query").At(q.Pos())
}

// orderResult resolves ORDER BY over the result of a set operation or VALUES: names and numbers of columns only.
func (b *Binder) orderResult(items []*ast.SortItem, r *result) ([]orderKey, error) {
	var keys []orderKey
	for _, it := range items {
		i, ok, err := outputItem("ORDER BY", it.Expr, r.cols)
		if err != nil {
			return nil, err
		}
		if !ok {
			if ref, isRef := it.Expr.(*ast.ColumnRef); isRef && len(ref.Parts) == 1 {
				return nil, pgerr.Newf(pgerr.UndefinedColumn, `column "%s" does not exist`, ref.Parts[0]).At(ref.Pos())
			}
			return nil, pgerr.New(pgerr.FeatureNotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause").
				WithDetail("Only result column names can be used, not expressions or functions.").
				WithHint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.").At(it.Expr.Pos())
		}
		k, err := sortKey(it, r.cols[i].e)
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// outputItem reads an item of ORDER BY, GROUP BY or DISTINCT ON as a number or name of a result column.
func outputItem(clause string, e ast.Expr, cols []outCol) (int, bool, error) {
	switch e := e.(type) {
	case *ast.Literal:
		if e.Kind != ast.LitInt {
			return 0, false, pgerr.Newf(pgerr.SyntaxError, "non-integer constant in %s", clause).At(e.Pos())
		}
		if e.Int < 1 || e.Int > int64(len(cols)) {
			return 0, false, pgerr.Newf(pgerr.InvalidColumnReference, "%s position %d is not in select list", clause, e.Int).At(e.Pos())
		}
		return int(e.Int - 1), true, nil
	case *ast.ColumnRef:
		if len(e.Parts) != 1 || e.Star {
			return 0, false, nil
		}
		found := -1
		for i, c := range cols {
			if c.name != e.Parts[0] {
				continue
			}
			if found >= 0 && !logical.Equal(cols[found].e, c.e) {
				return 0, false, pgerr.Newf(pgerr.AmbiguousColumn, `%s "%s" is ambiguous`, clause, c.name).At(e.Pos())
			}
			if found < 0 {
				found = i
			}
		}
		return found, found >= 0, nil
	}
	return 0, false, nil
}

// sortLimit puts ORDER BY, LIMIT and OFFSET over r.
func (b *Binder) sortLimit(q *ast.Select, s *scope, r *result, keys []orderKey) error {
	limit, err := b.limit(q.Limit, "LIMIT", s)
	if err != nil {
		return err
	}
	offset, err := b.limit(q.Offset, "OFFSET", s)
	if err != nil {
		return err
	}
	if len(keys) == 0 && limit == nil && offset == nil {
		return nil
	}
	if err := b.settleKeys(r, keys); err != nil {
		return err
	}
	ext := extender{b: b, own: logical.Outputs(r.node)}
	n := &logical.Sort{Limit: limit, Offset: offset}
	n.Keys = dedupKeys(ext.keys(keys))
	n.Input = ext.over(r.node)
	r.node = n
	return nil
}

// dedupKeys drops keys that an earlier one decides.
func dedupKeys(keys []logical.Key) []logical.Key {
	var seen logical.ColSet
	out := keys[:0]
	for _, k := range keys {
		if !seen.Has(k.ID) {
			out = append(out, k)
		}
		seen.Add(k.ID)
	}
	return out
}

// limit binds the argument of LIMIT or OFFSET: a bigint without columns; nil for none.
func (b *Binder) limit(e ast.Expr, clause string, s *scope) (expr.Expr, error) {
	if e == nil {
		return nil, nil
	}
	x := exprs{b: b, scope: &scope{outer: s.outer, ctes: s.ctes}, clause: clause}
	v, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	r, ok, err := b.coerce(v, int8Type, 'a')
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, pgerr.Newf(pgerr.DatatypeMismatch, "argument of %s must be type bigint, not type %s", clause, v.Type().OID).At(e.Pos())
	}
	if c, ok := r.(*expr.Const); ok {
		if c.Val.Null {
			return nil, nil
		}
		if c.Val.I < 0 {
			code := pgerr.InvalidRowCountInLimit
			if clause == "OFFSET" {
				code = pgerr.InvalidRowCountInOffset
			}
			return nil, pgerr.Newf(code, "%s must not be negative", clause)
		}
	}
	return r, nil
}

// checkSortable refuses types without an order.
func checkSortable(e expr.Expr, pos int) error {
	switch t := e.Type().OID; t {
	case types.JSON, types.Xid, types.AclItem, types.Cid:
		return pgerr.Newf(pgerr.UndefinedFunction, "could not identify an ordering operator for type %s", t).
			WithHint("Use an explicit ordering operator or modify the query.").At(pos)
	}
	return nil
}

// checkGroupable refuses types without equality.
func checkGroupable(e expr.Expr, pos int) error {
	switch t := e.Type().OID; t {
	case types.JSON:
		return pgerr.Newf(pgerr.UndefinedFunction, "could not identify an equality operator for type %s", t).At(pos)
	}
	return nil
}
