package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/storage"
)

// breakLog puts another file under the descriptor of the newest log segment:
//
//	/dev/null, read-write   writes are swallowed, and fdatasync fails
//	/dev/full               writes fail
func (r *rig) breakLog(with string) {
	r.Helper()
	segs, err := filepath.Glob(filepath.Join(r.dir, "log", "*.log"))
	if err != nil || len(segs) == 0 {
		r.Fatal(segs, err)
	}
	f, err := os.OpenFile(with, os.O_RDWR, 0)
	if err != nil {
		r.Fatal(err)
	}
	defer f.Close()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		r.Fatal(err)
	}
	for _, fd := range fds {
		if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); to != segs[len(segs)-1] {
			continue
		}
		n, err := strconv.Atoi(fd.Name())
		if err != nil {
			r.Fatal(err)
		}
		if err := unix.Dup3(int(f.Fd()), n, unix.O_CLOEXEC); err != nil {
			r.Fatal(err)
		}
		return
	}
	r.Fatal("the log is not open")
}

// counts are the rows of countBy as a map.
func (r *rig) counts(view *catalog.Relation) map[int64]int64 {
	r.Helper()
	m := map[int64]int64{}
	for _, row := range r.rows(view) {
		m[row[0]] = row[1]
	}
	return m
}

// D4: the log fails under writers. Those that wait get 08007, the engine comes back from disk and serves the same
// writers, every acknowledged row is there once, rows of unknown outcome are there once or not, and views are what their
// queries give.
func TestFailedLogUnderLoad(t *testing.T) {
	for _, with := range []string{"/dev/null", "/dev/full"} {
		t.Run(filepath.Base(with), func(t *testing.T) {
			r := newRig(t)
			s := r.create(catalog.Stream, "s", nil, "k", "x")
			tab := r.create(catalog.Table, "t", []int{0}, "id", "x")
			v, vt := r.view("v", s), r.view("vt", tab)
			const writers = 8
			var next, unknowns atomic.Int64
			var mu sync.Mutex
			acked, unknown := map[int64]bool{}, map[int64]bool{}
			stop := make(chan struct{})
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						k, rel := next.Add(1), s
						if w%2 == 0 {
							rel = tab
						}
						err := r.insert(rel, []int64{k, int64(w)})
						mu.Lock()
						switch {
						case err == nil:
							acked[k] = true
						case pgerr.Is(err, pgerr.TransactionOutcomeUnknown):
							unknown[k] = true
							unknowns.Add(1)
						default:
							t.Errorf("row %d: %v", k, err)
						}
						mu.Unlock()
					}
				})
			}
			for round := range 3 {
				time.Sleep(30 * time.Millisecond)
				before, failed := next.Load(), unknowns.Load()
				r.breakLog(with)
				for end := time.Now().Add(20 * time.Second); unknowns.Load() == failed || next.Load() < before+100; time.Sleep(time.Millisecond) {
					if time.Now().After(end) {
						t.Fatalf("round %d: %d writers were told, %d rows since", round, unknowns.Load()-failed, next.Load()-before)
					}
				}
			}
			close(stop)
			wg.Wait()
			t.Logf("%d rows acknowledged, %d of unknown outcome", len(acked), len(unknown))
			check := func() {
				t.Helper()
				got := map[int64]int64{}
				for _, rel := range []*catalog.Relation{s, tab} {
					want, view := map[int64]int64{}, r.counts(map[*catalog.Relation]*catalog.Relation{s: v, tab: vt}[rel])
					for _, row := range r.rows(rel) {
						want[row[0]]++
						got[row[0]]++
						if view[row[0]] != want[row[0]] {
							t.Fatalf("row %d of %s: the view has %d", row[0], rel.Name, view[row[0]])
						}
					}
					if len(view) != len(want) {
						t.Fatalf("the view of %s has %d groups, want %d", rel.Name, len(view), len(want))
					}
				}
				for k := range acked {
					if got[k] != 1 {
						t.Fatalf("acknowledged row %d is there %d times", k, got[k])
					}
				}
				for k, n := range got {
					if n != 1 || !acked[k] && !unknown[k] {
						t.Fatalf("row %d is there %d times", k, n)
					}
				}
			}
			check()
			r.crash()
			check()
		})
	}
}

// A panic in the making of an epoch is a failed log write to those who wait; what was acknowledged is there, and the
// engine goes on.
func TestPanicInEpoch(t *testing.T) {
	r := newRig(t)
	tab := r.create(catalog.Table, "t", []int{0}, "id", "x")
	v := r.view("v", tab)
	r.mustInsert(tab, []int64{1, 1})
	err := r.e.submit(&request{run: func(*cut) error { panic("a bug") }})
	if !pgerr.Is(err, pgerr.TransactionOutcomeUnknown) || !strings.Contains(errorDetail(err), "a bug") {
		t.Fatal(err)
	}
	r.expect(tab, []int64{1, 1})
	r.expect(v, []int64{1, 1})

	// Under the publish lock, when the epoch is durable: a table whose memory is broken.
	r.e.turn.Lock()
	r.e.core.errs = nil
	r.e.core.history = nil
	r.e.turn.Unlock()
	err = r.e.submit(&request{run: func(ct *cut) error {
		txns, last, err := ct.finishLog()
		if err != nil {
			return err
		}
		if _, err := ct.c.store.Commit(ct.epoch, txns, last); err != nil {
			return err
		}
		ct.e.publish.Lock()
		defer ct.e.publish.Unlock()
		ct.c.errs.add(ct.epoch, tab.ID, pgerr.New(pgerr.Internal, "x"), "", 1) // of nothing
		return nil
	}})
	if !pgerr.Is(err, pgerr.TransactionOutcomeUnknown) {
		t.Fatal(err)
	}
	r.mustInsert(tab, []int64{2, 2})
	r.expect(tab, []int64{1, 1}, []int64{2, 2})
	r.expect(v, []int64{1, 1}, []int64{2, 1})
	r.crash()
	r.expect(tab, []int64{1, 1}, []int64{2, 2})
	r.expect(v, []int64{1, 1}, []int64{2, 1})
}

func errorDetail(err error) string {
	var e *pgerr.Error
	if errors.As(err, &e) {
		return e.Detail
	}
	return ""
}

// When the disk does not come back either, the engine is stopped: it says so to everyone, and closes.
func TestRecoveryFails(t *testing.T) {
	r := newRig(t)
	tab := r.create(catalog.Table, "t", []int{0}, "id", "x")
	r.mustInsert(tab, []int64{1, 1})
	r.e.turn.Lock()
	r.e.opts.Open = func(storage.Options) (*storage.Store, error) { return nil, os.ErrPermission }
	r.e.turn.Unlock()
	r.breakLog("/dev/null")
	if err := r.insert(tab, []int64{2, 2}); !pgerr.Is(err, pgerr.TransactionOutcomeUnknown) {
		t.Fatal(err)
	}
	if err := r.insert(tab, []int64{3, 3}); !pgerr.Is(err, pgerr.IOError) {
		t.Fatal(err)
	}
	_ = r.e.Close(context.Background())
	r.open()
	r.expect(tab, []int64{1, 1})
}
