package funcs_test

import (
	"fmt"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// This file binds expressions without columns, enough of the language to run the examples of the function table and
// to compare the resolution of operators and functions with PostgreSQL's.

// parseItems parses the expressions of a SELECT list.
func parseItems(sql string) ([]ast.Expr, error) {
	stmts, err := parser.Parse("select " + sql)
	if err != nil {
		return nil, err
	}
	sel, ok := stmts[0].Node.(*ast.Select)
	if !ok {
		return nil, fmt.Errorf("not a SELECT: %s", sql)
	}
	var es []ast.Expr
	for _, item := range sel.Body.(*ast.SelectCore).Items {
		es = append(es, item.Expr)
	}
	return es, nil
}

func bindText(sql string) (expr.Expr, error) {
	es, err := parseItems(sql)
	if err != nil {
		return nil, err
	}
	return bind(es[0])
}

func bindAll(es []ast.Expr) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(es))
	for i, e := range es {
		b, err := bind(e)
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}

func bind(e ast.Expr) (expr.Expr, error) {
	switch e := e.(type) {
	case *ast.Literal:
		return bindLiteral(e), nil
	case *ast.TypedLiteral:
		return cast(expr.Literal(e.Text), e.Type)
	case *ast.Cast:
		a, err := bind(e.Arg)
		if err != nil {
			return nil, err
		}
		return cast(a, e.Type)
	case *ast.Binary:
		args, err := bindAll([]ast.Expr{e.Left, e.Right})
		if err != nil {
			return nil, err
		}
		return binary(e.Op, args[0], args[1])
	case *ast.Unary:
		a, err := bind(e.Arg)
		if err != nil {
			return nil, err
		}
		f, want, ret, err := funcs.ResolvePrefix(e.Op, a.Type())
		return finish(f, []expr.Expr{a}, want, ret, err)
	case *ast.FuncCall:
		args, err := bindAll(e.Args)
		if err != nil {
			return nil, err
		}
		f, want, ret, err := funcs.ResolveFunc(e.Name[len(e.Name)-1], typesOf(args))
		return finish(f, args, want, ret, err)
	case *ast.Array:
		return bindArray(e)
	case *ast.Like:
		args, err := bindAll([]ast.Expr{e.Left, e.Pattern})
		if err != nil {
			return nil, err
		}
		return binary("~~", args[0], args[1])
	}
	return nil, fmt.Errorf("no binding for %T", e)
}

func binary(op string, l, r expr.Expr) (expr.Expr, error) {
	f, want, ret, err := funcs.ResolveOperator(op, l.Type(), r.Type())
	return finish(f, []expr.Expr{l, r}, want, ret, err)
}

func typesOf(es []expr.Expr) []types.Type {
	ts := make([]types.Type, len(es))
	for i, e := range es {
		ts[i] = e.Type()
	}
	return ts
}

// finish coerces the arguments of a resolved call.
func finish(f *funcs.Func, args []expr.Expr, want []types.Type, ret types.Type, err error) (expr.Expr, error) {
	if err != nil {
		return nil, err
	}
	out := make([]expr.Expr, len(args))
	for i, a := range args {
		c, ok := expr.Coerce(a, want[i], funcs.Implicit)
		if !ok {
			return nil, fmt.Errorf("%s does not coerce to %s", a.Type(), want[i])
		}
		out[i] = c
	}
	return &expr.Call{Fn: f, Args: out, T: ret}, nil
}

func bindLiteral(l *ast.Literal) expr.Expr {
	switch l.Kind {
	case ast.LitNull:
		return expr.Null(types.T(types.Unknown))
	case ast.LitBool:
		return expr.Bool(l.Bool)
	case ast.LitInt:
		t := types.Int4
		if l.Int != int64(int32(l.Int)) {
			t = types.Int8
		}
		return &expr.Const{Val: vec.Scalar{Type: types.T(t), I: l.Int}}
	case ast.LitNumeric:
		b, err := types.AppendParsedNumeric(nil, l.Text, -1)
		if err != nil {
			panic(err)
		}
		return &expr.Const{Val: vec.Scalar{Type: types.T(types.Numeric), B: b}}
	}
	return expr.Literal(l.Text)
}

func cast(e expr.Expr, name *ast.TypeName) (expr.Expr, error) {
	oid, ok := types.ByTypName(name.Name)
	if !ok {
		return nil, fmt.Errorf("no type %s", name.Name)
	}
	mods := make([]int32, len(name.TypMods))
	for i, m := range name.TypMods {
		mods[i] = int32(m)
	}
	if oid == types.Interval && len(mods) == 1 {
		mods = []int32{types.IntervalFullRange, mods[0]}
	}
	mod := int32(-1)
	if len(mods) > 0 {
		var err error
		if mod, err = types.TypmodIn(oid, mods); err != nil {
			return nil, err
		}
	}
	if name.IsArray() {
		oid, _ = types.ArrayOf(oid)
	}
	c, ok := expr.Coerce(e, types.Type{OID: oid, Mod: mod}, funcs.Explicit)
	if !ok {
		return nil, pgerr.Newf(pgerr.CannotCoerce, "cannot cast type %s to %s", e.Type().OID, oid)
	}
	return c, nil
}

func bindArray(e *ast.Array) (expr.Expr, error) {
	elems, err := bindAll(e.Elems)
	if err != nil {
		return nil, err
	}
	t, err := funcs.CommonType("ARRAY", typesOf(elems))
	if err != nil {
		return nil, err
	}
	for i := range elems {
		elems[i], _ = expr.Coerce(elems[i], t, funcs.Implicit)
	}
	at := t.OID
	if !at.IsArray() {
		at, _ = types.ArrayOf(t.OID)
	}
	return &expr.Array{Elems: elems, T: types.T(at)}, nil
}
