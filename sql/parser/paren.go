package parser

import "github.com/millracedb/millrace/sql/ast"

// queryAhead reports whether a query begins at the cursor, after any number of open parentheses.
func (p *parser) queryAhead() bool {
	i := p.i
	if p.toks[i].punct("(") {
		if i < p.openStart || i >= p.openEnd {
			for p.openStart, p.openEnd = i, i; p.toks[p.openEnd].punct("("); {
				p.openEnd++
			}
		}
		i = p.openEnd
	}
	return queryStart(&p.toks[i], p.at(i-p.i+1))
}

func queryStart(t, next *token) bool {
	return t.isAny("select", "with", "table") || t.is("values") && next.punct("(")
}

// openParen reads ( and what is behind it, which may be a query or an expression that begins with one:
// ((SELECT 1) + 1). A query's text is complete and its ) read; its caller puts parentheses around.
// After an expression the cursor is at the , or ) behind it.
func (p *parser) openParen() (first operand, isQuery bool) {
	first, q := p.openParenQuery()
	if q != nil {
		p.finishQuery(q)
		return operand{start: q.start}, true
	}
	return first, false
}

// openParenQuery is openParen for a caller that may append clauses to the query: (SELECT 1) LIMIT 1.
func (p *parser) openParenQuery() (operand, *query) {
	p.enter()
	defer p.leave()
	p.expectPunct("(")
	if !p.cur().punct("(") || !p.queryAhead() {
		if p.queryAhead() {
			q := p.queryBody()
			p.expectPunct(")")
			return operand{}, q
		}
		return p.expr(), nil
	}
	start, at := p.unit.here(), p.pos()
	first, q := p.openParenQuery()
	if q == nil {
		left := p.closeParen(start, first)
		return p.chain(left, 0, false), nil
	}
	if p.acceptPunct(")") {
		return operand{}, q
	}
	if p.queryGoesOn() {
		q = p.queryRest(q)
		p.expectPunct(")")
		return operand{}, q
	}
	p.finishQuery(q)
	return p.chain(p.scalarSubquery(start, at), 0, false), nil
}

// queryGoesOn reports whether a set operation or a trailing clause of a query is at the cursor.
func (p *parser) queryGoesOn() bool {
	return p.cur().isAny("union", "intersect", "except", "order", "limit", "offset", "fetch", "for")
}

// scalarSubquery puts parentheses around the query emitted from start on.
func (p *parser) scalarSubquery(start, at int) operand {
	p.unit.wrap(start, "(", at)
	p.unit.emit(")")
	return p.indirection(operand{start: start})
}

// parenthesised translates a primary that begins with (.
func (p *parser) parenthesised() operand {
	start := p.unit.here()
	at := p.pos()
	first, isQuery := p.openParen()
	if isQuery {
		return p.scalarSubquery(start, at)
	}
	return p.closeParen(start, first)
}

// closeParen reads the rest of (expression) or (row, ...) behind the first expression.
func (p *parser) closeParen(start int, first operand) operand {
	if !p.cur().punct(",") {
		p.expectPunct(")")
		o := p.indirection(operand{start: start, number: first.number, height: first.height})
		return o
	}
	n := &ast.Row{Loc: p.loc()}
	p.unit.wrapMarker(start, n, func(a []ast.Expr) { n.Args = a })
	for p.acceptPunct(",") {
		p.unit.emit(",")
		p.expr()
	}
	p.expectPunct(")")
	p.unit.emit(")")
	return p.overlaps(p.indirection(operand{start: start, row: true}))
}

// overlaps translates row OVERLAPS row.
func (p *parser) overlaps(left operand) operand {
	at := p.loc()
	if !left.row || !p.accept("overlaps") {
		return left
	}
	fc := &ast.FuncCall{Loc: at, Name: []string{"overlaps"}, Form: ast.FormOverlaps}
	p.unit.wrapMarker(left.start, fc, func(a []ast.Expr) {
		l, _ := a[0].(*ast.Row)
		r, _ := a[1].(*ast.Row)
		if l != nil && r != nil {
			fc.Args = append(append(fc.Args, l.Args...), r.Args...)
		}
	})
	p.unit.emit(",")
	if !p.cur().punct("(") && !p.next("row") {
		p.syntax()
	}
	if right := p.primary(); !right.row {
		p.syntax()
	}
	p.unit.emit(")")
	return operand{start: left.start}
}

// indirection translates [i], [i:j], .field and .* behind a parenthesised expression or a parameter.
func (p *parser) indirection(o operand) operand {
	for p.err == nil {
		switch {
		case p.cur().punct("["):
			p.subscript(o.start)
		case p.cur().punct("."):
			p.field(o.start)
		default:
			return o
		}
		o.number, o.row = nil, false
		if o.height++; o.height > maxChain {
			p.failTooDeep()
		}
	}
	return o
}

// subscript translates consecutive brackets behind the expression at start.
func (p *parser) subscript(start int) {
	n := &ast.Subscript{Loc: p.loc()}
	p.unit.wrapMarker(start, n, func(a []ast.Expr) {
		n.Arg = a[0]
		a = a[1:]
		for i := range n.Indexes {
			for _, bound := range []*ast.Expr{&n.Indexes[i].Lower, &n.Indexes[i].Upper} {
				if *bound != nil {
					*bound, a = a[0], a[1:]
				}
			}
		}
	})
	for p.acceptPunct("[") {
		n.Indexes = append(n.Indexes, p.index())
	}
	p.unit.emit(")")
}

// given stands in an Index for a bound whose expression has been emitted.
var given ast.Expr = &ast.Default{}

// index translates one bracket behind its [.
func (p *parser) index() ast.Index {
	var x ast.Index
	if !p.cur().punct(":") && !p.cur().punct("]") {
		p.unit.emit(",")
		p.expr()
		x.Upper = given
	}
	if p.acceptPunct(":") {
		x.Slice, x.Lower, x.Upper = true, x.Upper, nil
		if !p.cur().punct("]") {
			p.unit.emit(",")
			p.expr()
			x.Upper = given
		}
	} else if x.Upper == nil {
		p.syntax()
	}
	p.expectPunct("]")
	return x
}

// field translates .name or .* behind the expression at start.
func (p *parser) field(start int) {
	p.expectPunct(".")
	n := &ast.Field{Loc: p.loc()}
	if p.acceptOp("*") {
		n.Star = true
	} else {
		n.Name = p.label()
	}
	p.unit.wrapMarker(start, n, func(a []ast.Expr) { n.Arg = a[0] })
	p.unit.emit(")")
}
