package planner

import (
	"github.com/millracedb/millrace/planner/bind"
	"github.com/millracedb/millrace/planner/incr"
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/lower"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/planner/rewrite"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// Env is what a statement is planned against: the catalog version, the session's names and settings, and the types the
// client has given for parameters.
type Env = bind.Env

// Connectors checks the WITH options of a stream; exec/connect has them.
type Connectors = bind.Connectors

// Notice is a NOTICE for the client.
type Notice = bind.Notice

// Statement is a planned statement and what Describe tells about it.
type Statement struct {
	Plan    physical.Statement
	Params  []types.Type     // of $1.., inferred where the client gave none
	Fields  []physical.Field // of the rows the statement returns; nil: none
	Origins []Origin         // of Fields; nil: all are computed
	Notices []Notice
}

// Plan plans a statement: SELECT, DML, COPY, EXPLAIN and what changes the catalog. All others are the session's.
func Plan(stmt ast.Statement, env *Env) (Statement, error) {
	p := &planning{env: env, b: bind.New(env)}
	plan, err := p.statement(stmt)
	if err != nil {
		return Statement{}, err
	}
	params, err := p.b.Params()
	if err != nil {
		return Statement{}, err
	}
	setParams(plan, params)
	return Statement{Plan: plan, Params: params, Fields: p.fields, Origins: p.origins, Notices: p.b.Notices()}, nil
}

// planning is the planning of one statement.
type planning struct {
	env     *Env
	b       *bind.Binder
	l       *lower.Lowerer
	fields  []physical.Field
	origins []Origin
}

func (p *planning) statement(stmt ast.Statement) (physical.Statement, error) {
	switch stmt := stmt.(type) {
	case *ast.Select:
		q, err := p.b.Query(stmt)
		return p.returning(q, err)
	case *ast.Insert:
		w, err := p.b.Insert(stmt)
		if err != nil {
			return nil, err
		}
		return p.insert(w)
	case *ast.Update:
		w, err := p.b.Update(stmt)
		if err != nil {
			return nil, err
		}
		return p.update(w)
	case *ast.Delete:
		w, err := p.b.Delete(stmt)
		if err != nil {
			return nil, err
		}
		return p.delete(w)
	case *ast.Copy:
		return p.copy(stmt)
	case *ast.Explain:
		plan, err := p.explain(stmt)
		p.origins = nil
		return plan, err
	}
	d, err := p.ddl(stmt)
	if err != nil {
		return nil, err
	}
	if d == nil { // IF EXISTS found nothing
		return &physical.Drop{}, nil
	}
	return d.(physical.Statement), nil
}

// returning plans a query whose rows the client gets.
func (p *planning) returning(q *logical.Query, err error) (physical.Statement, error) {
	if err != nil {
		return nil, err
	}
	p.origins = origins(q)
	plan, err := p.query(q)
	if err != nil {
		return nil, err
	}
	p.fields = plan.Root.Fields()
	return plan, nil
}

// query runs the phases behind bind for one query.
func (p *planning) query(q *logical.Query) (*physical.Query, error) {
	rewrite.Query(q, rewrite.Options{Folder: logical.NewFolder(p.env.Funcs), AdHoc: true})
	p.lowerer()
	root, err := p.l.Query(q)
	if err != nil {
		return nil, err
	}
	return &physical.Query{Root: root, Subplans: p.l.Subplans(), Reads: p.b.Reads()}, nil
}

func (p *planning) lowerer() *lower.Lowerer {
	if p.l == nil {
		p.l = lower.New(p.b.Meta())
	}
	return p.l
}

// expr lowers an expression over columns, folding constants.
func (p *planning) expr(e expr.Expr, cols []logical.ColID) (expr.Expr, error) {
	if e == nil {
		return nil, nil
	}
	return p.lowerer().Expr(rewrite.Expr(e, logical.NewFolder(p.env.Funcs)), cols)
}

func (p *planning) exprs(list []expr.Expr, cols []logical.ColID) ([]expr.Expr, error) {
	if list == nil {
		return nil, nil
	}
	out := make([]expr.Expr, len(list))
	for i, e := range list {
		var err error
		if out[i], err = p.expr(e, cols); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p *planning) checks(list []bind.Check, row []logical.ColID) ([]physical.RowCheck, error) {
	var out []physical.RowCheck
	for _, c := range list {
		e, err := p.expr(c.Expr, row)
		if err != nil {
			return nil, err
		}
		out = append(out, physical.RowCheck{Name: c.Name, Expr: e})
	}
	return out, nil
}

// view plans the dataflow of a materialized view.
func (p *planning) view(c *physical.CreateRelation, q *logical.Query) error {
	folder := logical.NewFolder(p.env.Funcs)
	rewrite.Query(q, rewrite.Options{Folder: folder})
	key, err := incr.View(q, c.Rel.EmitOnClose)
	if err != nil {
		return err
	}
	l := p.lowerer()
	root, err := l.Query(q)
	if err != nil {
		return err
	}
	if len(l.Subplans()) > 0 {
		return pgerr.Unsupported("this kind of subquery in a materialized view")
	}
	c.View = &physical.View{Root: root, Key: key, Reads: p.b.Reads()}
	c.Rel.PrimaryKey = key
	return nil
}

// setParams tells the queries of a plan the types of the parameters.
func setParams(plan physical.Statement, params []types.Type) {
	switch s := plan.(type) {
	case *physical.Query:
		s.Params = params
	case *physical.Insert:
		s.Query.Params = params
	case *physical.Update:
		s.Query.Params = params
	case *physical.Delete:
		s.Query.Params = params
	case *physical.CreateRelation:
		if s.Query != nil {
			s.Query.Params = params
		}
	case *physical.ExplainPlan:
		if s.Stmt != nil {
			setParams(s.Stmt, params)
		}
	}
}
