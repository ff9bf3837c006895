package state

import (
	"bytes"
	"fmt"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Arrangement is the rows of one side of a join, by join key: many rows a key. Rows with the same key form a chain; the
// index leads to its newest row. The links lie beside the pages, in memory only, since they follow from the rows.
//
// A side that never takes a row back is packed: rows, chain, nothing else. Otherwise a row carries its weight, chains
// are linked both ways, and a second index finds a row by its content. A row may also carry an Extra word: an outer
// join's number of matches.
//
//	row: key | weight, 8 bytes (not packed) | extra, 8 bytes (if asked for) | columns
type Arrangement struct {
	Table
	codec   *SplitCodec
	retract bool
	extra   bool
	head    int     // bytes before the columns in a value
	next    [][]Ref // by page and slot
	prev    [][]Ref // retract only
	byRow   index   // retract only
	rows    int64   // by weight
	val     []byte
}

// NewArrangement returns an empty arrangement of rows of types ts on key columns key. retract: rows may be taken back.
func NewArrangement(id uint32, ts []types.Type, key []int, retract, extra bool) *Arrangement {
	a := &Arrangement{codec: NewSplitCodec(ts, key), retract: retract, extra: extra}
	if retract {
		a.head += 8
	}
	if extra {
		a.head += 8
	}
	w := a.codec.Val.Width()
	if w >= 0 {
		w += a.head
	}
	shape := fmt.Sprintf("join %s retract=%v extra=%v", a.codec.Shape(), retract, extra)
	a.Table.init(id, shape, a.codec.Key.Width(), w)
	return a
}

// Codec is the codec of the rows; its Key encodes the keys to look up.
func (a *Arrangement) Codec() *SplitCodec { return a.codec }

// Rows is the number of rows, counting multiplicity.
func (a *Arrangement) Rows() int64 { return a.rows }

// First returns the first row with a key, None if there is none. It does not change during a step.
func (a *Arrangement) First(hash uint64, key []byte) Ref {
	if r, ok := a.Find(hash, key); ok {
		return r
	}
	return None
}

// Next returns the row after r with the same key, None at the end.
func (a *Arrangement) Next(r Ref) Ref { return a.next[r.page()][r.slot()] }

// Weight is the weight of row r.
func (a *Arrangement) Weight(r Ref) int64 {
	if !a.retract {
		return 1
	}
	return int64(le.Uint64(a.Value(r)))
}

// Extra is the extra word of row r.
func (a *Arrangement) Extra(r Ref) int64 { return int64(le.Uint64(a.Value(r)[a.head-8:])) }

// AddExtra changes the extra word of row r.
func (a *Arrangement) AddExtra(r Ref, d int64) {
	b := a.writable(r.page())
	_, v := a.split(a.rowIn(b, r.slot()))
	le.PutUint64(v[a.head-8:], le.Uint64(v[a.head-8:])+uint64(d))
}

// Decode appends the columns of row r that p projects to out.
func (a *Arrangement) Decode(r Ref, p *Projection, out []*vec.Vec) {
	k, v := a.KeyValue(r)
	p.Decode(k, v[a.head:], out)
}

// RowFinder finds rows by their content, beside other readers.
type RowFinder struct {
	a    *Arrangement
	vecs []*vec.Vec
	val  []byte
}

// Finder returns a RowFinder for an arrangement that retracts.
func (a *Arrangement) Finder() *RowFinder { return &RowFinder{a: a} }

// Of reports whether f finds rows of a.
func (f *RowFinder) Of(a *Arrangement) bool { return f.a == a }

// Find returns the row identical to row i of cols, whose key is keys[i]; None if there is none.
func (f *RowFinder) Find(keys *Keys, cols []*vec.Vec, i int) Ref {
	c := f.a.codec
	f.vecs = pick(f.vecs, cols, c.valCols)
	f.val = c.Val.Append(f.val[:0], f.vecs, i) // a row codec: it has no memory of its own
	return f.a.findRow(rowHash(keys.Hash[i], f.val), keys.At(i), f.val)
}

func (a *Arrangement) findRow(h uint64, key, val []byte) Ref {
	x := &a.byRow
	if x.n == 0 {
		return None
	}
	mask := len(x.e) - 1
	for i := int(hash32(h) >> x.shift); x.e[i] != 0; i = (i + 1) & mask {
		if uint32(x.e[i]>>32) != hash32(h) {
			continue
		}
		k, v := a.KeyValue(entryRef(x.e[i]))
		if bytes.Equal(v[a.head:], val) && bytes.Equal(k, key) {
			return entryRef(x.e[i])
		}
	}
	return None
}

func rowHash(h uint64, val []byte) uint64 { return mix(h^mixA, Hash(val)^mixB) }

// Apply adds row i of cols, whose key is keys[i], with weight w; extra is the extra word of a row that is new.
func (a *Arrangement) Apply(keys *Keys, cols []*vec.Vec, i int, w, extra int64) {
	if w == 0 {
		return
	}
	a.rows += w
	a.val = extend(a.val[:0], a.head)
	if a.extra {
		le.PutUint64(a.val[a.head-8:], uint64(extra))
	}
	a.val = a.codec.Val.Append(a.val, a.codec.ValVecs(cols), i)
	h, key := keys.Hash[i], keys.At(i)
	if !a.retract {
		for range w {
			a.link(a.put(key, a.val), h, key)
		}
		return
	}
	rh := rowHash(h, a.val[a.head:])
	r := a.findRow(rh, key, a.val[a.head:])
	if r == None {
		le.PutUint64(a.val, uint64(w))
		r = a.put(key, a.val)
		a.byRow.insert(rh, r)
		a.link(r, h, key)
		return
	}
	n := a.Weight(r) + w
	if n == 0 {
		a.unlink(r, h)
		a.byRow.remove(rh, r)
		a.release(r)
		return
	}
	_, v := a.split(a.rowIn(a.writable(r.page()), r.slot()))
	le.PutUint64(v, uint64(n))
}

// link puts row r at the front of its key's chain.
func (a *Arrangement) link(r Ref, h uint64, key []byte) {
	old, ok := a.Find(h, key)
	if !ok {
		old = None
		a.index.insert(h, r)
	} else {
		a.index.move(h, old, r)
		if a.retract {
			setLink(&a.prev, old, r)
		}
	}
	setLink(&a.next, r, old)
	if a.retract {
		setLink(&a.prev, r, None)
	}
}

func (a *Arrangement) unlink(r Ref, h uint64) {
	next, prev := a.next[r.page()][r.slot()], a.prev[r.page()][r.slot()]
	if next != None {
		setLink(&a.prev, next, prev)
	}
	switch {
	case prev != None:
		setLink(&a.next, prev, next)
	case next != None:
		a.index.move(h, r, next)
	default:
		a.index.remove(h, r)
	}
}

func setLink(links *[][]Ref, r, to Ref) {
	p, s := int(r.page()), r.slot()
	for len(*links) <= p {
		*links = append(*links, nil)
	}
	l := (*links)[p]
	for len(l) <= s {
		l = append(l, None)
	}
	l[s] = to
	(*links)[p] = l
}

// Clear removes all rows.
func (a *Arrangement) Clear() {
	a.Table.Clear()
	a.byRow.clear()
	a.next, a.prev, a.rows = nil, nil, 0
}

// Loaded rebuilds indexes and chains (Pages).
func (a *Arrangement) Loaded() error {
	n := a.loadedUnindexed()
	a.index.clear()
	a.byRow.clear()
	a.next, a.prev, a.rows = nil, nil, 0
	if a.retract {
		a.byRow.reserve(n)
	}
	twice := false
	a.Each(func(r Ref, key, val []byte) bool {
		h := Hash(key)
		if a.retract {
			rh := rowHash(h, val[a.head:])
			twice = twice || a.findRow(rh, key, val[a.head:]) != None
			a.byRow.insert(rh, r)
		}
		a.rows += a.Weight(r)
		a.link(r, h, key)
		return !twice
	})
	if twice {
		return fmt.Errorf("state table %d holds a row twice", a.id)
	}
	return nil
}

// Bytes is the memory held (Pages).
func (a *Arrangement) Bytes() int64 {
	n := a.Table.Bytes() + a.byRow.bytes()
	for _, l := range a.next {
		n += int64(cap(l)) * 4
	}
	for _, l := range a.prev {
		n += int64(cap(l)) * 4
	}
	return n
}
