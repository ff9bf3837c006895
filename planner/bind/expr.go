package bind

import (
	"strconv"

	"github.com/millracedb/millrace/planner/logical"
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
			return nil, pgerr.New(pgerr.SyntaxError, "row expansion via \"*\" is not supported here").At(e.Pos())
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
		elems, err := x.list(e.Args)
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
	case *ast.GroupingSet:
		return nil, pgerr.Unsupported("GROUPING SETS, ROLLUP or CUBE").At(e.Pos())
	case *ast.Grouping:
		return nil, pgerr.Unsupported("GROUPING").At(e.Pos())
	}
	return nil, pgerr.Unsupported("this expression").At(e.Pos())
}

// list binds several expressions; a star of a table among them is expanded.
func (x *exprs) list(es []ast.Expr) ([]expr.Expr, error) {
	out := make([]expr.Expr, 0, len(es))
	for _, e := range es {
		if ref, ok := e.(*ast.ColumnRef); ok && ref.Star {
			cols, err := x.b.star(x.scope, ref)
			if err != nil {
				return nil, err
			}
			for _, c := range cols {
				out = append(out, c.e)
			}
			continue
		}
		b, err := x.bind(e)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
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

func (x *exprs) isNull(e *ast.IsNull) (expr.Expr, error) {
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	if elems, ok := rowOf(a); ok {
		args := make([]expr.Expr, len(elems))
		for i, el := range elems {
			if el, err = x.b.resolved(el); err != nil {
				return nil, err
			}
			args[i] = &expr.IsNull{Arg: el, Negate: e.Not}
		}
		if len(args) == 0 {
			return constBool(true), nil
		}
		return logical.AndOf(args), nil
	}
	if p, ok := a.(*paramRef); ok {
		a = x.b.params.anyType(p)
	} else if a, err = x.b.resolved(a); err != nil {
		return nil, err
	}
	return &expr.IsNull{Arg: a, Negate: e.Not}, nil
}

func (x *exprs) isBool(e *ast.IsBool) (expr.Expr, error) {
	names := [...]string{"IS TRUE", "IS FALSE", "IS UNKNOWN"}
	if e.Not {
		names = [...]string{"IS NOT TRUE", "IS NOT FALSE", "IS NOT UNKNOWN"}
	}
	a, err := x.bool(e.Arg, "argument of "+names[e.Test])
	if err != nil {
		return nil, err
	}
	var r expr.Expr
	switch e.Test {
	case ast.TestUnknown:
		return &expr.IsNull{Arg: a, Negate: e.Not}, nil
	case ast.TestTrue:
		r = &expr.Coalesce{Args: []expr.Expr{a, constBool(false)}, T: boolType}
	default:
		r = &expr.Not{Arg: &expr.Coalesce{Args: []expr.Expr{a, constBool(true)}, T: boolType}}
	}
	if e.Not {
		if n, ok := r.(*expr.Not); ok {
			return n.Arg, nil
		}
		return &expr.Not{Arg: r}, nil
	}
	return r, nil
}

func (x *exprs) isDistinct(e *ast.IsDistinct) (expr.Expr, error) {
	l, r, err := x.pair(e.Left, e.Right)
	if err != nil {
		return nil, err
	}
	d, err := x.b.distinct(l, r, e.Pos())
	if err != nil {
		return nil, err
	}
	if e.Not {
		return &expr.Not{Arg: d}, nil
	}
	return d, nil
}

// distinct is l IS DISTINCT FROM r.
func (b *Binder) distinct(l, r expr.Expr, pos int) (expr.Expr, error) {
	le, lok := rowOf(l)
	re, rok := rowOf(r)
	if lok && rok {
		if len(le) != len(re) {
			return nil, errRowSize(pos)
		}
		args := make([]expr.Expr, len(le))
		for i := range le {
			var err error
			if args[i], err = b.distinct(le[i], re[i], pos); err != nil {
				return nil, err
			}
		}
		return orOf(args), nil
	}
	eq, err := b.operator("=", l, r, pos)
	if err != nil {
		return nil, err
	}
	c, ok := eq.(*expr.Call)
	if !ok || len(c.Args) != 2 {
		return nil, pgerr.New(pgerr.DatatypeMismatch, "IS DISTINCT FROM requires = operator to yield boolean").At(pos)
	}
	l, r = c.Args[0], c.Args[1]
	if isNullConst(r) {
		return &expr.IsNull{Arg: l, Negate: true}, nil
	}
	if isNullConst(l) {
		return &expr.IsNull{Arg: r, Negate: true}, nil
	}
	return &expr.Case{
		Whens: []expr.When{
			{Cond: &expr.IsNull{Arg: l}, Then: &expr.IsNull{Arg: r, Negate: true}},
			{Cond: &expr.IsNull{Arg: r}, Then: constBool(true)},
		},
		Else: &expr.Not{Arg: eq}, T: boolType,
	}, nil
}

func isNullConst(e expr.Expr) bool {
	c, ok := e.(*expr.Const)
	return ok && c.Val.Null
}

func orOf(args []expr.Expr) expr.Expr {
	switch len(args) {
	case 0:
		return constBool(false)
	case 1:
		return args[0]
	}
	return &expr.Or{Args: args}
}

func (x *exprs) pair(l, r ast.Expr) (expr.Expr, expr.Expr, error) {
	le, err := x.bind(l)
	if err != nil {
		return nil, nil, err
	}
	re, err := x.bind(r)
	return le, re, err
}

func (x *exprs) between(e *ast.Between) (expr.Expr, error) {
	a, err := x.bind(e.Arg)
	if err != nil {
		return nil, err
	}
	lo, hi, err := x.pair(e.Low, e.High)
	if err != nil {
		return nil, err
	}
	within := func(lo, hi expr.Expr) (expr.Expr, error) {
		ge, err := x.b.operator(">=", a, lo, e.Pos())
		if err != nil {
			return nil, err
		}
		le, err := x.b.operator("<=", a, hi, e.Pos())
		return &expr.And{Args: []expr.Expr{ge, le}}, err
	}
	r, err := within(lo, hi)
	if err == nil && e.Symmetric {
		var r2 expr.Expr
		r2, err = within(hi, lo)
		r = &expr.Or{Args: []expr.Expr{r, r2}}
	}
	if err != nil {
		return nil, err
	}
	if e.Not {
		return &expr.Not{Arg: r}, nil
	}
	return r, nil
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

func (x *exprs) caseExpr(e *ast.Case) (expr.Expr, error) {
	var arg expr.Expr
	if e.Arg != nil {
		var err error
		if arg, err = x.value(e.Arg); err != nil {
			return nil, err
		}
	}
	c := &expr.Case{}
	results := make([]expr.Expr, 0, len(e.Whens)+1)
	pos := make([]int, 0, len(e.Whens)+1)
	for _, w := range e.Whens {
		cond, err := x.when(arg, w)
		if err != nil {
			return nil, err
		}
		then, err := x.bind(w.Result)
		if err != nil {
			return nil, err
		}
		c.Whens = append(c.Whens, expr.When{Cond: cond})
		results, pos = append(results, then), append(pos, w.Result.Pos())
	}
	// PostgreSQL lets the ELSE branch speak first about the type.
	els := untypedNull(e.Pos())
	if e.Else != nil {
		var err error
		if els, err = x.bind(e.Else); err != nil {
			return nil, err
		}
		pos = append([]int{e.Else.Pos()}, pos...)
	} else {
		pos = append([]int{e.Pos()}, pos...)
	}
	all, t, err := x.b.common("CASE", append([]expr.Expr{els}, results...), pos)
	if err != nil {
		return nil, err
	}
	c.T = t
	if e.Else != nil {
		c.Else = all[0]
	}
	for i := range c.Whens {
		c.Whens[i].Then = all[i+1]
	}
	return c, nil
}

func (x *exprs) when(arg expr.Expr, w *ast.When) (expr.Expr, error) {
	if arg == nil {
		return x.bool(w.Cond, "argument of CASE/WHEN")
	}
	v, err := x.bind(w.Cond)
	if err != nil {
		return nil, err
	}
	return x.b.operator("=", arg, v, w.Cond.Pos())
}

func (x *exprs) coalesce(e *ast.Coalesce) (expr.Expr, error) {
	args, t, err := x.commonList("COALESCE", e.Args)
	if err != nil {
		return nil, err
	}
	if len(args) == 1 {
		return args[0], nil
	}
	return &expr.Coalesce{Args: args, T: t}, nil
}

func (x *exprs) commonList(what string, es []ast.Expr) ([]expr.Expr, types.Type, error) {
	args := make([]expr.Expr, len(es))
	pos := make([]int, len(es))
	for i, a := range es {
		var err error
		if args[i], err = x.bind(a); err != nil {
			return nil, types.Type{}, err
		}
		pos[i] = a.Pos()
	}
	return x.b.common(what, args, pos)
}

func (x *exprs) nullIf(e *ast.NullIf) (expr.Expr, error) {
	l, r, err := x.pair(e.Left, e.Right)
	if err != nil {
		return nil, err
	}
	eq, err := x.b.operator("=", l, r, e.Pos())
	if err != nil {
		return nil, err
	}
	if l, err = x.b.resolved(l); err != nil {
		return nil, err
	}
	return &expr.Case{Whens: []expr.When{{Cond: eq, Then: nullOf(l.Type())}}, Else: l, T: l.Type()}, nil
}

// minMax binds GREATEST and LEAST as a CASE with an arm for each argument: it is the answer if it is not null and no
// other argument, null aside, is better; of equals the first one.
func (x *exprs) minMax(e *ast.MinMax) (expr.Expr, error) {
	what, better := "GREATEST", ">"
	if e.Least {
		what, better = "LEAST", "<"
	}
	args, t, err := x.commonList(what, e.Args)
	if err != nil {
		return nil, err
	}
	if len(args) == 1 {
		return args[0], nil
	}
	c := &expr.Case{T: t}
	for i, a := range args[:len(args)-1] {
		cond := []expr.Expr{&expr.IsNull{Arg: a, Negate: true}}
		// Earlier arguments have had their turn: they are null, or worse than a later one. Only later ones can beat a.
		for _, other := range args[i+1:] {
			cmp, err := x.b.operator(better, other, a, e.Pos())
			if err != nil {
				return nil, err
			}
			cond = append(cond, &expr.Not{Arg: &expr.Coalesce{Args: []expr.Expr{cmp, constBool(false)}, T: boolType}})
		}
		c.Whens = append(c.Whens, expr.When{Cond: &expr.And{Args: cond}, Then: a})
	}
	c.Else = args[len(args)-1]
	return c, nil
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
