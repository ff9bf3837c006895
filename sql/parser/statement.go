package parser

import "github.com/millracedb/millrace/sql/ast"

// topStatement reads a statement. A query becomes the unit's main text, and nil is returned.
func (p *parser) topStatement() ast.Statement {
	if p.queryAhead() && !p.dmlAhead(0) {
		p.queryStatement()
		return nil
	}
	return p.shell()
}

// statementInto reads a statement inside another: EXPLAIN, PREPARE, COPY.
func (p *parser) statementInto(set func(ast.Statement)) {
	p.enter()
	defer p.leave()
	if p.queryAhead() && !p.dmlAhead(0) {
		p.queryInto(func(s *ast.Select) { set(s) })
		return
	}
	set(p.shell())
}

// shell reads every statement that is not a query.
func (p *parser) shell() ast.Statement {
	t := p.cur()
	if t.isAny("insert", "update", "delete", "with") {
		return p.dml()
	}
	p.syntax()
	return nil
}
