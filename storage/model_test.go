package storage

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dgraph-io/badger/v4"
	"golang.org/x/sys/unix"
)

// TestModel runs random operations against the store and against a model made
// of slices and maps, with crashes: the directory is copied, the last segment
// is cut at a random byte behind the newest manifest (sometimes with garbage
// behind it), and the copy is opened. What the model says was committed before
// the cut must be there, and nothing else.
func TestModel(t *testing.T) {
	// 13 once had a scan look for a segment that held nothing for it.
	seeds := []uint64{1, 2, 3, 13, uint64(time.Now().UnixNano())}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			t.Logf("seed %d", seed)
			m := newModel(t, seed)
			for range 60 {
				m.step()
			}
			for range 6 {
				for range 30 {
					m.step()
				}
				m.crash()
				m.check()
			}
			m.s.Close()
		})
	}
}

type modelEpoch struct {
	n    uint64
	end  Position
	recs []string // "rel kind length crc"
	rels []uint32
}

type model struct {
	t     *testing.T
	r     *rand.Rand
	s     *Store
	epoch uint64

	open     map[uint64][]Record // transactions
	nextTxn  uint64
	epochs   []modelEpoch
	retain   map[uint32]uint64
	manifest struct {
		epoch uint64
		text  string
		set   bool
	}
	pages map[PageID]string
}

func newModel(t *testing.T, seed uint64) *model {
	o := testOptions(t.TempDir())
	o.SegmentSize = 200 << 10
	return &model{t: t, r: rand.New(rand.NewPCG(seed, 1)), s: mustOpen(t, o),
		open: map[uint64][]Record{}, nextTxn: 1, retain: map[uint32]uint64{}, pages: map[PageID]string{}}
}

func (m *model) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func describe(r Record) string {
	return fmt.Sprintf("%d %d %d %08x", r.Rel, r.Kind, len(r.Payload), crc32.ChecksumIEEE(r.Payload))
}

func (m *model) record() Record {
	size := m.r.IntN(300)
	switch m.r.IntN(20) {
	case 0:
		size = m.r.IntN(100 << 10)
	case 1:
		size = directSize + m.r.IntN(200<<10)
	}
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(m.r.Uint32())
	}
	return Record{Rel: uint32(m.r.IntN(5)), Kind: uint8(m.r.IntN(256)), Payload: b}
}

func (m *model) step() {
	switch n := m.r.IntN(100); {
	case n < 45:
		txn := m.nextTxn
		if m.r.IntN(2) == 0 || len(m.open) == 0 {
			m.nextTxn++
		} else {
			txn = m.anyTxn()
		}
		for range 1 + m.r.IntN(4) {
			rec := m.record()
			m.must(m.s.Append(txn, rec))
			m.open[txn] = append(m.open[txn], rec)
		}
	case n < 50 && len(m.open) > 0:
		txn := m.anyTxn()
		m.s.Abort(txn)
		delete(m.open, txn)
	case n < 85:
		m.commit()
	case n < 92:
		m.checkpoint()
	case n < 95:
		rel := uint32(1 + m.r.IntN(4))
		m.retain[rel] = max(m.retain[rel], m.r.Uint64N(m.epoch+1))
		if m.r.IntN(4) == 0 {
			m.retain[rel] = math.MaxUint64
		}
		m.s.SetRetention(rel, m.retain[rel])
	case n < 98:
		m.must(m.s.Truncate())
	default:
		m.s = reopen(m.t, m.s)
		clear(m.open)
		for rel, from := range m.retain {
			m.s.SetRetention(rel, from)
		}
	}
}

func (m *model) anyTxn() uint64 {
	var least uint64 = math.MaxUint64
	for txn := range m.open {
		least = min(least, txn)
	}
	return least
}

