package op

import (
	"context"
	"slices"
	"sync"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// GroupReader reads the groups of an Aggregate as the rows of a view: states are turned into results when they are read,
// so that groups are stored once. A group whose result cannot be computed is left out (it is a row error).
type GroupReader struct {
	a    *Aggregate
	cols []int // by column of the view: column of the aggregate
	key  []int // by key column of the view: position in the aggregate's keys

	lookups sync.Pool // of *groupLookup
}

// NewGroupReader returns a reader of the groups of a, columns cols of its output, with the given key; nil if the key does
// not fit: it must be the grouping key.
func NewGroupReader(a *Aggregate, cols, key []int) *GroupReader {
	if len(key) != len(a.keys) {
		return nil
	}
	r := &GroupReader{a: a, cols: cols}
	for _, k := range key {
		c := cols[k]
		if c >= len(a.keys) || slices.Contains(r.key, c) {
			return nil
		}
		r.key = append(r.key, c)
	}
	return r
}

// Rows is the number of groups.
func (r *GroupReader) Rows() int64 {
	if r.a.global {
		return 1
	}
	return int64(r.a.table.Len())
}

// Bytes is the memory held.
func (r *GroupReader) Bytes() int64 { return r.a.table.Bytes() }

// Pin takes a snapshot.
func (r *GroupReader) Pin() state.Snapshot {
	return &groupSnapshot{r: r, s: r.a.table.Snapshot(), rows: r.Rows()}
}

// Lookup appends the rows with the given keys to out.
func (r *GroupReader) Lookup(key *vec.Batch, cols []int, out *vec.Batch, match *[]int32) {
	l, _ := r.lookups.Get().(*groupLookup)
	if l == nil || !slices.Equal(l.cols, cols) {
		l = &groupLookup{cols: slices.Clone(cols), c: r.cursor(cols, 1), codec: r.a.codec.Clone(), vecs: make([]*vec.Vec, len(r.key))}
	}
	defer r.lookups.Put(l)
	for i, k := range r.key {
		l.vecs[k] = key.Cols[i]
	}
	l.codec.Encode(&l.keys, l.vecs, key.N)
	c := l.c
	for i := range key.N {
		ref, ok := r.a.table.Find(l.keys.Hash[i], l.keys.At(i))
		if !ok {
			continue
		}
		c.reset()
		c.add(r.a.table.KeyValue(ref))
		if b := c.finish(); b != nil {
			out.Append(b)
			if match != nil {
				*match = append(*match, int32(i))
			}
		}
	}
}

// groupLookup is what a Lookup needs besides the groups. Lookups run beside one another, so each takes one from a pool.
type groupLookup struct {
	cols  []int
	c     *groupCursor
	codec *state.Codec
	keys  state.Keys
	vecs  []*vec.Vec
}

type groupSnapshot struct {
	r    *GroupReader
	s    *state.TableSnapshot
	rows int64
}

func (s *groupSnapshot) Rows() int64 { return s.rows }
func (s *groupSnapshot) Release()    { s.s.Release() }

func (s *groupSnapshot) ChargeTo(b *state.Budget) { s.s.ChargeTo(b) }

func (s *groupSnapshot) Scan(cols []int, yield func(*vec.Batch) error) error {
	return state.ScanCursor(s.Cursor(cols), yield)
}

func (s *groupSnapshot) Cursor(cols []int) state.Cursor {
	c := s.r.cursor(cols, state.ScanRows)
	c.snap, c.it = s.s, s.s.Rows()
	c.empty = s.r.a.global && s.s.Len() == 0
	return c
}

// groupCursor finalises batches of groups.
type groupCursor struct {
	a     *Aggregate
	snap  *state.TableSnapshot
	it    state.RowIter
	done  bool
	empty bool // a global aggregate before its first step: the row of no input
	keys  []int
	out   *vec.Batch
	codec *state.Codec
	aggs  []cursorAgg
	n     int // groups added
	size  int
	rows  [][]byte // their keys, as codec has them
	ctx   funcs.Ctx
}

// cursorAgg is an aggregate of the view; one that is not wanted is skipped, but its state is walked over.
type cursorAgg struct {
	acc  funcs.Accumulator
	outs []int
}

// cursor finalises up to size groups at a time.
func (r *GroupReader) cursor(cols []int, size int) *groupCursor {
	a := r.a
	c := &groupCursor{a: a, size: size, keys: make([]int, len(a.keys)), codec: a.codec, aggs: make([]cursorAgg, len(a.aggs))}
	if a.reps != nil {
		c.codec = a.reps.codec
	}
	ts := make([]types.Type, len(cols))
	for i := range c.keys {
		c.keys[i] = -1
	}
	for i := range a.aggs {
		c.aggs[i].acc = a.newAcc(&a.aggs[i])
	}
	c.ctx.Context = context.Background()
	var again [][2]int
	for i, col := range cols {
		from := r.cols[col]
		ts[i] = a.out[from]
		switch {
		case from >= len(a.keys):
			g := &c.aggs[from-len(a.keys)]
			g.outs = append(g.outs, i)
		case c.keys[from] >= 0:
			again = append(again, [2]int{c.keys[from], i})
		default:
			c.keys[from] = i
		}
	}
	c.out = vec.NewBatch(ts, 0)
	c.again(again)
	return c
}

// again lets an output column that shows a key a second time share the first one's vector.
func (c *groupCursor) again(pairs [][2]int) {
	for _, p := range pairs {
		c.out.Cols[p[1]] = c.out.Cols[p[0]]
	}
}

func (c *groupCursor) Close() { c.done = true }

func (c *groupCursor) reset() {
	c.n, c.rows = 0, c.rows[:0]
	c.out.Reset()
	for i := range c.aggs {
		c.aggs[i].acc.Reset(c.size)
	}
}

// add takes one group, up to size of them.
func (c *groupCursor) add(key, val []byte) {
	v := val
	if c.a.retract {
		v = v[8:]
	}
	if c.a.reps != nil {
		var list []byte
		list, v = cutReps(v)
		key = leastRep(list)
	}
	c.rows = append(c.rows, key)
	for i := range c.aggs {
		v = c.aggs[i].acc.Load(c.n, v)
	}
	c.n++
}

// finish computes the results of the groups added; nil if no row is left.
func (c *groupCursor) finish() *vec.Batch {
	if c.n == 0 {
		return nil
	}
	c.codec.DecodeAll(c.rows, c.keys, c.out.Cols)
	for i := range c.aggs {
		g := &c.aggs[i]
		for k, o := range g.outs {
			if k > 0 {
				c.out.Cols[o] = c.out.Cols[g.outs[0]]
				continue
			}
			g.acc.Result(&c.ctx, c.n, c.out.Cols[o])
		}
		if len(g.outs) == 0 && c.a.mayFail {
			g.acc.Result(&c.ctx, c.n, vec.New(c.a.aggs[i].T, c.n))
		}
	}
	c.out.N = c.n
	if len(c.ctx.Errors) == 0 {
		return c.out
	}
	var good []int32
	for i := range c.n {
		if !c.ctx.Failed(int32(i)) {
			good = append(good, int32(i))
		}
	}
	c.ctx.Clear()
	if len(good) == 0 {
		return nil
	}
	return c.out.Select(good)
}

// Next returns the next batch of rows.
func (c *groupCursor) Next() (*vec.Batch, error) {
	if err := c.snap.Use(); err != nil {
		return nil, err
	}
	defer c.snap.Done()
	for !c.done {
		c.reset()
		for c.n < c.size {
			key, val, ok := c.it.Next()
			if !ok {
				c.done = true
				break
			}
			c.add(key, val)
		}
		if c.empty {
			c.n, c.empty = 1, false
		}
		if b := c.finish(); b != nil {
			return b, nil
		}
	}
	return nil, nil
}
