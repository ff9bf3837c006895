package parser

import (
	"log/slog"
	"strconv"

	tast "github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
)

// decoder turns TiDB's tree of one unit into ours.
type decoder struct {
	u   *unit
	err *pgerr.Error
}

// decode parses the unit's text with TiDB and gives its trees to those who wait for them. The main
// query is returned, nil if the unit has only roots.
func (u *unit) decode() (*ast.Select, *pgerr.Error) {
	text := u.assemble()
	if text == "" {
		return nil, nil
	}
	d := decoder{u: u}
	var main *ast.Select
	err := parseTiDB(text, func(stmts []tast.StmtNode) {
		if len(u.main.pieces) > 0 && len(stmts) > 0 {
			main = d.query(stmts[0])
			stmts = stmts[1:]
		}
		d.roots(stmts)
	})
	if err != nil {
		// The translator let through what it should have refused, or emitted wrong text.
		slog.Error("translated statement does not parse", "text", text, "error", err)
		return nil, pgerr.Newf(pgerr.Internal, "translated statement does not parse: %v", err)
	}
	return main, d.err
}

func (d *decoder) roots(stmts []tast.StmtNode) {
	if len(d.u.roots) == 0 {
		return
	}
	var sel *tast.SelectStmt
	if len(stmts) == 1 {
		sel, _ = stmts[0].(*tast.SelectStmt)
	}
	if sel == nil || len(sel.Fields.Fields) != len(d.u.roots) {
		d.fail("roots", nil)
		return
	}
	for i, f := range sel.Fields.Fields {
		if e := d.expr(f.Expr); d.err == nil {
			d.u.roots[i].set(e)
		}
	}
}

// fail reports a tree that the translator does not emit.
func (d *decoder) fail(where string, n any) {
	if d.err == nil {
		d.err = pgerr.Newf(pgerr.Internal, "unexpected %T in translated %s", n, where)
	}
}

// loc is the source position of the node that begins at an offset of the text.
func (d *decoder) loc(n tast.ExprNode) ast.Loc {
	m, _ := d.u.find(n.OriginTextPosition())
	return ast.Loc(max(m.pos, 0))
}

// holeAt is the hole of a ?.
func (d *decoder) holeAt(n tast.ExprNode) *hole {
	if h, ok := n.(*holeExpr); ok {
		if m, ok := d.u.find(h.off); ok && m.hole >= 0 {
			return &d.u.holes[m.hole]
		}
	}
	d.fail("hole", n)
	return &hole{}
}

// ref is the node behind an identifier that emitRef made.
func (d *decoder) ref(name string) ast.Node {
	i, err := strconv.Atoi(name)
	if err != nil || i >= len(d.u.holes) {
		d.fail("reference", name)
		return nil
	}
	return d.u.holes[i].node
}

func (d *decoder) exprs(list []tast.ExprNode) []ast.Expr {
	if len(list) == 0 {
		return nil
	}
	out := make([]ast.Expr, len(list))
	for i, e := range list {
		out[i] = d.expr(e)
	}
	return out
}

// placeholder is returned after a failure, so that fills need not look.
var placeholder = &ast.Literal{}

// expr decodes an expression.
func (d *decoder) expr(n tast.ExprNode) ast.Expr {
	switch n := n.(type) {
	case *holeExpr:
		if e, ok := d.holeAt(n).node.(ast.Expr); ok {
			return e
		}
	case *tast.ParenthesesExpr:
		return d.parens(n)
	case *tast.ColumnNameExpr:
		return d.column(n)
	case *tast.FuncCallExpr:
		return d.call(n)
	case *tast.WindowFuncExpr:
		return d.windowFunc(n)
	case *tast.SubqueryExpr:
		return &ast.ScalarSubquery{Loc: d.loc(n), Query: d.query(n.Query)}
	case *tast.ExistsSubqueryExpr:
		return d.exists(n)
	case *tast.CaseExpr:
		return d.caseExpr(n)
	}
	d.fail("expression", n)
	return placeholder
}

// parens decodes ( ), which the translator puts around every native operator and nothing else. The
// operator's source position is where the ( is.
func (d *decoder) parens(n *tast.ParenthesesExpr) ast.Expr {
	at := d.loc(n)
	switch e := n.Expr.(type) {
	case *tast.BinaryOperationExpr:
		op, ok := binaryOps[e.Op]
		if !ok {
			d.fail("operator "+e.Op.String(), e)
			return placeholder
		}
		return &ast.Binary{Loc: at, Op: op, Left: d.expr(e.L), Right: d.expr(e.R)}
	case *tast.UnaryOperationExpr:
		if e.Op == opcode.Not || e.Op == opcode.Not2 {
			return &ast.Not{Loc: at, Arg: d.expr(e.V)}
		}
	case *tast.ExistsSubqueryExpr:
		if e.Not { // TiDB folds the NOT in
			return &ast.Not{Loc: at, Arg: &ast.Exists{Loc: d.loc(e), Query: d.subquery(e.Sel)}}
		}
	case *tast.IsNullExpr:
		return &ast.IsNull{Loc: at, Arg: d.expr(e.Expr), Not: e.Not}
	case *tast.BetweenExpr:
		return &ast.Between{Loc: at, Arg: d.expr(e.Expr), Low: d.expr(e.Left), High: d.expr(e.Right), Not: e.Not}
	case *tast.PatternInExpr:
		in := &ast.In{Loc: at, Left: d.expr(e.Expr), Not: e.Not}
		if e.Sel != nil {
			in.Query = d.subquery(e.Sel)
		} else {
			in.List = d.exprs(e.List)
		}
		return in
	}
	d.fail("parentheses", n.Expr)
	return placeholder
}

