package parser

import (
	"github.com/millracedb/millrace/sql/ast"
)

// tableElements reads the parenthesised list of CREATE TABLE and CREATE STREAM.
func (p *parser) tableElements(r *ast.RelationDef) {
	p.expectPunct("(")
	if p.acceptPunct(")") {
		return
	}
	for p.err == nil {
		p.tableElement(r)
		if !p.acceptPunct(",") {
			break
		}
	}
	p.expectPunct(")")
}

func (p *parser) tableElement(r *ast.RelationDef) {
	switch t := p.cur(); {
	case t.is("like"):
		r.Likes = append(r.Likes, p.likeClause())
	case p.next("watermark", "for"):
		r.Watermarks = append(r.Watermarks, p.watermark())
	case t.isAny("constraint", "check", "foreign"), p.next("primary", "key"),
		t.is("unique"), t.is("exclude") && (p.at(1).punct("(") || p.at(1).is("using")):
		r.Constraints = append(r.Constraints, p.tableConstraint())
	default:
		r.Columns = append(r.Columns, p.columnDef())
	}
}

// watermark reads WATERMARK FOR column [AS expression].
func (p *parser) watermark() *ast.Watermark {
	w := &ast.Watermark{Loc: p.loc()}
	p.expect("watermark", "for")
	w.Column = p.name()
	if p.accept("as") {
		p.exprInto(func(e ast.Expr) { w.Expr = e })
	} else {
		w.Expr = &ast.ColumnRef{Loc: w.Loc, Parts: []string{w.Column}}
	}
	return w
}

func (p *parser) likeClause() *ast.LikeClause {
	l := &ast.LikeClause{Loc: p.loc()}
	p.expect("like")
	l.Table = p.objectName()
	for p.cur().isAny("including", "excluding") {
		if p.advance().word == "including" {
			l.Including = append(l.Including, upper(p.label()))
		} else {
			l.Excluding = append(l.Excluding, upper(p.label()))
		}
	}
	return l
}

// columnDef reads name [type] [FROM 'path'] constraints.
func (p *parser) columnDef() *ast.ColumnDef {
	c := &ast.ColumnDef{Loc: p.loc(), Name: p.name()}
	if t := p.cur(); t.isTypeOrFuncName() && !t.is("collate") || t.kind == tWord && t.cat == colName {
		c.Type = p.typeName()
	}
	for p.err == nil {
		switch {
		case p.accept("from"):
			c.Path, c.HasPath = p.stringConst(), true
		case p.accept("collate"):
			n := p.objectName()
			c.Collate = &n
		default:
			k := p.columnConstraint(c)
			if k == nil {
				return c
			}
			c.Constraints = append(c.Constraints, k)
		}
	}
	return c
}

// columnConstraint reads one constraint of a column, nil if none is next.
func (p *parser) columnConstraint(c *ast.ColumnDef) *ast.Constraint {
	k := &ast.Constraint{Loc: p.loc()}
	if p.accept("constraint") {
		k.Name = p.name()
	}
	switch {
	case p.accepts("not", "null"):
		k.Kind = ast.ConstraintNotNull
	case p.accept("null"):
		k.Kind = ast.ConstraintNull
	case p.accept("default"):
		k.Kind = ast.ConstraintDefault
		p.bexprInto(func(e ast.Expr) { k.Expr = e })
	case p.accepts("primary", "key"):
		k.Kind = ast.ConstraintPrimaryKey
		p.indexParameters(k)
	case p.accept("unique"):
		k.Kind = ast.ConstraintUnique
		p.nullsDistinct(k)
		p.indexParameters(k)
	case p.accept("check"):
		p.check(k)
	case p.cur().is("references"):
		p.references(k)
	case p.accept("generated"):
		p.generated(k)
	case p.accept("as"):
		p.computed(k)
	default:
		if k.Name != "" {
			p.syntax()
		}
		return p.lateAttributes(c)
	}
	p.attributes(k)
	return k
}

// lateAttributes reads DEFERRABLE and its kin behind the constraint they belong to.
func (p *parser) lateAttributes(c *ast.ColumnDef) *ast.Constraint {
	if n := len(c.Constraints); n > 0 {
		p.attributes(c.Constraints[n-1])
	}
	return nil
}

func (p *parser) check(k *ast.Constraint) {
	k.Kind = ast.ConstraintCheck
	p.expectPunct("(")
	p.exprInto(func(e ast.Expr) { k.Expr = e })
	p.expectPunct(")")
}

// computed reads (expression) [STORED] of a generated column.
func (p *parser) computed(k *ast.Constraint) {
	k.Kind, k.Always = ast.ConstraintGenerated, true
	p.expectPunct("(")
	p.exprInto(func(e ast.Expr) { k.Expr = e })
	p.expectPunct(")")
	p.accept("stored")
}

