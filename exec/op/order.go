package op

import (
	"bytes"
	"slices"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

func keyOrders(keys []physical.SortKey) []keyOrder {
	ks := make([]keyOrder, len(keys))
	for i, k := range keys {
		ks[i] = keyOrder{k.Col, state.Order{Desc: k.Desc, NullsFirst: k.NullsFirst}}
	}
	return ks
}

// SortRows returns the row numbers of b in the order of keys; rows that are equal keep theirs.
func SortRows(b *vec.Batch, keys []physical.SortKey) []int32 { return sortRows(b, keyOrders(keys)) }

// sortRows returns the row numbers of b in order; rows that are equal keep theirs.
func sortRows(b *vec.Batch, keys []keyOrder) []int32 {
	perm := make([]int32, b.N)
	for i := range perm {
		perm[i] = int32(i)
	}
	if len(keys) == 1 && b.Cols[keys[0].col].Type.Class() == types.I64 && b.Cols[keys[0].col].Nulls == nil {
		x := b.Cols[keys[0].col].I64
		desc := keys[0].Desc
		slices.SortStableFunc(perm, func(i, j int32) int {
			a, b := x[i], x[j]
			if desc {
				a, b = b, a
			}
			switch {
			case a < b:
				return -1
			case a > b:
				return 1
			}
			return 0
		})
		return perm
	}
	k := encodeOrder(b, keys)
	slices.SortStableFunc(perm, func(i, j int32) int { return bytes.Compare(k.at(i), k.at(j)) })
	return perm
}

// orderKeys are the rows of a batch as byte strings that sort like them.
type orderKeys struct {
	buf []byte
	off []uint32
}

func (k *orderKeys) at(i int32) []byte { return k.buf[k.off[i]:k.off[i+1]] }

func encodeOrder(b *vec.Batch, keys []keyOrder) *orderKeys {
	k := &orderKeys{off: make([]uint32, 1, b.N+1)}
	for i := range b.N {
		for _, o := range keys {
			k.buf = state.AppendOrdered(k.buf, b.Cols[o.col], i, o.Order)
		}
		k.off = append(k.off, uint32(len(k.buf)))
	}
	return k
}
