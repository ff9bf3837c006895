package lower

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// Lowerer lowers the parts of one statement. Subplans of all of them are numbered together.
type Lowerer struct {
	meta     *logical.Meta
	subplans []physical.Node
	// appends answers whether a relation only ever grows.
	appends func(*catalog.Relation) bool
}

// New returns the Lowerer of a statement.
func New(meta *logical.Meta) *Lowerer { return &Lowerer{meta: meta, appends: AppendOnly} }

// Subplans are the plans of the subqueries lowered so far, by number.
func (l *Lowerer) Subplans() []physical.Node { return l.subplans }

// Query lowers a whole query; its fields are named as Out says.
func (l *Lowerer) Query(q *logical.Query) (physical.Node, error) {
	cols := make([]logical.ColID, len(q.Out))
	for i, o := range q.Out {
		cols[i] = o.ID
	}
	n, err := l.exactly(q.Root, cols, nil)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(q.Out))
	for i, o := range q.Out {
		names[i] = o.Name
	}
	rename(n, names)
	return n, nil
}

// Expr lowers an expression over the columns cols.
func (l *Lowerer) Expr(e expr.Expr, cols []logical.ColID) (expr.Expr, error) {
	return l.expr(e, layout(cols), nil)
}

// rename gives the output of n its final names. Nodes are made anew by lowering, so n is changed in place.
func rename(n physical.Node, names []string) {
	out := n.Fields()
	for i := range out {
		out[i].Name = names[i]
	}
}

// plan is a lowered node and its columns.
type plan struct {
	node physical.Node
	cols []logical.ColID
}

// at is the position of a column, which must be there.
func (p plan) at(id logical.ColID) int { return slices.Index(p.cols, id) }

func (p plan) positions(ids []logical.ColID) []int {
	out := make([]int, len(ids))
	for i, id := range ids {
		out[i] = p.at(id)
	}
	return out
}

func (p plan) keys(keys []logical.Key) []physical.SortKey {
	out := make([]physical.SortKey, len(keys))
	for i, k := range keys {
		out[i] = physical.SortKey{Col: p.at(k.ID), Desc: k.Desc, NullsFirst: k.NullsFirst}
	}
	return out
}

// fields describes columns.
func (l *Lowerer) fields(cols []logical.ColID) []physical.Field {
	out := make([]physical.Field, len(cols))
	for i, id := range cols {
		c := l.meta.Columns[id]
		out[i] = physical.Field{Name: c.Name, Type: c.Type}
	}
	return out
}

func (l *Lowerer) base(cols []logical.ColID, appendOnly bool) physical.Base {
	return physical.Base{Out: l.fields(cols), Append: appendOnly}
}

// lower lowers n; the result outputs at least the columns in need.
func (l *Lowerer) lower(n logical.Node, need logical.ColSet, f *frame) (plan, error) {
	switch n := n.(type) {
	case *logical.Scan:
		return l.scan(n, need, f)
	case *logical.Values:
		return l.values(n, need, f)
	case *logical.Filter, *logical.Extend:
		return l.project(n, slices.DeleteFunc(need.List(), func(id logical.ColID) bool {
			return !logical.Outputs(n).Has(id)
		}), f)
	case *logical.Aggregate:
		return l.aggregate(n, need, f)
	case *logical.Distinct:
		in, err := l.exactly(n.Input, dedup(n.Cols), f)
		if err != nil {
			return plan{}, err
		}
		cols := dedup(n.Cols)
		return plan{&physical.Distinct{Base: l.base(cols, in.AppendOnly()), Input: in}, cols}, nil
	case *logical.Join:
		return l.join(n, need, f)
	case *logical.Union:
		return l.union(n, need, f)
	case *logical.SetOp:
		return l.setOp(n, f)
	case *logical.Sort:
		return l.sort(n, need, f)
	case *logical.TableFunc:
		return l.tableFunc(n, f)
	case *logical.Recursive:
		return l.recursive(n, f)
	case *logical.RecursiveRef:
		return plan{&physical.RecursiveRef{Base: l.base(n.Cols, false), ID: n.ID}, n.Cols}, nil
	}
	return l.lower2(n, need, f)
}

// lower2 is the second half of lower: the operators that keep their input's columns and may add to them.
func (l *Lowerer) lower2(n logical.Node, need logical.ColSet, f *frame) (plan, error) {
	switch n := n.(type) {
	case *logical.Window:
		return l.window(n, need, f)
	case *logical.TopN:
		return l.topN(n, need, f)
	case *logical.Hop:
		return l.hop(n, need, f)
	case *logical.Expand:
		return l.expand(n, need, f)
	case *logical.EmitOnClose:
		need = need.Union(logical.SetOf(n.End))
		in, err := l.trimmed(n.Input, need, f)
		if err != nil {
			return plan{}, err
		}
		return plan{&physical.EmitOnClose{Base: l.base(in.cols, true), Input: in.node, EndCol: in.at(n.End), Rel: n.Rel}, in.cols}, nil
	}
	return plan{}, pgerr.Newf(pgerr.Internal, "cannot lower %T", n)
}

// exactly lowers n so that it outputs cols, in that order.
func (l *Lowerer) exactly(n logical.Node, cols []logical.ColID, f *frame) (physical.Node, error) {
	switch x := n.(type) {
	case *logical.Filter, *logical.Extend:
		p, err := l.project(x, cols, f)
		return p.node, err
	case *logical.Sort:
		return l.sortTo(x, cols, f)
	}
	p, err := l.lower(n, logical.SetOf(cols...), f)
	if err != nil {
		return nil, err
	}
	return l.pick(p, cols).node, nil
}

