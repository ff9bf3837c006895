package parser

import (
	"github.com/millracedb/millrace/sql/ast"
)

// inLike translates [NOT] BETWEEN, IN, LIKE, ILIKE and SIMILAR TO. The result says whether it ended in
// an operand.
func (p *parser) inLike(left *operand) bool {
	at := p.loc()
	negAt := p.cur().is("not")
	if w := p.at(b2i(negAt)); w.isAny("like", "ilike") && p.quantifierAt(b2i(negAt)+1) {
		p.quantified(left)
		return false
	}
	not := p.accept("not")
	switch word := p.advance().word; word {
	case "between":
		p.between(left, at, not)
		return true
	case "in":
		p.in(left, at, not)
		return false
	case "similar":
		p.expect("to")
		p.like(left, &ast.Like{Loc: at, Kind: ast.KindSimilarTo, Not: not})
	case "ilike":
		p.like(left, &ast.Like{Loc: at, Kind: ast.KindILike, Not: not})
	default:
		p.like(left, &ast.Like{Loc: at, Kind: ast.KindLike, Not: not})
	}
	return true
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (p *parser) like(left *operand, n *ast.Like) {
	p.unit.wrapMarker(left.start, n, func(a []ast.Expr) {
		n.Left, n.Pattern = a[0], a[1]
		if len(a) > 2 {
			n.Escape = a[2]
		}
	})
	p.unit.emit(",")
	p.binary(precIn+1, false)
	if p.accept("escape") {
		p.unit.emit(",")
		p.binary(precIn+1, false)
	}
	p.unit.emit(")")
}

func (p *parser) between(left *operand, at ast.Loc, not bool) {
	symmetric := p.accept("symmetric")
	if !symmetric {
		p.accept("asymmetric")
	}
	if symmetric {
		n := &ast.Between{Loc: at, Not: not, Symmetric: true}
		p.unit.wrapMarker(left.start, n, func(a []ast.Expr) { n.Arg, n.Low, n.High = a[0], a[1], a[2] })
		p.unit.emit(",")
	} else {
		p.unit.wrap(left.start, "(", int(at))
		if not {
			p.unit.emit(" NOT")
		}
		p.unit.emit(" BETWEEN ")
	}
	p.binary(0, true)
	p.expect("and")
	if symmetric {
		p.unit.emit(",")
	} else {
		p.unit.emit(" AND ")
	}
	p.binary(precIn+1, false)
	p.unit.emit(")")
}

// in translates the right side of IN: a query or a list.
func (p *parser) in(left *operand, at ast.Loc, not bool) {
	p.unit.wrap(left.start, "(", int(at))
	if not {
		p.unit.emit(" NOT")
	}
	p.unit.emit(" IN ")
	if !p.cur().punct("(") {
		p.syntax()
		return
	}
	start := p.unit.here()
	if first, isQuery := p.openParen(); !isQuery {
		p.unit.wrap(first.start, "(", -1)
		for p.acceptPunct(",") {
			p.unit.emit(",")
			p.expr()
		}
		p.expectPunct(")")
	} else {
		p.unit.wrap(start, "(", -1)
	}
	p.unit.emit("))")
}

// quantifierAfterOp reports whether op ANY/SOME/ALL ( is at the cursor: the number of tokens of op.
func (p *parser) quantifierAfterOp(t *token) int {
	n := 1
	if t.is("operator") {
		for n = 2; !p.at(n).punct(")"); n++ {
			if p.at(n).kind == tEOF {
				return 0
			}
		}
		n++
	}
	if p.quantifierAt(n) {
		return n
	}
	return 0
}

func (p *parser) quantifierAt(n int) bool {
	return p.at(n).isAny("any", "some", "all")
}

// quantified translates op ANY/SOME/ALL (array or query).
func (p *parser) quantified(left *operand) {
	n := &ast.Quantified{Loc: p.loc()}
	switch {
	case p.accept("not"):
		n.Op = "NOT " + upper(p.advance().word)
	case p.cur().isAny("like", "ilike"):
		n.Op = upper(p.advance().word)
	default:
		n.Schema, n.Op = p.operator()
	}
	n.All = p.advance().word == "all"
	isQuery := false
	p.unit.wrapMarker(left.start, n, func(a []ast.Expr) {
		n.Left, n.Array = a[0], a[1]
		if isQuery {
			n.Query, n.Array = a[1].(*ast.ScalarSubquery).Query, nil
		}
	})
	p.unit.emit(",")
	start := p.unit.here()
	if !p.cur().punct("(") {
		p.syntax()
		return
	}
	if _, isQuery = p.openParen(); isQuery {
		p.unit.wrap(start, "(", -1)
		p.unit.emit(")")
	} else {
		p.expectPunct(")")
	}
	p.unit.emit(")")
}
