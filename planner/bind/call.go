package bind

import (
	"math"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// calls collects, for one SELECT, the calls that are computed by operators and not by expressions. In the expression
// each is replaced by the column it will be.
type calls struct {
	aggs []*aggCall
	wins []*winCall
	srfs []*srfCall
	// groupings are the GROUPING calls.
	groupings []groupingCall
	// windows are the named windows of the WINDOW clause.
	windows map[string]*windowSpec
}

// call binds name(args): a scalar function, an aggregate, a window function or a set-returning function.
func (x *exprs) call(e *ast.FuncCall) (expr.Expr, error) {
	name, err := functionName(e)
	if err != nil {
		return nil, err
	}
	if err := checkCallForm(e, name); err != nil {
		return nil, err
	}
	if e.Over != nil {
		return x.windowCall(e, name)
	}
	switch {
	case funcs.IsAggregate(name):
		return x.aggregate(e, name)
	case isWindowFunc(name):
		return nil, pgerr.Newf(pgerr.WrongObjectType, "window function %s requires an OVER clause", name).At(e.Pos())
	case e.Star || e.Distinct || e.OrderBy != nil || e.Filter != nil:
		return nil, notAnAggregate(e, name)
	case funcs.IsSetReturning(name):
		return x.setCall(e, name)
	}
	r, err := x.callBound(name, e.Args, e.Pos())
	if err != nil && e.Form != ast.FormCall { // EXTRACT(...) and its kin mean the system's function
		if f := *pgerr.Of(err); f.Code == pgerr.UndefinedFunction {
			f.Message = strings.Replace(f.Message, "function "+name+"(", "function pg_catalog."+name+"(", 1)
			return nil, &f
		}
	}
	return r, err
}

// functionName checks the schema of a function's name.
func functionName(e *ast.FuncCall) (string, error) {
	name := e.Name[len(e.Name)-1]
	if len(e.Name) > 1 {
		switch e.Name[len(e.Name)-2] {
		case "pg_catalog", "information_schema":
		default:
			return "", pgerr.Newf(pgerr.UndefinedFunction, "function %s does not exist", strings.Join(e.Name, ".")).At(e.Pos())
		}
	}
	return name, nil
}

func checkCallForm(e *ast.FuncCall, name string) error {
	for _, n := range e.ArgNames {
		if n != "" {
			return pgerr.Unsupported("named notation in a function call").At(e.Pos())
		}
	}
	if e.WithinGroup {
		return pgerr.Unsupported("WITHIN GROUP").At(e.Pos())
	}
	return nil
}

func notAnAggregate(e *ast.FuncCall, name string) error {
	what := "FILTER"
	switch {
	case e.Star:
		return pgerr.Newf(pgerr.WrongObjectType, "%s(*) specified, but %s is not an aggregate function", name, name).At(e.Pos())
	case e.Distinct:
		what = "DISTINCT"
	case e.OrderBy != nil:
		what = "ORDER BY"
	}
	if !funcs.IsFunction(name) && !funcs.IsSetReturning(name) {
		return pgerr.Newf(pgerr.UndefinedFunction, "function %s does not exist", name).At(e.Pos())
	}
	return pgerr.Newf(pgerr.WrongObjectType, "%s specified, but %s is not an aggregate function", what, name).At(e.Pos())
}

// callBound binds the arguments and calls the scalar function name.
func (x *exprs) callBound(name string, args []ast.Expr, pos int) (expr.Expr, error) {
	bound, err := x.list(args)
	if err != nil {
		return nil, err
	}
	if len(bound) > 0 && (name == "row_to_json" || name == "to_json" || name == "to_jsonb") {
		if r, ok := bound[0].(*record); ok {
			return x.b.recordJSON(r, name == "to_jsonb", pos)
		}
	}
	return x.b.function(name, bound, pos)
}

// recordJSON is a record as a JSON object. Only the binder knows the names of its fields.
func (b *Binder) recordJSON(r *record, binary bool, pos int) (expr.Expr, error) {
	var args []expr.Expr
	for i, n := range r.names {
		args = append(args, untyped(n, pos), r.elems[i])
	}
	if binary {
		return b.function("jsonb_build_object", args, pos)
	}
	return b.function("json_build_object", args, pos)
}

// function calls the scalar function name with bound arguments.
func (b *Binder) function(name string, args []expr.Expr, pos int) (expr.Expr, error) {
	f, want, ret, err := funcs.ResolveFunc(name, typesOf(args))
	if err != nil {
		return nil, at(err, pos)
	}
	if args, err = b.coerceArgs(args, want); err != nil {
		return nil, err
	}
	if f == nil { // a cast written as a call, between types of one form
		return b.cast(args[0], ret, pos)
	}
	return &expr.Call{Fn: f, Args: args, T: ret}, nil
}

func typesOf(args []expr.Expr) []types.Type {
	ts := make([]types.Type, len(args))
	for i, a := range args {
		ts[i] = a.Type()
	}
	return ts
}

func (b *Binder) coerceArgs(args []expr.Expr, want []types.Type) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(args))
	for i, a := range args {
		var err error
		if r, ok := a.(*record); ok {
			a = finishRecord(r)
		}
		if out[i], err = b.implicit(a, want[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// subscript binds a[i], a[i][j] and a[i:j].
func (x *exprs) subscript(e *ast.Subscript) (expr.Expr, error) {
	a, err := x.value(e.Arg)
	if err != nil {
		return nil, err
	}
	t := a.Type().OID
	if t == types.JSONB {
		return x.jsonSubscript(e, a)
	}
	elem, ok := types.ElemOf(t)
	if !ok {
		return nil, pgerr.Newf(pgerr.DatatypeMismatch, "cannot subscript type %s because it does not support subscripting", t).
			At(e.Pos())
	}
	slice := false
	for _, ix := range e.Indexes {
		slice = slice || ix.Slice
	}
	if slice {
		return x.slice(e, a)
	}
	args := []expr.Expr{a}
	for _, ix := range e.Indexes {
		i, err := x.index(ix.Upper)
		if err != nil {
			return nil, err
		}
		args = append(args, i)
	}
	r, err := x.b.function("array subscript", args, e.Pos())
	if err != nil {
		return nil, err
	}
	return relabel(r, types.T(elem)), nil
}

// index binds a subscript: an integer.
func (x *exprs) index(e ast.Expr) (expr.Expr, error) {
	i, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	r, ok, err := x.b.coerce(i, int4Type, funcs.Assignment)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, pgerr.New(pgerr.DatatypeMismatch, "array subscript must have type integer").At(e.Pos())
	}
	return r, nil
}

// slice binds a[lo:hi] and a[i:j][k:l]; where any bracket has a colon, a[n] in it means a[1:n].
func (x *exprs) slice(e *ast.Subscript, a expr.Expr) (expr.Expr, error) {
	args := []expr.Expr{a}
	for _, ix := range e.Indexes {
		lo, hi := expr.Expr(constInt(types.Int4, math.MinInt32)), expr.Expr(constInt(types.Int4, math.MaxInt32))
		var err error
		if !ix.Slice {
			lo = constInt(types.Int4, 1)
		}
		if ix.Lower != nil {
			if lo, err = x.index(ix.Lower); err != nil {
				return nil, err
			}
		}
		if ix.Upper != nil {
			if hi, err = x.index(ix.Upper); err != nil {
				return nil, err
			}
		}
		args = append(args, lo, hi)
	}
	r, err := x.b.function("array slice", args, e.Pos())
	if err != nil {
		return nil, err
	}
	return relabel(r, types.T(a.Type().OID)), nil
}

// jsonSubscript reads a['k'] as a -> 'k'.
func (x *exprs) jsonSubscript(e *ast.Subscript, a expr.Expr) (expr.Expr, error) {
	for _, ix := range e.Indexes {
		if ix.Slice {
			return nil, pgerr.New(pgerr.DatatypeMismatch, "jsonb subscript does not support slices").At(e.Pos())
		}
		i, err := x.bind(ix.Upper)
		if err != nil {
			return nil, err
		}
		if a, err = x.b.operator("->", a, i, e.Pos()); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// field binds (e).name.
func (x *exprs) field(e *ast.Field) (expr.Expr, error) {
	if e.Star {
		return nil, pgerr.New(pgerr.SyntaxError, "row expansion via \"*\" is not supported here").At(e.Pos())
	}
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	r, ok := a.(*record)
	if !ok {
		if row, isRow := a.(*expr.Row); isRow && strings.HasPrefix(e.Name, "f") { // the parts of ROW(...) are f1, f2, ...
			if n, err := strconv.Atoi(e.Name[1:]); err == nil && n >= 1 && n <= len(row.Elems) {
				return x.b.resolved(row.Elems[n-1])
			}
		}
		if a.Type().OID == types.Record {
			return nil, pgerr.Newf(pgerr.UndefinedColumn, `could not identify column "%s" in record data type`, e.Name).At(e.Pos())
		}
		return nil, pgerr.Newf(pgerr.WrongObjectType,
			"column notation .%s applied to type %s, which is not a composite type", e.Name, a.Type().OID).At(e.Pos())
	}
	return r.field(e.Name, e.Pos())
}
