package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// sourceRunner keeps one source running: it opens it at the committed offsets, again and again, unless it is paused.
//
//	loop: paused? wait --- once: open, Run ... end --- wait (backoff) --- loop
//	         ^ restart (ALTER), replay (REPLAY ERRORS) end any wait, and the run in progress
type sourceRunner struct {
	e      *Engine
	cancel context.CancelFunc
	meta   atomic.Pointer[catalog.Relation]
	cur    atomic.Pointer[sourceRun]
	failed atomic.Pointer[failure] // how the last run ended, until one works again; nil: not by itself
	// restart: the settings have changed, or somebody has mended what was wrong.
	restart signal
	replays chan *replayRequest
	over    chan struct{} // closed when the loop ends: nobody takes replays any more
}

// failure is the end of a run.
type failure struct {
	err *pgerr.Error
	at  time.Time
}

// sourceRun is one life of a source.
type sourceRun struct {
	src    connect.Source
	meta   *catalog.Relation
	e      *Engine
	broken atomic.Bool // a part did not get through: later ones must not either
	slots  chan struct{}
	fail   context.CancelFunc
	free   time.Time // rate_limit: when the next part may come
}

// inFlight is how many parts of a source may wait or be in an epoch.
const inFlight = 4

// Longest and shortest pause before a source that ended is opened again.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 10 * time.Second
)

func newSourceRunner(e *Engine, meta *catalog.Relation, cancel context.CancelFunc) *sourceRunner {
	r := &sourceRunner{e: e, cancel: cancel, restart: make(signal, 1), replays: make(chan *replayRequest), over: make(chan struct{})}
	r.meta.Store(meta)
	return r
}

func (r *sourceRunner) loop(ctx context.Context) {
	defer close(r.over)
	pause := firstRetry
	for ctx.Err() == nil {
		var retry <-chan time.Time // never, while it is paused
		if !r.meta.Load().Paused {
			began := time.Now()
			request, err := r.once(ctx)
			switch {
			case request != nil: // it is answered also if ctx has ended
				r.replay(ctx, request)
				continue
			case ctx.Err() != nil:
				return
			case err == nil: // ended by restart
				pause = firstRetry
				continue
			}
			if time.Since(began) > time.Minute {
				pause = firstRetry
			}
			err = r.e.Catalog().HideError(r.meta.Load(), err)
			r.failed.Store(&failure{pgerr.Of(err), time.Now()})
			r.e.log.Warn("source stopped; it is opened again", "stream", r.meta.Load().Name, "err", err, "in", pause)
			retry = time.After(pause)
			pause = min(2*pause, lastRetry)
		}
		select {
		case <-ctx.Done():
		case <-retry:
		case <-r.restart:
			pause = firstRetry
		case request := <-r.replays:
			r.replay(ctx, request)
		}
	}
}

// once opens the source and runs it to its end, which is nil if it was asked to end: by restart, or by a request to
// replay, which is returned.
func (r *sourceRunner) once(ctx context.Context) (*replayRequest, error) {
	run, err := r.open(r.meta.Load())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	run.fail = cancel
	r.cur.Store(run)
	ended := make(chan error, 1)
	go func() { ended <- run.src.Run(ctx, r.e.offsetsOf(run.meta.ID), run) }()
	var request *replayRequest
	asked := false
	select {
	case err = <-ended:
	case <-r.restart:
		asked = true
		cancel()
		err = <-ended
	case request = <-r.replays:
		asked = true
		cancel()
		err = <-ended
	}
	broken := run.broken.Load()
	run.finish()
	if asked || ctx.Err() != nil && !broken {
		r.failed.Store(nil)
		return request, nil
	}
	if err == nil {
		err = errors.New("a part could not be committed")
	}
	return nil, err
}

// open makes a run of the source.
func (r *sourceRunner) open(meta *catalog.Relation) (*sourceRun, error) {
	con, spec, err := r.e.spec(meta)
	if err != nil {
		return nil, err
	}
	src, err := con.Open(spec)
	if err != nil {
		return nil, err
	}
	return &sourceRun{src: src, meta: meta, e: r.e, slots: make(chan struct{}, inFlight), fail: func() {}}, nil
}

// status is what millrace.sources shows. A source that failed is called that until it works again.
func (r *sourceRunner) status() connect.Status {
	st := connect.Status{State: connect.Starting}
	if run := r.cur.Load(); run != nil {
		st = run.src.Status()
	}
	f := r.failed.Load()
	if f != nil && (st.State == connect.Running || st.State == connect.Retrying) {
		if st.State == connect.Running {
			r.failed.CompareAndSwap(f, nil)
		}
		f = nil
	}
	if f != nil {
		st.State = connect.Failed
		st.LastError, st.LastErrAt = f.err.Message, f.at
		if f.err.Detail != "" {
			st.LastError += " (" + f.err.Detail + ")"
		}
	}
	if r.meta.Load().Paused {
		st.State = connect.Paused
	}
	st.LastError = r.e.Catalog().Hide(r.meta.Load(), st.LastError)
	return st
}

// breakOff ends the run without taking what it has in flight.
func (r *sourceRun) breakOff() {
	r.broken.Store(true)
	r.fail()
}

// finish ends the run: no part of it is left in the queue, so that another life may begin.
func (r *sourceRun) finish() {
	r.breakOff()
	for range inFlight {
		r.slots <- struct{}{}
	}
	r.src.Close()
}

// Deliver is connect.Intake.
func (r *sourceRun) Deliver(ctx context.Context, p *connect.Part) error {
	if err := r.pace(ctx, p); err != nil {
		return err
	}
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	req := &request{part: &sourcePart{run: r, part: p}}
	r.e.queue.put(req)
	r.e.queue.wake.set()
	go func() {
		if err := req.outcome(); err != nil {
			r.breakOff()
		} else if c, ok := r.src.(connect.Committer); ok {
			c.Committed(p.Offsets)
		}
		<-r.slots
	}()
	return nil
}

// pace waits until rate_limit lets a part pass.
func (r *sourceRun) pace(ctx context.Context, p *connect.Part) error {
	limit := r.meta.RateLimit
	if limit <= 0 {
		return nil
	}
	if wait := time.Until(r.free); wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	n := len(p.Errors)
	if p.Rows != nil {
		n += p.Rows.N
	}
	if now := time.Now(); r.free.Before(now) {
		r.free = now
	}
	r.free = r.free.Add(time.Duration(float64(n) / float64(limit) * float64(time.Second)))
	return nil
}
