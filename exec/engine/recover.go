package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"sync"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
	"github.com/millracedb/millrace/storage"
)

// recover builds the core from the data directory: the pages of the newest manifest, then the log behind it (D5).
func (e *Engine) recover() (*core, error) {
	start := time.Now()
	st, err := e.opts.Open(storage.Options{Dir: e.opts.Dir, Async: e.opts.Async, Logger: e.log})
	if err != nil {
		return nil, err
	}
	c, out, err := e.load(st)
	if err == nil {
		c.replaying = true
		err = e.replay(c)
		c.replaying = false
		for _, r := range c.sinks {
			r.sink.recovered()
		}
	}
	if err == nil && out != nil {
		err = e.refill(c, out)
	}
	if err != nil {
		_ = st.Close()
		return nil, err
	}
	c.ckpt.ended = time.Now()
	e.log.Info("recovered", "epoch", c.epoch, "relations", len(c.rels), "took", time.Since(start).Round(time.Millisecond))
	return c, nil
}

// load brings back the state of the manifest, but for that of views which does not fit (misfit.go).
func (e *Engine) load(st *storage.Store) (*core, *misfits, error) {
	c := &core{
		store: st, rels: map[catalog.ID]*relation{}, errs: newRowErrors(), offsets: map[catalog.ID]connect.Offsets{},
		sinks: map[catalog.ID]*relation{},
	}
	c.graph = c.newGraph()
	e.seqs.init()
	epoch, payload, ok := st.Manifest()
	if !ok {
		c.cat = catalog.New(e.opts.SystemRelations, e.opts.SystemSchemas...)
		c.ckpt.init(0)
		return c, nil, nil
	}
	var m manifest
	if err := json.Unmarshal(payload, &m); err != nil {
		return nil, nil, pgerr.Newf(pgerr.DataCorrupted, "the manifest cannot be read: %v", err)
	}
	if m.Format > manifestFormat {
		return nil, nil, pgerr.Newf(pgerr.FeatureNotSupported, "the data directory has state format %d, this version reads up to %d",
			m.Format, manifestFormat)
	}
	var err error
	if c.cat, err = catalog.Decode(m.Catalog, e.opts.SystemRelations, e.opts.SystemSchemas...); err != nil {
		return nil, nil, err
	}
	c.epoch, c.clock, c.history = epoch, m.Clock, m.History
	if m.Offsets != nil {
		c.offsets = m.Offsets
	}
	c.ckpt.init(epoch)
	e.sinks.checkpointed(epoch)
	for id, v := range m.Seqs {
		e.seqs.set(id, v)
	}
	for _, meta := range c.cat.Relations() { // by id: inputs before what reads them
		if err := c.revive(e, meta, &m); err != nil {
			return nil, nil, fmt.Errorf("relation %q: %w", meta.Name, err)
		}
	}
	out, err := c.leaveOut(e, m.Shapes)
	if err != nil {
		return nil, nil, err
	}
	if err := c.loadPages(); err != nil {
		return nil, nil, err
	}
	for id, r := range c.sinks {
		r.sink.delivered = m.Sinks[id]
		r.sink.loaded()
	}
	return c, out, nil
}

// revive makes the run-time object of a relation of the manifest, still without rows.
func (c *core) revive(e *Engine, meta *catalog.Relation, m *manifest) error {
	r, err := newRelation(meta)
	if err != nil {
		return err
	}
	c.rels[meta.ID] = r
	switch {
	case meta.Seq != nil:
		e.seqs.create(meta)
	case r.stream != nil:
		sm := m.Streams[meta.ID]
		r.stream.maxTime, r.stream.forgotten, r.stream.rows = sm.MaxTime, sm.Forgotten, sm.Rows
		c.store.SetRetention(meta.ID, sm.Forgotten)
	case r.view != nil:
		r.view.SetSince(m.since(r.view))
		c.graph.Restore(r.view, m.Placed)
	}
	c.addSink(r)
	return nil
}

// since says what rows of streams a view began with. Manifests did not always say so: then those of a stream that has
// forgotten some since may be any, and are shared with nobody.
func (m *manifest) since(v *dataflow.View) map[catalog.ID]uint64 {
	if m.Placed != nil {
		return m.Since[v.ID()]
	}
	unknown := map[catalog.ID]uint64{}
	for _, id := range v.Reads() {
		if m.Streams[id].Forgotten > 0 {
			unknown[id] = math.MaxUint64 - uint64(v.ID())
		}
	}
	return unknown
}

// loadPages fills the state tables.
func (c *core) loadPages() error {
	type table struct {
		state.Pages
		mu sync.Mutex
	}
	tables := map[uint32]*table{}
	for _, p := range c.allPages() {
		tables[p.ID()] = &table{Pages: p}
	}
	err := c.store.LoadAll(func(id storage.PageID, data []byte) error {
		p := tables[id.Table]
		if p == nil {
			return nil // dropped; its pages go with the next checkpoint
		}
		p.mu.Lock() // pages come from several goroutines
		defer p.mu.Unlock()
		return p.LoadPage(id.Page, data)
	})
	if err != nil {
		return err
	}
	for _, p := range tables {
		if p.ID() == errorsTable {
			continue
		}
		if err := p.Loaded(); err != nil {
			return err
		}
	}
	return c.errs.loaded()
}

