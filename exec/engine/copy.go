package engine

import (
	"context"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// copyIn is a running COPY FROM. Rows become part of the transaction as they come; big parts of a stream's go to the log at
// once.
type copyIn struct {
	ctx  context.Context
	t    *txn
	w    rowWriter
	mark Mark
	rows int64
}

// CopyIn starts a bulk load of whole rows.
func (t *txn) CopyIn(ctx context.Context, rel catalog.ID, checks []physical.RowCheck, fc *funcs.Ctx) (CopyIn, error) {
	if t.opts.ReadOnly {
		return nil, pgerr.New(pgerr.ReadOnlySQLTransaction, "cannot execute COPY FROM in a read-only transaction")
	}
	meta, err := t.relation(rel)
	if err != nil {
		return nil, err
	}
	c := &copyIn{ctx: ctx, t: t, mark: t.Savepoint()}
	if err := c.w.init(meta, checks, nil, fc); err != nil {
		return nil, err
	}
	t.writes++
	return c, nil
}

func (c *copyIn) Write(b *vec.Batch) error {
	if err := context.Cause(c.ctx); err != nil {
		return err
	}
	if err := c.w.check(b); err != nil {
		return err
	}
	c.rows += int64(b.N)
	if c.w.meta.Kind != catalog.Stream {
		return c.t.insertRows(&c.w, b)
	}
	own := vec.NewBatch(b.Types(), b.N)
	own.Append(b)
	return c.t.addRows(c.w.meta.ID, own)
}

// Finish ends the load. In a Single transaction it commits.
func (c *copyIn) Finish() (int64, error) {
	if c.t.opts.Single {
		if err := c.t.Commit(c.ctx); err != nil {
			return 0, err
		}
	}
	return c.rows, nil
}

func (c *copyIn) Abort() { c.t.RollbackTo(c.mark) }
