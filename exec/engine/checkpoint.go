package engine

import (
	"encoding/json"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/catalog"
)

// manifest is what a checkpoint says beside its pages: everything at the end of one epoch that is not rows.
type manifest struct {
	Format  int
	Epoch   uint64
	Clock   int64
	Catalog json.RawMessage
	Streams map[catalog.ID]streamManifest
	Seqs    map[catalog.ID]int64
	Offsets map[catalog.ID]connect.Offsets
	History epochClocks
	Sinks   map[catalog.ID]connect.Position `json:",omitempty"` // what is delivered
	// Shapes are the fingerprints of state tables by id (D12).
	Shapes map[uint32]string
	// Placed and Since are what the plans of views do not tell of the state they share (dataflow.Graph).
	Placed map[uint32]uint32
	Since  map[catalog.ID]map[catalog.ID]uint64 `json:",omitempty"`
}

const manifestFormat = 1

type streamManifest struct {
	MaxTime   map[int32]int64 `json:",omitempty"`
	Forgotten uint64          `json:",omitempty"`
	Rows      int64
}

// checkpointer writes dirty pages beside the epochs, one checkpoint at a time.
type checkpointer struct {
	finished chan *checkpoint // has room for one
	running  bool
	want     bool // soon
	dropped  []uint32
	last     uint64 // epoch of the newest manifest
	ended    time.Time
	took     time.Duration
}

// checkpoint is one run.
type checkpoint struct {
	epoch   uint64
	pages   []pageImage
	done    []func(committed bool)
	dropped []uint32
	payload []byte
	start   time.Time
	err     error
}

type pageImage struct {
	table uint32
	page  uint64
	data  []byte // nil: the page is gone
}

func (k *checkpointer) init(epoch uint64) {
	k.finished = make(chan *checkpoint, 1)
	k.last = epoch
}

// drop forgets the pages of a state table at the next checkpoint.
func (k *checkpointer) drop(table uint32) { k.dropped = append(k.dropped, table) }

// housekeeping runs between epochs, about once a second.
func (e *Engine) housekeeping() {
	if e.failed.Load() != nil {
		return
	}
	c := e.core
	if e.seqs.dirty() {
		e.flushSequences()
	}
	e.forget()
	e.epochForSinks(c)
	k := &c.ckpt
	// At most half of the time goes into checkpoints.
	if k.running || (c.epoch == k.last && len(k.dropped) == 0) || (!k.want && time.Since(k.ended) < k.took) {
		return
	}
	e.startCheckpoint()
}

// startCheckpoint collects the dirty pages of this moment and writes them on another goroutine.
func (e *Engine) startCheckpoint() {
	c := e.core
	k := c.collect(e)
	c.ckpt.running, c.ckpt.want = true, false
	go func() {
		k.err = c.write(k)
		c.ckpt.finished <- k
		e.checkpointed.set()
	}()
}

// collect takes the dirty pages, copy-on-write, and the manifest of the present epoch.
func (c *core) collect(e *Engine) *checkpoint {
	k := &checkpoint{epoch: c.epoch, start: time.Now(), dropped: c.ckpt.dropped}
	c.ckpt.dropped = nil
	c.sinksMoved = false
	shapes := map[uint32]string{}
	for _, p := range c.allPages() {
		id := p.ID()
		shapes[id] = p.Fingerprint()
		k.done = append(k.done, p.BeginCheckpoint(func(page uint64, data []byte) {
			k.pages = append(k.pages, pageImage{id, page, data})
		}))
	}
	k.payload = c.manifest(e, shapes)
	return k
}

// allPages lists every state table.
func (c *core) allPages() []state.Pages {
	out := append([]state.Pages{c.errs.rows}, c.graph.Held()...)
	for _, r := range c.rels {
		if r.sink != nil {
			out = append(out, r.sink.t)
		}
		switch {
		case r.table != nil:
			out = append(out, r.table)
		case r.view != nil:
			out = append(out, r.view.Pages()...)
		}
	}
	return out
}

func (c *core) manifest(e *Engine, shapes map[uint32]string) []byte {
	cat, err := c.cat.Encode()
	if err != nil {
		panic(err) // plain data
	}
	m := manifest{
		Format: manifestFormat, Epoch: c.epoch, Clock: c.clock, Catalog: cat, Streams: map[catalog.ID]streamManifest{},
		Seqs: e.seqs.values(), Offsets: c.offsets, History: c.history, Shapes: shapes,
		Placed: c.graph.Placed(), Since: map[catalog.ID]map[catalog.ID]uint64{},
	}
	for id, r := range c.rels {
		if s := r.stream; s != nil {
			m.Streams[id] = streamManifest{MaxTime: s.maxTime, Forgotten: s.forgotten, Rows: s.rows}
		}
		if r.view != nil && len(r.view.Since()) > 0 {
			m.Since[id] = r.view.Since()
		}
	}
	for id, r := range c.sinks {
		if m.Sinks == nil {
			m.Sinks = map[catalog.ID]connect.Position{}
		}
		m.Sinks[id] = r.sink.delivered
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // plain data
	}
	return b
}

