package storage

import (
	"fmt"
	"iter"
	"slices"
)

// Scanner reads one relation's records. It is for one goroutine; Close it.
type Scanner struct {
	l    *segmentLog
	pins []*segment
	r    epochReader
	from uint64
	to   uint64
	cur  uint64 // epoch being read; 0 = look for the next
	err  error
}

// Scan returns the records of relation rel in the epochs after from and up to
// to, as far as they are committed now and retained, in epoch order and in
// each epoch in commit order. It runs beside appends; segments it may read are
// not unlinked before Close.
func (s *Store) Scan(rel uint32, from, to uint64) (*Scanner, error) {
	if err := s.fault.get(); err == ErrClosed {
		return nil, err
	}
	l := s.log
	l.mu.Lock()
	defer l.mu.Unlock()
	from = max(from, l.retain[rel])
	sc := &Scanner{l: l, from: from, to: min(to, l.last)}
	sc.r.rel = rel
	if sc.from < sc.to {
		sc.pin(func(g *segment) bool { return g.rels[rel] > from })
	}
	return sc, nil
}

// pin takes references on the segments that pass, and gives them to the reader.
func (sc *Scanner) pin(want func(*segment) bool) {
	l := sc.l
	sc.r.segs = map[uint64]span{}
	for _, g := range l.segs {
		if !want(g) {
			continue
		}
		sp := span{seg: g, limit: l.readable(g), from: g.seek(sc.from)}
		g.refs++
		sc.pins = append(sc.pins, g)
		sc.r.segs[g.seq] = sp
		if g.last > sc.from && g.first <= sc.to {
			sc.r.w.spans = append(sc.r.w.spans, sp)
		}
	}
}

// readable is how far g may be read: nothing of an epoch that is written and
// not yet acknowledged.
func (l *segmentLog) readable(g *segment) int64 {
	if g.seq == l.visible.Segment {
		return min(g.end, l.visible.Offset)
	}
	return g.end
}

// Next returns the next record, or false at the end. Its payload is valid
// until the next call.
func (sc *Scanner) Next() (Record, bool, error) {
	for sc.err == nil {
		if sc.cur == 0 {
			c, err := sc.r.w.next()
			if err != nil {
				sc.err = err
				break
			}
			if c == nil || c.epoch > sc.to {
				return Record{}, false, nil
			}
			// An epoch without rows of the relation is passed over as a whole: its
			// mixed extents may be in segments that are not pinned, or gone.
			if c.epoch <= sc.from || !slices.Contains(c.rels, sc.r.rel) {
				continue
			}
			sc.cur = c.epoch
			sc.r.start(c)
		}
		rec, ok, err := sc.r.next(sc.cur)
		if ok {
			return rec, true, nil
		}
		sc.cur, sc.err = 0, err
	}
	return Record{}, false, sc.err
}

// Close gives the segments free.
func (sc *Scanner) Close() {
	sc.r.close()
	sc.l.mu.Lock()
	defer sc.l.mu.Unlock()
	for _, g := range sc.pins {
		g.refs--
	}
	sc.pins = nil
}

// Replay calls fn for each committed epoch after `after`, in order, with its
// records. They are read as fn asks for them, so that a huge epoch needs no
// memory; a payload is valid until the next record. Epochs that a manifest
// covers may be gone: after must not be older than the manifest, or the
// missing stretch is reported as damage. An error of fn ends the replay.
func (s *Store) Replay(after uint64, fn func(epoch uint64, recs iter.Seq2[Record, error]) error) error {
	l := s.log
	sc := &Scanner{l: l, from: after}
	sc.r.all = true
	l.mu.Lock()
	sc.to = l.last
	sc.pin(func(g *segment) bool { return g.newest > after })
	l.mu.Unlock()
	defer sc.Close()

	done := after
	for {
		c, err := sc.r.w.next()
		if err != nil {
			return err
		}
		if c == nil || c.epoch > sc.to {
			break
		}
		if c.epoch <= after {
			continue
		}
		if done == after && c.prev > after || done > after && c.prev != done {
			return damaged(sc.r.w.seg().path, -1, "epochs %d to %d are missing before epoch %d", done+1, c.prev, c.epoch)
		}
		epoch := c.epoch
		sc.r.start(c)
		var rerr error
		err = fn(epoch, func(yield func(Record, error) bool) {
			for {
				rec, ok, err := sc.r.next(epoch)
				if err != nil {
					rerr = err
				}
				if !ok && err == nil || !yield(rec, err) || err != nil {
					return
				}
			}
		})
		if err != nil {
			return err
		}
		if rerr != nil {
			return fmt.Errorf("epoch %d: %w", epoch, rerr)
		}
		done = epoch
	}
	if done < sc.to && sc.to > after {
		return damaged(l.dir, -1, "the log ends at epoch %d and not at epoch %d", done, sc.to)
	}
	return nil
}
