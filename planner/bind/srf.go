package bind

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// srfCall is a set-returning function in a SELECT list.
type srfCall struct {
	fn   *funcs.SetFunc
	args []expr.Expr
	cols []logical.ColID
}

// setCall binds a set-returning function in an expression: its value is the column, or the record, of its rows.
func (x *exprs) setCall(e *ast.FuncCall, name string) (expr.Expr, error) {
	switch {
	case x.inAgg:
		return nil, pgerr.New(pgerr.FeatureNotSupported, "aggregate function calls cannot contain set-returning function calls").
			WithHint("You might be able to move the set-returning function into a LATERAL FROM item.").At(e.Pos())
	case x.inWindow:
		return nil, pgerr.New(pgerr.FeatureNotSupported, "window function calls cannot contain set-returning function calls").
			WithHint("You might be able to move the set-returning function into a LATERAL FROM item.").At(e.Pos())
	case x.calls == nil || x.noAgg:
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "set-returning functions are not allowed in %s", x.clause).At(e.Pos())
	}
	args, err := x.list(e.Args)
	if err != nil {
		return nil, err
	}
	c, cols, err := x.b.resolveSet(name, args, e.Pos())
	if err != nil {
		return nil, err
	}
	x.calls.srfs = append(x.calls.srfs, c)
	if len(cols) == 1 {
		return x.b.meta.Var(c.cols[0]), nil
	}
	r := &record{}
	for i, col := range cols {
		r.names = append(r.names, col.Name)
		r.elems = append(r.elems, x.b.meta.Var(c.cols[i]))
	}
	return r, nil
}

// resolveSet finds the set-returning function and makes its columns.
func (b *Binder) resolveSet(name string, args []expr.Expr, pos int) (*srfCall, []funcs.SetCol, error) {
	fn, want, cols, err := funcs.ResolveSet(name, typesOf(args))
	if err != nil {
		return nil, nil, at(err, pos)
	}
	if args, err = b.coerceArgs(args, want); err != nil {
		return nil, nil, err
	}
	c := &srfCall{fn: fn, args: args}
	for _, col := range cols {
		n := col.Name
		if n == "" {
			n = name
		}
		c.cols = append(c.cols, b.meta.Add(n, col.Type))
	}
	return c, cols, nil
}

// expandSets joins node with the set-returning functions of a SELECT list: each row once for each row they yield,
// side by side, nulls where one yields fewer.
func (b *Binder) expandSets(node logical.Node, srfs []*srfCall) logical.Node {
	if len(srfs) == 0 {
		return node
	}
	tables := make([]*logical.TableFunc, len(srfs))
	for i, s := range srfs {
		tables[i] = &logical.TableFunc{Fn: s.fn, Args: s.args, Cols: s.cols, Ord: -1}
	}
	right, _ := b.lockstep(tables, false)
	return &logical.Join{Kind: physical.Inner, Left: node, Right: right}
}

// lockstep puts the rows of several functions side by side by their numbers. The second result is the column of the
// number if there is one.
func (b *Binder) lockstep(tables []*logical.TableFunc, ordinality bool) (logical.Node, logical.ColID) {
	if len(tables) == 1 {
		if ordinality {
			tables[0].Ord = b.meta.Add("ordinality", int8Type)
		}
		return tables[0], tables[0].Ord
	}
	var node logical.Node
	var ord logical.ColID
	for i, t := range tables {
		t.Ord = b.meta.Add("ordinality", int8Type)
		if i == 0 {
			node, ord = t, t.Ord
			continue
		}
		l, r := b.meta.Var(ord), b.meta.Var(t.Ord)
		eq, _, _, _ := funcs.ResolveOperator("=", int8Type, int8Type)
		on := &expr.Call{Fn: eq, Args: []expr.Expr{l, r}, T: boolType}
		j := &logical.Join{Kind: physical.Full, Left: node, Right: t, On: []expr.Expr{on}}
		ord = b.meta.Add("ordinality", types.T(types.Int8))
		node = &logical.Extend{Input: j, Items: []logical.Item{
			{ID: ord, E: &expr.Coalesce{Args: []expr.Expr{l, r}, T: int8Type}}}}
	}
	return node, ord
}
