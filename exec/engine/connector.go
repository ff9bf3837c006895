package engine

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/storage"
)

// sourcePart is a connector's delivery on its way through the queue.
type sourcePart struct {
	run  *sourceRun
	part *connect.Part
}

// sources runs the connectors of streams: one sourceRun a stream, restarted from the committed offsets when it ends.
type sources struct {
	mu     sync.Mutex
	e      *Engine
	ctx    context.Context
	cancel context.CancelFunc
	all    map[catalog.ID]*sourceRunner
	wg     sync.WaitGroup
}

// sourceRunner keeps one stream's source running.
type sourceRunner struct {
	e      *Engine
	meta   *catalog.Relation
	cancel context.CancelFunc
	cur    atomic.Pointer[sourceRun]
	failed atomic.Pointer[pgerr.Error]
}

// sourceRun is one life of a source.
type sourceRun struct {
	src    connect.Source
	meta   *catalog.Relation
	e      *Engine
	broken atomic.Bool // a part did not get through: later ones must not either
	slots  chan struct{}
	fail   context.CancelFunc
}

// inFlight is how many parts of a source may wait or be in an epoch.
const inFlight = 4

func (s *sources) start(e *Engine) {
	s.e = e
	s.all = map[catalog.ID]*sourceRunner{}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, r := range e.Catalog().Relations() {
		s.add(r)
	}
}

func (s *sources) stop() {
	s.cancel()
	s.wg.Wait()
}

// restart makes every source read again from the committed offsets.
func (s *sources) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.all {
		if run := r.cur.Load(); run != nil {
			run.broken.Store(true)
			run.fail()
		}
	}
}

func (s *sources) add(meta *catalog.Relation) {
	if meta.Kind != catalog.Stream || meta.Connector == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancel(s.ctx)
	r := &sourceRunner{e: s.e, meta: meta, cancel: cancel}
	s.all[meta.ID] = r
	s.wg.Go(func() { r.loop(ctx) })
}

func (s *sources) remove(id catalog.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.all[id]; r != nil {
		r.cancel()
		delete(s.all, id)
	}
}

// sourcesChanged starts and stops sources after DDL.
func (e *Engine) sourcesChanged(changes []*catalogChange) {
	for _, ch := range changes {
		for _, id := range ch.Drop {
			e.sources.remove(id)
		}
		for _, r := range ch.Put {
			for _, id := range ch.Create {
				if id == r.ID {
					e.sources.add(r)
				}
			}
		}
	}
}

// Spec is what a connector is told about a stream.
func (e *Engine) spec(meta *catalog.Relation) (*connect.Connector, connect.StreamSpec, error) {
	con, err := e.opts.Connectors.Lookup(meta.Connector)
	if err != nil {
		return nil, connect.StreamSpec{}, err
	}
	opts, err := con.Check(meta.Options)
	if err != nil {
		return nil, connect.StreamSpec{}, err
	}
	spec := connect.StreamSpec{Name: meta.Name, Columns: meta.Columns, Options: opts}
	if meta.Format != nil {
		spec.Format = *meta.Format
	}
	return con, spec, nil
}

// Longest and shortest pause before a source that ended is opened again.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 10 * time.Second
)

func (r *sourceRunner) loop(ctx context.Context) {
	pause := firstRetry
	for ctx.Err() == nil {
		began := time.Now()
		err := r.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			r.failed.Store(pgerr.Of(err))
			r.e.log.Warn("source stopped; it is opened again", "stream", r.meta.Name, "err", err, "in", pause)
		}
		if time.Since(began) > time.Minute {
			pause = firstRetry
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, lastRetry)
	}
}

// once opens the source and runs it to its end.
func (r *sourceRunner) once(ctx context.Context) error {
	con, spec, err := r.e.spec(r.meta)
	if err != nil {
		return err
	}
	src, err := con.Open(spec)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	run := &sourceRun{src: src, meta: r.meta, e: r.e, slots: make(chan struct{}, inFlight), fail: cancel}
	r.cur.Store(run)
	defer func() {
		cancel()
		run.broken.Store(true)
		for range inFlight { // the last parts are answered before another life begins
			run.slots <- struct{}{}
		}
		src.Close()
	}()
	err = src.Run(ctx, r.e.offsetsOf(r.meta.ID), run)
	if run.broken.Load() && err == nil {
		err = errors.New("a part could not be committed")
	}
	return err
}

func (e *Engine) offsetsOf(id catalog.ID) connect.Offsets {
	e.publish.RLock()
	defer e.publish.RUnlock()
	o := connect.Offsets{}
	o.Merge(e.core.offsets[id])
	return o
}

