package engine

import (
	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/vec"
	"github.com/millracedb/millrace/storage"
)

// tableFeed is what connectors do to one table in one epoch: of each key the last change. What the log and the dataflow
// get is the net delta of it against the rows that are there (D3), so that a replay needs no lookups.
type tableFeed struct {
	meta    *catalog.Relation
	parts   []*connect.Part
	last    []feedRow // by key
	keys    keyIndex
	key     []byte                 // scratch
	cleared bool                   // the rows that were there before the epoch are gone
	partial map[feedRow]partialRow // rows that have old values (source_partial.go)
	errs    []connect.RowError
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
func (f *tableFeed) take(p *connect.Part) {
	part := int32(len(f.parts))
	f.parts = append(f.parts, p)
	truncates, partial := p.Truncates, p.Partial
	var above replaced // by the row in front
	for i := range p.Rows.N {
		for len(truncates) > 0 && truncates[0] <= i {
			truncates = truncates[1:]
			f.truncate()
		}
		f.key = appendKey(f.key[:0], p.Rows, f.meta.PrimaryKey, i, false)
		at := feedRow{part, int32(i)}
		own := replaced{at: at, live: !f.cleared, nothing: f.cleared}
		if k, known := f.keys.put(f.key); known {
			own = replaced{at: f.last[k]}
			f.last[k] = at
		} else {
			f.last = append(f.last, at)
		}
		if len(partial) > 0 && partial[0].Row == i {
			f.notePartial(at, &partial[0], own, above)
			partial = partial[1:]
		}
		above = own
	}
	if len(truncates) > 0 {
		f.truncate()
	}
}

// truncate forgets all rows there are.
func (f *tableFeed) truncate() {
	f.cleared, f.last, f.keys = true, f.last[:0], keyIndex{}
}

// delta resolves the changes against the rows that are there.
func (f *tableFeed) delta(ct *cut) (*vec.Batch, error) {
	rows, gone, err := f.resolve(ct)
	if err != nil {
		return nil, err
	}
	found, at := ct.c.liveRows(f.meta, rows)
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
	if f.cleared {
		err = f.clear(ct.c, out)
	}
	return out, err
}

// resolve returns the changes of the epoch, one a key: a row, or its end.
func (f *tableFeed) resolve(ct *cut) (rows *vec.Batch, gone []bool, err error) {
	rows = vec.NewBatch(columnTypes(f.meta), len(f.last))
	gone = make([]bool, 0, len(f.last))
	var old *oldValues
	if len(f.partial) > 0 {
		if old, err = f.oldValues(ct); err != nil {
			return nil, nil, err
		}
	}
	for _, at := range f.last {
		if _, partial := f.partial[at]; partial {
			if at, err = f.settlePartial(at, old, rows); err != nil {
				return nil, nil, err
			}
			if at == noRow {
				if rows.N > len(gone) {
					gone = append(gone, false)
				}
				continue
			}
		}
		b := f.parts[at.part].Rows
		_, refused := f.partial[at]
		gone = append(gone, refused || b.Weight(int(at.row)) < 0)
		rows.AppendRow(b, int(at.row), 1)
	}
	return rows, gone, nil
}

// clear takes away all rows whose keys the epoch does not name.
func (f *tableFeed) clear(c *core, out *vec.Batch) error {
	r := c.rels[f.meta.ID]
	if r == nil || r.table == nil {
		return nil
	}
	all := make([]int, len(f.meta.Columns))
	for i := range all {
		all[i] = i
	}
	s := r.table.Pin()
	defer s.Release()
	return s.Scan(all, func(b *vec.Batch) error {
		for i := range b.N {
			f.key = appendKey(f.key[:0], b, f.meta.PrimaryKey, i, false)
			if !f.keys.has(f.key) {
				out.AppendRow(b, i, -1)
			}
		}
		return nil
	})
}

// settleFeeds logs what connectors do to tables and gives it to the dataflow.
func (ct *cut) settleFeeds() error {
	for _, f := range ct.feeds {
		d, err := f.delta(ct)
		if err != nil {
			return err
		}
		if err := ct.sourceErrors(f.meta.ID, &connect.Part{Errors: f.errs}); err != nil {
			return err
		}
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

// has reports whether a key was put.
func (x *keyIndex) has(key []byte) bool {
	if len(x.slots) == 0 {
		return false
	}
	h := state.Hash(key)
	mask := uint64(len(x.slots) - 1)
	for i := (h >> 32) & mask; x.slots[i] != 0; i = (i + 1) & mask {
		if n := int(x.slots[i]) - 1; x.hashes[n] == h && string(x.at(n)) == string(key) {
			return true
		}
	}
	return false
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
