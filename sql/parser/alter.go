package parser

import (
	"github.com/millracedb/millrace/sql/ast"
)

// alter reads ALTER.
func (p *parser) alter() ast.Statement {
	at, first := p.loc(), p.i
	p.expect("alter")
	t := p.cur()
	switch {
	case t.isAny("role", "user", "group") && !p.next("user", "mapping"):
		return p.alterRole(at)
	case t.is("system"):
		p.advance()
		s := &ast.Alter{Loc: at, Kind: ast.ObjSystem}
		a := &ast.AlterAction{Loc: p.loc(), Kind: ast.AlterSetParameter}
		if p.cur().is("reset") {
			return p.other(first, "ALTER SYSTEM")
		}
		a.Set, _ = p.set().(*ast.Set)
		s.Actions = []*ast.AlterAction{a}
		return s
	case t.isAny("table", "stream", "source", "view", "sink", "index", "schema", "secret"), p.next("materialized", "view"):
		return p.alterObject(at)
	case t.kind == tWord && (otherCreations[t.word] || t.isAny("database", "large")):
		return p.other(first, "ALTER "+p.objectKindWords())
	}
	p.syntax()
	return nil
}

func (p *parser) alterObject(at ast.Loc) ast.Statement {
	s := &ast.Alter{Loc: at, Kind: p.objectKind()}
	s.IfExists = p.ifExists()
	s.Only = p.accept("only")
	s.Name = p.objectName()
	if s.Kind == ast.ObjSecret && p.accept("as") {
		return &ast.AlterSecret{Loc: at, IfExists: s.IfExists, Name: s.Name, Value: p.optionValue()}
	}
	p.acceptOp("*")
	for p.err == nil {
		a := &ast.AlterAction{Loc: p.loc()}
		p.alterAction(a)
		s.Actions = append(s.Actions, a)
		if !p.acceptPunct(",") {
			break
		}
	}
	return s
}

func (p *parser) alterAction(a *ast.AlterAction) {
	switch {
	case p.accept("rename"):
		p.alterRename(a)
	case p.accepts("set", "schema"):
		a.Kind, a.NewName = ast.AlterSetSchema, p.name()
	case p.accepts("owner", "to"):
		a.Kind, a.NewName = ast.AlterOwner, p.roleName()
	case p.accept("add"):
		p.alterAdd(a)
	case p.accept("drop"):
		p.alterDrop(a)
	case p.accept("alter"):
		p.alterColumn(a)
	case p.accept("pause"):
		a.Kind = ast.AlterPause
	case p.accept("resume"):
		a.Kind = ast.AlterResume
	case p.accepts("replay", "errors"):
		a.Kind = ast.AlterReplayErrors
		p.where(&a.Expr)
	case p.cur().is("set") && p.at(1).punct("("):
		p.advance()
		a.Kind, a.Options = ast.AlterSetOptions, p.options()
	case p.cur().is("reset") && p.at(1).punct("("):
		p.advance()
		a.Kind, a.Options = ast.AlterResetOptions, p.options()
	case p.cur().is("set") && (p.at(2).op("=") || p.at(2).is("to")):
		a.Kind = ast.AlterSetParameter
		a.Set, _ = p.set().(*ast.Set)
	case p.cur().kind == tEOF || p.cur().punct(";"):
		p.syntax()
	default:
		p.alterOther(a)
	}
}

// alterOther keeps the words of an action up to the comma or the end.
func (p *parser) alterOther(a *ast.AlterAction) {
	first, depth := p.i, 0
	for ; p.cur().kind != tEOF && !p.cur().punct(";"); p.advance() {
		switch t := p.cur(); {
		case t.punct("("):
			depth++
		case t.punct(")"):
			depth--
		case t.punct(",") && depth <= 0:
			a.Kind, a.Text = ast.AlterOther, p.text(first)
			return
		}
	}
	a.Kind, a.Text = ast.AlterOther, p.text(first)
}

func (p *parser) alterRename(a *ast.AlterAction) {
	switch {
	case p.accept("to"):
		a.Kind, a.NewName = ast.AlterRename, p.name()
		return
	case p.accept("constraint"):
		a.Kind = ast.AlterRenameConstraint
	default:
		p.accept("column")
		a.Kind = ast.AlterRenameColumn
	}
	a.Name = p.name()
	p.expect("to")
	a.NewName = p.name()
}

func (p *parser) alterAdd(a *ast.AlterAction) {
	if p.cur().isAny("constraint", "check", "foreign") || p.next("primary", "key") || p.cur().isAny("unique", "exclude") {
		a.Kind, a.Constraint = ast.AlterAddConstraint, p.tableConstraint()
		return
	}
	p.accept("column")
	a.Kind = ast.AlterAddColumn
	a.IfNotExists = p.ifNotExists()
	a.Column = p.columnDef()
}

