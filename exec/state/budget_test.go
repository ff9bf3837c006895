package state

import (
	"sync"
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

var budgetTypes = []types.Type{types.T(types.Int8), types.T(types.Int8)}

// filled is a table of rows (i, v).
func filled(id uint32, rows int) *Relation {
	r := NewRelation(id, budgetTypes, []int{0}, false)
	r.Apply(rewrite(rows, -1, 0)...)
	return r
}

// rewrite is the change of every row from (i, old) to (i, v); there is no old row if it is negative.
func rewrite(rows int, old, v int64) []*vec.Batch {
	b := vec.NewBatch(budgetTypes, 2*rows)
	b.W = []int64{}
	for i := range rows {
		for w, x := range map[int64]int64{-1: old, 1: v} {
			if x >= 0 {
				b.Cols[0].AppendI64(int64(i))
				b.Cols[1].AppendI64(x)
				b.W = append(b.W, w)
				b.N++
			}
		}
	}
	return []*vec.Batch{b}
}

// read reads to the end and checks that every row has value v.
func read(t *testing.T, c Cursor, v int64) (rows int, err error) {
	t.Helper()
	err = ScanCursor(c, func(b *vec.Batch) error {
		for _, x := range b.Cols[1].I64 {
			if x != v {
				t.Errorf("a row of value %d, want %d", x, v)
			}
		}
		rows += b.N
		return nil
	})
	return rows, err
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatal(what)
}

// TestBudget: while a table is written again and again, the oldest snapshots of it end once more is kept for them than the
// budget allows; younger ones, and those of tables that nobody writes or that are small, read on.
func TestBudget(t *testing.T) {
	const rows = 40000
	big, idle, small := filled(1, rows), filled(2, rows), filled(3, 100)
	bytes := big.Bytes()
	b := NewBudget(2 * bytes)
	pin := func(r *Relation) (Snapshot, Cursor) {
		s := r.Pin()
		s.ChargeTo(b)
		c := s.Cursor([]int{0, 1})
		if n, err := c.Next(); err != nil || n.N == 0 {
			t.Fatal(n, err)
		}
		return s, c
	}
	idleSnap, idleCur := pin(idle)
	smallSnap, smallCur := pin(small)
	var snaps []Snapshot
	var curs []Cursor
	for v := range int64(6) {
		s, c := pin(big)
		snaps, curs = append(snaps, s), append(curs, c)
		big.Apply(rewrite(rows, v, v+1)...)
		small.Apply(rewrite(100, v, v+1)...)
		eventually(t, "more is kept than the budget allows", func() bool { return b.Kept() <= 2*bytes })
	}
	ended := 0
	for i, c := range curs {
		n, err := read(t, c, int64(i))
		switch {
		case err != nil && pgerr.Of(err).Code == "72000" && ended == i:
			ended++
		case err != nil || n != rows-ScanRows:
			t.Errorf("snapshot %d: %d rows, %v", i, n, err)
		}
	}
	if ended == 0 || ended > 5 {
		t.Errorf("%d of 6 snapshots ended", ended)
	}
	if n, err := read(t, idleCur, 0); err != nil || n != rows-ScanRows {
		t.Errorf("of a table that is not written: %d rows, %v", n, err)
	}
	if _, err := read(t, smallCur, 0); err != nil {
		t.Errorf("of a small table: %v", err)
	}
	for _, s := range append(snaps, idleSnap, smallSnap) {
		s.Release()
		s.Release()
	}
	if b.Kept() != 0 || b.mu.readers.Len() != 0 {
		t.Errorf("%d bytes kept for %d readers after all were released", b.Kept(), b.mu.readers.Len())
	}
}

// TestBudgetShared: a page that two snapshots need is counted once, and as long as either is there.
func TestBudgetShared(t *testing.T) {
	r := filled(1, 5000)
	b := NewBudget(1 << 40)
	first, second := r.Pin(), r.Pin()
	first.ChargeTo(b)
	second.ChargeTo(b)
	r.Apply(rewrite(5000, 0, 1)...)
	kept := b.Kept()
	if kept == 0 || kept > r.Bytes() {
		t.Fatalf("%d bytes kept of %d", kept, r.Bytes())
	}
	third := r.Pin()
	third.ChargeTo(b)
	first.Release()
	if b.Kept() != kept {
		t.Errorf("%d bytes kept once the first is gone, want %d", b.Kept(), kept)
	}
	second.Release()
	if b.Kept() != 0 {
		t.Errorf("%d bytes kept for who does not need them", b.Kept())
	}
	third.Release()
}

// TestBudgetRace: snapshots are read and released while the budget ends them.
func TestBudgetRace(t *testing.T) {
	const rows = 5000
	r := filled(1, rows)
	b := NewBudget(r.Bytes() / 2)
	var publish sync.RWMutex
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				publish.RLock()
				s := r.Pin()
				publish.RUnlock()
				s.ChargeTo(b)
				err := s.Scan([]int{0, 1}, func(*vec.Batch) error { return nil })
				if err != nil && pgerr.Of(err).Code != "72000" {
					t.Error(err)
				}
				s.Release()
			}
		})
	}
	for v := range int64(60) {
		change := rewrite(rows, v, v+1)
		publish.Lock()
		r.Apply(change...)
		publish.Unlock()
	}
	close(stop)
	wg.Wait()
	if b.Kept() != 0 {
		t.Errorf("%d bytes kept at the end", b.Kept())
	}
}
