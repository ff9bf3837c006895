package parser

import (
	"github.com/millracedb/millrace/sql/ast"
)

// Precedences of PostgreSQL's grammar, loosest first.
const (
	precOr = iota + 1
	precAnd
	precNot
	precIs      // IS, ISNULL, NOTNULL: non-associative
	precCompare // < > = <= >= <>: non-associative
	precIn      // BETWEEN, IN, LIKE, ILIKE, SIMILAR: non-associative
	precOp      // every operator not named elsewhere
	precAdd
	precMul
	precPower
	precAt // AT TIME ZONE
	precCollate
	precUnary
	precCast
)

// operand is an expression whose text has been emitted: it begins at piece start.
type operand struct {
	start  int
	height int          // of the tree, so far as this expression's own chain makes it
	number *ast.Literal // a bare numeric constant, which a sign before it joins
	row    bool         // a row constructor
}

// exprInto translates an a_expr and stores its tree with set when the statement ends.
func (p *parser) exprInto(set func(ast.Expr)) {
	p.unit.fragment(func() { p.expr() }, set)
}

// bexprInto is exprInto for a b_expr, which holds no AND, OR, NOT, IN or LIKE outside parentheses.
func (p *parser) bexprInto(set func(ast.Expr)) {
	p.unit.fragment(func() { p.binary(0, true) }, set)
}

// expr translates an a_expr.
func (p *parser) expr() operand { return p.binary(0, false) }

// exprs translates a comma list of a_expr.
func (p *parser) exprs() int {
	n := 1
	for p.expr(); p.acceptPunct(","); n++ {
		p.unit.emit(",")
		p.expr()
	}
	return n
}

// binary translates an expression whose operators all bind at least as tightly as min. With restrict
// it is a b_expr.
func (p *parser) binary(min int, restrict bool) operand {
	p.enter()
	defer p.leave()
	return p.chain(p.prefixed(restrict), min, restrict)
}

// chain is binary behind a left operand that has been emitted.
func (p *parser) chain(left operand, min int, restrict bool) operand {
	closed := 0 // precedence of a non-associative operator that ended in an operand just now
	for p.err == nil {
		prec := p.infixPrec(restrict)
		if prec == 0 || prec < min {
			break
		}
		if prec == closed && (prec == precIs || prec == precCompare || prec == precIn) {
			p.syntax()
			break
		}
		if left.height++; left.height > maxChain {
			p.failTooDeep()
			break
		}
		left.number, left.row = nil, false
		closed = 0
		if p.infix(&left, prec, restrict) {
			closed = prec
		}
	}
	p.exprEnd = p.i
	return left
}

// infixPrec is the precedence of the operator at the cursor, 0 if there is none.
func (p *parser) infixPrec(restrict bool) int {
	t := p.cur()
	switch t.kind {
	case tOp:
		return opPrec(t.word)
	case tPunct:
		switch t.word {
		case "::":
			return precCast
		}
	case tWord:
		if t.cat != notKeyword {
			return p.wordPrec(t, restrict)
		}
	}
	return 0
}

func opPrec(op string) int {
	switch op {
	case "<", ">", "=", "<=", ">=", "<>":
		return precCompare
	case "+", "-":
		return precAdd
	case "*", "/", "%":
		return precMul
	case "^":
		return precPower
	}
	return precOp
}

func (p *parser) wordPrec(t *token, restrict bool) int {
	switch t.word {
	case "is":
		if restrict && !p.next("is", "distinct") && !p.next("is", "not", "distinct") {
			return 0
		}
		return precIs
	case "operator":
		if p.at(1).punct("(") {
			return precOp
		}
		return 0
	}
	if restrict {
		return 0
	}
	switch t.word {
	case "or":
		return precOr
	case "and":
		return precAnd
	case "isnull", "notnull":
		return precIs
	case "between", "in", "like", "ilike":
		return precIn
	case "similar":
		if p.at(1).is("to") {
			return precIn
		}
	case "not":
		if n := p.at(1); n.isAny("between", "in", "like", "ilike") || n.is("similar") && p.at(2).is("to") {
			return precIn
		}
	case "at":
		if p.next("at", "time", "zone") {
			return precAt
		}
	case "collate":
		return precCollate
	}
	return 0
}

