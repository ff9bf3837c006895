package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Table maps encoded keys to encoded values: the hash state table. If keys and values have fixed widths, rows are
// packed into fixed pages (key | value); else into slotted ones (key length if the key's width varies | key | value).
//
// The caller hashes keys (Hash, Keys) and keeps keys unique: Insert is for keys that Find did not find.
type Table struct {
	store
	index
	shape      string
	keyW, valW int
	fix        fixedShape // fix.width 0: slotted
	tail       uint32     // page that takes new rows, if tailOK
	tailOK     bool
	spares     []uint32 // pages with room
	scratch    []byte
}

// NewTable returns an empty table. keyW and valW are widths in bytes, -1 if they vary; shape describes what keys and
// values are, for the fingerprint.
func NewTable(id uint32, shape string, keyW, valW int) *Table {
	t := &Table{}
	t.init(id, shape, keyW, valW)
	return t
}

func (t *Table) init(id uint32, shape string, keyW, valW int) {
	t.shape, t.keyW, t.valW = shape, keyW, valW
	t.store.init(id)
	if keyW >= 0 && valW >= 0 {
		t.fix = newFixedShape(max(keyW+valW, 1))
		if t.fix.slots < 4 {
			t.fix = fixedShape{}
		}
	}
}

// Len is the number of rows.
func (t *Table) Len() int { return t.n }

// Row returns the bytes of row r, for reading.
func (t *Table) row(r Ref) []byte { return t.rowIn(t.buf(r.page()), r.slot()) }

func (t *Table) rowIn(b []byte, slot int) []byte {
	if t.fix.width > 0 {
		return t.fix.row(b, slot)
	}
	return slottedRow(b, slot)
}

func (t *Table) split(row []byte) (key, val []byte) {
	n := t.keyW
	if n < 0 {
		l, w := binary.Uvarint(row)
		row, n = row[w:], int(l)
	}
	if t.valW >= 0 {
		return row[:n:n], row[n : n+t.valW]
	}
	return row[:n:n], row[n:]
}

// Key returns the key of row r, valid and unchanged until the next write.
func (t *Table) Key(r Ref) []byte {
	k, _ := t.split(t.row(r))
	return k
}

// Value returns the value of row r, valid and unchanged until the next write.
func (t *Table) Value(r Ref) []byte {
	_, v := t.split(t.row(r))
	return v
}

// KeyValue returns both.
func (t *Table) KeyValue(r Ref) (key, val []byte) { return t.split(t.row(r)) }

// Find returns the row of a key.
func (t *Table) Find(hash uint64, key []byte) (Ref, bool) {
	if t.n == 0 {
		return 0, false
	}
	mask := len(t.e) - 1
	for i := int(hash32(hash) >> t.shift); ; i = (i + 1) & mask {
		e := t.e[i]
		if e == 0 {
			return 0, false
		}
		if uint32(e>>32) == hash32(hash) && bytes.Equal(t.Key(entryRef(e)), key) {
			return entryRef(e), true
		}
	}
}

// None is the Ref of no row.
const None = Ref(0xFFFFFFFF)

// FindBatch looks up the keys numbered sel (nil: all) and sets refs[i] for them, None if there is no such row. The
// passes are separate so that the cache misses of many keys overlap.
func (t *Table) FindBatch(k *Keys, sel []int32, refs []Ref) {
	if t.n == 0 {
		if sel == nil {
			for i := range refs[:k.N] {
				refs[i] = None
			}
		}
		for _, i := range sel {
			refs[i] = None
		}
		return
	}
	if sel == nil {
		for i := range k.N {
			refs[i] = t.candidate(k.Hash[i])
		}
		t.verify(k, nil, refs)
		return
	}
	for _, i := range sel {
		refs[i] = t.candidate(k.Hash[i])
	}
	t.verify(k, sel, refs)
}

