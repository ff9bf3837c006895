package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// closing tells when groups can be forgotten: in a view that emits on window close.
type closing struct {
	key    int // position of window_end in the keys
	stream catalog.ID
	ends   *state.Ordered // window_end | key -> nothing
	upTo   int64          // the watermark of this step
	buf    []byte
}

// forget drops the groups of closed windows.
func (a *Aggregate) forget() {
	c := a.closing
	if c == nil {
		return
	}
	for {
		it := c.ends.Seek(nil)
		if !it.Valid() || int64(be.Uint64(it.Key())^1<<63) > c.upTo {
			return
		}
		c.buf = append(c.buf[:0], it.Key()...)
		key := c.buf[8:]
		h := state.Hash(key)
		if ref, ok := a.table.Find(h, key); ok {
			a.table.Delete(ref, h)
		}
		for i := range a.aggs {
			if f := a.aggs[i].feed; f != nil {
				f.forget(key)
			}
		}
		c.ends.Delete(c.buf)
	}
}

func (c *closing) add(a *Aggregate, key []byte) {
	if c != nil {
		c.ends.Put(c.entry(a, key), nil)
	}
}

func (c *closing) remove(a *Aggregate, key []byte) {
	if c != nil {
		c.ends.Delete(c.entry(a, key))
	}
}

func (c *closing) entry(a *Aggregate, key []byte) []byte {
	want := make([]int, len(a.keys))
	for i := range want {
		want[i] = -1
	}
	want[c.key] = 0
	v := vec.New(types.T(types.Int8), 1)
	a.codec.Decode(key, want, []*vec.Vec{v})
	c.buf = be.AppendUint64(c.buf[:0], uint64(v.I64[0])^1<<63)
	c.buf = append(c.buf, key...)
	return c.buf
}
