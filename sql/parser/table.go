package parser

import (
	"github.com/millracedb/millrace/sql/ast"
)

// from translates the comma list of FROM.
func (p *parser) from() {
	for {
		p.tableRef()
		if !p.acceptPunct(",") {
			return
		}
		p.unit.emit(",")
	}
}

// fromInto translates a FROM list and stores it with set when the statement ends.
func (p *parser) fromInto(set func([]ast.TableRef)) {
	core := &ast.SelectCore{Loc: p.loc()}
	p.unit.fragment(func() {
		p.unit.emit("(SELECT ")
		p.unit.leaf(core)
		p.unit.emit(" FROM ")
		p.from()
		p.unit.emit(")")
	}, func(ast.Expr) { set(core.From) })
}

// tableRef translates one item of FROM with the joins behind it, and reports whether it is a join.
func (p *parser) tableRef() *ast.Join {
	p.enter()
	defer p.leave()
	start := p.unit.here()
	return p.joins(start, p.tableFactor())
}

// joinHead is what stands before JOIN.
type joinHead struct {
	words     int // tokens up to and including JOIN
	kind      ast.JoinKind
	natural   bool
	asof      bool
	qualified bool // ON or USING has to follow
}

// joinAhead reads ahead over [NATURAL | ASOF] [INNER | LEFT | RIGHT | FULL [OUTER] | CROSS] JOIN.
func (p *parser) joinAhead() (joinHead, bool) {
	h := joinHead{qualified: true}
	n := 0
	if p.at(n).is("natural") {
		h.natural, h.qualified = true, false
		n++
	} else if p.asofAhead() {
		h.asof = true
		n++
	}
	switch t := p.at(n); {
	case t.is("cross"):
		h.kind, h.qualified = ast.CrossJoin, false
		n++
	case t.is("inner"):
		n++
	case t.isAny("left", "right", "full"):
		h.kind = map[string]ast.JoinKind{"left": ast.LeftJoin, "right": ast.RightJoin, "full": ast.FullJoin}[t.word]
		n++
		if p.at(n).is("outer") {
			n++
		}
	}
	h.words = n + 1
	return h, p.at(n).is("join")
}

// asofAhead reports whether ASOF [LEFT] JOIN is next.
func (p *parser) asofAhead() bool {
	return p.next("asof", "join") || p.next("asof", "inner", "join") || p.next("asof", "left", "join") ||
		p.next("asof", "left", "outer", "join")
}

// tidbJoin are the words for the kinds of joins; STRAIGHT_JOIN stands for what MySQL lacks.
var tidbJoin = [...]string{
	ast.InnerJoin: " JOIN ", ast.LeftJoin: " LEFT JOIN ", ast.RightJoin: " RIGHT JOIN ",
	ast.FullJoin: " STRAIGHT_JOIN ", ast.CrossJoin: " JOIN ",
}

// joins translates the joins behind the table emitted from start on. The node travels in the ON clause.
func (p *parser) joins(start int, last *ast.Join) *ast.Join {
	for n := 0; p.err == nil; n++ {
		h, ok := p.joinAhead()
		if !ok && h.words > 1 {
			p.syntaxAt(p.at(h.words - 1))
		}
		if n > maxChain {
			p.failTooDeep()
		}
		if !ok || p.err != nil {
			break
		}
		j := &ast.Join{Loc: p.loc(), Kind: h.kind, Natural: h.natural, Asof: h.asof}
		p.i += h.words
		p.unit.wrap(start, "(", -1)
		p.unit.emit(tidbJoin[h.kind])
		right := p.unit.here()
		inner := p.tableFactor()
		if h.qualified && !p.cur().isAny("on", "using") {
			p.joins(right, inner)
		}
		p.joinQual(j, h)
		p.unit.emit(")")
		last = j
	}
	return last
}

func (p *parser) joinQual(j *ast.Join, h joinHead) {
	p.unit.emit(" ON ")
	switch {
	case !h.qualified:
		p.unit.leaf(joinNode{j})
	case p.accept("using"):
		j.Using = p.parenNames()
		if p.cur().is("as") {
			p.advance()
			j.UsingAlias = p.name()
		}
		p.unit.leaf(joinNode{j})
	default:
		p.expect("on")
		p.unit.marker(joinNode{j}, func(a []ast.Expr) { j.On = a[0] })
		p.expr()
		p.unit.emit(")")
	}
}

// joinNode stands for a join where the decoder expects an expression.
type joinNode struct{ *ast.Join }

