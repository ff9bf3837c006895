package state

import (
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Consolidator adds up the weights of identical rows. It keeps its memory between uses.
type Consolidator struct {
	codec  *Codec
	keys   Keys
	groups Groups
	gids   []int32 // of a chunk of rows
	fresh  []int32
	w      []int64 // by group
	first  []int32
	origin []int32
	sel    []int32 // rows to take of a batch
	out    *vec.Batch
	weight []int64 // of out
	plain  bool    // all of them 1
}

// Consolidate returns the sum of batches: each row once, none with weight 0; in the order of first occurrence, but all
// retractions come before the insertions. The result is valid until the next call.
func (c *Consolidator) Consolidate(ts []types.Type, batches ...*vec.Batch) *vec.Batch {
	if c.codec == nil {
		c.codec = NewRowCodec(ts)
		c.out = vec.NewBatch(ts, 0)
	}
	c.groups.Reset()
	c.w, c.first = c.w[:0], c.first[:0]
	base := 0
	for _, b := range batches {
		c.add(b, base)
		base += b.N
	}
	c.out.Reset()
	c.origin, c.weight, c.plain = c.origin[:0], c.weight[:0], true
	c.emit(batches, func(w int64) bool { return w < 0 })
	c.emit(batches, func(w int64) bool { return w > 0 })
	if !c.plain {
		c.out.W = c.weight
	}
	return c.out
}

// add adds the rows of b, the first of which is row base of all. Keys are made and looked up some at a time, to stay in the
// cache.
func (c *Consolidator) add(b *vec.Batch, base int) {
	const chunk = 1024
	for lo := 0; lo < b.N; lo += chunk {
		hi := min(lo+chunk, b.N)
		c.codec.EncodeRange(&c.keys, b.Cols, lo, hi)
		c.gids = sized(c.gids, hi-lo)
		c.fresh = c.groups.AddAll(&c.keys, c.gids, c.fresh[:0])
		for _, i := range c.fresh {
			c.w = append(c.w, 0)
			c.first = append(c.first, int32(base+lo)+i)
		}
		for i, g := range c.gids {
			c.w[g] += b.Weight(lo + i)
		}
	}
}

// emit appends the rows whose weights are wanted.
func (c *Consolidator) emit(batches []*vec.Batch, want func(int64) bool) {
	bi, base := 0, 0 // first grows with g
	for g, w := range c.w {
		if !want(w) {
			continue
		}
		row := int(c.first[g])
		for row >= base+batches[bi].N {
			c.take(batches[bi])
			base += batches[bi].N
			bi++
		}
		c.sel = append(c.sel, int32(row-base))
		c.origin = append(c.origin, int32(row))
		c.weight = append(c.weight, w)
		c.plain = c.plain && w == 1
	}
	if len(c.sel) > 0 {
		c.take(batches[bi])
	}
}

// take appends the rows c.sel of b to the result.
func (c *Consolidator) take(b *vec.Batch) {
	for k, v := range c.out.Cols {
		v.AppendSel(b.Cols[k], c.sel)
	}
	c.out.N += len(c.sel)
	c.sel = c.sel[:0]
}

// Origin says, of each row of the last result, where it occurred first: the number of the row, counted through all
// batches.
func (c *Consolidator) Origin() []int32 { return c.origin }
