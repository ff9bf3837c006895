package parser

import (
	"strings"

	"github.com/millracedb/millrace/sql/ast"
)

// set reads SET.
func (p *parser) set() ast.Statement {
	at := p.loc()
	p.expect("set")
	s := &ast.Set{Loc: at}
	switch {
	case p.accepts("session", "characteristics", "as", "transaction"):
		return &ast.SetTransaction{Loc: at, Session: true, Modes: p.txModes()}
	case p.accept("local"):
		s.Scope = ast.SetLocal
	case p.cur().is("session") && !p.at(1).is("authorization"):
		p.advance()
	}
	switch {
	case p.cur().is("transaction"):
		return p.setTransaction(at)
	case p.accepts("time", "zone"):
		s.Name = "timezone"
		p.setTimeZone(s)
	case p.accept("names"):
		s.Name = "client_encoding"
		p.setValues(s)
	case p.accept("role"):
		s.Name = "role"
		p.setValues(s)
	case p.accepts("session", "authorization"):
		s.Name = "session_authorization"
		p.setValues(s)
	case p.cur().is("schema") && p.at(1).kind == tString:
		p.advance()
		s.Name = "search_path"
		p.setValues(s)
	case p.accepts("xml", "option"):
		s.Name = "xmloption"
		p.setValues(s)
	case p.cur().is("constraints"):
		first := p.i - 1
		return p.other(first, "SET CONSTRAINTS")
	default:
		p.setNamed(s)
	}
	return s
}

func (p *parser) setTransaction(at ast.Loc) ast.Statement {
	p.advance()
	if p.accept("snapshot") {
		return &ast.SetTransaction{Loc: at, Snapshot: p.stringConst()}
	}
	return &ast.SetTransaction{Loc: at, Modes: p.txModes()}
}

// setNamed reads name {= | TO} values.
func (p *parser) setNamed(s *ast.Set) {
	s.Name = p.settingName()
	if p.accepts("from", "current") {
		p.unsupported(s.Pos(), "SET FROM CURRENT")
		return
	}
	if !p.acceptOp("=") {
		p.expect("to")
	}
	p.setValues(s)
}

// settingName reads a setting; names of settings are case-insensitive even when quoted.
func (p *parser) settingName() string {
	name := p.name()
	for p.acceptPunct(".") {
		name += "." + p.name()
	}
	return strings.ToLower(name)
}

func (p *parser) setTimeZone(s *ast.Set) {
	if p.accept("local") {
		s.Default = true
		return
	}
	if p.cur().is("interval") {
		t := p.simpleType()
		lit := &ast.TypedLiteral{Loc: t.Loc, Type: t, Text: p.stringConst()}
		p.intervalFields(t)
		s.Values = []ast.Expr{lit}
		return
	}
	p.setValues(s)
}

// setValues reads DEFAULT or a comma list of values; words are strings.
func (p *parser) setValues(s *ast.Set) {
	if p.accept("default") {
		s.Default = true
		return
	}
	for p.err == nil {
		v := p.optionValue()
		if c, ok := v.(*ast.ColumnRef); ok && len(c.Parts) == 1 {
			v = &ast.Literal{Loc: c.Loc, Kind: ast.LitString, Text: c.Parts[0]}
		}
		if l, ok := v.(*ast.Literal); ok && l.Kind == ast.LitBool {
			text, _ := (&ast.Option{Value: l}).Text()
			v = &ast.Literal{Loc: l.Loc, Kind: ast.LitString, Text: text}
		} else if !ok || l.Kind == ast.LitNull {
			p.syntax()
		}
		s.Values = append(s.Values, v)
		if !p.acceptPunct(",") {
			return
		}
	}
}

func (p *parser) reset() *ast.Reset {
	s := &ast.Reset{Loc: p.loc()}
	p.expect("reset")
	switch {
	case p.accept("all"):
		s.Name = "all"
	case p.accepts("time", "zone"):
		s.Name = "timezone"
	case p.accepts("transaction", "isolation", "level"):
		s.Name = "transaction_isolation"
	case p.accepts("session", "authorization"):
		s.Name = "session_authorization"
	default:
		s.Name = p.settingName()
	}
	return s
}

// shownObjects are the lists SHOW can give, by their last word.
var shownObjects = map[string]bool{
	"streams": true, "sources": true, "sinks": true, "views": true, "jobs": true, "tables": true, "schemas": true,
	"databases": true, "indexes": true, "secrets": true, "functions": true, "columns": true, "connections": true,
}

