package parser

import (
	"strings"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
)

// call translates name(args) with everything that may follow: FILTER, WITHIN GROUP, OVER.
func (p *parser) call(o operand) {
	fc := &ast.FuncCall{Loc: p.loc()}
	fc.Name = append(fc.Name, p.label())
	for p.acceptPunct(".") {
		fc.Name = append(fc.Name, p.label())
	}
	p.unit.emit("") // the head, known when all of the call has been read
	p.expectPunct("(")
	nargs := p.callArgs(fc)
	p.expectPunct(")")
	p.within(fc)
	filter := p.filter(fc)
	if native := nativeHead(fc); native != "" && !filter {
		p.unit.out.pieces[o.start] = piece{text: native, pos: int32(fc.Pos()), hole: -1, before: -1}
	} else {
		head := markerOpen
		if p.unit.here() == o.start+1 {
			head = markerBare
		}
		h := p.unit.hole(fc, func(a []ast.Expr) { fillCall(fc, a, nargs, filter) })
		p.unit.out.pieces[o.start] = piece{text: head, pos: -1, hole: int32(h), before: -1}
	}
	p.unit.emit(")")
	p.over(o)
}

// nativeHead is the beginning of a call that TiDB's own syntax can carry, "" for any other.
func nativeHead(fc *ast.FuncCall) string {
	if len(fc.Name) > 2 || fc.Star || fc.Distinct || fc.Variadic || fc.ArgNames != nil || fc.OrderBy != nil {
		return ""
	}
	if strings.ContainsRune(fc.Name[0], '`') || fc.Name[0] == markerName {
		return ""
	}
	if len(fc.Name) == 1 {
		return "`" + fc.Name[0] + "`("
	}
	if strings.ContainsRune(fc.Name[1], '`') {
		return ""
	}
	return "`" + fc.Name[0] + "`.`" + fc.Name[1] + "`("
}

// fillCall distributes the operands of a call's marker.
func fillCall(fc *ast.FuncCall, a []ast.Expr, nargs int, filter bool) {
	fc.Args, a = a[:nargs:nargs], a[nargs:]
	if nargs == 0 {
		fc.Args = nil
	}
	for i, s := range fc.OrderBy {
		s.Expr = a[i]
	}
	if filter {
		fc.Filter = a[len(fc.OrderBy)]
	}
}

// callArgs translates what stands between the parentheses of a call and returns the number of
// arguments.
func (p *parser) callArgs(fc *ast.FuncCall) int {
	if p.cur().punct(")") {
		return 0
	}
	if p.cur().op("*") {
		p.advance()
		fc.Star = true
		return 0
	}
	if !p.accept("all") {
		fc.Distinct = p.accept("distinct")
	}
	n := 0
	for p.err == nil {
		if n > 0 {
			p.unit.emit(",")
		}
		fc.Variadic = p.accept("variadic")
		p.arg(fc, n)
		n++
		if fc.Variadic || !p.acceptPunct(",") {
			break
		}
	}
	if p.cur().is("order") {
		p.sortArgs(fc)
	}
	return n
}

// arg translates one argument, which may be named.
func (p *parser) arg(fc *ast.FuncCall, n int) {
	name := ""
	if p.at(1).punct(":=") || p.at(1).punct("=>") {
		name = p.label()
		p.advance()
	}
	if name != "" && fc.ArgNames == nil {
		fc.ArgNames = make([]string, n, n+1)
	}
	if fc.ArgNames != nil {
		fc.ArgNames = append(fc.ArgNames, name)
	}
	p.expr()
}

// sortArgs translates ORDER BY inside a call: its expressions are further operands of the marker.
func (p *parser) sortArgs(fc *ast.FuncCall) {
	p.expect("order", "by")
	for {
		if p.unit.out.pieces[p.unit.here()-1].text != "" {
			p.unit.emit(",")
		}
		s := &ast.SortItem{Loc: p.loc()}
		p.expr()
		p.sortDirection(s)
		fc.OrderBy = append(fc.OrderBy, s)
		if !p.acceptPunct(",") {
			return
		}
	}
}

// within translates WITHIN GROUP (ORDER BY ...).
func (p *parser) within(fc *ast.FuncCall) {
	at := p.cur()
	if !p.next("within", "group") {
		return
	}
	switch {
	case fc.OrderBy != nil:
		p.failf(int(at.start), pgerr.SyntaxError, "cannot use multiple ORDER BY clauses with WITHIN GROUP")
	case fc.Distinct:
		p.failf(int(at.start), pgerr.SyntaxError, "cannot use DISTINCT with WITHIN GROUP")
	case fc.Variadic:
		p.failf(int(at.start), pgerr.SyntaxError, "cannot use VARIADIC with WITHIN GROUP")
	}
	p.accepts("within", "group")
	p.expectPunct("(")
	fc.WithinGroup = true
	p.sortArgs(fc)
	p.expectPunct(")")
}

// filter translates FILTER (WHERE ...).
func (p *parser) filter(fc *ast.FuncCall) bool {
	if !p.cur().is("filter") || !p.at(1).punct("(") {
		return false
	}
	p.advance()
	p.expectPunct("(")
	p.expect("where")
	if p.unit.out.pieces[p.unit.here()-1].text != "" {
		p.unit.emit(",")
	}
	p.expr()
	p.expectPunct(")")
	return true
}

// over translates OVER. TiDB knows windows on its own functions only, so the call is an argument of one.
func (p *parser) over(o operand) {
	if !p.cur().is("over") {
		return
	}
	p.advance()
	p.unit.wrap(o.start, "MAX(", -1)
	p.unit.emit(") OVER ")
	if p.cur().isName() {
		w := &ast.WindowSpec{Loc: p.loc(), Ref: p.name()}
		p.unit.emit("(")
		p.unit.emitRef(w)
		p.unit.emit(")")
		return
	}
	p.windowSpec()
}

// collationFor translates COLLATION FOR (x).
func (p *parser) collationFor() {
	fc := &ast.FuncCall{Loc: p.loc(), Name: []string{"pg_collation_for"}}
	p.accepts("collation", "for")
	p.expectPunct("(")
	p.unit.marker(fc, func(a []ast.Expr) { fc.Args = a })
	p.expr()
	p.expectPunct(")")
	p.unit.emit(")")
}

// niladic translates CURRENT_DATE and its kin.
func (p *parser) niladic() {
	n := &ast.Niladic{Loc: p.loc(), Name: p.advance().word, Precision: -1}
	if p.cur().punct("(") && strings.HasSuffix(n.Name, "time") || strings.HasSuffix(n.Name, "timestamp") {
		if p.acceptPunct("(") {
			n.Precision = p.intConst()
			p.expectPunct(")")
		}
	}
	p.unit.leaf(n)
}
