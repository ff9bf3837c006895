package engine

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/sql/catalog"
)

// A sink follows one relation:
//
//	epoch published -> its change, as it is -> sinkQueue -> sinkReader: net change by key -> connect.Sink -> Delivered
//	                   (under the publish lock)             (on the sink's own goroutine)                    (in turn)
//
// Nothing of it is in the log. The queue is part of checkpoints, and replay fills in what came after the manifest. What
// the outside system already has, it tells itself (connect.Sink), or it gets it twice, by what it was asked to promise.

// sinks runs the connectors of sinks.
type sinks struct {
	// kept is the epoch of the newest manifest: queues up to there come back byte by byte.
	kept atomic.Uint64

	mu     sync.Mutex
	e      *Engine
	ctx    context.Context
	cancel context.CancelFunc
	all    map[catalog.ID]*sinkRunner
	wg     sync.WaitGroup
}

func (s *sinks) init(e *Engine) {
	s.e = e
	s.all = map[catalog.ID]*sinkRunner{}
	s.ctx, s.cancel = context.WithCancel(context.Background())
}

func (s *sinks) start() {
	for _, r := range s.e.Catalog().Relations() {
		s.add(r)
	}
}

func (s *sinks) stop() {
	s.cancel()
	s.wg.Wait()
}

