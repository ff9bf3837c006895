package parser

import (
	"sort"

	"github.com/millracedb/millrace/sql/ast"
)

// unit collects the TiDB text of one statement and what that text cannot carry.
//
// Text is emitted in pieces, in source order. Every leaf (a constant, a parameter) and everything
// TiDB has no word for is a hole: a ? in the text whose node waits in holes. A construct TiDB lacks is
// a marker call, `::`(?, a, b): the decoder gives the decoded a and b to the hole's fill. Aliases in
// the text are hole numbers as well, since an alias can carry no positions, column lists or LATERAL.
//
// A root is a tree that some ast node waits for: set receives it after decoding.
type unit struct {
	out       *code // where text goes now
	main      code
	holes     []hole
	roots     []root
	maxParam  int
	prefixes  []prefix
	assembled []mark
}

// hole is one ? of the text.
type hole struct {
	node ast.Node
	fill func(args []ast.Expr) // completes node with the operands of its marker call
}

// root is an expression or query of the statement.
type root struct {
	code code
	set  func(ast.Expr) // a query arrives as *ast.ScalarSubquery
}

// code is a sequence of pieces.
type code struct{ pieces []piece }

// piece is one run of text. pos is the source offset that a node starting here decodes to, or -1.
type piece struct {
	text   string
	pos    int32
	hole   int32 // index of the hole that the first ? of text stands for, or -1
	before int32 // last of the prefixes put in front later, or -1
	quote  bool  // text is an identifier: backquote it
}

// prefix is a piece put in front of one that was already emitted: the ( of an operator whose left
// operand came first. Later ones go further out, so they form a list from the outermost inwards.
type prefix struct {
	piece
	next int32
}

// mark maps an offset in the assembled text to a source offset or a hole.
type mark struct {
	off  int
	pos  int32
	hole int32
}

func newUnit() *unit {
	u := &unit{}
	u.out = &u.main
	return u
}

// here is the index that the next piece will have.
func (u *unit) here() int { return len(u.out.pieces) }

// emit adds plain text.
func (u *unit) emit(text string) { u.emitAt(text, -1) }

// emitAt adds text at which a node begins.
func (u *unit) emitAt(text string, pos int) {
	u.out.pieces = append(u.out.pieces, piece{text: text, pos: int32(pos), hole: -1, before: -1})
}

// emitName adds an identifier.
func (u *unit) emitName(name string, pos int) {
	u.out.pieces = append(u.out.pieces, piece{text: name, pos: int32(pos), hole: -1, before: -1, quote: true})
}

// leaf adds a ? for a finished node.
func (u *unit) leaf(n ast.Node) { u.emitHole("?", u.hole(n, nil)) }

func (u *unit) emitHole(text string, h int) {
	u.out.pieces = append(u.out.pieces, piece{text: text, pos: -1, hole: int32(h), before: -1})
}

// hole makes a hole for n.
func (u *unit) hole(n ast.Node, fill func([]ast.Expr)) int {
	u.holes = append(u.holes, hole{n, fill})
	return len(u.holes) - 1
}

const (
	markerName = "::"
	// markerOpen begins a marker call with operands, markerBare one without.
	markerOpen = "`::`(?,"
	markerBare = "`::`(?"
)

// marker adds the beginning of a marker call; the caller emits its operands and the ).
func (u *unit) marker(n ast.Node, fill func([]ast.Expr)) { u.emitHole(markerOpen, u.hole(n, fill)) }

// wrap puts text in front of the piece at i, outside of what was put there before.
func (u *unit) wrap(i int, text string, pos int) {
	u.prefix(i, piece{text: text, pos: int32(pos), hole: -1})
}

// wrapMarker puts the beginning of a marker call in front of the piece at i.
func (u *unit) wrapMarker(i int, n ast.Node, fill func([]ast.Expr)) {
	u.prefix(i, piece{text: markerOpen, pos: -1, hole: int32(u.hole(n, fill))})
}

func (u *unit) prefix(i int, pc piece) {
	if i >= len(u.out.pieces) {
		return // an error left the operand out
	}
	at := &u.out.pieces[i]
	u.prefixes = append(u.prefixes, prefix{pc, at.before})
	at.before = int32(len(u.prefixes) - 1)
}

// fragment translates what body emits as a root of its own.
func (u *unit) fragment(body func(), set func(ast.Expr)) {
	saved := u.out
	c := &code{}
	u.out = c
	body()
	u.out = saved
	if len(c.pieces) == 1 && c.pieces[0].hole >= 0 && c.pieces[0].before < 0 {
		if e, ok := u.holes[c.pieces[0].hole].node.(ast.Expr); ok {
			set(e) // a constant or a parameter needs no TiDB
			return
		}
	}
	u.roots = append(u.roots, root{*c, set})
}

// assemble is the TiDB text of the unit: the main query if there is one, then one SELECT whose fields
// are the roots.
func (u *unit) assemble() string {
	var buf []byte
	buf = u.main.appendTo(buf, u)
	for i := range u.roots {
		switch {
		case i > 0:
			buf = append(buf, ',')
		case len(buf) > 0:
			buf = append(buf, ";SELECT "...)
		default:
			buf = append(buf, "SELECT "...)
		}
		buf = u.roots[i].code.appendTo(buf, u)
	}
	return string(buf)
}

func (c *code) appendTo(buf []byte, u *unit) []byte {
	for i := range c.pieces {
		pc := &c.pieces[i]
		for b := pc.before; b >= 0; b = u.prefixes[b].next {
			buf = u.prefixes[b].appendTo(buf, u)
		}
		buf = pc.appendTo(buf, u)
	}
	return buf
}

func (pc *piece) appendTo(buf []byte, u *unit) []byte {
	switch {
	case pc.hole >= 0:
		off := len(buf)
		for pc.text[off-len(buf)] != '?' {
			off++
		}
		u.assembled = append(u.assembled, mark{off, -1, pc.hole})
	case pc.pos >= 0:
		u.assembled = append(u.assembled, mark{len(buf), pc.pos, -1})
	}
	if pc.quote {
		return appendBackquoted(buf, pc.text)
	}
	return append(buf, pc.text...)
}

func appendBackquoted(buf []byte, name string) []byte {
	buf = append(buf, '`')
	for i := 0; i < len(name); i++ {
		if name[i] == '`' {
			buf = append(buf, '`')
		}
		buf = append(buf, name[i])
	}
	return append(buf, '`')
}

// find is the mark at an offset of the assembled text.
func (u *unit) find(off int) (mark, bool) {
	i := sort.Search(len(u.assembled), func(i int) bool { return u.assembled[i].off >= off })
	if i < len(u.assembled) && u.assembled[i].off == off {
		return u.assembled[i], true
	}
	return mark{pos: -1, hole: -1}, false
}
