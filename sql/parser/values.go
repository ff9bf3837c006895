package parser

import (
	"strconv"

	"github.com/millracedb/millrace/sql/ast"
)

// values translates VALUES (...), (...).
func (p *parser) values() {
	if v := p.flatValues(); v != nil {
		p.unit.emit("SELECT ")
		p.unit.leaf(v)
		return
	}
	p.expect("values")
	p.unit.emit("VALUES ")
	for {
		p.expectPunct("(")
		p.unit.emit("ROW(")
		p.exprs()
		p.expectPunct(")")
		p.unit.emit(")")
		if !p.acceptPunct(",") {
			return
		}
		p.unit.emit(",")
	}
}

// flatValues reads VALUES rows straight from the tokens if they are equally long and hold nothing but
// constants: the bulk of what is inserted. Otherwise it returns nil and does not move.
func (p *parser) flatValues() *ast.Values {
	v := &ast.Values{Loc: p.loc()}
	i := p.i + 1
	for row := 0; ; row++ {
		first, cells := i, len(v.Flat)
		if i = p.flatRow(i, v); i < 0 {
			return nil
		}
		if row == 0 {
			v.Width = len(v.Flat)
			rows := (len(p.toks)-first)/(i-first+1) + 1
			v.Flat = append(make([]ast.Literal, 0, rows*v.Width), v.Flat...)
		} else if len(v.Flat)-cells != v.Width {
			return nil
		}
		if !p.toks[i].punct(",") {
			break
		}
		i++
	}
	p.i = i
	return v
}

// flatRow appends the constants of the row at token i and returns the token behind it, -1 if the row
// has anything else.
func (p *parser) flatRow(i int, v *ast.Values) int {
	if !p.toks[i].punct("(") {
		return -1
	}
	for {
		i++
		v.Flat = append(v.Flat, ast.Literal{Loc: ast.Loc(p.toks[i].start)})
		if i = p.flatCell(i, &v.Flat[len(v.Flat)-1]); i < 0 {
			return -1
		}
		t := &p.toks[i]
		if t.kind != tPunct {
			return -1
		}
		switch t.word {
		case ")":
			return i + 1
		case ",":
		default:
			return -1
		}
	}
}

// flatCell decodes the constant at token i into lit and returns the token behind it, -1 if it is none.
func (p *parser) flatCell(i int, lit *ast.Literal) int {
	t := &p.toks[i]
	switch t.kind {
	case tInt:
		lit.Text = p.src[t.start:t.end]
		n, err := strconv.ParseInt(lit.Text, 10, 64)
		if err == nil {
			lit.Kind, lit.Int = ast.LitInt, n
		} else {
			lit.Kind = ast.LitNumeric
		}
	case tNumber:
		setNumber(lit, t.kind, p.src[t.start:t.end])
	case tString, tBits:
		if err := p.setConstant(lit, t); err != nil {
			return -1 // the slow path reports it
		}
	case tWord:
		if !t.isAny("null", "true", "false") {
			return -1
		}
		_ = p.setConstant(lit, t)
	case tOp:
		next := &p.toks[i+1]
		if t.word != "-" || next.kind != tInt && next.kind != tNumber {
			return -1
		}
		at := lit.Loc
		setNumber(lit, next.kind, p.src[next.start:next.end])
		negate(lit)
		lit.Loc = at
		return i + 2
	default:
		return -1
	}
	return i + 1
}