// replay runs the epochs behind the manifest as they ran first.
func (e *Engine) replay(c *core) error {
	w := &poisonWatch{e: e, c: c}
	err := c.store.Replay(c.epoch, func(epoch uint64, recs iter.Seq2[storage.Record, error]) error {
		if err := w.before(epoch); err != nil {
			return err
		}
		ct := &cut{e: e, c: c, epoch: epoch, inputs: dataflow.Inputs{}, late: map[catalog.ID][]int{}, rows: map[catalog.ID]int{}}
		return ct.replay(recs)
	})
	if err != nil {
		return err
	}
	return w.end()
}

// replay does what the live path does with an epoch, from its records.
func (ct *cut) replay(recs iter.Seq2[storage.Record, error]) error {
	var streams []catalog.ID
	rows := map[catalog.ID][]*vec.Batch{}
	types := map[catalog.ID]*catalog.Relation{}
	for rec, err := range recs {
		if err != nil {
			return err
		}
		switch rec.Kind {
		case recChange:
			ch := &catalogChange{}
			if err := json.Unmarshal(rec.Payload, ch); err != nil {
				return pgerr.Newf(pgerr.DataCorrupted, "a catalog change in the log cannot be read: %v", err)
			}
			ct.ddl = append(ct.ddl, ch)
			for _, r := range ch.Put {
				types[r.ID] = r
			}
		case recRows, recDelta:
			meta := types[rec.Rel]
			if meta == nil {
				meta = ct.c.cat.Relation(rec.Rel)
			}
			if meta == nil {
				continue // dropped in the same epoch
			}
			b := vec.NewBatch(columnTypes(meta), 0)
			if err := decodeBatch(rec.Payload, b); err != nil {
				return pgerr.Newf(pgerr.DataCorrupted, "%v", err)
			}
			if rec.Kind == recDelta {
				ct.feed(rec.Rel, b)
				continue
			}
			if rows[rec.Rel] == nil {
				streams = append(streams, rec.Rel)
			}
			rows[rec.Rel] = append(rows[rec.Rel], b)
		case recError:
			var le loggedError
			if err := json.Unmarshal(rec.Payload, &le); err != nil {
				return pgerr.Newf(pgerr.DataCorrupted, "an error record in the log cannot be read: %v", err)
			}
			ct.errs = append(ct.errs, le.sourceError(rec.Rel))
		case recMeta:
			m, err := decodeMeta(rec.Payload)
			if err != nil {
				return err
			}
			ct.meta, ct.clock = *m, m.Clock
		}
	}
	for id, v := range ct.meta.Seqs {
		ct.e.seqs.set(id, v)
	}
	if len(ct.ddl) > 0 {
		var err error
		if ct.made, err = ct.c.prepare(ct.ddl); err != nil {
			return err
		}
		ct.install()
	}
	for _, id := range streams {
		if ct.relation(id) == nil {
			continue // dropped in the same epoch
		}
		runs := ct.meta.Runs[id]
		for _, b := range rows[id] {
			var mine []connect.Run
			mine, runs = splitRuns(runs, b.N)
			ct.feedStream(id, b, mine)
		}
	}
	ct.compute()
	ct.apply(ct.result)
	return nil
}

// splitRuns takes the runs of the next n rows off runs; no runs at all are one of partition 0.
func splitRuns(runs []connect.Run, n int) (head, rest []connect.Run) {
	for n > 0 && len(runs) > 0 {
		k := min(n, runs[0].Rows)
		head = append(head, connect.Run{Partition: runs[0].Partition, Rows: k})
		n -= k
		if runs[0].Rows == k {
			runs = runs[1:]
		} else {
			runs = append([]connect.Run{{Partition: runs[0].Partition, Rows: runs[0].Rows - k}}, runs[1:]...)
		}
	}
	return head, runs
}

// recoverAfter is D4: after a failed log write nothing in memory is trusted. The core is thrown away and built again from
// disk; those who wait get 08007, since only the disk knows whether their epoch is there.
func (e *Engine) recoverAfter(cause error) error {
	e.log.Error("log write failed; recovering from disk", "err", cause)
	unknown := pgerr.New(pgerr.TransactionOutcomeUnknown, "the outcome of the transaction is unknown: the log could not be written").
		WithDetail("%v", cause)
	old := e.core
	if old.ckpt.running {
		k := <-old.ckpt.finished
		old.ckpt.running = false
		e.log.Warn("checkpoint given up", "err", k.err)
	}
	if err := old.store.Close(); err != nil {
		e.log.Warn("closing the failed store", "err", err)
	}
	c, err := e.recover()
	if err != nil {
		f := pgerr.Newf(pgerr.IOError, "the engine stopped: %v", err)
		e.failed.Store(f)
		e.log.Error("recovery failed; the engine is stopped", "err", err)
		return errors.Join(unknown)
	}
	e.publish.Lock()
	e.core = c
	e.publish.Unlock()
	e.sources.restart()
	return unknown
}

// stepCtx is the expression context of dataflows: nothing in it depends on a session.
func (e *Engine) stepCtx(clock int64) *funcs.Ctx {
	return &funcs.Ctx{Context: e.ctx, Env: &types.Env{Now: clock}, Now: clock, TxnNow: clock}
}

func pageID(table uint32, page uint64) storage.PageID {
	return storage.PageID{Table: table, Page: page}
}
