package parser

import (
	"strings"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
)

// truncate reads TRUNCATE.
func (p *parser) truncate() ast.Statement {
	s := &ast.Truncate{Loc: p.loc()}
	p.expect("truncate")
	if !p.accept("table") {
		p.acceptRelationWord()
	}
	for p.err == nil {
		p.accept("only")
		s.Names = append(s.Names, p.objectName())
		p.acceptOp("*")
		if !p.acceptPunct(",") {
			break
		}
	}
	if p.accepts("restart", "identity") {
		s.RestartIdentity = true
	} else {
		p.accepts("continue", "identity")
	}
	s.Cascade = p.cascade()
	return s
}

// acceptRelationWord skips STREAM or SOURCE in front of a name, where it may itself be the name.
func (p *parser) acceptRelationWord() {
	if p.cur().isAny("stream", "source") && p.at(1).isName() &&
		!p.at(1).isAny("restart", "continue", "cascade", "restrict") {
		p.advance()
	}
}

// comment reads COMMENT ON kind name IS text.
func (p *parser) comment() ast.Statement {
	s := &ast.Comment{Loc: p.loc()}
	first := p.i
	p.expect("comment", "on")
	t := p.cur()
	if k, ok := objectKinds[t.word]; !ok && !p.next("materialized", "view") && !p.next("foreign", "table") || k == "FUNCTION" {
		if !t.isAny("aggregate", "access", "cast", "event", "foreign", "function", "large", "operator", "policy",
			"procedural", "procedure", "publication", "routine", "rule", "statistics", "subscription", "tablespace",
			"text", "transform", "trigger") {
			p.syntax()
		}
		return p.other(first, "COMMENT")
	}
	s.Kind = p.objectKind()
	p.commentTarget(s)
	p.expect("is")
	if s.Null = p.accept("null"); !s.Null {
		s.Text = p.stringConst()
	}
	return s
}

func (p *parser) commentTarget(s *ast.Comment) {
	switch s.Kind {
	case ast.ObjColumn:
		n := p.objectName()
		if n.Schema == "" {
			p.failf(n.Pos(), pgerr.SyntaxError, "column name must be qualified")
		}
		s.Column = n.Name
		s.Name = ast.ObjectName{Loc: n.Loc, Schema: n.Catalog, Name: n.Schema}
	case ast.ObjConstraint:
		s.Column = p.name()
		p.expect("on")
		p.accept("domain")
		s.Name = p.objectName()
	case "TYPE", "DOMAIN":
		t := p.typeName()
		s.Name = ast.ObjectName{Loc: t.Loc, Schema: t.Schema, Name: t.Name}
	default:
		s.Name = p.objectName()
	}
}

func (p *parser) lock() ast.Statement {
	s := &ast.Lock{Loc: p.loc(), Mode: "ACCESS EXCLUSIVE"}
	p.expect("lock")
	p.accept("table")
	for p.err == nil {
		p.accept("only")
		s.Names = append(s.Names, p.objectName())
		p.acceptOp("*")
		if !p.acceptPunct(",") {
			break
		}
	}
	if p.accept("in") {
		var words []string
		for !p.cur().is("mode") && p.cur().kind == tWord {
			words = append(words, upper(p.advance().word))
		}
		s.Mode = strings.Join(words, " ")
		if !lockModes[s.Mode] {
			p.syntax()
		}
		p.expect("mode")
	}
	s.NoWait = p.accept("nowait")
	return s
}

var lockModes = map[string]bool{
	"ACCESS SHARE": true, "ROW SHARE": true, "ROW EXCLUSIVE": true, "SHARE UPDATE EXCLUSIVE": true, "SHARE": true,
	"SHARE ROW EXCLUSIVE": true, "EXCLUSIVE": true, "ACCESS EXCLUSIVE": true,
}

func (p *parser) notify() ast.Statement {
	s := &ast.Notify{Loc: p.loc()}
	p.expect("notify")
	s.Channel = p.name()
	if p.acceptPunct(",") {
		s.Payload = p.stringConst()
	}
	return s
}

func (p *parser) unlisten() ast.Statement {
	s := &ast.Unlisten{Loc: p.loc()}
	p.expect("unlisten")
	if s.All = p.acceptOp("*"); !s.All {
		s.Channel = p.name()
	}
	return s
}

// maintenance reads VACUUM and ANALYZE.
func (p *parser) maintenance() ast.Statement {
	at := p.loc()
	word := p.advance().word
	var opts []*ast.Option
	if p.cur().punct("(") {
		opts = p.options()
	} else {
		for p.cur().isAny("full", "freeze", "verbose", "analyze", "analyse") {
			opts = append(opts, &ast.Option{Loc: p.loc(), Name: p.cur().word})
			p.advance()
		}
	}
	var names []ast.ObjectName
	for p.cur().isName() && p.err == nil {
		names = append(names, p.objectName())
		if p.cur().punct("(") {
			p.parenNames()
		}
		if !p.acceptPunct(",") {
			break
		}
	}
	if word == "vacuum" {
		return &ast.Vacuum{Loc: at, Options: opts, Names: names}
	}
	return &ast.Analyze{Loc: at, Options: opts, Names: names}
}

func (p *parser) refresh() ast.Statement {
	s := &ast.Refresh{Loc: p.loc()}
	p.expect("refresh", "materialized", "view")
	s.Concurrently = p.accept("concurrently")
	s.Name = p.objectName()
	switch {
	case p.accepts("with", "no", "data"):
		s.NoData = true
	case p.accepts("with", "data"):
	}
	return s
}

func (p *parser) rebuild() ast.Statement {
	s := &ast.Rebuild{Loc: p.loc()}
	p.expect("rebuild", "materialized", "view")
	s.Name = p.objectName()
	return s
}

// cancel reads CANCEL JOB id, ....
func (p *parser) cancel() ast.Statement {
	s := &ast.CancelJobs{Loc: p.loc()}
	p.expect("cancel")
	if !p.accept("job") {
		p.expect("jobs")
	}
	for p.err == nil {
		s.IDs = append(s.IDs, int64(p.intConst()))
		if !p.acceptPunct(",") {
			break
		}
	}
	return s
}

// grant reads GRANT and REVOKE as words.
func (p *parser) grant() ast.Statement {
	s := &ast.Grant{Loc: p.loc(), Revoke: p.cur().is("revoke")}
	first := p.i
	p.advance()
	if p.cur().kind == tEOF || p.cur().punct(";") {
		p.syntax()
		return nil
	}
	p.skipStatement()
	s.Text = p.text(first)
	return s
}
