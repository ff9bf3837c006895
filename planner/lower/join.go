package lower

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
)

// join lowers a Join: to an Apply if it is lateral, else to a hash join on the equalities among its conditions.
func (l *Lowerer) join(n *logical.Join, need logical.ColSet, f *frame) (plan, error) {
	if n.Lateral() {
		return l.apply(n, need, f)
	}
	left, right := n.Left, n.Right
	lcols, rcols := logical.Outputs(left), logical.Outputs(right)
	var lkeys, rkeys []logical.ColID
	var rest []expr.Expr
	lext, rext := &logical.Extend{Input: left}, &logical.Extend{Input: right}
	for _, c := range n.On {
		a, b, ok := equality(c, lcols, rcols)
		if !ok {
			rest = append(rest, c)
			continue
		}
		lkeys = append(lkeys, l.column(lext, a))
		rkeys = append(rkeys, l.column(rext, b))
	}
	if len(lext.Items) > 0 {
		left = lext
	}
	if len(rext.Items) > 0 {
		right = rext
	}
	used := need.Clone()
	for _, e := range rest {
		used.AddAll(logical.Cols(e))
	}
	lp, err := l.trimmed(left, used.Union(logical.SetOf(lkeys...)), f)
	if err != nil {
		return plan{}, err
	}
	rneed := used
	if n.Kind == physical.Semi || n.Kind == physical.Anti {
		rneed = logical.ColSet{}
		for _, e := range rest {
			rneed.AddAll(logical.Cols(e))
		}
	}
	rp, err := l.trimmed(right, rneed.Union(logical.SetOf(rkeys...)), f)
	if err != nil {
		return plan{}, err
	}
	j := &physical.Join{Left: lp.node, Right: rp.node, Kind: n.Kind,
		LKeys: lp.positions(lkeys), RKeys: rp.positions(rkeys)}
	both := append(append([]logical.ColID{}, lp.cols...), rp.cols...)
	if j.Residual, err = l.expr(logical.AndOf(rest), layout(both), f); err != nil {
		return plan{}, err
	}
	cols := both
	if n.Kind == physical.Semi || n.Kind == physical.Anti {
		cols = lp.cols
	}
	appends := lp.node.AppendOnly() && rp.node.AppendOnly() && (n.Kind == physical.Inner || n.Kind == physical.Semi)
	j.Base = l.base(cols, appends)
	return plan{j, cols}, nil
}

// equality recognises a condition a = b with a over the left and b over the right columns, of types whose values are
// equal when their column values are, so that they can be hashed.
func equality(e expr.Expr, left, right logical.ColSet) (a, b expr.Expr, ok bool) {
	c, isCall := e.(*expr.Call)
	if !isCall || c.Fn.Kind != funcs.Operator || c.Fn.Name != "=" || len(c.Args) != 2 {
		return nil, nil, false
	}
	a, b = c.Args[0], c.Args[1]
	if !hashable(a.Type().OID, b.Type().OID) || logical.HasSubquery(a) || logical.HasSubquery(b) ||
		logical.Volatile(a, funcs.Volatile) || logical.Volatile(b, funcs.Volatile) {
		return nil, nil, false
	}
	ac, bc := logical.Cols(a), logical.Cols(b)
	if ac.Empty() || bc.Empty() {
		return nil, nil, false
	}
	switch {
	case ac.Within(left) && bc.Within(right):
		return a, b, true
	case ac.Within(right) && bc.Within(left):
		return b, a, true
	}
	return nil, nil, false
}

// hashable reports whether equality of the two types is equality of one column form: the same type, or integers, or
// strings.
func hashable(a, b types.OID) bool {
	return a == b || family(a) != 0 && family(a) == family(b)
}

func family(t types.OID) byte {
	switch t {
	case types.Int2, types.Int4, types.Int8:
		return 'i'
	case types.Text, types.Varchar, types.Name:
		return 's'
	case types.Oid, types.RegClass, types.RegType, types.RegProc, types.RegProcedure, types.RegNamespace, types.RegRole,
		types.RegOper, types.RegOperator, types.RegCollation:
		return 'o'
	}
	return 0
}

// column returns the column that holds e, computed over x if it is not one.
func (l *Lowerer) column(x *logical.Extend, e expr.Expr) logical.ColID {
	if v, ok := e.(*logical.Var); ok {
		return v.ID
	}
	for _, it := range x.Items {
		if logical.Equal(it.E, e) {
			return it.ID
		}
	}
	id := l.meta.Add("", e.Type())
	x.Items = append(x.Items, logical.Item{ID: id, E: e})
	return id
}

// apply lowers a lateral join.
func (l *Lowerer) apply(n *logical.Join, need logical.ColSet, f *frame) (plan, error) {
	inner := &frame{cols: logical.FreeCols(n.Right).List()}
	used := need.Union(logical.SetOf(inner.cols...))
	for _, e := range n.On {
		used.AddAll(logical.Cols(e))
	}
	lp, err := l.lower(n.Left, used, f)
	if err != nil {
		return plan{}, err
	}
	rp, err := l.lower(n.Right, used, inner)
	if err != nil {
		return plan{}, err
	}
	a := &physical.Apply{Left: lp.node, Right: rp.node, Outer: n.Kind == physical.Left}
	if a.Args, err = l.args(inner.cols, layout(lp.cols), f); err != nil {
		return plan{}, err
	}
	cols := append(append([]logical.ColID{}, lp.cols...), rp.cols...)
	if a.On, err = l.expr(logical.AndOf(n.On), layout(cols), f); err != nil {
		return plan{}, err
	}
	a.Base = l.base(cols, false)
	return plan{a, cols}, nil
}