// Deliver is connect.Intake.
func (r *sourceRun) Deliver(ctx context.Context, p *connect.Part) error {
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
			r.broken.Store(true)
			r.fail()
		}
		<-r.slots
	}()
	return nil
}

// checkPart refuses parts of a life that is over, and of streams that are gone.
func (ct *cut) checkPart(p *sourcePart) error {
	if p.run.broken.Load() || ct.c.rels[p.run.meta.ID] == nil {
		return errors.New("the source was stopped")
	}
	return nil
}

// sourcePart settles a part: its rows, errors and offsets enter this epoch.
func (ct *cut) sourcePart(p *sourcePart) error {
	id := p.run.meta.ID
	if p.part.Rows != nil && p.part.Rows.N > 0 {
		b := p.part.Rows
		if err := ct.append(storage.Record{Rel: id, Kind: recRows, Payload: appendBatch(nil, b)}); err != nil {
			return err
		}
		if p.run.meta.Watermark != nil {
			ct.noteRuns(id, p.part.Runs, b.N)
		}
		ct.feedStream(id, b, p.part.Runs)
	}
	for _, re := range p.part.Errors {
		rec, err := json.Marshal(loggedError{re.Err.Code, re.Err.Message, errorData(re)})
		if err != nil {
			return err
		}
		if err := ct.append(storage.Record{Rel: id, Kind: recError, Payload: rec}); err != nil {
			return err
		}
		ct.errs = append(ct.errs, sourceError{id, connect.RowError{Err: pgerr.New(re.Err.Code, re.Err.Message), Data: errorData(re)}})
	}
	if ct.meta.Offsets == nil {
		ct.meta.Offsets = map[catalog.ID]connect.Offsets{}
	}
	if ct.meta.Offsets[id] == nil {
		ct.meta.Offsets[id] = connect.Offsets{}
	}
	ct.meta.Offsets[id].Merge(p.part.Offsets)
	return nil
}

// noteRuns logs the partitions of a part's rows. Rows of the epoch in front of them came by INSERT: partition 0.
func (ct *cut) noteRuns(id catalog.ID, runs []connect.Run, rows int) {
	if ct.meta.Runs == nil {
		ct.meta.Runs = map[catalog.ID][]connect.Run{}
	}
	have := 0
	for _, r := range ct.meta.Runs[id] {
		have += r.Rows
	}
	if gap := ct.rows[id] - have; gap > 0 {
		ct.meta.Runs[id] = append(ct.meta.Runs[id], connect.Run{Rows: gap})
	}
	if runs == nil {
		runs = []connect.Run{{Rows: rows}}
	}
	ct.meta.Runs[id] = append(ct.meta.Runs[id], runs...)
}

// errorData is the text of a decode error's data: where it was, then its first bytes.
func errorData(re connect.RowError) string {
	switch {
	case re.Err.Detail == "":
		return re.Data
	case re.Data == "":
		return re.Err.Detail
	}
	return re.Err.Detail + " " + re.Data
}

// SourceInfo is the state of one connector stream.
type SourceInfo struct {
	Stream    catalog.ID
	Name      string
	Connector string
	Status    connect.Status
	Offsets   connect.Offsets // committed
}

// Sources lists the connector streams.
func (e *Engine) Sources() []SourceInfo {
	e.sources.mu.Lock()
	runners := make([]*sourceRunner, 0, len(e.sources.all))
	for _, r := range e.sources.all {
		runners = append(runners, r)
	}
	e.sources.mu.Unlock()
	var out []SourceInfo
	for _, r := range runners {
		info := SourceInfo{Stream: r.meta.ID, Name: r.meta.Name, Connector: r.meta.Connector, Offsets: e.offsetsOf(r.meta.ID)}
		info.Status.State = connect.Starting
		if run := r.cur.Load(); run != nil {
			info.Status = run.src.Status()
		}
		if f := r.failed.Load(); f != nil && info.Status.LastError == "" {
			info.Status.LastError = f.Message
		}
		out = append(out, info)
	}
	return out
}

// Probe checks with the outside system that a connector stream could run; CREATE STREAM calls it before anything is
// made.
func (e *Engine) probe(ctx context.Context, meta *catalog.Relation) error {
	con, spec, err := e.spec(meta)
	if err != nil {
		return err
	}
	src, err := con.Open(spec)
	if err != nil {
		return err
	}
	src.Close()
	if con.Probe == nil {
		return nil
	}
	return con.Probe(ctx, spec)
}
