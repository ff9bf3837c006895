package parser

import (
	"github.com/millracedb/millrace/sql/ast"
)

// special translates the functions that have syntax of their own. It reports whether the cursor was at
// one: their names are also column names.
func (p *parser) special(t *token) bool {
	if !p.at(1).punct("(") {
		return false
	}
	switch t.word {
	case "coalesce":
		n := &ast.Coalesce{Loc: p.loc()}
		p.specialArgs(n, 1, func(a []ast.Expr) { n.Args = a })
	case "greatest", "least":
		n := &ast.MinMax{Loc: p.loc(), Least: t.word == "least"}
		p.specialArgs(n, 1, func(a []ast.Expr) { n.Args = a })
	case "nullif":
		n := &ast.NullIf{Loc: p.loc()}
		p.specialArgs(n, 2, func(a []ast.Expr) { n.Left, n.Right = a[0], a[1] })
	case "grouping":
		n := &ast.Grouping{Loc: p.loc()}
		p.specialArgs(n, 1, func(a []ast.Expr) { n.Args = a })
	case "exists":
		p.advance()
		p.unit.emitAt("EXISTS ", int(t.start))
		p.subquery()
	case "extract":
		p.extract()
	case "substring":
		p.substring()
	case "overlay":
		p.overlay()
	case "position":
		p.position()
	case "trim":
		p.trim()
	case "normalize":
		p.normalize()
	case "treat":
		p.unsupported(int(t.start), "TREAT")
	case "xmlconcat", "xmlelement", "xmlexists", "xmlforest", "xmlparse", "xmlpi", "xmlroot", "xmlserialize", "xmltable":
		p.unsupported(int(t.start), upper(t.word))
	default:
		return false
	}
	return true
}

// specialArgs translates name(a, b) with at least one argument; count 2 asks for exactly two.
func (p *parser) specialArgs(n ast.Node, count int, fill func([]ast.Expr)) {
	p.advance()
	p.expectPunct("(")
	p.unit.marker(n, fill)
	if got := p.exprs(); count == 2 && got != 2 {
		p.syntax()
	}
	p.expectPunct(")")
	p.unit.emit(")")
}

// form begins a function in SQL spelling: its node, with its operands as arguments.
func (p *parser) form(form ast.FuncForm, name string) *ast.FuncCall {
	fc := &ast.FuncCall{Loc: p.loc(), Name: []string{name}, Form: form}
	p.advance()
	p.expectPunct("(")
	p.unit.marker(fc, func(a []ast.Expr) { fc.Args = a })
	return fc
}

func (p *parser) closeForm() {
	p.expectPunct(")")
	p.unit.emit(")")
}

func (p *parser) extract() {
	p.form(ast.FormExtract, "extract")
	t := p.cur()
	field := &ast.Literal{Loc: p.loc(), Kind: ast.LitString}
	switch {
	case t.kind == tString:
		field.Text = p.stringConst()
	case t.kind == tQuoted, t.kind == tWord && (t.cat == notKeyword || t.isAny("year", "month", "day", "hour", "minute", "second")):
		field.Text = p.advance().word
	default:
		p.syntax()
	}
	p.expect("from")
	p.unit.leaf(field)
	p.unit.emit(",")
	p.expr()
	p.closeForm()
}

// substring translates its SQL forms, and the plain call.
func (p *parser) substring() {
	fc := p.form(ast.FormSubstring, "substring")
	if p.cur().punct(")") {
		p.syntax()
		return
	}
	p.expr()
	switch {
	case p.accept("from"):
		p.unit.emit(",")
		p.expr()
		if p.accept("for") {
			p.unit.emit(",")
			p.expr()
		}
	case p.accept("for"):
		p.substringFor(fc)
	case p.accept("similar"):
		fc.Form = ast.FormSimilar
		p.unit.emit(",")
		p.expr()
		p.expect("escape")
		p.unit.emit(",")
		p.expr()
	default:
		fc.Form = ast.FormCall
		p.moreArgs()
	}
	p.closeForm()
}

// substringFor translates FOR b [FROM a] behind the string. FOR alone counts from 1, and PostgreSQL
// casts the length so that the choice of function is clear.
func (p *parser) substringFor(fc *ast.FuncCall) {
	at := p.loc()
	p.unit.emit(",")
	p.expr()
	if p.accept("from") {
		p.unit.emit(",")
		p.expr()
		p.unit.holes[p.holeOf(fc)].fill = func(a []ast.Expr) { fc.Args = []ast.Expr{a[0], a[2], a[1]} }
		return
	}
	p.unit.holes[p.holeOf(fc)].fill = func(a []ast.Expr) {
		fc.Args = []ast.Expr{a[0], &ast.Literal{Loc: at, Kind: ast.LitInt, Int: 1, Text: "1"},
			&ast.Cast{Loc: at, Arg: a[1], Type: &ast.TypeName{Loc: at, Name: "int4"}}}
	}
}

// holeOf finds the hole of a node that was made a little while ago.
func (p *parser) holeOf(n ast.Node) int {
	for i := len(p.unit.holes) - 1; i > 0; i-- {
		if p.unit.holes[i].node == n {
			return i
		}
	}
	return 0
}

// moreArgs translates the arguments behind the first of a plain call.
func (p *parser) moreArgs() {
	for p.acceptPunct(",") {
		p.unit.emit(",")
		p.expr()
	}
}

func (p *parser) overlay() {
	fc := p.form(ast.FormOverlay, "overlay")
	p.expr()
	if !p.accept("placing") {
		fc.Form = ast.FormCall
		p.moreArgs()
		p.closeForm()
		return
	}
	p.unit.emit(",")
	p.expr()
	p.expect("from")
	p.unit.emit(",")
	p.expr()
	if p.accept("for") {
		p.unit.emit(",")
		p.expr()
	}
	p.closeForm()
}

func (p *parser) position() {
	fc := p.form(ast.FormPosition, "position")
	p.unit.holes[p.holeOf(fc)].fill = func(a []ast.Expr) { fc.Args = []ast.Expr{a[1], a[0]} }
	p.binary(0, true)
	p.expect("in")
	p.unit.emit(",")
	p.binary(0, true)
	p.closeForm()
}

// trim translates TRIM([BOTH|LEADING|TRAILING] [chars] FROM x) and TRIM(x[, chars]).
func (p *parser) trim() {
	fc := p.form(ast.FormTrim, "btrim")
	switch {
	case p.accept("leading"):
		fc.Name[0] = "ltrim"
	case p.accept("trailing"):
		fc.Name[0] = "rtrim"
	default:
		p.accept("both")
	}
	if p.accept("from") {
		p.exprs()
		p.closeForm()
		return
	}
	p.expr()
	if p.accept("from") {
		p.unit.holes[p.holeOf(fc)].fill = func(a []ast.Expr) { fc.Args = append(a[1:len(a):len(a)], a[0]) }
		p.unit.emit(",")
		p.exprs()
	} else {
		p.moreArgs()
	}
	p.closeForm()
}

func (p *parser) normalize() {
	p.form(ast.FormNormalize, "normalize")
	p.expr()
	if p.acceptPunct(",") {
		if !p.cur().isAny("nfc", "nfd", "nfkc", "nfkd") {
			p.syntax()
			return
		}
		p.unit.emit(",")
		p.unit.leaf(&ast.Literal{Loc: p.loc(), Kind: ast.LitString, Text: upper(p.advance().word)})
	}
	p.closeForm()
}
