package engine

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/exec/query"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// A new materialized view is filled in three parts, on the goroutine of the session that asked for it, while ingest goes
// on:
//
//	pin its inputs and open a tap, at one epoch -> run the pinned rows through the view's own private dataflow
//	-> run what the tap collected meanwhile, until little is left
//	-> cutover: in one epoch of its own, run the rest, log the catalog entry, join the main dataflow
//
// Before the cutover nothing is in the catalog, the log or a manifest: an error, a cancel or a crash leaves nothing.
// Replay meets the catalog entry in the log and fills the view from the state of that epoch (filler.fillNow), which is
// the same content.

// fillChunk is how many rows one step of a backfill takes.
const fillChunk = 32 << 10

// filler runs rows through a view that is not part of the main dataflow.
type filler struct {
	e     *Engine
	c     *core
	view  *dataflow.View
	meta  *catalog.Relation
	since map[catalog.ID]uint64
	to    uint64 // epoch whose end the inputs are read at
	clock int64

	graph  *dataflow.Graph
	errors []dataflow.RowError
	deltas dataflow.Inputs // what the last step did to the view, if it is watched
	job    *job
}

// fillNow fills the view from the present state, under the publish lock or at replay.
func (f *filler) fillNow() error {
	p := f.c.pin(f.view.Reads())
	defer p.release()
	return f.fill(context.Background(), p)
}

// fill runs all rows of p's relations through the view.
func (f *filler) fill(ctx context.Context, p *pin) error {
	f.graph = dataflow.NewGraph()
	f.graph.Add(f.view)
	if f.view.NeedsStart() {
		if err := f.step(nil); err != nil {
			return err
		}
	}
	for _, id := range f.view.Reads() {
		if err := f.relation(ctx, p, id); err != nil {
			return err
		}
	}
	return nil
}

func (f *filler) relation(ctx context.Context, p *pin, id catalog.ID) error {
	meta := p.cat.Relation(id)
	if meta == nil {
		return pgerr.Newf(pgerr.UndefinedTable, "relation with OID %d does not exist", id)
	}
	cols := make([]int, len(meta.Columns))
	for i := range cols {
		cols[i] = i
	}
	var rows query.Rows
	if meta.Kind == catalog.Stream {
		if meta.Watermark != nil {
			cols = append(cols, len(cols))
		}
		r, err := f.c.streamRows(meta, cols, f.since[id], f.to)
		if err != nil {
			return err
		}
		rows = r
	} else {
		snap := p.snaps[id]
		if snap == nil {
			return pgerr.Newf(pgerr.ObjectNotInState, `"%s" cannot be read`, meta.Name)
		}
		rows = snap.Cursor(cols)
	}
	defer rows.Close()
	var chunk *vec.Batch
	for {
		b, err := rows.Next()
		if err != nil {
			return err
		}
		if b == nil {
			return f.take(ctx, id, chunk)
		}
		if chunk == nil {
			chunk = vec.NewBatch(b.Types(), fillChunk)
		}
		// A batch may be the rows of a whole statement, of any number.
		for at := 0; at < b.N; {
			n := min(b.N-at, fillChunk-chunk.N)
			chunk.Append(b.Slice(at, at+n))
			at += n
			if chunk.N == fillChunk {
				if err := f.take(ctx, id, chunk); err != nil {
					return err
				}
			}
		}
	}
}

// take runs a chunk of a relation's rows through the view and empties it. Between chunks the backfill can be cancelled.
func (f *filler) take(ctx context.Context, id catalog.ID, chunk *vec.Batch) error {
	if err := context.Cause(ctx); err != nil || chunk == nil || chunk.N == 0 {
		return err
	}
	if err := f.step(dataflow.Inputs{id: {chunk}}); err != nil {
		return err
	}
	f.job.advance(int64(chunk.N))
	chunk.Reset()
	return nil
}

// step runs one change of the inputs through the view.
func (f *filler) step(in dataflow.Inputs) error {
	res := f.graph.Step(f.c.newStep(f.e, f.to, f.clock), in)
	if len(res.Suspended) > 0 {
		f.graph.Abort()
		return pgerr.Newf(pgerr.Internal, "%s", res.Suspended[0].Reason)
	}
	if failed := f.graph.Commit(); len(failed) > 0 {
		return pgerr.Newf(pgerr.Internal, "%s", failed[0].Reason)
	}
	f.errors = append(f.errors, res.Errors...)
	f.deltas = res.Deltas
	return nil
}

