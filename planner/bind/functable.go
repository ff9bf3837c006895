package bind

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// funcTable binds a function in FROM; its arguments may use the items before it.
func (b *Binder) funcTable(t *ast.FuncTable, s *scope, left *fromItem) (*fromItem, error) {
	x := exprs{b: b, clause: "functions in FROM", scope: s.inner(left, true).outer}
	var tables []*logical.TableFunc
	rv := &rangeVar{}
	for _, f := range t.Funcs {
		if f.ColDefs != nil {
			return nil, pgerr.Unsupported("a column definition list for a function").At(f.Pos())
		}
		call, name, err := x.setFunction(f)
		if err != nil {
			return nil, err
		}
		if call == nil {
			if len(t.Funcs) > 1 || t.Ordinality {
				return nil, pgerr.Unsupported("ROWS FROM or WITH ORDINALITY over a function that returns one value").At(f.Pos())
			}
			return x.scalarTable(t, f, name)
		}
		tf := &logical.TableFunc{Fn: call.fn, Args: call.args, Cols: call.cols, Ord: -1}
		tables = append(tables, tf)
		for _, id := range call.cols {
			rv.cols = append(rv.cols, scopeCol{name: b.meta.Columns[id].Name, e: b.meta.Var(id)})
		}
		rv.name = name
	}
	rv.scalar = len(rv.cols) == 1 && !t.Ordinality
	if len(rv.cols) == 1 && t.Alias.Name != "" && rv.cols[0].name == rv.name {
		rv.cols[0].name = t.Alias.Name // FROM generate_series(1, 3) AS g: the column is g, too
	}
	node, ord := b.lockstep(tables, t.Ordinality)
	if t.Ordinality {
		rv.cols = append(rv.cols, scopeCol{name: "ordinality", e: b.meta.Var(ord)})
	}
	return b.aliased(single(node, rv), rv, t.Alias)
}

// setFunction binds the call of a set-returning function; nil if the function returns one value.
func (x *exprs) setFunction(f *ast.TableFunc) (*srfCall, string, error) {
	e, ok := f.Call.(*ast.FuncCall)
	if !ok {
		return nil, columnName(f.Call), nil
	}
	name, err := functionName(e)
	if err != nil {
		return nil, "", err
	}
	if !funcs.IsSetReturning(name) {
		return nil, name, nil
	}
	if err := checkCallForm(e, name); err != nil {
		return nil, "", err
	}
	if name == "unnest" && len(e.Args) > 1 {
		return nil, "", pgerr.Unsupported("unnest of several arrays").At(e.Pos())
	}
	args, err := x.list(e.Args)
	if err != nil {
		return nil, "", err
	}
	c, _, err := x.b.resolveSet(name, args, e.Pos())
	return c, name, err
}

// scalarTable is a function that returns one value as a table of one row.
func (x *exprs) scalarTable(t *ast.FuncTable, f *ast.TableFunc, name string) (*fromItem, error) {
	e, err := x.value(f.Call)
	if err != nil {
		return nil, err
	}
	if t.Alias.Name != "" {
		name = t.Alias.Name
	}
	r := &result{node: oneRow(), cols: []outCol{{name: name, e: e, pos: f.Pos()}}}
	a := t.Alias
	if a.Name == "" {
		a.Name = name
	}
	item, err := x.b.named(r, a)
	if err == nil {
		item.rels[0].scalar = true
	}
	return item, err
}

// windowTable binds TUMBLE and HOP.
func (b *Binder) windowTable(t *ast.WindowTable, s *scope, left *fromItem) (*fromItem, error) {
	if t.Kind == ast.SessionWindow {
		return nil, pgerr.Unsupported("SESSION").At(t.Pos())
	}
	in, err := b.tableRef(t.Input, s, left)
	if err != nil {
		return nil, err
	}
	inner := &scope{rels: in.rels, cols: in.cols, ctes: s.ctes}
	timeCol, err := b.column(inner, t.TimeCol)
	if err != nil {
		return nil, err
	}
	v, ok := timeCol.(*logical.Var)
	if !ok || v.T.OID != types.Timestamp && v.T.OID != types.TimestampTZ {
		return nil, pgerr.Newf(pgerr.DatatypeMismatch, "the time column of a window must be type timestamp or timestamptz, not type %s",
			timeCol.Type().OID).At(t.TimeCol.Pos())
	}
	n := &logical.Hop{Input: in.node, Time: v.ID}
	if err := b.windowSizes(t, n); err != nil {
		return nil, err
	}
	rv := &rangeVar{cols: append([]scopeCol{}, in.cols...)}
	if len(in.rels) > 0 {
		rv.name, rv.schema = in.rels[0].name, in.rels[0].schema
	}
	n.Start = b.meta.Add("window_start", v.T)
	n.End = b.meta.Add("window_end", v.T)
	rv.cols = append(rv.cols, scopeCol{name: "window_start", e: b.meta.Var(n.Start)},
		scopeCol{name: "window_end", e: b.meta.Var(n.End)})
	return b.aliased(single(n, rv), rv, t.Alias)
}

var windowNames = map[ast.WindowKind]string{ast.TumbleWindow: "TUMBLE", ast.HopWindow: "HOP"}

// windowSizes reads the intervals of TUMBLE(t, ts, size[, offset]) and HOP(t, ts, slide, size[, offset]).
func (b *Binder) windowSizes(t *ast.WindowTable, n *logical.Hop) error {
	name := windowNames[t.Kind]
	least := 1
	if t.Kind == ast.HopWindow {
		least = 2
	}
	if len(t.Args) < least || len(t.Args) > least+1 {
		return pgerr.Newf(pgerr.SyntaxError, "%s takes %d or %d intervals", name, least, least+1).At(t.Pos())
	}
	sizes := make([]int64, len(t.Args))
	for i, a := range t.Args {
		var err error
		if sizes[i], err = b.microseconds(a); err != nil {
			return err
		}
		if i < least && sizes[i] <= 0 {
			return pgerr.Newf(pgerr.InvalidParameterValue, "the size of a window must be positive").At(a.Pos())
		}
	}
	n.Slide, n.Size = sizes[0], sizes[least-1]
	if len(sizes) > least {
		n.Origin = sizes[least]
	}
	if n.Size%n.Slide != 0 {
		return pgerr.Newf(pgerr.InvalidParameterValue, "the size of %s must be a multiple of its slide", name).At(t.Pos())
	}
	return nil
}

// microseconds reads a constant interval of fixed length.
func (b *Binder) microseconds(e ast.Expr) (int64, error) {
	x := exprs{b: b, scope: &scope{}, clause: "a window"}
	v, err := x.bind(e)
	if err != nil {
		return 0, err
	}
	v, ok, err := b.coerce(v, types.T(types.Interval), funcs.Implicit)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, pgerr.Newf(pgerr.DatatypeMismatch, "expected an interval").At(e.Pos())
	}
	c, err := b.constant(v)
	if err != nil {
		return 0, at(err, e.Pos())
	}
	if c == nil || c.Null {
		return 0, pgerr.New(pgerr.InvalidParameterValue, "the interval must be a constant").At(e.Pos())
	}
	iv := types.DecodeInterval(c.B)
	if iv.Months != 0 {
		return 0, pgerr.New(pgerr.FeatureNotSupported, "an interval of months has no fixed length").
			WithHint("Use days, hours, minutes or seconds.").At(e.Pos())
	}
	return int64(iv.Days)*86_400_000_000 + iv.Micros, nil
}
