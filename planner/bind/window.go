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

// winCall is a window function of a SELECT, bound over the rows after grouping.
type winCall struct {
	id     logical.ColID
	name   string
	agg    *funcs.Aggregate
	args   []expr.Expr
	filter expr.Expr
	spec   *windowSpec
}

// windowSpec is a bound window.
type windowSpec struct {
	partition []expr.Expr
	order     []orderKey
	frame     physical.Frame
	framed    bool // a frame was written
}

// winArgs are the signatures of the functions that only exist as window functions: the arguments behind the value,
// and whether there is a value.
var winFuncs = map[string]struct {
	ret      types.OID // 0: the type of the first argument
	min, max int       // arguments
}{
	"row_number": {types.Int8, 0, 0}, "rank": {types.Int8, 0, 0}, "dense_rank": {types.Int8, 0, 0},
	"percent_rank": {types.Float8, 0, 0}, "cume_dist": {types.Float8, 0, 0}, "ntile": {types.Int4, 1, 1},
	"lag": {0, 1, 3}, "lead": {0, 1, 3}, "first_value": {0, 1, 1}, "last_value": {0, 1, 1}, "nth_value": {0, 2, 2},
}

func isWindowFunc(name string) bool {
	_, ok := winFuncs[name]
	return ok
}

// windowCall binds f(...) OVER (...).
func (x *exprs) windowCall(e *ast.FuncCall, name string) (expr.Expr, error) {
	switch {
	case x.inWindow:
		return nil, pgerr.New(pgerr.WindowingError, "window function calls cannot be nested").At(e.Pos())
	case x.inAgg:
		return nil, pgerr.New(pgerr.GroupingError, "aggregate function calls cannot contain window function calls").At(e.Pos())
	case x.calls == nil || x.noWindow:
		return nil, pgerr.Newf(pgerr.WindowingError, "window functions are not allowed in %s", x.clause).At(e.Pos())
	case e.Distinct:
		return nil, pgerr.New(pgerr.FeatureNotSupported, "DISTINCT is not implemented for window functions").At(e.Pos())
	case e.OrderBy != nil:
		return nil, pgerr.New(pgerr.FeatureNotSupported, "aggregate ORDER BY is not implemented for window functions").At(e.Pos())
	}
	inner := *x
	inner.inWindow = true
	c := &winCall{name: name}
	var t types.Type
	var err error
	switch {
	case isWindowFunc(name):
		if e.Filter != nil {
			return nil, pgerr.New(pgerr.FeatureNotSupported, "FILTER is not implemented for non-aggregate window functions").At(e.Pos())
		}
		t, err = inner.winArgs(c, e)
	case funcs.IsAggregate(name):
		var a *aggCall
		var ret expr.Expr
		if a, ret, err = inner.aggArgs(e, name); err == nil {
			c.agg, c.args, c.filter, t = a.fn, a.args, a.filter, ret.Type()
		}
	default:
		if !funcs.IsFunction(name) {
			return nil, pgerr.Newf(pgerr.UndefinedFunction, "function %s does not exist", name).At(e.Pos())
		}
		return nil, pgerr.Newf(pgerr.WrongObjectType, "OVER specified, but %s is not a window function nor an aggregate function", name).
			At(e.Pos())
	}
	if err != nil {
		return nil, err
	}
	if c.spec, err = inner.window(e.Over); err != nil {
		return nil, err
	}
	c.id = x.b.meta.Add(name, t)
	x.calls.wins = append(x.calls.wins, c)
	v := x.b.meta.Var(c.id)
	v.Pos = e.Pos()
	return v, nil
}

