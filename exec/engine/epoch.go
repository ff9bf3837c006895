package engine

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
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
	const relations, bytes = 64, 8 << 20 // bytes: more than the record of a connector's part
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
