package engine

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// rowCheck makes the function by which a source checks the CHECK constraints of the rows it reads.
func (e *Engine) rowCheck(meta *catalog.Relation) (func(b *vec.Batch, from int) error, error) {
	checks, err := physical.DecodeChecks(meta.RowChecks)
	if err != nil {
		return nil, err
	}
	fc := e.stepCtx(0)
	w := &rowWriter{meta: meta, fc: fc}
	for _, c := range checks {
		p, err := expr.Compile(c.Expr)
		if err != nil {
			return nil, err
		}
		w.checks, w.names = append(w.checks, p), append(w.names, c.Name)
	}
	return func(b *vec.Batch, from int) error {
		now := e.clock()
		fc.Now, fc.TxnNow, fc.Env = now, now, &types.Env{Now: now}
		for i := from; i < b.N; i++ {
			if b.Weight(i) < 0 {
				continue // only its key counts
			}
			if err := w.check(b.Slice(i, i+1)); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func (e *Engine) clock() int64 {
	e.publish.RLock()
	defer e.publish.RUnlock()
	return e.core.now()
}
