package parser

import (
	"github.com/millracedb/millrace/sql/ast"
)

// funcTableAhead reports whether a function call is next in FROM.
func (p *parser) funcTableAhead() bool {
	t := p.cur()
	if t.kind == tWord && t.cat == reserved {
		return t.isAny("cast", "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp",
			"current_user", "current_role", "session_user", "user", "current_catalog")
	}
	if t.is("current_schema") {
		return true
	}
	n := 1
	for p.at(n).punct(".") {
		n += 2
	}
	return p.at(n).punct("(") && (t.kind == tWord || t.kind == tQuoted)
}

// funcTable translates f(...) [WITH ORDINALITY] [AS t (columns)].
func (p *parser) funcTable(at ast.Loc, lateral bool) {
	n := &ast.FuncTable{Loc: at, Lateral: lateral}
	p.openTableFunc(n, func(a []ast.Expr) { setCalls(n, a) })
	p.tableCall(n)
	p.unit.emit("))")
	n.Ordinality = p.accepts("with", "ordinality")
	p.unit.emit(" AS ")
	p.unit.emitRef(n)
	p.funcAlias(n)
}

func setCalls(n *ast.FuncTable, a []ast.Expr) {
	for i, f := range n.Funcs {
		f.Call = a[i]
	}
}

// openTableFunc begins the subquery that stands for a table function.
func (p *parser) openTableFunc(n ast.Node, fill func([]ast.Expr)) {
	p.unit.emit("(SELECT ")
	p.unit.marker(n, fill)
}

// tableCall translates the call itself: a function without OVER and FILTER.
func (p *parser) tableCall(n *ast.FuncTable) {
	f := &ast.TableFunc{Loc: p.loc()}
	n.Funcs = append(n.Funcs, f)
	p.primary()
}

// rowsFrom translates ROWS FROM (f(...) [AS (column definitions)], ...).
func (p *parser) rowsFrom(at ast.Loc, lateral bool) {
	n := &ast.FuncTable{Loc: at, Lateral: lateral, RowsFrom: true}
	p.expect("rows", "from")
	p.expectPunct("(")
	p.openTableFunc(n, func(a []ast.Expr) { setCalls(n, a) })
	for {
		if !p.funcTableAhead() {
			p.syntax()
			return
		}
		p.tableCall(n)
		if p.accept("as") {
			n.Funcs[len(n.Funcs)-1].ColDefs = p.columnDefs()
		}
		if !p.acceptPunct(",") {
			break
		}
		p.unit.emit(",")
	}
	p.expectPunct(")")
	p.unit.emit("))")
	n.Ordinality = p.accepts("with", "ordinality")
	p.unit.emit(" AS ")
	p.unit.emitRef(n)
	n.Alias = p.alias()
}

// funcAlias reads the alias of a function: names of columns, or definitions with types.
func (p *parser) funcAlias(n *ast.FuncTable) {
	if p.cur().is("as") && p.at(1).punct("(") {
		p.advance()
		n.Funcs[0].ColDefs = p.columnDefs()
		return
	}
	if !p.aliasName(&n.Alias) || !p.cur().punct("(") {
		return
	}
	if p.at(2).punct(",") || p.at(2).punct(")") {
		n.Alias.Columns = p.parenNames()
		return
	}
	n.Funcs[0].ColDefs = p.columnDefs()
}

// columnDefs reads (name type, ...).
func (p *parser) columnDefs() []*ast.ColumnDef {
	var list []*ast.ColumnDef
	p.expectPunct("(")
	for p.err == nil {
		c := &ast.ColumnDef{Loc: p.loc(), Name: p.name()}
		c.Type = p.typeName()
		if p.accept("collate") {
			name := p.objectName()
			c.Collate = &name
		}
		list = append(list, c)
		if !p.acceptPunct(",") {
			break
		}
	}
	p.expectPunct(")")
	return list
}

var windowKinds = map[string]ast.WindowKind{
	"tumble": ast.TumbleWindow, "hop": ast.HopWindow, "session": ast.SessionWindow,
}