func (s *sinks) add(meta *catalog.Relation) {
	if meta.Kind != catalog.Sink {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancel(s.ctx)
	r := newSinkRunner(s.e, meta, cancel)
	s.all[meta.ID] = r
	s.wg.Go(func() { r.loop(ctx) })
}

func (s *sinks) remove(id catalog.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.all[id]; r != nil {
		r.cancel()
		delete(s.all, id)
	}
}

// sinksChanged stops sinks that DDL dropped, and begins those anew that it altered. A new one is started by its cutover.
func (e *Engine) sinksChanged(changes []*catalogChange) {
	for _, ch := range changes {
		for _, id := range ch.Drop {
			e.sinks.remove(id)
		}
		for _, meta := range ch.Put {
			if meta.Kind == catalog.Sink {
				e.sinks.alter(meta, slices.Contains(ch.Restart, meta.ID))
			}
		}
	}
}

// alter gives a sink new settings.
func (s *sinks) alter(meta *catalog.Relation, restart bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.all[meta.ID]; r != nil {
		r.meta.Store(meta)
		if restart {
			r.restart.set()
		}
	}
}

// wake tells the sinks of ids that their queues have grown.
func (s *sinks) wake(ids map[catalog.ID]*relation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range ids {
		if r := s.all[id]; r != nil {
			r.wake.set()
		}
	}
}

// checkpointed notes the epoch of a new manifest.
func (s *sinks) checkpointed(epoch uint64) {
	s.kept.Store(epoch)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.all {
		r.wake.set()
	}
}

// sinkSpec is what a connector is told about a sink.
func (e *Engine) sinkSpec(meta *catalog.Relation) (*connect.Connector, connect.SinkSpec, error) {
	revealed, err := e.Catalog().Revealed(meta)
	if err != nil {
		return nil, connect.SinkSpec{}, err
	}
	con, err := e.opts.Connectors.Lookup(meta.Connector)
	if err != nil {
		return nil, connect.SinkSpec{}, err
	}
	opts, err := con.CheckSink(revealed.Options)
	if err != nil {
		return nil, connect.SinkSpec{}, err
	}
	spec := connect.SinkSpec{
		Name: cmp.Or(meta.Sink.Origin, meta.Name), Relation: meta.Name, Identity: meta.Sink.Identity,
		Columns: meta.Columns, Key: meta.Sink.Key, Options: opts, Format: *revealed.Format,
	}
	if from := e.Catalog().Relation(meta.Sink.From); from != nil {
		spec.Relation = from.Name
	}
	return con, spec, nil
}

// addSink makes the core feed the queue of a relation, if it has one.
func (c *core) addSink(r *relation) {
	if r.sink != nil {
		c.sinks[r.meta.ID] = r
		c.graph.Watch(sinkSource(r.meta), +1)
	}
}

func (c *core) removeSink(r *relation) {
	if r.sink != nil {
		delete(c.sinks, r.meta.ID)
		c.graph.Watch(sinkSource(r.meta), -1)
		c.ckpt.drop(r.sink.t.ID())
	}
}

// alterSinks gives queues the limits of new settings; the settings get what only the engine knows of a sink.
func (c *core) alterSinks(put []*catalog.Relation) {
	for _, meta := range put {
		if r := c.rels[meta.ID]; r != nil && r.sink != nil {
			meta.Suspended = r.meta.Suspended
			r.sink.limit = meta.Sink.Limit
		}
	}
}

// noteSinks puts what the epoch does to the relations that sinks follow into their queues. It runs under the publish lock.
func (ct *cut) noteSinks(res *dataflow.Result) {
	c := ct.c
	if len(c.sinks) == 0 {
		return
	}
	for _, r := range c.sinks {
		id := sinkSource(r.meta)
		batches := ct.inputs[id]
		if len(batches) == 0 {
			batches = res.Deltas[id]
		}
		if len(batches) == 0 || r.meta.Suspended != "" {
			continue
		}
		r.sink.add(ct.epoch, 0, len(r.meta.Columns), batches)
		if !c.replaying && r.sink.over() {
			c.stopSink(ct.e, r, "more changes wait for delivery than queue_limit allows")
		}
	}
	ct.e.sinks.wake(c.sinks)
}

// stopSink ends the feeding of a queue: changes are missing from now on. What is in it is still delivered.
func (c *core) stopSink(e *Engine, r *relation, reason string) {
	e.log.Error("sink suspended", "sink", r.meta.Name, "reason", reason)
	meta := r.meta.Clone()
	meta.Suspended = reason
	b := c.cat.Edit()
	if err := b.PutRelation(meta); err == nil {
		c.cat = b.Done()
		r.meta = meta
	}
}

// stopSinksOf ends the feeding of what follows a view that is filled again: what it held, and so what changes, is unknown.
func (c *core) stopSinksOf(e *Engine, view catalog.ID) {
	for _, d := range c.cat.Dependents(view) {
		if r := c.sinks[d.ID]; r != nil && r.meta.Suspended == "" && r.meta.Sink.From == view {
			c.stopSink(e, r, "the materialized view that it follows was rebuilt")
		}
	}
}

// epochForSinks makes an epoch of nothing if queues have shrunk since the last manifest and nothing else has happened: a
// manifest stands for the end of an epoch, and only a new one can tell what is delivered.
func (e *Engine) epochForSinks(c *core) {
	if !c.sinksMoved || c.epoch != c.ckpt.last || c.ckpt.running {
		return
	}
	ct := e.newCut()
	ct.answer(ct.commit())
}

// SinkInfo is the state of one sink.
type SinkInfo struct {
	Sink, From catalog.ID // From: 0 if it has a query
	Connector  string
	Topic      string
	Status     connect.SinkStatus
	Delivered  uint64 // epoch: it and all before it have arrived
	Epoch      uint64 // that the relation is at
	Waiting    int64  // changes
	Bytes      int64  // of them
	Paused     bool
	RateLimit  int64 // changes a second; 0: no limit
}

// Sinks lists the sinks.
func (e *Engine) Sinks() []SinkInfo {
	e.sinks.mu.Lock()
	runners := make(map[catalog.ID]*sinkRunner, len(e.sinks.all))
	for id, r := range e.sinks.all {
		runners[id] = r
	}
	e.sinks.mu.Unlock()
	e.publish.RLock()
	defer e.publish.RUnlock()
	var out []SinkInfo
	for _, meta := range e.core.cat.Relations() {
		r := e.core.sinks[meta.ID]
		if r == nil {
			continue
		}
		info := SinkInfo{
			Sink: meta.ID, From: meta.Sink.From, Connector: meta.Connector, Topic: meta.Options["topic"], Epoch: e.core.epoch,
			Paused: meta.Paused, RateLimit: meta.RateLimit, Waiting: r.sink.changes, Bytes: r.sink.bytes,
		}
		info.Delivered = r.sink.deliveredEpoch(e.core.epoch)
		info.Status = runners[meta.ID].status(meta)
		info.Status.LastError = e.core.cat.Hide(meta, info.Status.LastError)
		out = append(out, info)
	}
	return out
}

// deliveredEpoch is the newest epoch of which nothing waits, up to the present one.
func (q *sinkQueue) deliveredEpoch(now uint64) uint64 {
	if it := q.t.Seek(nil); it.Valid() {
		return sinkEpoch(it.Key()) - 1
	}
	return now
}
