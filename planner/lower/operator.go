package lower

import (
	"slices"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
)

func (l *Lowerer) aggregate(n *logical.Aggregate, need logical.ColSet, f *frame) (plan, error) {
	aggs := slices.DeleteFunc(slices.Clone(n.Aggs), func(a logical.Agg) bool { return !need.Has(a.ID) })
	used := logical.SetOf(n.Keys...)
	for _, a := range aggs {
		used.AddAll(logical.SetOf(a.Args...))
		if a.Filter >= 0 {
			used.Add(a.Filter)
		}
		for _, k := range a.Order {
			used.Add(k.ID)
		}
	}
	in, err := l.lower(n.Input, used, f)
	if err != nil {
		return plan{}, err
	}
	cols := slices.Clone(n.Keys)
	out := &physical.Aggregate{Input: in.node, Keys: in.positions(n.Keys), WindowEnd: -1}
	if n.WindowEnd >= 0 {
		out.WindowEnd = slices.Index(n.Keys, n.WindowEnd)
	}
	for _, a := range aggs {
		pa := physical.Agg{Fn: a.Fn, Args: in.positions(a.Args), Distinct: a.Distinct, Filter: -1, T: l.typeOf(a.ID)}
		if a.Filter >= 0 {
			pa.Filter = in.at(a.Filter)
		}
		if len(a.Order) > 0 {
			pa.Order = in.keys(a.Order)
		}
		out.Aggs = append(out.Aggs, pa)
		cols = append(cols, a.ID)
	}
	out.Base = l.base(cols, false)
	return plan{out, cols}, nil
}

func (l *Lowerer) union(n *logical.Union, need logical.ColSet, f *frame) (plan, error) {
	u := &physical.Union{}
	var cols []logical.ColID
	var at []int
	for i, id := range n.Out {
		if need.Has(id) {
			cols, at = append(cols, id), append(at, i)
		}
	}
	appends := true
	for k, in := range n.In {
		from := make([]logical.ColID, len(at))
		for j, i := range at {
			from[j] = n.Cols[k][i]
		}
		p, err := l.exactly(in, from, f)
		if err != nil {
			return plan{}, err
		}
		appends = appends && p.AppendOnly()
		u.In = append(u.In, p)
	}
	u.Base = l.base(cols, appends)
	return plan{u, cols}, nil
}

func (l *Lowerer) setOp(n *logical.SetOp, f *frame) (plan, error) {
	left, err := l.exactly(n.Left, n.LeftCols, f)
	if err != nil {
		return plan{}, err
	}
	right, err := l.exactly(n.Right, n.RightCols, f)
	if err != nil {
		return plan{}, err
	}
	return plan{&physical.SetOp{Base: l.base(n.Out, false), Left: left, Right: right, Except: n.Except, All: n.All}, n.Out}, nil
}

func (l *Lowerer) window(n *logical.Window, need logical.ColSet, f *frame) (plan, error) {
	fns := slices.DeleteFunc(slices.Clone(n.Funcs), func(w logical.WindowFunc) bool { return !need.Has(w.ID) })
	if len(fns) == 0 {
		return l.lower(n.Input, need, f)
	}
	used := need.Union(logical.SetOf(n.Partition...))
	for _, k := range n.Order {
		used.Add(k.ID)
	}
	for _, w := range fns {
		used.AddAll(logical.SetOf(w.Args...))
		if w.Filter >= 0 {
			used.Add(w.Filter)
		}
	}
	in, err := l.trimmed(n.Input, used, f)
	if err != nil {
		return plan{}, err
	}
	out := &physical.Window{Input: in.node, Partition: in.positions(n.Partition), Order: in.keys(n.Order)}
	cols := slices.Clone(in.cols)
	for _, w := range fns {
		pf := physical.WindowFunc{Name: w.Name, Agg: w.Agg, Args: in.positions(w.Args), Frame: w.Frame, T: l.typeOf(w.ID), Filter: -1}
		if w.Filter >= 0 {
			pf.Filter = in.at(w.Filter)
		}
		out.Funcs = append(out.Funcs, pf)
		cols = append(cols, w.ID)
	}
	out.Base = l.base(cols, false)
	return plan{out, cols}, nil
}

