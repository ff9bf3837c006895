package storage

import (
	"io"
	"os"
)

const (
	readAhead = 1 << 20
	hopRead   = 4 << 10
)

// segReader reads one segment through a window of readAhead bytes. What it
// returns is valid until the next call.
type segReader struct {
	f     *os.File
	path  string
	limit int64 // end of what may be read
	win   []byte
	at    int64  // file offset of win[0]
	big   []byte // for payloads larger than the window
	hop   bool   // the next window need only hold a header
}

func openReader(path string, limit int64) (*segReader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &segReader{f: f, path: path, limit: limit}, nil
}

func (r *segReader) close() error { return r.f.Close() }

// holds reports whether the window has these bytes already.
func (r *segReader) holds(off, n int64) bool {
	return off >= r.at && off+n <= r.at+int64(len(r.win))
}

// bytes returns n bytes at off. When the window moves, it starts at keep, if
// keep lies not far before off: bytes there will be asked for again.
func (r *segReader) bytes(off int64, n int, keep int64) ([]byte, error) {
	if off+int64(n) > r.limit {
		return nil, io.ErrUnexpectedEOF
	}
	if r.holds(off, int64(n)) {
		i := off - r.at
		return r.win[i : i+int64(n)], nil
	}
	if n > readAhead/2 {
		if cap(r.big) < n {
			r.big = make([]byte, n)
		}
		b := r.big[:n]
		have := 0
		if r.holds(off, 1) {
			have = copy(b, r.win[off-r.at:])
		}
		_, err := r.f.ReadAt(b[have:], off+int64(have))
		return b, noEOF(err)
	}
	from := off
	r.hop = r.hop && n < hopRead
	if keep < off && off-keep < readAhead/2 {
		r.hop = false
		from = keep
	}
	if err := r.fill(from); err != nil {
		return nil, err
	}
	i := off - r.at
	return r.win[i : i+int64(n)], nil
}

func (r *segReader) fill(from int64) error {
	size := min(readAhead, r.limit-from)
	if r.hop {
		size = min(hopRead, size)
	}
	if int64(cap(r.win)) < size {
		r.win = make([]byte, size)
	}
	r.win, r.at = r.win[:size], from
	if _, err := r.f.ReadAt(r.win, from); err != nil {
		r.win = r.win[:0]
		return noEOF(err)
	}
	return nil
}

// noEOF: the caller knows how long the file is, so its end is never expected.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// header reads the frame header at off. A header that is not whole, or whose
// frame passes the limit, is damage.
func (r *segReader) header(off, keep int64) (frame, error) {
	b, err := r.bytes(off, frameHeader, keep)
	if err != nil {
		return frame{}, r.broken(off, "frame header cannot be read", err)
	}
	h, ok := parseHeader(b)
	if !ok {
		return frame{}, damaged(r.path, off, "frame header has a wrong checksum")
	}
	if off+h.size() > r.limit {
		return frame{}, damaged(r.path, off, "frame of %d bytes ends behind the log", h.size())
	}
	return h, nil
}

// payload reads and checks the payload of the frame at off.
func (r *segReader) payload(off int64, h *frame, keep int64) ([]byte, error) {
	b, err := r.bytes(off+frameHeader, h.length, keep)
	if err != nil {
		return nil, r.broken(off, "frame payload cannot be read", err)
	}
	if checksum(b) != h.crc {
		return nil, damaged(r.path, off, "frame payload has a wrong checksum")
	}
	return b, nil
}

func (r *segReader) broken(off int64, what string, err error) error {
	return &DamageError{Path: r.path, Offset: off, Detail: what, Err: err}
}

// span is a segment as a reader pins it: the file, and how far it may be read.
type span struct {
	seg   *segment
	limit int64
	from  int64 // where to look for commit frames
}

// commitWalker finds commit frames in order, hopping from header to header.
type commitWalker struct {
	spans []span
	i     int
	r     *segReader
	off   int64
	keep  int64 // end of the last commit frame
	c     commit
}