// winArgs binds the arguments of a function that only exists as a window function and returns its type.
func (x *exprs) winArgs(c *winCall, e *ast.FuncCall) (types.Type, error) {
	sig := winFuncs[c.name]
	args, err := x.list(e.Args)
	if err != nil {
		return types.Type{}, err
	}
	if len(args) < sig.min || len(args) > sig.max || e.Star {
		return types.Type{}, pgerr.Newf(pgerr.UndefinedFunction, "function %s does not exist", funcs.Signature(c.name, typesOf(args))).
			WithHint("No function matches the given name and argument types. You might need to add explicit type casts.").At(e.Pos())
	}
	t := types.T(sig.ret)
	if sig.ret == 0 {
		if args[0], err = x.b.resolved(args[0]); err != nil {
			return t, err
		}
		if len(args) == 3 { // lag and lead: the default may be wider than the value
			both, _, err := x.b.common(c.name, []expr.Expr{args[0], args[2]}, []int{e.Pos(), e.Pos()})
			if err != nil {
				return t, err
			}
			args[0], args[2] = both[0], both[1]
		}
		t = types.T(args[0].Type().OID)
	}
	count := 1
	if sig.ret != 0 {
		count = 0
	}
	if len(args) > count { // the integer: offset, n, number of buckets
		if args[count], err = x.b.implicit(args[count], int4Type); err != nil {
			return t, err
		}
	}
	c.args = args
	return t, nil
}

