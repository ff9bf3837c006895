package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dgraph-io/badger/v4"
)

// damageDir makes a closed directory: three segments, a checkpoint at epoch 20
// of 30, big enough that pages are in an SST.
func damageDir(t *testing.T) string {
	t.Helper()
	o := testOptions(t.TempDir())
	o.SegmentSize = 100 << 10
	s := mustOpen(t, o)
	for e := uint64(1); e <= 30; e++ {
		commitText(t, s, e, 1, strings.Repeat(fmt.Sprint("row of epoch ", e, " "), 500))
		if e == 20 {
			c := s.BeginCheckpoint(e)
			for p := range uint64(64) {
				if err := c.Put(PageID{1, p}, randomPage(p, 16<<10)); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Commit([]byte("the manifest")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return o.Dir
}

// readEverything opens and reads all that there is.
func readEverything(dir string, log *bytes.Buffer) (last uint64, err error) {
	o := testOptions(dir)
	o.SegmentSize = 100 << 10
	if log != nil {
		o.Logger = testLogger(log)
	}
	s, err := Open(o)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	at, _, _ := s.Manifest()
	if err := s.LoadAll(func(PageID, []byte) error { return nil }); err != nil {
		return 0, err
	}
	if err := s.Replay(at, func(_ uint64, recs iter.Seq2[Record, error]) error {
		for _, err := range recs {
			if err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return 0, err
	}
	sc, err := s.Scan(1, 0, s.LastEpoch())
	if err != nil {
		return 0, err
	}
	defer sc.Close()
	for n := uint64(1); ; n++ {
		r, ok, err := sc.Next()
		if err != nil {
			return 0, err
		}
		if !ok {
			break
		}
		if r.Epoch != n {
			return 0, fmt.Errorf("read epoch %d for %d", r.Epoch, n)
		}
	}
	return s.LastEpoch(), nil
}

func glob(t *testing.T, dir, pattern string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(list) == 0 {
		t.Fatalf("%s: %v %v", pattern, list, err)
	}
	return list
}

// flip changes one bit.
func flip(t *testing.T, path string, off int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], off); err != nil {
		t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b[:], off); err != nil {
		t.Fatal(err)
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.Size()
}

// Every bit of the log matters: wherever one flips, reading everything either
// names the file, or the last epoch alone was taken for a torn end.
func TestDamagedLogBits(t *testing.T) {
	pristine := damageDir(t)
	if n, err := readEverything(pristine, nil); n != 30 || err != nil {
		t.Fatal(n, err)
	}
	logs := glob(t, pristine, "log/*.log")
	if len(logs) < 3 {
		t.Fatalf("%d segments", len(logs))
	}
	torn, named := 0, 0
	for i, path := range logs {
		for k := range int64(9) {
			off := k * (size(t, path) - 1) / 8
			dir := t.TempDir()
			if err := copyTree(dir, pristine); err != nil {
				t.Fatal(err)
			}
			target := filepath.Join(dir, "log", filepath.Base(path))
			flip(t, target, off)
			n, err := readEverything(dir, nil)
			switch {
			case err == nil && n == 30 && k == 8 && i < len(logs)-1:
				// The trailer: the footer was found by reading the segment.
			case err == nil && n == 29 && i == len(logs)-1:
				torn++
			case errors.Is(err, ErrDamaged) && strings.Contains(err.Error(), target):
				named++
			default:
				t.Fatalf("bit flipped in %s at %d: last epoch %d, %v", target, off, n, err)
			}
		}
	}
	t.Logf("%d named, %d taken for a torn end", named, torn)
	if torn > 3 {
		t.Fatalf("%d flips were taken for a torn end", torn)
	}
}

func TestTornTail(t *testing.T) {
	dir := damageDir(t)
	logs := glob(t, dir, "log/*.log")
	last := logs[len(logs)-1]
	if err := os.Truncate(last, size(t, last)-1); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if n, err := readEverything(dir, &log); n != 29 || err != nil {
		t.Fatal(n, err)
	}
	if !strings.Contains(log.String(), "unfinished end of the log") || !strings.Contains(log.String(), "last_epoch=29") {
		t.Fatalf("log: %s", &log)
	}
	// Cut into what the checkpoint says was durable: that is damage.
	s := mustOpen(t, testOptions(dir))
	commitText(t, s, 30, 1, "again")
	checkpoint(t, s, 30, "m", nil)
	s.Close()
	if err := os.Truncate(last, size(t, last)-1); err != nil {
		t.Fatal(err)
	}
	if _, err := readEverything(dir, nil); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), last) {
		t.Fatal(err)
	}
}

// The last epoch, with its commit frame on disk: a sector that is missing is the
// work of a power failure, a changed byte is damage.
func TestLastEpochTornOrDamaged(t *testing.T) {
	pristine := damageDir(t)
	logs := glob(t, pristine, "log/*.log")
	name := filepath.Base(logs[len(logs)-1])
	end := size(t, logs[len(logs)-1])
	for _, back := range []int64{700, 2000, 5000} {
		dir := t.TempDir()
		if err := copyTree(dir, pristine); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "log", name)
		flip(t, path, end-back)
		if _, err := readEverything(dir, nil); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) {
			t.Fatalf("a bit %d bytes before the end: %v", back, err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(make([]byte, 512), (end-back)/512*512); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if n, err := readEverything(dir, nil); n != 29 || err != nil {
			t.Fatalf("a sector %d bytes before the end is missing: %d %v", back, n, err)
		}
	}
}

func TestDamagedDirectory(t *testing.T) {
	pristine := damageDir(t)
	remove := func(pattern string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { os.Remove(glob(t, dir, pattern)[0]) }
	}
	write := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	cases := []struct {
		name   string
		do     func(t *testing.T, dir string)
		err    error  // nil: opens, and everything is there
		detail string // in the error or in the log
	}{
		{"empty memtable and value log", func(t *testing.T, dir string) {
			write("state/00099.mem", "")(t, dir)
			write("state/000099.vlog", "")(t, dir)
		}, nil, "empty file"},
		{"segment whose making was cut off", write("log/00000000000000ff.log", ""), nil, "never begun"},
		{"foreign file in log", write("log/notes.txt", "x"), nil, "left alone"},
		{"first segment missing", remove("log/*1.log"), ErrDamaged, "log segment is missing"},
		{"empty log directory", func(t *testing.T, dir string) { os.RemoveAll(filepath.Join(dir, "log")) }, ErrDamaged, "missing"},
		{"segment of another place", func(t *testing.T, dir string) {
			logs := glob(t, dir, "log/*.log")
			b, _ := os.ReadFile(logs[0])
			os.WriteFile(logs[1], b, 0o600)
		}, ErrDamaged, "header is that of segment"},
		{"garbage segment", write("log/0000000000000002.log", strings.Repeat("garbage", 1000)), ErrDamaged, "not a log segment header"},
		{"state missing", func(t *testing.T, dir string) { os.RemoveAll(filepath.Join(dir, "state")) }, ErrDamaged, "file is missing"},
		{"Badger's manifest missing", remove("state/MANIFEST"), ErrDamaged, "MANIFEST: file is missing"},
		{"Badger's manifest cut off", func(t *testing.T, dir string) {
			os.Truncate(filepath.Join(dir, "state/MANIFEST"), 20)
		}, nil, "newest checkpoint is lost"}, // all of the log is there, so nothing is lost
		{"Badger's manifest garbage", write("state/MANIFEST", "garbage garbage"), ErrDamaged, "MANIFEST: cannot be read"},
		{"table file missing", remove("state/*.sst"), ErrDamaged, ".sst"},
		{"bit in a table file", func(t *testing.T, dir string) { flip(t, glob(t, dir, "state/*.sst")[0], 300_000) }, ErrDamaged, ".sst"},
		{"table file cut off", func(t *testing.T, dir string) { os.Truncate(glob(t, dir, "state/*.sst")[0], 300_000) }, ErrDamaged, ".sst"},
		{"table file empty", func(t *testing.T, dir string) { os.Truncate(glob(t, dir, "state/*.sst")[0], 0) }, ErrDamaged, ".sst"},
		{"older format", write("FORMAT", "millrace data format 1\n"), nil, ""},
		{"newer format", write("FORMAT", "millrace data format 3\n"), ErrFormat, "newer version"},
		{"unknown format", write("FORMAT", "something else"), ErrDamaged, "does not name a data format"},
		{"format missing", remove("FORMAT"), ErrDamaged, "FORMAT"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := copyTree(dir, pristine); err != nil {
				t.Fatal(err)
			}
			c.do(t, dir)
			var log bytes.Buffer
			n, err := readEverything(dir, &log)
			if c.err == nil {
				if n != 30 || err != nil || !strings.Contains(log.String(), c.detail) {
					t.Fatalf("last epoch %d, %v, log: %s", n, err, &log)
				}
				return
			}
			if !errors.Is(err, c.err) {
				t.Fatalf("got %v, want %v", err, c.err)
			}
			for _, d := range strings.Split(c.detail, "|") {
				if strings.Contains(err.Error(), d) {
					t.Log(err)
					return
				}
			}
			t.Fatalf("got %v, want %q in it", err, c.detail)
		})
	}
}

// Bits in Badger's write-ahead log make it drop what follows without a word;
// then the checkpoint is an older one, or the digest does not fit.
func TestDamagedWriteAheadLog(t *testing.T) {
	for k := range int64(12) {
		o := testOptions(t.TempDir())
		s := mustOpen(t, o)
		for e := uint64(1); e <= 4; e++ {
			commitText(t, s, e, 1, "x")
			checkpoint(t, s, e, fmt.Sprint(e), map[PageID]string{{1, e}: string(randomPage(e, 10<<10)), {1, 0}: fmt.Sprint(e)})
		}
		s.state.waitGC()
		dir := t.TempDir()
		if err := copyLive(dir, o.Dir); err != nil {
			t.Fatal(err)
		}
		s.Close()
		flip(t, glob(t, dir, "state/*.mem")[0], 30+k*3700)
		o.Dir = dir
		s, err := Open(o)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			continue
		}
		at, text, ok := s.Manifest()
		if ok && string(text) != fmt.Sprint(at) {
			t.Fatalf("manifest %q at %d", text, at)
		}
		if got := pages(t, s); ok && !strings.HasPrefix(got[0], fmt.Sprintf("1/0 %d", at)) || len(got) != int(min(at, 1)+at) {
			t.Fatalf("checkpoint at %d has pages %.100q", at, got)
		}
		if got := replayed(t, s, at); len(got) != int(4-at)*2 {
			t.Fatalf("checkpoint at %d, replayed %q", at, got)
		}
		s.Close()
	}
}

// A page whose bytes are not those that were put is not handed out.
func TestDamagedPage(t *testing.T) {
	s := mustOpen(t, testOptions(t.TempDir()))
	commitText(t, s, 1, 1, "x")
	checkpoint(t, s, 1, "", map[PageID]string{{1, 1}: "one", {1, 2}: "two"})
	key := chunkKey(PageID{1, 1}, 1, 0)
	for _, c := range []struct {
		do   func(txn *badger.Txn) error
		want string
	}{
		{func(txn *badger.Txn) error { return txn.Set(key, []byte("oNe")) }, "page 1 of table 1 has a wrong checksum"},
		{func(txn *badger.Txn) error { return txn.Delete(key) }, "page 1 of table 1 is missing"},
	} {
		if err := s.state.db.Update(c.do); err != nil {
			t.Fatal(err)
		}
		err := s.LoadAll(func(PageID, []byte) error { return nil })
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.want) {
			t.Fatal(err)
		}
	}
	if err := s.state.db.Update(func(txn *badger.Txn) error { return txn.Delete(indexKey(PageID{1, 2}, 1)) }); err != nil {
		t.Fatal(err)
	}
	o := s.opts
	s.Close()
	if _, err := Open(o); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "has 2 pages") {
		t.Fatal(err)
	}
}

