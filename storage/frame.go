package storage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A segment is a header and then frames, back to back. All integers are
// little endian, all checksums CRC-32C.
//
//	frame: 0 header crc u32   over bytes 4..28
//	       4 magic      u16   0x4c4d
//	       6 type       u8    part, commit, footer
//	       7 kind       u8    of a part: the engine's business
//	       8 length     u32   of the payload
//	      12 relation   u32   of a part; 0 = none
//	      16 txn        u64   of a part: for people reading a dump, not for us
//	      24 payload crc u32
//	      28 payload
//
// The header has a checksum of its own, so that a reader may trust the length
// and hop over a payload that it does not want.
const (
	frameHeader = 28
	frameMagic  = 0x4c4d

	framePart   = 1
	frameCommit = 2
	frameFooter = 3

	// MaxRecord bounds one record's payload. Writers of more split it.
	MaxRecord = 256 << 20
)

var crcTable = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, crcTable) }

type frame struct {
	typ, kind uint8
	rel       uint32
	txn       uint64
	length    int
	crc       uint32
}

func (f *frame) size() int64 { return frameHeader + int64(f.length) }

// putHeader encodes a frame's header; the payload crc is already in f.
func (f *frame) putHeader(b []byte) {
	_ = b[frameHeader-1]
	binary.LittleEndian.PutUint16(b[4:], frameMagic)
	b[6], b[7] = f.typ, f.kind
	binary.LittleEndian.PutUint32(b[8:], uint32(f.length))
	binary.LittleEndian.PutUint32(b[12:], f.rel)
	binary.LittleEndian.PutUint64(b[16:], f.txn)
	binary.LittleEndian.PutUint32(b[24:], f.crc)
	binary.LittleEndian.PutUint32(b, checksum(b[4:frameHeader]))
}

// appendFrame encodes a whole frame behind dst.
func appendFrame(dst []byte, typ, kind uint8, rel uint32, txn uint64, payload []byte) []byte {
	f := frame{typ: typ, kind: kind, rel: rel, txn: txn, length: len(payload), crc: checksum(payload)}
	n := len(dst)
	dst = append(dst, make([]byte, frameHeader)...)
	f.putHeader(dst[n:])
	return append(dst, payload...)
}

// parseHeader reports whether b starts with a frame header that is whole.
func parseHeader(b []byte) (frame, bool) {
	if len(b) < frameHeader || binary.LittleEndian.Uint16(b[4:]) != frameMagic {
		return frame{}, false
	}
	if binary.LittleEndian.Uint32(b) != checksum(b[4:frameHeader]) {
		return frame{}, false
	}
	f := frame{
		typ: b[6], kind: b[7],
		length: int(binary.LittleEndian.Uint32(b[8:])),
		rel:    binary.LittleEndian.Uint32(b[12:]),
		txn:    binary.LittleEndian.Uint64(b[16:]),
		crc:    binary.LittleEndian.Uint32(b[24:]),
	}
	return f, f.length <= MaxRecord && f.typ >= framePart && f.typ <= frameFooter
}

// Position is a place in the log: everything before it, in this segment and
// in older ones.
type Position struct {
	Segment uint64
	Offset  int64
}

// Less orders positions.
func (p Position) Less(q Position) bool {
	return p.Segment < q.Segment || p.Segment == q.Segment && p.Offset < q.Offset
}

func (p Position) String() string { return fmt.Sprintf("%016x+%d", p.Segment, p.Offset) }

// An extent is a run of part frames of one epoch, in one segment.
type extent struct {
	seg uint64
	off int64
	len int64
	// rel is the relation of all its frames plus one, or 0 when they differ.
	rel uint64
}

// A commit is what a commit frame says. Payload, all uvarints:
//
//	epoch; epoch - previous epoch;
//	segments back to the durable position, its offset; newest checkpoint;
//	number of relations, each: relation;
//	number of extents, each: segments back, offset, length, relation + 1 or 0
//
// durable is how much of the log was known to be on disk when this frame was
// written. It tells a torn tail (nothing claims what is missing) from damage
// (a later commit proves that it was there). checkpoint is the number of the
// newest one, so that Open can tell when the state has forgotten it.
type commit struct {
	epoch, prev uint64
	durable     Position
	ckpt        uint64
	rels        []uint32
	extents     []extent
}

func (c *commit) append(dst []byte, seg uint64) []byte {
	dst = binary.AppendUvarint(dst, c.epoch)
	dst = binary.AppendUvarint(dst, c.epoch-c.prev)
	dst = binary.AppendUvarint(dst, seg-c.durable.Segment)
	dst = binary.AppendUvarint(dst, uint64(c.durable.Offset))
	dst = binary.AppendUvarint(dst, c.ckpt)
	dst = binary.AppendUvarint(dst, uint64(len(c.rels)))
	for _, r := range c.rels {
		dst = binary.AppendUvarint(dst, uint64(r))
	}
	dst = binary.AppendUvarint(dst, uint64(len(c.extents)))
	for _, e := range c.extents {
		dst = binary.AppendUvarint(dst, seg-e.seg)
		dst = binary.AppendUvarint(dst, uint64(e.off))
		dst = binary.AppendUvarint(dst, uint64(e.len))
		dst = binary.AppendUvarint(dst, e.rel)
	}
	return dst
}

// parse decodes a commit payload found in segment seg, reusing c's slices.
func (c *commit) parse(b []byte, seg uint64) bool {
	d := uvarints{b: b}
	c.epoch = d.next()
	c.prev = c.epoch - d.next()
	c.durable = Position{seg - d.next(), int64(d.next())}
	c.ckpt = d.next()
	n := d.count(1)
	c.rels = c.rels[:0]
	for range n {
		c.rels = append(c.rels, uint32(d.next()))
	}
	n = d.count(4)
	c.extents = c.extents[:0]
	for range n {
		e := extent{seg: seg - d.next(), off: int64(d.next()), len: int64(d.next()), rel: d.next()}
		if e.seg > seg || e.off < segmentHeader || e.len < 0 || e.off+e.len < e.off {
			return false
		}
		c.extents = append(c.extents, e)
	}
	return !d.bad && len(d.b) == 0 && c.prev < c.epoch && c.durable.Segment <= seg && c.durable.Offset >= 0
}

// uvarints reads a run of uvarints and remembers whether one was short.
type uvarints struct {
	b   []byte
	bad bool
}

func (d *uvarints) next() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads a number of items of at least size bytes each, and refuses one
// that the rest of the input cannot hold.
func (d *uvarints) count(size int) int {
	n := d.next()
	if n > uint64(len(d.b)/size) {
		d.bad, d.b = true, nil
		return 0
	}
	return int(n)
}
