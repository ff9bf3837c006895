package parser

import (
	"github.com/millracedb/millrace/sql/ast"
)

// dml reads INSERT, UPDATE or DELETE with the WITH clause before it.
func (p *parser) dml() ast.Statement {
	p.enter()
	defer p.leave()
	var w *ast.With
	if p.cur().is("with") {
		w = p.withShell()
	}
	switch t := p.cur(); {
	case t.is("insert"):
		return p.insert(w)
	case t.is("update"):
		return p.update(w)
	case t.is("delete"):
		return p.deleteFrom(w)
	}
	p.syntax()
	return nil
}

// withShell reads a WITH clause that does not belong to a translated query.
func (p *parser) withShell() *ast.With {
	w := &ast.With{Loc: p.loc()}
	p.expect("with")
	w.Recursive = p.accept("recursive")
	for p.err == nil {
		c := p.cteHead()
		w.CTEs = append(w.CTEs, c)
		if p.cur().punct("(") && p.dmlAhead(1) {
			p.advance()
			c.Stmt = p.dml()
			p.expectPunct(")")
		} else {
			p.parenQueryInto(func(s *ast.Select) { c.Stmt = s })
		}
		if !p.acceptPunct(",") {
			break
		}
	}
	w.Loc = w.CTEs[0].Loc
	return w
}

// parenQueryInto translates (query) as a root.
func (p *parser) parenQueryInto(set func(*ast.Select)) {
	p.unit.fragment(p.subquery, func(e ast.Expr) { set(e.(*ast.ScalarSubquery).Query) })
}

func (p *parser) insert(w *ast.With) ast.Statement {
	s := &ast.Insert{Loc: p.loc(), With: w}
	p.expect("insert", "into")
	s.Table = p.objectName()
	if p.accept("as") {
		s.Alias = p.name()
	}
	if p.cur().punct("(") && !p.at(1).punct("(") && !p.queryAhead() {
		s.Columns = p.insertColumns()
	}
	if p.accept("overriding") {
		s.Overriding = ast.OverridingSystem
		if !p.accept("system") {
			p.expect("user")
			s.Overriding = ast.OverridingUser
		}
		p.expect("value")
	}
	p.insertSource(s)
	if p.accepts("on", "conflict") {
		s.OnConflict = p.onConflict()
	}
	s.Returning = p.returning()
	return s
}

func (p *parser) insertColumns() []*ast.InsertColumn {
	var list []*ast.InsertColumn
	p.expectPunct("(")
	for p.err == nil {
		list = append(list, &ast.InsertColumn{Loc: p.loc(), Name: p.name()})
		if p.cur().punct("[") || p.cur().punct(".") {
			p.unsupported(p.pos(), "assignment to part of a column")
		}
		if !p.acceptPunct(",") {
			break
		}
	}
	p.expectPunct(")")
	return list
}

// insertSource reads DEFAULT VALUES, rows of constants without a detour through TiDB, or a query.
func (p *parser) insertSource(s *ast.Insert) {
	if p.accepts("default", "values") {
		return
	}
	if p.cur().is("values") {
		save := p.i
		if v := p.flatValues(); v != nil {
			if t := p.cur(); !t.isAny("union", "intersect", "except", "order", "limit", "offset", "fetch", "for") {
				s.Source = &ast.Select{Loc: v.Loc, Body: v}
				return
			}
			p.i = save
		}
	}
	p.queryInto(func(q *ast.Select) { s.Source = q })
}

func (p *parser) onConflict() *ast.OnConflict {
	c := &ast.OnConflict{Loc: p.loc()}
	if p.cur().punct("(") {
		c.Elems = p.indexElems()
		p.where(&c.Where)
	} else if p.accepts("on", "constraint") {
		c.Constraint = p.name()
	}
	p.expect("do")
	if p.accept("nothing") {
		c.DoNothing = true
		return c
	}
	p.expect("update", "set")
	c.Set = p.assignments()
	p.where(&c.SetWhere)
	return c
}

// where reads WHERE condition if it is there.
func (p *parser) where(dst *ast.Expr) {
	if !p.accept("where") {
		return
	}
	if p.next("current", "of") {
		p.unsupported(p.pos(), "WHERE CURRENT OF")
		return
	}
	p.exprInto(func(e ast.Expr) { *dst = e })
}

