package engine

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
	"github.com/millracedb/millrace/storage"
)

// cut is one epoch in the making:
//
//	resolve each request -> append to the log -> commit (fsync) beside dataflow.Step -> publish -> acknowledge
type cut struct {
	e     *Engine
	c     *core
	epoch uint64
	clock int64

	accepted []*request
	changes  []*tableChange           // of accepted transactions, in order
	inputs   dataflow.Inputs          // what the dataflow is fed, by relation
	ddl      []*catalogChange         // only in an epoch of one DDL transaction
	made     map[catalog.ID]*relation // what ddl creates, until it is installed
	errs     []sourceError
	feeds    []*tableFeed // what connectors do to tables
	meta     epochMeta
	late     map[catalog.ID][]int
	rows     map[catalog.ID]int // rows so far of each stream

	logTxns []uint64 // transactions that are in the log already, in order
	own     uint64   // the log transaction of everything else
	undo    []func() // what to put back when the epoch comes to nothing

	step   step
	result *dataflow.Result // of compute
	work   func()           // ct.compute
	txns   []uint64         // of finishLog
	rec    []byte           // a record being made
	last   []byte           // the meta record
}

// step is the frame in which the dataflow runs, kept between epochs.
type step struct {
	dataflow.Step
	ctx funcs.Ctx
	env types.Env
}

// run is the engine goroutine: it makes the epochs that no writer makes itself (submit), and what is due by time.
func (e *Engine) run() {
	defer close(e.done)
	tick := time.NewTicker(e.opts.CheckpointEvery)
	defer tick.Stop()
	e.inTurn(e.housekeeping) // what was replayed goes into a checkpoint at once: a server that dies young replays no more each time
	for {
		select {
		case <-e.queue.wake:
			e.inTurn(func() { e.nextEpoch() })
		case <-tick.C:
			e.inTurn(e.housekeeping)
		case <-e.checkpointed:
			e.inTurn(e.pollCheckpoint)
		case <-e.ctx.Done():
			e.inTurn(func() {
				for e.nextEpoch() {
				}
				e.queue.close(e.stopped())
			})
			return
		}
	}
}

// inTurn runs f when it is the turn of the caller to change the engine's state.
func (e *Engine) inTurn(f func()) {
	e.turn.Lock()
	defer e.turn.Unlock()
	f()
}

// nextEpoch makes one epoch of what waits; it reports whether anything did.
func (e *Engine) nextEpoch() bool {
	e.taken = e.queue.take(e.taken[:0])
	n := len(e.taken)
	e.runEpoch(e.taken)
	clear(e.taken)
	return n > 0
}

// now is the wall clock as an epoch clock, which never goes back.
func (c *core) now() int64 { return max(c.clock, types.TimestampFromTime(time.Now())) }

// newCut begins an epoch, with the memory of the last one if that was left in order (recycle).
func (e *Engine) newCut() *cut {
	ct := e.spare
	e.spare = nil
	if ct == nil {
		ct = &cut{e: e, inputs: dataflow.Inputs{}, late: map[catalog.ID][]int{}, rows: map[catalog.ID]int{}}
		ct.work = ct.compute
	}
	ct.c, ct.epoch, ct.clock = e.core, e.core.epoch+1, e.core.now()
	return ct
}

// recycle keeps the memory of an epoch that is over for the next one.
func (e *Engine) recycle(ct *cut) {
	const relations, bytes = 64, 1 << 20
	if len(ct.inputs) > relations || cap(ct.rec) > bytes {
		return
	}
	for id, bs := range ct.inputs {
		clear(bs)
		ct.inputs[id] = bs[:0]
	}
	clear(ct.late)
	clear(ct.rows)
	clear(ct.accepted)
	clear(ct.changes)
	clear(ct.undo)
	*ct = cut{
		e: e, inputs: ct.inputs, late: ct.late, rows: ct.rows, work: ct.work, step: ct.step, rec: ct.rec, last: ct.last, txns: ct.txns,
		accepted: ct.accepted[:0], changes: ct.changes[:0], undo: ct.undo[:0], logTxns: ct.logTxns[:0],
	}
	e.spare = ct
}

