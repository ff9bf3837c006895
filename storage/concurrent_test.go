package storage

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Appends of several transactions, commits, checkpoints, truncation, scans and
// loads at once: every scan sees whole epochs without a gap, every load one
// checkpoint. Meant for -race.
func TestConcurrent(t *testing.T) {
	o := testOptions(t.TempDir())
	o.SegmentSize = 300 << 10
	s := mustOpen(t, o)
	s.DropRelation(2)
	var stop atomic.Bool
	var wg sync.WaitGroup
	run := func(f func(i uint64) error) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := uint64(0); !stop.Load(); i++ {
				if err := f(i); err != nil {
					t.Error(err)
					stop.Store(true)
				}
			}
		}()
	}
	for w := range uint64(2) { // large transactions that come to nothing
		run(func(i uint64) error {
			defer time.Sleep(time.Millisecond)
			if i%10 == 9 {
				s.Abort(1000 + w)
			}
			return s.Append(1000+w, Record{Rel: 2, Payload: make([]byte, 40<<10)})
		})
	}
	run(func(i uint64) error {
		for range 2 {
			if err := s.Append(1, Record{Rel: 1, Payload: fmt.Append(nil, i+1)}); err != nil {
				return err
			}
		}
		_, err := s.Commit(i+1, []uint64{1}, Record{Rel: 0, Payload: []byte("clock")})
		return err
	})
	run(func(uint64) error {
		defer time.Sleep(5 * time.Millisecond)
		at := s.LastEpoch()
		c := s.BeginCheckpoint(at)
		for p := range uint64(20) {
			if err := c.Put(PageID{1, p}, fmt.Append(nil, at)); err != nil {
				return err
			}
		}
		return c.Commit(fmt.Append(nil, at))
	})
	run(func(uint64) error {
		defer time.Sleep(3 * time.Millisecond)
		at, _, _ := s.Manifest()
		s.SetRetention(1, at/2)
		return s.Truncate()
	})
	run(func(uint64) error {
		var first atomic.Pointer[string]
		return s.LoadAll(func(id PageID, d []byte) error {
			text := string(d)
			if !first.CompareAndSwap(nil, &text) && *first.Load() != text {
				return fmt.Errorf("a load sees checkpoints %s and %s", *first.Load(), text)
			}
			return nil
		})
	})
	run(func(uint64) error { return scanWhole(s) })
	time.Sleep(700 * time.Millisecond)
	stop.Store(true)
	wg.Wait()
	if err := scanWhole(s); err != nil {
		t.Fatal(err)
	}
	if n := s.LastEpoch(); n < 10 {
		t.Fatalf("only %d epochs", n)
	}
	s = reopen(t, s)
	if err := scanWhole(s); err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// scanWhole expects two records in each epoch, from wherever rows are retained.
func scanWhole(s *Store) error {
	last := s.LastEpoch()
	from := last - min(last, 40)
	sc, err := s.Scan(1, from, last)
	if err != nil {
		return err
	}
	defer sc.Close()
	for want := sc.from + 1; want <= last; want++ {
		for range 2 {
			r, ok, err := sc.Next()
			if err != nil {
				return err
			}
			if !ok || r.Epoch != want || string(r.Payload) != fmt.Sprint(want) {
				return fmt.Errorf("scan (%d, %d]: epoch %d %q %v, want %d", sc.from, last, r.Epoch, r.Payload, ok, want)
			}
		}
	}
	return nil
}
