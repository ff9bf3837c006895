package engine

import (
	"context"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/exec/query"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// A new sink is made beside running ingest, as a view is filled (backfill.go):
//
//	ask the outside system -> pin the relation and open a tap, at one epoch -> the pinned rows are the first of the queue
//	-> what the tap collected follows, epoch by epoch -> cutover, in an epoch of its own
//
// A sink with a query fills its view first, and sends the rows that it then has. Nothing is delivered before the queue is
// in a manifest: until then a crash makes the queue anew, from the state of the cutover's epoch (cut.firstRows).

// probeSink checks with the outside system that a sink could run; CREATE SINK calls it before anything is made.
func (e *Engine) probeSink(ctx context.Context, meta *catalog.Relation) error {
	con, spec, err := e.sinkSpec(meta)
	if err != nil {
		return err
	}
	s, err := con.Sink.Open(spec)
	if err != nil {
		return err
	}
	s.Close()
	if con.Sink.Probe == nil {
		return nil
	}
	return e.Catalog().HideError(meta, con.Sink.Probe(ctx, spec))
}

// sinkFiller makes the queue of a sink that is not part of the database yet.
type sinkFiller struct {
	meta  *catalog.Relation
	q     *sinkQueue
	view  *filler // of a sink with a query
	tp    *tap
	epoch uint64 // up to which the queue has everything
}

// createSink makes a sink. plan is its query's.
func (e *Engine) createSink(ctx context.Context, ch *catalogChange, plan *physical.View, n Notices) error {
	meta := ch.Put[len(ch.Put)-1]
	if _, err := ch.apply(e.Catalog()); err != nil {
		return err
	}
	if err := e.probeSink(ctx, meta); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	j, err := e.jobs.start(meta, cancel)
	if err != nil {
		return err
	}
	defer e.jobs.end(j)
	stopReport := j.report(n)
	defer stopReport()

	s := &sinkFiller{meta: meta, q: newSinkQueue(meta)}
	reads := []catalog.ID{meta.Sink.From}
	var view *dataflow.View
	if plan != nil {
		if view, err = dataflow.BuildView(meta.ID, plan, meta.StateBase); err != nil {
			return err
		}
		reads = view.Reads()
	}
	p, tp, err := e.openTap(reads)
	if err != nil {
		return err
	}
	defer e.closeTap(tp)
	defer p.release()
	s.tp, s.epoch = tp, p.epoch
	ch.Since = e.retainedFrom(reads)
	j.total.Store(e.rowsOf(p, reads))
	if view != nil {
		s.view = &filler{e: e, c: p.core, view: view, meta: meta, since: ch.Since, to: p.epoch, clock: p.clock, job: j}
		if err := s.view.fill(ctx, p); err != nil {
			return storeError(err)
		}
		s.view.graph.Watch(meta.ID, +1)
	}
	if !meta.Sink.NoRows {
		if err := s.rows(ctx, p, ch.Since, j); err != nil {
			return storeError(err)
		}
	}
	p.release()
	for {
		todo := e.taps.take(tp)
		if err := s.follow(ctx, todo); err != nil {
			return err
		}
		if len(todo) <= cutoverEpochs {
			break
		}
	}
	return e.submit(&request{run: func(ct *cut) error { return ct.cutoverSink(ctx, s, p.core, ch) }})
}

// rows puts the rows of the pinned relation, or of the sink's own view, into the queue.
func (s *sinkFiller) rows(ctx context.Context, p *pin, since map[catalog.ID]uint64, j *job) error {
	if s.view != nil {
		snap := s.view.view.Reader().Pin()
		defer snap.Release()
		return s.q.take(ctx, snap.Cursor(allColumns(s.meta)), p.epoch, nil)
	}
	rows, err := p.rows(s.meta.Sink.From, since, p.epoch)
	if err != nil {
		return err
	}
	return s.q.take(ctx, rows, p.epoch, j)
}

// rows reads a pinned relation: all columns, all rows.
func (p *pin) rows(id catalog.ID, since map[catalog.ID]uint64, to uint64) (query.Rows, error) {
	meta := p.cat.Relation(id)
	if meta == nil {
		return nil, pgerr.Newf(pgerr.UndefinedTable, "relation with OID %d does not exist", id)
	}
	if meta.Kind == catalog.Stream {
		return p.core.streamRows(meta, allColumns(meta), since[id], to)
	}
	snap := p.snaps[id]
	if snap == nil {
		return nil, pgerr.Newf(pgerr.ObjectNotInState, `"%s" cannot be read`, meta.Name)
	}
	return snap.Cursor(allColumns(meta)), nil
}

func allColumns(meta *catalog.Relation) []int {
	cols := make([]int, len(meta.Columns))
	for i := range cols {
		cols[i] = i
	}
	return cols
}

// take adds rows to the queue as the first ones of the sink, and closes them.
func (q *sinkQueue) take(ctx context.Context, rows query.Rows, epoch uint64, j *job) error {
	defer rows.Close()
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		b, err := rows.Next()
		if err != nil || b == nil {
			return err
		}
		q.add(epoch, sinkSnapshot, len(b.Cols), []*vec.Batch{b})
		j.advance(int64(b.N))
	}
}

