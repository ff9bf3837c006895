package parser

import (
	"strconv"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
)

// emitRef emits an identifier that is the number of a hole: the way to hang a node on what TiDB knows
// by name only (aliases, windows, CTEs).
func (u *unit) emitRef(n ast.Node) {
	u.emit("`" + strconv.Itoa(u.hole(n, nil)) + "`")
}

// windowSpec translates (base PARTITION BY ... ORDER BY ... frame).
func (p *parser) windowSpec() { p.windowSpecInto(&ast.WindowSpec{Loc: p.loc()}) }

func (p *parser) windowSpecInto(w *ast.WindowSpec) {
	p.expectPunct("(")
	p.unit.emit("(")
	p.unit.emitRef(w)
	if p.cur().isName() && !p.cur().isAny("partition", "range", "rows", "groups") {
		w.Base = p.name()
	}
	if p.accepts("partition", "by") {
		p.unit.emit(" PARTITION BY ")
		p.exprs()
	}
	if p.accepts("order", "by") {
		p.sortList()
	}
	w.Frame = p.frame()
	p.expectPunct(")")
	p.unit.emit(")")
}

// sortList translates the terms of ORDER BY.
func (p *parser) sortList() {
	p.unit.emit(" ORDER BY ")
	for {
		s := &ast.SortItem{Loc: p.loc()}
		start := p.unit.here()
		p.expr()
		p.sortDirection(s)
		p.unit.wrapMarker(start, sortTerm{s}, func(a []ast.Expr) { s.Expr = a[0] })
		p.unit.emit(")")
		if !p.acceptPunct(",") {
			return
		}
		p.unit.emit(",")
	}
}

// sortTerm stands for an ORDER BY term where the decoder expects an expression.
type sortTerm struct{ *ast.SortItem }

// sortDirection reads ASC, DESC, USING op and NULLS FIRST or LAST.
func (p *parser) sortDirection(s *ast.SortItem) {
	switch {
	case p.accept("asc"):
	case p.accept("desc"):
		s.Desc = true
	case p.cur().is("using"):
		p.advance()
		if p.cur().kind != tOp && !p.cur().is("operator") {
			p.syntax()
			return
		}
		_, s.Using = p.operator()
	}
	switch {
	case p.accepts("nulls", "first"):
		s.Nulls = ast.NullsFirst
	case p.accepts("nulls", "last"):
		s.Nulls = ast.NullsLast
	}
}

// frame reads the frame clause; its offsets are roots of their own.
func (p *parser) frame() *ast.Frame {
	f := &ast.Frame{Loc: p.loc()}
	switch {
	case p.accept("range"):
		f.Mode = ast.FrameRange
	case p.accept("rows"):
		f.Mode = ast.FrameRows
	case p.accept("groups"):
		f.Mode = ast.FrameGroups
	default:
		return nil
	}
	at := p.pos()
	if p.accept("between") {
		p.bound(&f.Start)
		p.expect("and")
		at = p.pos()
		p.bound(&f.End)
	} else {
		p.bound(&f.Start)
		f.End.Kind = ast.CurrentRow
	}
	p.checkFrame(f, at)
	if p.accept("exclude") {
		p.exclude(f)
	}
	return f
}

func (p *parser) exclude(f *ast.Frame) {
	switch {
	case p.accepts("current", "row"):
		f.Exclude = ast.ExcludeCurrentRow
	case p.accept("group"):
		f.Exclude = ast.ExcludeGroup
	case p.accept("ties"):
		f.Exclude = ast.ExcludeTies
	default:
		p.expect("no", "others")
	}
}

func (p *parser) bound(b *ast.FrameBound) {
	switch {
	case p.accepts("unbounded", "preceding"):
		b.Kind = ast.UnboundedPreceding
	case p.accepts("unbounded", "following"):
		b.Kind = ast.UnboundedFollowing
	case p.accepts("current", "row"):
		b.Kind = ast.CurrentRow
	default:
		p.exprInto(func(e ast.Expr) { b.Offset = e })
		b.Kind = ast.OffsetFollowing
		if p.accept("preceding") {
			b.Kind = ast.OffsetPreceding
		} else {
			p.expect("following")
		}
	}
}

// checkFrame makes the checks of PostgreSQL's grammar.
func (p *parser) checkFrame(f *ast.Frame, at int) {
	wrong := ""
	switch {
	case f.Start.Kind == ast.UnboundedFollowing:
		wrong = "frame start cannot be UNBOUNDED FOLLOWING"
	case f.End.Kind == ast.UnboundedPreceding:
		wrong = "frame end cannot be UNBOUNDED PRECEDING"
	case f.Start.Kind == ast.OffsetFollowing && f.End.Kind == ast.OffsetPreceding:
		wrong = "frame starting from following row cannot have preceding rows"
	case f.Start.Kind == ast.OffsetFollowing && f.End.Kind == ast.CurrentRow:
		wrong = "frame starting from following row cannot end with current row"
	case f.Start.Kind == ast.CurrentRow && f.End.Kind == ast.OffsetPreceding:
		wrong = "frame starting from current row cannot have preceding rows"
	default:
		return
	}
	p.fail(pgerr.New(pgerr.WindowingError, wrong).At(at))
}
