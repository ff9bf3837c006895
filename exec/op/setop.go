package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/vec"
)

// setOp is INTERSECT or EXCEPT of an ad hoc query. With l and r copies of a row on either side, the result has
//
//	INTERSECT ALL  min(l, r)      INTERSECT  1 if l > 0 and r > 0
//	EXCEPT ALL     max(l - r, 0)  EXCEPT     1 if l > 0 and r = 0
//
// of it, as PostgreSQL defines them. It takes in both sides and answers at End; rows come out in the order of their first
// occurrence on the left.
type setOp struct {
	except, all bool
	codec       *state.Codec
	keys        state.Keys
	groups      state.Groups
	count       [2][]int64 // by group: copies on each side
	first       *vec.Batch // by group: the row as it came first
}

func newSetOp(n *physical.SetOp) *setOp {
	ts := fieldTypes(n)
	return &setOp{except: n.Except, all: n.All, codec: state.NewKeyCodec(ts), first: vec.NewBatch(ts, 0)}
}

// Push counts the rows of one side.
func (x *setOp) Push(_ *Step, port int, b *vec.Batch, _ Emit) {
	x.codec.Encode(&x.keys, b.Cols, b.N)
	for i := range b.N {
		g, isNew := x.groups.Add(&x.keys, i)
		if isNew {
			x.first.AppendRow(b, i, 1)
			x.count[0], x.count[1] = append(x.count[0], 0), append(x.count[1], 0)
		}
		x.count[port][g] += b.Weight(i)
	}
}

// End emits the result.
func (x *setOp) End(_ *Step, out Emit) {
	var sel []int32
	for g := range x.count[0] {
		for range x.copies(x.count[0][g], x.count[1][g]) {
			sel = append(sel, int32(g))
		}
	}
	if len(sel) > 0 {
		out(x.first.Select(sel))
	}
}

func (x *setOp) copies(l, r int64) int64 {
	n := min(l, r)
	if x.except {
		n = max(l-r, 0)
		if !x.all && r > 0 {
			n = 0
		}
	}
	if !x.all {
		n = min(n, 1)
	}
	return n
}

// Commit and Abort have nothing to do: it runs once.
func (x *setOp) Commit() {}
func (x *setOp) Abort()  {}
