package storage

import (
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4"
)

// LoadTable calls fn for each page of a table as of the manifest, in page
// order. Data is valid during the call. A checkpoint may run beside it.
func (s *Store) LoadTable(table uint32, fn func(page uint64, data []byte) error) error {
	txn, list := s.state.live(table, table)
	defer txn.Discard()
	return s.state.loadRange(txn, list, func(id PageID, data []byte) error { return fn(id.Page, data) }, nil)
}

// LoadAll calls fn for every page as of the manifest, from several goroutines
// at once, each in order over a range of its own. Data is valid during the call.
func (s *Store) LoadAll(fn func(id PageID, data []byte) error) error {
	txn, list := s.state.live(0, math.MaxUint32)
	defer txn.Discard()
	n := min(max(runtime.GOMAXPROCS(0), 1), len(list)/16+1)
	var wg sync.WaitGroup
	var stop atomic.Bool
	errs := make([]error, n)
	for i := range n {
		part := list[len(list)*i/n : len(list)*(i+1)/n]
		wg.Add(1)
		go func() {
			defer wg.Done()
			if errs[i] = s.state.loadRange(txn, part, fn, &stop); errs[i] != nil {
				stop.Store(true)
			}
		}()
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

type livePage struct {
	id PageID
	c  pageCopy
}

// live lists the live pages of tables lo..hi in key order, with a view of
// Badger in which they are: a checkpoint meanwhile changes neither.
func (st *stateDB) live(lo, hi uint32) (*badger.Txn, []livePage) {
	st.mu.Lock()
	defer st.mu.Unlock()
	txn := st.db.NewTransaction(false)
	var list []livePage
	for table, m := range st.pages {
		if table < lo || table > hi {
			continue
		}
		list = slices.Grow(list, len(m))
		for page, c := range m {
			list = append(list, livePage{PageID{table, page}, c})
		}
	}
	slices.SortFunc(list, func(a, b livePage) int {
		switch {
		case a.id == b.id:
			return 0
		case a.id.Table < b.id.Table || a.id.Table == b.id.Table && a.id.Page < b.id.Page:
			return -1
		}
		return 1
	})
	return txn, list
}

// loadRange reads pages with one iterator, in key order. It seeks only where
// another copy lies between. Badger panics over blocks that do not make
// sense; here that is damage.
func (st *stateDB) loadRange(txn *badger.Txn, list []livePage, fn func(PageID, []byte) error, stop *atomic.Bool) (err error) {
	if len(list) == 0 {
		return nil
	}
	reading := true
	var unpacked []byte
	defer func() {
		if !reading {
			return // a panic of fn is not ours
		}
		if p := recover(); p != nil {
			err = damaged(st.dir, -1, "reading pages: %v", p)
		}
	}()
	deliver := func(p livePage, b []byte) error {
		if len(b) != int(p.c.length) || checksum(b) != p.c.crc {
			return st.pageDamage(p, "has a wrong checksum")
		}
		if p.c.packed {
			var err error
			if unpacked, err = unpack(unpacked, b); err != nil {
				return st.pageDamage(p, "does not make sense")
			}
			b = unpacked
		}
		reading = false
		err := fn(p.id, b)
		reading = true
		return err
	}
	it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{keyPage}})
	defer it.Close()
	it.Seek(chunkKey(list[0].id, list[0].c.ckpt, 0))
	var joined []byte
	for _, p := range list {
		if stop != nil && stop.Load() {
			return nil
		}
		joined = joined[:0]
		for i := range int(p.c.chunks) {
			key := chunkKey(p.id, p.c.ckpt, i)
			if !it.Valid() || !slices.Equal(it.Item().Key(), key) {
				it.Seek(key)
			}
			if !it.Valid() || !slices.Equal(it.Item().Key(), key) {
				return st.pageDamage(p, "is missing")
			}
			err := it.Item().Value(func(b []byte) error {
				if p.c.chunks > 1 {
					joined = append(joined, b...)
					return nil
				}
				return deliver(p, b)
			})
			if err != nil {
				return err
			}
			it.Next()
		}
		if p.c.chunks > 1 {
			if err := deliver(p, joined); err != nil {
				return err
			}
		}
	}
	return nil
}

func (st *stateDB) pageDamage(p livePage, what string) error {
	return damaged(st.dir, -1, "page %d of table %d %s", p.id.Page, p.id.Table, what)
}