// candidate returns the first row whose stored hash bits equal hash's.
func (t *Table) candidate(hash uint64) Ref {
	mask := len(t.e) - 1
	h := hash32(hash)
	for i := int(h >> t.shift); ; i = (i + 1) & mask {
		e := t.e[i]
		if e == 0 {
			return None
		}
		if uint32(e>>32) == h {
			return entryRef(e)
		}
	}
}

func (t *Table) verify(k *Keys, sel []int32, refs []Ref) {
	if sel == nil {
		for i := range k.N {
			t.verifyOne(k, i, refs)
		}
		return
	}
	for _, i := range sel {
		t.verifyOne(k, int(i), refs)
	}
}

func (t *Table) verifyOne(k *Keys, i int, refs []Ref) {
	r := refs[i]
	if r == None || bytes.Equal(t.Key(r), k.At(i)) {
		return
	}
	r, ok := t.Find(k.Hash[i], k.At(i))
	if !ok {
		r = None
	}
	refs[i] = r
}

// Insert adds a row for a key that is not in the table.
func (t *Table) Insert(hash uint64, key, val []byte) Ref {
	r := t.put(key, val)
	t.index.insert(hash, r)
	return r
}

// Update gives row r, which has the key, a new value; it returns the row's Ref, which changes if it had to move.
func (t *Table) Update(r Ref, hash uint64, val []byte) Ref {
	p := r.page()
	if t.valW >= 0 {
		b := t.writable(p)
		row := t.rowIn(b, r.slot())
		copy(row[len(row)-t.valW:], val)
		return r
	}
	old := t.row(r)
	_, oldVal := t.split(old)
	if bytes.Equal(oldVal, val) {
		return r
	}
	head := len(old) - len(oldVal)
	b := t.writable(p)
	if len(val) <= len(oldVal) {
		off := int(le.Uint16(slotAt(b, r.slot())))
		copy(b[off+head:], val)
		setSlot(b, r.slot(), off, head+len(val))
		if len(b) > pageSize { // the page's only row
			setDataEnd(b, off+head+len(val))
		} else {
			t.addDead(p, b, len(oldVal)-len(val))
		}
		return r
	}
	t.scratch = append(append(t.scratch[:0], old[:head]...), val...)
	if t.replaceSlotted(p, b, r.slot(), t.scratch) {
		return r
	}
	t.release(r)
	to := t.putRow(t.scratch)
	t.index.move(hash, r, to)
	return to
}

// Mutable returns the value of row r for changing in place; the values must be of fixed width.
func (t *Table) Mutable(r Ref) []byte {
	row := t.rowIn(t.writable(r.page()), r.slot())
	return row[len(row)-t.valW:]
}

// Delete removes row r.
func (t *Table) Delete(r Ref, hash uint64) {
	t.index.remove(hash, r)
	t.release(r)
}

// Clear removes all rows.
func (t *Table) Clear() {
	t.store.clear()
	t.index.clear()
	t.spares, t.tailOK = t.spares[:0], false
}

// Each calls f for every row, in page order, until it returns false. The table must not change meanwhile.
func (t *Table) Each(f func(r Ref, key, val []byte) bool) {
	for p := range t.pages() {
		b := t.buf(uint32(p))
		if b == nil {
			continue
		}
		for i := range pageSlots(b) {
			if t.fix.width > 0 && !fixedIsLive(b, i) {
				continue
			}
			row := t.rowIn(b, i)
			if row == nil {
				continue
			}
			k, v := t.split(row)
			if !f(makeRef(uint32(p), i), k, v) {
				return
			}
		}
	}
}

// LoadPage takes back a page at recovery (Pages).
func (t *Table) LoadPage(page uint64, data []byte) error {
	check := slottedCheck
	if t.fix.width > 0 {
		check = t.fix.check
	}
	if err := check(data); err != nil {
		return fmt.Errorf("state table %d, page %d: %w", t.id, page, err)
	}
	return t.load(page, data)
}

