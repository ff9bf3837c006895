package engine

import (
	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/vec"
	"github.com/millracedb/millrace/storage"
)

// settle decides lateness, and puts everything into the log and before the dataflow, in one order: rows that are in the
// log already, then the rest.
func (ct *cut) settle() error {
	for _, early := range []bool{true, false} {
		for _, r := range ct.accepted {
			if r.txn == nil {
				continue
			}
			for _, w := range r.txn.streams {
				if (w.logTxn != 0) == early && !r.txn.dropped(w.id) {
					if err := ct.streamRows(w); err != nil {
						return err
					}
				}
			}
		}
	}
	for _, r := range ct.accepted {
		if r.part != nil {
			if err := ct.sourcePart(r.part); err != nil {
				return err
			}
		}
	}
	if err := ct.settleFeeds(); err != nil {
		return err
	}
	for _, c := range ct.changes {
		d := c.delta()
		if d.N == 0 {
			continue
		}
		ct.feed(c.meta.ID, d)
		ct.rec = appendBatch(ct.rec[:0], d)
		if err := ct.append(storage.Record{Rel: c.meta.ID, Kind: recDelta, Payload: ct.rec}); err != nil {
			return err
		}
	}
	for id, late := range ct.late {
		if err := ct.append(storage.Record{Rel: id, Kind: recLate, Payload: appendLate(nil, late)}); err != nil {
			return err
		}
	}
	return nil
}

// streamRows settles rows of a stream.
func (ct *cut) streamRows(w *streamWrite) error {
	if w.logTxn != 0 {
		ct.logTxns = append(ct.logTxns, w.logTxn)
	} else {
		ct.rec = appendBatch(ct.rec[:0], w.rows)
		if err := ct.append(storage.Record{Rel: w.id, Kind: recRows, Payload: ct.rec}); err != nil {
			return err
		}
	}
	ct.feedStream(w.id, w.rows, nil)
	return nil
}

// feedStream decides the lateness of rows of a stream and gives them to the dataflow.
func (ct *cut) feedStream(id catalog.ID, b *vec.Batch, runs []connect.Run) {
	r := ct.relation(id)
	if r.meta.Watermark == nil {
		ct.feed(id, b)
		return
	}
	ct.undo = append(ct.undo, r.stream.undo())
	late := r.stream.settle(r.meta.Watermark, b, runs)
	for _, row := range late {
		ct.late[id] = append(ct.late[id], ct.rows[id]+row)
	}
	ct.rows[id] += b.N
	ct.feed(id, withLate(b, late))
}

func (ct *cut) feed(id catalog.ID, b *vec.Batch) {
	ct.inputs[id] = append(ct.inputs[id], b)
	ct.e.stats.RowsIn.Add(int64(b.N))
}

// append puts records into the log under the epoch's own transaction.
func (ct *cut) append(recs ...storage.Record) error {
	if ct.own == 0 {
		ct.own = ct.e.nextTxn.Add(1)
	}
	return ct.c.store.Append(ct.own, recs...)
}

// logPart puts the rows of w into the log ahead of its commit.
func (e *Engine) logPart(w *streamWrite) error {
	rec := storage.Record{Rel: w.id, Kind: recRows, Payload: appendBatch(nil, w.rows)}
	if err := e.store().Append(w.logTxn, rec); err != nil {
		return storeError(err)
	}
	return nil
}

func (e *Engine) store() *storage.Store {
	e.publish.RLock()
	defer e.publish.RUnlock()
	return e.core.store
}

// finishLog completes the epoch's records: the catalog change in front, the meta record behind.
func (ct *cut) finishLog() (txns []uint64, last storage.Record, err error) {
	txns = ct.txns[:0]
	for _, ch := range ct.ddl {
		// Their own transaction, named first, so that replay meets the change before the rows.
		txn := ct.e.nextTxn.Add(1)
		if err := ct.c.store.Append(txn, storage.Record{Kind: recChange, Payload: ch.encode()}); err != nil {
			return nil, last, err
		}
		txns = append(txns, txn)
	}
	txns = append(txns, ct.logTxns...)
	if ct.own != 0 {
		txns = append(txns, ct.own)
	}
	ct.txns = txns
	ct.meta.Clock = ct.clock
	ct.meta.Seqs = ct.e.seqs.takeDirty()
	ct.last = ct.meta.append(ct.last[:0])
	return txns, storage.Record{Kind: recMeta, Payload: ct.last}, nil
}