func (p *parser) show() ast.Statement {
	at := p.loc()
	p.expect("show")
	switch {
	case p.accept("create"):
		return &ast.ShowCreate{Loc: at, Kind: p.objectKind(), Name: p.objectName()}
	case p.accept("all"):
		return &ast.Show{Loc: at, Name: "all"}
	case p.accepts("time", "zone"):
		return &ast.Show{Loc: at, Name: "timezone"}
	case p.accepts("transaction", "isolation", "level"):
		return &ast.Show{Loc: at, Name: "transaction_isolation"}
	case p.accepts("session", "authorization"):
		return &ast.Show{Loc: at, Name: "session_authorization"}
	case p.next("materialized", "views"), p.cur().kind == tWord && shownObjects[p.cur().word]:
		return p.showObjects(at)
	}
	return &ast.Show{Loc: at, Name: p.settingName()}
}

func (p *parser) showObjects(at ast.Loc) ast.Statement {
	s := &ast.ShowObjects{Loc: at}
	if p.accept("materialized") {
		s.What = "MATERIALIZED "
	}
	s.What += upper(p.advance().word)
	if p.accept("from") || p.accept("in") {
		s.Schema = p.name()
	}
	if p.accept("like") {
		s.Like = p.stringConst()
	}
	return s
}

// begin reads BEGIN and START TRANSACTION.
func (p *parser) begin() ast.Statement {
	s := &ast.Begin{Loc: p.loc()}
	if p.advance().word == "start" {
		s.Start = true
		p.expect("transaction")
	} else if !p.accept("work") {
		p.accept("transaction")
	}
	if t := p.cur(); t.isAny("isolation", "read", "deferrable", "not") {
		s.Modes = p.txModes()
	}
	return s
}

// txModes reads one or more transaction modes.
func (p *parser) txModes() ast.TxModes {
	var m ast.TxModes
	yes, no := true, false
	for p.err == nil {
		switch {
		case p.accepts("isolation", "level"):
			m.Isolation = p.isolation()
		case p.accepts("read", "only"):
			m.ReadOnly = &yes
		case p.accepts("read", "write"):
			m.ReadOnly = &no
		case p.accept("deferrable"):
			m.Deferrable = &yes
		case p.accepts("not", "deferrable"):
			m.Deferrable = &no
		default:
			p.syntax()
		}
		if !p.acceptPunct(",") && !p.cur().isAny("isolation", "read", "deferrable", "not") {
			return m
		}
	}
	return m
}

func (p *parser) isolation() string {
	switch {
	case p.accept("serializable"):
		return "SERIALIZABLE"
	case p.accepts("repeatable", "read"):
		return "REPEATABLE READ"
	case p.accepts("read", "committed"):
		return "READ COMMITTED"
	}
	p.expect("read", "uncommitted")
	return "READ UNCOMMITTED"
}

// chain reads [WORK | TRANSACTION] [AND [NO] CHAIN].
func (p *parser) chainClause() bool {
	if !p.accept("work") {
		p.accept("transaction")
	}
	if !p.accept("and") {
		return false
	}
	no := p.accept("no")
	p.expect("chain")
	return !no
}

func (p *parser) commit() ast.Statement {
	at, first := p.loc(), p.i
	if p.advance(); p.cur().is("prepared") {
		return p.other(first, "COMMIT PREPARED")
	}
	return &ast.Commit{Loc: at, Chain: p.chainClause()}
}

func (p *parser) rollback() ast.Statement {
	at, first := p.loc(), p.i
	word := p.advance().word
	if p.cur().is("prepared") {
		return p.other(first, "ROLLBACK PREPARED")
	}
	n := 0
	if p.cur().isAny("work", "transaction") {
		n = 1
	}
	if word == "rollback" && p.at(n).is("to") {
		p.i += n + 1
		p.accept("savepoint")
		return &ast.RollbackTo{Loc: at, Name: p.name()}
	}
	return &ast.Rollback{Loc: at, Chain: p.chainClause()}
}

func (p *parser) release() ast.Statement {
	s := &ast.Release{Loc: p.loc()}
	p.expect("release")
	p.accept("savepoint")
	s.Name = p.name()
	return s
}

// prepare reads PREPARE name [(types)] AS statement.
func (p *parser) prepare() ast.Statement {
	s := &ast.Prepare{Loc: p.loc()}
	first := p.i
	p.expect("prepare")
	if p.next("transaction") && p.at(1).kind == tString {
		return p.other(first, "PREPARE TRANSACTION")
	}
	s.Name = p.name()
	if p.acceptPunct("(") {
		for p.err == nil {
			s.Types = append(s.Types, p.typeName())
			if !p.acceptPunct(",") {
				break
			}
		}
		p.expectPunct(")")
	}
	p.expect("as")
	if !p.queryAhead() && !p.cur().isAny("insert", "update", "delete", "with") {
		p.syntax()
	}
	p.statementInto(func(n ast.Statement) { s.Stmt = n })
	return s
}

func (p *parser) execute() ast.Statement {
	s := &ast.Execute{Loc: p.loc()}
	p.expect("execute")
	s.Name = p.name()
	if !p.acceptPunct("(") {
		return s
	}
	for p.err == nil {
		i := len(s.Args)
		s.Args = append(s.Args, nil)
		p.exprInto(func(e ast.Expr) { s.Args[i] = e })
		if !p.acceptPunct(",") {
			break
		}
	}
	p.expectPunct(")")
	return s
}

