package parser

import (
	"strings"

	"github.com/millracedb/millrace/sql/ast"
)

// options reads ( name [=] value, ... ) of WITH, ENCODE, COPY, EXPLAIN and the like.
func (p *parser) options() []*ast.Option {
	list := []*ast.Option{}
	p.expectPunct("(")
	for p.err == nil && !p.cur().punct(")") {
		list = append(list, p.option())
		if !p.acceptPunct(",") {
			break
		}
	}
	p.expectPunct(")")
	return list
}

// option reads one option; the name may be a dotted path.
func (p *parser) option() *ast.Option {
	o := &ast.Option{Loc: p.loc()}
	var name strings.Builder
	if p.cur().kind == tString {
		name.WriteString(p.stringConst())
	} else {
		name.WriteString(p.label())
		for p.acceptPunct(".") {
			name.WriteByte('.')
			name.WriteString(p.label())
		}
	}
	o.Name = name.String()
	p.acceptOp("=")
	if !p.cur().punct(",") && !p.cur().punct(")") {
		o.Value = p.optionValue()
	}
	return o
}

// optionValue reads a constant, a word, * or a list of these.
func (p *parser) optionValue() ast.Expr {
	p.enter()
	defer p.leave()
	t := p.cur()
	at := p.loc()
	switch {
	case t.kind == tInt, t.kind == tNumber:
		return p.number()
	case t.op("-"), t.op("+"):
		p.advance()
		if k := p.cur().kind; k != tInt && k != tNumber {
			p.syntax()
			return nil
		}
		lit := p.number()
		if t.word == "-" {
			negate(lit)
		}
		lit.Loc = at
		return lit
	case t.kind == tString, t.isAny("null", "true", "false"):
		return p.constant()
	case t.op("*"):
		p.advance()
		return &ast.ColumnRef{Loc: at, Star: true}
	case t.punct("("):
		row := &ast.Row{Loc: at}
		p.advance()
		for p.err == nil && !p.cur().punct(")") {
			row.Args = append(row.Args, p.optionValue())
			if !p.acceptPunct(",") {
				break
			}
		}
		p.expectPunct(")")
		return row
	case t.kind == tWord && t.word == "secret" && p.at(1).isName():
		p.advance()
		return &ast.ColumnRef{Loc: at, Parts: []string{"secret", p.name()}}
	}
	return &ast.ColumnRef{Loc: at, Parts: []string{p.label()}}
}

// withOptions reads WITH (options) if it is there.
func (p *parser) withOptions() []*ast.Option {
	if !p.cur().is("with") || !p.at(1).punct("(") {
		return nil
	}
	p.advance()
	return p.options()
}

// ifNotExists and ifExists read these phrases.
func (p *parser) ifNotExists() bool { return p.accepts("if", "not", "exists") }

func (p *parser) ifExists() bool { return p.accepts("if", "exists") }

// cascade reads [CASCADE | RESTRICT].
func (p *parser) cascade() bool {
	if p.accept("restrict") {
		return false
	}
	return p.accept("cascade")
}

// format reads FORMAT f ENCODE e (options) [KEY ENCODE k (options)] if it is there.
func (p *parser) format() *ast.Format {
	if !p.cur().is("format") {
		return nil
	}
	f := &ast.Format{Loc: p.loc()}
	p.advance()
	f.Format = upper(p.label())
	if p.accept("encode") {
		f.Encode = upper(p.label())
	}
	if p.cur().punct("(") {
		f.Options = p.options()
	}
	if p.accepts("key", "encode") {
		f.Key = upper(p.label())
		if p.cur().punct("(") {
			f.KeyOpts = p.options()
		}
	}
	return f
}
