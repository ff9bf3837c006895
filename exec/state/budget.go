package state

import (
	"container/list"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/millracedb/millrace/sql/pgerr"
)

// Budget bounds what readers make the writer keep (D7): the bytes of pages that were changed since and are there only
// because a snapshot may still read them. Past the limit snapshots end, oldest first, until enough is given back; who
// reads from one gets 72000. A snapshot of a small table costs little and ends only if that is not enough.
//
// A kept page is charged to the oldest snapshot that needs it. When that one is released, the page goes to the next one
// that does, or is free.
type Budget struct {
	limit  int64
	kept   atomic.Int64
	ending atomic.Bool // a goroutine is ending snapshots

	mu struct {
		sync.Mutex
		readers list.List // of *reader, oldest first
	}
}

// NewBudget makes a budget of so many bytes.
func NewBudget(limit int64) *Budget { return &Budget{limit: limit} }

// Kept is the bytes kept now.
func (b *Budget) Kept() int64 { return b.kept.Load() }

// smallPart is the part of the budget up to which a snapshot counts as small.
const smallPart = 64

// reader is a snapshot under a budget.
type reader struct {
	snap   *TableSnapshot
	budget *Budget
	bytes  atomic.Int64 // charged
	kept   []keptPage   // guarded by the lock of the store
	at     *list.Element
}

// keptPage is a page as it was for the snapshots of generations [born, died).
type keptPage struct {
	born, died uint64
	bytes      int64
}

// ChargeTo puts the snapshot under a budget. It is called once, before anybody reads.
func (s *TableSnapshot) ChargeTo(b *Budget) {
	s.charge = &reader{snap: s, budget: b}
	s.t.addReader(s.charge)
	b.mu.Lock()
	s.charge.at = b.mu.readers.PushBack(s.charge)
	b.mu.Unlock()
}

func (b *Budget) remove(r *reader) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.readers.Remove(r.at)
}

// add charges r with n bytes more.
func (b *Budget) add(r *reader, n int64) {
	r.bytes.Add(n)
	if b.kept.Add(n) > b.limit && n > 0 && b.ending.CompareAndSwap(false, true) {
		go b.enforce() // the writer does not wait for readers
	}
}

// enforce ends snapshots until what is kept is within the limit.
func (b *Budget) enforce() {
	for {
		for b.kept.Load() > b.limit {
			r := b.victim()
			if r == nil {
				break
			}
			r.snap.end()
		}
		b.ending.Store(false)
		if b.kept.Load() <= b.limit || b.victim() == nil || !b.ending.CompareAndSwap(false, true) {
			return
		}
	}
}

// victim is the oldest snapshot that has pages kept, a small one only if there is no other.
func (b *Budget) victim() *reader {
	b.mu.Lock()
	defer b.mu.Unlock()
	var small *reader
	for e := b.mu.readers.Front(); e != nil; e = e.Next() {
		r := e.Value.(*reader)
		switch {
		case r.bytes.Load() == 0:
		case r.snap.size > b.limit/smallPart:
			return r
		case small == nil:
			small = r
		}
	}
	return small
}

// end takes the pages away from a snapshot, between two batches of whoever reads it.
func (s *TableSnapshot) end() {
	s.mu.Lock()
	s.mu.ended = true
	s.dir, s.pages = nil, 0
	s.mu.Unlock()
	s.Release()
}

// Use holds the pages of the snapshot for reading a batch, until Done. A snapshot that has been ended gives 72000.
func (s *TableSnapshot) Use() error {
	s.mu.RLock()
	if !s.mu.ended {
		return nil
	}
	s.mu.RUnlock()
	return pgerr.New(pgerr.SnapshotTooOld, "snapshot too old").
		WithDetail("The rows this transaction reads were changed so much since it began that they are no longer kept.").
		WithHint("Read faster or in a new transaction, or give the server a larger --memory-limit, of which an eighth is for this.")
}

// Done ends what a Use that gave no error began.
func (s *TableSnapshot) Done() { s.mu.RUnlock() }

// The store's part.

func (s *store) addReader(r *reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, _ := slices.BinarySearchFunc(s.mu.readers, r.snap.gen, byGeneration)
	s.mu.readers = slices.Insert(s.mu.readers, at, r)
}

func byGeneration(r *reader, gen uint64) int {
	if r.snap.gen < gen {
		return -1
	}
	return int(min(r.snap.gen-gen, 1))
}

// keep charges a page of generation born, which the writer replaces now, to the oldest reader that needs it.
func (s *store) keep(born uint64, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, _ := slices.BinarySearchFunc(s.mu.readers, born, byGeneration)
	if at < len(s.mu.readers) {
		s.mu.readers[at].take(keptPage{born: born, died: s.gen.Load(), bytes: bytes})
	}
}

func (r *reader) take(p keptPage) {
	r.kept = append(r.kept, p)
	r.budget.add(r, p.bytes)
}

// dropReaderLocked passes the pages of a reader on to the next one that needs them.
func (s *store) dropReaderLocked(r *reader) {
	i := slices.Index(s.mu.readers, r)
	s.mu.readers = slices.Delete(s.mu.readers, i, i+1)
	var next *reader
	if i < len(s.mu.readers) {
		next = s.mu.readers[i]
	}
	for _, p := range r.kept {
		r.budget.add(r, -p.bytes)
		if next != nil && next.snap.gen < p.died {
			next.take(p)
		}
	}
	r.kept = nil
}