// generated reads what follows GENERATED.
func (p *parser) generated(k *ast.Constraint) {
	if p.accept("always") {
		k.Always = true
	} else {
		p.expect("by", "default")
	}
	p.expect("as")
	if k.Always && p.cur().punct("(") {
		p.computed(k)
		return
	}
	p.expect("identity")
	k.Kind = ast.ConstraintIdentity
	if p.acceptPunct("(") {
		k.Sequence = p.sequenceOptions()
		p.expectPunct(")")
	}
}

// sequenceOptions reads START WITH 1 INCREMENT BY 2 and so on; names are in lower case.
func (p *parser) sequenceOptions() []*ast.Option {
	var list []*ast.Option
	for p.err == nil {
		o := &ast.Option{Loc: p.loc()}
		switch {
		case p.accept("start"):
			p.accept("with")
			o.Name = "start"
		case p.accept("increment"):
			p.accept("by")
			o.Name = "increment"
		case p.cur().isAny("minvalue", "maxvalue", "cache"):
			o.Name = p.advance().word
		case p.accept("cycle"):
			o.Name = "cycle"
			list = append(list, o)
			continue
		case p.accept("no"):
			o.Name = "no " + p.label()
			list = append(list, o)
			continue
		default:
			return list
		}
		o.Value = p.optionValue()
		list = append(list, o)
	}
	return list
}

// references reads REFERENCES table [(columns)] [MATCH] [ON DELETE] [ON UPDATE].
func (p *parser) references(k *ast.Constraint) {
	k.Kind = ast.ConstraintReferences
	p.expect("references")
	k.RefTable = p.objectName()
	if p.cur().punct("(") {
		k.RefColumns = p.parenNames()
	}
	for p.err == nil {
		switch {
		case p.accept("match"):
			k.Match = upper(p.label())
		case p.accepts("on", "delete"):
			k.OnDelete = p.refAction()
		case p.accepts("on", "update"):
			k.OnUpdate = p.refAction()
		default:
			return
		}
	}
}

func (p *parser) refAction() string {
	switch {
	case p.accept("restrict"):
		return "RESTRICT"
	case p.accept("cascade"):
		return "CASCADE"
	case p.accepts("set", "null"):
		return "SET NULL"
	case p.accepts("set", "default"):
		return "SET DEFAULT"
	}
	p.expect("no", "action")
	return "NO ACTION"
}

// attributes reads DEFERRABLE, INITIALLY DEFERRED, NOT VALID and NO INHERIT.
func (p *parser) attributes(k *ast.Constraint) {
	for p.err == nil {
		switch {
		case p.accept("deferrable"):
			k.Deferrable = true
		case p.accepts("not", "deferrable"), p.accepts("initially", "immediate"), p.accepts("not", "enforced"):
		case p.accepts("initially", "deferred"):
			k.Deferrable, k.Deferred = true, true
		case p.accepts("not", "valid"):
			k.NotValid = true
		case p.accepts("no", "inherit"):
			k.NoInherit = true
		default:
			return
		}
	}
}

func (p *parser) nullsDistinct(k *ast.Constraint) {
	if p.accept("nulls") {
		k.NullsNotDistinct = p.accept("not")
		p.expect("distinct")
	}
}

// indexParameters reads what may follow a key: INCLUDE, WITH and USING INDEX TABLESPACE, which change
// nothing here.
func (p *parser) indexParameters(k *ast.Constraint) {
	if p.accept("include") {
		p.parenNames()
	}
	p.withOptions()
	if p.accepts("using", "index", "tablespace") {
		p.name()
	}
}

// tableConstraint reads a constraint of a table.
func (p *parser) tableConstraint() *ast.Constraint {
	k := &ast.Constraint{Loc: p.loc()}
	if p.accept("constraint") {
		k.Name = p.name()
	}
	switch {
	case p.accept("check"):
		p.check(k)
	case p.accepts("primary", "key"):
		k.Kind = ast.ConstraintPrimaryKey
		p.keyColumns(k)
	case p.accept("unique"):
		k.Kind = ast.ConstraintUnique
		p.nullsDistinct(k)
		p.keyColumns(k)
	case p.accepts("foreign", "key"):
		k.Columns = p.parenNames()
		p.references(k)
	case p.cur().is("exclude"):
		p.unsupported(p.pos(), "EXCLUDE constraint")
	default:
		p.syntax()
	}
	p.attributes(k)
	return k
}

func (p *parser) keyColumns(k *ast.Constraint) {
	if p.accepts("using", "index") {
		k.UsingIndex = p.name()
		return
	}
	k.Columns = p.parenNames()
	p.accepts("not", "enforced")
	p.indexParameters(k)
}