// assignments reads a = x, (b, c) = row.
func (p *parser) assignments() []*ast.Assignment {
	var list []*ast.Assignment
	for p.err == nil {
		a := &ast.Assignment{Loc: p.loc()}
		if p.cur().punct("(") {
			a.Multi = true
			a.Columns = p.parenNames()
		} else {
			a.Columns = []string{p.name()}
			if p.cur().punct("[") || p.cur().punct(".") {
				p.unsupported(p.pos(), "assignment to part of a column")
			}
		}
		if !p.acceptOp("=") {
			p.syntax()
		}
		p.assignValue(a)
		list = append(list, a)
		if !p.acceptPunct(",") {
			break
		}
	}
	return list
}

// assignValue translates the right side. (a) = (1) assigns a row of one column.
func (p *parser) assignValue(a *ast.Assignment) {
	p.exprInto(func(e ast.Expr) {
		if _, sub := e.(*ast.ScalarSubquery); a.Multi && len(a.Columns) == 1 && !sub {
			if r, ok := e.(*ast.Row); !ok || len(r.Args) != 1 {
				e = &ast.Row{Loc: ast.Loc(e.Pos()), Args: []ast.Expr{e}}
			}
		}
		a.Value = e
	})
}

// returning reads RETURNING list if it is there.
func (p *parser) returning() []*ast.SelectItem {
	if !p.accept("returning") {
		return nil
	}
	var list []*ast.SelectItem
	for p.err == nil {
		item := &ast.SelectItem{Loc: p.loc()}
		if p.cur().op("*") {
			item.Expr = &ast.ColumnRef{Loc: p.loc(), Star: true}
			p.advance()
		} else {
			p.exprInto(func(e ast.Expr) { item.Expr = e })
			item.Alias = p.itemAlias()
		}
		list = append(list, item)
		if !p.acceptPunct(",") {
			break
		}
	}
	return list
}

// target reads the table of UPDATE and DELETE.
func (p *parser) target() *ast.TableName {
	t := &ast.TableName{Loc: p.loc()}
	p.tableNameOnly(t)
	if p.accept("as") || p.cur().isName() && !p.cur().is("set") {
		t.Alias.Name = p.name()
	}
	return t
}

func (p *parser) update(w *ast.With) ast.Statement {
	s := &ast.Update{Loc: p.loc(), With: w}
	p.expect("update")
	s.Table = p.target()
	p.expect("set")
	s.Set = p.assignments()
	if p.accept("from") {
		p.fromInto(func(list []ast.TableRef) { s.From = list })
	}
	p.where(&s.Where)
	s.Returning = p.returning()
	return s
}

func (p *parser) deleteFrom(w *ast.With) ast.Statement {
	s := &ast.Delete{Loc: p.loc(), With: w}
	p.expect("delete", "from")
	s.Table = p.target()
	if p.accept("using") {
		p.fromInto(func(list []ast.TableRef) { s.Using = list })
	}
	p.where(&s.Where)
	s.Returning = p.returning()
	return s
}

// indexElems reads (column | function | (expression)) [COLLATE] [opclass] [ASC | DESC] [NULLS ...].
func (p *parser) indexElems() []*ast.IndexElem {
	var list []*ast.IndexElem
	p.expectPunct("(")
	for p.err == nil {
		list = append(list, p.indexElem())
		if !p.acceptPunct(",") {
			break
		}
	}
	p.expectPunct(")")
	return list
}

func (p *parser) indexElem() *ast.IndexElem {
	e := &ast.IndexElem{Loc: p.loc()}
	switch {
	case p.cur().punct("("):
		p.advance()
		p.exprInto(func(x ast.Expr) { e.Expr = x })
		p.expectPunct(")")
	case p.at(1).punct("("), p.at(1).punct("."):
		p.unit.fragment(func() { p.primary() }, func(x ast.Expr) { e.Expr = x })
	default:
		e.Column = p.name()
	}
	if p.accept("collate") {
		n := p.objectName()
		e.Collate = &n
	}
	if p.cur().isName() && !p.cur().isAny("nulls") {
		n := p.objectName()
		e.OpClass = &n
	}
	s := ast.SortItem{}
	if !p.cur().is("using") {
		p.sortDirection(&s)
	}
	e.Desc, e.Nulls = s.Desc, s.Nulls
	return e
}
