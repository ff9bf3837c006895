package state

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Size classes of page buffers. A table starts with a small page, so that a hundred small views do not cost a hundred
// full pages; a row that does not fit into a full page gets a page of its own, of any size.
const (
	pageSize  = 16 << 10
	chunkBits = 8
	chunkSize = 1 << chunkBits
	maxPages  = 1 << (32 - slotBits)
)

// chunk is the inner level of the page directory.
type chunk struct{ bufs [chunkSize][]byte }

// pageMeta is what the writer knows of a page. Readers never see it.
type pageMeta struct {
	gen    uint64 // when buf was made; it is private to the writer if gen is newer than every pin
	dirty  bool   // changed since it was last handed to a checkpoint
	stored bool   // a checkpoint may have written it
	spare  bool   // it is in the table's list of pages with room
}

// store is a growing array of pages with copy on write. Two kinds of users share pages with the writer: snapshots and
// checkpoints. Each pins the generation it was made in; the writer copies a buffer (or directory chunk) that is not
// younger than the newest pin before it changes it.
type store struct {
	id       uint32
	dir      []*chunk
	dirGen   uint64
	chunkGen []uint64
	meta     []pageMeta
	empty    []uint32 // page numbers without content, to be used again
	nDirty   int
	size     int64 // bytes of the current buffers

	gen    atomic.Uint64 // generation of buffers made now
	shared atomic.Uint64 // newest pinned generation; 0: nothing is pinned

	mu struct {
		sync.Mutex
		pins    map[uint64]int // by generation
		readers []*reader      // snapshots under a budget, by generation
		unsaved []uint32       // pages of checkpoints that failed, to be dirty again
	}
}

func (s *store) init(id uint32) {
	s.id = id
	s.gen.Store(1)
}

// ID is the table's id (Pages).
func (s *store) ID() uint32 { return s.id }

// buf returns the content of page p, for reading.
func (s *store) buf(p uint32) []byte { return s.dir[p>>chunkBits].bufs[p&(chunkSize-1)] }

func (s *store) pages() int { return len(s.meta) }

// set replaces the buffer of page p, made by the writer, and marks the page dirty.
func (s *store) set(p uint32, b []byte) {
	shared := s.shared.Load()
	c := int(p >> chunkBits)
	if s.chunkGen[c] <= shared {
		if s.dirGen <= shared {
			s.dir = append([]*chunk(nil), s.dir...)
			s.dirGen = s.gen.Load()
		}
		n := *s.dir[c]
		s.dir[c] = &n
		s.chunkGen[c] = s.gen.Load()
	}
	slot := &s.dir[c].bufs[p&(chunkSize-1)]
	if *slot != nil && s.meta[p].gen <= shared {
		s.keep(s.meta[p].gen, int64(cap(*slot)))
	}
	s.size += int64(cap(b)) - int64(cap(*slot))
	*slot = b
	s.meta[p].gen = s.gen.Load()
	s.touch(p)
}

func (s *store) touch(p uint32) {
	if m := &s.meta[p]; !m.dirty {
		m.dirty = true
		s.nDirty++
	}
}

// writable returns the content of page p for changing, copied first if somebody else may be reading it.
func (s *store) writable(p uint32) []byte {
	m := &s.meta[p]
	b := s.buf(p)
	if m.gen > s.shared.Load() {
		s.touch(p)
		return b
	}
	b = append(make([]byte, 0, cap(b)), b...)
	s.set(p, b)
	return b
}

// add returns the number of a page without content, to be set.
func (s *store) add() uint32 {
	if n := len(s.empty); n > 0 {
		p := s.empty[n-1]
		s.empty = s.empty[:n-1]
		return p
	}
	p := len(s.meta)
	if p >= maxPages {
		panic(fmt.Sprintf("state table %d is full", s.id))
	}
	s.meta = append(s.meta, pageMeta{})
	if p>>chunkBits == len(s.dir) {
		if s.dirGen <= s.shared.Load() {
			s.dir = append([]*chunk(nil), s.dir...)
			s.dirGen = s.gen.Load()
		}
		s.dir = append(s.dir, new(chunk))
		s.chunkGen = append(s.chunkGen, s.gen.Load())
	}
	return uint32(p)
}

