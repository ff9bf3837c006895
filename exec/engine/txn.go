package engine

import (
	"context"
	"slices"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// txn is a transaction. It buffers what it writes; nothing of it is seen by others before its epoch is published.
type txn struct {
	e    *Engine
	opts TxnOptions

	pins *pin              // nil until the first statement that reads
	cat  *catalog.Snapshot // with own DDL; nil: the newest

	streams []*streamWrite
	tables  []*tableChange
	ddl     []*catalogChange
	undo    undoLog
	bytes   int64

	// again is the transaction's only statement, to run anew on an empty transaction at the cut: a single statement never
	// conflicts (D3).
	again   write
	writes  int            // write statements so far
	overlay []*tableChange // at the cut: earlier changes of the epoch, oldest first
	atCut   bool
	done    bool

	req   request         // of Commit
	first streamWrite     // the memory of the only one, as a rule
	list  [1]*streamWrite // of streams
}

// streamWrite is a run of rows for one stream.
type streamWrite struct {
	id   catalog.ID
	rows *vec.Batch
	// logTxn is the transaction number under which the rows are in the log already; 0: not yet.
	logTxn uint64
}

// Begin starts a transaction.
func (e *Engine) Begin(o TxnOptions) Txn { return &txn{e: e, opts: o} }

// Catalog is the catalog the transaction sees.
func (t *txn) Catalog() *catalog.Snapshot {
	if t.cat != nil {
		return t.cat
	}
	return t.e.Catalog()
}

// relation finds a relation of the catalog that the transaction sees.
func (t *txn) relation(id catalog.ID) (*catalog.Relation, error) {
	if r := t.Catalog().Relation(id); r != nil {
		return r, nil
	}
	return nil, pgerr.Newf(pgerr.UndefinedTable, "relation with OID %d does not exist", id)
}

// dropped reports whether the transaction itself drops a relation.
func (t *txn) dropped(id catalog.ID) bool {
	for _, ch := range t.ddl {
		if slices.Contains(ch.Drop, id) {
			return true
		}
	}
	return false
}

// tableChange returns the change of a table, made on first use.
func (t *txn) tableChange(meta *catalog.Relation) *tableChange {
	for _, c := range t.tables {
		if c.meta.ID == meta.ID {
			return c
		}
	}
	c := newTableChange(meta)
	t.tables = append(t.tables, c)
	return c
}

// overlays are the changes of a table that the transaction sees over its pinned state, oldest first.
func (t *txn) overlays(id catalog.ID) []*tableChange {
	var out []*tableChange
	for _, c := range t.overlay {
		if c.meta.ID == id {
			out = append(out, c)
		}
	}
	for _, c := range t.tables {
		if c.meta.ID == id && len(c.order) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// grow accounts for n bytes more.
func (t *txn) grow(n int64) error {
	t.bytes += n
	if t.bytes > t.e.opts.MaxTransactionSize {
		return pgerr.Newf(pgerr.ProgramLimitExceeded, "transaction is larger than max_transaction_size (%d bytes)",
			t.e.opts.MaxTransactionSize).WithHint("Load the data in several transactions.")
	}
	return nil
}

// savepoint positions: undo entries, stream writes, ddl and the catalog of that moment.
type savepoint struct {
	undo, streams, ddl int
	cat                *catalog.Snapshot
	bytes              int64
}

// Savepoint marks the present state. The number is only valid until an earlier one is rolled back to.
func (t *txn) Savepoint() Mark {
	return Mark{savepoint{len(t.undo.entries), len(t.streams), len(t.ddl), t.cat, t.bytes}}
}

// RollbackTo undoes everything after the mark.
func (t *txn) RollbackTo(m Mark) {
	t.undo.rollback(m.undo)
	t.dropStreams(m.streams)
	t.dropDDL(m.ddl)
	t.cat, t.bytes = m.cat, m.bytes
}

func (t *txn) dropStreams(from int) {
	for _, w := range t.streams[from:] {
		if w.logTxn != 0 {
			t.e.store().Abort(w.logTxn)
		}
	}
	t.streams = t.streams[:from]
}

func (t *txn) empty() bool {
	if len(t.streams) > 0 || len(t.ddl) > 0 {
		return false
	}
	for _, c := range t.tables {
		if len(c.order) > 0 {
			return false
		}
	}
	return true
}

// Commit makes the transaction durable and visible.
func (t *txn) Commit(ctx context.Context) error {
	if t.done {
		return nil
	}
	if t.empty() {
		t.finish()
		return nil
	}
	t.releasePins() // long waits must not keep pages
	if ctx.Err() != nil {
		t.Rollback()
		return context.Cause(ctx)
	}
	t.req.txn = t
	err := t.e.submit(&t.req)
	t.done = true
	return err
}

// Rollback drops the transaction.
func (t *txn) Rollback() {
	if t.done {
		return
	}
	t.dropStreams(0)
	t.dropDDL(0)
	t.tables, t.undo = nil, undoLog{}
	t.finish()
}

func (t *txn) finish() {
	t.done = true
	t.releasePins()
}

func (t *txn) releasePins() {
	if t.pins != nil {
		t.pins.release()
		t.pins = nil
	}
}
