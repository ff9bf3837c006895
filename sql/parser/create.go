package parser

import (
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
)

// create reads CREATE.
func (p *parser) create() ast.Statement {
	at := p.loc()
	first := p.i
	p.expect("create")
	orReplace := p.accepts("or", "replace")
	temp, unlogged := p.persistence()
	t := p.cur()
	switch {
	case t.is("table") && !orReplace:
		return p.createTable(at, temp, unlogged)
	case t.isAny("stream", "source") && !temp && !unlogged:
		return p.createStream(at, orReplace)
	case t.is("view"), p.next("recursive", "view"):
		return p.createView(at, orReplace, temp)
	case p.next("materialized", "view"):
		return p.createMaterializedView(at, orReplace)
	case orReplace || temp || unlogged:
		return p.createOther(first)
	case t.is("schema"):
		return p.createSchema(at)
	case t.is("sink"):
		return p.createSink(at)
	case t.is("secret"):
		return p.createSecret(at)
	case t.is("index"), p.next("unique", "index"):
		return p.createIndex(at)
	case t.isAny("role", "user", "group") && !p.next("user", "mapping"):
		return p.createRole(at)
	}
	return p.createOther(first)
}

// persistence reads [GLOBAL | LOCAL] TEMP[ORARY] and UNLOGGED.
func (p *parser) persistence() (temp, unlogged bool) {
	if p.cur().isAny("global", "local") && p.at(1).isAny("temp", "temporary") {
		p.advance()
	}
	return p.accept("temp") || p.accept("temporary"), p.accept("unlogged")
}

// otherCreations are what CREATE may also be followed by; they are recognised, not had.
var otherCreations = map[string]bool{
	"access": true, "aggregate": true, "cast": true, "collation": true, "conversion": true, "constraint": true,
	"connection": true, "database": true, "default": true, "domain": true, "event": true, "extension": true,
	"foreign": true, "function": true, "language": true, "operator": true, "policy": true, "procedural": true,
	"procedure": true, "publication": true, "rule": true, "sequence": true, "server": true, "statistics": true,
	"subscription": true, "tablespace": true, "text": true, "transform": true, "trigger": true, "trusted": true,
	"type": true, "user": true,
}

func (p *parser) createOther(first int) ast.Statement {
	if t := p.cur(); t.kind != tWord || !otherCreations[t.word] {
		p.syntax()
		return nil
	}
	return p.other(first, "CREATE "+upper(p.objectKindWords()))
}

func (p *parser) createView(at ast.Loc, orReplace, temp bool) ast.Statement {
	s := &ast.CreateView{Loc: at, OrReplace: orReplace, Temp: temp}
	s.Recursive = p.accept("recursive")
	p.expect("view")
	s.Name = p.objectName()
	if p.cur().punct("(") {
		s.Columns = p.parenNames()
	}
	s.Options = p.withOptions()
	p.expect("as")
	p.queryInto(func(q *ast.Select) { s.Query = q })
	if p.accept("with") {
		s.CheckOption = "CASCADED"
		if p.accept("local") {
			s.CheckOption = "LOCAL"
		} else {
			p.accept("cascaded")
		}
		p.expect("check", "option")
	}
	return s
}

func (p *parser) createMaterializedView(at ast.Loc, orReplace bool) ast.Statement {
	s := &ast.CreateMaterializedView{Loc: at, OrReplace: orReplace}
	p.expect("materialized", "view")
	s.IfNotExists = p.ifNotExists()
	s.Name = p.objectName()
	if p.cur().punct("(") {
		s.Columns = p.parenNames()
	}
	if p.accept("using") {
		p.name()
	}
	s.Options = p.withOptions()
	p.expect("as")
	p.queryInto(func(q *ast.Select) { s.Query = q })
	s.Emit = p.emitMode()
	switch {
	case p.accepts("with", "no", "data"):
		s.NoData = true
	case p.accepts("with", "data"):
	}
	return s
}

// emitMode reads EMIT CHANGES and EMIT ON WINDOW CLOSE.
func (p *parser) emitMode() ast.EmitMode {
	if !p.accept("emit") {
		return ast.EmitDefault
	}
	if p.accept("changes") {
		return ast.EmitChanges
	}
	p.expect("on", "window", "close")
	return ast.EmitOnWindowClose
}

