package engine

import (
	"context"
	"slices"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// sinkReader reads a sink's queue, for one goroutine: it implements connect.Queue.
//
// An epoch that only adds rows is read entry by entry. One that takes rows back is read as a whole: changes that cancel
// out are not sent, and what is left is paired by key, so that a row that was replaced is one change. Both are a function
// of the queue's bytes, which makes a Position inside an epoch mean the same after a restart, if the bytes are those of a
// manifest (Kept).
type sinkReader struct {
	e    *Engine
	id   catalog.ID
	wake signal

	rate int64     // changes a second; 0: no limit
	free time.Time // when rate lets further ones pass

	// next is the entry at which at lies.
	at   connect.Position
	next []byte

	raw      []byte // copies of entries
	unpacked []byte
	ends     []int
	types    []types.Type
	batch    *vec.Batch
	net      state.Consolidator
	pairs    pairing
	out      connect.Changes
}

// sinkReadBytes is about how much is copied under one hold of the publish lock.
const sinkReadBytes = 256 << 10

func newSinkReader(e *Engine, meta *catalog.Relation, wake signal) *sinkReader {
	r := &sinkReader{e: e, id: meta.ID, wake: wake, rate: meta.RateLimit, types: columnTypes(meta)}
	r.batch = vec.NewBatch(r.types, 0)
	r.pairs.init(meta)
	return r
}

// Next is connect.Queue.
func (r *sinkReader) Next(pos connect.Position) (*connect.Changes, error) {
	if whole := r.out.Split && !r.out.Kept; r.rate > 0 && !whole && time.Now().Before(r.free) {
		return nil, nil // an epoch that has to be sent as a whole goes on
	}
	if err := r.fetch(pos); err != nil || len(r.ends) == 0 {
		return nil, err
	}
	r.batch.Reset()
	from := 0
	for _, end := range r.ends {
		b, unpacked, err := unpackSinkEntry(r.raw[from:end], r.unpacked)
		if err == nil {
			r.unpacked = unpacked
			err = decodeBatch(b, r.batch)
		}
		if err != nil {
			return nil, pgerr.Newf(pgerr.DataCorrupted, "%v", err)
		}
		from = end
	}
	r.changes()
	if done := pos.Change - r.out.At.Change; pos.Epoch == r.out.Epoch && done > 0 {
		done = min(done, int64(len(r.out.List)))
		r.out.List, r.out.At.Change = r.out.List[done:], r.out.At.Change+done
	}
	r.pace(len(r.out.List))
	return &r.out, nil
}

// pace notes when the next changes may follow n.
func (r *sinkReader) pace(n int) {
	if r.rate == 0 {
		return
	}
	if now := time.Now(); r.free.Before(now) {
		r.free = now
	}
	r.free = r.free.Add(time.Duration(float64(n) / float64(r.rate) * float64(time.Second)))
}

var errSinkGone = pgerr.New(pgerr.UndefinedObject, "the sink was dropped")

// fetch copies the entries that Next needs: one of an epoch that only adds rows, all of another's.
func (r *sinkReader) fetch(pos connect.Position) error {
	r.raw, r.ends = r.raw[:0], r.ends[:0]
	for {
		if more, err := r.fetchSome(pos); err != nil || !more {
			return err
		}
	}
}

// fetchSome copies some entries under the publish lock and reports whether it has to be called again.
func (r *sinkReader) fetchSome(pos connect.Position) (more bool, err error) {
	r.e.publish.RLock()
	defer r.e.publish.RUnlock()
	q, limit, err := r.readable(pos)
	if q == nil {
		return false, err
	}
	if len(r.ends) == 0 && pos != r.at {
		r.seek(q, pos)
	}
	it := q.Seek(r.next)
	for size := 0; it.Valid(); it.Next() {
		epoch := sinkEpoch(it.Key())
		flags, changes, _ := sinkEntry(it.Value())
		switch {
		case len(r.ends) == 0 && epoch > limit:
			return false, nil
		case len(r.ends) == 0:
			r.begin(epoch, flags)
		case epoch != r.out.Epoch:
			r.end(&it)
			return false, nil
		case size > sinkReadBytes:
			r.remember(&it, epoch)
			return true, nil
		}
		r.raw = append(r.raw, it.Value()...)
		r.ends = append(r.ends, len(r.raw))
		size += len(it.Value())
		if flags&sinkNets == 0 {
			r.out.Next.Change = r.out.At.Change + changes
			it.Next()
			break
		}
	}
	if len(r.ends) > 0 {
		r.end(&it)
	}
	return false, nil
}

// readable returns the queue and the newest epoch that may be sent; nil if there is none.
func (r *sinkReader) readable(pos connect.Position) (*state.Ordered, uint64, error) {
	c := r.e.core
	rel := c.rels[r.id]
	if rel == nil || rel.sink == nil {
		return nil, 0, errSinkGone
	}
	if pos.Epoch > c.epoch+1 {
		return nil, 0, pgerr.Newf(pgerr.ObjectNotInState, "epoch %d was delivered, but this database has only come to epoch %d", pos.Epoch-1, c.epoch).
			WithHint("It seems to be a copy of an older state. Create the sink anew.")
	}
	kept := r.e.sinks.kept.Load()
	switch {
	case rel.meta.CreatedEpoch > kept:
		return nil, 0, nil // replay would take the first snapshot again, and in another order
	case r.e.opts.Async:
		return rel.sink.t, min(c.epoch, kept), nil // what a power failure takes back must not have been sent
	}
	return rel.sink.t, c.epoch, nil
}

// begin starts the changes of an epoch.
func (r *sinkReader) begin(epoch uint64, flags byte) {
	at := connect.Position{Epoch: epoch}
	if r.at.Epoch == epoch {
		at = r.at
	}
	r.out = connect.Changes{
		Epoch: epoch, At: at, Next: at, List: r.out.List[:0],
		Kept: epoch <= r.e.sinks.kept.Load(), Snapshot: flags&sinkSnapshot != 0,
	}
}

// end ends the changes in front of the entry it is at.
func (r *sinkReader) end(it *state.Iter) {
	r.remember(it, r.out.Epoch)
	if r.out.Split = it.Valid() && sinkEpoch(it.Key()) == r.out.Epoch; !r.out.Split {
		r.out.Next = connect.Position{Epoch: r.out.Epoch + 1}
	}
	r.at = r.out.Next
}

// remember notes where reading goes on.
func (r *sinkReader) remember(it *state.Iter, epoch uint64) {
	if it.Valid() {
		r.next = append(r.next[:0], it.Key()...)
	} else {
		r.next = appendSinkKey(r.next, epoch, ^uint32(0))
	}
}

// seek finds the entry in which pos lies; at is then the position of its first change.
func (r *sinkReader) seek(q *state.Ordered, pos connect.Position) {
	r.at = connect.Position{Epoch: pos.Epoch}
	r.next = appendSinkKey(r.next, pos.Epoch, 0)
	it := q.Seek(r.next)
	for ; it.Valid() && sinkEpoch(it.Key()) == pos.Epoch; it.Next() {
		flags, changes, _ := sinkEntry(it.Value())
		if flags&sinkNets != 0 || r.at.Change+changes > pos.Change {
			break
		}
		r.at.Change += changes
	}
	r.remember(&it, pos.Epoch)
}

// changes makes the list of changes of what was read.
func (r *sinkReader) changes() {
	b, list := r.batch, r.out.List
	switch {
	case b.AppendOnly() || r.out.Snapshot:
		list = copiesOf(list, b)
	case r.pairs.codec != nil:
		b = r.net.Consolidate(r.types, b)
		list = r.pairs.list(list, b)
	default:
		b = r.net.Consolidate(r.types, b)
		list = copiesOf(list, b)
	}
	r.out.Rows, r.out.List = b, list
}

// Wait is connect.Queue.
func (r *sinkReader) Wait(ctx context.Context, _ connect.Position) error {
	var free <-chan time.Time
	wake := r.wake
	if wait := time.Until(r.free); wait > 0 {
		free, wake = time.After(wait), nil
	}
	select {
	case <-wake:
		return nil
	case <-free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Delivered is connect.Queue.
func (r *sinkReader) Delivered(_ context.Context, pos connect.Position) error {
	return r.e.submit(&request{run: func(ct *cut) error {
		rel := ct.c.rels[r.id]
		if rel == nil || rel.sink == nil {
			return errSinkGone
		}
		r.e.publish.Lock()
		defer r.e.publish.Unlock()
		rel.sink.forget(pos)
		ct.c.sinksMoved = true
		return nil
	}})
}

// pairing pairs the rows that one key loses and gets.
type pairing struct {
	codec  *state.Codec // nil: no key
	cols   []int
	vecs   []*vec.Vec
	keys   state.Keys
	groups state.Groups
}

func (p *pairing) init(meta *catalog.Relation) {
	if meta.Sink.Key == nil {
		return
	}
	p.cols = slices.Clone(meta.Sink.Key)
	ts := columnTypes(meta)
	kt := ts[:0:0]
	for _, c := range p.cols {
		kt = append(kt, ts[c])
	}
	// By identity, not SQL equality: 1.0 and 1.00 are keys of different records.
	p.codec = state.NewRowCodec(kt)
}

// list appends one change a key. Of several rows of one key, which a key that is none allows, the last one counts.
func (p *pairing) list(list []connect.Change, b *vec.Batch) []connect.Change {
	p.vecs = p.vecs[:0]
	for _, c := range p.cols {
		p.vecs = append(p.vecs, b.Cols[c])
	}
	p.codec.Encode(&p.keys, p.vecs, b.N)
	p.groups.Reset()
	for i := range b.N {
		g, isNew := p.groups.Add(&p.keys, i)
		if isNew {
			list = append(list, connect.Change{Before: -1, After: -1})
		}
		if b.Weight(i) < 0 {
			list[g].Before = int32(i)
		} else {
			list[g].After = int32(i)
		}
	}
	return list
}

// copiesOf appends a change for each copy of each row.
func copiesOf(list []connect.Change, b *vec.Batch) []connect.Change {
	for i := range b.N {
		c := connect.Change{Before: -1, After: int32(i)}
		w := b.Weight(i)
		if w < 0 {
			c, w = connect.Change{Before: int32(i), After: -1}, -w
		}
		for range w {
			list = append(list, c)
		}
	}
	return list
}
