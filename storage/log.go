package storage

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
)

// directSize is how large a record or a transaction's buffer may grow before
// it goes to the file ahead of the commit.
const directSize = 256 << 10

// segmentLog is the log: an active segment that grows, sealed ones before it.
//
// Lock order: commitMu, then mu. mu is held while bytes are handed to the
// kernel, so that the file has no holes, but not while they are synced.
type segmentLog struct {
	store *Store
	dir   string

	commits  atomic.Uint64 // how many there were: a checkpoint asks
	asked    atomic.Bool   // Append has found enough space since the last one
	commitMu sync.Mutex    // one Commit or sync at a time
	buf      []byte        // of Commit, reused
	frame    commit        // the same
	payload  []byte        // the same

	mu      sync.Mutex
	segs    []*segment // by sequence; the last one is active
	txns    map[uint64]*openTxn
	spare   *openTxn // a small one that has ended
	written uint64   // newest epoch with a commit frame in the file
	last    uint64   // newest epoch acknowledged: what readers may see
	visible Position // end of its commit frame
	durable Position // known to be on disk

	retain   map[uint32]uint64 // rows at epochs <= this are not needed
	manifest uint64            // epoch of the manifest
	ckpt     uint64            // number of its checkpoint

	total    int64 // bytes committed since open, and since the manifest before it
	atBase   int64 // value of total when the manifest's checkpoint began
	dirtyEnd int64 // of the active segment, not yet handed to writeback
}

// openTxn is a transaction that has appended and not committed. Its frames
// are partly in segments (extents), then in buf.
type openTxn struct {
	mu      sync.Mutex // one Append at a time for one transaction
	buf     []byte
	bufRel  uint64 // as extent.rel
	extents []extent
	rels    []uint32
	named   uint64 // epoch whose Commit has named it
}

func (r *Record) check() error {
	if len(r.Payload) > MaxRecord {
		return fmt.Errorf("log record of %d bytes is over the limit of %d", len(r.Payload), MaxRecord)
	}
	return nil
}

func (t *openTxn) addRel(rel uint32) {
	if n := len(t.rels); n > 0 && t.rels[n-1] == rel {
		return
	}
	if !slices.Contains(t.rels, rel) {
		t.rels = append(t.rels, rel)
	}
}

// mixRel returns the extent.rel of a run with one more frame of rel.
func mixRel(empty bool, run uint64, rel uint32) uint64 {
	if r := uint64(rel) + 1; empty || run == r {
		return r
	}
	return 0
}

