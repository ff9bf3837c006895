package engine

import (
	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/storage"
)

// commitDDL makes an epoch that changes the catalog. It is logged first and then applied as a whole under the publish
// lock, the same way as at replay.
func (ct *cut) commitDDL(txns []uint64, last storage.Record) error {
	if _, err := ct.c.store.Commit(ct.epoch, txns, last); err != nil {
		return err
	}
	ct.e.publish.Lock()
	defer ct.e.publish.Unlock()
	ct.install()
	ct.compute()
	ct.apply(ct.result)
	ct.e.sourcesChanged(ct.ddl)
	ct.e.sinksChanged(ct.ddl)
	return nil
}

// prepare makes the run-time objects of created relations, before anything is logged: what can fail fails here.
func (c *core) prepare(changes []*catalogChange) (map[catalog.ID]*relation, error) {
	made := map[catalog.ID]*relation{}
	for _, ch := range changes {
		created := map[catalog.ID]bool{}
		for _, id := range ch.Create {
			created[id] = true
		}
		for _, r := range ch.Put {
			if !created[r.ID] {
				continue
			}
			rt, err := newRelation(r)
			if err != nil {
				return nil, err
			}
			made[r.ID] = rt
		}
	}
	return made, nil
}

// newRelation makes the empty run-time object of a relation.
func newRelation(meta *catalog.Relation) (*relation, error) {
	r := &relation{meta: meta}
	if meta.Kind == catalog.Sink {
		r.sink = newSinkQueue(meta)
	}
	switch meta.Kind {
	case catalog.Stream:
		r.stream = &stream{id: meta.ID}
	case catalog.Table:
		r.table = state.NewRelation(meta.ID, columnTypes(meta), meta.PrimaryKey, false)
	case catalog.MatView, catalog.Sink:
		if meta.Suspended != "" || meta.Plan == nil {
			return r, nil
		}
		plan, err := physical.Decode(meta.Plan)
		if err != nil {
			return nil, err
		}
		if r.view, err = dataflow.BuildView(meta.ID, plan, meta.StateBase); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// install applies the epoch's catalog changes to catalog and run-time state, filling new views from the state before the
// epoch. It runs under the publish lock or at replay.
func (ct *cut) install() {
	c := ct.c
	for _, ch := range ct.ddl {
		c.alterSinks(ch.Put)
		cat, err := ch.apply(c.cat)
		if err != nil { // checked before it was logged
			ct.e.log.Error("a logged catalog change does not fit", "err", err)
			continue
		}
		c.cat = cat
		for _, id := range ch.Drop {
			c.remove(id)
			ct.e.seqs.drop(id)
		}
		for _, id := range ch.Truncate {
			if r := c.rels[id]; r != nil && r.stream != nil {
				r.stream.forgotten = ct.epoch - 1
			}
		}
		for _, r := range ch.Put {
			if ct.made[r.ID] != nil && c.rels[r.ID] != nil { // rebuilt: all of them go before one comes back (Graph.Remove)
				c.remove(r.ID)
				c.stopSinksOf(ct.e, r.ID)
			}
		}
		for _, r := range ch.Put {
			if rt := ct.made[r.ID]; rt != nil {
				ct.add(rt, ch.Since)
			} else if rt := c.rels[r.ID]; rt != nil {
				rt.meta = r
			}
		}
	}
}

// add brings a new relation to life.
func (ct *cut) add(r *relation, since map[catalog.ID]uint64) {
	c := ct.c
	c.rels[r.meta.ID] = r
	switch {
	case r.meta.Seq != nil:
		ct.e.seqs.create(r.meta)
	case r.stream != nil:
		c.store.SetRetention(r.meta.ID, 0)
	case r.view != nil:
		f := &filler{e: ct.e, c: c, view: r.view, meta: r.meta, since: since, to: ct.epoch - 1, clock: ct.clock}
		if err := f.fillNow(); err != nil {
			c.suspend(ct.e, dataflow.Suspension{View: r.meta.ID, Reason: err.Error()})
			return
		}
		f.takeErrors(ct.epoch)
		r.view.SetSince(since)
		c.graph.Add(r.view)
	}
	if r.sink != nil {
		ct.firstRows(r, since)
	}
}

// remove forgets a relation and its state.
func (c *core) remove(id catalog.ID) {
	r := c.rels[id]
	if r == nil {
		return
	}
	delete(c.rels, id)
	delete(c.offsets, id)
	c.removeSink(r)
	switch {
	case r.view != nil:
		c.detach(r)
	case r.table != nil:
		c.ckpt.drop(r.table.ID())
	case r.stream != nil:
		c.store.DropRelation(id)
	}
	c.errs.dropRelation(id)
}

// detach takes a view out of the dataflow, and drops the state that nobody else uses.
func (c *core) detach(r *relation) {
	for _, p := range c.graph.Remove(r.meta.ID) {
		c.ckpt.drop(p.ID())
	}
}

// newGraph is the main dataflow, whose views share state with one another and with tables.
func (c *core) newGraph() *dataflow.Graph {
	g := dataflow.NewGraph()
	g.Table = func(id catalog.ID) *state.Relation {
		if r := c.rels[id]; r != nil {
			return r.table
		}
		return nil
	}
	return g
}

// suspend takes a view that failed, and those over it, out of the dataflow. Its rows are not readable until it is rebuilt.
func (c *core) suspend(e *Engine, s dataflow.Suspension) {
	r := c.rels[s.View]
	if r != nil && r.sink != nil {
		c.stopSink(e, r, s.Reason)
	}
	if r == nil || r.view == nil {
		return
	}
	e.log.Error("materialized view suspended", "view", r.meta.Name, "reason", s.Reason)
	c.detach(r)
	r.view = nil
	meta := r.meta.Clone()
	meta.Suspended = s.Reason
	b := c.cat.Edit()
	if err := b.PutRelation(meta); err == nil {
		c.cat = b.Done()
		r.meta = meta
	}
	for _, d := range c.cat.Dependents(s.View) {
		if d.Suspended == "" {
			c.suspend(e, dataflow.Suspension{View: d.ID, Reason: "it reads " + meta.Name + ", which is suspended"})
		}
	}
}

// retainedFrom says for each stream of ids after which epoch its rows are kept: what a view made now sees.
func (e *Engine) retainedFrom(ids []catalog.ID) map[catalog.ID]uint64 {
	e.publish.RLock()
	defer e.publish.RUnlock()
	var out map[catalog.ID]uint64
	for _, id := range ids {
		if r := e.core.rels[id]; r != nil && r.stream != nil && r.stream.forgotten > 0 {
			if out == nil {
				out = map[catalog.ID]uint64{}
			}
			out[id] = r.stream.forgotten
		}
	}
	return out
}
