package parser

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/ast"
)

// precPrimary is what needs no parentheses anywhere.
const precPrimary = precCast + 1

// prec is how tightly the outermost construct of e binds.
func prec(e ast.Expr) int {
	switch e := e.(type) {
	case *ast.Or:
		return precOr
	case *ast.And:
		return precAnd
	case *ast.Not:
		return precNot
	case *ast.IsNull, *ast.IsBool, *ast.IsDistinct:
		return precIs
	case *ast.Between, *ast.In, *ast.Like:
		return precIn
	case *ast.Quantified:
		return quantifiedPrec(e)
	case *ast.Binary:
		return binaryPrec(e.Schema, e.Op)
	case *ast.Unary:
		if e.Schema == "" && (e.Op == "-" || e.Op == "+") {
			return precUnary
		}
		return precOp
	case *ast.AtTimeZone:
		return precAt
	case *ast.Collate:
		return precCollate
	case *ast.Cast:
		return precCast
	case *ast.FuncCall:
		if e.Form == ast.FormOverlaps {
			return precOr
		}
	case *ast.Literal:
		if strings.HasPrefix(e.Text, "-") && (e.Kind == ast.LitInt || e.Kind == ast.LitNumeric) {
			return precUnary
		}
	}
	return precPrimary
}

func binaryPrec(schema, op string) int {
	if schema != "" {
		return precOp
	}
	return opPrec(op)
}

func quantifiedPrec(e *ast.Quantified) int {
	if strings.HasSuffix(e.Op, "LIKE") {
		return precIn
	}
	return binaryPrec(e.Schema, e.Op)
}

// expr writes e, in parentheses if it binds less tightly than its place asks.
func (d *deparser) expr(e ast.Expr, min int) {
	if prec(e) < min {
		d.text("(")
		d.bare(e)
		d.text(")")
		return
	}
	d.bare(e)
}

func (d *deparser) exprs(list []ast.Expr) {
	for i, e := range list {
		d.when(i > 0, ", ")
		d.expr(e, 0)
	}
}

// call writes name(list).
func (d *deparser) call(name string, list []ast.Expr) {
	d.text(name + "(")
	d.exprs(list)
	d.text(")")
}

// bare writes e without parentheses around it.
func (d *deparser) bare(e ast.Expr) {
	switch e := e.(type) {
	case *ast.Literal:
		d.literal(e)
	case *ast.TypedLiteral:
		d.typedLiteral(e)
	case *ast.ColumnRef:
		d.dotted(e.Parts)
		d.when(e.Star && len(e.Parts) > 0, ".")
		d.when(e.Star, "*")
	case *ast.Param:
		d.text("$" + strconv.Itoa(e.N))
	case *ast.Default:
		d.text("DEFAULT")
	case *ast.FuncCall:
		d.funcCall(e)
	case *ast.Unary, *ast.Binary, *ast.And, *ast.Or, *ast.Not, *ast.AtTimeZone, *ast.Collate, *ast.Quantified:
		d.operator(e)
	case *ast.IsNull, *ast.IsBool, *ast.IsDistinct, *ast.Between, *ast.In, *ast.Like:
		d.predicate(e)
	case *ast.Case:
		d.caseExpr(e)
	case *ast.Cast:
		d.cast(e)
	default:
		d.constructor(e)
	}
}

func (d *deparser) literal(e *ast.Literal) {
	switch e.Kind {
	case ast.LitNull:
		d.text("NULL")
	case ast.LitBool:
		d.text(strconv.FormatBool(e.Bool))
	case ast.LitString:
		d.str(e.Text)
	case ast.LitBits:
		d.text("B'" + e.Text + "'")
	default:
		d.text(e.Text)
	}
}

func (d *deparser) typedLiteral(e *ast.TypedLiteral) {
	d.baseType(e.Type)
	d.text(" ")
	d.str(e.Text)
	if e.Type.Fields != "" {
		d.intervalFields(e.Type)
	}
}

func (d *deparser) op(schema, op string) {
	if schema == "" {
		d.text(op)
		return
	}
	d.text("OPERATOR(")
	d.ident(schema)
	d.text("." + op + ")")
}

