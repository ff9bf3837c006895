package session

import (
	"github.com/millracedb/millrace/exec/engine"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// runPrepare is PREPARE name (types) AS statement.
func runPrepare(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Prepare)
	if s.prepared[n.Name] != nil {
		return outcome{}, pgerr.Newf(pgerr.DuplicatePreparedStatement, `prepared statement "%s" already exists`, n.Name)
	}
	p := newPrepared(n.Name, po.stmt.sql, &parser.Stmt{Node: n.Stmt, Params: po.stmt.inner})
	p.fromSQL = true
	switch n.Stmt.(type) {
	case *ast.Select, *ast.Insert, *ast.Update, *ast.Delete:
	default:
		return outcome{}, pgerr.Newf(pgerr.SyntaxError, "cannot prepare a %s statement", p.cmd.tag(n.Stmt)).At(n.Stmt.Pos())
	}
	for _, t := range n.Types {
		oid, ok := typeByName(t)
		if !ok {
			return outcome{}, pgerr.Newf(pgerr.UndefinedObject, `type "%s" does not exist`, t.Name).At(t.Pos())
		}
		p.declared = append(p.declared, oid)
	}
	if err := s.plan(p); err != nil {
		return outcome{}, err
	}
	p.described = true
	s.prepared[n.Name] = p
	return outcome{command: "PREPARE", count: noCount}, nil
}

func typeByName(t *ast.TypeName) (types.OID, bool) {
	oid, ok := types.ByTypName(t.Name)
	if ok && t.IsArray() {
		return types.ArrayOf(oid)
	}
	return oid, ok
}

func executeFields(s *Session, n ast.Statement) ([]physical.Field, error) {
	p, err := s.named(n.(*ast.Execute).Name)
	if err != nil {
		return nil, err
	}
	if p.made == nil {
		return nil, nil
	}
	return p.made.Fields, nil
}

func (s *Session) named(name string) (*prepared, error) {
	if p := s.prepared[name]; p != nil {
		return p, nil
	}
	return nil, pgerr.Newf(pgerr.InvalidSQLStatementName, `prepared statement "%s" does not exist`, name)
}

// runExecute is EXECUTE name (arguments).
func runExecute(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Execute)
	p, err := s.named(n.Name)
	if err != nil {
		return outcome{}, err
	}
	if p.node == nil {
		return outcome{}, nil
	}
	if err := s.plan(p); err != nil {
		return outcome{}, err
	}
	if err := s.permitted(p); err != nil {
		return outcome{}, err
	}
	params, err := s.arguments(p, n, po)
	if err != nil {
		return outcome{}, err
	}
	inner := newPortal("", p, params, nil)
	po.fields = inner.fields
	return p.cmd.run(s, inner)
}

// arguments evaluates the arguments of EXECUTE: a SELECT of them, cast to the parameters' types.
func (s *Session) arguments(p *prepared, n *ast.Execute, po *portal) ([]vec.Scalar, error) {
	if len(n.Args) != len(p.paramTypes) {
		return nil, pgerr.Newf(pgerr.SyntaxError, `wrong number of parameters for prepared statement "%s"`, n.Name).
			WithDetail("Expected %d parameters but got %d.", len(p.paramTypes), len(n.Args))
	}
	if len(n.Args) == 0 {
		return nil, nil
	}
	core := &ast.SelectCore{Loc: n.Loc}
	for i, a := range n.Args {
		core.Items = append(core.Items, &ast.SelectItem{Loc: n.Loc, Expr: &ast.Cast{
			Loc: n.Loc, Arg: a, Type: typeNameOf(p.paramTypes[i]),
		}})
	}
	made, err := s.planNode(&ast.Select{Loc: n.Loc, Body: core}, s.catalog(), nil)
	if err != nil {
		return nil, err
	}
	q, ok := made.Plan.(*physical.Query)
	if !ok {
		return nil, pgerr.New(pgerr.Internal, "the arguments of EXECUTE have no query")
	}
	tx := s.txn.tx
	if tx == nil {
		// The statement itself may be the only one of its transaction.
		tx = s.door.Begin(engine.TxnOptions{ReadOnly: true, Single: true})
		defer tx.Rollback()
	}
	ctx, done := s.statementContext()
	defer done()
	fc := s.evalCtx(ctx)
	fc.Params = po.params
	cur, err := tx.Query(ctx, q, fc)
	if err != nil {
		return nil, err
	}
	defer cur.Close()
	b, err := cur.Next()
	if err != nil {
		return nil, err
	}
	params := make([]vec.Scalar, len(n.Args))
	for i := range params {
		params[i] = b.Cols[i].At(0)
	}
	return params, nil
}

// typeNameOf writes a type as the parser would read it.
func typeNameOf(t types.Type) *ast.TypeName {
	if elem, ok := types.ElemOf(t.OID); ok && t.OID != types.Int2Vector && t.OID != types.OidVector {
		return &ast.TypeName{Schema: "pg_catalog", Name: elem.TypName(), Dims: []int{-1}}
	}
	return &ast.TypeName{Schema: "pg_catalog", Name: t.OID.TypName()}
}

func deallocateTag(n ast.Statement) string {
	if n.(*ast.Deallocate).All {
		return "DEALLOCATE ALL"
	}
	return "DEALLOCATE"
}

func runDeallocate(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Deallocate)
	if n.All {
		s.prepared = map[string]*prepared{}
	} else if _, err := s.named(n.Name); err != nil {
		return outcome{}, err
	} else {
		delete(s.prepared, n.Name)
	}
	return outcome{command: deallocateTag(n), count: noCount}, nil
}
