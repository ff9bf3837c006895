package query

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// heldSide is the side of a join that is held: its rows, those with the same key in a chain.
type heldSide struct {
	rows     *vec.Batch
	cols     []int // key columns; none: one chain of all rows
	nullSafe bool
	codec    *state.Codec
	keys     state.Keys
	vecs     []*vec.Vec
	groups   state.Groups
	head     []int32 // by group: first row of its chain
	last     []int32 // by group: last one
	next     []int32 // by row: the next one of its chain, -1: none
	hit      []bool  // FULL: by row, whether it matched
}

func (h *heldSide) init(ts []types.Type, cols []int, nullSafe bool) {
	h.rows, h.cols, h.nullSafe = vec.NewBatch(ts, 0), cols, nullSafe
	h.codec = keyCodec(ts, cols)
}

func keyCodec(ts []types.Type, cols []int) *state.Codec {
	kt := make([]types.Type, len(cols))
	for i, c := range cols {
		kt[i] = ts[c]
	}
	return state.NewKeyCodec(kt)
}

// add takes in rows. A null key matches nothing, unless nullSafe.
func (h *heldSide) add(b *vec.Batch) {
	base := int32(h.rows.N)
	h.rows.Append(b)
	if len(h.cols) == 0 {
		return
	}
	h.vecs = pick(h.vecs, b, h.cols)
	h.codec.Encode(&h.keys, h.vecs, b.N)
	for i := range b.N {
		h.next = append(h.next, -1)
		if !h.nullSafe && anyNull(h.vecs, i) {
			continue
		}
		row := base + int32(i)
		g, isNew := h.groups.Add(&h.keys, i)
		if isNew {
			h.head, h.last = append(h.head, row), append(h.last, row)
			continue
		}
		h.next[h.last[g]] = row
		h.last[g] = row
	}
}

// size is the bytes held beside the rows.
func (h *heldSide) size() int64 {
	return h.groups.Size() + int64(4*(cap(h.head)+cap(h.last)+cap(h.next)))
}

// first returns the first row that row i of the batch being probed joins with, -1 if there is none.
func (h *heldSide) first(p *probeSide, i int) int32 {
	if len(h.cols) == 0 {
		return h.after(-1)
	}
	if !h.nullSafe && anyNull(p.vecs, i) {
		return -1
	}
	if g := h.groups.Find(p.keys.Hash[i], p.keys.At(i)); g >= 0 {
		return h.head[g]
	}
	return -1
}

// after returns the row after row i of a chain, -1 at its end.
func (h *heldSide) after(i int32) int32 {
	if len(h.cols) > 0 {
		return h.next[i]
	}
	if int(i)+1 < h.rows.N {
		return i + 1
	}
	return -1
}

// appendTo appends rows sel to cols; -1 is a row of nulls.
func (h *heldSide) appendTo(cols []*vec.Vec, sel []int32) {
	whole := true
	for _, i := range sel {
		whole = whole && i >= 0
	}
	for c, v := range cols {
		if whole {
			v.AppendSel(h.rows.Cols[c], sel)
			continue
		}
		for _, i := range sel {
			if i < 0 {
				v.AppendNull()
			} else {
				v.AppendFrom(h.rows.Cols[c], int(i))
			}
		}
	}
}

// probeSide is the side of a join that is streamed.
type probeSide struct {
	in    Rows
	ahead []*vec.Batch // read to see how large the side is
	cols  []int        // key columns
	codec *state.Codec
	keys  state.Keys
	vecs  []*vec.Vec

	cur     *vec.Batch // being probed
	row     int        // the row of cur that is being joined,
	at      int32      // and the held row it comes to next; newRow: it has not begun
	matched []bool     // by row of cur
	sel     []int32
}

// newRow says that the chain of a probing row has not been looked up yet.
const newRow = -2

func (p *probeSide) init(ts []types.Type, cols []int) { p.cols, p.codec = cols, keyCodec(ts, cols) }

// readAhead reads first rows and reports whether they are all. The last batch read is the input's own.
func (p *probeSide) readAhead() (ended bool, err error) {
	for n := 0; n <= joinRows; {
		if k := len(p.ahead) - 1; k >= 0 {
			p.ahead[k] = clone(p.ahead[k])
		}
		b, err := p.in.Next()
		if err != nil {
			return false, err
		}
		if b == nil {
			p.in.Close()
			p.in = &batches{}
			return true, nil
		}
		p.ahead = append(p.ahead, b)
		n += b.N
	}
	return false, nil
}

// clone is a copy of a batch without weights.
func clone(b *vec.Batch) *vec.Batch {
	c := vec.NewBatch(b.Types(), b.N)
	c.Append(b)
	return c
}

// next gets the next batch ready, if there is one.
func (p *probeSide) next() (bool, error) {
	if p.in == nil {
		return false, nil
	}
	b := (*vec.Batch)(nil)
	if len(p.ahead) > 0 {
		b, p.ahead = p.ahead[0], p.ahead[1:]
	} else {
		var err error
		if b, err = p.in.Next(); err != nil {
			return false, err
		}
	}
	if b == nil {
		p.close()
		return false, nil
	}
	p.cur, p.row, p.at = b, 0, newRow
	if len(p.cols) > 0 {
		p.vecs = pick(p.vecs, b, p.cols)
		p.codec.Encode(&p.keys, p.vecs, b.N)
	}
	if cap(p.matched) < b.N {
		p.matched = make([]bool, b.N)
	}
	p.matched = p.matched[:b.N]
	clear(p.matched)
	return true, nil
}

func (p *probeSide) close() {
	if p.in != nil {
		p.in.Close()
	}
	p.in, p.ahead, p.cur = nil, nil, nil
}

func pick(dst []*vec.Vec, b *vec.Batch, cols []int) []*vec.Vec {
	dst = dst[:0]
	for _, c := range cols {
		dst = append(dst, b.Cols[c])
	}
	return dst
}

func anyNull(vecs []*vec.Vec, i int) bool {
	for _, v := range vecs {
		if v.IsNull(i) {
			return true
		}
	}
	return false
}