func (l *Lowerer) topN(n *logical.TopN, need logical.ColSet, f *frame) (plan, error) {
	used := need.Union(logical.SetOf(n.Partition...))
	for _, k := range n.Order {
		used.Add(k.ID)
	}
	in, err := l.trimmed(n.Input, used, f)
	if err != nil {
		return plan{}, err
	}
	return plan{&physical.TopN{Base: l.base(in.cols, false), Input: in.node, Partition: in.positions(n.Partition),
		Order: in.keys(n.Order), Limit: n.Limit, Offset: n.Offset}, in.cols}, nil
}

func (l *Lowerer) hop(n *logical.Hop, need logical.ColSet, f *frame) (plan, error) {
	used := need.Clone()
	used.Add(n.Time)
	in, err := l.lower(n.Input, used, f)
	if err != nil {
		return plan{}, err
	}
	cols := append(slices.Clone(in.cols), n.Start, n.End)
	return plan{&physical.Hop{Base: l.base(cols, in.node.AppendOnly()), Input: in.node, TimeCol: in.at(n.Time),
		Slide: n.Slide, Size: n.Size, Origin: n.Origin}, cols}, nil
}

func (l *Lowerer) expand(n *logical.Expand, need logical.ColSet, f *frame) (plan, error) {
	used := need.Clone()
	for _, a := range n.Call.Args {
		used.AddAll(logical.Cols(a))
	}
	in, err := l.lower(n.Input, used, f)
	if err != nil {
		return plan{}, err
	}
	x := &physical.Expand{Input: in.node, Name: n.Call.Fn.Name, Args: make([]expr.Expr, len(n.Call.Args)),
		Ordinality: n.Call.Ord >= 0, Outer: n.Outer}
	for i, a := range n.Call.Args {
		if x.Args[i], err = l.expr(a, layout(in.cols), f); err != nil {
			return plan{}, err
		}
	}
	cols := append(slices.Clone(in.cols), n.Call.Cols...)
	if x.Ordinality {
		cols = append(cols, n.Call.Ord)
	}
	x.Base = l.base(cols, in.node.AppendOnly())
	return plan{x, cols}, nil
}

func (l *Lowerer) sort(n *logical.Sort, need logical.ColSet, f *frame) (plan, error) {
	outputs := logical.Outputs(n)
	cols := slices.DeleteFunc(need.List(), func(id logical.ColID) bool { return !outputs.Has(id) })
	node, err := l.sortTo(n, cols, f)
	return plan{node, cols}, err
}

// sortTo lowers a Sort that outputs cols: its input has them first, then the keys that are not among them.
func (l *Lowerer) sortTo(n *logical.Sort, cols []logical.ColID, f *frame) (physical.Node, error) {
	all := slices.Clone(cols)
	keys := n.Keys
	if len(cols) == 0 {
		keys = nil // rows without columns have no order
	}
	for _, k := range keys {
		if !slices.Contains(all, k.ID) {
			all = append(all, k.ID)
		}
	}
	in, err := l.exactly(n.Input, all, f)
	if err != nil {
		return nil, err
	}
	s := &physical.Sort{Base: l.base(cols, in.AppendOnly() && n.Limit == nil && n.Offset == nil), Input: in}
	s.Keys = plan{in, all}.keys(keys)
	if len(all) > len(cols) {
		s.KeepOut = len(cols)
	}
	if s.Limit, err = l.expr(n.Limit, nil, f); err != nil {
		return nil, err
	}
	s.Offset, err = l.expr(n.Offset, nil, f)
	return s, err
}

func (l *Lowerer) tableFunc(n *logical.TableFunc, f *frame) (plan, error) {
	t := &physical.TableFunc{Name: n.Fn.Name, Args: make([]expr.Expr, len(n.Args)), Ordinality: n.Ord >= 0}
	for i, a := range n.Args {
		var err error
		if t.Args[i], err = l.expr(a, nil, f); err != nil {
			return plan{}, err
		}
	}
	cols := slices.Clone(n.Cols)
	if n.Ord >= 0 {
		cols = append(cols, n.Ord)
	}
	t.Base = l.base(cols, true)
	return plan{t, cols}, nil
}

func (l *Lowerer) recursive(n *logical.Recursive, f *frame) (plan, error) {
	seed, err := l.exactly(n.Seed, n.SeedCols, f)
	if err != nil {
		return plan{}, err
	}
	step, err := l.exactly(n.Step, n.StepCols, f)
	if err != nil {
		return plan{}, err
	}
	return plan{&physical.Recursive{Base: l.base(n.Out, false), Seed: seed, Step: step, Distinct: n.Distinct, ID: n.ID}, n.Out}, nil
}