// Loaded rebuilds the index (Pages).
func (t *Table) Loaded() error {
	rows := t.loadedUnindexed()
	t.index.clear()
	t.index.reserve(rows)
	bad := false
	t.Each(func(r Ref, key, _ []byte) bool {
		h := Hash(key)
		if _, ok := t.Find(h, key); ok {
			bad = true
		}
		t.index.insert(h, r)
		return !bad
	})
	if bad {
		return fmt.Errorf("state table %d holds a key twice", t.id)
	}
	return nil
}

// Fingerprint describes the shape (Pages).
func (t *Table) Fingerprint() string {
	return fmt.Sprintf("hash/1 %s %d+%d", t.shape, t.keyW, t.valW)
}

// Bytes is the memory held (Pages).
func (t *Table) Bytes() int64 { return t.size + t.index.bytes() }

// put stores a row and returns where.
func (t *Table) put(key, val []byte) Ref {
	if t.fix.width > 0 {
		r, row := t.allocFixed()
		copy(row[copy(row, key):], val)
		return r
	}
	s := t.scratch[:0]
	if t.keyW < 0 {
		s = binary.AppendUvarint(s, uint64(len(key)))
	}
	t.scratch = append(append(s, key...), val...)
	return t.putRow(t.scratch)
}

func (t *Table) allocFixed() (Ref, []byte) {
	p, ok := t.tail, t.tailOK
	if ok && pageSlots(t.buf(p)) == t.fix.slots {
		ok, t.tailOK = false, false
	}
	if !ok {
		r, row, found := t.reuseFixed()
		if found {
			return r, row
		}
		if p = t.tail; !t.tailOK {
			p = t.store.add()
			t.set(p, t.fix.newPage())
			t.tail, t.tailOK = p, true
		}
	}
	b := t.writable(p)
	slot := pageSlots(b)
	if slot == t.fix.capacity(len(b)) {
		nb := make([]byte, grown(len(b), t.fix.width))
		copy(nb, b)
		b = nb
		t.set(p, b)
	}
	le.PutUint16(b[2:], uint16(slot+1))
	return makeRef(p, slot), t.occupy(b, slot)
}

func (t *Table) occupy(b []byte, slot int) []byte {
	b[headerSize+slot>>3] |= 1 << (slot & 7)
	addLive(b, 1)
	return t.fix.row(b, slot)
}

// reuseFixed finds a free slot in a page that has some, or makes a page that is not full yet the tail.
func (t *Table) reuseFixed() (Ref, []byte, bool) {
	for n := len(t.spares); n > 0; n = len(t.spares) {
		p := t.spares[n-1]
		b := t.buf(p)
		if b == nil || pageLive(b) == pageSlots(b) {
			t.meta[p].spare = false
			t.spares = t.spares[:n-1]
			if b != nil && pageSlots(b) < t.fix.slots {
				t.tail, t.tailOK = p, true
				return 0, nil, false
			}
			continue
		}
		i := t.fix.free(b)
		return makeRef(p, i), t.occupy(t.writable(p), i), true
	}
	return 0, nil, false
}

// putRow stores a slotted row.
func (t *Table) putRow(row []byte) Ref {
	need := len(row) + 4
	if need+headerSize <= pageSize {
		if t.tailOK {
			if r, ok := t.putInto(t.tail, row); ok {
				return r
			}
		}
		if n := len(t.spares); n > 0 {
			p := t.spares[n-1]
			if t.buf(p) != nil {
				if r, ok := t.putInto(p, row); ok {
					return r
				}
			}
			t.meta[p].spare = false
			t.spares = t.spares[:n-1]
		}
	}
	p := t.store.add()
	b := newSlotted(need)
	t.set(p, b)
	if len(b) <= pageSize {
		t.tail, t.tailOK = p, true
	}
	return t.placeRow(p, b, 0, row)
}

