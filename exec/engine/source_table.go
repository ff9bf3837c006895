package engine

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/vec"
	"github.com/millracedb/millrace/storage"
)

// tableFeed is what connectors do to one table in one epoch: of each key the last change. What the log and the dataflow
// get is the net delta of it against the rows that are there (D3), so that a replay needs no lookups.
type tableFeed struct {
	meta  *catalog.Relation
	parts []*vec.Batch
	last  []feedRow // by key
	keys  keyIndex
	key   []byte // scratch
}

// feedRow is a row of a part.
type feedRow struct {
	part, row int32
}

// feedOf returns the epoch's feed of a table.
func (ct *cut) feedOf(meta *catalog.Relation) *tableFeed {
	for _, f := range ct.feeds {
		if f.meta.ID == meta.ID {
			return f
		}
	}
	f := &tableFeed{meta: meta}
	ct.feeds = append(ct.feeds, f)
	return f
}

// take notes the changes of a part, which must stay as it is until the epoch is over.
func (f *tableFeed) take(b *vec.Batch) {
	part := int32(len(f.parts))
	f.parts = append(f.parts, b)
	for i := range b.N {
		f.key = appendKey(f.key[:0], b, f.meta.PrimaryKey, i, false)
		at := feedRow{part, int32(i)}
		if k, known := f.keys.put(f.key); known {
			f.last[k] = at
		} else {
			f.last = append(f.last, at)
		}
	}
}

// delta resolves the changes against the rows that are there.
func (f *tableFeed) delta(c *core) *vec.Batch {
	rows := vec.NewBatch(columnTypes(f.meta), len(f.last))
	gone := make([]bool, len(f.last))
	for k, at := range f.last {
		b := f.parts[at.part]
		gone[k] = b.Weight(int(at.row)) < 0
		rows.AppendRow(b, int(at.row), 1)
	}
	found, at := c.liveRows(f.meta, rows)
	out := vec.NewBatch(rows.Types(), len(f.last))
	out.W = []int64{}
	for k := range gone {
		old := int(at[k])
		if at[k] != none && !gone[k] && sameRow(found, old, rows, k) {
			continue
		}
		if at[k] != none {
			out.AppendRow(found, old, -1)
		}
		if !gone[k] {
			out.AppendRow(rows, k, 1)
		}
	}
	return out
}

// settleFeeds logs what connectors do to tables and gives it to the dataflow.
func (ct *cut) settleFeeds() error {
	for _, f := range ct.feeds {
		d := f.delta(ct.c)
		if d.N == 0 {
			continue
		}
		ct.feed(f.meta.ID, d)
		if err := ct.append(storage.Record{Rel: f.meta.ID, Kind: recDelta, Payload: appendBatch(nil, d)}); err != nil {
			return err
		}
	}
	return nil
}

// keyIndex numbers distinct byte strings in the order in which they come. It allocates for growth only.
type keyIndex struct {
	slots  []int32 // number + 1; 0: free. A power of two, at most half full.
	hashes []uint64
	ends   []int // of each key in bytes
	bytes  []byte
}

// put returns the number of a key, and whether it was there.
func (x *keyIndex) put(key []byte) (n int, known bool) {
	if 2*(len(x.hashes)+1) > len(x.slots) {
		x.grow()
	}
	h := state.Hash(key)
	mask := uint64(len(x.slots) - 1)
	i := (h >> 32) & mask
	for ; x.slots[i] != 0; i = (i + 1) & mask {
		if n := int(x.slots[i]) - 1; x.hashes[n] == h && string(x.at(n)) == string(key) {
			return n, true
		}
	}
	n = len(x.hashes)
	x.slots[i] = int32(n + 1)
	x.hashes = append(x.hashes, h)
	x.bytes = append(x.bytes, key...)
	x.ends = append(x.ends, len(x.bytes))
	return n, false
}

func (x *keyIndex) at(n int) []byte {
	from := 0
	if n > 0 {
		from = x.ends[n-1]
	}
	return x.bytes[from:x.ends[n]]
}

func (x *keyIndex) grow() {
	x.slots = make([]int32, max(64, 2*len(x.slots)))
	mask := uint64(len(x.slots) - 1)
	for n, h := range x.hashes {
		i := (h >> 32) & mask
		for x.slots[i] != 0 {
			i = (i + 1) & mask
		}
		x.slots[i] = int32(n + 1)
	}
}