// runEpoch makes one epoch of reqs.
func (e *Engine) runEpoch(reqs []*request) {
	if len(reqs) == 0 {
		return
	}
	if f := e.failed.Load(); f != nil {
		for _, r := range reqs {
			r.answer(f)
		}
		return
	}
	defer func() {
		if p := recover(); p != nil {
			e.afterPanic(reqs, p)
		}
	}()
	if r := reqs[0]; r.run != nil {
		ct := e.newCut()
		r.answer(r.run(ct))
		return
	}
	e.throttle()
	ct := e.newCut()
	ct.make(reqs)
	e.recycle(ct)
}

// make takes the epoch of reqs from their cut to their answers.
func (ct *cut) make(reqs []*request) {
	for _, r := range reqs {
		if err := ct.resolve(r); err != nil {
			r.answer(err)
			continue
		}
		ct.accepted = append(ct.accepted, r)
	}
	if len(ct.accepted) == 0 {
		return
	}
	err := ct.settle()
	if err == nil {
		err = ct.commit()
	}
	ct.answer(err)
}

// afterPanic treats a bug in the making of an epoch as a failed log write: what is in memory is not trusted any more,
// and what became of the epoch is on disk.
func (e *Engine) afterPanic(reqs []*request, p any) {
	e.log.Error("making an epoch failed", "panic", p, "stack", string(debug.Stack()))
	err := e.recoverAfter(fmt.Errorf("internal error: %v", p))
	for _, r := range reqs {
		if r.part != nil && r.part.part.Release != nil {
			r.part.part.Release()
		}
		r.answer(err)
	}
}

// resolve settles one request against the state and the epoch so far. An error leaves the epoch as it was.
func (ct *cut) resolve(r *request) error {
	if r.part != nil {
		return ct.checkPart(r.part)
	}
	t := r.txn
	err := ct.validate(t)
	if err != nil && t.again.stmt != nil && (pgerr.Is(err, pgerr.SerializationFailure) || pgerr.Is(err, pgerr.UniqueViolation)) {
		t, err = ct.rerun(t)
		r.txn = t
	}
	if err != nil {
		t.dropStreams(0)
		t.dropDDL(0)
		return err
	}
	if len(t.ddl) > 0 {
		if ct.made, err = ct.c.prepare(t.ddl); err != nil {
			return err
		}
		ct.ddl = t.ddl
	}
	for _, c := range t.tables {
		if len(c.order) > 0 && !t.dropped(c.meta.ID) {
			ct.changes = append(ct.changes, c)
		}
	}
	return nil
}

// relation is a relation as the epoch sees it.
func (ct *cut) relation(id catalog.ID) *relation {
	if r := ct.made[id]; r != nil {
		return r
	}
	return ct.c.rels[id]
}

// validate checks that the relations are still there and that no row the transaction changed was changed meanwhile.
func (ct *cut) validate(t *txn) error {
	if len(t.ddl) > 0 {
		if err := ct.c.checkDDL(t.ddl); err != nil {
			return err
		}
		if err := ct.c.checkUnchanged(t.ddl); err != nil {
			return err
		}
	}
	cat := t.Catalog()
	if len(t.ddl) == 0 {
		cat = ct.c.cat
	}
	for _, w := range t.streams {
		if cat.Relation(w.id) == nil && !t.dropped(w.id) {
			return pgerr.New(pgerr.UndefinedTable, "the stream was dropped")
		}
	}
	for _, c := range t.tables {
		if len(c.order) == 0 || t.dropped(c.meta.ID) {
			continue
		}
		if m := cat.Relation(c.meta.ID); m == nil {
			return pgerr.Newf(pgerr.UndefinedTable, `table "%s" was dropped`, c.meta.Name)
		}
		if err := ct.validateTable(c); err != nil {
			return err
		}
	}
	return nil
}

