package state

import (
	"sync"
	"sync/atomic"
)

// TableSnapshot is the rows of a Table as they were when it was taken. Any goroutine may read it until Release.
type TableSnapshot struct {
	t        *Table // for its shape only: what never changes
	dir      []*chunk
	pages    int
	n        int
	gen      uint64
	size     int64 // bytes of the pages
	released atomic.Bool
	charge   *reader // nil: under no budget

	// mu is held for a batch by who reads, so that a budget takes no page away under a reader.
	mu struct {
		sync.RWMutex
		ended bool
	}
}

// Snapshot pins the table. It may run beside other readers, not beside a write.
func (t *Table) Snapshot() *TableSnapshot {
	g := t.pin()
	return &TableSnapshot{t: t, dir: t.dir, pages: t.pages(), n: t.n, gen: g, size: t.size}
}

// Len is the number of rows.
func (s *TableSnapshot) Len() int { return s.n }

// Release lets the writer change the pages again. It may be called more than once.
func (s *TableSnapshot) Release() {
	if s.released.Swap(true) {
		return
	}
	if s.charge != nil {
		s.charge.budget.remove(s.charge)
	}
	s.t.unpin(s.gen, s.charge)
}

// Rows returns an iterator over the rows in page order. It may be used between Use and Done.
func (s *TableSnapshot) Rows() RowIter { return RowIter{s: s, page: -1} }

// RowIter walks the rows of a snapshot.
type RowIter struct {
	s    *TableSnapshot
	page int
	slot int
	n    int
	b    []byte
}

// Next returns the next row's key and value, which stay as they are until the snapshot is released.
func (it *RowIter) Next() (key, val []byte, ok bool) {
	for {
		for it.slot < it.n {
			i := it.slot
			it.slot++
			if it.s.t.fix.width > 0 {
				if !fixedIsLive(it.b, i) {
					continue
				}
				key, val = it.s.t.split(it.s.t.fix.row(it.b, i))
				return key, val, true
			}
			if row := slottedRow(it.b, i); row != nil {
				key, val = it.s.t.split(row)
				return key, val, true
			}
		}
		if it.page++; it.page >= it.s.pages {
			return nil, nil, false
		}
		it.b = it.s.dir[it.page>>chunkBits].bufs[it.page&(chunkSize-1)]
		it.slot, it.n = 0, 0
		if it.b != nil {
			it.n = pageSlots(it.b)
		}
	}
}
