package parser

import (
	"strings"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
)

// typeName reads a type: [SETOF] name (modifiers) [array bounds].
func (p *parser) typeName() *ast.TypeName {
	setOf := p.accept("setof")
	t := p.simpleType()
	t.SetOf = setOf
	if t.Name == "interval" && t.Schema == "" && len(t.TypMods) == 0 {
		p.intervalFields(t)
	}
	if p.accept("array") {
		dim := -1
		if p.acceptPunct("[") {
			dim = p.intConst()
			p.expectPunct("]")
		}
		t.Dims = append(t.Dims, dim)
		return t
	}
	for p.acceptPunct("[") {
		dim := -1
		if !p.cur().punct("]") {
			dim = p.intConst()
		}
		p.expectPunct("]")
		t.Dims = append(t.Dims, dim)
	}
	return t
}

// plainTypes are the keywords that stand for a type without modifiers.
var plainTypes = map[string]string{
	"bigint": "int8", "boolean": "bool", "int": "int4", "integer": "int4", "real": "float4", "smallint": "int2",
}

// simpleType reads a type without array bounds and interval fields.
func (p *parser) simpleType() *ast.TypeName {
	tok := p.cur()
	t := &ast.TypeName{Loc: p.loc()}
	if tok.kind != tWord || !typeKeywords[tok.word] || tok.word == "double" && !p.at(1).is("precision") {
		p.genericType(t)
		return t
	}
	p.advance()
	if name, ok := plainTypes[tok.word]; ok {
		t.Name = name
		return t
	}
	switch tok.word {
	case "double":
		p.expect("precision")
		t.Name = "float8"
	case "float":
		p.floatType(t)
	case "dec", "decimal", "numeric":
		t.Name = "numeric"
		p.typeMods(t)
	case "bit":
		p.sizedType(t, "bit", "varbit")
	case "national":
		if !p.accept("char") {
			p.expect("character")
		}
		p.sizedType(t, "bpchar", "varchar")
	case "char", "character", "nchar":
		p.sizedType(t, "bpchar", "varchar")
	case "varchar":
		t.Name = "varchar"
		p.typeMods(t)
	case "interval":
		t.Name = "interval"
		p.typeMods(t)
	case "time", "timestamp":
		p.timeType(t, tok.word)
	}
	return t
}

// genericType reads a type that is known by an ordinary name.
func (p *parser) genericType(t *ast.TypeName) {
	if !p.cur().isTypeOrFuncName() {
		p.syntax()
		return
	}
	t.Name = p.advance().word
	for i := 0; p.acceptPunct("."); i++ {
		t.Schema, t.Name = t.Name, p.label()
	}
	p.typeMods(t)
}

// sizedType reads [VARYING] [(n)] behind BIT and CHARACTER; a fixed type has length 1 by default.
func (p *parser) sizedType(t *ast.TypeName, fixed, varying string) {
	t.Name = fixed
	if p.accept("varying") {
		t.Name = varying
	}
	p.typeMods(t)
	if t.Name == fixed && len(t.TypMods) == 0 {
		t.TypMods = []int{1}
	}
}

func (p *parser) floatType(t *ast.TypeName) {
	t.Name = "float8"
	at := p.pos()
	if !p.acceptPunct("(") {
		return
	}
	switch n := p.intConst(); {
	case n < 1:
		p.failf(at, pgerr.InvalidParameterValue, "precision for type float must be at least 1 bit")
	case n > 53:
		p.failf(at, pgerr.InvalidParameterValue, "precision for type float must be less than 54 bits")
	case n <= 24:
		t.Name = "float4"
	}
	p.expectPunct(")")
}

func (p *parser) timeType(t *ast.TypeName, word string) {
	t.Name = word
	p.typeMods(t)
	switch {
	case p.accepts("with", "time", "zone"):
		t.Name += "tz"
	case p.accepts("without", "time", "zone"):
	}
}

// typeMods reads (n, m) if it is there.
func (p *parser) typeMods(t *ast.TypeName) {
	if !p.acceptPunct("(") {
		return
	}
	for p.err == nil {
		minus := p.acceptOp("-")
		if p.cur().kind != tInt {
			if p.cur().kind == tString || p.cur().isName() {
				p.failf(p.pos(), pgerr.InvalidParameterValue, "type modifiers must be integer constants")
				return
			}
			p.syntax()
			return
		}
		n := p.intConst()
		if minus {
			n = -n
		}
		t.TypMods = append(t.TypMods, n)
		if !p.acceptPunct(",") {
			break
		}
	}
	p.expectPunct(")")
}

// intervalFields reads YEAR, DAY TO SECOND (3) and so on behind INTERVAL.
func (p *parser) intervalFields(t *ast.TypeName) {
	fields := []string{"year", "month", "day", "hour", "minute", "second"}
	if !p.cur().isAny(fields...) {
		return
	}
	from := p.advance().word
	last := from
	t.Fields = strings.ToUpper(from)
	if p.cur().is("to") && validIntervalRange(from, p.at(1).word) {
		p.advance()
		last = p.advance().word
		t.Fields += " TO " + strings.ToUpper(last)
	}
	if last == "second" {
		p.typeMods(t)
	}
}

func validIntervalRange(from, to string) bool {
	switch from {
	case "year":
		return to == "month"
	case "day":
		return to == "hour" || to == "minute" || to == "second"
	case "hour":
		return to == "minute" || to == "second"
	case "minute":
		return to == "second"
	}
	return false
}

func upper(s string) string { return strings.ToUpper(s) }
