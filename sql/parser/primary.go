package parser

import (
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
)

// primary translates a c_expr: what operators apply to.
func (p *parser) primary() operand {
	o := operand{start: p.unit.here()}
	t := p.cur()
	switch t.kind {
	case tInt, tNumber:
		o.number = p.number()
		p.unit.leaf(o.number)
		return o
	case tString, tBits:
		p.unit.leaf(p.constant())
		return o
	case tParam:
		p.unit.leaf(p.param())
		return p.indirection(o)
	case tPunct:
		if t.word == "(" {
			return p.parenthesised()
		}
	case tQuoted:
		return p.named(o)
	case tWord:
		return p.wordPrimary(o, t)
	}
	p.syntax()
	return o
}

// wordPrimary translates a primary that begins with a word.
func (p *parser) wordPrimary(o operand, t *token) operand {
	if t.cat != notKeyword && p.typedConstant() {
		return o
	}
	switch t.cat {
	case reserved:
		return p.reservedPrimary(o, t)
	case colName:
		if p.special(t) {
			return o
		}
		if t.word == "row" && p.at(1).punct("(") {
			return p.rowConstructor(o)
		}
	case typeFuncName:
		if t.word == "current_schema" && !p.at(1).punct("(") {
			p.niladic()
			return o
		}
		if t.word == "collation" && p.next("collation", "for") {
			p.collationFor()
			return o
		}
	}
	return p.named(o)
}

// reservedPrimary translates the primaries that begin with a reserved word.
func (p *parser) reservedPrimary(o operand, t *token) operand {
	switch t.word {
	case "null", "true", "false":
		p.unit.leaf(p.constant())
	case "case":
		p.caseExpr()
	case "cast":
		p.cast()
	case "array":
		return p.array(o)
	case "default":
		p.advance()
		p.unit.leaf(&ast.Default{Loc: ast.Loc(t.start)})
	case "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp",
		"current_user", "current_role", "session_user", "user", "current_catalog":
		p.niladic()
	default:
		p.syntax()
	}
	return o
}

// number reads a numeric constant.
func (p *parser) number() *ast.Literal {
	t := p.advance()
	text := p.src[t.start:t.end]
	lit := &ast.Literal{Loc: ast.Loc(t.start)}
	setNumber(lit, t.kind, text)
	return lit
}

// setNumber fills in the kind and value of a numeric constant.
func setNumber(lit *ast.Literal, k kind, text string) {
	lit.Text = text
	if k == tNumber && len(text) > 1 && text[1]|0x20 >= 'b' && text[0] == '0' && text[1]|0x20 != 'e' {
		if v, ok := parseBased(text); ok {
			lit.Text, k = v.String(), tInt
		}
	}
	if k == tInt {
		if v, err := strconv.ParseInt(lit.Text, 10, 64); err == nil {
			lit.Kind, lit.Int = ast.LitInt, v
			return
		}
	}
	lit.Kind = ast.LitNumeric
}

// negate puts a minus before a numeric constant, or takes it away.
func negate(lit *ast.Literal) {
	text, minus := strings.CutPrefix(lit.Text, "-")
	if !minus {
		text = "-" + text
	}
	k := tInt
	if lit.Kind == ast.LitNumeric && strings.ContainsAny(text, ".eE") {
		k = tNumber
	}
	setNumber(lit, k, text)
}

// constant reads a string, bit string, NULL, TRUE or FALSE.
func (p *parser) constant() *ast.Literal {
	t := p.advance()
	lit := &ast.Literal{Loc: ast.Loc(t.start)}
	if err := p.setConstant(lit, t); err != nil {
		p.fail(err.At(int(t.start)))
	}
	return lit
}

func (p *parser) setConstant(lit *ast.Literal, t *token) (err *pgerr.Error) {
	switch t.kind {
	case tString:
		lit.Kind = ast.LitString
		lit.Text, err = stringValue(p.src[t.start:t.end])
	case tBits:
		lit.Kind = ast.LitBits
		lit.Text, err = bitsValue(p.src[t.start:t.end])
	default:
		if t.word != "null" {
			lit.Kind, lit.Bool = ast.LitBool, t.word == "true"
		}
	}
	return err
}

