package engine

import (
	"errors"
	"fmt"

	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/storage"
)

// A manifest has a fingerprint of the shape of each state table (D12). Where this version of the program keeps another
// shape, the pages cannot be read:
//
//	a view         its pages are left out, and those of the views over it. After replay it is filled again from its
//	               inputs, if they still have every row that it was computed from; else it stays suspended and says so
//	anything else  has no other source: the directory is refused
//
// The refill is an epoch of its own with the record of a REBUILD, so that a later replay does the same.

// misfits are the views whose state was left out.
type misfits struct {
	since  map[catalog.ID]map[catalog.ID]uint64 // of each: what rows of streams it began with
	before map[catalog.ID]bool                  // views that were suspended already
}

const misfitReason = "its state was written in another form by another version of the program"

// leaveOut takes the views out of the dataflow whose state does not fit, before pages are loaded.
func (c *core) leaveOut(e *Engine, shapes map[uint32]string) (*misfits, error) {
	misfit := func(p state.Pages) bool { return shapes[p.ID()] != p.Fingerprint() }
	refuse := func(what string, p state.Pages) error {
		return pgerr.Newf(pgerr.FeatureNotSupported, "%s was written in another form by another version of the program: %q, this version has %q",
			what, shapes[p.ID()], p.Fingerprint()).WithHint("Open the directory with the version that wrote it.")
	}
	if misfit(c.errs.rows) {
		return nil, refuse("millrace.errors", c.errs.rows)
	}
	m := &misfits{since: map[catalog.ID]map[catalog.ID]uint64{}, before: map[catalog.ID]bool{}}
	shared := map[catalog.ID]bool{}
	for _, p := range c.graph.Held() {
		if misfit(p) {
			for _, id := range c.graph.Sharing(p.ID()) {
				shared[id] = true
			}
		}
	}
	for _, meta := range c.cat.Relations() { // by id: inputs before what reads them
		r := c.rels[meta.ID]
		switch {
		case r.table != nil && misfit(r.table):
			return nil, refuse(fmt.Sprintf(`table "%s"`, meta.Name), r.table)
		case meta.Suspended != "":
			m.before[meta.ID] = true
		case r.view != nil:
			out := shared[meta.ID]
			for _, p := range r.view.Pages() {
				out = out || misfit(p)
			}
			for _, id := range r.view.Reads() {
				_, below := m.since[id]
				out = out || below
			}
			if out {
				m.since[meta.ID] = r.view.Since()
			}
		}
	}
	for _, meta := range c.cat.Relations() {
		if _, ok := m.since[meta.ID]; ok {
			c.suspend(e, dataflow.Suspension{View: meta.ID, Reason: misfitReason})
		}
	}
	return m, nil
}

// refill fills the views again that were left out, as far as their inputs have all their rows.
func (e *Engine) refill(c *core, m *misfits) error {
	ch := &catalogChange{Since: map[catalog.ID]uint64{}, NextID: c.cat.NextID()}
	back := map[catalog.ID]bool{}
	for _, meta := range c.cat.Relations() {
		since, out := m.since[meta.ID]
		if meta.Kind != catalog.MatView || meta.Suspended == "" || m.before[meta.ID] {
			continue // dropped or rebuilt behind the manifest, or suspended for another reason
		}
		plan, err := physical.Decode(meta.Plan)
		if err != nil {
			return err
		}
		why := c.missing(plan.Reads, since, out, back)
		if why == "" && !out && !readsAny(plan.Reads, back) {
			continue
		}
		meta = meta.Clone()
		if why != "" {
			meta.Suspended = misfitReason + ", and " + why
			e.log.Error("materialized view cannot be filled again", "view", meta.Name, "reason", meta.Suspended)
			if err := c.putMeta(meta); err != nil {
				return err
			}
			continue
		}
		meta.Suspended = ""
		meta.StateBase = e.ids.after(ch.NextID, dataflow.StateTables(plan))
		ch.NextID = meta.StateBase + catalog.ID(dataflow.StateTables(plan))
		ch.Put, ch.Create = append(ch.Put, meta), append(ch.Create, meta.ID)
		back[meta.ID] = true
		for _, id := range plan.Reads {
			if r := c.rels[id]; r.stream != nil && r.stream.forgotten > 0 {
				ch.Since[id] = r.stream.forgotten
			}
		}
		e.log.Warn("materialized view is filled again", "view", meta.Name, "reason", misfitReason)
	}
	if len(back) == 0 {
		return nil
	}
	return e.logRefill(c, ch)
}

// missing says which input lacks rows that a view was computed from; "" if none does. back are the views that are filled
// before it. A view that came behind the manifest (known is false) has seen what there is.
func (c *core) missing(reads []catalog.ID, since map[catalog.ID]uint64, known bool, back map[catalog.ID]bool) string {
	for _, id := range reads {
		r := c.rels[id]
		switch {
		case r == nil:
			return fmt.Sprintf("relation with OID %d is gone", id)
		case r.stream != nil && known && r.stream.forgotten != since[id]:
			return fmt.Sprintf(`rows of stream "%s" that it had are forgotten: REBUILD fills it from those that are kept`, r.meta.Name)
		case r.meta.Kind == catalog.MatView && r.view == nil && !back[id]:
			return fmt.Sprintf(`"%s" is suspended`, r.meta.Name)
		}
	}
	return ""
}

func readsAny(reads []catalog.ID, of map[catalog.ID]bool) bool {
	for _, id := range reads {
		if of[id] {
			return true
		}
	}
	return false
}

// logRefill makes the epoch in which views are filled again. A full disk leaves them suspended until the next start.
func (e *Engine) logRefill(c *core, ch *catalogChange) error {
	ct := &cut{e: e, c: c, epoch: c.epoch + 1, clock: c.now(), ddl: []*catalogChange{ch}}
	var err error
	if ct.made, err = c.prepare(ct.ddl); err != nil {
		return err
	}
	txns, last, err := ct.finishLog()
	if err == nil {
		_, err = c.store.Commit(ct.epoch, txns, last)
	}
	if errors.Is(err, storage.ErrDiskFull) {
		e.log.Error("materialized views stay suspended", "err", err)
		ct.abandon()
		return nil
	}
	if err != nil {
		return err
	}
	ct.install()
	ct.apply(&dataflow.Result{})
	c.ckpt.want = true // until their pages are in a manifest, every start fills them again
	return nil
}

// putMeta changes the catalog entry of a relation, without a record in the log: the next manifest has it.
func (c *core) putMeta(meta *catalog.Relation) error {
	b := c.cat.Edit()
	if err := b.PutRelation(meta); err != nil {
		return err
	}
	c.cat = b.Done()
	c.rels[meta.ID].meta = meta
	return nil
}

// after is alloc where the ids through next-1 are taken.
func (a *idAllocator) after(next catalog.ID, n int) catalog.ID {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := max(a.next, next)
	a.next = id + catalog.ID(n)
	return id
}
