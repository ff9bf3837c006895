package engine

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// rowWriter checks rows against a relation's constraints and computes RETURNING.
type rowWriter struct {
	meta      *catalog.Relation
	fc        *funcs.Ctx
	checks    []*expr.Program
	names     []string
	returning []*expr.Program
	isReturn  bool
	out       *vec.Batch
	rows      int64
	conflict  []*expr.Program
	where     *expr.Program
	one       [1]*vec.Batch // memory for the rows of the commonest statement
}

func (w *rowWriter) init(meta *catalog.Relation, checks []physical.RowCheck, returning []expr.Expr, fc *funcs.Ctx) error {
	w.meta, w.fc, w.isReturn = meta, fc, returning != nil
	for _, c := range checks {
		p, err := expr.Compile(c.Expr)
		if err != nil {
			return err
		}
		w.checks, w.names = append(w.checks, p), append(w.names, c.Name)
	}
	var err error
	w.returning, err = compileAll(returning)
	return err
}

func compileAll(es []expr.Expr) ([]*expr.Program, error) {
	var out []*expr.Program
	for _, e := range es {
		p, err := expr.Compile(e)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// check applies NOT NULL and CHECK to new rows.
func (w *rowWriter) check(b *vec.Batch) error {
	for k, c := range w.meta.Columns {
		if !c.NotNull || b.Cols[k].Nulls == nil {
			continue
		}
		for i := range b.N {
			if b.Cols[k].IsNull(i) {
				e := pgerr.Newf(pgerr.NotNullViolation, `null value in column "%s" of relation "%s" violates not-null constraint`,
					c.Name, w.meta.Name).WithDetail("Failing row contains %s.", rowText(b, len(w.meta.Columns), i, w.fc))
				e.Table, e.Column = w.meta.Name, c.Name
				return e
			}
		}
	}
	for k, p := range w.checks {
		v, err := w.eval(p, b)
		if err != nil {
			return err
		}
		for i := range b.N {
			if !v.IsNull(i) && !v.Bool(i) {
				e := pgerr.Newf(pgerr.CheckViolation, `new row for relation "%s" violates check constraint "%s"`, w.meta.Name, w.names[k]).
					WithDetail("Failing row contains %s.", rowText(b, len(w.meta.Columns), i, w.fc))
				e.Table, e.Constraint = w.meta.Name, w.names[k]
				return e
			}
		}
	}
	return nil
}

func (w *rowWriter) eval(p *expr.Program, b *vec.Batch) (*vec.Vec, error) {
	w.fc.Clear()
	v := p.Eval(w.fc, b, nil)
	if len(w.fc.Errors) > 0 {
		return nil, w.fc.Errors[0].Err
	}
	return v, nil
}

// conflictUpdate gives the new row of DO UPDATE for an (existing, excluded) pair, nil if WHERE says no.
func (w *rowWriter) conflictUpdate(oc *physical.OnConflict, pair *vec.Batch) (*vec.Batch, error) {
	if w.conflict == nil {
		var err error
		if w.conflict, err = compileAll(oc.Update); err != nil {
			return nil, err
		}
		if oc.Where != nil {
			if w.where, err = expr.Compile(oc.Where); err != nil {
				return nil, err
			}
		}
	}
	if w.where != nil {
		v, err := w.eval(w.where, pair)
		if err != nil || v.IsNull(0) || !v.Bool(0) {
			return nil, err
		}
	}
	out, err := w.project(w.conflict, pair)
	if err != nil {
		return nil, err
	}
	return out, w.check(out)
}

func (w *rowWriter) project(ps []*expr.Program, b *vec.Batch) (*vec.Batch, error) {
	out := &vec.Batch{N: b.N}
	for _, p := range ps {
		v, err := w.eval(p, b)
		if err != nil {
			return nil, err
		}
		c := vec.New(v.Type, b.N)
		c.AppendVec(v)
		out.Cols = append(out.Cols, c)
	}
	return out, nil
}

// computeReturning counts the rows of b and adds their RETURNING values to the result.
func (w *rowWriter) computeReturning(b *vec.Batch) error {
	for i := range b.N {
		w.rows += b.Weight(i)
	}
	if !w.isReturn {
		return nil
	}
	out, err := w.project(w.returning, b)
	if err != nil {
		return err
	}
	if w.out == nil {
		w.out = out
		return nil
	}
	w.out.Append(out)
	return nil
}

func (w *rowWriter) result() Result { return Result{Rows: w.rows, Returning: w.out} }
