package parser

import (
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
)

// query is a query whose text has been emitted but for its LIMIT, since clauses behind a parenthesis
// still belong to the query inside: (SELECT 1 LIMIT 1) ORDER BY 1 sorts first.
type query struct {
	start    int
	tail     *ast.Select // LIMIT, OFFSET and FOR UPDATE
	with     bool
	order    bool
	hasLimit bool
	hasOff   bool
}

// queryInto translates a query and stores it with set when the statement ends.
func (p *parser) queryInto(set func(*ast.Select)) {
	p.unit.fragment(func() {
		p.unit.emit("(")
		p.finishQuery(p.queryBody())
		p.unit.emit(")")
	}, func(e ast.Expr) { set(e.(*ast.ScalarSubquery).Query) })
}

// queryStatement translates a query that is a statement of its own.
func (p *parser) queryStatement() {
	p.finishQuery(p.queryBody())
}

// finishQuery emits what has waited for the end of the query.
func (p *parser) finishQuery(q *query) {
	if q.tail != nil {
		p.unit.emit(" LIMIT ")
		p.unit.leaf(q.tail)
	}
}

// queryBody translates [WITH] body [ORDER BY] [LIMIT] [FOR UPDATE].
func (p *parser) queryBody() *query {
	p.enter()
	defer p.leave()
	q := &query{start: p.unit.here()}
	if p.cur().is("with") {
		p.with()
		q.with = true
	}
	p.setExpr(q, 0)
	p.queryTail(q)
	return q
}

// queryRest goes on behind (query): a set operation whose first operand it is, or clauses that belong
// to it.
func (p *parser) queryRest(first *query) *query {
	q := first
	if p.setOpPrec() > 0 {
		p.finishQuery(first)
		q = &query{start: first.start}
		p.setOps(first.start, 0)
	}
	p.queryTail(q)
	return q
}

// setExpr translates operands joined by set operations that bind at least as tightly as min. A single
// operand in parentheses becomes q itself; q is nil for an operand.
func (p *parser) setExpr(q *query, min int) {
	p.enter()
	defer p.leave()
	start := p.unit.here()
	var inner *query
	switch t := p.cur(); {
	case t.punct("("):
		inner = p.parenQuery()
	case t.is("select"):
		p.simpleSelect()
	case t.is("values"):
		p.values()
	case t.is("table"):
		p.tableQuery()
	default:
		p.syntax()
	}
	if inner != nil {
		if prec := p.setOpPrec(); q == nil || prec > 0 && prec >= min {
			p.finishQuery(inner)
		} else {
			p.merge(q, inner)
		}
	}
	p.setOps(start, min)
}

// parenQuery translates (query) where only a query may stand.
func (p *parser) parenQuery() *query {
	if !p.queryAhead() {
		for p.acceptPunct("(") {
		}
		p.syntax()
		return nil
	}
	_, q := p.openParenQuery()
	if q == nil {
		p.syntax()
	}
	return q
}

// merge makes what is outside of (inner) part of it, as PostgreSQL does.
func (p *parser) merge(q, inner *query) {
	if q.with && inner.with {
		p.failf(p.pos(), pgerr.SyntaxError, "multiple WITH clauses not allowed")
	}
	q.with = q.with || inner.with
	q.tail, q.order, q.hasLimit, q.hasOff = inner.tail, inner.order, inner.hasLimit, inner.hasOff
}

const (
	precUnion = iota + 1
	precIntersect
)

func (p *parser) setOpPrec() int {
	switch t := p.cur(); {
	case t.isAny("union", "except"):
		return precUnion
	case t.is("intersect"):
		return precIntersect
	}
	return 0
}

// setOps translates the set operations behind the operand at start.
func (p *parser) setOps(start, min int) {
	for n := 0; ; n++ {
		if n > maxChain {
			p.failTooDeep()
		}
		prec := p.setOpPrec()
		if prec == 0 || prec < min || p.err != nil {
			return
		}
		word := upper(p.advance().word)
		all := p.accept("all")
		if !all {
			p.accept("distinct")
		}
		p.unit.wrap(start, "(", -1)
		p.unit.emit(") " + word)
		if all {
			p.unit.emit(" ALL")
		}
		p.unit.emit(" (")
		p.setExpr(nil, prec+1)
		p.unit.emit(")")
	}
}

// queryTail translates the clauses behind a query's body.
func (p *parser) queryTail(q *query) {
	if p.cur().is("order") {
		if q.order {
			p.failf(p.pos(), pgerr.SyntaxError, "multiple ORDER BY clauses not allowed")
		}
		p.expect("order", "by")
		q.order = true
		p.sortList()
	}
	for p.err == nil {
		t := p.cur()
		if !t.isAny("limit", "offset", "fetch", "for") {
			return
		}
		if q.tail == nil {
			q.tail = &ast.Select{Loc: p.loc()}
		}
		switch t.word {
		case "limit", "fetch":
			if q.hasLimit {
				p.failf(int(t.start), pgerr.SyntaxError, "multiple LIMIT clauses not allowed")
			}
			q.hasLimit = true
			p.limit(q.tail)
		case "offset":
			if q.hasOff {
				p.failf(int(t.start), pgerr.SyntaxError, "multiple OFFSET clauses not allowed")
			}
			q.hasOff = true
			p.offset(q.tail)
		default:
			p.locking(q.tail)
		}
	}
}

