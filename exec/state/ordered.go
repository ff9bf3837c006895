package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// Ordered maps keys to values in the order of bytes.Compare: a B-tree whose leaves are slotted pages (key length |
// key | value) with their slots sorted. The levels above are page numbers in memory, in chunks; they are rebuilt from
// the leaves' first keys when the table is loaded.
type Ordered struct {
	store
	shape string
	inner [][]uint32 // leaves in order, in chunks of at most innerMax, none empty
	n     int
	buf0  []byte
	val   []byte
	ents  [][]byte
}

const innerMax = 512

// NewOrdered returns an empty table.
func NewOrdered(id uint32, shape string) *Ordered {
	t := &Ordered{shape: shape}
	t.store.init(id)
	return t
}

// Len is the number of entries.
func (t *Ordered) Len() int { return t.n }

func entryKey(row []byte) []byte {
	if n := int(row[0]); n < 0x80 { // a length of one byte, as nearly all are
		return row[1 : 1+n]
	}
	n, w := binary.Uvarint(row)
	return row[w : w+int(n)]
}

func entryValue(row []byte) []byte {
	n, w := binary.Uvarint(row)
	return row[w+int(n):]
}

func (t *Ordered) firstKey(leaf uint32) []byte { return entryKey(slottedRow(t.store.buf(leaf), 0)) }

// leaf finds the leaf in which key belongs. The table must not be empty.
func (t *Ordered) leaf(key []byte) (c, i int) {
	for lo, hi := 1, len(t.inner); lo < hi; {
		m := int(uint(lo+hi) >> 1)
		if bytes.Compare(t.firstKey(t.inner[m][0]), key) > 0 {
			hi = m
		} else {
			c, lo = m, m+1
		}
	}
	ch := t.inner[c]
	for lo, hi := 1, len(ch); lo < hi; {
		m := int(uint(lo+hi) >> 1)
		if bytes.Compare(t.firstKey(ch[m]), key) > 0 {
			hi = m
		} else {
			i, lo = m, m+1
		}
	}
	return c, i
}

// searchLeaf returns the slot of the first entry not below key.
func searchLeaf(b, key []byte) (slot int, found bool) {
	lo, hi := 0, pageSlots(b)
	for lo < hi {
		m := int(uint(lo+hi) >> 1)
		switch c := bytes.Compare(entryKey(slottedRow(b, m)), key); {
		case c < 0:
			lo = m + 1
		case c == 0:
			return m, true
		default:
			hi = m
		}
	}
	return lo, false
}

// Get returns the value of key, valid until the next write.
func (t *Ordered) Get(key []byte) ([]byte, bool) { return t.GetNear(key, &Near{}) }

// GetNear is Get for keys that come in order.
func (t *Ordered) GetNear(key []byte, near *Near) ([]byte, bool) {
	if t.n == 0 {
		return nil, false
	}
	c, i := t.leafNear(key, near)
	b := t.store.buf(t.inner[c][i])
	slot, ok := searchLeaf(b, key)
	if !ok {
		return nil, false
	}
	return entryValue(slottedRow(b, slot)), true
}

// AddWeight adds d to the weight of key, the first 8 bytes of its value; an entry whose weight becomes 0 is deleted. A
// new entry's value is d followed by rest. Keys should come in order.
func (t *Ordered) AddWeight(key []byte, d int64, rest []byte, near *Near) {
	if d == 0 {
		return
	}
	c, i, slot, found := t.place(key, near)
	if !found {
		t.val = append(le.AppendUint64(t.val[:0], uint64(d)), rest...)
		t.insert(c, i, slot, t.entry(key, t.val))
		return
	}
	p := t.inner[c][i]
	w := int64(le.Uint64(entryValue(slottedRow(t.store.buf(p), slot)))) + d
	if w == 0 {
		t.deleteAt(c, i, slot)
		return
	}
	le.PutUint64(entryValue(slottedRow(t.writable(p), slot)), uint64(w))
}

// place finds where key is or belongs; in an empty table that is nowhere.
func (t *Ordered) place(key []byte, near *Near) (c, i, slot int, found bool) {
	if t.n == 0 {
		return 0, 0, 0, false
	}
	c, i = t.leafNear(key, near)
	slot, found = searchLeaf(t.store.buf(t.inner[c][i]), key)
	return c, i, slot, found
}

// entry is how a leaf holds key and value.
func (t *Ordered) entry(key, val []byte) []byte {
	t.buf0 = binary.AppendUvarint(t.buf0[:0], uint64(len(key)))
	t.buf0 = append(append(t.buf0, key...), val...)
	return t.buf0
}