// write puts a checkpoint on disk. It runs beside epochs and touches nothing of the core but its store.
func (c *core) write(k *checkpoint) error {
	w := c.store.BeginCheckpoint(k.epoch)
	for _, t := range k.dropped {
		w.DropTable(t)
	}
	for _, p := range k.pages {
		id := pageID(p.table, p.page)
		if p.data == nil {
			w.DropPage(id)
			continue
		}
		if err := w.Put(id, p.data); err != nil {
			w.Abort()
			return err
		}
	}
	if err := w.Commit(k.payload); err != nil {
		return err
	}
	return c.store.Truncate()
}

// pollCheckpoint ends the running checkpoint if it has finished.
func (e *Engine) pollCheckpoint() {
	select {
	case k := <-e.core.ckpt.finished:
		e.checkpointDone(k)
	default:
	}
}

// checkpointDone ends a checkpoint, between epochs.
func (e *Engine) checkpointDone(k *checkpoint) {
	c := e.core
	for _, done := range k.done {
		done(k.err == nil)
	}
	c.ckpt.running = false
	c.ckpt.ended = time.Now()
	c.ckpt.took = time.Since(k.start)
	if k.err != nil {
		e.log.Error("checkpoint failed; the log has everything", "err", k.err)
		c.ckpt.dropped = append(c.ckpt.dropped, k.dropped...)
		return
	}
	c.ckpt.last = k.epoch
	e.sinks.checkpointed(k.epoch)
	e.stats.Checkpoints.Add(1)
	e.stats.CheckpointPages.Add(int64(len(k.pages)))
}

// finalCheckpoint makes the next start quick. No epoch follows.
func (e *Engine) finalCheckpoint(c *core) error {
	if c.ckpt.running {
		e.checkpointDone(<-c.ckpt.finished)
	}
	e.epochForSinks(c)
	if c.epoch == c.ckpt.last && len(c.ckpt.dropped) == 0 {
		return nil
	}
	k := c.collect(e)
	k.err = c.write(k)
	e.checkpointDone(k)
	return k.err
}

// throttle keeps the log behind the manifest, and so the time of a restart, bounded: past the limit an epoch waits for
// the running checkpoint.
func (e *Engine) throttle() {
	c := e.core
	for c.store.LogBytesSinceManifest() > e.opts.MaxReplayBytes {
		if !c.ckpt.running {
			if c.epoch == c.ckpt.last {
				return // nothing committed since: one large transaction in the making
			}
			e.startCheckpoint()
		}
		k := <-c.ckpt.finished
		e.checkpointDone(k)
		if k.err != nil {
			return
		}
	}
}

// forget drops rows of streams that are past their retention.
func (e *Engine) forget() {
	c := e.core
	now := c.now()
	for id, r := range c.rels {
		if r.stream == nil || r.meta.Retention <= 0 {
			continue
		}
		if ep := c.epochBefore(now - r.meta.Retention); ep > r.stream.forgotten {
			e.publish.Lock()
			r.stream.forgotten = ep
			e.publish.Unlock()
			c.store.SetRetention(id, ep)
		}
	}
}

// epochBefore returns an epoch that had come by time t, 0 if none is known. The newest one is known by its own clock: the
// history may not have it, nor anything after it if nothing is written any more.
func (c *core) epochBefore(t int64) uint64 {
	if c.clock <= t {
		return c.epoch
	}
	return c.history.before(t)
}

// epochClocks is a coarse table from clocks to epochs, ascending.
type epochClocks []epochClock

type epochClock struct {
	Epoch uint64
	Clock int64
}

const (
	historyStep = 1_000_000 // microseconds between entries at first
	historyMax  = 4096      // entries; beyond it every second one of the older half goes
)

func (h *epochClocks) note(epoch uint64, clock int64) {
	if n := len(*h); n > 0 && clock < (*h)[n-1].Clock+historyStep {
		return
	}
	*h = append(*h, epochClock{epoch, clock})
	if len(*h) > historyMax {
		var kept epochClocks
		for i, x := range *h {
			if i >= historyMax/2 || i%2 == 0 {
				kept = append(kept, x)
			}
		}
		*h = kept
	}
}

// before returns the newest known epoch whose clock is not after t, 0 if there is none.
func (h epochClocks) before(t int64) uint64 {
	var e uint64
	for _, x := range h {
		if x.Clock > t {
			break
		}
		e = x.Epoch
	}
	return e
}
