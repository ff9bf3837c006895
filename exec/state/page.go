package state

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
)

// A page is either fixed (rows of one width) or slotted (rows of any length). Both start with a header of 16 bytes;
// numbers are little endian.
//
//	0 kind  1 version  2:4 slots  4:6 live rows  6:8 row width (fixed)  8:12 data end  12:16 bytes of deleted rows
//
//	fixed:    header | bitmap of live slots | row 0 | row 1 | ...
//	slotted:  header | row data, growing up -> ... <- slots, growing down from the page's end
//
// A slot is offset and length, two bytes each; offset 0 is a free slot; length 0xFFFF means "to the data end" and occurs
// in a page made for a single long row. A page has at most 1024 slots, so that page and slot fit into a Ref.
const (
	kindFixed   = 1
	kindSlotted = 2
	pageVersion = 1

	headerSize = 16
	slotBits   = 10
	maxSlots   = 1 << slotBits
	longRow    = 0xFFFF
)

// Ref names a row: page number and slot.
type Ref uint32

func makeRef(page uint32, slot int) Ref { return Ref(page<<slotBits | uint32(slot)) }

func (r Ref) page() uint32 { return uint32(r) >> slotBits }
func (r Ref) slot() int    { return int(r) & (maxSlots - 1) }

var le = binary.LittleEndian

func pageSlots(b []byte) int { return int(le.Uint16(b[2:])) }
func pageLive(b []byte) int  { return int(le.Uint16(b[4:])) }

func addLive(b []byte, d int) int {
	n := pageLive(b) + d
	le.PutUint16(b[4:], uint16(n))
	return n
}

// fixedShape is the geometry of fixed pages for one row width.
type fixedShape struct {
	width int // bytes a row
	slots int // rows in a full page
	base  int // offset of row 0
}

func newFixedShape(width int) fixedShape {
	n := min((pageSize-headerSize)*8/(8*width+1), maxSlots)
	for headerSize+(n+63)/64*8+n*width > pageSize {
		n--
	}
	return fixedShape{width: width, slots: n, base: headerSize + (n+63)/64*8}
}

// capacity is the number of rows that a buffer of n bytes holds.
func (f *fixedShape) capacity(n int) int { return min((n-f.base)/f.width, f.slots) }

func (f *fixedShape) newPage() []byte {
	n := f.base + 4*f.width
	b := make([]byte, min(max(roundUp(n, 256), 512), pageSize))
	b[0], b[1] = kindFixed, pageVersion
	le.PutUint16(b[6:], uint16(f.width))
	return b
}

func (f *fixedShape) row(b []byte, slot int) []byte {
	o := f.base + slot*f.width
	return b[o : o+f.width : o+f.width]
}

func fixedIsLive(b []byte, slot int) bool { return b[headerSize+slot>>3]&(1<<(slot&7)) != 0 }

// free is the first free slot of a page that has one.
func (f *fixedShape) free(b []byte) int {
	o := headerSize
	for le.Uint64(b[o:]) == math.MaxUint64 {
		o += 8
	}
	return (o-headerSize)*8 + bits.TrailingZeros64(^le.Uint64(b[o:]))
}

func (f *fixedShape) check(b []byte) error {
	if len(b) < f.base || b[0] != kindFixed || b[1] != pageVersion || int(le.Uint16(b[6:])) != f.width {
		return fmt.Errorf("not a page of rows of %d bytes", f.width)
	}
	n, live := pageSlots(b), 0
	if n > f.capacity(len(b)) {
		return fmt.Errorf("page has %d slots, room for %d", n, f.capacity(len(b)))
	}
	for o := headerSize; o < f.base; o += 8 {
		live += bits.OnesCount64(le.Uint64(b[o:]))
	}
	if live != pageLive(b) {
		return fmt.Errorf("page has %d rows, header says %d", live, pageLive(b))
	}
	return nil
}