// tableFactor translates a table, subquery, function or parenthesised join; the result is the join.
func (p *parser) tableFactor() *ast.Join {
	start, at := p.unit.here(), p.loc()
	lateral := p.accept("lateral")
	t := p.cur()
	switch {
	case t.punct("("):
		return p.tableParen(start, at, lateral)
	case t.is("table") && p.at(1).punct("("):
		p.flinkWindow(at, lateral)
	case t.is("rows") && p.next("rows", "from"):
		p.rowsFrom(at, lateral)
	case p.windowTableAhead():
		p.windowTable(at, lateral)
	case p.funcTableAhead():
		p.funcTable(at, lateral)
	case lateral:
		p.syntax()
	case !t.isName() && !t.is("only"):
		p.syntaxName()
	default:
		p.tableName(&ast.TableName{Loc: at})
	}
	return nil
}

// tableParen translates (query) AS t and (a JOIN b).
func (p *parser) tableParen(start int, at ast.Loc, lateral bool) *ast.Join {
	q, join := p.openTableParen()
	if q != nil {
		p.derivedTable(start, at, q, lateral)
		return nil
	}
	if lateral {
		p.syntax()
	}
	if a := p.alias(); join != nil && a.Name != "" {
		join.Alias = a
	}
	return join
}

// openTableParen reads ( and what is behind it up to its ): a query, or joined tables.
func (p *parser) openTableParen() (*query, *ast.Join) {
	p.enter()
	defer p.leave()
	p.expectPunct("(")
	if p.queryAhead() && !p.cur().punct("(") {
		q := p.queryBody()
		p.expectPunct(")")
		return q, nil
	}
	start, at := p.unit.here(), p.loc()
	var join *ast.Join
	if p.cur().punct("(") && p.queryAhead() {
		q, inner := p.openTableParen()
		if q != nil {
			if p.queryGoesOn() {
				q = p.queryRest(q)
			}
			if p.acceptPunct(")") {
				return q, nil
			}
			p.derivedTable(start, at, q, false)
		} else if a := p.alias(); inner != nil && a.Name != "" {
			inner.Alias = a
		}
		join = p.joins(start, inner)
	} else {
		join = p.tableRef()
	}
	if join == nil {
		p.syntax() // one table in parentheses
	}
	p.expectPunct(")")
	return nil, join
}

func (p *parser) derivedTable(start int, at ast.Loc, q *query, lateral bool) {
	p.finishQuery(q)
	n := &ast.Subquery{Loc: at, Lateral: lateral}
	p.unit.wrap(start, "(", -1)
	p.unit.emit(") AS ")
	p.unit.emitRef(n)
	n.Alias = p.alias()
}

// alias reads [AS] name [(columns)].
func (p *parser) alias() ast.Alias {
	var a ast.Alias
	if !p.aliasName(&a) {
		return a
	}
	if p.cur().punct("(") {
		a.Columns = p.parenNames()
	}
	return a
}

func (p *parser) aliasName(a *ast.Alias) bool {
	if !p.accept("as") && (!p.cur().isName() || p.emitAhead() || p.asofAhead()) {
		return false
	}
	a.Name = p.name()
	return true
}

// tableName translates [ONLY] name [*] [alias] [TABLESAMPLE].
func (p *parser) tableName(n *ast.TableName) {
	p.tableNameOnly(n)
	p.emitTable(n)
	n.Alias = p.alias()
	if p.cur().is("tablesample") {
		n.Sample = p.tableSample()
	}
}

func (p *parser) tableNameOnly(n *ast.TableName) {
	if p.accept("only") {
		n.Only = true
		if p.acceptPunct("(") {
			n.ObjectName = p.objectName()
			p.expectPunct(")")
			return
		}
	}
	n.ObjectName = p.objectName()
	p.acceptOp("*")
}

func (p *parser) emitTable(n *ast.TableName) {
	// The schema stays in the node: TiDB has rules of its own for names of databases.
	p.unit.emitName(n.ObjectName.Name, -1)
	p.unit.emit(" AS ")
	p.unit.emitRef(n)
}

func (p *parser) tableSample() *ast.TableSample {
	s := &ast.TableSample{Loc: p.loc()}
	p.advance()
	s.Method = p.name()
	p.expectPunct("(")
	for {
		i := len(s.Args)
		s.Args = append(s.Args, nil)
		p.exprInto(func(e ast.Expr) { s.Args[i] = e })
		if !p.acceptPunct(",") {
			break
		}
	}
	p.expectPunct(")")
	if p.accept("repeatable") {
		p.expectPunct("(")
		p.exprInto(func(e ast.Expr) { s.Repeatable = e })
		p.expectPunct(")")
	}
	return s
}