// prefixed translates a primary with the prefix operators before it.
func (p *parser) prefixed(restrict bool) operand {
	t := p.cur()
	switch {
	case t.is("not") && !restrict:
		return p.not()
	case t.op("-"), t.op("+"):
		return p.sign(restrict)
	case t.kind == tOp && opPrec(t.word) == precOp, t.is("operator") && p.at(1).punct("("):
		return p.prefixOp(restrict)
	}
	return p.primary()
}

func (p *parser) not() operand {
	at := p.pos()
	p.advance()
	o := operand{start: p.unit.here()}
	p.unit.emitAt("(NOT ", at)
	p.binary(precNot, false)
	p.unit.emit(")")
	return o
}

// sign translates + and - before an operand. A sign and a number are one constant.
func (p *parser) sign(restrict bool) operand {
	t := p.advance()
	o := operand{start: p.unit.here()}
	node := &ast.Unary{Loc: ast.Loc(t.start), Op: t.word}
	arg := p.binary(precUnary, restrict)
	if lit := arg.number; lit != nil && t.word == "-" {
		negate(lit)
		lit.Loc = ast.Loc(t.start)
		return operand{start: o.start, number: lit}
	}
	p.wrapUnary(o.start, node)
	return o
}

func (p *parser) wrapUnary(start int, node *ast.Unary) {
	p.unit.wrapMarker(start, node, func(a []ast.Expr) { node.Arg = a[0] })
	p.unit.emit(")")
}

func (p *parser) prefixOp(restrict bool) operand {
	o := operand{start: p.unit.here()}
	node := &ast.Unary{Loc: p.loc()}
	node.Schema, node.Op = p.operator()
	p.binary(precAdd, restrict)
	p.wrapUnary(o.start, node)
	return o
}

// operator reads an operator, or OPERATOR(schema.op).
func (p *parser) operator() (schema, op string) {
	if !p.accept("operator") {
		return "", p.advance().word
	}
	p.expectPunct("(")
	for p.cur().isName() {
		schema = p.name()
		p.expectPunct(".")
	}
	if p.cur().kind != tOp {
		p.syntax()
		return "", ""
	}
	op = p.advance().word
	p.expectPunct(")")
	return schema, op
}

// infix translates the operator at the cursor and what follows it. It reports whether the construct
// ended in an operand, which a non-associative operator may not follow.
func (p *parser) infix(left *operand, prec int, restrict bool) bool {
	t := p.cur()
	switch prec {
	case precCast:
		p.castSuffix(left)
		return false
	case precCollate:
		p.collateSuffix(left)
		return false
	case precAt:
		p.atTimeZone(left, restrict)
		return true
	case precOr, precAnd:
		p.junction(left, prec)
		return true
	case precIs:
		return p.is(left, restrict)
	case precIn:
		return p.inLike(left)
	}
	if q := p.quantifierAfterOp(t); q > 0 {
		p.quantified(left)
		return false
	}
	return p.binaryOp(left, prec, restrict)
}

// nativeOps are the operators that mean the same tree to TiDB inside parentheses.
var nativeOps = map[string]bool{
	"+": true, "-": true, "*": true, "/": true, "%": true,
	"=": true, "<>": true, "<": true, ">": true, "<=": true, ">=": true,
}

func (p *parser) binaryOp(left *operand, prec int, restrict bool) bool {
	at := p.pos()
	schema, op := p.operator()
	if schema == "" && nativeOps[op] {
		p.unit.wrap(left.start, "(", at)
		p.unit.emit(op)
		p.binary(prec+1, restrict)
		p.unit.emit(")")
		return true
	}
	node := &ast.Binary{Loc: ast.Loc(at), Schema: schema, Op: op}
	p.unit.wrapMarker(left.start, node, func(a []ast.Expr) { node.Left, node.Right = a[0], a[1] })
	p.unit.emit(",")
	p.binary(prec+1, restrict)
	p.unit.emit(")")
	return true
}