// follow puts tapped epochs into the queue. There is one of each epoch.
func (s *sinkFiller) follow(ctx context.Context, epochs []dataflow.Inputs) error {
	for _, in := range epochs {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		s.epoch++
		batches := in[s.meta.Sink.From]
		if s.view != nil {
			if err := s.view.step(in); err != nil {
				return err
			}
			batches = s.view.deltas[s.meta.ID]
		}
		s.q.add(s.epoch, 0, len(s.meta.Columns), batches)
	}
	return nil
}

// cutoverSink makes a sink part of the database, in an epoch of its own.
func (ct *cut) cutoverSink(ctx context.Context, s *sinkFiller, made *core, ch *catalogChange) error {
	e, c := ct.e, ct.c
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if made != c {
		return pgerr.New(pgerr.CrashShutdown, "the engine was recovered while the sink was made").WithHint("Run the statement again.")
	}
	if err := s.follow(ctx, e.taps.take(s.tp)); err != nil {
		return err
	}
	cat, err := ct.logFilled(s.meta, ch)
	if err != nil {
		return err
	}
	e.publish.Lock()
	defer e.publish.Unlock()
	c.cat = cat
	r := &relation{meta: s.meta, sink: s.q}
	if s.view != nil {
		s.view.graph.Watch(s.meta.ID, -1)
		r.view = s.view.view
		r.view.SetSince(ch.Since)
		c.graph.Add(r.view)
		s.view.takeErrors(ct.epoch)
	}
	c.rels[s.meta.ID] = r
	c.addSink(r)
	ct.apply(&dataflow.Result{})
	c.ckpt.want = true // nothing is delivered before
	e.sinks.add(s.meta)
	return nil
}

// firstRows fills the queue of a sink that replay makes, from the state in front of its epoch.
func (ct *cut) firstRows(r *relation, since map[catalog.ID]uint64) {
	c := ct.c
	c.addSink(r)
	if r.meta.Sink.NoRows {
		return
	}
	before := ct.epoch - 1
	p := c.pin([]catalog.ID{sinkSource(r.meta)})
	defer p.release()
	p.cat = c.cat
	var rows query.Rows
	var err error
	if r.view != nil {
		rows = p.snaps[r.meta.ID].Cursor(allColumns(r.meta))
	} else if r.meta.Sink.From != 0 {
		rows, err = p.rows(r.meta.Sink.From, since, before)
	}
	if err == nil && rows != nil {
		err = r.sink.take(context.Background(), rows, before, nil)
	}
	if err != nil {
		c.stopSink(ct.e, r, err.Error())
	}
}

var _ connect.Queue = (*sinkReader)(nil)
