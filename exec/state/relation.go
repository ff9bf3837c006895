package state

import (
	"fmt"
	"slices"
	"sync"

	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Relation is the rows of a table or materialized view, in one of three shapes:
//
//	keyed     key -> rest of the row. Tables, and views with a known key.
//	multiset  row -> weight. Views without a key: rows cancel by identity (D10).
//	packed    rows, no index. Views without a key that only ever grow.
type Relation struct {
	t     *Table
	ts    []types.Type
	key   []int
	codec *SplitCodec
	shape relShape
	rows  int64
	keys  Keys
	val   []byte
	net   Consolidator
	stay  Groups

	lookups sync.Pool // of *lookup
}

type relShape uint8

const (
	keyed relShape = iota
	multiset
	packed
)

// NewRelation returns an empty relation of rows of types ts. key is nil if no key is known.
func NewRelation(id uint32, ts []types.Type, key []int, appendOnly bool) *Relation {
	r := &Relation{ts: ts, key: key}
	if key != nil {
		r.codec = NewSplitCodec(ts, key)
		r.t = NewTable(id, "keyed "+r.codec.Shape(), r.codec.Key.Width(), r.codec.Val.Width())
		return r
	}
	// The whole row is the value of an empty key: nothing is Loose, the value codec keeps all columns.
	r.codec = NewSplitCodec(ts, nil)
	w := r.codec.Val.Width()
	if appendOnly {
		r.shape = packed
		r.t = NewTable(id, "packed "+r.codec.Shape(), w, 0)
		return r
	}
	r.shape = multiset
	r.t = NewTable(id, "multiset "+r.codec.Shape(), w, 8)
	return r
}

// Types are the column types.
func (r *Relation) Types() []types.Type { return r.ts }

// Key is the key columns, nil if there is no key.
func (r *Relation) Key() []int { return r.key }

// Apply applies a change. For a keyed relation the change of all batches of one Apply must leave at most one row a key.
func (r *Relation) Apply(batches ...*vec.Batch) {
	switch r.shape {
	case keyed:
		if len(batches) > 1 || len(batches) == 1 && !batches[0].AppendOnly() && batches[0].N > 1 {
			batches = []*vec.Batch{r.net.Consolidate(r.ts, batches...)}
		}
		for _, b := range batches {
			r.applyKeyed(b)
		}
	case multiset:
		for _, b := range batches {
			r.applyMultiset(b)
		}
	default:
		for _, b := range batches {
			r.applyPacked(b)
		}
	}
}

// applyKeyed applies a consolidated change. A row replaced by another one of the same key keeps its place.
func (r *Relation) applyKeyed(b *vec.Batch) {
	r.codec.Key.Encode(&r.keys, r.codec.KeyVecs(b.Cols), b.N)
	vals := r.codec.ValVecs(b.Cols)
	if !b.AppendOnly() {
		r.deleteKeyed(b)
	}
	for i := range b.N {
		if b.Weight(i) <= 0 {
			continue
		}
		r.val = r.codec.Val.Append(r.val[:0], vals, i)
		if ref, ok := r.t.Find(r.keys.Hash[i], r.keys.At(i)); ok {
			r.t.Update(ref, r.keys.Hash[i], r.val)
		} else {
			r.t.Insert(r.keys.Hash[i], r.keys.At(i), r.val)
		}
	}
	r.rows = int64(r.t.Len())
}

// deleteKeyed deletes the rows retracted by b whose keys do not come back in it.
func (r *Relation) deleteKeyed(b *vec.Batch) {
	r.stay.Reset()
	for i := range b.N {
		if b.W[i] > 0 {
			r.stay.Add(&r.keys, i)
		}
	}
	for i := range b.N {
		if b.W[i] >= 0 || r.stay.Find(r.keys.Hash[i], r.keys.At(i)) >= 0 {
			continue
		}
		if ref, ok := r.t.Find(r.keys.Hash[i], r.keys.At(i)); ok {
			r.t.Delete(ref, r.keys.Hash[i])
		}
	}
}

func (r *Relation) applyMultiset(b *vec.Batch) {
	r.codec.Val.Encode(&r.keys, b.Cols, b.N)
	var w [8]byte
	for i := range b.N {
		d := b.Weight(i)
		if d == 0 {
			continue
		}
		r.rows += d
		ref, ok := r.t.Find(r.keys.Hash[i], r.keys.At(i))
		if !ok {
			le.PutUint64(w[:], uint64(d))
			r.t.Insert(r.keys.Hash[i], r.keys.At(i), w[:])
			continue
		}
		n := int64(le.Uint64(r.t.Value(ref))) + d
		if n == 0 {
			r.t.Delete(ref, r.keys.Hash[i])
			continue
		}
		le.PutUint64(r.t.Mutable(ref), uint64(n))
	}
}

func (r *Relation) applyPacked(b *vec.Batch) {
	for i := range b.N {
		r.val = r.codec.Val.Append(r.val[:0], b.Cols, i)
		for range b.Weight(i) {
			r.t.put(r.val, nil)
			r.rows++
		}
	}
}

// Clear removes all rows.
func (r *Relation) Clear() {
	r.t.Clear()
	r.rows = 0
}

// Rows is the number of rows, counting multiplicity (Reader).
func (r *Relation) Rows() int64 { return r.rows }

// Lookup appends the rows with the given keys to out (Reader).
func (r *Relation) Lookup(key *vec.Batch, cols []int, out *vec.Batch, match *[]int32) {
	if r.shape != keyed {
		panic("state: lookup in a relation without a key")
	}
	l, _ := r.lookups.Get().(*lookup)
	if l == nil || !slices.Equal(l.cols, cols) {
		l = &lookup{cols: slices.Clone(cols), codec: r.codec.Key.Clone(), p: r.codec.Project(cols)}
	}
	defer r.lookups.Put(l)
	l.codec.Encode(&l.keys, key.Cols, key.N)
	l.refs = sized(l.refs, key.N)
	r.t.FindBatch(&l.keys, nil, l.refs)
	for i, ref := range l.refs {
		if ref == None {
			continue
		}
		kb, vb := r.t.KeyValue(ref)
		l.p.Decode(kb, vb, out.Cols)
		out.N++
		if match != nil {
			*match = append(*match, int32(i))
		}
	}
}

// lookup is what a Lookup needs besides the rows. Lookups run beside one another, so each takes one from a pool.
type lookup struct {
	cols  []int
	codec *Codec
	p     *Projection
	keys  Keys
	refs  []Ref
}

// Pin takes a snapshot (Reader).
func (r *Relation) Pin() Snapshot {
	return &relSnapshot{r: r, s: r.t.Snapshot(), rows: r.rows}
}

type relSnapshot struct {
	r    *Relation // shape only
	s    *TableSnapshot
	rows int64
}

func (s *relSnapshot) Rows() int64 { return s.rows }
func (s *relSnapshot) Release()    { s.s.Release() }

func (s *relSnapshot) ChargeTo(b *Budget) { s.s.ChargeTo(b) }

func (s *relSnapshot) Scan(cols []int, yield func(*vec.Batch) error) error {
	return ScanCursor(s.Cursor(cols), yield)
}

func (s *relSnapshot) Cursor(cols []int) Cursor {
	ts := make([]types.Type, len(cols))
	for i, c := range cols {
		ts[i] = s.r.ts[c]
	}
	return &relCursor{it: s.s.Rows(), shape: s.r.shape, p: s.r.codec.Project(cols), out: vec.NewBatch(ts, 0)}
}

// ScanCursor drains a cursor into yield.
func ScanCursor(c Cursor, yield func(*vec.Batch) error) error {
	defer c.Close()
	for {
		b, err := c.Next()
		if err != nil || b == nil {
			return err
		}
		if err := yield(b); err != nil {
			return err
		}
	}
}

// ScanRows is how many rows a scan's batch has at most.
const ScanRows = 1024

type relCursor struct {
	it         RowIter
	shape      relShape
	p          *Projection
	out        *vec.Batch
	keys, vals [][]byte
}

func (c *relCursor) Close() { c.it = RowIter{s: c.it.s, page: maxPages} }

func (c *relCursor) Next() (*vec.Batch, error) {
	if err := c.it.s.Use(); err != nil {
		return nil, err
	}
	defer c.it.s.Done()
	out := c.out
	out.Reset()
	c.keys, c.vals = c.keys[:0], c.vals[:0]
	for len(c.keys) < ScanRows {
		key, val, ok := c.it.Next()
		if !ok {
			break
		}
		if c.shape == multiset {
			c.weigh(int64(le.Uint64(val)))
		}
		c.keys, c.vals = append(c.keys, key), append(c.vals, val)
		out.N++
	}
	switch {
	case out.N == 0:
		return nil, nil
	case c.shape == keyed:
		c.p.DecodeAll(c.keys, c.vals, out.Cols)
	default: // the row is the key of the table, and the value of its codec
		c.p.DecodeAll(c.vals, c.keys, out.Cols)
	}
	return out, nil
}

// weigh notes the weight of the row about to be added.
func (c *relCursor) weigh(w int64) {
	if w != 1 {
		c.out.SetWeights()
	}
	if c.out.W != nil {
		c.out.W = append(c.out.W, w)
	}
}

// The rest is Pages.

// ID is the table's id.
func (r *Relation) ID() uint32 { return r.t.ID() }

// BeginCheckpoint hands out the dirty pages.
func (r *Relation) BeginCheckpoint(put func(uint64, []byte)) func(bool) {
	return r.t.BeginCheckpoint(put)
}

// LoadPage takes back a page.
func (r *Relation) LoadPage(page uint64, data []byte) error { return r.t.LoadPage(page, data) }

// Loaded builds the index and counts the rows.
func (r *Relation) Loaded() error {
	if r.shape == packed {
		r.rows = int64(r.t.loadedUnindexed())
		return nil
	}
	if err := r.t.Loaded(); err != nil {
		return err
	}
	r.rows = int64(r.t.Len())
	if r.shape == multiset {
		r.rows = 0
		r.t.Each(func(_ Ref, _, val []byte) bool {
			r.rows += int64(le.Uint64(val))
			return true
		})
	}
	return nil
}

// Fingerprint describes the shape.
func (r *Relation) Fingerprint() string { return fmt.Sprintf("%s key%v", r.t.Fingerprint(), r.key) }

// DirtyBytes is what a checkpoint would write.
func (r *Relation) DirtyBytes() int64 { return r.t.DirtyBytes() }

// Bytes is the memory held.
func (r *Relation) Bytes() int64 { return r.t.Bytes() }
