package engine

import (
	"errors"
	"slices"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/storage"
)

// publish makes the epoch visible, all of it at once.
func (ct *cut) publish(res *dataflow.Result) {
	e := ct.e
	e.publish.Lock()
	defer e.publish.Unlock()
	ct.apply(res)
	e.stats.Epochs.Add(1)
}

// apply changes what readers see. It runs under the publish lock.
func (ct *cut) apply(res *dataflow.Result) {
	c := ct.c
	ct.noteRecent()
	for id, batches := range ct.inputs {
		r := c.rels[id]
		switch {
		case r == nil || len(batches) == 0:
		case r.table != nil:
			r.table.Apply(batches...)
			r.changed = ct.epoch
		case r.stream != nil:
			for _, b := range batches {
				r.stream.rows += int64(b.N)
			}
		}
	}
	failed := c.graph.Commit()
	ct.e.taps.note(ct.inputs, res)
	ct.noteSinks(res)
	c.errs.applyStep(ct.epoch, res.Errors)
	for _, se := range ct.errs {
		c.errs.change(ct.epoch, se)
	}
	for id, o := range ct.meta.Offsets {
		if c.offsets[id] == nil {
			c.offsets[id] = connect.Offsets{}
		}
		c.offsets[id].Merge(o)
	}
	for _, s := range slices.Concat(res.Suspended, failed) {
		c.suspend(ct.e, s)
	}
	c.epoch, c.clock = ct.epoch, ct.clock
	c.history.note(ct.epoch, ct.clock)
}

// noteRecent keeps the changes of tables for the blocks that do not see them.
func (ct *cut) noteRecent() {
	open := ct.e.blocks.Load() > 0
	for id := range ct.inputs {
		r := ct.c.rels[id]
		if r == nil || r.table == nil {
			continue
		}
		known := false
		for _, c := range ct.changes {
			if open && c.meta.ID == id {
				known = true
				r.recent.add(ct.epoch, c)
			}
		}
		if !known {
			r.recent.forget(ct.epoch)
		}
	}
}

// answer acknowledges the accepted requests, or tells them what became of the epoch.
func (ct *cut) answer(err error) {
	switch {
	case err == nil:
	case errors.Is(err, storage.ErrDiskFull):
		ct.abandon()
		err = storeError(err)
	default:
		ct.abandon()
		err = ct.e.recoverAfter(err)
	}
	for _, r := range ct.accepted {
		if r.part != nil && r.part.part.Release != nil {
			r.part.part.Release()
		}
		r.answer(err)
	}
	if err == nil {
		ct.e.stats.CommittedTxns.Add(int64(len(ct.accepted)))
	}
}

// abandon puts back what settling changed.
func (ct *cut) abandon() {
	for _, f := range slices.Backward(ct.undo) {
		f()
	}
	ct.e.seqs.markDirty(ct.meta.Seqs)
	if ct.own != 0 {
		ct.c.store.Abort(ct.own)
	}
	for _, txn := range ct.logTxns {
		ct.c.store.Abort(txn)
	}
}

// storeError gives a storage error its SQLSTATE.
func storeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, storage.ErrDiskFull):
		return pgerr.New(pgerr.DiskFull, "could not write: not enough free disk space").
			WithDetail("%v", err).WithHint("Free some space: writes are refused until then, reads go on.")
	case errors.Is(err, storage.ErrDamaged):
		return pgerr.Newf(pgerr.DataCorrupted, "%v", err)
	case errors.Is(err, storage.ErrClosed):
		return pgerr.New(pgerr.AdminShutdown, "the database system is shutting down")
	}
	var e *pgerr.Error
	if errors.As(err, &e) {
		return e
	}
	return pgerr.Newf(pgerr.IOError, "%v", err)
}
