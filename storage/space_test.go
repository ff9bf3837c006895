package storage

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// The guard refuses rows first, upkeep later, and never reads.
func TestDiskFull(t *testing.T) {
	var free atomic.Int64
	free.Store(1 << 40)
	o := testOptions(t.TempDir())
	o.MinFree, o.Ballast = 100<<20, 1<<20
	o.freeSpace = func(string) (int64, error) { return free.Load(), nil }
	s := mustOpen(t, o)
	commitText(t, s, 1, 1, "before")
	if err := s.Append(7, rec(1, "accepted in time")); err != nil {
		t.Fatal(err)
	}

	free.Store(99 << 20)
	if err := s.Append(7, rec(1, "too late")); !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), "99 MB free") {
		t.Fatal(err)
	}
	if _, err := s.Commit(2, []uint64{7}, rec(0, "drop table")); err != nil {
		t.Fatal(err)
	}
	checkpoint(t, s, 2, "m", map[PageID]string{{1, 1}: "page"})
	if err := s.Truncate(); err != nil {
		t.Fatal(err)
	}

	free.Store(49 << 20)
	if _, err := s.Commit(3, nil); !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	c := s.BeginCheckpoint(2)
	if err := c.Put(PageID{1, 2}, nil); !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	if err := c.Commit(nil); !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	want := []string{"1 before", "2 accepted in time"}
	equal(t, "scan", scanned(t, s, 1, 0, 9), want)
	equal(t, "pages", pages(t, s), []string{"1/1 page"})

	// Room again: it goes on where it was, without reopening.
	free.Store(1 << 40)
	commitText(t, s, 3, 1, "after")
	checkpoint(t, s, 3, "m", nil)
	s.Close()

	// Too full to open: the ballast is given back, once.
	free.Store(10 << 20)
	s = mustOpen(t, o)
	equal(t, "scan", scanned(t, s, 1, 0, 9), append(want, "3 after"))
	if _, err := os.Stat(filepath.Join(o.Dir, "BALLAST")); !os.IsNotExist(err) {
		t.Fatal("the ballast is still there")
	}
	s.Close()
	if _, err := Open(o); !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	free.Store(1 << 40)
	s = mustOpen(t, o)
	if st, err := os.Stat(filepath.Join(o.Dir, "BALLAST")); err != nil || st.Size() != 1<<20 {
		t.Fatal("the ballast was not made again")
	}
	s.Close()
}

// Pages rewritten by a hundred checkpoints take the space of a few copies, the
// log that they cover goes, and no key is left behind.
func TestSpaceIsBounded(t *testing.T) {
	o := testOptions(t.TempDir())
	s := mustOpen(t, o)
	const count, size = 512, 16 << 10 // 8 MiB, a quarter of it rewritten each time
	live := int64(count * size)
	var worst int64
	row := make([]byte, 300<<10)
	s.DropRelation(1)
	for e := uint64(1); e <= 100; e++ {
		if err := s.Append(1, Record{Rel: 1, Payload: row}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Commit(e, []uint64{1}); err != nil {
			t.Fatal(err)
		}
		c := s.BeginCheckpoint(e)
		for p := range uint64(count) {
			if e == 1 || (p+e)%4 == 0 {
				if err := c.Put(PageID{1, p}, randomPage(e*count+p, size)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := c.Commit(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		if err := s.Truncate(); err != nil {
			t.Fatal(err)
		}
		log, state, err := s.DiskUsage()
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, state)
		if log > 2*allocationStep+2<<20 {
			t.Fatalf("after %d checkpoints the log has %d MB", e, log>>20)
		}
	}
	s = reopen(t, s)
	_, state, err := s.DiskUsage()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MB live, %d MB written; on disk at worst %d MB, in the end %d MB", live>>20, live*25>>20, worst>>20, state>>20)
	// Badger compacts when level 0 is full, and keeps up to four memtables' write-ahead logs while it flushes.
	if worst > 4*live+(levelZero+4)*memTableSize || state > 5*live {
		t.Fatalf("%d MB of pages took %d MB of disk, and %d MB after reopening", live>>20, worst>>20, state>>20)
	}
	if n := countKeys(t, s); n > 2*count+10 {
		t.Fatalf("%d keys for %d pages", n, count)
	}
	s.Close()
}