// Append adds records to an open transaction. Txn is any number that tells it
// from the other open ones; parts of several may interleave. Nothing counts
// until a Commit names the transaction. Much data goes to the file at once, so
// that the commit's sync is short. Payloads are free for reuse on return.
// ErrDiskFull refuses these records and leaves the transaction as it was.
func (s *Store) Append(txn uint64, recs ...Record) error {
	l := s.log
	if err := s.fault.get(); err != nil {
		return err
	}
	if err := s.space.forRows(); err != nil {
		return err
	}
	l.asked.Store(true)
	for i := range recs {
		if err := recs[i].check(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	t := l.txns[txn]
	if t == nil {
		if t, l.spare = l.spare, nil; t == nil {
			t = &openTxn{}
		}
		l.txns[txn] = t
	}
	l.mu.Unlock()

	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range recs {
		if err := l.appendOne(t, txn, &recs[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *segmentLog) appendOne(t *openTxn, txn uint64, r *Record) error {
	t.addRel(r.Rel)
	if len(r.Payload) < directSize {
		t.bufRel = mixRel(len(t.buf) == 0, t.bufRel, r.Rel)
		t.buf = appendFrame(t.buf, framePart, r.Kind, r.Rel, txn, r.Payload)
		if len(t.buf) < directSize {
			return nil
		}
		return l.flush(t)
	}
	if len(t.buf) > 0 {
		if err := l.flush(t); err != nil {
			return err
		}
	}
	f := frame{typ: framePart, kind: r.Kind, rel: r.Rel, txn: txn, length: len(r.Payload), crc: checksum(r.Payload)}
	var h [frameHeader]byte
	f.putHeader(h[:])
	return l.writePart(t, uint64(r.Rel)+1, h[:], r.Payload)
}

// flush writes a transaction's buffer to the file.
func (l *segmentLog) flush(t *openTxn) error {
	err := l.writePart(t, t.bufRel, t.buf)
	t.buf = t.buf[:0]
	return err
}

// writePart writes frames of one transaction, given in pieces, and starts
// their way to the disk.
func (l *segmentLog) writePart(t *openTxn, rel uint64, pieces ...[]byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.store.fault.get(); err != nil {
		return err
	}
	var n int64
	for _, p := range pieces {
		n += int64(len(p))
	}
	a, err := l.room(n)
	if err != nil {
		return err
	}
	e := extent{seg: a.seq, off: a.end, len: n, rel: rel}
	for _, p := range pieces {
		if err := a.write(p); err != nil {
			return l.fail(err)
		}
	}
	if m := len(t.extents); m > 0 && t.extents[m-1].follows(e) {
		t.extents[m-1].len += n
	} else {
		t.extents = append(t.extents, e)
		a.pending++
	}
	const writebackStep = 1 << 20
	if a.end-l.dirtyEnd >= writebackStep {
		startWriteback(a.f, l.dirtyEnd, a.end-l.dirtyEnd)
		l.dirtyEnd = a.end
	}
	return nil
}

// follows reports whether next continues e, of the same relation.
func (e extent) follows(next extent) bool {
	return e.seg == next.seg && e.off+e.len == next.off && e.rel == next.rel
}

func (l *segmentLog) active() *segment { return l.segs[len(l.segs)-1] }

// fail stops the store: what the file holds now is unknown.
func (l *segmentLog) fail(err error) error { return l.store.fault.set(err) }

// room returns the active segment with space for n more bytes, going on to a
// new one if need be. A sealed segment is durable before the next one exists.
func (l *segmentLog) room(n int64) (*segment, error) {
	a := l.active()
	if a.end == segmentHeader || a.end+n <= l.store.opts.SegmentSize {
		return a, nil
	}
	if err := a.seal(); err != nil {
		return nil, l.fail(err)
	}
	next, err := createSegment(l.dir, a.seq+1, l.written)
	if err != nil {
		return nil, l.fail(err)
	}
	l.segs = append(l.segs, next)
	l.dirtyEnd = next.end
	l.setDurable(Position{next.seq, next.end})
	return next, nil
}

func (l *segmentLog) setDurable(p Position) {
	if l.durable.Less(p) {
		l.durable = p
	}
}

func (l *segmentLog) find(seq uint64) *segment {
	i, ok := slices.BinarySearchFunc(l.segs, seq, func(s *segment, seq uint64) int {
		switch {
		case s.seq < seq:
			return -1
		case s.seq > seq:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return l.segs[i]
}

// forget ends a transaction: committed or aborted.
func (l *segmentLog) forget(txn uint64) {
	t := l.txns[txn]
	if t == nil {
		return
	}
	for _, e := range t.extents {
		if s := l.find(e.seg); s != nil {
			s.pending--
			l.total += e.len
		}
	}
	delete(l.txns, txn)
	if cap(t.buf) <= 64<<10 {
		*t = openTxn{buf: t.buf[:0], extents: t.extents[:0], rels: t.rels[:0]}
		l.spare = t
	}
}

// Abort forgets an open transaction. What of it is in the log already is
// skipped by every reader and goes with its segment.
func (s *Store) Abort(txn uint64) {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.forget(txn)
}

// Sync returns when everything committed before the call is durable.
func (s *Store) Sync() error { return s.log.sync() }

func (l *segmentLog) sync() error {
	l.commitMu.Lock()
	defer l.commitMu.Unlock()
	if err := l.store.fault.get(); err != nil {
		return err
	}
	l.mu.Lock()
	f, end, clean := l.active().f, l.visible, !l.durable.Less(l.visible)
	l.mu.Unlock()
	if clean {
		return nil
	}
	if err := fdatasync(f); err != nil {
		return l.fail(err)
	}
	l.mu.Lock()
	l.setDurable(end)
	l.mu.Unlock()
	return nil
}

// LastEpoch is the newest epoch that is committed.
func (s *Store) LastEpoch() uint64 {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.last
}

// LogBytesSinceManifest is how much a restart would replay.
func (s *Store) LogBytesSinceManifest() int64 {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.total - s.log.atBase
}

// LogEnd is the position behind the newest epoch that is committed.
func (s *Store) LogEnd() Position {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.visible
}

func (l *segmentLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.segs) == 0 {
		return nil
	}
	a := l.active()
	if l.store.fault.get() == ErrClosed {
		// A clean end: give back what was allocated ahead or never committed.
		end := a.end
		if l.visible.Segment == a.seq {
			end = l.visible.Offset
		}
		if err := a.f.Truncate(end); err != nil {
			return err
		}
	}
	if err := a.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