func (p *parser) createSchema(at ast.Loc) ast.Statement {
	s := &ast.CreateSchema{Loc: at}
	p.expect("schema")
	s.IfNotExists = p.ifNotExists()
	if !p.cur().is("authorization") {
		s.Name = p.name()
	}
	if p.accept("authorization") {
		s.Authorization = p.name()
		if s.Name == "" {
			s.Name = s.Authorization
		}
	}
	if p.cur().isAny("create", "grant") {
		p.unsupported(p.pos(), "CREATE SCHEMA with elements")
	}
	return s
}

func (p *parser) createSink(at ast.Loc) ast.Statement {
	s := &ast.CreateSink{Loc: at}
	p.expect("sink")
	s.IfNotExists = p.ifNotExists()
	s.Name = p.objectName()
	if p.accept("from") {
		n := p.objectName()
		s.From = &n
	} else {
		p.expect("as")
		p.queryInto(func(q *ast.Select) { s.Query = q })
	}
	s.Options = p.withOptions()
	s.Format = p.format()
	return s
}

func (p *parser) createSecret(at ast.Loc) ast.Statement {
	s := &ast.CreateSecret{Loc: at}
	p.expect("secret")
	s.IfNotExists = p.ifNotExists()
	s.Name = p.objectName()
	s.Options = p.withOptions()
	p.expect("as")
	s.Value = p.optionValue()
	return s
}

func (p *parser) createIndex(at ast.Loc) ast.Statement {
	s := &ast.CreateIndex{Loc: at}
	s.Unique = p.accept("unique")
	p.expect("index")
	s.Concurrently = p.accept("concurrently")
	s.IfNotExists = p.ifNotExists()
	if !p.cur().is("on") {
		s.Name = p.name()
	} else if s.IfNotExists {
		p.syntax()
	}
	p.expect("on")
	s.Only = p.accept("only")
	s.Table = p.objectName()
	if p.accept("using") {
		s.Method = p.name()
	}
	s.Elems = p.indexElems()
	if p.accept("include") {
		s.Include = p.parenNames()
	}
	if p.accept("nulls") {
		not := p.accept("not")
		p.expect("distinct")
		if not {
			p.unsupported(s.Pos(), "NULLS NOT DISTINCT")
		}
	}
	s.Options = p.withOptions()
	if p.accept("tablespace") {
		p.name()
	}
	p.where(&s.Where)
	return s
}

func (p *parser) createRole(at ast.Loc) ast.Statement {
	s := &ast.CreateRole{Loc: at, Kind: upper(p.advance().word)}
	s.Name = p.roleName()
	p.accept("with")
	s.Options = p.roleOptions()
	return s
}

// roleName reads a role: a name, or CURRENT_USER and its kin.
func (p *parser) roleName() string {
	if p.cur().isAny("current_user", "session_user", "current_role") {
		return p.advance().word
	}
	return p.name()
}

// roleFlags are the options without a value.
var roleFlags = map[string]bool{
	"superuser": true, "nosuperuser": true, "createdb": true, "nocreatedb": true, "createrole": true,
	"nocreaterole": true, "login": true, "nologin": true, "inherit": true, "noinherit": true, "replication": true,
	"noreplication": true, "bypassrls": true, "nobypassrls": true,
}

func (p *parser) roleOptions() []*ast.RoleOption {
	var list []*ast.RoleOption
	for p.err == nil {
		o := &ast.RoleOption{Loc: p.loc()}
		t := p.cur()
		switch {
		case t.kind == tWord && roleFlags[t.word]:
			o.Name = upper(p.advance().word)
		case t.isAny("encrypted", "password"):
			p.accept("encrypted")
			p.expect("password")
			o.Name = "PASSWORD"
			o.Value = p.password()
		case p.accepts("connection", "limit"):
			o.Name = "CONNECTION LIMIT"
			o.Value, _ = p.optionValue().(*ast.Literal)
		case p.accepts("valid", "until"):
			o.Name = "VALID UNTIL"
			o.Value = p.literalString()
		case t.isAny("in", "role", "user", "admin", "sysid"):
			p.unsupported(int(t.start), upper(t.word)+" option of a role")
		default:
			return list
		}
		list = append(list, o)
	}
	return list
}

func (p *parser) password() *ast.Literal {
	if p.cur().is("null") {
		return p.constant()
	}
	return p.literalString()
}

func (p *parser) literalString() *ast.Literal {
	at := p.loc()
	return &ast.Literal{Loc: at, Kind: ast.LitString, Text: p.stringConst()}
}

// other takes the rest of a statement as words, with its parentheses and strings lexed but not read.
func (p *parser) other(first int, tag string) ast.Statement {
	if p.skipStatement(); p.err != nil {
		return nil
	}
	return &ast.Other{Loc: ast.Loc(p.toks[first].start), Tag: tag, Text: p.text(first)}
}