// pick projects p to cols, if it is not that already.
func (l *Lowerer) pick(p plan, cols []logical.ColID) plan {
	if slices.Equal(p.cols, cols) {
		return p
	}
	m := &physical.Map{Base: l.base(cols, p.node.AppendOnly()), Input: p.node}
	for _, id := range cols {
		m.Project = append(m.Project, l.col(p.at(id), id))
	}
	return plan{m, cols}
}

// trimmed lowers n to just the columns in need: for operators that keep their input's rows.
func (l *Lowerer) trimmed(n logical.Node, need logical.ColSet, f *frame) (plan, error) {
	p, err := l.lower(n, need, f)
	if err != nil {
		return plan{}, err
	}
	keep := slices.DeleteFunc(slices.Clone(p.cols), func(id logical.ColID) bool { return !need.Has(id) })
	return l.pick(p, keep), nil
}

func dedup(cols []logical.ColID) []logical.ColID {
	var seen logical.ColSet
	var out []logical.ColID
	for _, id := range cols {
		if !seen.Has(id) {
			out = append(out, id)
		}
		seen.Add(id)
	}
	return out
}

// scan lowers a Scan to the columns needed.
func (l *Lowerer) scan(n *logical.Scan, need logical.ColSet, f *frame) (plan, error) {
	s := &physical.Scan{Rel: n.Rel.ID, Name: n.Rel.Name, Cols: []int{}}
	var cols []logical.ColID
	for i, id := range n.Cols {
		if need.Has(id) {
			s.Cols, cols = append(s.Cols, i), append(cols, id)
		}
	}
	if n.Late >= 0 && need.Has(n.Late) {
		s.Cols, cols = append(s.Cols, len(n.Cols)), append(cols, n.Late)
	}
	for _, e := range n.Lookup {
		k, err := l.expr(e, nil, f)
		if err != nil {
			return plan{}, err
		}
		s.Lookup = append(s.Lookup, k)
	}
	s.Base = l.base(cols, l.appends(n.Rel))
	return plan{s, cols}, nil
}

// AppendOnly reports that a relation never takes a row back: streams only grow, and so do materialized views whose plan
// does.
func AppendOnly(r *catalog.Relation) bool {
	switch r.Kind {
	case catalog.Stream:
		return true
	case catalog.MatView:
		v, err := physical.Decode(r.Plan)
		return err == nil && v.Root.AppendOnly()
	}
	return false
}

func (l *Lowerer) values(n *logical.Values, need logical.ColSet, f *frame) (plan, error) {
	v := &physical.Values{}
	var cols []logical.ColID
	var at []int
	for i, id := range n.Cols {
		if need.Has(id) {
			cols, at = append(cols, id), append(at, i)
		}
	}
	v.Base = l.base(cols, true)
	if n.Batch != nil {
		b := *n.Batch
		b.Cols = nil
		for _, i := range at {
			b.Cols = append(b.Cols, n.Batch.Cols[i])
		}
		v.Batch = &b
		return plan{v, cols}, nil
	}
	v.Rows = make([][]expr.Expr, len(n.Rows))
	for r, row := range n.Rows {
		v.Rows[r] = make([]expr.Expr, len(at))
		for j, i := range at {
			e, err := l.expr(row[i], nil, f)
			if err != nil {
				return plan{}, err
			}
			v.Rows[r][j] = e
		}
	}
	return plan{v, cols}, nil
}

// project lowers Extend and Filter, one of each at most, to a Map with the columns cols.
func (l *Lowerer) project(n logical.Node, cols []logical.ColID, f *frame) (plan, error) {
	items := map[logical.ColID]expr.Expr{}
	if x, ok := n.(*logical.Extend); ok {
		for _, it := range x.Items {
			items[it.ID] = it.E
		}
		n = x.Input
	}
	var conds []expr.Expr
	if x, ok := n.(*logical.Filter); ok {
		conds = x.Conds
		n = x.Input
	}
	var need logical.ColSet
	computes := false
	exprs := make([]expr.Expr, len(cols))
	for i, id := range cols {
		if e, ok := items[id]; ok {
			exprs[i], computes = e, true
		} else {
			exprs[i] = l.meta.Var(id)
		}
		need.AddAll(logical.Cols(exprs[i]))
	}
	for _, c := range conds {
		need.AddAll(logical.Cols(c))
	}
	in, err := l.lower(n, need, f)
	if err != nil {
		return plan{}, err
	}
	if !computes && len(conds) == 0 {
		return l.pick(in, cols), nil
	}
	m := &physical.Map{Input: in.node, Project: make([]expr.Expr, len(cols))}
	at := layout(in.cols)
	if len(conds) > 0 {
		if m.Filter, err = l.expr(logical.AndOf(conds), at, f); err != nil {
			return plan{}, err
		}
	}
	for i, e := range exprs {
		if m.Project[i], err = l.expr(e, at, f); err != nil {
			return plan{}, err
		}
		if c := &l.meta.Columns[cols[i]]; c.Name == "" {
			c.Name = expr.String(m.Project[i])
		}
	}
	m.Base = l.base(cols, in.node.AppendOnly())
	return plan{m, cols}, nil
}

func (l *Lowerer) col(at int, id logical.ColID) expr.Expr {
	c := l.meta.Columns[id]
	return &expr.Col{Index: at, T: c.Type, Name: c.Name}
}

func (l *Lowerer) typeOf(id logical.ColID) types.Type { return l.meta.Columns[id].Type }