// limit reads LIMIT n, LIMIT ALL and FETCH FIRST n ROWS ONLY.
func (p *parser) limit(s *ast.Select) {
	if p.advance().word == "fetch" {
		p.fetchFirst(s)
		return
	}
	if p.accept("all") {
		return
	}
	p.exprInto(func(e ast.Expr) { s.Limit = e })
	if p.cur().punct(",") {
		p.fail(pgerr.New(pgerr.SyntaxError, "LIMIT #,# syntax is not supported").
			WithHint("Use separate LIMIT and OFFSET clauses.").At(p.pos()))
	}
}

func (p *parser) fetchFirst(s *ast.Select) {
	if !p.accept("first") {
		p.expect("next")
	}
	if p.cur().isAny("row", "rows") {
		s.Limit = &ast.Literal{Loc: p.loc(), Kind: ast.LitInt, Int: 1, Text: "1"}
	} else {
		p.unit.fragment(func() { p.prefixed(true) }, func(e ast.Expr) { s.Limit = e })
	}
	if !p.accept("row") {
		p.expect("rows")
	}
	if p.accepts("with", "ties") {
		s.WithTies = true
	} else {
		p.expect("only")
	}
}

func (p *parser) offset(s *ast.Select) {
	p.advance()
	p.exprInto(func(e ast.Expr) { s.Offset = e })
	if !p.accept("row") {
		p.accept("rows")
	}
}

// locking reads FOR UPDATE and its kin.
func (p *parser) locking(s *ast.Select) {
	l := &ast.Locking{Loc: p.loc()}
	p.advance()
	switch {
	case p.accept("update"):
		l.Strength = "UPDATE"
	case p.accepts("no", "key", "update"):
		l.Strength = "NO KEY UPDATE"
	case p.accepts("key", "share"):
		l.Strength = "KEY SHARE"
	case p.accepts("read", "only"):
		return
	default:
		p.expect("share")
		l.Strength = "SHARE"
	}
	if p.accept("of") {
		l.Of = p.objectNames()
	}
	switch {
	case p.accept("nowait"):
		l.Wait = "NOWAIT"
	case p.accepts("skip", "locked"):
		l.Wait = "SKIP LOCKED"
	}
	s.Locking = append(s.Locking, l)
}

// simpleSelect translates SELECT ... WINDOW. The first field of the text is the node itself.
func (p *parser) simpleSelect() {
	core := &ast.SelectCore{Loc: p.loc()}
	p.advance()
	p.unit.emit("SELECT ")
	p.distinct(core)
	p.selectItems()
	if p.cur().is("into") {
		p.unsupported(p.pos(), "SELECT INTO")
	}
	if p.accept("from") {
		p.unit.emit(" FROM ")
		p.from()
	} else if p.cur().isAny("where", "group", "having", "window") {
		p.unit.emit(" FROM `dual` AS ")
		p.unit.emitRef(noFrom{})
	}
	if p.accept("where") {
		p.unit.emit(" WHERE ")
		p.expr()
	}
	if p.cur().is("group") {
		p.groupBy()
	}
	if p.accept("having") {
		p.unit.emit(" HAVING ")
		p.expr()
	}
	if p.accept("window") {
		p.windows()
	}
}

// noFrom stands for the table of a SELECT without FROM.
type noFrom struct{ ast.Loc }

// distinct translates [ALL | DISTINCT [ON (...)]] and emits the node of the SELECT.
func (p *parser) distinct(core *ast.SelectCore) {
	if !p.accept("distinct") {
		p.accept("all")
		p.unit.leaf(core)
		return
	}
	core.Distinct = true
	if !p.accept("on") {
		p.unit.leaf(core)
		return
	}
	p.expectPunct("(")
	p.unit.marker(core, func(a []ast.Expr) { core.DistinctOn = a })
	p.exprs()
	p.expectPunct(")")
	p.unit.emit(")")
}

// selectItems translates the list of outputs, which may be empty; each has its node for an alias.
func (p *parser) selectItems() {
	if p.endOfItems() {
		return
	}
	for p.err == nil {
		p.unit.emit(",")
		p.selectItem()
		if !p.acceptPunct(",") {
			return
		}
	}
}

func (p *parser) endOfItems() bool {
	t := p.cur()
	return t.kind == tEOF || t.punct(";") || t.punct(")") ||
		t.isAny("from", "where", "group", "having", "window", "union", "intersect", "except", "order", "limit",
			"offset", "fetch", "for", "into")
}

func (p *parser) selectItem() {
	item := &ast.SelectItem{Loc: p.loc()}
	if p.cur().op("*") {
		p.unit.leaf(&ast.ColumnRef{Loc: p.loc(), Star: true})
		p.advance()
	} else {
		p.expr()
		item.Alias = p.itemAlias()
	}
	p.unit.emit(" AS ")
	p.unit.emitRef(item)
}