// operator writes what is made of operators.
func (d *deparser) operator(e ast.Expr) {
	p := prec(e)
	switch e := e.(type) {
	case *ast.Unary:
		d.op(e.Schema, e.Op)
		d.text(" ")
		d.expr(e.Arg, max(p, precAdd))
	case *ast.Binary:
		left := p
		if p == precCompare {
			left++
		}
		d.expr(e.Left, left)
		d.text(" ")
		d.op(e.Schema, e.Op)
		d.text(" ")
		d.expr(e.Right, p+1)
	case *ast.And:
		d.junction(e.Args, " AND ", precAnd)
	case *ast.Or:
		d.junction(e.Args, " OR ", precOr)
	case *ast.Not:
		d.text("NOT ")
		d.expr(e.Arg, precNot)
	case *ast.AtTimeZone:
		d.expr(e.Arg, precAt)
		d.text(" AT TIME ZONE ")
		d.expr(e.Zone, precAt+1)
	case *ast.Collate:
		d.expr(e.Arg, precCollate)
		d.text(" COLLATE ")
		d.objectName(e.Name)
	case *ast.Quantified:
		d.quantified(e, p)
	}
}

func (d *deparser) junction(args []ast.Expr, word string, p int) {
	for i, a := range args {
		d.when(i > 0, word)
		d.expr(a, p+1)
	}
}

func (d *deparser) quantified(e *ast.Quantified, p int) {
	d.expr(e.Left, p+1)
	d.text(" ")
	d.op(e.Schema, e.Op)
	if e.All {
		d.text(" ALL (")
	} else {
		d.text(" ANY (")
	}
	if e.Query != nil {
		d.query(e.Query)
	} else {
		d.expr(e.Array, 0)
	}
	d.text(")")
}

func not(n bool) string {
	if n {
		return " NOT"
	}
	return ""
}

// predicate writes IS, BETWEEN, IN and LIKE.
func (d *deparser) predicate(e ast.Expr) {
	switch e := e.(type) {
	case *ast.IsNull:
		d.expr(e.Arg, precIs+1)
		d.text(" IS" + not(e.Not) + " NULL")
	case *ast.IsBool:
		d.expr(e.Arg, precIs+1)
		d.text(" IS" + not(e.Not) + [...]string{" TRUE", " FALSE", " UNKNOWN"}[e.Test])
	case *ast.IsDistinct:
		d.expr(e.Left, precIs+1)
		d.text(" IS" + not(e.Not) + " DISTINCT FROM ")
		d.expr(e.Right, precIs+1)
	case *ast.Between:
		d.expr(e.Arg, precIn+1)
		d.text(not(e.Not) + " BETWEEN ")
		d.when(e.Symmetric, "SYMMETRIC ")
		d.expr(e.Low, precCast)
		d.text(" AND ")
		d.expr(e.High, precIn+1)
	case *ast.In:
		d.expr(e.Left, precIn+1)
		d.text(not(e.Not) + " IN (")
		if e.Query != nil {
			d.query(e.Query)
		} else {
			d.exprs(e.List)
		}
		d.text(")")
	case *ast.Like:
		d.expr(e.Left, precIn+1)
		d.text(not(e.Not) + [...]string{" LIKE ", " ILIKE ", " SIMILAR TO "}[e.Kind])
		d.expr(e.Pattern, precIn+1)
		if e.Escape != nil {
			d.text(" ESCAPE ")
			d.expr(e.Escape, precIn+1)
		}
	}
}

func (d *deparser) caseExpr(e *ast.Case) {
	d.text("CASE")
	if e.Arg != nil {
		d.text(" ")
		d.expr(e.Arg, 0)
	}
	for _, w := range e.Whens {
		d.text(" WHEN ")
		d.expr(w.Cond, 0)
		d.text(" THEN ")
		d.expr(w.Result, 0)
	}
	if e.Else != nil {
		d.text(" ELSE ")
		d.expr(e.Else, 0)
	}
	d.text(" END")
}

