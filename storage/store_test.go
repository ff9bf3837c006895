package storage

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// testOptions: small segments, no ballast, and no guard on a developer's disk.
func testOptions(dir string) Options {
	return Options{Dir: dir, SegmentSize: 1 << 20, MinFree: -1, Ballast: -1}
}

func mustOpen(t testing.TB, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatalf("open %s: %v", o.Dir, err)
	}
	return s
}

func reopen(t testing.TB, s *Store) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return mustOpen(t, s.opts)
}

func rec(rel uint32, text string) Record { return Record{Rel: rel, Kind: 7, Payload: []byte(text)} }

// commitText commits an epoch of one record a text, in one transaction.
func commitText(t testing.TB, s *Store, epoch uint64, rel uint32, texts ...string) {
	t.Helper()
	for _, x := range texts {
		if err := s.Append(epoch, rec(rel, x)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Commit(epoch, []uint64{epoch}); err != nil {
		t.Fatalf("commit %d: %v", epoch, err)
	}
}

// replayed returns "epoch rel kind payload" of all records after an epoch.
func replayed(t testing.TB, s *Store, after uint64) []string {
	t.Helper()
	var got []string
	err := s.Replay(after, func(epoch uint64, recs iter.Seq2[Record, error]) error {
		got = append(got, fmt.Sprintf("epoch %d", epoch))
		for r, err := range recs {
			if err != nil {
				return err
			}
			got = append(got, fmt.Sprintf("%d %d %d %.20s", r.Epoch, r.Rel, r.Kind, r.Payload))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("replay: %v", err)
	}
	return got
}

func scanned(t testing.TB, s *Store, rel uint32, from, to uint64) []string {
	t.Helper()
	sc, err := s.Scan(rel, from, to)
	if err != nil {
		t.Fatal(err)
	}
	defer sc.Close()
	var got []string
	for {
		r, ok, err := sc.Next()
		if err != nil {
			t.Fatalf("scan: %v", err)
		}
		if !ok {
			return got
		}
		got = append(got, fmt.Sprintf("%d %.20s", r.Epoch, r.Payload))
	}
}

func checkpoint(t testing.TB, s *Store, epoch uint64, manifest string, pages map[PageID]string) {
	t.Helper()
	c := s.BeginCheckpoint(epoch)
	for id, data := range pages {
		if err := c.Put(id, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Commit([]byte(manifest)); err != nil {
		t.Fatalf("checkpoint: %v", err)
	}
}

func equal(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestLogRoundTrip(t *testing.T) {
	s := mustOpen(t, testOptions(t.TempDir()))
	// Two transactions interleave; one is aborted; order is the commit's.
	for i := range 3 {
		for txn := range uint64(3) {
			if err := s.Append(txn, rec(uint32(txn), fmt.Sprintf("txn %d part %d", txn, i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Abort(0)
	if _, err := s.Commit(5, []uint64{2, 1, 99}, rec(0, "clock")); err != nil {
		t.Fatal(err)
	}
	commitText(t, s, 9, 1, "later")
	if _, err := s.Commit(10, nil); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"epoch 5", "5 2 7 txn 2 part 0", "5 2 7 txn 2 part 1", "5 2 7 txn 2 part 2",
		"5 1 7 txn 1 part 0", "5 1 7 txn 1 part 1", "5 1 7 txn 1 part 2", "5 0 7 clock",
		"epoch 9", "9 1 7 later", "epoch 10",
	}
	for range 2 {
		equal(t, "replay", replayed(t, s, 0), want)
		equal(t, "replay after 5", replayed(t, s, 5), want[8:])
		equal(t, "replay after 7", replayed(t, s, 7), want[8:])
		equal(t, "scan", scanned(t, s, 1, 0, 100), []string{"5 txn 1 part 0", "5 txn 1 part 1", "5 txn 1 part 2", "9 later"})
		equal(t, "scan from 5", scanned(t, s, 1, 5, 100), []string{"9 later"})
		equal(t, "scan to 8", scanned(t, s, 2, 0, 8), []string{"5 txn 2 part 0", "5 txn 2 part 1", "5 txn 2 part 2"})
		if s.LastEpoch() != 10 {
			t.Fatalf("last epoch %d", s.LastEpoch())
		}
		s = reopen(t, s)
	}
	if _, err := s.Commit(10, nil); err == nil {
		t.Fatal("an epoch was committed twice")
	}
	commitText(t, s, 11, 1, "after reopening")
	equal(t, "replay", replayed(t, s, 10), []string{"epoch 11", "11 1 7 after reopening"})
	s.Close()
}

// A big transaction streams over several segments while small ones commit.
func TestLogStreamsBigTransaction(t *testing.T) {
	s := mustOpen(t, testOptions(t.TempDir()))
	big := bytes.Repeat([]byte("0123456789abcdef"), 30<<10) // 480 KiB
	small := bytes.Repeat([]byte("s"), 1000)
	epoch := uint64(0)
	for i := range 20 {
		if err := s.Append(1000, Record{Rel: 1, Payload: big[:len(big)-i]}); err != nil {
			t.Fatal(err)
		}
		if err := s.Append(1000, Record{Rel: 2, Payload: small}); err != nil {
			t.Fatal(err)
		}
		epoch++
		commitText(t, s, epoch, 3, "small")
	}
	epoch++
	if _, err := s.Commit(epoch, []uint64{1000}); err != nil {
		t.Fatal(err)
	}
	if n := len(s.log.segs); n < 5 {
		t.Fatalf("%d segments", n)
	}
	for range 2 {
		sc, err := s.Scan(1, 0, epoch)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			r, ok, err := sc.Next()
			if !ok || err != nil || !bytes.Equal(r.Payload, big[:len(big)-i]) || r.Epoch != epoch {
				t.Fatalf("record %d: %v %v, %d bytes", i, ok, err, len(r.Payload))
			}
		}
		if _, ok, _ := sc.Next(); ok {
			t.Fatal("too many records")
		}
		sc.Close()
		if got := scanned(t, s, 2, 0, epoch); len(got) != 20 {
			t.Fatalf("%d records of relation 2", len(got))
		}
		if got := scanned(t, s, 3, 0, epoch); len(got) != 20 {
			t.Fatalf("%d records of relation 3", len(got))
		}
		if got := replayed(t, s, 20); len(got) != 41 {
			t.Fatalf("%d lines replayed", len(got))
		}
		s = reopen(t, s)
	}
	s.Close()
}

func TestStateRoundTrip(t *testing.T) {
	s := mustOpen(t, testOptions(t.TempDir()))
	if _, _, ok := s.Manifest(); ok {
		t.Fatal("a new directory has a manifest")
	}
	commitText(t, s, 3, 1, "x")
	huge := string(bytes.Repeat([]byte("huge page "), 150_000))
	checkpoint(t, s, 3, "first", map[PageID]string{{1, 1}: "a", {1, 2}: "b", {2, 1}: huge, {3, 9}: ""})
	c := s.BeginCheckpoint(3)
	c.Put(PageID{1, 1}, []byte("aborted"))
	c.Put(PageID{7, 1}, []byte("aborted"))
	c.Abort()
	commitText(t, s, 4, 1, "y")
	c = s.BeginCheckpoint(4)
	for _, err := range []error{
		c.Put(PageID{1, 2}, []byte("b2")), c.Put(PageID{2, 1}, []byte("old")), c.DropTable(2),
		c.Put(PageID{2, 5}, []byte("new")), c.DropPage(PageID{3, 9}), c.DropPage(PageID{8, 8}),
		c.Put(PageID{4, 4}, []byte(huge)), c.Put(PageID{4, 4}, []byte("small now")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Commit([]byte("second")); err != nil {
		t.Fatal(err)
	}
	want := []string{"1/1 a", "1/2 b2", "2/5 new", "4/4 small now"}
	for range 3 {
		equal(t, "pages", pages(t, s), want)
		if epoch, payload, ok := s.Manifest(); epoch != 4 || string(payload) != "second" || !ok {
			t.Fatalf("manifest %d %q %v", epoch, payload, ok)
		}
		var one []string
		if err := s.LoadTable(1, func(p uint64, d []byte) error { one = append(one, fmt.Sprint(p, string(d))); return nil }); err != nil {
			t.Fatal(err)
		}
		equal(t, "table", one, []string{"1a", "2b2"})
		s = reopen(t, s)
	}
	if n := countKeys(t, s); n != 4*2+1+1+1 { // pages and their index, manifest, payload, segment
		t.Fatalf("%d keys are left", n)
	}
	if err := s.BeginCheckpoint(5).Commit(nil); err == nil {
		t.Fatal("checkpoint of an epoch that is not there")
	}
	if err := s.BeginCheckpoint(3).Commit(nil); err == nil {
		t.Fatal("checkpoint goes back")
	}
	checkpoint(t, s, 4, "", nil)
	s.Close()
}

func pages(t testing.TB, s *Store) []string {
	t.Helper()
	var got []string
	ch := make(chan string, 1<<16)
	if err := s.LoadAll(func(id PageID, d []byte) error {
		ch <- fmt.Sprintf("%d/%d %.20s", id.Table, id.Page, d)
		return nil
	}); err != nil {
		t.Fatalf("load: %v", err)
	}
	close(ch)
	for x := range ch {
		got = append(got, x)
	}
	slices.Sort(got)
	return got
}

func TestRetention(t *testing.T) {
	s := mustOpen(t, testOptions(t.TempDir()))
	pad := string(bytes.Repeat([]byte("p"), 300<<10))
	for e := uint64(1); e <= 30; e++ {
		rel := uint32(1) // a stream in epochs 11..15, a table in the others
		if e > 10 && e <= 15 {
			rel = 2
		}
		commitText(t, s, e, rel, fmt.Sprintf("%d %s", e, pad))
	}
	before := len(s.log.segs)
	s.Truncate()
	if len(s.log.segs) != before {
		t.Fatal("segments went before there was a manifest")
	}
	checkpoint(t, s, 28, "m", nil)
	s.DropRelation(1)
	sc, err := s.Scan(2, 0, 30)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Truncate(); err != nil {
		t.Fatal(err)
	}
	if n := len(s.log.segs); n >= before || n < 3 {
		t.Fatalf("%d of %d segments are left", n, before)
	}
	if got := scanned(t, s, 2, 0, 30); len(got) != 5 {
		t.Fatalf("%d rows are left of the stream", len(got))
	}
	s.SetRetention(2, 13)
	if got := scanned(t, s, 2, 0, 30); len(got) != 2 {
		t.Fatalf("%d rows are retained of the stream", len(got))
	}
	s.DropRelation(2)
	s.Truncate()
	for i := range 5 {
		if _, ok, err := sc.Next(); !ok || err != nil {
			t.Fatalf("open scanner, record %d: %v %v", i, ok, err)
		}
	}
	sc.Close()
	s.Truncate()
	if n := len(s.log.segs); n != 1 && n != 2 {
		t.Fatalf("%d segments are left", n)
	}
	s = reopen(t, s)
	if got := replayed(t, s, 28); len(got) != 4 {
		t.Fatalf("replayed %q", got)
	}
	if n := s.LogBytesSinceManifest(); n < 600<<10 || n > 900<<10 {
		t.Fatalf("%d bytes since the manifest", n)
	}
	s.Close()
}

// A scan asks only for segments with rows of its relation. An epoch without
// any may be committed beside them and have its own elsewhere, mixed, in a
// segment that the scan has not pinned or that is gone: that is no damage.
func TestScanPassesOverMixedEpoch(t *testing.T) {
	s := mustOpen(t, testOptions(t.TempDir()))
	const txn = 1000
	half := string(bytes.Repeat([]byte("h"), directSize*2/3))
	for rel := uint32(2); rel <= 3; rel++ { // leaves one extent of both
		if err := s.Append(txn, rec(rel, half)); err != nil {
			t.Fatal(err)
		}
	}
	fill := string(bytes.Repeat([]byte("f"), 300<<10))
	epoch := uint64(0)
	for s.log.active().seq == 1 {
		epoch++
		commitText(t, s, epoch, 9, fill)
	}
	epoch++
	if _, err := s.Commit(epoch, []uint64{txn}); err != nil {
		t.Fatal(err)
	}
	epoch++
	commitText(t, s, epoch, 1, "mine")
	want := []string{fmt.Sprint(epoch, " mine")}
	equal(t, "scan", scanned(t, s, 1, 0, epoch), want)
	if got := scanned(t, s, 3, 0, epoch); len(got) != 1 {
		t.Fatalf("scan of a relation in the mixed extent: %d rows", len(got))
	}
	for rel := range uint32(10) {
		if rel != 1 {
			s.DropRelation(rel)
		}
	}
	checkpoint(t, s, epoch, "m", nil)
	if err := s.Truncate(); err != nil {
		t.Fatal(err)
	}
	if s.log.find(1) != nil {
		t.Fatal("the segment with the mixed extent is still there")
	}
	for range 2 {
		equal(t, "scan after truncation", scanned(t, s, 1, 0, epoch), want)
		s = reopen(t, s)
	}
	s.Close()
}

func TestAsync(t *testing.T) {
	o := testOptions(t.TempDir())
	o.Async = true
	s := mustOpen(t, o)
	commitText(t, s, 1, 1, "a")
	equal(t, "scan", scanned(t, s, 1, 0, 1), []string{"1 a"})
	deadline := time.Now().Add(5 * time.Second)
	for {
		s.log.mu.Lock()
		done := !s.log.durable.Less(s.log.visible)
		s.log.mu.Unlock()
		if done {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("not synced in the background")
		}
		time.Sleep(time.Millisecond)
	}
	commitText(t, s, 2, 1, "b")
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	equal(t, "scan", scanned(t, s, 1, 0, 2), []string{"1 a", "2 b"})
	s.Close()
	if err := s.Append(1, rec(1, "x")); !errors.Is(err, ErrClosed) {
		t.Fatalf("append after close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("second close: %v", err)
	}
}

func TestAttempts(t *testing.T) {
	dir := t.TempDir()
	try := func(s *Store, epoch uint64, want int) {
		t.Helper()
		if n, err := s.RecordAttempt(epoch); n != want || err != nil {
			t.Fatalf("attempt at %d: %d %v, want %d", epoch, n, err, want)
		}
	}
	s := mustOpen(t, testOptions(dir))
	for range 3 { // dies three times in epoch 12
		n, _ := s.RecordAttempt(12)
		s.SetNote(fmt.Sprintf("view v, attempt %d", n))
		s = reopen(t, s)
		try(s, 11, 1)
	}
	if s.Note() != "view v, attempt 3" {
		t.Fatalf("note %q", s.Note())
	}
	try(s, 12, 4)
	if err := s.ClearAttempts(); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	try(s, 12, 1)
	s.ClearAttempts()
	s.Close()
	// A file of garbage counts from nothing.
	if err := os.WriteFile(filepath.Join(dir, "ATTEMPTS"), bytes.Repeat([]byte{0xee}, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, testOptions(dir))
	try(s, 12, 1)
	s.Close()
}

// testLogger collects log lines.
func testLogger(buf *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(buf, nil)) }

// A directory of an older format is of this one once it has been opened: what is written from then on an older program
// would take for damage.
func TestOlderFormat(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, formatFile)
	for range 2 {
		s, err := Open(testOptions(dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != "millrace data format 2\n" {
			t.Fatalf("%q, %v", b, err)
		}
		if err := os.WriteFile(path, []byte("millrace data format 1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
