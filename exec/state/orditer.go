package state

import (
	"bytes"
)

// Near remembers the leaf of the last key. Keys that are looked up in order find the next one there, mostly; any table and
// any key will do, also after writes.
type Near struct{ c, i int }

// leafNear is leaf for a key that may be in the leaf of the last one.
func (t *Ordered) leafNear(key []byte, n *Near) (c, i int) {
	if n.c < len(t.inner) && n.i < len(t.inner[n.c]) && bytes.Compare(t.firstKey(t.inner[n.c][n.i]), key) <= 0 {
		next, ok := uint32(0), true
		switch {
		case n.i+1 < len(t.inner[n.c]):
			next = t.inner[n.c][n.i+1]
		case n.c+1 < len(t.inner):
			next = t.inner[n.c+1][0]
		default:
			ok = false
		}
		if !ok || bytes.Compare(key, t.firstKey(next)) < 0 {
			return n.c, n.i
		}
	}
	n.c, n.i = t.leaf(key)
	return n.c, n.i
}

// Iter is a position in an Ordered table, good until the next write.
type Iter struct {
	t       *Ordered
	c, i, s int
	b       []byte
}

// Valid reports whether the iterator is at an entry.
func (it *Iter) Valid() bool { return it.b != nil }

// Key returns the entry's key.
func (it *Iter) Key() []byte { return entryKey(slottedRow(it.b, it.s)) }

// Value returns the entry's value.
func (it *Iter) Value() []byte { return entryValue(slottedRow(it.b, it.s)) }

// Next moves to the following entry.
func (it *Iter) Next() {
	if it.s++; it.s < pageSlots(it.b) {
		return
	}
	it.s = 0
	if it.i++; it.i == len(it.t.inner[it.c]) {
		it.i = 0
		if it.c++; it.c == len(it.t.inner) {
			it.b = nil
			return
		}
	}
	it.b = it.t.store.buf(it.t.inner[it.c][it.i])
}

// Prev moves to the entry before.
func (it *Iter) Prev() {
	if it.s--; it.s >= 0 {
		return
	}
	if it.i--; it.i < 0 {
		if it.c--; it.c < 0 {
			it.b = nil
			return
		}
		it.i = len(it.t.inner[it.c]) - 1
	}
	it.b = it.t.store.buf(it.t.inner[it.c][it.i])
	it.s = pageSlots(it.b) - 1
}

// Seek returns the first entry not below key.
func (t *Ordered) Seek(key []byte) Iter { return t.SeekNear(key, &Near{}) }

// SeekNear is Seek for keys that come in order.
func (t *Ordered) SeekNear(key []byte, near *Near) Iter {
	if t.n == 0 {
		return Iter{}
	}
	c, i := t.leafNear(key, near)
	it := Iter{t: t, c: c, i: i, b: t.store.buf(t.inner[c][i])}
	it.s, _ = searchLeaf(it.b, key)
	if it.s == pageSlots(it.b) {
		it.s--
		it.Next()
	}
	return it
}

// SeekBefore returns the last entry below key.
func (t *Ordered) SeekBefore(key []byte) Iter { return t.SeekBeforeNear(key, &Near{}) }

// SeekBeforeNear is SeekBefore for keys that come in order.
func (t *Ordered) SeekBeforeNear(key []byte, near *Near) Iter {
	if t.n == 0 {
		return Iter{}
	}
	c, i := t.leafNear(key, near)
	it := Iter{t: t, c: c, i: i, b: t.store.buf(t.inner[c][i])}
	it.s, _ = searchLeaf(it.b, key)
	it.Prev()
	return it
}