func (d *deparser) cast(e *ast.Cast) {
	d.expr(e.Arg, precCast)
	d.text("::")
	d.typeName(e.Type)
}

// constructor writes subqueries, arrays, rows, and functions with a node of their own.
func (d *deparser) constructor(e ast.Expr) {
	switch e := e.(type) {
	case *ast.Exists:
		d.text("EXISTS (")
		d.query(e.Query)
		d.text(")")
	case *ast.ScalarSubquery:
		d.text("(")
		d.query(e.Query)
		d.text(")")
	case *ast.ArraySubquery:
		d.text("ARRAY(")
		d.query(e.Query)
		d.text(")")
	case *ast.Array:
		d.text("ARRAY")
		d.arrayElems(e)
	case *ast.Row:
		d.when(e.Explicit, "ROW")
		d.call("", e.Args)
	case *ast.Subscript:
		d.subscript(e)
	case *ast.Field:
		d.indirect(e.Arg, false)
		if e.Star {
			d.text(".*")
		} else {
			d.text(".")
			d.ident(e.Name)
		}
	case *ast.Coalesce:
		d.call("COALESCE", e.Args)
	case *ast.NullIf:
		d.call("NULLIF", []ast.Expr{e.Left, e.Right})
	case *ast.MinMax:
		d.call(map[bool]string{false: "GREATEST", true: "LEAST"}[e.Least], e.Args)
	case *ast.Grouping:
		d.call("GROUPING", e.Args)
	case *ast.GroupingSet:
		d.call([...]string{"", "ROLLUP ", "CUBE ", "GROUPING SETS "}[e.Kind], e.Args)
	case *ast.Niladic:
		d.text(strings.ToUpper(e.Name))
		d.when(e.Precision >= 0, "("+strconv.Itoa(e.Precision)+")")
	}
}

// arrayElems writes [a, b], with the arrays of a matrix as brackets only.
func (d *deparser) arrayElems(e *ast.Array) {
	nested := len(e.Elems) > 0
	for _, x := range e.Elems {
		if _, ok := x.(*ast.Array); !ok {
			nested = false
		}
	}
	d.text("[")
	for i, x := range e.Elems {
		d.when(i > 0, ", ")
		if nested {
			d.arrayElems(x.(*ast.Array))
		} else {
			d.expr(x, 0)
		}
	}
	d.text("]")
}

func (d *deparser) subscript(e *ast.Subscript) {
	d.indirect(e.Arg, true)
	for _, x := range e.Indexes {
		d.text("[")
		if x.Lower != nil {
			d.expr(x.Lower, 0)
		}
		d.when(x.Slice, ":")
		if x.Upper != nil {
			d.expr(x.Upper, 0)
		}
		d.text("]")
	}
}

// indirect writes what [ ] or a field is applied to.
func (d *deparser) indirect(e ast.Expr, subscript bool) {
	switch e := e.(type) {
	case *ast.Param, *ast.ScalarSubquery, *ast.Field:
		d.bare(e)
		return
	case *ast.ColumnRef:
		if subscript && !e.Star {
			d.bare(e)
			return
		}
	case *ast.Subscript:
		if !subscript {
			d.bare(e)
			return
		}
	case *ast.Row:
		if !e.Explicit && len(e.Args) > 1 {
			d.bare(e)
			return
		}
	}
	d.text("(")
	d.bare(e)
	d.text(")")
}

// funcCall writes a call in the spelling it was read in.
func (d *deparser) funcCall(e *ast.FuncCall) {
	if e.Form != ast.FormCall {
		d.form(e)
		return
	}
	d.dotted(e.Name)
	d.text("(")
	d.when(e.Star, "*")
	d.when(e.Distinct, "DISTINCT ")
	for i, a := range e.Args {
		d.when(i > 0, ", ")
		d.when(e.Variadic && i == len(e.Args)-1, "VARIADIC ")
		if e.ArgNames != nil && e.ArgNames[i] != "" {
			d.ident(e.ArgNames[i])
			d.text(" => ")
		}
		d.expr(a, 0)
	}
	if len(e.OrderBy) > 0 {
		if e.WithinGroup {
			d.text(") WITHIN GROUP (ORDER BY ")
		} else {
			d.text(" ORDER BY ")
		}
		list(d, e.OrderBy, d.sortItem)
	}
	d.text(")")
	if e.Filter != nil {
		d.text(" FILTER (WHERE ")
		d.expr(e.Filter, 0)
		d.text(")")
	}
	if e.Over != nil {
		d.text(" OVER ")
		d.window(e.Over)
	}
}