// binaryOps names the opcodes that the translator lets TiDB parse.
var binaryOps = map[opcode.Op]string{
	opcode.Plus: "+", opcode.Minus: "-", opcode.Mul: "*", opcode.Div: "/", opcode.Mod: "%",
	opcode.EQ: "=", opcode.NE: "<>", opcode.LT: "<", opcode.GT: ">", opcode.LE: "<=", opcode.GE: ">=",
}

func (d *decoder) column(n *tast.ColumnNameExpr) ast.Expr {
	c := &ast.ColumnRef{Loc: d.loc(n), Parts: make([]string, 0, 3)}
	for _, part := range []string{n.Name.Schema.O, n.Name.Table.O, n.Name.Name.O} {
		if part != "" {
			c.Parts = append(c.Parts, part)
		}
	}
	return c
}

// call decodes a function call, or a marker.
func (d *decoder) call(n *tast.FuncCallExpr) ast.Expr {
	if n.FnName.O == markerName && n.Schema.O == "" {
		e, ok := d.marker(n).(ast.Expr)
		if !ok {
			d.fail("marker", n)
			return placeholder
		}
		return e
	}
	fc := &ast.FuncCall{Loc: d.loc(n)}
	if n.Schema.O != "" {
		fc.Name = []string{n.Schema.O, n.FnName.O}
	} else {
		fc.Name = []string{n.FnName.O}
	}
	fc.Args = d.exprs(n.Args)
	return fc
}

// marker completes the node of a marker with its operands.
func (d *decoder) marker(n tast.ExprNode) ast.Node {
	c, ok := n.(*tast.FuncCallExpr)
	if !ok || c.FnName.O != markerName || len(c.Args) == 0 {
		return d.holeAt(n).node
	}
	h := d.holeAt(c.Args[0])
	args := d.exprs(c.Args[1:])
	if d.err == nil && h.fill != nil {
		h.fill(args)
	}
	return h.node
}

func (d *decoder) windowFunc(n *tast.WindowFuncExpr) ast.Expr {
	var fc *ast.FuncCall
	if len(n.Args) == 1 {
		fc, _ = d.expr(n.Args[0]).(*ast.FuncCall)
	}
	if fc == nil {
		d.fail("window function", n)
		return placeholder
	}
	fc.Over = d.windowSpec(&n.Spec)
	return fc
}

func (d *decoder) windowSpec(n *tast.WindowSpec) *ast.WindowSpec {
	w, ok := d.ref(n.Ref.O).(*ast.WindowSpec)
	if !ok {
		d.fail("window", n)
		return nil
	}
	if n.PartitionBy != nil {
		for _, item := range n.PartitionBy.Items {
			w.PartitionBy = append(w.PartitionBy, d.expr(item.Expr))
		}
	}
	w.OrderBy = d.sortList(n.OrderBy)
	return w
}

func (d *decoder) sortList(o *tast.OrderByClause) []*ast.SortItem {
	if o == nil {
		return nil
	}
	list := make([]*ast.SortItem, 0, len(o.Items))
	for _, item := range o.Items {
		t, ok := d.marker(item.Expr).(sortTerm)
		if !ok {
			d.fail("ORDER BY", item.Expr)
			return nil
		}
		list = append(list, t.SortItem)
	}
	return list
}

func (d *decoder) exists(n *tast.ExistsSubqueryExpr) ast.Expr {
	if n.Not {
		d.fail("EXISTS", n)
	}
	return &ast.Exists{Loc: d.loc(n), Query: d.subquery(n.Sel)}
}

func (d *decoder) subquery(n tast.ExprNode) *ast.Select {
	s, ok := n.(*tast.SubqueryExpr)
	if !ok {
		d.fail("subquery", n)
		return &ast.Select{}
	}
	return d.query(s.Query)
}

func (d *decoder) caseExpr(n *tast.CaseExpr) ast.Expr {
	c := &ast.Case{Loc: d.loc(n), Whens: make([]*ast.When, 0, len(n.WhenClauses))}
	if n.Value != nil {
		c.Arg = d.expr(n.Value)
	}
	for _, w := range n.WhenClauses {
		cond := d.expr(w.Expr)
		c.Whens = append(c.Whens, &ast.When{Loc: ast.Loc(cond.Pos()), Cond: cond, Result: d.expr(w.Result)})
	}
	if n.ElseClause != nil {
		c.Else = d.expr(n.ElseClause)
	}
	return c
}