func TestSecondOpener(t *testing.T) {
	o := testOptions(t.TempDir())
	s := mustOpen(t, o)
	defer s.Close()
	_, err := Open(o)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprintf("pid %d", os.Getpid())) {
		t.Fatal(err)
	}
	commitText(t, s, 1, 1, "the first is not disturbed")
}

func TestNotOurDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(testOptions(dir)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "thesis.tex") {
		t.Fatal(err)
	}
	if _, err := Open(testOptions(filepath.Join(dir, "thesis.tex"))); err == nil {
		t.Fatal("opened a file as a directory")
	}
	if os.Getuid() == 0 {
		return // root may do anything
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(testOptions(filepath.Join(dir, "new"))); !errors.Is(err, ErrPermission) || !errors.Is(err, fs.ErrPermission) {
		t.Fatal(err)
	}
}

// After a failed write nothing more is done, and the directory opens again.
func TestStopsAfterFailedWrite(t *testing.T) {
	s := mustOpen(t, testOptions(t.TempDir()))
	commitText(t, s, 1, 1, "good")
	f := s.log.active().f
	ro, err := os.Open(f.Name()) // not writable: every write fails
	if err != nil {
		t.Fatal(err)
	}
	s.log.active().f = ro
	if _, err := s.Commit(2, nil); !errors.Is(err, ErrStopped) || !strings.Contains(err.Error(), f.Name()) {
		t.Fatal(err)
	}
	s.log.active().f = f
	ro.Close()
	for name, err := range map[string]error{
		"append":     s.Append(1, rec(1, "x")),
		"sync":       s.Sync(),
		"checkpoint": s.BeginCheckpoint(1).Commit(nil),
		"truncate":   s.Truncate(),
	} {
		if !errors.Is(err, ErrStopped) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if _, err := s.Commit(3, nil); !errors.Is(err, ErrStopped) {
		t.Fatal(err)
	}
	equal(t, "scan goes on", scanned(t, s, 1, 0, 9), []string{"1 good"})
	s.Close()
	s = mustOpen(t, s.opts)
	equal(t, "scan", scanned(t, s, 1, 0, 9), []string{"1 good"})
	commitText(t, s, 2, 1, "on")
	s.Close()
}