// validateTable compares the rows that a transaction found with those that are there now.
func (ct *cut) validateTable(c *tableChange) error {
	b := vec.NewBatch(c.rows.Types(), len(c.order))
	for _, r := range c.order {
		at := r.old
		if at == none {
			at = r.new
		}
		if at == none {
			at = 0 // inserted and deleted again: any row of it stands for the key
		}
		b.AppendRow(c.rows, int(at), 1)
	}
	if c.bag {
		return ct.validateBag(c, b)
	}
	found, at := ct.c.liveRows(c.meta, b)
	for i, r := range c.order {
		if r.old == none && r.new == none {
			continue
		}
		rows, row := found, at[i]
		for k := len(ct.changes) - 1; k >= 0; k-- {
			if e := ct.changes[k]; e.meta.ID == c.meta.ID {
				if m := e.byKey[r.key]; m != nil {
					rows, row = e.rows, m.new
					break
				}
			}
		}
		switch {
		case r.old == none && row != none:
			return uniqueViolation(c.meta, b, i)
		case r.old != none && (row == none || !c.same(r.old, rows, int(row))):
			return conflict()
		}
	}
	return nil
}

// validateBag checks for a table without a key that the copies a transaction takes away are there.
func (ct *cut) validateBag(c *tableChange, b *vec.Batch) error {
	r := ct.c.rels[c.meta.ID]
	if r == nil || r.table == nil {
		return nil // made by this transaction
	}
	have := r.table.Copies(b)
	for i, rc := range c.order {
		n := have[i] + rc.net
		for _, e := range ct.changes {
			if e.meta.ID == c.meta.ID {
				if m := e.byKey[rc.key]; m != nil {
					n += m.net
				}
			}
		}
		if rc.net < 0 && n < 0 {
			return conflict()
		}
	}
	return nil
}

// rerun runs a single statement again, now that nothing can come in between.
func (ct *cut) rerun(t *txn) (*txn, error) {
	ct.e.stats.Conflicts.Add(1)
	t.dropStreams(0)
	t2 := &txn{e: t.e, opts: TxnOptions{}, atCut: true, overlay: ct.changes}
	err := t.again.run(t2)
	t2.releasePins()
	if err == nil {
		err = ct.validate(t2)
	}
	return t2, err
}

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

// commit makes the epoch durable while the dataflow computes it, and publishes it.
func (ct *cut) commit() error {
	c := ct.c
	txns, last, err := ct.finishLog()
	if err != nil {
		return err
	}
	if len(ct.ddl) > 0 {
		return ct.commitDDL(txns, last)
	}
	if ct.small() {
		if _, err := c.store.CommitWhile(ct.epoch, txns, ct.work, last); err != nil {
			if ct.result != nil {
				c.graph.Abort()
			}
			return err
		}
		ct.publish(ct.result)
		return nil
	}
	durable := make(chan error, 1)
	go func() {
		_, err := c.store.Commit(ct.epoch, txns, last)
		durable <- err
	}()
	ct.compute()
	if err := <-durable; err != nil {
		c.graph.Abort()
		return err
	}
	ct.publish(ct.result)
	return nil
}

// small says that waking a second goroutine would cost more than computing beside the log write gains.
func (ct *cut) small() bool {
	const rows = 256
	n := 0
	for _, batches := range ct.inputs {
		for _, b := range batches {
			n += b.N
		}
	}
	return n <= rows
}

// compute runs the dataflow over the epoch's input; nothing of it is seen before publish.
func (ct *cut) compute() {
	s := &ct.step
	s.env.Now = ct.clock
	s.ctx.Context, s.ctx.Env, s.ctx.Now, s.ctx.TxnNow = ct.e.ctx, &s.env, ct.clock, ct.clock
	s.Epoch, s.Clock, s.Workers, s.Ctx = ct.epoch, ct.clock, ct.e.opts.Workers, &s.ctx
	if s.Watermark == nil {
		s.Watermark = func(id catalog.ID) int64 { return ct.c.watermark(id) }
	}
	ct.result = ct.c.graph.Step(&s.Step, ct.inputs)
}

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
	c.graph.Commit()
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
	for _, s := range res.Suspended {
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
