package parser

import "github.com/millracedb/millrace/sql/ast"

// topStatement reads a statement. A query becomes the unit's main text, and nil is returned.
func (p *parser) topStatement() ast.Statement {
	if (p.queryAhead() || p.cur().punct("(") || p.cur().is("values")) && !p.dmlAhead(0) {
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
	if s := p.shell(); p.err == nil {
		set(s)
	}
}

// shell reads every statement that is not a query.
func (p *parser) shell() ast.Statement {
	t := p.cur()
	if t.kind != tWord {
		p.syntax()
		return nil
	}
	switch t.word {
	case "insert", "update", "delete", "with":
		return p.dml()
	case "create":
		return p.create()
	case "drop":
		return p.drop()
	case "alter":
		return p.alter()
	case "truncate":
		return p.truncate()
	case "copy":
		return p.copyStmt()
	case "explain":
		return p.explain()
	case "subscribe":
		return p.subscribe()
	case "comment":
		return p.comment()
	case "merge":
		p.unsupported(int(t.start), "MERGE")
		return nil
	}
	return p.sessionShell(t)
}

// sessionShell reads settings, transactions, prepared statements and cursors.
func (p *parser) sessionShell(t *token) ast.Statement {
	switch t.word {
	case "set":
		return p.set()
	case "show":
		return p.show()
	case "reset":
		return p.reset()
	case "discard":
		return p.discard()
	case "begin", "start":
		return p.begin()
	case "commit", "end":
		return p.commit()
	case "rollback", "abort":
		return p.rollback()
	case "savepoint":
		p.advance()
		return &ast.Savepoint{Loc: ast.Loc(t.start), Name: p.name()}
	case "release":
		return p.release()
	case "prepare":
		return p.prepare()
	case "execute":
		return p.execute()
	case "deallocate":
		return p.deallocate()
	case "declare":
		return p.declare()
	case "fetch", "move":
		return p.fetch()
	case "close":
		return p.closeCursor()
	}
	return p.utilityShell(t)
}

// utilityShell reads what is left.
func (p *parser) utilityShell(t *token) ast.Statement {
	at := ast.Loc(t.start)
	switch t.word {
	case "describe":
		p.advance()
		return &ast.Describe{Loc: at, Name: p.objectName()}
	case "refresh":
		return p.refresh()
	case "rebuild":
		return p.rebuild()
	case "cancel":
		return p.cancel()
	case "flush":
		p.advance()
		return &ast.Flush{Loc: at}
	case "checkpoint":
		p.advance()
		return &ast.Checkpoint{Loc: at}
	case "lock":
		return p.lock()
	case "listen":
		p.advance()
		return &ast.Listen{Loc: at, Channel: p.name()}
	case "unlisten":
		return p.unlisten()
	case "notify":
		return p.notify()
	case "analyze", "analyse", "vacuum":
		return p.maintenance()
	case "grant", "revoke":
		return p.grant()
	case "call", "cluster", "do", "import", "load", "reassign", "reindex", "security":
		first := p.i
		p.advance()
		return p.other(first, upper(t.word))
	}
	p.syntax()
	return nil
}

func (p *parser) discard() ast.Statement {
	s := &ast.Discard{Loc: p.loc()}
	p.expect("discard")
	switch t := p.cur(); {
	case t.isAny("all", "plans", "sequences", "temp"):
		s.What = upper(p.advance().word)
	case p.accept("temporary"):
		s.What = "TEMP"
	default:
		p.syntax()
	}
	return s
}