func (p *parser) alterDrop(a *ast.AlterAction) {
	a.Kind = ast.AlterDropColumn
	if p.accept("constraint") {
		a.Kind = ast.AlterDropConstraint
	} else {
		p.accept("column")
	}
	a.IfExists = p.ifExists()
	a.Name = p.name()
	a.Cascade = p.cascade()
}

func (p *parser) alterColumn(a *ast.AlterAction) {
	first := p.i - 1
	p.accept("column")
	a.Name = p.name()
	switch {
	case p.accepts("set", "default"):
		a.Kind = ast.AlterColumnDefault
		p.exprInto(func(e ast.Expr) { a.Expr = e })
	case p.accepts("drop", "default"):
		a.Kind = ast.AlterColumnDefault
	case p.accepts("set", "not", "null"):
		a.Kind = ast.AlterColumnSetNotNull
	case p.accepts("drop", "not", "null"):
		a.Kind = ast.AlterColumnDropNotNull
	case p.accept("type"), p.accepts("set", "data", "type"):
		a.Kind, a.Type = ast.AlterColumnType, p.typeName()
		if p.accept("using") {
			p.exprInto(func(e ast.Expr) { a.Expr = e })
		}
	default:
		if p.err != nil {
			return
		}
		a.Name = ""
		p.i = first
		p.alterOther(a)
	}
}

func (p *parser) alterRole(at ast.Loc) ast.Statement {
	s := &ast.AlterRole{Loc: at, Kind: upper(p.advance().word)}
	if p.accept("all") {
		s.All = true
	} else {
		s.Name = p.roleName()
	}
	switch {
	case p.cur().is("set"):
		s.Set, _ = p.set().(*ast.Set)
	case p.cur().is("reset"):
		s.Reset = p.reset()
	case p.accepts("rename", "to"):
		s.NewName = p.name()
	case p.accepts("in", "database"):
		p.unsupported(p.pos(), "ALTER ROLE IN DATABASE")
	default:
		p.accept("with")
		s.Options = p.roleOptions()
		if len(s.Options) == 0 {
			p.syntax()
		}
	}
	return s
}

// drop reads DROP.
func (p *parser) drop() ast.Statement {
	s := &ast.Drop{Loc: p.loc()}
	first := p.i
	p.expect("drop")
	switch t := p.cur(); {
	case t.isAny("function", "procedure", "routine", "aggregate", "operator", "cast", "trigger", "rule", "policy",
		"transform", "owned", "event", "access", "publication", "subscription", "tablespace", "text", "statistics"),
		p.next("user", "mapping"), t.is("foreign") && !p.at(1).is("table"):
		return p.other(first, "DROP "+p.objectKindWords())
	}
	s.Kind = p.objectKind()
	if s.Kind == ast.ObjIndex {
		s.Concurrently = p.accept("concurrently")
	}
	s.IfExists = p.ifExists()
	s.Names = p.objectNames()
	s.Cascade = p.cascade()
	if s.Kind == ast.ObjDatabase && p.cur().is("with") || p.cur().punct("(") {
		p.accept("with")
		p.options()
	}
	return s
}

// objectKinds are the kinds that DROP, ALTER and COMMENT name with one word.
var objectKinds = map[string]ast.ObjectKind{
	"table": ast.ObjTable, "stream": ast.ObjStream, "source": ast.ObjSource, "view": ast.ObjView,
	"sink": ast.ObjSink, "secret": ast.ObjSecret, "index": ast.ObjIndex, "schema": ast.ObjSchema,
	"database": ast.ObjDatabase, "role": ast.ObjRole, "user": ast.ObjRole, "group": ast.ObjRole,
	"sequence": "SEQUENCE", "type": "TYPE", "domain": "DOMAIN", "extension": "EXTENSION", "server": "SERVER",
	"collation": "COLLATION", "conversion": "CONVERSION", "language": "LANGUAGE", "function": "FUNCTION",
	"column": ast.ObjColumn, "constraint": ast.ObjConstraint,
}

// objectKind reads the words for a kind of object.
func (p *parser) objectKind() ast.ObjectKind {
	if p.accepts("materialized", "view") {
		return ast.ObjMaterializedView
	}
	if p.accepts("foreign", "table") {
		return "FOREIGN TABLE"
	}
	t := p.cur()
	k, ok := objectKinds[t.word]
	if t.kind != tWord || !ok {
		p.syntax()
		return ""
	}
	p.advance()
	return k
}

// objectKindWords reads the words that say what an unsupported statement is about, for its tag.
func (p *parser) objectKindWords() string {
	words := upper(p.advance().word)
	for _, pair := range [][2]string{
		{"EVENT", "trigger"}, {"ACCESS", "method"}, {"USER", "mapping"}, {"FOREIGN", "data"}, {"FOREIGN", "table"},
		{"TEXT", "search"}, {"DEFAULT", "conversion"}, {"OWNED", "by"}, {"LARGE", "object"}, {"DEFAULT", "privileges"},
	} {
		if words == pair[0] && p.cur().is(pair[1]) {
			words += " " + upper(p.advance().word)
		}
	}
	return words
}
