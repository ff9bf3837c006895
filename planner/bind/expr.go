package bind

import (
	"strconv"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// exprs binds the expressions of one clause.
type exprs struct {
	b     *Binder
	scope *scope
	// clause names the clause in messages: "WHERE", "JOIN conditions".
	clause string
	// calls takes the aggregates, window functions and set-returning functions met; nil where none of them may stand.
	calls *calls
	// inAgg and inWindow: inside the arguments of such a call. nested forbids the next level.
	inAgg, inWindow bool
	noAgg, noWindow bool // the clause has calls, but not these
	depth           int
}

// maxExprDepth bounds the nesting of expressions.
const maxExprDepth = 5000

// bind gives e its meaning. The result may have type unknown.
func (x *exprs) bind(e ast.Expr) (expr.Expr, error) {
	if x.depth++; x.depth > maxExprDepth {
		return nil, pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded").At(e.Pos())
	}
	defer func() { x.depth-- }()
	switch e := e.(type) {
	case *ast.Literal:
		return x.b.literal(e), nil
	case *ast.TypedLiteral:
		t, err := x.b.typeName(e.Type)
		if err != nil {
			return nil, err
		}
		return x.b.cast(untyped(e.Text, e.Pos()), t, e.Pos())
	case *ast.ColumnRef:
		if e.Star {
			return x.starValue(e)
		}
		return x.b.column(x.scope, e)
	case *ast.Param:
		return x.b.params.ref(e.N, e.Pos())
	case *ast.Default:
		return nil, pgerr.New(pgerr.SyntaxError, "DEFAULT is not allowed in this context").At(e.Pos())
	case *ast.FuncCall:
		return x.call(e)
	case *ast.Unary:
		return x.unary(e)
	case *ast.Binary:
		return x.binary(e)
	case *ast.And:
		args, err := x.bools(e.Args, "argument of AND")
		if err != nil {
			return nil, err
		}
		return &expr.And{Args: args}, nil
	case *ast.Or:
		args, err := x.bools(e.Args, "argument of OR")
		if err != nil {
			return nil, err
		}
		return &expr.Or{Args: args}, nil
	case *ast.Not:
		a, err := x.bool(e.Arg, "argument of NOT")
		if err != nil {
			return nil, err
		}
		return &expr.Not{Arg: a}, nil
	}
	return x.bind2(e)
}

// bind2 is the second half of bind: predicates and subqueries.
func (x *exprs) bind2(e ast.Expr) (expr.Expr, error) {
	switch e := e.(type) {
	case *ast.IsNull:
		return x.isNull(e)
	case *ast.IsBool:
		return x.isBool(e)
	case *ast.IsDistinct:
		return x.isDistinct(e)
	case *ast.Between:
		return x.between(e)
	case *ast.In:
		return x.in(e)
	case *ast.Like:
		return x.like(e)
	case *ast.Quantified:
		return x.quantified(e)
	case *ast.Exists:
		return x.subquery(e.Query, expr.SubExists, e.Pos())
	case *ast.ScalarSubquery:
		return x.subquery(e.Query, expr.SubScalar, e.Pos())
	case *ast.ArraySubquery:
		return x.subquery(e.Query, expr.SubArray, e.Pos())
	}
	return x.bind3(e)
}

// bind3 is the last part of bind: constructors and special forms.
func (x *exprs) bind3(e ast.Expr) (expr.Expr, error) {
	switch e := e.(type) {
	case *ast.Array:
		return x.array(e, types.Type{})
	case *ast.Row:
		elems, err := x.rowElems(e.Args)
		if err != nil {
			return nil, err
		}
		return x.b.row(elems)
	case *ast.Subscript:
		return x.subscript(e)
	case *ast.Field:
		return x.field(e)
	case *ast.Cast:
		return x.castExpr(e)
	case *ast.Collate:
		return x.collate(e)
	case *ast.AtTimeZone:
		return x.callBound("timezone", []ast.Expr{e.Zone, e.Arg}, e.Pos())
	case *ast.Case:
		return x.caseExpr(e)
	case *ast.Coalesce:
		return x.coalesce(e)
	case *ast.NullIf:
		return x.nullIf(e)
	case *ast.MinMax:
		return x.minMax(e)
	case *ast.Niladic:
		return x.niladic(e)
	case *ast.Grouping:
		return x.grouping(e)
	}
	return nil, pgerr.Unsupported("this expression").At(e.Pos())
}

// list binds several expressions.
func (x *exprs) list(es []ast.Expr) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		var err error
		if out[i], err = x.bind(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rowElems binds the parts of a row constructor: a star among them is expanded.
func (x *exprs) rowElems(es []ast.Expr) ([]expr.Expr, error) {
	out := make([]expr.Expr, 0, len(es))
	for _, e := range es {
		ref, ok := e.(*ast.ColumnRef)
		if !ok || !ref.Star {
			b, err := x.bind(e)
			if err != nil {
				return nil, err
			}
			out = append(out, b)
			continue
		}
		cols, err := x.b.star(x.scope, ref)
		if err != nil {
			return nil, err
		}
		for _, c := range cols {
			out = append(out, c.e)
		}
	}
	return out, nil
}

// starValue is t.* as a value: the whole row.
func (x *exprs) starValue(e *ast.ColumnRef) (expr.Expr, error) {
	if len(e.Parts) == 0 {
		return nil, pgerr.New(pgerr.SyntaxError, `row expansion via "*" is not supported here`).At(e.Pos())
	}
	name := e.Parts[len(e.Parts)-1]
	rv, err := findRel(x.scope, "", name, e.Pos())
	if err != nil {
		return nil, err
	}
	if rv == nil {
		return nil, missingRel(x.scope, name, name, e.Pos())
	}
	return wholeRow(rv, e.Pos()), nil
}

// value binds e and gives it a type if it has none.
func (x *exprs) value(e ast.Expr) (expr.Expr, error) {
	b, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	return x.b.resolved(b)
}

func (x *exprs) bool(e ast.Expr, what string) (expr.Expr, error) {
	b, err := x.bind(e)
	if err != nil {
		return nil, err
	}
	return x.b.toBool(b, what, e.Pos())
}

func (x *exprs) bools(es []ast.Expr, what string) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		var err error
		if out[i], err = x.bool(e, what); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// literal is a constant as PostgreSQL's make_const types it.
func (b *Binder) literal(l *ast.Literal) expr.Expr {
	switch l.Kind {
	case ast.LitNull:
		return untypedNull(l.Pos())
	case ast.LitBool:
		return constBool(l.Bool)
	case ast.LitInt:
		if int64(int32(l.Int)) == l.Int {
			return constInt(types.Int4, l.Int)
		}
		return constInt(types.Int8, l.Int)
	case ast.LitNumeric:
		if i, err := strconv.ParseInt(l.Text, 10, 64); err == nil {
			return constInt(types.Int8, i)
		}
		v, err := b.parseText(l.Text, types.T(types.Numeric))
		if err == nil {
			return &expr.Const{Val: v}
		}
	case ast.LitBits:
		return &literal{expr.Const{Val: vec.Scalar{Type: unknownType, B: []byte(l.Text)}}, l.Pos()}
	}
	return untyped(l.Text, l.Pos())
}

// row makes a row value of elems.
func (b *Binder) row(elems []expr.Expr) (expr.Expr, error) {
	for i, e := range elems {
		if r, ok := e.(*record); ok {
			elems[i] = finishRecord(r)
		}
	}
	return &expr.Row{Elems: elems}, nil
}

// rowOf returns the parts of a row value.
func rowOf(e expr.Expr) ([]expr.Expr, bool) {
	switch e := e.(type) {
	case *expr.Row:
		return e.Elems, true
	case *record:
		return e.elems, true
	}
	return nil, false
}

// castExpr binds CAST; an array constructor takes its element type from it.
func (x *exprs) castExpr(e *ast.Cast) (expr.Expr, error) {
	t, err := x.b.typeName(e.Type)
	if err != nil {
		return nil, err
	}
	var a expr.Expr
	if arr, ok := e.Arg.(*ast.Array); ok && t.OID.IsArray() {
		a, err = x.array(arr, t)
	} else {
		a, err = x.bind(e.Arg)
	}
	if err != nil {
		return nil, err
	}
	return x.b.cast(a, t, e.Pos())
}

// array binds ARRAY[...]; target is the array type it is cast to, or the zero Type.
func (x *exprs) array(e *ast.Array, target types.Type) (expr.Expr, error) {
	elems := make([]expr.Expr, len(e.Elems))
	pos := make([]int, len(e.Elems))
	for i, el := range e.Elems {
		var err error
		if inner, ok := el.(*ast.Array); ok {
			elems[i], err = x.array(inner, target)
		} else {
			elems[i], err = x.bind(el)
		}
		if err != nil {
			return nil, err
		}
		pos[i] = el.Pos()
	}
	if target.OID != 0 {
		return x.arrayOf(elems, target, pos)
	}
	if len(elems) == 0 {
		return nil, pgerr.New(pgerr.IndeterminateDatatype, "cannot determine type of empty array").
			WithHint("Explicitly cast to the desired type, for example ARRAY[]::integer[].").At(e.Pos())
	}
	elems, t, err := x.b.common("ARRAY", elems, pos)
	if err != nil {
		return nil, err
	}
	if t.OID.IsArray() && t.OID != types.Int2Vector && t.OID != types.OidVector {
		return &expr.Array{Elems: elems, T: t}, nil
	}
	at, ok := types.ArrayOf(t.OID)
	if !ok {
		return nil, pgerr.Newf(pgerr.UndefinedObject, "could not find array type for data type %s", t.OID).At(e.Pos())
	}
	return &expr.Array{Elems: elems, T: types.Type{OID: at, Mod: t.Mod}}, nil
}

// arrayOf coerces elements to what an array of type t holds; inner arrays already have type t.
func (x *exprs) arrayOf(elems []expr.Expr, t types.Type, pos []int) (expr.Expr, error) {
	et, _ := types.ElemOf(t.OID)
	for i, el := range elems {
		if _, inner := el.(*expr.Array); inner {
			continue
		}
		var err error
		if elems[i], err = x.b.cast(el, types.Type{OID: et, Mod: t.Mod}, pos[i]); err != nil {
			return nil, err
		}
	}
	return &expr.Array{Elems: elems, T: types.T(t.OID)}, nil
}

func (x *exprs) collate(e *ast.Collate) (expr.Expr, error) {
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	if a, err = x.b.resolved(a); err != nil {
		return nil, err
	}
	in := types.InfoOf(a.Type().OID)
	if elem, ok := types.ElemOf(a.Type().OID); ok {
		in = types.InfoOf(elem)
	}
	if in == nil || in.Category != 'S' {
		return nil, pgerr.Newf(pgerr.DatatypeMismatch, "collations are not supported by type %s", a.Type().OID).At(e.Pos())
	}
	switch e.Name.Name {
	case "default", "C", "POSIX", "ucs_basic", "C.utf8", "C.UTF-8":
		return a, nil
	}
	return nil, pgerr.Newf(pgerr.UndefinedObject, `collation "%s" for encoding "UTF8" does not exist`, e.Name.Name).
		WithHint(`Text is compared byte by byte, as with the collation "C".`).At(e.Name.Pos())
}

// niladic binds current_date and its kin.
func (x *exprs) niladic(e *ast.Niladic) (expr.Expr, error) {
	t := types.Type{Mod: int32(e.Precision)}
	name := e.Name
	switch e.Name {
	case "user", "current_role":
		name = "current_user"
	case "current_catalog":
		name = "current_database"
	case "current_timestamp":
		name, t.OID = "now", types.TimestampTZ
	case "localtimestamp":
		t.OID = types.Timestamp
	case "current_time":
		t.OID = types.TimeTZ
	case "localtime":
		t.OID = types.Time
	}
	r, err := x.niladicCall(name, t, e.Pos())
	if err != nil || e.Precision < 0 || t.OID == 0 {
		return r, err
	}
	if t.Mod, err = types.TypmodIn(t.OID, []int32{int32(e.Precision)}); err != nil {
		return nil, at(err, e.Pos())
	}
	return x.b.cast(r, t, e.Pos())
}

// niladicCall calls the function of that name, or casts now() to what the name stands for.
func (x *exprs) niladicCall(name string, t types.Type, pos int) (expr.Expr, error) {
	if funcs.IsFunction(name) {
		return x.b.function(name, nil, pos)
	}
	now, err := x.b.function("now", nil, pos)
	if err != nil {
		return nil, err
	}
	if name == "current_date" {
		t.OID = types.Date
	}
	return x.b.cast(now, types.T(t.OID), pos)
}