func (m *model) commit() {
	m.epoch += 1 + m.r.Uint64N(3)
	e := modelEpoch{n: m.epoch}
	var txns []uint64
	var recs, extra []Record
	for len(m.open) > 0 && m.r.IntN(3) > 0 {
		txn := m.anyTxn()
		txns = append(txns, txn)
		recs = append(recs, m.open[txn]...)
		delete(m.open, txn)
	}
	for range m.r.IntN(3) {
		extra = append(extra, m.record())
	}
	for _, r := range append(recs, extra...) {
		e.recs = append(e.recs, describe(r))
		e.rels = append(e.rels, r.Rel)
	}
	var err error
	e.end, err = m.s.Commit(m.epoch, txns, extra...)
	m.must(err)
	m.epochs = append(m.epochs, e)
}

func (m *model) checkpoint() {
	at := m.epoch - min(m.epoch, m.r.Uint64N(3))
	if at < m.manifest.epoch {
		at = m.epoch
	}
	c := m.s.BeginCheckpoint(at)
	next := map[PageID]string{}
	for id, p := range m.pages {
		next[id] = p
	}
	for range m.r.IntN(20) {
		id := PageID{uint32(m.r.IntN(4)), m.r.Uint64N(10)}
		switch m.r.IntN(10) {
		case 0:
			m.must(c.DropTable(id.Table))
			for k := range next {
				if k.Table == id.Table {
					delete(next, k)
				}
			}
		case 1:
			m.must(c.DropPage(id))
			delete(next, id)
		default:
			text := strings.Repeat(fmt.Sprint(m.r.Uint32(), " "), m.r.IntN(2000))
			if m.r.IntN(50) == 0 {
				text = strings.Repeat(text, 50)
			}
			m.must(c.Put(id, []byte(text)))
			next[id] = text
		}
	}
	if m.r.IntN(5) == 0 {
		c.Abort()
		return
	}
	text := fmt.Sprintf("manifest %d", m.r.Uint32())
	m.must(c.Commit([]byte(text)))
	m.manifest.epoch, m.manifest.text, m.manifest.set = at, text, true
	m.pages = next
}

// crash goes on with a copy of the directory, cut somewhere.
func (m *model) crash() {
	m.s.state.ckptMu.Lock()
	m.must(m.s.state.waitGC())
	m.s.state.ckptMu.Unlock()
	dir := m.t.TempDir()
	m.must(copyLive(dir, m.s.dir))
	a := m.s.log.active()
	low := int64(segmentHeader)
	if end := m.s.state.manifest.end; end.Segment == a.seq {
		low = end.Offset
	}
	cut := low + m.r.Int64N(a.end-low+1)
	if m.r.IntN(3) == 0 {
		cut = a.end
	}
	path := segmentPath(filepath.Join(dir, "log"), a.seq)
	m.must(os.Truncate(path, cut))
	if m.r.IntN(2) == 0 {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		m.must(err)
		garbage := make([]byte, m.r.IntN(5000))
		for i := range garbage {
			garbage[i] = byte(m.r.Uint32())
		}
		_, err = f.WriteAt(garbage, cut)
		m.must(err)
		f.Close()
	}
	for len(m.epochs) > 0 {
		last := m.epochs[len(m.epochs)-1]
		if !(Position{a.seq, cut}).Less(last.end) {
			break
		}
		m.epochs = m.epochs[:len(m.epochs)-1]
	}
	m.epoch = m.manifest.epoch
	if n := len(m.epochs); n > 0 {
		m.epoch = max(m.epoch, m.epochs[n-1].n)
	}
	o := m.s.opts
	m.s.Close()
	o.Dir = dir
	m.s = mustOpen(m.t, o)
	clear(m.open)
	for rel, from := range m.retain {
		m.s.SetRetention(rel, from)
	}
}