// junction translates a chain of ANDs or ORs as one node.
func (p *parser) junction(left *operand, prec int) {
	at, word := p.loc(), p.cur().word
	if prec == precAnd {
		n := &ast.And{Loc: at}
		p.unit.wrapMarker(left.start, n, func(a []ast.Expr) { n.Args = a })
	} else {
		n := &ast.Or{Loc: at}
		p.unit.wrapMarker(left.start, n, func(a []ast.Expr) { n.Args = a })
	}
	for p.accept(word) {
		p.unit.emit(",")
		p.binary(prec+1, false)
	}
	p.unit.emit(")")
}

func (p *parser) castSuffix(left *operand) {
	node := &ast.Cast{Loc: p.loc()}
	p.advance()
	node.Type = p.typeName()
	p.unit.wrapMarker(left.start, node, func(a []ast.Expr) { node.Arg = a[0] })
	p.unit.emit(")")
}

func (p *parser) collateSuffix(left *operand) {
	node := &ast.Collate{Loc: p.loc()}
	p.advance()
	node.Name = p.objectName()
	p.unit.wrapMarker(left.start, node, func(a []ast.Expr) { node.Arg = a[0] })
	p.unit.emit(")")
}

func (p *parser) atTimeZone(left *operand, restrict bool) {
	node := &ast.AtTimeZone{Loc: p.loc()}
	p.i += 3
	p.unit.wrapMarker(left.start, node, func(a []ast.Expr) { node.Arg, node.Zone = a[0], a[1] })
	p.unit.emit(",")
	p.binary(precAt+1, restrict)
	p.unit.emit(")")
}

// is translates what follows IS, and ISNULL and NOTNULL.
func (p *parser) is(left *operand, restrict bool) bool {
	at := p.loc()
	word := p.advance().word
	not := word == "notnull" || word == "is" && p.accept("not")
	switch {
	case word != "is" || p.accept("null"):
		p.unit.wrap(left.start, "(", int(at))
		if not {
			p.unit.emit(" IS NOT NULL)")
		} else {
			p.unit.emit(" IS NULL)")
		}
		return false
	case p.accepts("distinct", "from"):
		n := &ast.IsDistinct{Loc: at, Not: not}
		p.unit.wrapMarker(left.start, n, func(a []ast.Expr) { n.Left, n.Right = a[0], a[1] })
		p.unit.emit(",")
		p.binary(precIs+1, restrict)
		p.unit.emit(")")
		return true
	}
	p.isTest(left, at, not)
	return false
}

var boolTests = map[string]ast.BoolTest{"true": ast.TestTrue, "false": ast.TestFalse, "unknown": ast.TestUnknown}

// isTest translates IS [NOT] TRUE, FALSE, UNKNOWN and NORMALIZED.
func (p *parser) isTest(left *operand, at ast.Loc, not bool) {
	t := p.cur()
	if test, ok := boolTests[t.word]; ok && t.kind == tWord {
		p.advance()
		n := &ast.IsBool{Loc: at, Test: test, Not: not}
		p.unit.wrapMarker(left.start, n, func(a []ast.Expr) { n.Arg = a[0] })
		p.unit.emit(")")
		return
	}
	switch {
	case t.isAny("normalized"), t.isAny("nfc", "nfd", "nfkc", "nfkd") && p.at(1).is("normalized"):
		p.unsupported(int(at), "IS NORMALIZED")
	case t.is("document"):
		p.unsupported(int(at), "IS DOCUMENT")
	case t.is("json"):
		p.unsupported(int(at), "IS JSON")
	default:
		p.syntax()
	}
}