// Put sets the value of key.
func (t *Ordered) Put(key, val []byte) {
	c, i, slot, found := t.place(key, &Near{})
	if found {
		t.replace(c, i, slot, t.entry(key, val))
		return
	}
	t.insert(c, i, slot, t.entry(key, val))
}

// insert adds an entry in front of the one at slot.
func (t *Ordered) insert(c, i, slot int, row []byte) {
	if t.n == 0 {
		t.inner = [][]uint32{{t.newLeaf([][]byte{row})}}
		t.n = 1
		return
	}
	t.n++
	p := t.inner[c][i]
	b := t.store.buf(p)
	if len(b) > pageSize || pageSlots(b) == maxSlots || len(row)+4 > pageSize/2 ||
		pageSize-len(b)+slottedGap(b)+deadBytes(b) < len(row)+4 {
		t.split(c, i, slot, row, false)
		return
	}
	b = t.writable(p)
	nb := slottedGrow(b, len(row)+4)
	if len(nb) != len(b) {
		t.set(p, nb)
	}
	n := pageSlots(nb)
	le.PutUint16(nb[2:], uint16(n+1))
	copy(nb[len(nb)-4*(n+1):], nb[len(nb)-4*n:len(nb)-4*slot])
	putLeafRow(nb, slot, row)
	addLive(nb, 1)
}

func putLeafRow(b []byte, slot int, row []byte) {
	off := dataEnd(b)
	copy(b[off:], row)
	setDataEnd(b, off+len(row))
	setSlot(b, slot, off, len(row))
}

// replace puts row in place of the entry at slot.
func (t *Ordered) replace(c, i, slot int, row []byte) {
	p := t.inner[c][i]
	b := t.store.buf(p)
	old := slottedRow(b, slot)
	if len(old) == len(row) {
		if !bytes.Equal(old, row) {
			copy(slottedRow(t.writable(p), slot), row)
		}
		return
	}
	if len(b) > pageSize || len(row)+4 > pageSize/2 ||
		pageSize-len(b)+slottedGap(b)+deadBytes(b)+len(old) < len(row) {
		t.split(c, i, slot, row, true)
		return
	}
	b = t.writable(p)
	copy(slotAt(b, slot), []byte{0, 0, 0, 0})
	setDeadBytes(b, deadBytes(b)+len(old))
	nb := slottedGrow(b, len(row))
	if len(nb) != len(b) {
		t.set(p, nb)
	}
	putLeafRow(nb, slot, row)
}

// split distributes the entries of a full leaf and row over new leaves.
func (t *Ordered) split(c, i, slot int, row []byte, replaces bool) {
	p := t.inner[c][i]
	b := t.store.buf(p)
	n := pageSlots(b)
	ents := t.ents[:0]
	total := 0
	for k := range n {
		if k == slot {
			ents = append(ents, row)
			if replaces {
				continue
			}
		}
		ents = append(ents, slottedRow(b, k))
	}
	if slot == n {
		ents = append(ents, row)
	}
	for _, e := range ents {
		total += len(e) + 4
	}
	fill := total / 2
	if slot == n && c == len(t.inner)-1 && i == len(t.inner[c])-1 {
		fill = pageSize // keys arrive in order: leave full pages behind
	}
	var leaves []uint32
	for rest := ents; len(rest) > 0; {
		k := leafful(rest, fill)
		leaves = append(leaves, t.newLeaf(rest[:k]))
		rest = rest[k:]
	}
	clear(ents)
	t.ents = ents[:0]
	t.drop(p)
	t.replaceLeaves(c, i, 1, leaves)
}

// leafful is the number of entries, from the front, that fill a leaf up to fill bytes. A long one is alone.
func leafful(ents [][]byte, fill int) int {
	size := len(ents[0]) + 4
	if size > pageSize/2 {
		return 1
	}
	k := 1
	for k < len(ents) && k < maxSlots && size < fill {
		n := len(ents[k]) + 4
		if n > pageSize/2 || size+n > pageSize-headerSize {
			break
		}
		size += n
		k++
	}
	return k
}

func (t *Ordered) newLeaf(ents [][]byte) uint32 {
	need := 0
	for _, e := range ents {
		need += len(e) + 4
	}
	b := newSlotted(need)
	le.PutUint16(b[2:], uint16(len(ents)))
	for k, e := range ents {
		putLeafRow(b, k, e)
	}
	addLive(b, len(ents))
	p := t.store.add()
	t.set(p, b)
	return p
}