// growPage returns a copy of b of the next size class that has room for need more bytes.
func grown(size, need int) int {
	n := size
	for n-size < need && n < pageSize {
		n *= 2
	}
	return min(n, pageSize)
}

// Slotted pages.

func newSlotted(need int) []byte {
	n := headerSize + need
	switch {
	case n > pageSize:
	case n <= 512:
		n = 512
	default:
		n = grown(512, n-512)
	}
	b := make([]byte, n)
	b[0], b[1] = kindSlotted, pageVersion
	le.PutUint32(b[8:], headerSize)
	return b
}

func dataEnd(b []byte) int   { return int(le.Uint32(b[8:])) }
func deadBytes(b []byte) int { return int(le.Uint32(b[12:])) }

func setDataEnd(b []byte, n int)   { le.PutUint32(b[8:], uint32(n)) }
func setDeadBytes(b []byte, n int) { le.PutUint32(b[12:], uint32(n)) }

func slotAt(b []byte, i int) []byte { return b[len(b)-4*i-4 : len(b)-4*i] }

// slottedRow returns row i, nil if the slot is free.
func slottedRow(b []byte, i int) []byte {
	s := le.Uint32(b[len(b)-4*i-4:])
	off, n := int(s&0xFFFF), int(s>>16)
	if off == 0 {
		return nil
	}
	if n == longRow {
		n = dataEnd(b) - off
	}
	return b[off : off+n : off+n]
}

func setSlot(b []byte, i, off, n int) {
	le.PutUint32(slotAt(b, i), uint32(off)|uint32(min(n, longRow))<<16)
}

// slottedGap is the room between the data and the slots.
func slottedGap(b []byte) int { return len(b) - dataEnd(b) - 4*pageSlots(b) }

// slottedCompact closes the holes that deleted and shrunk rows left.
func slottedCompact(b []byte) {
	var scratch [pageSize]byte
	end := headerSize
	for i := range pageSlots(b) {
		if r := slottedRow(b, i); r != nil {
			copy(scratch[end:], r)
			setSlot(b, i, end, len(r))
			end += len(r)
		}
	}
	copy(b[headerSize:], scratch[headerSize:end])
	setDataEnd(b, end)
	setDeadBytes(b, 0)
}

// slottedGrow returns b with room for need more bytes in the gap, if a page can have that much; else nil.
func slottedGrow(b []byte, need int) []byte {
	if slottedGap(b) >= need {
		return b
	}
	if len(b) > pageSize {
		return nil
	}
	if slottedGap(b)+deadBytes(b) >= need && deadBytes(b) >= len(b)/8 {
		slottedCompact(b)
		return b
	}
	if len(b) < pageSize {
		n := make([]byte, grown(len(b), need-slottedGap(b)))
		copy(n, b[:dataEnd(b)])
		slots := 4 * pageSlots(b)
		copy(n[len(n)-slots:], b[len(b)-slots:])
		b = n
	}
	if slottedGap(b) < need && slottedGap(b)+deadBytes(b) >= need {
		slottedCompact(b)
	}
	if slottedGap(b) < need {
		return nil
	}
	return b
}

func slottedCheck(b []byte) error {
	if len(b) < headerSize || b[0] != kindSlotted || b[1] != pageVersion {
		return fmt.Errorf("not a slotted page")
	}
	n := pageSlots(b)
	if n > maxSlots || dataEnd(b) < headerSize || dataEnd(b)+4*n > len(b) {
		return fmt.Errorf("page header is damaged")
	}
	live := 0
	for i := range n {
		s := le.Uint32(b[len(b)-4*i-4:])
		off, l := int(s&0xFFFF), int(s>>16)
		if off == 0 {
			continue
		}
		live++
		if l == longRow {
			l = dataEnd(b) - off
		}
		if off < headerSize || l < 0 || off+l > dataEnd(b) {
			return fmt.Errorf("slot %d is damaged", i)
		}
	}
	if live != pageLive(b) {
		return fmt.Errorf("page has %d rows, header says %d", live, pageLive(b))
	}
	return nil
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