func (p *parser) deallocate() ast.Statement {
	s := &ast.Deallocate{Loc: p.loc()}
	p.expect("deallocate")
	p.accept("prepare")
	if s.All = p.accept("all"); !s.All {
		s.Name = p.name()
	}
	return s
}

// declare reads DECLARE name CURSOR FOR query.
func (p *parser) declare() ast.Statement {
	s := &ast.Declare{Loc: p.loc()}
	p.expect("declare")
	s.Name = p.name()
	for !p.cur().is("cursor") && p.err == nil {
		switch {
		case p.accept("binary"):
			s.Binary = true
		case p.accept("insensitive"), p.accept("asensitive"):
		case p.accept("scroll"):
			s.Scroll = ast.ScrollYes
		default:
			p.expect("no", "scroll")
			s.Scroll = ast.ScrollNo
		}
	}
	p.expect("cursor")
	if p.accepts("with", "hold") {
		s.Hold = true
	} else {
		p.accepts("without", "hold")
	}
	p.expect("for")
	switch {
	case p.cur().is("subscribe"):
		s.Query = p.subscribe()
	case p.queryAhead() && !p.dmlAhead(0):
		p.queryInto(func(q *ast.Select) { s.Query = q })
	default:
		p.syntax()
	}
	return s
}

// fetch reads FETCH and MOVE.
func (p *parser) fetch() ast.Statement {
	s := &ast.Fetch{Loc: p.loc(), Move: p.cur().is("move"), Count: 1}
	p.advance()
	switch {
	case p.accept("next"):
	case p.accept("prior"):
		s.Direction = ast.FetchBackward
	case p.accept("first"):
		s.Direction = ast.FetchAbsolute
	case p.accept("last"):
		s.Direction, s.Count = ast.FetchAbsolute, -1
	case p.accept("absolute"):
		s.Direction, s.Count = ast.FetchAbsolute, p.signedInt()
	case p.accept("relative"):
		s.Direction, s.Count = ast.FetchRelative, p.signedInt()
	case p.accept("forward"):
		p.fetchCount(s)
	case p.accept("backward"):
		s.Direction = ast.FetchBackward
		p.fetchCount(s)
	default:
		p.fetchCount(s)
	}
	if !p.accept("from") {
		p.accept("in")
	}
	s.Cursor = p.name()
	return s
}

// fetchCount reads a count or ALL if one is there.
func (p *parser) fetchCount(s *ast.Fetch) {
	switch t := p.cur(); {
	case t.kind == tInt, t.op("-"), t.op("+"):
		s.Count = p.signedInt()
	case p.accept("all"):
		s.All = true
	}
}

func (p *parser) signedInt() int64 {
	minus := p.acceptOp("-")
	if !minus {
		p.acceptOp("+")
	}
	n := int64(p.intConst())
	if minus {
		return -n
	}
	return n
}

func (p *parser) closeCursor() ast.Statement {
	s := &ast.Close{Loc: p.loc()}
	p.expect("close")
	if s.All = p.accept("all"); !s.All {
		s.Name = p.name()
	}
	return s
}

// explain reads EXPLAIN [ANALYZE] [VERBOSE] or EXPLAIN (options).
func (p *parser) explain() ast.Statement {
	s := &ast.Explain{Loc: p.loc()}
	p.expect("explain")
	switch {
	case p.cur().punct("(") && !p.queryAhead():
		s.Options = p.options()
	default:
		for p.cur().isAny("analyze", "analyse", "verbose") {
			t := p.advance()
			name := t.word
			if name == "analyse" {
				name = "analyze"
			}
			s.Options = append(s.Options, &ast.Option{Loc: ast.Loc(t.start), Name: name})
		}
	}
	for _, o := range s.Options {
		switch o.Name {
		case "analyze":
			s.Analyze = optionOn(o)
		case "verbose":
			s.Verbose = optionOn(o)
		}
	}
	p.statementInto(func(n ast.Statement) { s.Stmt = n })
	return s
}

// optionOn reads an option as a Boolean; a bare name is true.
func optionOn(o *ast.Option) bool {
	text, _ := o.Text()
	switch strings.ToLower(text) {
	case "false", "off", "0", "no":
		return false
	}
	return true
}

// subscribe reads SUBSCRIBE [TO] {name | (query)} [WITH (options)].
func (p *parser) subscribe() ast.Statement {
	s := &ast.Subscribe{Loc: p.loc()}
	p.expect("subscribe")
	p.accept("to")
	if p.queryAhead() {
		p.parenQueryInto(func(q *ast.Select) { s.Query = q })
	} else {
		n := p.objectName()
		s.Name = &n
	}
	s.Options = p.withOptions()
	return s
}