// replaceLeaves puts leaves in place of n leaves at (c, i), all of one chunk.
func (t *Ordered) replaceLeaves(c, i, n int, leaves []uint32) {
	ch := slices.Replace(t.inner[c], i, i+n, leaves...)
	switch {
	case len(ch) == 0:
		t.inner = slices.Delete(t.inner, c, c+1)
	case len(ch) > innerMax:
		h := len(ch) / 2
		t.inner[c] = ch[:h:h]
		t.inner = slices.Insert(t.inner, c+1, slices.Clone(ch[h:]))
	default:
		t.inner[c] = ch
	}
}

// Delete removes key; it reports whether it was there.
func (t *Ordered) Delete(key []byte) bool {
	c, i, slot, found := t.place(key, &Near{})
	if found {
		t.deleteAt(c, i, slot)
	}
	return found
}

// deleteAt removes the entry at slot.
func (t *Ordered) deleteAt(c, i, slot int) {
	t.n--
	p := t.inner[c][i]
	b := t.store.buf(p)
	n := pageSlots(b)
	if n == 1 {
		t.drop(p)
		t.replaceLeaves(c, i, 1, nil)
		return
	}
	b = t.writable(p)
	setDeadBytes(b, deadBytes(b)+len(slottedRow(b, slot)))
	copy(b[len(b)-4*(n-1):], b[len(b)-4*n:len(b)-4*(slot+1)])
	le.PutUint16(b[2:], uint16(n-1))
	addLive(b, -1)
	if leafUse(b) < pageSize/4 && i+1 < len(t.inner[c]) {
		t.merge(c, i)
	}
}

func leafUse(b []byte) int { return dataEnd(b) - deadBytes(b) + 4*pageSlots(b) }

// merge joins leaf i of chunk c with the next one, if together they leave room.
func (t *Ordered) merge(c, i int) {
	p, q := t.inner[c][i], t.inner[c][i+1]
	a, b := t.store.buf(p), t.store.buf(q)
	if len(b) > pageSize || leafUse(a)+leafUse(b) > pageSize*3/4 || pageSlots(a)+pageSlots(b) > maxSlots {
		return
	}
	ents := t.ents[:0]
	for k := range pageSlots(a) {
		ents = append(ents, slottedRow(a, k))
	}
	for k := range pageSlots(b) {
		ents = append(ents, slottedRow(b, k))
	}
	leaf := t.newLeaf(ents)
	clear(ents)
	t.ents = ents[:0]
	t.drop(p)
	t.drop(q)
	t.replaceLeaves(c, i, 2, []uint32{leaf})
}

// Clear removes all entries.
func (t *Ordered) Clear() {
	t.store.clear()
	t.inner, t.n = nil, 0
}

// LoadPage takes back a page at recovery (Pages).
func (t *Ordered) LoadPage(page uint64, data []byte) error {
	if err := slottedCheck(data); err != nil {
		return fmt.Errorf("state table %d, page %d: %w", t.id, page, err)
	}
	if n := pageSlots(data); n == 0 || pageLive(data) != n {
		return fmt.Errorf("state table %d, page %d: a leaf has free slots", t.id, page)
	}
	return t.load(page, data)
}

// Loaded rebuilds the levels above the leaves (Pages).
func (t *Ordered) Loaded() error {
	t.store.loaded()
	var leaves []uint32
	t.n = 0
	for p := range t.pages() {
		if b := t.store.buf(uint32(p)); b != nil {
			leaves = append(leaves, uint32(p))
			t.n += pageSlots(b)
		}
	}
	slices.SortFunc(leaves, func(a, b uint32) int { return bytes.Compare(t.firstKey(a), t.firstKey(b)) })
	for k := 1; k < len(leaves); k++ {
		b := t.store.buf(leaves[k-1])
		if bytes.Compare(entryKey(slottedRow(b, pageSlots(b)-1)), t.firstKey(leaves[k])) >= 0 {
			return fmt.Errorf("state table %d: pages %d and %d overlap", t.id, leaves[k-1], leaves[k])
		}
	}
	t.inner = nil
	for len(leaves) > 0 {
		n := min(innerMax/2, len(leaves))
		t.inner = append(t.inner, slices.Clone(leaves[:n]))
		leaves = leaves[n:]
	}
	return nil
}

// Fingerprint describes the shape (Pages).
func (t *Ordered) Fingerprint() string { return "ordered/1 " + t.shape }

// Bytes is the memory held (Pages).
func (t *Ordered) Bytes() int64 { return t.size + int64(4*len(t.meta)) }