// skipStatement moves to the end of the statement.
func (p *parser) skipStatement() {
	for !p.cur().punct(";") && p.cur().kind != tEOF {
		p.advance()
	}
	if p.lexErr != nil && p.cur().kind == tEOF {
		p.fail(p.lexErr)
	}
}

// createTable reads CREATE TABLE, plain or AS a query.
func (p *parser) createTable(at ast.Loc, temp, unlogged bool) ast.Statement {
	s := &ast.CreateTable{Loc: at, Temp: temp, Unlogged: unlogged}
	p.expect("table")
	s.IfNotExists = p.ifNotExists()
	s.Name = p.objectName()
	if p.cur().is("of") {
		p.unsupported(p.pos(), "CREATE TABLE OF")
	}
	if p.next("partition", "of") {
		p.unsupported(p.pos(), "CREATE TABLE PARTITION OF")
	}
	if p.cur().punct("(") {
		p.tableElements(&s.RelationDef)
	}
	p.tableOptions(s)
	if p.accept("as") {
		p.tableAs(s)
	}
	return s
}

// tableOptions reads the clauses behind the elements.
func (p *parser) tableOptions(s *ast.CreateTable) {
	for p.err == nil {
		switch {
		case p.accept("inherits"):
			p.expectPunct("(")
			s.Inherits = p.objectNames()
			p.expectPunct(")")
		case p.next("partition", "by"):
			p.unsupported(p.pos(), "PARTITION BY")
		case p.cur().is("with") && p.at(1).punct("("):
			s.Options = p.withOptions()
		case p.accepts("without", "oids"):
		case p.accepts("on", "commit"):
			p.onCommit(s)
		case p.accept("tablespace"), p.accept("using"):
			p.name()
		case p.accepts("append", "only"):
			s.AppendOnly = true
		case p.cur().is("include"):
			s.Includes = append(s.Includes, p.include())
		case p.cur().is("format"):
			s.Format = p.format()
		default:
			return
		}
	}
}

func (p *parser) onCommit(s *ast.CreateTable) {
	switch {
	case p.accept("drop"):
		s.OnCommit = "DROP"
	case p.accepts("delete", "rows"):
		s.OnCommit = "DELETE ROWS"
	default:
		p.expect("preserve", "rows")
		s.OnCommit = "PRESERVE ROWS"
	}
}

// tableAs reads the query of CREATE TABLE AS.
func (p *parser) tableAs(s *ast.CreateTable) {
	for _, c := range s.Columns {
		if c.Type != nil {
			p.fail(pgerr.New(pgerr.SyntaxError, "syntax error at or near \"AS\"").At(p.pos()))
		}
	}
	if p.cur().is("execute") {
		s.As = p.execute()
	} else {
		p.queryInto(func(q *ast.Select) { s.As = q })
	}
	switch {
	case p.accepts("with", "no", "data"):
		s.NoData = true
	case p.accepts("with", "data"):
	}
}

// createStream reads CREATE STREAM and CREATE SOURCE.
func (p *parser) createStream(at ast.Loc, orReplace bool) ast.Statement {
	s := &ast.CreateStream{Loc: at, OrReplace: orReplace, Source: p.advance().word == "source"}
	s.IfNotExists = p.ifNotExists()
	s.Name = p.objectName()
	if p.cur().punct("(") {
		p.tableElements(&s.RelationDef)
	}
	for p.err == nil {
		switch {
		case p.cur().is("include"):
			s.Includes = append(s.Includes, p.include())
		case p.accepts("append", "only"):
			s.AppendOnly = true
		case p.cur().is("with") && s.Options == nil:
			p.advance()
			s.Options = p.options()
		case p.cur().is("format") && s.Format == nil:
			s.Format = p.format()
		case p.cur().is("as"):
			p.unsupported(p.pos(), "CREATE STREAM AS")
		default:
			return s
		}
	}
	return s
}

// include reads INCLUDE what [field] [type] [AS name].
func (p *parser) include() *ast.Include {
	n := &ast.Include{Loc: p.loc()}
	p.expect("include")
	n.What = p.label()
	if n.What == "header" {
		n.What = "headers"
	}
	if p.cur().kind == tString {
		n.Field = p.stringConst()
	}
	if !p.cur().isAny("as", "include", "with", "format") && p.cur().isTypeOrFuncName() {
		n.Type = p.typeName()
	}
	if p.accept("as") {
		n.Alias = p.name()
	}
	return n
}