// next returns the next commit frame, or nil at the end. The commit is valid
// until the next call.
func (w *commitWalker) next() (*commit, error) {
	for {
		if w.r == nil {
			if w.i == len(w.spans) {
				return nil, nil
			}
			sp := w.spans[w.i]
			r, err := openReader(sp.seg.path, sp.limit)
			if err != nil {
				return nil, damaged(sp.seg.path, -1, "cannot be opened: %v", err)
			}
			w.r, w.off, w.keep = r, sp.from, sp.from
		}
		c, err := w.scan()
		if c != nil || err != nil {
			return c, err
		}
		w.r.close()
		w.r = nil
		w.i++
	}
}

// scan looks for a commit frame in the current segment.
func (w *commitWalker) scan() (*commit, error) {
	for w.off < w.r.limit {
		h, err := w.r.header(w.off, w.keep)
		if err != nil {
			return nil, err
		}
		at := w.off
		w.off += h.size()
		w.r.hop = h.size() > readAhead/4
		if h.typ != frameCommit {
			continue
		}
		b, err := w.r.payload(at, &h, w.keep)
		if err != nil {
			return nil, err
		}
		if !w.c.parse(b, w.spans[w.i].seg.seq) {
			return nil, damaged(w.r.path, at, "commit frame does not make sense")
		}
		w.keep = w.off
		return &w.c, nil
	}
	return nil, nil
}

// seg is the segment that the last commit frame was in.
func (w *commitWalker) seg() *segment { return w.spans[w.i].seg }

func (w *commitWalker) close() {
	if w.r != nil {
		w.r.close()
		w.r = nil
	}
	w.i = len(w.spans)
}

// epochReader reads the records of one commit after the other.
type epochReader struct {
	w     commitWalker
	segs  map[uint64]span // pinned segments, for extents elsewhere
	other *segReader      // for extents that the walker's window does not hold
	oseq  uint64
	all   bool
	rel   uint32

	exts []extent
	i    int
	off  int64
	cur  *segReader
}

// start turns to the extents of a commit.
func (e *epochReader) start(c *commit) { e.exts, e.i, e.cur = c.extents, 0, nil }

// next returns the next record of the commit. Its payload is valid until the
// next call on e.
func (e *epochReader) next(epoch uint64) (Record, bool, error) {
	for e.i < len(e.exts) {
		x := &e.exts[e.i]
		if !e.all && x.rel != 0 && x.rel != uint64(e.rel)+1 {
			e.i++
			continue
		}
		if e.cur == nil {
			r, err := e.reader(x)
			if err != nil {
				return Record{}, false, err
			}
			e.cur, e.off = r, x.off
		}
		if e.off >= x.off+x.len {
			e.i, e.cur = e.i+1, nil
			continue
		}
		h, err := e.cur.header(e.off, e.off)
		if err != nil {
			return Record{}, false, err
		}
		at := e.off
		e.off += h.size()
		if h.typ != framePart || e.off > x.off+x.len {
			return Record{}, false, damaged(e.cur.path, at, "not a record of epoch %d", epoch)
		}
		if !e.all && h.rel != e.rel {
			continue
		}
		b, err := e.cur.payload(at, &h, at)
		if err != nil {
			return Record{}, false, err
		}
		return Record{Epoch: epoch, Rel: h.rel, Kind: h.kind, Payload: b}, true, nil
	}
	return Record{}, false, nil
}

// reader picks who reads an extent: the walker, when it holds the bytes, or a
// second reader, so that the walker's window stays where it is.
func (e *epochReader) reader(x *extent) (*segReader, error) {
	if x.seg == e.w.seg().seq && e.w.r.holds(x.off, x.len) {
		return e.w.r, nil
	}
	if e.other != nil && e.oseq == x.seg {
		return e.other, nil
	}
	sp, ok := e.segs[x.seg]
	if !ok {
		return nil, damaged(e.w.r.path, -1, "refers to log segment %016x, which is missing", x.seg)
	}
	r, err := openReader(sp.seg.path, sp.limit)
	if err != nil {
		return nil, damaged(sp.seg.path, -1, "cannot be opened: %v", err)
	}
	if e.other != nil {
		e.other.close()
	}
	e.other, e.oseq = r, x.seg
	return r, nil
}

func (e *epochReader) close() {
	e.w.close()
	if e.other != nil {
		e.other.close()
		e.other = nil
	}
}
