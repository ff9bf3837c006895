package op

import (
	"fmt"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// NewOnce makes an operator for a single step over all the rows of an ad hoc query: no state outlives the step, and Commit
// need not be called. Ports are pushed in their order.
func NewOnce(n physical.Node) (Operator, error) {
	tables := NewTableAlloc(0)
	switch n := n.(type) {
	case *physical.Map:
		return NewMap(n)
	case *physical.Aggregate:
		return onceAggregate(n, tables), nil
	case *physical.Distinct:
		return onceAggregate(DistinctPlan(n), tables), nil
	case *physical.Join:
		return onceJoin(n, tables)
	case *physical.Window:
		return NewWindow(n, tables)
	case *physical.TopN:
		return NewTopN(n, tables)
	case *physical.EmitOnClose:
		return NewEmitOnClose(n, tables), nil
	case *physical.Hop:
		return NewHop(n), nil
	case *physical.Union:
		return NewUnion(n), nil
	case *physical.SetOp:
		return newSetOp(n), nil
	}
	return nil, pgerr.New(pgerr.Internal, fmt.Sprintf("no operator for %T", n))
}

func onceAggregate(n *physical.Aggregate, tables *TableAlloc) *Aggregate {
	a := newAggregate(n, tables, 0, false)
	a.once = true
	return a
}

func onceJoin(n *physical.Join, tables *TableAlloc) (*Join, error) {
	j, err := newJoin(n, tables, false, false)
	if err != nil {
		return nil, err
	}
	j.once = true
	return j, nil
}

// RowSet is a set of rows by SQL equality.
type RowSet struct {
	codec  *state.Codec
	keys   state.Keys
	groups state.Groups
}

// NewRowSet returns an empty set of rows of types ts.
func NewRowSet(ts []types.Type) *RowSet { return &RowSet{codec: state.NewKeyCodec(ts)} }

// Add adds the rows of b and returns the numbers of those that were not in the set.
func (r *RowSet) Add(b *vec.Batch) []int32 {
	fresh := []int32{}
	r.codec.Encode(&r.keys, b.Cols, b.N)
	for i := range b.N {
		if _, isNew := r.groups.Add(&r.keys, i); isNew {
			fresh = append(fresh, int32(i))
		}
	}
	return fresh
}

// Size is the bytes held.
func (r *RowSet) Size() int64 { return r.groups.Size() }