// drop removes the content of page p.
func (s *store) drop(p uint32) {
	s.set(p, nil)
	s.empty = append(s.empty, p)
	if m := &s.meta[p]; !m.stored {
		m.dirty = false
		s.nDirty--
	}
}

// clear drops every page.
func (s *store) clear() {
	s.empty = s.empty[:0]
	for p := len(s.meta) - 1; p >= 0; p-- {
		if s.buf(uint32(p)) != nil {
			s.set(uint32(p), nil)
			if !s.meta[p].stored {
				s.meta[p].dirty = false
				s.nDirty--
			}
		}
		s.meta[p].spare = false
		s.empty = append(s.empty, uint32(p))
	}
}

// pin keeps the pages as they are until the generation it returns is unpinned. The caller copies s.dir.
func (s *store) pin() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.gen.Load()
	if s.mu.pins == nil {
		s.mu.pins = map[uint64]int{}
	}
	s.mu.pins[g]++
	s.shared.Store(g)
	s.gen.Store(g + 1)
	return g
}

// unpin gives back a pin, of reader r if it is under a budget.
func (s *store) unpin(g uint64, r *reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r != nil {
		s.dropReaderLocked(r)
	}
	s.unpinLocked(g)
}

func (s *store) unpinLocked(g uint64) {
	if s.mu.pins[g]--; s.mu.pins[g] > 0 {
		return
	}
	delete(s.mu.pins, g)
	newest := uint64(0)
	for p := range s.mu.pins {
		newest = max(newest, p)
	}
	s.shared.Store(newest)
}

// BeginCheckpoint hands out the dirty pages (Pages).
func (s *store) BeginCheckpoint(put func(page uint64, data []byte)) func(committed bool) {
	s.takeUnsaved()
	g := s.pin()
	var sent []uint32
	if s.nDirty > 0 {
		sent = make([]uint32, 0, s.nDirty)
		for p := range s.meta {
			m := &s.meta[p]
			if !m.dirty {
				continue
			}
			b := s.buf(uint32(p))
			m.dirty, m.stored = false, b != nil
			sent = append(sent, uint32(p))
			put(uint64(p), b)
		}
		s.nDirty = 0
	}
	return func(committed bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !committed {
			s.mu.unsaved = append(s.mu.unsaved, sent...)
		}
		s.unpinLocked(g)
	}
}

// takeUnsaved marks the pages of failed checkpoints dirty again.
func (s *store) takeUnsaved() {
	s.mu.Lock()
	unsaved := s.mu.unsaved
	s.mu.unsaved = nil
	s.mu.Unlock()
	for _, p := range unsaved {
		s.meta[p].stored = true
		s.touch(p)
	}
}

// DirtyBytes is the size of what a checkpoint would write now.
func (s *store) DirtyBytes() int64 {
	s.takeUnsaved()
	return int64(s.nDirty) * pageSize
}

// load gives back a page at recovery.
func (s *store) load(page uint64, data []byte) error {
	if page >= maxPages {
		return fmt.Errorf("state table %d: page %d is out of range", s.id, page)
	}
	for uint64(len(s.meta)) <= page {
		s.meta = append(s.meta, pageMeta{})
		if (len(s.meta)-1)>>chunkBits == len(s.dir) {
			s.dir = append(s.dir, new(chunk))
			s.chunkGen = append(s.chunkGen, s.gen.Load())
		}
	}
	if s.buf(uint32(page)) != nil {
		return fmt.Errorf("state table %d: page %d was loaded twice", s.id, page)
	}
	b := make([]byte, len(data))
	copy(b, data)
	s.set(uint32(page), b)
	s.meta[page].dirty, s.meta[page].stored = false, true
	s.nDirty--
	return nil
}

// loaded ends recovery: page numbers without content can be used.
func (s *store) loaded() {
	s.empty = s.empty[:0]
	for p := len(s.meta) - 1; p >= 0; p-- {
		if s.buf(uint32(p)) == nil {
			s.empty = append(s.empty, uint32(p))
		}
	}
}
