package op

import (
	"encoding/binary"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// EmitOnClose holds changes back until their window has closed, that is until the watermark has reached the window's end
// (D11). With H the held rows and W the watermark after the step:
//
//	out = the rows of H + dA with end <= W;   H' = those with end > W
//
// State: an ordered table (window end, row) -> weight. A row without a window end belongs to no window and never comes
// out.
type EmitOnClose struct {
	end     int
	stream  catalog.ID
	in      []types.Type
	codec   *state.Codec
	held    *state.Ordered
	pending *vec.Batch
	upTo    int64 // the watermark of this step
	sum     state.Consolidator
	all     []int // every column, for decoding
	key     []byte
}

// NewEmitOnClose makes the operator.
func NewEmitOnClose(n *physical.EmitOnClose, tables *TableAlloc) *EmitOnClose {
	in := fieldTypes(n.Input)
	codec := state.NewRowCodec(in)
	e := &EmitOnClose{
		end: n.EndCol, stream: n.Rel, in: in, codec: codec, pending: vec.NewBatch(in, 0),
		held: state.NewOrdered(tables.Next(), "emit on close "+codec.Shape()),
	}
	for i := range in {
		e.all = append(e.all, i)
	}
	e.Abort()
	return e
}

// Push keeps b until End.
func (e *EmitOnClose) Push(_ *Step, _ int, b *vec.Batch, _ Emit) {
	e.pending.SetWeights()
	e.pending.Append(b)
}

// End emits what the watermark has closed.
func (e *EmitOnClose) End(s *Step, out Emit) {
	e.upTo = s.Watermark(e.stream)
	closed := vec.NewBatch(e.in, 0)
	closed.W = []int64{}
	for it := e.held.Seek(nil); it.Valid() && e.endOf(it.Key()) <= e.upTo; it.Next() {
		e.codec.Decode(it.Key()[endWidth:], e.all, closed.Cols)
		closed.W = append(closed.W, int64(binary.LittleEndian.Uint64(it.Value())))
		closed.N++
	}
	ends := e.pending.Cols[e.end]
	var sel []int32
	for i := range e.pending.N {
		if !ends.IsNull(i) && ends.I64[i] <= e.upTo {
			sel = append(sel, int32(i))
		}
	}
	if len(sel) > 0 {
		closed.AppendSel(e.pending, sel)
	}
	if closed.N == 0 {
		return
	}
	if c := e.sum.Consolidate(e.in, closed); c.N > 0 {
		out(c)
	}
}

// The key of a held row is its window end, in order, then the row.
const endWidth = 8

func (e *EmitOnClose) appendEnd(dst []byte, t int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(t)^1<<63)
}

func (e *EmitOnClose) endOf(key []byte) int64 {
	return int64(binary.BigEndian.Uint64(key) ^ 1<<63)
}

// Commit forgets what came out and holds what did not.
func (e *EmitOnClose) Commit() {
	for it := e.held.Seek(nil); it.Valid() && e.endOf(it.Key()) <= e.upTo; it = e.held.Seek(nil) {
		e.held.Delete(append([]byte{}, it.Key()...))
	}
	ends := e.pending.Cols[e.end]
	for i := range e.pending.N {
		if !ends.IsNull(i) && ends.I64[i] > e.upTo {
			e.add(i, ends.I64[i])
		}
	}
	e.Abort()
}

func (e *EmitOnClose) add(i int, end int64) {
	e.key = e.appendEnd(e.key[:0], end)
	e.key = e.codec.Append(e.key, e.pending.Cols, i)
	w := e.pending.W[i]
	if old, ok := e.held.Get(e.key); ok {
		w += int64(binary.LittleEndian.Uint64(old))
	}
	if w == 0 {
		e.held.Delete(e.key)
		return
	}
	e.held.Put(e.key, binary.LittleEndian.AppendUint64(nil, uint64(w)))
}

// Abort forgets the step.
func (e *EmitOnClose) Abort() {
	e.pending.Reset()
	e.pending.W = []int64{}
}

// Tables are the state tables.
func (e *EmitOnClose) Tables() []state.Pages { return []state.Pages{e.held} }
