package bind

import (
	"strconv"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

var setOpNames = map[ast.SetOpKind]string{ast.Union: "UNION", ast.Intersect: "INTERSECT", ast.Except: "EXCEPT"}

func errSetWidth(op *ast.SetOp, right *result) error {
	e := pgerr.Newf(pgerr.SyntaxError, "each %s query must have the same number of columns", setOpNames[op.Op])
	if len(right.cols) > 0 {
		return e.At(right.cols[0].pos)
	}
	return e.At(op.Right.Pos())
}

// setOp binds UNION, INTERSECT and EXCEPT. A chain to the left is bound without recursion as deep as it is long.
func (b *Binder) setOp(op *ast.SetOp, s *scope) (*result, error) {
	chain := []*ast.SetOp{op}
	left := op.Left
	for {
		l, ok := left.(*ast.SetOp)
		if !ok {
			break
		}
		chain = append(chain, l)
		left = l.Left
	}
	acc, err := b.body(left, s.child())
	if err != nil {
		return nil, err
	}
	for i := len(chain) - 1; i >= 0; i-- {
		r, err := b.operand(chain[i].Right, s)
		if err != nil {
			return nil, err
		}
		if acc, err = b.combine(chain[i], acc, r); err != nil {
			return nil, err
		}
	}
	return acc, nil
}

func (b *Binder) operand(q ast.Query, s *scope) (*result, error) {
	if err := b.enter(); err != nil {
		return nil, err
	}
	defer func() { b.depth-- }()
	return b.body(q, s.child())
}

// combine applies one set operation: the types of each pair of columns are brought together.
func (b *Binder) combine(op *ast.SetOp, l, r *result) (*result, error) {
	if len(l.cols) != len(r.cols) {
		return nil, errSetWidth(op, r)
	}
	out := &result{}
	var ids []logical.ColID
	for i := range l.cols {
		pair, t, err := b.common(setOpNames[op.Op], []expr.Expr{l.cols[i].e, r.cols[i].e}, []int{l.cols[i].pos, r.cols[i].pos})
		if err != nil {
			return nil, err
		}
		if !op.All || op.Op != ast.Union {
			if err := checkGroupable(pair[0], l.cols[i].pos); err != nil {
				return nil, err
			}
		}
		l.cols[i].e, r.cols[i].e = pair[0], pair[1]
		id := b.meta.Add(l.cols[i].name, t)
		ids = append(ids, id)
		out.cols = append(out.cols, outCol{name: l.cols[i].name, e: b.meta.Var(id), pos: l.cols[i].pos})
	}
	b.compute(l)
	b.compute(r)
	switch op.Op {
	case ast.Union:
		out.node = union(l, r, ids)
		if !op.All {
			out.node = &logical.Distinct{Input: out.node, Cols: ids}
		}
	default:
		out.node = &logical.SetOp{Left: l.node, Right: r.node, LeftCols: l.ids(), RightCols: r.ids(), Out: ids,
			Except: op.Op == ast.Except, All: op.All}
	}
	return out, nil
}

// union adds r to l, into l's own Union where l is nothing more than one.
func union(l, r *result, ids []logical.ColID) logical.Node {
	if u, ok := l.node.(*logical.Union); ok && sameIDs(u.Out, l.ids()) {
		return &logical.Union{In: append(u.In, r.node), Cols: append(u.Cols, r.ids()), Out: ids}
	}
	return &logical.Union{In: []logical.Node{l.node, r.node}, Cols: [][]logical.ColID{l.ids(), r.ids()}, Out: ids}
}

func sameIDs(a, b []logical.ColID) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// values binds VALUES as a query: the rows' types are brought together column by column.
func (b *Binder) values(v *ast.Values, s *scope) (*result, error) {
	n := v.NumRows()
	width := v.NumCols(0)
	x := exprs{b: b, scope: s, clause: "VALUES"}
	rows := make([][]expr.Expr, n)
	for i := range rows {
		if v.NumCols(i) != width {
			return nil, pgerr.New(pgerr.SyntaxError, "VALUES lists must all be the same length").At(v.Cell(i, 0).Pos())
		}
		rows[i] = make([]expr.Expr, width)
		for j := range width {
			cell := v.Cell(i, j)
			if _, ok := cell.(*ast.Default); ok {
				return nil, pgerr.New(pgerr.SyntaxError, "DEFAULT is not allowed in this context").At(cell.Pos())
			}
			e, err := x.bind(cell)
			if err != nil {
				return nil, err
			}
			rows[i][j] = e
		}
	}
	names := make([]string, width)
	for j := range names {
		names[j] = "column" + strconv.Itoa(j+1)
	}
	if n == 1 {
		return b.oneRowOf(names, rows[0]), nil
	}
	return b.valuesNode(v, names, rows)
}

// oneRowOf is a single row whose columns still may get their types from what uses them.
func (b *Binder) oneRowOf(names []string, row []expr.Expr) *result {
	r := &result{node: oneRow()}
	for j, e := range row {
		r.cols = append(r.cols, outCol{name: names[j], e: e, pos: posOf(e)})
	}
	return r
}

func (b *Binder) valuesNode(v *ast.Values, names []string, rows [][]expr.Expr) (*result, error) {
	node := &logical.Values{Rows: rows}
	r := &result{node: node}
	col, pos := make([]expr.Expr, len(rows)), make([]int, len(rows))
	for j, name := range names {
		for i := range rows {
			col[i], pos[i] = rows[i][j], v.Cell(i, j).Pos()
		}
		out, t, err := b.common("VALUES", col, pos)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			rows[i][j] = out[i]
		}
		id := b.meta.Add(name, types.Type{OID: t.OID, Mod: t.Mod})
		node.Cols = append(node.Cols, id)
		r.cols = append(r.cols, outCol{name: name, e: b.meta.Var(id), pos: pos[0]})
	}
	return r, nil
}