// form writes a function in SQL's spelling.
func (d *deparser) form(e *ast.FuncCall) {
	a := e.Args
	if e.Form == ast.FormOverlaps {
		d.call("", a[:2])
		d.call(" OVERLAPS ", a[2:])
		return
	}
	arg := func(word string, i int) {
		if i < len(a) {
			d.text(word)
			d.expr(a[i], 0)
		}
	}
	switch e.Form {
	case ast.FormExtract:
		arg("EXTRACT(", 0)
		arg(" FROM ", 1)
	case ast.FormOverlay:
		arg("OVERLAY(", 0)
		arg(" PLACING ", 1)
		arg(" FROM ", 2)
		arg(" FOR ", 3)
	case ast.FormPosition:
		d.text("POSITION(")
		d.expr(a[1], precCast)
		d.text(" IN ")
		d.expr(a[0], precCast)
	case ast.FormSubstring:
		arg("SUBSTRING(", 0)
		arg(" FROM ", 1)
		arg(" FOR ", 2)
	case ast.FormSimilar:
		arg("SUBSTRING(", 0)
		arg(" SIMILAR ", 1)
		arg(" ESCAPE ", 2)
	case ast.FormTrim:
		d.trim(e)
	case ast.FormNormalize:
		arg("NORMALIZE(", 0)
		if len(a) > 1 {
			d.text(", ")
			d.text(a[1].(*ast.Literal).Text)
		}
	}
	d.text(")")
}

func (d *deparser) trim(e *ast.FuncCall) {
	d.text("TRIM(" + map[string]string{"btrim": "BOTH ", "ltrim": "LEADING ", "rtrim": "TRAILING "}[e.Name[0]])
	// TRIM(BOTH x, chars) is PostgreSQL's order of arguments with FROM before them.
	d.text("FROM ")
	d.exprs(e.Args)
}

func (d *deparser) sortItem(s *ast.SortItem) {
	d.expr(s.Expr, 0)
	d.when(s.Using != "", " USING "+s.Using)
	d.when(s.Desc, " DESC")
	d.text([...]string{"", " NULLS FIRST", " NULLS LAST"}[s.Nulls])
}

// window writes what follows OVER.
func (d *deparser) window(w *ast.WindowSpec) {
	if w.Ref != "" {
		d.ident(w.Ref)
		return
	}
	sep := ""
	d.text("(")
	if w.Base != "" {
		d.ident(w.Base)
		sep = " "
	}
	if len(w.PartitionBy) > 0 {
		d.text(sep + "PARTITION BY ")
		d.exprs(w.PartitionBy)
		sep = " "
	}
	if len(w.OrderBy) > 0 {
		d.text(sep + "ORDER BY ")
		list(d, w.OrderBy, d.sortItem)
		sep = " "
	}
	if w.Frame != nil {
		d.text(sep)
		d.frame(w.Frame)
	}
	d.text(")")
}

func (d *deparser) frame(f *ast.Frame) {
	d.text([...]string{"RANGE", "ROWS", "GROUPS"}[f.Mode] + " BETWEEN ")
	d.bound(f.Start)
	d.text(" AND ")
	d.bound(f.End)
	d.text([...]string{"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"}[f.Exclude])
}

func (d *deparser) bound(b ast.FrameBound) {
	if b.Offset != nil {
		d.expr(b.Offset, precAnd+1)
	}
	d.text([...]string{"UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW", " FOLLOWING", "UNBOUNDED FOLLOWING"}[b.Kind])
}