// windowTableAhead reports whether TUMBLE(relation, ...) or its kin is next. The same names with
// anything but a relation first are ordinary functions.
func (p *parser) windowTableAhead() bool {
	t := p.cur()
	if _, ok := windowKinds[t.word]; !ok || t.kind != tWord || !p.at(1).punct("(") {
		return false
	}
	n := 2
	if p.at(n).is("data") && p.at(n+1).punct("=>") {
		n += 2
	}
	if p.at(n).is("table") {
		return true
	}
	if p.at(n).punct("(") {
		return queryStart(p.at(n+1), p.at(n+2)) || p.at(n+1).punct("(")
	}
	if !p.at(n).isName() {
		return false
	}
	for n++; p.at(n).punct("."); n += 2 {
	}
	return p.at(n).punct(",")
}

// flinkWindow translates TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), size)), and TABLE(f(...)).
func (p *parser) flinkWindow(at ast.Loc, lateral bool) {
	p.expect("table")
	p.expectPunct("(")
	if p.windowTableAhead() {
		n := p.windowCall(at, lateral)
		p.expectPunct(")")
		n.Alias = p.alias()
		return
	}
	if !p.funcTableAhead() {
		p.syntax()
		return
	}
	n := &ast.FuncTable{Loc: at, Lateral: lateral}
	p.openTableFunc(n, func(a []ast.Expr) { setCalls(n, a) })
	p.tableCall(n)
	p.expectPunct(")")
	p.unit.emit(")) AS ")
	p.unit.emitRef(n)
	p.funcAlias(n)
}

// windowTable translates TUMBLE(t, ts, size), HOP(t, ts, slide, size) and SESSION(t, ts, gap, keys).
func (p *parser) windowTable(at ast.Loc, lateral bool) {
	n := p.windowCall(at, lateral)
	n.Alias = p.alias()
}

// windowCall translates the call. Its operands are the arguments, then the input if it is a query.
func (p *parser) windowCall(at ast.Loc, lateral bool) *ast.WindowTable {
	n := &ast.WindowTable{Loc: at, Lateral: lateral}
	n.Kind = windowKinds[p.advance().word]
	p.expectPunct("(")
	p.argName()
	var keys int
	h := p.unit.hole(n, nil)
	p.unit.emit("(SELECT ")
	p.unit.emitHole(markerBare, h)
	sub := p.windowInput(n, &keys)
	p.expectPunct(",")
	p.argName()
	n.TimeCol = p.timeColumn()
	for p.acceptPunct(",") {
		p.argName()
		p.unit.emit(",")
		p.expr()
	}
	p.expectPunct(")")
	p.unit.emit(")) AS ")
	p.unit.emitRef(n)
	p.unit.holes[h].fill = func(a []ast.Expr) {
		if sub != nil {
			sub.Query, a = a[0].(*ast.ScalarSubquery).Query, a[1:]
		}
		// Flink writes the keys beside the input and the gap last.
		n.Args = append(append([]ast.Expr(nil), a[keys:]...), a[:keys]...)
	}
	return n
}

// argName skips name => in front of an argument.
func (p *parser) argName() {
	if p.at(1).punct("=>") {
		p.label()
		p.advance()
	}
}

// windowInput translates the relation: a name, TABLE name [PARTITION BY keys], or a query.
func (p *parser) windowInput(n *ast.WindowTable, keys *int) *ast.Subquery {
	at := p.loc()
	if p.cur().punct("(") && p.queryAhead() {
		sub := &ast.Subquery{Loc: at}
		n.Input = sub
		p.unit.emit(",")
		p.subquery()
		return sub
	}
	flink := p.accept("table")
	n.Input = &ast.TableName{Loc: at, ObjectName: p.objectName()}
	if flink && p.accepts("partition", "by") {
		// The list ends at the comma before DESCRIPTOR.
		for {
			p.unit.emit(",")
			p.expr()
			*keys++
			if !p.cur().punct(",") || p.at(1).is("descriptor") || p.at(2).punct("=>") {
				break
			}
			p.advance()
		}
	}
	return nil
}

// timeColumn reads the time column: ts or DESCRIPTOR(ts).
func (p *parser) timeColumn() *ast.ColumnRef {
	if p.cur().is("descriptor") && p.at(1).punct("(") {
		p.i += 2
		c := p.timeColumn()
		p.expectPunct(")")
		return c
	}
	ref := &ast.ColumnRef{Loc: p.loc(), Parts: []string{p.name()}}
	for p.acceptPunct(".") {
		ref.Parts = append(ref.Parts, p.label())
	}
	return ref
}
