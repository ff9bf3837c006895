package parser

import (
	"strconv"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
)

// parser reads tokens by recursive descent. Statement shells become ast nodes directly; expressions
// and queries become TiDB text in the unit, whose decoded trees are stored into those nodes when the
// statement ends (see unit).
//
// The first error sticks: it moves the cursor to the end, where every loop stops, and the statement's
// result is dropped. So the methods return no errors.
type parser struct {
	src    string
	toks   []token // ends with tEOF
	i      int
	err    *pgerr.Error
	lexErr *pgerr.Error // what the lexer met at the end of toks
	unit   *unit
	depth  int
	// close has for each ( the token of its ), 0 if there is none; made when first asked for.
	close []int32
	// openStart and openEnd bound the run of ( that was looked over last.
	openStart, openEnd int
	// exprEnd is the token behind the last expression: SIMILAR there is an operator that lacks its TO.
	exprEnd int
}

// maxDepth bounds the nesting of a statement, and so the depth of every tree the planner walks.
const maxDepth = 3000

// maxChain bounds the length of a chain of left-associative operators, which is as deep a tree.
const maxChain = 5000

// enter counts one level of nesting; each call is paired with a call of leave.
func (p *parser) enter() {
	p.depth++
	if p.depth > maxDepth {
		p.failTooDeep()
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) failTooDeep() {
	p.fail(pgerr.New(pgerr.StatementTooComplex, "stack depth limit exceeded").
		WithHint("The statement nests too deeply.").At(p.pos()))
}

// fail makes err the result unless there is one.
func (p *parser) fail(err *pgerr.Error) {
	if p.err == nil {
		p.err = err
	}
	p.i = len(p.toks) - 1
}

func (p *parser) failf(off int, code, format string, args ...any) {
	p.fail(pgerr.Newf(code, format, args...).At(off))
}

// unsupported is 0A000 for a feature that is recognised and not had.
func (p *parser) unsupported(off int, feature string) { p.fail(pgerr.Unsupported(feature).At(off)) }

// syntax fails at the current token.
func (p *parser) syntax() {
	t := p.cur()
	if t.is("similar") && p.exprEnd == p.i && !p.at(1).is("to") {
		t = p.at(1)
	}
	p.syntaxAt(t)
}

func (p *parser) syntaxAt(t *token) {
	switch {
	case t.kind != tEOF:
		p.failf(int(t.start), pgerr.SyntaxError, "syntax error at or near \"%s\"", p.src[t.start:t.end])
	case p.lexErr != nil:
		p.fail(p.lexErr)
	default:
		p.failf(int(t.start), pgerr.SyntaxError, "syntax error at end of input")
	}
}

func (p *parser) cur() *token { return &p.toks[p.i] }

// at is the token n places ahead, tEOF past the end.
func (p *parser) at(n int) *token {
	if p.i+n < len(p.toks) {
		return &p.toks[p.i+n]
	}
	return &p.toks[len(p.toks)-1]
}

func (p *parser) pos() int { return int(p.toks[p.i].start) }

func (p *parser) loc() ast.Loc { return ast.Loc(p.toks[p.i].start) }

// advance moves to the next token and returns the one left.
func (p *parser) advance() *token {
	t := p.cur()
	if t.kind != tEOF {
		p.i++
	}
	return t
}

// is reports whether the token is the unquoted word w, keyword or not.
func (t *token) is(w string) bool { return t.kind == tWord && t.word == w }

// isAny reports whether the token is one of the unquoted words.
func (t *token) isAny(words ...string) bool {
	if t.kind != tWord {
		return false
	}
	for _, w := range words {
		if t.word == w {
			return true
		}
	}
	return false
}

func (t *token) punct(s string) bool { return t.kind == tPunct && t.word == s }

func (t *token) op(s string) bool { return t.kind == tOp && t.word == s }

// accept moves past the word w if it is next.
func (p *parser) accept(w string) bool {
	if !p.cur().is(w) {
		return false
	}
	p.i++
	return true
}

// accepts moves past a phrase if all of it is next.
func (p *parser) accepts(words ...string) bool {
	if !p.next(words...) {
		return false
	}
	p.i += len(words)
	return true
}

// next reports whether a phrase is next.
func (p *parser) next(words ...string) bool {
	for n, w := range words {
		if !p.at(n).is(w) {
			return false
		}
	}
	return true
}

// expect moves past the words or fails.
func (p *parser) expect(words ...string) {
	for _, w := range words {
		if !p.accept(w) {
			p.syntax()
			return
		}
	}
}

func (p *parser) acceptPunct(s string) bool {
	if !p.cur().punct(s) {
		return false
	}
	p.i++
	return true
}

func (p *parser) expectPunct(s string) {
	if !p.acceptPunct(s) {
		p.syntax()
	}
}

func (p *parser) acceptOp(s string) bool {
	if !p.cur().op(s) {
		return false
	}
	p.i++
	return true
}

// closing is the index of the ) for the ( at token i, 0 if it is not closed. Looking ahead over nested
// statements by it keeps the cost of deep nesting linear.
func (p *parser) closing(i int) int {
	if p.close == nil {
		p.close = make([]int32, len(p.toks))
		var open []int32
		for j := range p.toks {
			switch t := &p.toks[j]; {
			case t.punct("("):
				open = append(open, int32(j))
			case t.punct(")") && len(open) > 0:
				p.close[open[len(open)-1]] = int32(j)
				open = open[:len(open)-1]
			}
		}
	}
	return int(p.close[i])
}

// name reads a ColId: an identifier, or a keyword that may name a column or table.
func (p *parser) name() string {
	if !p.cur().isName() {
		p.syntax()
		return ""
	}
	return p.advance().word
}

func (t *token) isName() bool {
	return t.kind == tQuoted || t.kind == tWord && t.cat <= colName
}

// funcName is the first word of a function or type name.
func (t *token) isTypeOrFuncName() bool {
	return t.kind == tQuoted || t.kind == tWord && (t.cat == notKeyword || t.cat == unreserved || t.cat == typeFuncName)
}

// label reads a ColLabel: any word.
func (p *parser) label() string {
	if k := p.cur().kind; k != tWord && k != tQuoted || p.notAhead() {
		p.syntax()
		return ""
	}
	return p.advance().word
}

// notAhead reports whether NOT with its predicate is next: together they are no label.
func (p *parser) notAhead() bool {
	return p.cur().is("not") && p.at(1).isAny("between", "in", "like", "ilike", "similar")
}

// syntaxName fails where a name was expected. A keyword that could begin a function or type name is
// wrong only because of what follows it.
func (p *parser) syntaxName() {
	if t := p.cur(); t.kind == tWord && t.cat == typeFuncName {
		p.advance()
	}
	p.syntax()
}

// names reads a comma list of names.
func (p *parser) names() []string {
	list := []string{p.name()}
	for p.acceptPunct(",") {
		list = append(list, p.name())
	}
	return list
}

// parenNames reads (a, b).
func (p *parser) parenNames() []string {
	p.expectPunct("(")
	list := p.names()
	p.expectPunct(")")
	return list
}

// objectName reads a possibly qualified name.
func (p *parser) objectName() ast.ObjectName {
	n := ast.ObjectName{Loc: p.loc(), Name: p.name()}
	parts := 1
	dotted := n.Name
	for ; p.acceptPunct("."); parts++ {
		n.Catalog, n.Schema, n.Name = n.Schema, n.Name, p.label()
		dotted += "." + n.Name
	}
	if parts > 3 {
		p.failf(n.Pos(), pgerr.SyntaxError, "improper qualified name (too many dotted names): %s", dotted)
	}
	return n
}

func (p *parser) objectNames() []ast.ObjectName {
	list := []ast.ObjectName{p.objectName()}
	for p.acceptPunct(",") {
		list = append(list, p.objectName())
	}
	return list
}

// stringConst reads a string constant.
func (p *parser) stringConst() string {
	if p.cur().kind != tString {
		p.syntax()
		return ""
	}
	return p.stringOf(p.advance())
}

func (p *parser) stringOf(t *token) string {
	v, err := stringValue(p.src[t.start:t.end])
	if err != nil {
		p.fail(err.At(int(t.start)))
	}
	return v
}

// intConst reads an unsigned integer constant that fits an int4.
func (p *parser) intConst() int {
	t := p.cur()
	v, err := strconv.ParseInt(p.src[t.start:t.end], 10, 32)
	if t.kind != tInt || err != nil {
		p.syntax()
		return 0
	}
	p.advance()
	return int(v)
}

// text is the source from token index i up to the current token, without the space at its end.
func (p *parser) text(i int) string {
	if p.i == i {
		return ""
	}
	return p.src[p.toks[i].start:p.toks[p.i-1].end]
}
