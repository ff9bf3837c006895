package expr

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// String prints an expression much as PostgreSQL's EXPLAIN does: ((a + 1) > 2). Casts that PostgreSQL would not
// show, those of a constant and relabellings of string types, are shown by their type or not at all.
func String(e Expr) string {
	var b strings.Builder
	print(&b, e)
	return b.String()
}

// Strings prints a list, separated by commas.
func Strings(es []Expr) string {
	var b strings.Builder
	printList(&b, es, ", ")
	return b.String()
}

func printList(b *strings.Builder, es []Expr, sep string) {
	for i, e := range es {
		if i > 0 {
			b.WriteString(sep)
		}
		print(b, e)
	}
}

func print(b *strings.Builder, e Expr) {
	switch e := e.(type) {
	case *Col:
		printName(b, e.Name, "column", e.Index)
	case *Outer:
		printName(b, e.Name, "outer", e.Index)
	case *Const:
		b.WriteString(Quote(e.Val))
	case *Param:
		b.WriteString("$" + strconv.Itoa(e.N))
	case *Call:
		printCall(b, e)
	case *And:
		printParen(b, e.Args, " AND ")
	case *Or:
		printParen(b, e.Args, " OR ")
	case *Not:
		b.WriteString("(NOT ")
		print(b, e.Arg)
		b.WriteByte(')')
	case *IsNull:
		b.WriteByte('(')
		print(b, e.Arg)
		if e.Negate {
			b.WriteString(" IS NOT NULL)")
		} else {
			b.WriteString(" IS NULL)")
		}
	case *Case:
		printCase(b, e)
	case *Coalesce:
		b.WriteString("COALESCE(")
		printList(b, e.Args, ", ")
		b.WriteByte(')')
	case *Array:
		b.WriteString("ARRAY[")
		printList(b, e.Elems, ", ")
		b.WriteByte(']')
	case *Row:
		b.WriteString("ROW(")
		printList(b, e.Elems, ", ")
		b.WriteByte(')')
	case *Subquery:
		printSubquery(b, e)
	}
}

func printName(b *strings.Builder, name, kind string, index int) {
	if name == "" {
		name = kind + strconv.Itoa(index+1)
	}
	b.WriteString(name)
}

func printParen(b *strings.Builder, es []Expr, sep string) {
	b.WriteByte('(')
	printList(b, es, sep)
	b.WriteByte(')')
}

func printCall(b *strings.Builder, e *Call) {
	switch e.Fn.Kind {
	case funcs.CastFunc:
		printCast(b, e)
	case funcs.Operator:
		b.WriteByte('(')
		print(b, e.Args[0])
		name, quant, quantified := strings.Cut(e.Fn.Name, " ")
		b.WriteString(" " + name + " ")
		if quantified {
			b.WriteString(strings.ToUpper(quant) + " (")
			print(b, e.Args[1])
			b.WriteString("))")
			return
		}
		print(b, e.Args[1])
		b.WriteByte(')')
	case funcs.Prefix:
		b.WriteString("(" + e.Fn.Name + " ")
		print(b, e.Args[0])
		b.WriteByte(')')
	default:
		b.WriteString(e.Fn.Name + "(")
		printList(b, e.Args, ", ")
		b.WriteByte(')')
	}
}

func printCast(b *strings.Builder, e *Call) {
	_, bare := e.Args[0].(*Col)
	if !bare {
		b.WriteByte('(')
	}
	print(b, e.Args[0])
	if !bare {
		b.WriteByte(')')
	}
	b.WriteString("::" + e.T.String())
}

func printCase(b *strings.Builder, e *Case) {
	b.WriteString("CASE")
	for _, w := range e.Whens {
		b.WriteString(" WHEN ")
		print(b, w.Cond)
		b.WriteString(" THEN ")
		print(b, w.Then)
	}
	if e.Else != nil {
		b.WriteString(" ELSE ")
		print(b, e.Else)
	}
	b.WriteString(" END")
}

// Subplans are shown as EXPLAIN counts them, from 1.
func printSubquery(b *strings.Builder, e *Subquery) {
	plan := "(SubPlan " + strconv.Itoa(e.ID+1) + ")"
	switch e.Kind {
	case SubExists:
		b.WriteString("EXISTS" + plan)
	case SubArray:
		b.WriteString("ARRAY" + plan)
	case SubAny, SubAll:
		word := "ANY "
		if e.Kind == SubAll {
			word = "ALL "
		}
		b.WriteByte('(')
		print(b, e.Test)
		b.WriteString(" FOR " + word + plan + ")")
	default:
		b.WriteString(plan)
	}
}

// Quote prints a constant as SQL that gives it back: 1, 'a'::text, NULL::integer.
func Quote(v vec.Scalar) string {
	if v.Null {
		if v.Type.OID == types.Unknown {
			return "NULL"
		}
		return "NULL::" + v.Type.String()
	}
	text := string(types.AppendText(nil, v.Type, v.I, v.F, v.B, nil))
	switch v.Type.OID {
	case types.Bool:
		if v.I != 0 {
			return "true"
		}
		return "false"
	case types.Int4:
		if v.I >= 0 {
			return text
		}
	case types.Unknown:
		return QuoteText(text)
	case types.Numeric:
		if text[0] >= '0' && text[0] <= '9' && strings.Contains(text, ".") {
			return text
		}
	}
	return QuoteText(text) + "::" + v.Type.String()
}

// QuoteText prints a string literal, as quote_literal does.
func QuoteText(s string) string {
	q := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + strings.ReplaceAll(q, `\`, `\\`)
	}
	return q
}
