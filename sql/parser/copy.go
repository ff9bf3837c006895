package parser

import (
	"github.com/millracedb/millrace/sql/ast"
)

// copyStmt reads COPY.
func (p *parser) copyStmt() ast.Statement {
	s := &ast.Copy{Loc: p.loc()}
	p.expect("copy")
	if p.cur().is("binary") && !p.at(1).isAny("from", "to") {
		s.Options = append(s.Options, formatOption(p.loc(), "binary"))
		p.advance()
	}
	if p.acceptPunct("(") {
		if p.cur().is("subscribe") {
			s.Query = p.subscribe()
		} else {
			p.statementInto(func(n ast.Statement) { s.Query = n })
		}
		p.expectPunct(")")
		p.expect("to")
	} else {
		n := p.objectName()
		s.Table = &n
		if p.cur().punct("(") {
			s.Columns = p.parenNames()
		}
		if s.From = p.accept("from"); !s.From {
			p.expect("to")
		}
	}
	p.copyTarget(s)
	p.copyOptions(s)
	if s.From {
		p.where(&s.Where)
	}
	return s
}

func (p *parser) copyTarget(s *ast.Copy) {
	switch {
	case p.accept("program"):
		s.Target, s.File = ast.CopyProgram, p.stringConst()
	case p.cur().kind == tString:
		s.Target, s.File = ast.CopyFile, p.stringConst()
	case p.accept("stdin"), p.accept("stdout"):
	default:
		p.syntax()
	}
}

func formatOption(at ast.Loc, format string) *ast.Option {
	return &ast.Option{Loc: at, Name: "format", Value: &ast.ColumnRef{Loc: at, Parts: []string{format}}}
}

// copyOptions reads the options in parentheses, or in the spellings of before PostgreSQL 9.0.
func (p *parser) copyOptions(s *ast.Copy) {
	if p.accepts("using", "delimiters") {
		s.Options = append(s.Options, p.oldCopyOption("delimiter"))
	}
	p.accept("with")
	if p.cur().punct("(") {
		s.Options = append(s.Options, p.options()...)
		return
	}
	for p.err == nil {
		at := p.loc()
		switch {
		case p.accept("binary"):
			s.Options = append(s.Options, formatOption(at, "binary"))
		case p.accept("csv"):
			s.Options = append(s.Options, formatOption(at, "csv"))
		case p.accept("header"):
			s.Options = append(s.Options, &ast.Option{Loc: at, Name: "header"})
		case p.accept("freeze"):
			s.Options = append(s.Options, &ast.Option{Loc: at, Name: "freeze"})
		case p.cur().isAny("delimiter", "null", "quote", "escape", "encoding"):
			s.Options = append(s.Options, p.oldCopyOption(p.advance().word))
		case p.accepts("force", "quote"):
			s.Options = append(s.Options, p.forceOption(at, "force_quote"))
		case p.accepts("force", "not", "null"):
			s.Options = append(s.Options, p.forceOption(at, "force_not_null"))
		case p.accepts("force", "null"):
			s.Options = append(s.Options, p.forceOption(at, "force_null"))
		default:
			return
		}
	}
}

func (p *parser) oldCopyOption(name string) *ast.Option {
	at := p.loc()
	p.accept("as")
	return &ast.Option{Loc: at, Name: name, Value: p.literalString()}
}

// forceOption reads * or a list of columns.
func (p *parser) forceOption(at ast.Loc, name string) *ast.Option {
	o := &ast.Option{Loc: at, Name: name}
	if p.acceptOp("*") {
		o.Value = &ast.ColumnRef{Loc: at, Star: true}
		return o
	}
	row := &ast.Row{Loc: at}
	for _, c := range p.names() {
		row.Args = append(row.Args, &ast.ColumnRef{Loc: at, Parts: []string{c}})
	}
	o.Value = row
	return o
}