// param reads $n.
func (p *parser) param() *ast.Param {
	t := p.advance()
	n, err := strconv.Atoi(p.src[t.start+1 : t.end])
	if err != nil || n < 1 || n > 65535 {
		p.failf(int(t.start), pgerr.UndefinedParameter, "there is no parameter %s", p.src[t.start:t.end])
		return &ast.Param{}
	}
	p.unit.maxParam = max(p.unit.maxParam, n)
	return &ast.Param{Loc: ast.Loc(t.start), N: n}
}

// named translates what begins with a name: a column, a call, or type 'text'.
func (p *parser) named(o operand) operand {
	n := 1 // length of the dotted name in tokens
	for p.at(n).punct(".") && (p.at(n+1).kind == tWord || p.at(n+1).kind == tQuoted) {
		n += 2
	}
	next := p.at(n)
	first := p.cur()
	callable := n == 1 && first.isTypeOrFuncName() || n > 1 && first.isName()
	if next.punct("(") && callable {
		if p.typedConstantCall(n) {
			return o
		}
		p.call(o)
		return o
	}
	if next.kind == tString && callable {
		p.typedLiteral()
		return o
	}
	if !first.isName() {
		p.syntaxName()
		return o
	}
	return p.columnRef(o)
}

// columnRef translates a.b.c, a.*, and what subscripts and fields follow.
func (p *parser) columnRef(o operand) operand {
	ref := &ast.ColumnRef{Loc: p.loc(), Parts: []string{p.name()}}
	for p.cur().punct(".") {
		p.advance()
		if p.acceptOp("*") {
			ref.Star = true
			p.unit.leaf(ref)
			return o
		}
		ref.Parts = append(ref.Parts, p.label())
	}
	if len(ref.Parts) > 3 {
		p.unit.leaf(ref)
		return p.indirection(o)
	}
	for i, part := range ref.Parts {
		if i > 0 {
			p.unit.emit(".")
			p.unit.emitName(part, -1)
			continue
		}
		p.unit.emitName(part, ref.Pos())
	}
	return p.indirection(o)
}

// typeKeywords begin a type name with syntax of its own.
var typeKeywords = map[string]bool{
	"bigint": true, "bit": true, "boolean": true, "char": true, "character": true, "dec": true, "decimal": true,
	"double": true, "float": true, "int": true, "integer": true, "interval": true, "national": true, "nchar": true,
	"numeric": true, "real": true, "smallint": true, "time": true, "timestamp": true, "varchar": true,
}

// typedConstant translates type 'text' for these types: numeric(3,1) '1.2', double precision '1'. The
// words alone may be columns.
func (p *parser) typedConstant() bool {
	t, next := p.cur(), p.at(1)
	if !typeKeywords[t.word] {
		return false
	}
	switch {
	case next.kind == tString:
	case next.punct("(") && t.word != "double":
	case next.is("varying") && t.isAny("bit", "char", "character", "nchar"):
	case next.isAny("with", "without") && p.at(2).is("time") && t.isAny("time", "timestamp"):
	case next.is("precision") && t.word == "double":
	case next.isAny("char", "character") && t.word == "national":
	default:
		return false
	}
	p.typedLiteral()
	return true
}

// typedConstantCall translates name(args) 'text', a generic type with modifiers, if that is what the
// cursor is at; n tokens are the name.
func (p *parser) typedConstantCall(n int) bool {
	depth := 0
	for i := n; ; i++ {
		t := p.at(i)
		switch {
		case t.kind == tEOF:
			return false
		case t.punct("("):
			depth++
		case t.punct(")"):
			depth--
		case depth > 0 && t.kind != tInt && !t.punct(","):
			return false
		}
		if depth == 0 {
			if p.at(i+1).kind != tString {
				return false
			}
			p.typedLiteral()
			return true
		}
	}
}