// window binds what stands behind OVER.
func (x *exprs) window(s *ast.WindowSpec) (*windowSpec, error) {
	if s.Ref != "" {
		w := x.calls.windows[s.Ref]
		if w == nil {
			return nil, pgerr.Newf(pgerr.UndefinedObject, `window "%s" does not exist`, s.Ref).At(s.Pos())
		}
		return w, nil
	}
	w := &windowSpec{frame: physical.Frame{Mode: "range",
		Start: physical.Bound{Kind: "unbounded preceding"}, End: physical.Bound{Kind: "current row"}}}
	if s.Base != "" {
		if err := x.inherit(w, s); err != nil {
			return nil, err
		}
	}
	for _, p := range s.PartitionBy {
		e, err := x.value(p)
		if err != nil {
			return nil, err
		}
		w.partition = append(w.partition, e)
	}
	if s.OrderBy != nil {
		var err error
		if w.order, err = x.orderKeys(s.OrderBy); err != nil {
			return nil, err
		}
	}
	if s.Frame != nil {
		w.framed = true
		if err := x.frame(w, s.Frame); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// inherit copies the partition and order of the window that s names.
func (x *exprs) inherit(w *windowSpec, s *ast.WindowSpec) error {
	base := x.calls.windows[s.Base]
	switch {
	case base == nil:
		return pgerr.Newf(pgerr.UndefinedObject, `window "%s" does not exist`, s.Base).At(s.Pos())
	case s.PartitionBy != nil:
		return pgerr.Newf(pgerr.WindowingError, `cannot override PARTITION BY clause of window "%s"`, s.Base).At(s.Pos())
	case s.OrderBy != nil && base.order != nil:
		return pgerr.Newf(pgerr.WindowingError, `cannot override ORDER BY clause of window "%s"`, s.Base).At(s.Pos())
	case base.framed:
		return pgerr.Newf(pgerr.WindowingError, `cannot copy window "%s" because it has a frame clause`, s.Base).At(s.Pos())
	}
	w.partition, w.order = base.partition, base.order
	return nil
}

var boundKinds = map[ast.BoundKind]string{
	ast.UnboundedPreceding: "unbounded preceding", ast.OffsetPreceding: "preceding", ast.CurrentRow: "current row",
	ast.OffsetFollowing: "following", ast.UnboundedFollowing: "unbounded following",
}

// frame binds a frame clause. Offsets are constants of ROWS and GROUPS.
func (x *exprs) frame(w *windowSpec, f *ast.Frame) error {
	w.frame.Mode = [...]string{"range", "rows", "groups"}[f.Mode]
	if f.Exclude != ast.ExcludeNone {
		return pgerr.Unsupported("EXCLUDE in a window frame").At(f.Pos())
	}
	switch {
	case f.Start.Kind == ast.UnboundedFollowing:
		return pgerr.New(pgerr.WindowingError, "frame start cannot be UNBOUNDED FOLLOWING").At(f.Pos())
	case f.End.Kind == ast.UnboundedPreceding:
		return pgerr.New(pgerr.WindowingError, "frame end cannot be UNBOUNDED PRECEDING").At(f.Pos())
	case f.Start.Kind == ast.CurrentRow && f.End.Kind == ast.OffsetPreceding:
		return pgerr.New(pgerr.WindowingError, "frame starting from current row cannot have preceding rows").At(f.Pos())
	case f.Start.Kind == ast.OffsetFollowing && (f.End.Kind == ast.OffsetPreceding || f.End.Kind == ast.CurrentRow):
		return pgerr.New(pgerr.WindowingError, "frame starting from following row cannot have preceding rows").At(f.Pos())
	case f.Mode == ast.FrameGroups && w.order == nil:
		return pgerr.New(pgerr.WindowingError, "GROUPS mode requires an ORDER BY clause").At(f.Pos())
	}
	for _, end := range []struct {
		from ast.FrameBound
		to   *physical.Bound
	}{{f.Start, &w.frame.Start}, {f.End, &w.frame.End}} {
		end.to.Kind = boundKinds[end.from.Kind]
		if end.from.Offset == nil {
			continue
		}
		if f.Mode == ast.FrameRange {
			return pgerr.Unsupported("RANGE with an offset").At(f.Pos())
		}
		n, err := x.frameOffset(end.from.Offset)
		if err != nil {
			return err
		}
		end.to.Offset = n
	}
	return nil
}

func (x *exprs) frameOffset(e ast.Expr) (int64, error) {
	v, err := x.bind(e)
	if err != nil {
		return 0, err
	}
	if v, err = x.b.implicit(v, int8Type); err != nil {
		return 0, err
	}
	c, err := x.b.constant(v)
	if err != nil {
		return 0, at(err, e.Pos())
	}
	switch {
	case c == nil:
		return 0, pgerr.Unsupported("a frame offset that is not constant").At(e.Pos())
	case c.Null:
		return 0, pgerr.New(pgerr.NullValueNotAllowed, "frame starting offset must not be null").At(e.Pos())
	case c.I < 0:
		return 0, pgerr.New("22013", "frame starting offset must not be negative").At(e.Pos())
	}
	return c.I, nil
}

// windows puts the Window nodes of a SELECT over node: one for each distinct window.
func (b *Binder) windows(node logical.Node, wins []*winCall) logical.Node {
	done := make([]bool, len(wins))
	for i, w := range wins {
		if done[i] {
			continue
		}
		ext := extender{b: b, own: logical.Outputs(node)}
		n := &logical.Window{}
		for _, p := range w.spec.partition {
			n.Partition = append(n.Partition, ext.column(p))
		}
		n.Order = ext.keys(w.spec.order)
		for j := i; j < len(wins); j++ {
			if done[j] || !wins[j].spec.sameRows(w.spec) {
				continue
			}
			done[j] = true
			n.Funcs = append(n.Funcs, wins[j].logical(&ext))
		}
		n.Input = ext.over(node)
		node = n
	}
	return node
}

func (c *winCall) logical(ext *extender) logical.WindowFunc {
	f := logical.WindowFunc{ID: c.id, Name: c.name, Agg: c.agg, Frame: c.spec.frame, Filter: -1}
	for _, a := range c.args {
		f.Args = append(f.Args, ext.column(a))
	}
	if c.filter != nil {
		f.Filter = ext.column(c.filter)
	}
	return f
}

// sameRows reports whether two windows partition and order alike.
func (s *windowSpec) sameRows(t *windowSpec) bool {
	if s == t {
		return true
	}
	if len(s.partition) != len(t.partition) || len(s.order) != len(t.order) {
		return false
	}
	for i := range s.partition {
		if !logical.Equal(s.partition[i], t.partition[i]) {
			return false
		}
	}
	for i, k := range s.order {
		if k.desc != t.order[i].desc || k.nullsFirst != t.order[i].nullsFirst || !logical.Equal(k.e, t.order[i].e) {
			return false
		}
	}
	return true
}