// check compares everything that can be read.
func (m *model) check() {
	t, s := m.t, m.s
	t.Helper()
	if s.LastEpoch() != m.epoch {
		t.Fatalf("last epoch %d, want %d", s.LastEpoch(), m.epoch)
	}
	epoch, text, ok := s.Manifest()
	if epoch != m.manifest.epoch || string(text) != m.manifest.text || ok != m.manifest.set {
		t.Fatalf("manifest %d %q %v, want %v", epoch, text, ok, m.manifest)
	}
	var want, got []string
	for _, e := range m.epochs {
		if e.n > epoch {
			want = append(append(want, fmt.Sprint("epoch ", e.n)), e.recs...)
		}
	}
	m.must(s.Replay(epoch, func(n uint64, recs iter.Seq2[Record, error]) error {
		got = append(got, fmt.Sprint("epoch ", n))
		for r, err := range recs {
			if err != nil {
				return err
			}
			got = append(got, describe(r))
		}
		return nil
	}))
	equal(t, "replay", got, want)
	for rel := uint32(1); rel < 5; rel++ {
		m.checkScan(rel)
	}
	n := 0
	m.must(s.LoadTable(0, func(page uint64, d []byte) error { return m.checkPage(PageID{0, page}, d, &n) }))
	for id := range m.pages {
		if id.Table == 0 {
			n--
		}
	}
	if n != 0 {
		t.Fatalf("table 0 has %d pages too many", n)
	}
	if got := pages(t, s); len(got) != len(m.pages) {
		t.Fatalf("%d pages, want %d", len(got), len(m.pages))
	}
	txn, list := s.state.live(0, 100)
	defer txn.Discard()
	m.must(s.state.loadRange(txn, list, func(id PageID, d []byte) error { return m.checkPage(id, d, &n) }, nil))
}

func (m *model) checkPage(id PageID, d []byte, n *int) error {
	if want, ok := m.pages[id]; !ok || want != string(d) {
		return fmt.Errorf("page %v: %.20q (%d bytes), want %.20q (%d)", id, d, len(d), want, len(want))
	}
	*n++
	return nil
}

func (m *model) checkScan(rel uint32) {
	from := m.r.Uint64N(m.epoch + 2)
	to := m.r.Uint64N(m.epoch + 5)
	var want, got []string
	for _, e := range m.epochs {
		if e.n <= max(from, m.retain[rel]) || e.n > to {
			continue
		}
		for i, x := range e.recs {
			if e.rels[i] == rel {
				want = append(want, fmt.Sprint(e.n, " ", x))
			}
		}
	}
	sc, err := m.s.Scan(rel, from, to)
	m.must(err)
	defer sc.Close()
	for {
		r, ok, err := sc.Next()
		m.must(err)
		if !ok {
			break
		}
		got = append(got, fmt.Sprint(r.Epoch, " ", describe(r)))
	}
	equal(m.t, fmt.Sprintf("scan of %d in (%d, %d]", rel, from, to), got, want)
}

// copyLive copies the directory of an open store that nobody writes to. Badger
// may be making tables meanwhile, so the copy holds files of different moments:
// if its manifest changed, or one went or shrank underneath, they need not fit,
// and the copy is made again.
func copyLive(dst, src string) error {
	manifest := func() ([]byte, error) {
		return os.ReadFile(filepath.Join(src, "state", badger.ManifestFilename))
	}
	for {
		before, err := manifest()
		if err != nil {
			return err
		}
		err = copyTree(dst, src)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENXIO) {
			return err
		}
		after, merr := manifest()
		if err == nil && merr == nil && bytes.Equal(before, after) {
			return nil
		}
		if err := os.RemoveAll(dst); err != nil {
			return err
		}
	}
}

// copyTree copies a directory, leaving holes holes.
func copyTree(dst, src string) error {
	return filepath.Walk(src, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dst, strings.TrimPrefix(path, src))
		if info.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		return copySparse(to, path, info.Size())
	})
}

func copySparse(dst, src string, size int64) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(dst)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := out.Truncate(size); err != nil {
		return err
	}
	for off := int64(0); off < size; {
		data, err := unix.Seek(int(in.Fd()), off, unix.SEEK_DATA)
		if err != nil {
			return nil // ENXIO: a hole to the end
		}
		hole, err := unix.Seek(int(in.Fd()), data, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.NewOffsetWriter(out, data), io.NewSectionReader(in, data, hole-data)); err != nil {
			return err
		}
		off = hole
	}
	return nil
}