// itemAlias reads [AS] label.
func (p *parser) itemAlias() string {
	if p.accept("as") {
		return p.label()
	}
	t := p.cur()
	if t.kind == tQuoted || t.kind == tWord && !t.needsAS && !p.emitAhead() {
		return p.advance().word
	}
	return ""
}

// emitAhead reports whether the EMIT clause of a view is next, which is no alias.
func (p *parser) emitAhead() bool {
	return p.next("emit", "changes") || p.next("emit", "on", "window")
}

// groupBy translates GROUP BY.
func (p *parser) groupBy() {
	p.expect("group", "by")
	if p.cur().is("distinct") {
		p.unsupported(p.pos(), "GROUP BY DISTINCT")
	}
	p.accept("all")
	p.unit.emit(" GROUP BY ")
	p.groupItems()
}

func (p *parser) groupItems() {
	for {
		p.groupItem()
		if !p.acceptPunct(",") {
			return
		}
		p.unit.emit(",")
	}
}

func (p *parser) groupItem() {
	p.enter()
	defer p.leave()
	n := &ast.GroupingSet{Loc: p.loc()}
	fill := func(a []ast.Expr) { n.Args = a }
	switch {
	case p.cur().punct("(") && p.at(1).punct(")"):
		p.i += 2
		p.unit.leaf(n)
		return
	case p.cur().is("rollup") && p.at(1).punct("("):
		n.Kind = ast.GroupRollup
		p.advance()
	case p.cur().is("cube") && p.at(1).punct("("):
		n.Kind = ast.GroupCube
		p.advance()
	case p.next("grouping", "sets"):
		n.Kind = ast.GroupSets
		p.i += 2
	default:
		p.expr()
		return
	}
	p.expectPunct("(")
	p.unit.marker(n, fill)
	p.groupItems()
	p.expectPunct(")")
	p.unit.emit(")")
}

// windows translates the WINDOW clause.
func (p *parser) windows() {
	p.unit.emit(" WINDOW ")
	for {
		w := &ast.NamedWindow{Loc: p.loc(), Name: p.name()}
		p.expect("as")
		w.Spec = &ast.WindowSpec{Loc: p.loc()}
		p.unit.emitRef(w)
		p.unit.emit(" AS ")
		p.windowSpecInto(w.Spec)
		if !p.acceptPunct(",") {
			return
		}
		p.unit.emit(",")
	}
}

// tableQuery translates TABLE name.
func (p *parser) tableQuery() {
	core := &ast.SelectCore{Loc: p.loc()}
	item := &ast.SelectItem{Loc: p.loc()}
	p.advance()
	p.unit.emit("SELECT ")
	p.unit.leaf(core)
	p.unit.emit(",")
	p.unit.leaf(&ast.ColumnRef{Loc: item.Loc, Star: true})
	p.unit.emit(" AS ")
	p.unit.emitRef(item)
	p.unit.emit(" FROM ")
	p.tableName(&ast.TableName{Loc: p.loc()})
}

// with translates a WITH clause.
func (p *parser) with() {
	p.expect("with")
	p.unit.emit("WITH ")
	if p.accept("recursive") {
		p.unit.emit("RECURSIVE ")
	}
	for {
		p.cte()
		if !p.acceptPunct(",") {
			break
		}
		p.unit.emit(",")
	}
	p.unit.emit(" ")
}

// cteHead reads the part of a CTE before its statement.
func (p *parser) cteHead() *ast.CTE {
	c := &ast.CTE{Loc: p.loc(), Name: p.name()}
	if p.cur().punct("(") {
		c.Columns = p.parenNames()
	}
	p.expect("as")
	switch {
	case p.accept("materialized"):
		c.Materialize = ast.CTEMaterialized
	case p.accepts("not", "materialized"):
		c.Materialize = ast.CTENotMaterialized
	}
	return c
}

func (p *parser) cte() {
	c := p.cteHead()
	p.unit.emitRef(c)
	p.unit.emit(" AS ")
	if p.cur().punct("(") && p.dmlAhead(1) {
		p.advance()
		p.unit.emit("(SELECT 1)")
		c.Stmt = p.dml()
		p.expectPunct(")")
	} else {
		p.subquery()
	}
	if p.cur().isAny("search", "cycle") {
		p.unsupported(p.pos(), upper(p.cur().word)+" clause of a recursive query")
	}
}

// dmlAhead reports whether the statement that begins n tokens ahead is INSERT, UPDATE or DELETE, after
// its WITH clause if it has one.
func (p *parser) dmlAhead(n int) bool {
	t := p.at(n)
	if !t.is("with") {
		return t.isAny("insert", "update", "delete")
	}
	for i := p.i + n + 1; i < len(p.toks); i++ {
		switch t := &p.toks[i]; {
		case t.punct("("):
			if i = p.closing(i); i == 0 {
				return false
			}
		case t.isAny("insert", "update", "delete"):
			return !p.toks[i-1].punct(",") && !p.toks[i-1].is("recursive")
		case t.punct(")"), t.punct(";"), t.isAny("select", "values", "table"):
			return false
		}
	}
	return false
}
