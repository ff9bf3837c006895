package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// A segment file:
//
//	header   0 magic "MRLOGSEG"   8 format u32   12 zero u32   16 sequence u64
//	        24 base epoch u64    32 zero u32    36 crc u32 over bytes 0..36
//	frames
//	footer frame and trailer, once the segment is sealed (footer.go)
//
// The base epoch is the last one committed before the segment was made. The
// file is allocated ahead in steps: fdatasync of bytes inside allocated space
// took 60 us where growing the file took 93-112 (p50, 300 B). What is
// allocated and not written reads as zeros, which no frame starts with.
const (
	segmentHeader  = 40
	segmentMagic   = "MRLOGSEG"
	segmentFormat  = 1
	allocationStep = 8 << 20
	indexEvery     = 256 << 10
)

// segment is what is known about one file. All of it is guarded by Store.log.mu.
type segment struct {
	seq  uint64
	path string
	f    *os.File // open for writing: only of the active segment

	end    int64 // of the frames
	alloc  int64
	sealed bool

	base      uint64 // last epoch committed before the first frame
	first     uint64 // epochs of the commit frames in this file; 0 = none
	firstPrev uint64
	last      uint64

	// index finds a commit frame without reading from the start: about one
	// entry for each indexEvery bytes, in order.
	index []indexEntry
	// touched: per segment (this or an older one), the relations that commit
	// frames in this file have records of there, with the newest such epoch.
	// It is what the footer keeps; a sealed segment has it no more.
	touched map[uint64]marks

	// newest and rels say who needs this file: the newest epoch with a commit
	// frame or a record in it, and the same for each relation.
	newest uint64
	rels   marks

	refs    int // scanners reading it
	pending int // extents of open transactions in it
}

type indexEntry struct {
	epoch uint64
	off   int64
}

// marks is relation -> newest epoch.
type marks map[uint32]uint64

func (m marks) set(rel uint32, epoch uint64) {
	if m[rel] < epoch {
		m[rel] = epoch
	}
}

func segmentPath(dir string, seq uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016x.log", seq))
}

func newSegment(dir string, seq uint64) *segment {
	return &segment{
		seq: seq, path: segmentPath(dir, seq), end: segmentHeader,
		touched: map[uint64]marks{}, rels: marks{},
	}
}

// createSegment makes the file, durable with its directory entry.
func createSegment(dir string, seq, base uint64) (*segment, error) {
	s := newSegment(dir, seq)
	s.base = base
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	s.f = f
	if _, err = f.WriteAt(encodeSegmentHeader(seq, base), 0); err == nil {
		if err = s.allocate(segmentHeader); err == nil {
			if err = f.Sync(); err == nil {
				err = syncDir(dir)
			}
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

func encodeSegmentHeader(seq, base uint64) []byte {
	b := make([]byte, segmentHeader)
	copy(b, segmentMagic)
	binary.LittleEndian.PutUint32(b[8:], segmentFormat)
	binary.LittleEndian.PutUint64(b[16:], seq)
	binary.LittleEndian.PutUint64(b[24:], base)
	binary.LittleEndian.PutUint32(b[36:], checksum(b[:36]))
	return b
}

// parseSegmentHeader checks a header and returns its sequence and base epoch.
func parseSegmentHeader(path string, b []byte) (seq, base uint64, err error) {
	if len(b) < segmentHeader || !bytes.HasPrefix(b, []byte(segmentMagic)) ||
		binary.LittleEndian.Uint32(b[36:]) != checksum(b[:36]) {
		return 0, 0, damaged(path, 0, "not a log segment header")
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != segmentFormat {
		return 0, 0, fmt.Errorf("%w: log segment %s has format %d, this program reads %d", ErrFormat, path, v, segmentFormat)
	}
	return binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:]), nil
}

// allocate makes sure that disk space is reserved through offset to. Where
// there is no such thing, that only costs the slower sync.
func (s *segment) allocate(to int64) error {
	if to <= s.alloc {
		return nil
	}
	size := (to + allocationStep - 1) / allocationStep * allocationStep
	switch err := reserve(s.f, s.alloc, size-s.alloc); {
	case err == nil:
		s.alloc = size
	case errors.Is(err, errors.ErrUnsupported):
		s.alloc = 1 << 62
	default:
		return err
	}
	return nil
}

// write puts b at the end of the frames.
func (s *segment) write(b []byte) error {
	if err := s.allocate(s.end + int64(len(b))); err != nil {
		return err
	}
	if _, err := s.f.WriteAt(b, s.end); err != nil {
		return err
	}
	s.end += int64(len(b))
	return nil
}

// note enters a commit frame at off into the segment's own books.
func (s *segment) note(c *commit, off int64) {
	if s.first == 0 {
		s.first, s.firstPrev = c.epoch, c.prev
	}
	s.last = c.epoch
	if n := len(s.index); n == 0 || off-s.index[n-1].off >= indexEvery {
		s.index = append(s.index, indexEntry{c.epoch, off})
	}
	s.touch(s.seq, c)
	for _, e := range c.extents {
		if e.seg != s.seq {
			s.touch(e.seg, c)
		}
	}
}

func (s *segment) touch(seg uint64, c *commit) {
	m := s.touched[seg]
	if m == nil {
		m = marks{}
		s.touched[seg] = m
	}
	for _, r := range c.rels {
		m.set(r, c.epoch)
	}
}

// need enters what commit frames somewhere have in s.
func (s *segment) need(m marks) {
	for r, e := range m {
		s.newest = max(s.newest, e)
		s.rels.set(r, e)
	}
}

// seek returns an offset at or before the first commit frame after epoch.
func (s *segment) seek(epoch uint64) int64 {
	i, _ := slices.BinarySearchFunc(s.index, epoch, func(e indexEntry, epoch uint64) int {
		if e.epoch <= epoch {
			return -1
		}
		return 1
	})
	if i == 0 {
		return segmentHeader
	}
	return s.index[i-1].off
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
