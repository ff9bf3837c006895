package storage

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// openLog finds the segments, reads the footers of sealed ones, scans the rest,
// cuts off a torn end, and checks that nothing that should be there is missing.
func openLog(s *Store, dir string, fresh bool) (*segmentLog, error) {
	l := &segmentLog{store: s, dir: dir, txns: map[uint64]*openTxn{}, retain: map[uint32]uint64{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, permission(dir, err)
	}
	m := &s.state.manifest
	l.manifest, l.ckpt = m.epoch, m.ckpt
	seqs, err := l.list()
	if err != nil {
		return nil, err
	}
	if seqs, err = l.compare(seqs, s.state.segments); err != nil {
		return nil, err
	}
	if len(seqs) == 0 && !fresh {
		return nil, damaged(dir, -1, "there is no log segment")
	}
	if seqs, err = l.dropStub(seqs); err != nil {
		return nil, err
	}
	for i, seq := range seqs {
		g, err := l.load(seq, i == len(seqs)-1)
		if err != nil {
			return nil, err
		}
		l.segs = append(l.segs, g)
	}
	for _, g := range l.segs {
		for seq, t := range g.touched {
			if o := l.find(seq); o != nil {
				o.need(t)
			}
		}
		g.newest = max(g.newest, g.last)
		if g.sealed {
			g.touched = nil
		}
	}
	if err := l.checkChain(); err != nil {
		return nil, err
	}
	return l, l.openActive()
}

// list returns the sequence numbers of the segment files, in order.
func (l *segmentLog) list() ([]uint64, error) {
	names, err := os.ReadDir(l.dir)
	if err != nil {
		return nil, permission(l.dir, err)
	}
	var seqs []uint64
	for _, n := range names {
		hex, ok := strings.CutSuffix(n.Name(), ".log")
		seq, err := strconv.ParseUint(hex, 16, 64)
		if !ok || err != nil || len(hex) != 16 {
			l.store.opts.Logger.Warn("not a log segment, left alone", "file", filepath.Join(l.dir, n.Name()))
			continue
		}
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	return seqs, nil
}

// compare holds the files against the list in the state: every known segment
// must be there; an older file that is not known was on its way out.
func (l *segmentLog) compare(seqs, known []uint64) ([]uint64, error) {
	for _, k := range known {
		if !slices.Contains(seqs, k) {
			return nil, damaged(segmentPath(l.dir, k), -1, "log segment is missing")
		}
	}
	if len(known) == 0 {
		return seqs, nil
	}
	newest := slices.Max(known)
	var kept []uint64
	for _, seq := range seqs {
		if seq > newest || slices.Contains(known, seq) {
			kept = append(kept, seq)
		} else if err := os.Remove(segmentPath(l.dir, seq)); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// dropStub removes a newest segment whose making was cut off: its header is not
// whole, and nothing says that anything ever was in it.
func (l *segmentLog) dropStub(seqs []uint64) ([]uint64, error) {
	if len(seqs) == 0 {
		return seqs, nil
	}
	seq := seqs[len(seqs)-1]
	path := segmentPath(l.dir, seq)
	f, err := os.Open(path)
	if err != nil {
		return nil, permission(path, err)
	}
	defer f.Close()
	if _, _, err := readSegmentHeader(f); !errors.Is(err, ErrDamaged) || l.store.state.manifest.end.Segment >= seq {
		return seqs, nil // whole, or load says what is wrong
	}
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if found, _, err := laterClaim(f, seq, 0, st.Size()); found > 0 || err != nil {
		return seqs, err
	}
	l.store.opts.Logger.Warn("removed a log segment that was never begun", "file", path)
	return seqs[:len(seqs)-1], os.Remove(path)
}

func readSegmentHeader(f *os.File) (seq, base uint64, err error) {
	b := make([]byte, segmentHeader)
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		return 0, 0, err
	}
	return parseSegmentHeader(f.Name(), b)
}

// load reads one segment's books.
func (l *segmentLog) load(seq uint64, last bool) (*segment, error) {
	g := newSegment(l.dir, seq)
	f, err := os.Open(g.path)
	if err != nil {
		return nil, permission(g.path, err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	hseq, base, err := readSegmentHeader(f)
	if err != nil {
		return nil, err
	}
	if hseq != seq {
		return nil, damaged(g.path, 0, "header is that of segment %016x", hseq)
	}
	g.base = base
	if g.readFooter(f, st.Size()) {
		return g, nil
	}
	return g, l.scan(g, f, st.Size(), last)
}

// scan reads a segment that has no footer: the one that was active.
func (l *segmentLog) scan(g *segment, f *os.File, size int64, last bool) error {
	r := &segReader{f: f, path: g.path, limit: size}
	off, end := int64(segmentHeader), int64(segmentHeader)
	var c commit
	var known uint64 // newest checkpoint that the log knows of
	var bad error
	for off < size {
		h, err := r.header(off, off)
		if err != nil {
			bad = err
			break
		}
		b, err := r.payload(off, &h, off)
		if err != nil {
			bad = err
			break
		}
		if h.typ == frameFooter {
			if g.end = end; !last && g.parseFooter(b) {
				g.sealed, g.end = true, off
				return nil
			}
			break
		}
		at := off
		off += h.size()
		if h.typ != frameCommit {
			continue
		}
		if !c.parse(b, g.seq) || c.epoch <= g.last || g.last > 0 && c.prev != g.last {
			return damaged(g.path, at, "commit frame does not follow epoch %d", g.last)
		}
		g.note(&c, at)
		end, known = off, c.ckpt
	}
	g.end = end
	if have := l.store.state.manifest.ckpt; known > have {
		l.store.opts.Logger.Warn("the newest checkpoint is lost; going on from an older one and the log",
			"lost", known, "have", have, "dir", l.store.state.dir)
	}
	return l.judgeEnd(g, f, size, off, last, bad)
}

// judgeEnd decides what the end of the frames at off means: the torn end of
// writes that nobody was told about, or damage.
func (l *segmentLog) judgeEnd(g *segment, f *os.File, size, off int64, last bool, bad error) error {
	if bad == nil {
		bad = damaged(g.path, off, "log ends here")
	}
	m := l.store.state.manifest.end
	if !last || m.Segment == g.seq && m.Offset > g.end {
		return bad
	}
	found, claimed, err := laterClaim(f, g.seq, off, size)
	if err != nil {
		return err
	}
	if claimed {
		return bad
	}
	if found > 0 {
		whole, err := wasWritten(f, g.end, found)
		if err != nil {
			return err
		}
		if whole {
			return bad
		}
	}
	zero, err := allZero(f, off, size)
	if err != nil {
		return err
	}
	if off > g.end || !zero {
		l.store.opts.Logger.Warn("cut off the unfinished end of the log", "file", g.path,
			"offset", g.end, "last_epoch", max(g.base, g.last))
	}
	return nil
}

// laterClaim searches what lies behind the end of the frames for commit frames.
// found is the end of the first one, 0 if there is none; claimed: one says that the log was durable beyond off.
func laterClaim(f *os.File, seq uint64, off, size int64) (found int64, claimed bool, err error) {
	pattern := []byte{frameMagic & 0xff, frameMagic >> 8, frameCommit, 0}
	const step, overlap = 1 << 20, 64 << 10
	buf := make([]byte, step+overlap)
	var c commit
	for at := off; at < size; at += step {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if err != nil && err != io.EOF {
			return 0, false, err
		}
		b := buf[:n]
		for i := 0; ; {
			j := bytes.Index(b[i:], pattern)
			if j < 0 || i+j >= step+4 {
				break
			}
			i += j + 4
			start := i - 8
			if start < 0 {
				continue
			}
			h, ok := parseHeader(b[start:])
			if !ok || start+int(h.size()) > len(b) {
				continue
			}
			p := b[start+frameHeader : start+int(h.size())]
			if checksum(p) != h.crc || !c.parse(p, seq) {
				continue
			}
			if found == 0 {
				found = at + int64(start) + h.size()
			}
			if c.durable.Segment == seq && c.durable.Offset > off {
				return found, true, nil
			}
		}
	}
	return found, false, nil
}

// wasWritten reports that every sector of from..to has bytes. The last epochs
// before a power failure may be on disk in part, in any order of sectors: one
// that is missing reads as zeros, as space allocated ahead does. If the commit
// frame is there and no sector is missing, all of it was written, and what has a
// wrong checksum has changed since.
//
// What cannot be told from a torn end: a commit frame that is damaged itself,
// and damage in an epoch that has a sector of zeros as its content.
func wasWritten(f *os.File, from, to int64) (bool, error) {
	const sector = 512
	buf := make([]byte, 1<<20)
	for from < to {
		b := buf[:min(to-from, int64(len(buf))-from%sector)]
		if _, err := f.ReadAt(b, from); err != nil {
			return false, err
		}
		for len(b) > 0 {
			n := min(int64(len(b)), sector-from%sector)
			if len(bytes.TrimLeft(b[:n], "\x00")) == 0 {
				return false, nil
			}
			b, from = b[n:], from+n
		}
	}
	return true, nil
}

func allZero(f *os.File, off, size int64) (bool, error) {
	buf := make([]byte, 64<<10)
	for off < size {
		n, err := f.ReadAt(buf[:min(int64(len(buf)), size-off)], off)
		if err != nil && err != io.EOF {
			return false, err
		}
		if n == 0 {
			break
		}
		for _, c := range buf[:n] {
			if c != 0 {
				return false, nil
			}
		}
		off += int64(n)
	}
	return true, nil
}

// checkChain verifies that the epochs after the manifest are all there, and
// that the log does not end before it.
func (l *segmentLog) checkChain() error {
	at := l.manifest
	for _, g := range l.segs {
		l.written = max(l.written, g.base, g.last)
		if before := max(g.base, g.firstPrev); before > at {
			return damaged(g.path, -1, "epochs %d to %d are missing before it", at+1, before)
		}
		if g.last <= l.manifest {
			continue
		}
		at = g.last
		l.total += g.end - g.seek(l.manifest)
	}
	if l.written < l.manifest {
		return damaged(l.dir, -1, "the log ends at epoch %d, before the checkpoint at epoch %d", l.written, l.manifest)
	}
	l.last = l.written
	return nil
}

// openActive makes the last segment ready for appending: cut to its last
// commit frame and synced, so that all of it can be called durable.
func (l *segmentLog) openActive() error {
	if n := len(l.segs); n == 0 || l.segs[n-1].sealed {
		next := uint64(1)
		if n > 0 {
			next = l.segs[n-1].seq + 1
		}
		g, err := createSegment(l.dir, next, l.written)
		if err != nil {
			return err
		}
		l.segs = append(l.segs, g)
	} else {
		g := l.segs[n-1]
		f, err := os.OpenFile(g.path, os.O_RDWR, 0)
		if err != nil {
			return permission(g.path, err)
		}
		g.f = f
		if err := f.Truncate(g.end); err != nil {
			return err
		}
		g.alloc = g.end
		if err := f.Sync(); err != nil {
			return err
		}
	}
	a := l.active()
	l.dirtyEnd = a.end
	l.durable = Position{a.seq, a.end}
	l.visible = l.durable
	return nil
}