// takeErrors adds the view's row errors to millrace.errors, as of epoch.
func (f *filler) takeErrors(epoch uint64) {
	f.c.errs.applyStep(epoch, f.errors)
	f.errors = nil
}

// newStep is the frame of one run of a dataflow.
func (c *core) newStep(e *Engine, epoch uint64, clock int64) *dataflow.Step {
	return &dataflow.Step{
		Epoch: epoch, Clock: clock, Workers: e.opts.Workers,
		Ctx: e.stepCtx(clock), Watermark: c.watermark,
	}
}

// watermark is the watermark of a stream.
func (c *core) watermark(id catalog.ID) int64 {
	if r := c.rels[id]; r != nil && r.stream != nil {
		return r.stream.watermark(r.meta.Watermark)
	}
	return math.MinInt64
}

// createView fills a view beside running ingest, and joins it to the main dataflow.
func (e *Engine) createView(ctx context.Context, ch *catalogChange, plan *physical.View, n Notices) error {
	meta := ch.Put[len(ch.Put)-1]
	if _, err := ch.apply(e.Catalog()); err != nil {
		return err
	}
	view, err := dataflow.BuildView(meta.ID, plan, meta.StateBase)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	j, err := e.jobs.start(meta, cancel)
	if err != nil {
		return err
	}
	defer e.jobs.end(j)

	p, tp, err := e.openTap(view.Reads())
	if err != nil {
		return err
	}
	defer e.closeTap(tp)
	defer p.release()
	ch.Since = e.retainedFrom(view.Reads())
	f := &filler{e: e, c: p.core, view: view, meta: meta, since: ch.Since, to: p.epoch, clock: p.clock, job: j}
	j.total.Store(e.rowsOf(p, view.Reads()))
	stopReport := j.report(n)
	defer stopReport()
	if err := f.fill(ctx, p); err != nil {
		return storeError(err)
	}
	p.release()
	for {
		todo := e.taps.take(tp)
		for _, in := range todo {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			if err := f.step(in); err != nil {
				return err
			}
		}
		if len(todo) <= cutoverEpochs {
			break
		}
	}
	return e.submit(&request{run: func(ct *cut) error { return ct.cutover(ctx, f, tp, ch) }})
}

// cutoverEpochs is how far behind a backfill may be to ask for its cutover.
const cutoverEpochs = 16

// cutover makes a filled view part of the database, in an epoch of its own.
func (ct *cut) cutover(ctx context.Context, f *filler, tp *tap, ch *catalogChange) error {
	e, c := ct.e, ct.c
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if f.c != c {
		return pgerr.New(pgerr.CrashShutdown, "the engine was recovered while the view was filled").WithHint("Run the statement again.")
	}
	for _, in := range e.taps.take(tp) {
		if err := f.step(in); err != nil {
			return err
		}
	}
	cat, err := ct.logFilled(f.meta, ch)
	if err != nil {
		return err
	}
	e.publish.Lock()
	defer e.publish.Unlock()
	for _, id := range ch.Drop { // OR REPLACE
		c.remove(id)
	}
	c.cat = cat
	c.rels[f.meta.ID] = &relation{meta: f.meta, view: f.view}
	f.view.SetSince(f.since)
	c.graph.Add(f.view)
	f.takeErrors(ct.epoch)
	ct.apply(&dataflow.Result{})
	c.ckpt.want = true // until its pages are in a manifest, a restart fills the view again
	return nil
}

// logFilled makes the catalog change of a relation that has been filled durable: an epoch with nothing else in it. It
// returns the catalog to publish.
func (ct *cut) logFilled(meta *catalog.Relation, ch *catalogChange) (*catalog.Snapshot, error) {
	cat, err := ch.apply(ct.c.cat)
	if err != nil {
		return nil, err
	}
	meta.CreatedEpoch = ct.epoch
	ct.ddl = []*catalogChange{ch}
	txns, last, err := ct.finishLog()
	if err != nil {
		return nil, storeError(err)
	}
	if _, err := ct.c.store.Commit(ct.epoch, txns, last); err != nil {
		ct.abandon()
		return nil, ct.e.recoverAfter(err)
	}
	return cat, nil
}

// openTap pins relations and opens a tap on what changes them from the next epoch on. It is done between epochs: no
// epoch lies between the two, and no step is running.
func (e *Engine) openTap(ids []catalog.ID) (p *pin, tp *tap, err error) {
	err = e.submit(&request{run: func(ct *cut) error {
		p = ct.c.pin(ids)
		tp = e.taps.open(ct.c, ids)
		return nil
	}})
	return p, tp, err
}