// putInto stores a row in page p if it has room.
func (t *Table) putInto(p uint32, row []byte) (Ref, bool) {
	b := t.buf(p)
	if b == nil || len(b) > pageSize || pageSize-len(b)+slottedGap(b)+deadBytes(b) < len(row)+4 {
		return 0, false
	}
	slot := freeSlot(b)
	if slot == maxSlots {
		return 0, false
	}
	b = t.writable(p)
	need := len(row)
	if slot == pageSlots(b) {
		need += 4
	}
	nb := slottedGrow(b, need)
	if nb == nil {
		return 0, false
	}
	if len(nb) != len(b) {
		t.set(p, nb)
	}
	return t.placeRow(p, nb, slot, row), true
}

func freeSlot(b []byte) int {
	n := pageSlots(b)
	if pageLive(b) == n {
		return n
	}
	for i := range n {
		if le.Uint16(slotAt(b, i)) == 0 {
			return i
		}
	}
	return n
}

func (t *Table) placeRow(p uint32, b []byte, slot int, row []byte) Ref {
	if slot == pageSlots(b) {
		le.PutUint16(b[2:], uint16(slot+1))
	}
	off := dataEnd(b)
	copy(b[off:], row)
	setDataEnd(b, off+len(row))
	setSlot(b, slot, off, len(row))
	addLive(b, 1)
	return makeRef(p, slot)
}

// replaceSlotted stores a longer row in the slot it has, if the page can be given the room.
func (t *Table) replaceSlotted(p uint32, b []byte, slot int, row []byte) bool {
	if len(b) > pageSize || len(row)+4+headerSize > pageSize {
		return false
	}
	old := len(slottedRow(b, slot))
	if pageSize-len(b)+slottedGap(b)+deadBytes(b)+old < len(row) {
		return false
	}
	copy(slotAt(b, slot), []byte{0, 0, 0, 0})
	setDeadBytes(b, deadBytes(b)+old)
	nb := slottedGrow(b, len(row)) // there is room: see above
	if len(nb) != len(b) {
		t.set(p, nb)
	}
	off := dataEnd(nb)
	copy(nb[off:], row)
	setDataEnd(nb, off+len(row))
	setSlot(nb, slot, off, len(row))
	return true
}

func (t *Table) addDead(p uint32, b []byte, n int) {
	if n > 0 {
		setDeadBytes(b, deadBytes(b)+n)
		t.offerSpare(p, b)
	}
}

// release frees the slot of row r.
func (t *Table) release(r Ref) {
	p := r.page()
	b := t.writable(p)
	if addLive(b, -1) == 0 {
		if t.tailOK && t.tail == p {
			t.tailOK = false
		}
		t.drop(p)
		return
	}
	if t.fix.width > 0 {
		b[headerSize+r.slot()>>3] &^= 1 << (r.slot() & 7)
	} else {
		setDeadBytes(b, deadBytes(b)+len(slottedRow(b, r.slot())))
		copy(slotAt(b, r.slot()), []byte{0, 0, 0, 0})
	}
	t.offerSpare(p, b)
}

// offerSpare lists page p as one with room, if it has enough to be worth trying.
func (t *Table) offerSpare(p uint32, b []byte) {
	m := &t.meta[p]
	if m.spare || t.tailOK && t.tail == p {
		return
	}
	if t.fix.width > 0 && pageLive(b) == pageSlots(b) && pageSlots(b) == t.fix.slots {
		return
	}
	if t.fix.width == 0 && (len(b) > pageSize || pageSize-len(b)+slottedGap(b)+deadBytes(b) < pageSize/8) {
		return
	}
	m.spare = true
	t.spares = append(t.spares, p)
}

// loadedUnindexed ends recovery of a table that is used without its index; it returns the number of rows.
func (t *Table) loadedUnindexed() int {
	t.store.loaded()
	rows := 0
	for p := range t.pages() {
		if b := t.buf(uint32(p)); b != nil {
			rows += pageLive(b)
			t.offerSpare(uint32(p), b)
		}
	}
	return rows
}
