package storage

import (
	"fmt"
	"os"
	"slices"
)

// Commit makes the records of txns, in that order, and then extra, the epoch.
// Epochs must grow. On return they are durable (Options.Async: in the kernel's
// hands) and seen by Scan, and the txns are forgotten. The small case is one
// write and one fdatasync. After ErrDiskFull nothing has happened and the
// transactions are still open; after any other error the store is stopped, and
// only opening it again tells whether the epoch is there.
//
// The space guard asks half of MinFree here: rows were refused by Append
// before, and a commit of extra records alone is how a DROP gets through. A
// commit behind an Append that was let in, into space that is reserved, need
// not ask again.
func (s *Store) Commit(epoch uint64, txns []uint64, extra ...Record) (Position, error) {
	return s.CommitWhile(epoch, txns, nil, extra...)
}

// CommitWhile is Commit that runs work on the way, while the kernel writes and
// before it waits for the disk.
func (s *Store) CommitWhile(epoch uint64, txns []uint64, work func(), extra ...Record) (Position, error) {
	l := s.log
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	if err := s.fault.get(); err != nil {
		return Position{}, err
	}
	l.commits.Add(1)
	f, end, err := l.writeCommit(epoch, txns, extra)
	if err != nil {
		return Position{}, err
	}
	if work != nil {
		if !s.opts.Async {
			startWriteback(f, end.Offset&^4095, 0)
		}
		work()
	}
	if !s.opts.Async {
		if err := fdatasync(f); err != nil {
			return Position{}, l.fail(err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !s.opts.Async {
		l.setDurable(end)
	}
	l.last, l.visible = epoch, end
	return end, nil
}

// writeCommit writes what is buffered and the commit frame in one write, and
// returns the file to sync and the position that is durable afterwards.
func (l *segmentLog) writeCommit(epoch uint64, txns []uint64, extra []Record) (*os.File, Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if epoch <= l.written {
		return nil, Position{}, fmt.Errorf("epoch %d is committed after epoch %d", epoch, l.written)
	}
	for i := range extra {
		if err := extra[i].check(); err != nil {
			return nil, Position{}, err
		}
	}
	c := &l.frame
	*c = commit{epoch: epoch, prev: l.written, rels: c.rels[:0], extents: c.extents[:0]}
	n, err := l.gather(c, txns, extra)
	if err != nil {
		return nil, Position{}, err
	}
	if a := l.active(); !l.asked.Swap(false) || a.end+n > a.alloc {
		if err := l.store.space.forUpkeep(); err != nil {
			l.unname(txns)
			return nil, Position{}, err
		}
	}
	a, err := l.room(n)
	if err != nil {
		return nil, Position{}, err
	}
	c.durable, c.ckpt = l.durable, l.ckpt
	b := l.buf[:0]
	place := func(frames []byte, rel uint64) {
		c.addExtent(extent{seg: a.seq, off: a.end + int64(len(b)), len: int64(len(frames)), rel: rel})
		b = append(b, frames...)
	}
	for _, id := range txns {
		t := l.txns[id]
		if t == nil {
			continue
		}
		for _, e := range t.extents {
			c.addExtent(e)
		}
		if len(t.buf) > 0 {
			place(t.buf, t.bufRel)
		}
	}
	for i := range extra {
		r := &extra[i]
		from := len(b)
		b = appendFrame(b, framePart, r.Kind, r.Rel, 0, r.Payload)
		c.addExtent(extent{seg: a.seq, off: a.end + int64(from), len: int64(len(b) - from), rel: uint64(r.Rel) + 1})
	}
	at := a.end + int64(len(b))
	l.payload = c.append(l.payload[:0], a.seq)
	b = appendFrame(b, frameCommit, 0, 0, 0, l.payload)
	l.buf = b
	if cap(b) > 4<<20 {
		l.buf = nil
	}
	if err := a.write(b); err != nil {
		return nil, Position{}, l.fail(err)
	}
	l.written = epoch
	l.total += int64(len(b))
	l.enter(a, c, at)
	for _, id := range txns {
		l.forget(id)
	}
	return a.f, Position{a.seq, a.end}, nil
}

// gather collects the relations of a commit and bounds the bytes that it will
// write.
func (l *segmentLog) gather(c *commit, txns []uint64, extra []Record) (int64, error) {
	n := int64(frameHeader + 64)
	add := func(rel uint32) {
		if !slices.Contains(c.rels, rel) {
			c.rels = append(c.rels, rel)
		}
	}
	for _, id := range txns {
		t := l.txns[id]
		if t == nil {
			continue // appended nothing
		}
		if t.named == c.epoch {
			return 0, fmt.Errorf("transaction %d is named twice in epoch %d", id, c.epoch)
		}
		t.named = c.epoch
		for _, r := range t.rels {
			add(r)
		}
		n += int64(len(t.buf)) + 40*int64(len(t.extents)+1)
	}
	for i := range extra {
		add(extra[i].Rel)
		n += frameHeader + int64(len(extra[i].Payload)) + 40
	}
	return n + 5*int64(len(c.rels)), nil
}

// unname undoes gather.
func (l *segmentLog) unname(txns []uint64) {
	for _, id := range txns {
		if t := l.txns[id]; t != nil {
			t.named = 0
		}
	}
}

// addExtent puts an extent behind the others. Neighbours of one relation
// become one, and so do small ones of several: skipping would not pay.
func (c *commit) addExtent(e extent) {
	if n := len(c.extents); n > 0 {
		p := &c.extents[n-1]
		if p.follows(e) {
			p.len += e.len
			return
		}
		if p.seg == e.seg && p.off+p.len == e.off && p.len+e.len < 64<<10 {
			p.len, p.rel = p.len+e.len, 0
			return
		}
	}
	c.extents = append(c.extents, e)
}

// enter puts a commit frame at off of segment a into the books of all
// segments that it concerns.
func (l *segmentLog) enter(a *segment, c *commit, off int64) {
	a.note(c, off)
	a.newest = c.epoch
	m := make(marks, len(c.rels))
	for _, r := range c.rels {
		m[r] = c.epoch
	}
	a.need(m)
	for i, e := range c.extents {
		if e.seg == a.seq || i > 0 && c.extents[i-1].seg == e.seg {
			continue
		}
		if s := l.find(e.seg); s != nil {
			s.need(m)
		}
	}
}
