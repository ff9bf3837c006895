package parser

import (
	"sync"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
)

// Stmt is one statement of a text.
type Stmt struct {
	Node   ast.Statement
	Text   string // the statement without its semicolon
	Start  int    // byte offsets of Text in the source
	End    int
	Params int // highest $n
}

// Parse parses a text of statements separated by semicolons; empty ones are left out. Positions in the
// trees and in errors are byte offsets in sql.
func Parse(sql string) ([]Stmt, error) {
	p := newParser(sql)
	defer p.free()
	var list []Stmt
	for p.err == nil {
		for p.acceptPunct(";") {
		}
		if p.cur().kind == tEOF {
			break
		}
		s := p.one()
		if p.err == nil {
			list = append(list, s)
		}
	}
	if p.err == nil && p.lexErr != nil {
		p.err = p.lexErr
	}
	if p.err != nil {
		return nil, p.err
	}
	return list, nil
}

// one reads a statement up to its semicolon.
func (p *parser) one() Stmt {
	first := p.i
	p.unit = newUnit()
	node := p.topStatement()
	if !p.cur().punct(";") && (p.cur().kind != tEOF || p.lexErr != nil) {
		p.syntax()
	}
	if p.err != nil {
		return Stmt{}
	}
	main, err := p.unit.decode()
	if err != nil {
		p.fail(err)
		return Stmt{}
	}
	if node == nil {
		node = main
	}
	start, end := int(p.toks[first].start), int(p.toks[p.i-1].end)
	return Stmt{Node: node, Text: p.src[start:end], Start: start, End: end, Params: p.unit.maxParam}
}

// ParseExpr parses one expression: a stored default, check or generated column.
func ParseExpr(sql string) (ast.Expr, error) {
	var e ast.Expr
	err := parseOnly(sql, func(p *parser) { p.exprInto(func(x ast.Expr) { e = x }) })
	return e, err
}

// ParseSelect parses one query: a stored view definition.
func ParseSelect(sql string) (*ast.Select, error) {
	var s *ast.Select
	err := parseOnly(sql, func(p *parser) { p.queryInto(func(q *ast.Select) { s = q }) })
	return s, err
}

// ParseType parses a type as it stands in a cast.
func ParseType(sql string) (*ast.TypeName, error) {
	var t *ast.TypeName
	err := parseOnly(sql, func(p *parser) { t = p.typeName() })
	return t, err
}

// parseOnly parses the whole of a text as one thing.
func parseOnly(sql string, read func(*parser)) error {
	p := newParser(sql)
	defer p.free()
	p.unit = newUnit()
	read(p)
	if p.cur().kind != tEOF || p.lexErr != nil {
		p.syntax()
	}
	if p.err == nil {
		if _, err := p.unit.decode(); err != nil {
			p.fail(err)
		}
	}
	if p.err != nil {
		return p.err
	}
	return nil
}

// tokenBufs keeps token slices, which are large for bulk inserts.
var tokenBufs = sync.Pool{New: func() any { return new([]token) }}

// maxKeptTokens is the largest token slice worth keeping.
const maxKeptTokens = 1 << 18

func newParser(sql string) *parser {
	p := &parser{src: sql, exprEnd: -1}
	if len(sql) > maxText {
		p.toks = []token{{kind: tEOF}}
		p.err = pgerr.New(pgerr.ProgramLimitExceeded, "statement text is too long")
		return p
	}
	buf := tokenBufs.Get().(*[]token)
	p.toks, p.lexErr = lex(sql, (*buf)[:0])
	if len(p.toks) == 1 && p.lexErr != nil {
		p.err = p.lexErr // nothing comes before it
	}
	return p
}

// maxText is what a token's offsets reach.
const maxText = 1<<31 - 1

// free gives the tokens back. Their words are substrings of the source, which they must not keep
// alive.
func (p *parser) free() {
	if cap(p.toks) > maxKeptTokens {
		return
	}
	clear(p.toks)
	toks := p.toks[:0]
	tokenBufs.Put(&toks)
}
