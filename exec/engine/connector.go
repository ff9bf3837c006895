package engine

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
)

// sources runs the connectors of streams and tables: one sourceRunner each.
type sources struct {
	mu     sync.Mutex
	e      *Engine
	ctx    context.Context
	cancel context.CancelFunc
	all    map[catalog.ID]*sourceRunner
	wg     sync.WaitGroup
}

func (s *sources) init(e *Engine) {
	s.e = e
	s.all = map[catalog.ID]*sourceRunner{}
	s.ctx, s.cancel = context.WithCancel(context.Background())
}

func (s *sources) start() {
	for _, r := range s.e.Catalog().Relations() {
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
			run.breakOff()
		}
	}
}

func (s *sources) add(meta *catalog.Relation) {
	if !meta.Writable() || meta.Connector == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancel(s.ctx)
	r := newSourceRunner(s.e, meta, cancel)
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

func (s *sources) runner(id catalog.ID) *sourceRunner {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[id]
}

// sourcesChanged starts, stops and restarts sources after DDL.
func (e *Engine) sourcesChanged(changes []*catalogChange) {
	for _, ch := range changes {
		for _, id := range ch.Drop {
			e.sources.remove(id)
		}
		for _, meta := range ch.Put {
			if slices.Contains(ch.Create, meta.ID) {
				e.sources.add(meta)
			} else if r := e.sources.runner(meta.ID); r != nil {
				r.meta.Store(meta)
				if slices.Contains(ch.Restart, meta.ID) {
					r.restart.set()
				}
			}
		}
	}
}

// spec is what the connector of a stream or table is told about it.
func (e *Engine) spec(meta *catalog.Relation) (*connect.Connector, connect.StreamSpec, error) {
	revealed, err := e.Catalog().Revealed(meta)
	if err != nil {
		return nil, connect.StreamSpec{}, err
	}
	con, spec, err := e.opts.Connectors.Spec(revealed)
	if err == nil && len(meta.RowChecks) > 0 {
		spec.Check, err = e.rowCheck(meta)
	}
	return con, spec, err
}

// SourceInfo is the state of one stream or table that a connector feeds.
type SourceInfo struct {
	Stream    catalog.ID
	Name      string
	Connector string
	Status    connect.Status
	Offsets   connect.Offsets // committed
	Paused    bool
	RateLimit int64 // records a second; 0: no limit
}

// Sources lists them, in the order of their ids.
func (e *Engine) Sources() []SourceInfo {
	e.sources.mu.Lock()
	runners := make([]*sourceRunner, 0, len(e.sources.all))
	for _, r := range e.sources.all {
		runners = append(runners, r)
	}
	e.sources.mu.Unlock()
	out := make([]SourceInfo, 0, len(runners))
	for _, r := range runners {
		meta := r.meta.Load()
		out = append(out, SourceInfo{
			Stream: meta.ID, Name: meta.Name, Connector: meta.Connector, Offsets: e.offsetsOf(meta.ID),
			Paused: meta.Paused, RateLimit: meta.RateLimit, Status: r.status(),
		})
	}
	slices.SortFunc(out, func(a, b SourceInfo) int { return cmp.Compare(a.Stream, b.Stream) })
	return out
}

func (e *Engine) offsetsOf(id catalog.ID) connect.Offsets {
	e.publish.RLock()
	defer e.publish.RUnlock()
	o := connect.Offsets{}
	o.Merge(e.core.offsets[id])
	return o
}

// probe checks with the outside system that a source could run; CREATE STREAM and CREATE TABLE call it before anything
// is made.
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
	return e.Catalog().HideError(meta, con.Probe(ctx, spec))
}
