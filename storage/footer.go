package storage

import (
	"encoding/binary"
	"maps"
	"os"
	"slices"
)

// A sealed segment ends in a footer frame and a trailer, so that Open reads a
// few KB of it and not all of it:
//
//	footer payload, uvarints: first epoch, its previous epoch, last epoch;
//	        index entries: n, each epoch and offset, as differences;
//	        touched segments: n, each: segments back, n, each relation and epoch
//	trailer: footer's offset u64, magic u32, crc u32 over the 12 bytes before
const (
	trailerSize  = 16
	trailerMagic = 0x454f5347
)

func (s *segment) appendFooter(dst []byte) []byte {
	p := binary.AppendUvarint(nil, s.first)
	p = binary.AppendUvarint(p, s.firstPrev)
	p = binary.AppendUvarint(p, s.last)
	p = binary.AppendUvarint(p, uint64(len(s.index)))
	var prev indexEntry
	for _, e := range s.index {
		p = binary.AppendUvarint(p, e.epoch-prev.epoch)
		p = binary.AppendUvarint(p, uint64(e.off-prev.off))
		prev = e
	}
	p = binary.AppendUvarint(p, uint64(len(s.touched)))
	for _, seg := range slices.Sorted(maps.Keys(s.touched)) {
		m := s.touched[seg]
		p = binary.AppendUvarint(p, s.seq-seg)
		p = binary.AppendUvarint(p, uint64(len(m)))
		for _, rel := range slices.Sorted(maps.Keys(m)) {
			p = binary.AppendUvarint(p, uint64(rel))
			p = binary.AppendUvarint(p, m[rel])
		}
	}
	dst = appendFrame(dst, frameFooter, 0, 0, 0, p)
	n := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(s.end))
	dst = binary.LittleEndian.AppendUint32(dst, trailerMagic)
	return binary.LittleEndian.AppendUint32(dst, checksum(dst[n:]))
}

// parseFooter fills s from a footer's payload.
func (s *segment) parseFooter(b []byte) bool {
	d := uvarints{b: b}
	s.first, s.firstPrev, s.last = d.next(), d.next(), d.next()
	s.index = nil
	var prev indexEntry
	for range d.count(2) {
		prev = indexEntry{prev.epoch + d.next(), prev.off + int64(d.next())}
		s.index = append(s.index, prev)
	}
	s.touched = map[uint64]marks{}
	for range d.count(2) {
		back := d.next()
		m := marks{}
		for range d.count(2) {
			rel := uint32(d.next())
			m.set(rel, d.next())
		}
		s.touched[s.seq-back] = m
	}
	return !d.bad && len(d.b) == 0
}

// seal ends the segment: footer, exact size, synced, closed for writing.
func (s *segment) seal() error {
	b := s.appendFooter(nil)
	if _, err := s.f.WriteAt(b, s.end); err != nil {
		return err
	}
	if err := s.f.Truncate(s.end + int64(len(b))); err != nil {
		return err
	}
	if err := s.f.Sync(); err != nil {
		return err
	}
	s.sealed, s.touched = true, nil
	return s.f.Close()
}

// readFooter fills s from its file when the file ends in a whole footer.
func (s *segment) readFooter(f *os.File, size int64) bool {
	var t [trailerSize]byte
	if size < segmentHeader+frameHeader+trailerSize {
		return false
	}
	if _, err := f.ReadAt(t[:], size-trailerSize); err != nil {
		return false
	}
	off := int64(binary.LittleEndian.Uint64(t[:]))
	if binary.LittleEndian.Uint32(t[8:]) != trailerMagic || binary.LittleEndian.Uint32(t[12:]) != checksum(t[:12]) ||
		off < segmentHeader || off > size-trailerSize-frameHeader {
		return false
	}
	b := make([]byte, size-trailerSize-off)
	if _, err := f.ReadAt(b, off); err != nil {
		return false
	}
	h, ok := parseHeader(b)
	if !ok || h.typ != frameFooter || h.size() != int64(len(b)) || checksum(b[frameHeader:]) != h.crc {
		return false
	}
	if !s.parseFooter(b[frameHeader:]) {
		return false
	}
	s.end, s.sealed = off, true
	return true
}
