package storage

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// The kill test runs this test binary again as a writer and kills it at a
// random moment, again and again on the same directory. Epochs are 1, 2, 3...;
// page p of table 1 holds how many epochs up to the checkpoint are p modulo
// killPages: so what must be there can be computed from an epoch number.
const (
	killEnv   = "MILLRACE_STORAGE_KILL_DIR"
	killPages = 37
	killKept  = 150 // epochs of the stream that are retained
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(killEnv); dir != "" {
		killWriter(dir)
		return
	}
	os.Exit(m.Run())
}

// killRecords are the records of an epoch: now and then a large one, in parts
// that are written ahead of the commit.
func killRecords(epoch uint64) []Record {
	recs := []Record{{Rel: 1, Kind: 1, Payload: fmt.Appendf(nil, "epoch %d", epoch)}}
	if epoch%25 == 0 {
		for i := range 3 {
			recs = append(recs, Record{Rel: 2, Kind: 2, Payload: bytes.Repeat([]byte{byte(epoch), byte(i)}, directSize)})
		}
	}
	return recs
}

func killOptions(dir string) Options {
	o := testOptions(dir)
	o.SegmentSize = 512 << 10
	return o
}

// recoverCounts brings the counts to the last epoch: pages, then replay.
func recoverCounts(s *Store) (counts [killPages]uint64, err error) {
	at, payload, _ := s.Manifest()
	if len(payload) > 0 && string(payload) != fmt.Sprint(at) {
		return counts, fmt.Errorf("manifest payload %q at epoch %d", payload, at)
	}
	err = s.LoadAll(func(id PageID, d []byte) error {
		if id.Table != 1 {
			return fmt.Errorf("page of table %d came back", id.Table)
		}
		atomic.StoreUint64(&counts[id.Page], binary.LittleEndian.Uint64(d))
		return nil
	})
	if err != nil {
		return counts, err
	}
	for p := range counts {
		if want := killCount(at, p); counts[p] != want {
			return counts, fmt.Errorf("page %d of the checkpoint at %d says %d, want %d", p, at, counts[p], want)
		}
	}
	next := at + 1
	err = s.Replay(at, func(epoch uint64, recs iter.Seq2[Record, error]) error {
		if epoch != next {
			return fmt.Errorf("replayed epoch %d, want %d", epoch, next)
		}
		next++
		want := killRecords(epoch)
		i := 0
		for r, err := range recs {
			if err != nil {
				return err
			}
			if i >= len(want) || r.Rel != want[i].Rel || !bytes.Equal(r.Payload, want[i].Payload) {
				return fmt.Errorf("record %d of epoch %d is wrong", i, epoch)
			}
			i++
		}
		if i != len(want) {
			return fmt.Errorf("epoch %d has %d of %d records", epoch, i, len(want))
		}
		counts[epoch%killPages]++
		return nil
	})
	return counts, err
}

func killCount(epoch uint64, page int) uint64 {
	n := epoch / killPages
	if r := epoch % killPages; page > 0 && uint64(page) <= r {
		n++
	}
	return n
}

func killWriter(dir string) {
	check := func(err error) {
		if err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
	}
	s, err := Open(killOptions(dir))
	check(err)
	counts, err := recoverCounts(s)
	check(err)
	s.SetRetention(2, 1<<63)
	done := make(chan bool, 1)
	done <- true
	for epoch := s.LastEpoch() + 1; ; epoch++ {
		if epoch%10 == 0 {
			check(s.Append(epoch+1000, Record{Rel: 2, Payload: make([]byte, directSize)})) // never committed
		}
		check(s.Append(epoch, killRecords(epoch)...))
		_, err := s.Commit(epoch, []uint64{epoch})
		check(err)
		fmt.Println(epoch)
		counts[epoch%killPages]++
		if epoch%10 == 0 {
			s.Abort(epoch + 1000)
		}
		select {
		case <-done:
			go func(counts [killPages]uint64) {
				killCheckpoint(s, epoch, counts, check)
				done <- true
			}(counts)
		default:
		}
	}
}

func killCheckpoint(s *Store, epoch uint64, counts [killPages]uint64, check func(error)) {
	c := s.BeginCheckpoint(epoch)
	for p, n := range counts {
		page := randomPage(epoch, 16<<10)
		binary.LittleEndian.PutUint64(page, n)
		check(c.Put(PageID{1, uint64(p)}, page))
	}
	check(c.Put(PageID{2, epoch}, []byte("temporary")))
	check(c.DropTable(2))
	check(c.Commit(fmt.Append(nil, epoch)))
	if epoch > killKept {
		s.SetRetention(1, epoch-killKept)
	}
	check(s.Truncate())
}

func TestKill(t *testing.T) {
	kills := 25
	if n, err := strconv.Atoi(os.Getenv("MILLRACE_KILLS")); err == nil {
		kills = n
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	dir := t.TempDir()
	var acked uint64
	for i := range kills {
		// Early kills hit the opening, late ones checkpoints and rotation.
		acked = max(acked, killOnce(t, dir, time.Duration(1+r.IntN(350))*time.Millisecond))
		s, err := Open(killOptions(dir))
		if err != nil {
			t.Fatalf("kill %d: open: %v", i, err)
		}
		counts, err := recoverCounts(s)
		if err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
		if s.LastEpoch() < acked {
			t.Fatalf("kill %d: epoch %d was acknowledged, the log ends at %d", i, acked, s.LastEpoch())
		}
		for p := range counts {
			if counts[p] != killCount(s.LastEpoch(), p) {
				t.Fatalf("kill %d: page %d counts %d at epoch %d", i, p, counts[p], s.LastEpoch())
			}
		}
		checkKept(t, s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills, %d epochs", kills, acked)
}

// checkKept scans the retained rows of the stream.
func checkKept(t *testing.T, s *Store) {
	at, _, _ := s.Manifest()
	from := at - min(at, killKept)
	next := from + 1
	sc, err := s.Scan(1, from, s.LastEpoch())
	if err != nil {
		t.Fatal(err)
	}
	defer sc.Close()
	for ; ; next++ {
		rec, ok, err := sc.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		if rec.Epoch != next || string(rec.Payload) != fmt.Sprintf("epoch %d", next) {
			t.Fatalf("epoch %d %q, want epoch %d", rec.Epoch, rec.Payload, next)
		}
	}
	if next != s.LastEpoch()+1 {
		t.Fatalf("the scan ends at epoch %d of %d", next-1, s.LastEpoch())
	}
}

// killOnce runs a writer for a while and returns the last epoch that it
// acknowledged.
func killOnce(t *testing.T, dir string, after time.Duration) (acked uint64) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { cmd.Process.Kill() })
	defer timer.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if n, err := strconv.ParseUint(lines.Text(), 10, 64); err == nil {
			acked = n
		} else {
			t.Errorf("writer: %s", lines.Text())
		}
	}
	cmd.Wait()
	return acked
}
