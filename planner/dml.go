package planner

import (
	"slices"

	"github.com/millracedb/millrace/planner/bind"
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/expr"
)

// returned makes the fields of RETURNING.
func (p *planning) returned(w *bind.Write, list []expr.Expr) []physical.Field {
	if list == nil {
		return nil
	}
	p.fields = make([]physical.Field, len(list))
	for i, e := range list {
		p.fields[i] = physical.Field{Name: w.Names[i], Type: e.Type()}
	}
	p.origins = rowOrigins(w.Rel.ID, w.Row, w.Returning)
	return p.fields
}

func (p *planning) insert(w *bind.Write) (physical.Statement, error) {
	q, err := p.query(w.Query)
	if err != nil {
		return nil, err
	}
	ins := &physical.Insert{Rel: w.Rel.ID, Query: q}
	if ins.Checks, err = p.checks(w.Checks, w.Row); err != nil {
		return nil, err
	}
	if ins.Returning, err = p.exprs(w.Returning, w.Row); err != nil {
		return nil, err
	}
	if w.Conflict != nil {
		both := slices.Concat(w.Row, w.Excluded)
		c := &physical.OnConflict{Target: w.Conflict.Target}
		if c.Update, err = p.exprs(w.Conflict.Update, both); err != nil {
			return nil, err
		}
		if c.Where, err = p.expr(w.Conflict.Where, both); err != nil {
			return nil, err
		}
		ins.OnConflict = c
	}
	ins.Fields = p.returned(w, ins.Returning)
	q.Subplans = p.l.Subplans()
	return ins, nil
}

func (p *planning) update(w *bind.Write) (physical.Statement, error) {
	q, err := p.query(w.Query)
	if err != nil {
		return nil, err
	}
	u := &physical.Update{Rel: w.Rel.ID, Query: q}
	if u.Checks, err = p.checks(w.Checks, w.Row); err != nil {
		return nil, err
	}
	if u.Returning, err = p.exprs(w.Returning, slices.Concat(w.Row, w.Rest)); err != nil {
		return nil, err
	}
	u.Fields = p.returned(w, u.Returning)
	q.Subplans = p.l.Subplans()
	return u, nil
}

func (p *planning) delete(w *bind.Write) (physical.Statement, error) {
	q, err := p.query(w.Query)
	if err != nil {
		return nil, err
	}
	d := &physical.Delete{Rel: w.Rel.ID, Query: q}
	if d.Returning, err = p.exprs(w.Returning, slices.Concat(w.Row, w.Rest)); err != nil {
		return nil, err
	}
	d.Fields = p.returned(w, d.Returning)
	q.Subplans = p.l.Subplans()
	return d, nil
}

func (p *planning) copy(stmt *ast.Copy) (physical.Statement, error) {
	if !stmt.From {
		q, err := p.b.CopyTo(stmt)
		return p.returning(q, err)
	}
	c, err := p.b.CopyFrom(stmt)
	if err != nil {
		return nil, err
	}
	out := &physical.CopyPlan{Rel: c.Rel.ID, Cols: c.Cols, Defaults: make([]expr.Expr, len(c.Defaults))}
	for _, i := range c.Cols {
		out.Fields = append(out.Fields, physical.Field{Name: c.Rel.Columns[i].Name, Type: c.Rel.Columns[i].Type})
	}
	for i, e := range c.Defaults {
		if out.Defaults[i], err = p.expr(e, []logical.ColID{}); err != nil {
			return nil, err
		}
	}
	if out.Checks, err = p.checks(c.Checks, c.Row); err != nil {
		return nil, err
	}
	out.Where, err = p.expr(c.Where, c.Row)
	return out, err
}