func (p *parser) typedLiteral() { p.typedLiteralOf(p.simpleType()) }

func (p *parser) typedLiteralOf(t *ast.TypeName) {
	lit := &ast.TypedLiteral{Loc: t.Loc, Type: t, Text: p.stringConst()}
	if t.Name == "interval" && t.Schema == "" && len(t.TypMods) == 0 {
		p.intervalFields(t)
	}
	p.unit.leaf(lit)
}

func (p *parser) caseExpr() {
	p.unit.emitAt("CASE ", p.pos())
	p.advance()
	if !p.cur().is("when") {
		p.expr()
	}
	if !p.cur().is("when") {
		p.syntax()
	}
	for p.accept("when") {
		p.unit.emit(" WHEN ")
		p.expr()
		p.expect("then")
		p.unit.emit(" THEN ")
		p.expr()
	}
	if p.accept("else") {
		p.unit.emit(" ELSE ")
		p.expr()
	}
	p.expect("end")
	p.unit.emit(" END")
}

func (p *parser) cast() {
	node := &ast.Cast{Loc: p.loc()}
	p.advance()
	p.expectPunct("(")
	p.unit.marker(node, func(a []ast.Expr) { node.Arg = a[0] })
	p.expr()
	p.expect("as")
	node.Type = p.typeName()
	p.expectPunct(")")
	p.unit.emit(")")
}

// array translates ARRAY[...] and ARRAY(query).
func (p *parser) array(o operand) operand {
	at := p.loc()
	p.advance()
	if p.cur().punct("[") {
		p.arrayElems(at)
		return o
	}
	n := &ast.ArraySubquery{Loc: at}
	p.unit.marker(n, func(a []ast.Expr) { n.Query = a[0].(*ast.ScalarSubquery).Query })
	p.subquery()
	p.unit.emit(")")
	return o
}

// arrayElems translates [a, b] and [[a], [b]].
func (p *parser) arrayElems(at ast.Loc) {
	p.enter()
	defer p.leave()
	n := &ast.Array{Loc: at}
	h := p.unit.hole(n, func(a []ast.Expr) { n.Elems = a })
	p.expectPunct("[")
	if p.acceptPunct("]") {
		p.unit.emitHole(markerBare, h)
		p.unit.emit(")")
		return
	}
	p.unit.emitHole(markerOpen, h)
	for nested := p.cur().punct("["); p.err == nil; p.unit.emit(",") {
		if nested {
			p.arrayElems(p.loc())
		} else {
			p.expr()
		}
		if !p.acceptPunct(",") {
			break
		}
	}
	p.expectPunct("]")
	p.unit.emit(")")
}

// subquery translates (query) where only a query may stand.
func (p *parser) subquery() {
	start, at := p.unit.here(), p.pos()
	if !p.cur().punct("(") || !p.queryAhead() {
		if p.cur().punct("(") {
			p.advance()
		}
		p.syntax()
		return
	}
	if _, isQuery := p.openParen(); !isQuery {
		p.syntax()
		return
	}
	p.unit.wrap(start, "(", at)
	p.unit.emit(")")
}

// rowConstructor translates ROW(...).
func (p *parser) rowConstructor(o operand) operand {
	n := &ast.Row{Loc: p.loc(), Explicit: true}
	p.advance()
	p.callMarker(n, func(a []ast.Expr) { n.Args = a })
	o.row = true
	return p.overlaps(o)
}

// callMarker translates (a, b) as the operands of a marker; the list may be empty.
func (p *parser) callMarker(n ast.Node, fill func([]ast.Expr)) {
	h := p.unit.hole(n, fill)
	p.expectPunct("(")
	if p.acceptPunct(")") {
		p.unit.emitHole(markerBare, h)
		p.unit.emit(")")
		return
	}
	p.unit.emitHole(markerOpen, h)
	p.exprs()
	p.expectPunct(")")
	p.unit.emit(")")
}
