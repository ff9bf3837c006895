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
	w      []int64
	first  []int32
	origin []int32
	out    *vec.Batch
}

// Consolidate returns the sum of batches: each row once, none with weight 0; in the order of first occurrence, but all
// retractions come before the insertions. The result is valid until the next call.
func (c *Consolidator) Consolidate(ts []types.Type, batches ...*vec.Batch) *vec.Batch {
	if c.codec == nil {
		c.codec = NewRowCodec(ts)
		c.out = vec.NewBatch(ts, 0)
	}
	c.keys.Reset(c.codec)
	c.groups.Reset()
	c.w, c.first = c.w[:0], c.first[:0]
	for _, b := range batches {
		base := c.keys.N
		for i := range b.N {
			c.keys.AppendRow(c.codec, b.Cols, i)
		}
		for i := range b.N {
			g, isNew := c.groups.Add(&c.keys, base+i)
			if isNew {
				c.w = append(c.w, 0)
				c.first = append(c.first, int32(base+i))
			}
			c.w[g] += b.Weight(i)
		}
	}
	c.out.Reset()
	c.origin = c.origin[:0]
	c.emit(batches, func(w int64) bool { return w < 0 })
	c.emit(batches, func(w int64) bool { return w > 0 })
	return c.out
}

func (c *Consolidator) emit(batches []*vec.Batch, want func(int64) bool) {
	bi, base := 0, 0 // first grows with g
	for g, w := range c.w {
		if !want(w) {
			continue
		}
		row := int(c.first[g])
		for row >= base+batches[bi].N {
			base += batches[bi].N
			bi++
		}
		c.out.AppendRow(batches[bi], row-base, w)
		c.origin = append(c.origin, int32(row))
	}
}

// Origin says, of each row of the last result, where it occurred first: the number of the row, counted through all
// batches.
func (c *Consolidator) Origin() []int32 { return c.origin }