// closeTap ends a tap. An engine that has stopped has no use for it any more.
func (e *Engine) closeTap(tp *tap) {
	_ = e.submit(&request{run: func(*cut) error {
		e.taps.close(tp)
		return nil
	}})
}

// rowsOf is about how many rows a backfill from p will read.
func (e *Engine) rowsOf(p *pin, ids []catalog.ID) int64 {
	e.publish.RLock()
	defer e.publish.RUnlock()
	var n int64
	for _, id := range ids {
		if s := p.snaps[id]; s != nil {
			n += s.Rows()
		} else if r := p.core.rels[id]; r != nil && r.stream != nil {
			n += r.stream.rows
		}
	}
	return n
}

// taps collect the changes of relations for running backfills. Who has the turn opens, closes and feeds them; the
// backfills take from them.
type taps struct {
	mu   sync.Mutex
	list []*tap
}

type tap struct {
	core    *core
	ids     []catalog.ID
	pending []dataflow.Inputs
}

func (t *taps) open(c *core, ids []catalog.ID) *tap {
	t.mu.Lock()
	defer t.mu.Unlock()
	tp := &tap{core: c, ids: ids}
	for _, id := range ids {
		c.graph.Watch(id, +1)
	}
	t.list = append(t.list, tp)
	return tp
}

func (t *taps) close(tp *tap) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.list, tp); i >= 0 {
		t.list = slices.Delete(t.list, i, i+1)
		for _, id := range tp.ids {
			tp.core.graph.Watch(id, -1)
		}
	}
}

// note copies what an epoch does to tapped relations. It is called when the epoch is published.
func (t *taps) note(in dataflow.Inputs, res *dataflow.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tp := range t.list {
		changed := dataflow.Inputs{}
		for _, id := range tp.ids {
			for _, b := range slices.Concat(in[id], res.Deltas[id]) {
				c := vec.NewBatch(b.Types(), b.N)
				c.Append(b)
				changed[id] = append(changed[id], c)
			}
		}
		// An epoch without rows may still move a watermark.
		tp.pending = append(tp.pending, changed)
	}
}

func (t *taps) take(tp *tap) []dataflow.Inputs {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := tp.pending
	tp.pending = nil
	return p
}

// jobs are the running backfills, for millrace.jobs.
type jobs struct {
	mu   sync.Mutex
	next int64
	list []*job
}

// job is one backfill.
type job struct {
	ID      int64
	View    string
	Started time.Time
	schema  catalog.ID
	total   atomic.Int64
	rows    atomic.Int64
	cancel  context.CancelCauseFunc
}

// start registers the backfill of a view; two of one name at a time are refused.
func (j *jobs) start(meta *catalog.Relation, cancel context.CancelCauseFunc) (*job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, o := range j.list {
		if o.View == meta.Name && o.schema == meta.Schema {
			return nil, pgerr.Newf(pgerr.DuplicateTable, `materialized view "%s" is being created`, meta.Name)
		}
	}
	j.next++
	jb := &job{ID: j.next, View: meta.Name, schema: meta.Schema, Started: time.Now(), cancel: cancel}
	j.list = append(j.list, jb)
	return jb, nil
}

func (j *jobs) end(jb *job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.list = slices.DeleteFunc(j.list, func(o *job) bool { return o == jb })
}

func (j *job) advance(n int64) {
	if j != nil {
		j.rows.Add(n)
	}
}

// report gives notices of a long backfill, until the function it returns is called.
func (j *job) report(n Notices) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(5 * time.Second)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				rows, total := j.rows.Load(), j.total.Load()
				n("NOTICE", pgerr.SuccessfulCompletion, fmt.Sprintf(`filling "%s": %d of about %d rows`, j.View, rows, total))
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// JobInfo is a row of millrace.jobs.
type JobInfo struct {
	ID          int64
	View        string
	Started     time.Time
	Rows, Total int64
}

// Jobs lists the running backfills.
func (e *Engine) Jobs() []JobInfo {
	e.jobs.mu.Lock()
	defer e.jobs.mu.Unlock()
	var out []JobInfo
	for _, j := range e.jobs.list {
		out = append(out, JobInfo{j.ID, j.View, j.Started, j.rows.Load(), j.total.Load()})
	}
	return out
}

// CancelJob ends a backfill; its CREATE statement gets 57014.
func (e *Engine) CancelJob(id int64) bool {
	e.jobs.mu.Lock()
	defer e.jobs.mu.Unlock()
	for _, j := range e.jobs.list {
		if j.ID == id {
			j.cancel(pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request"))
			return true
		}
	}
	return false
}
