package op

import (
	"bytes"
	"cmp"
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

// SortRows returns the row numbers of b in the order of keys; rows that are equal keep theirs. It returns nil
// if stopped, asked now and then, says so.
func SortRows(b *vec.Batch, keys []physical.SortKey, stopped func() bool) []int32 {
	return sortRowsUntil(b, keyOrders(keys), stopped)
}

// sortRows returns the row numbers of b in order; rows that are equal keep theirs.
func sortRows(b *vec.Batch, keys []keyOrder) []int32 { return sortRowsUntil(b, keys, nil) }

func sortRowsUntil(b *vec.Batch, keys []keyOrder, stopped func() bool) []int32 {
	var k orderKeys
	compare := k.compare(b, keys, stopped)
	if compare == nil {
		return nil
	}
	return mergeSort(b.N, compare, stopped)
}

// sortRun is how many rows are sorted at a time; sorted runs are merged.
const sortRun = 1 << 14

// mergeSort returns the numbers below n in the order of compare, equal ones as they are; nil if stopped.
func mergeSort(n int, compare func(i, j int32) int, stopped func() bool) []int32 {
	perm := make([]int32, n)
	for i := range perm {
		perm[i] = int32(i)
	}
	for lo := 0; lo < n; lo += sortRun {
		if stopped != nil && stopped() {
			return nil
		}
		slices.SortFunc(perm[lo:min(lo+sortRun, n)], func(i, j int32) int {
			if c := compare(i, j); c != 0 {
				return c
			}
			return int(i) - int(j)
		})
	}
	if n <= sortRun {
		return perm
	}
	from, to := perm, make([]int32, n)
	for width := sortRun; width < n; width *= 2 {
		for lo := 0; lo < n; lo += 2 * width {
			mid, hi := min(lo+width, n), min(lo+2*width, n)
			if !merge(to[lo:hi], from[lo:mid], from[mid:hi], compare, stopped) {
				return nil
			}
		}
		from, to = to, from
	}
	return from
}

// merge merges sorted a and b into dst. It reports whether it got to the end.
func merge(dst, a, b []int32, compare func(i, j int32) int, stopped func() bool) bool {
	for k := range dst {
		if k&0xffff == 0 && stopped != nil && stopped() {
			return false
		}
		switch {
		case len(b) == 0, len(a) > 0 && compare(a[0], b[0]) <= 0:
			dst[k], a = a[0], a[1:]
		default:
			dst[k], b = b[0], b[1:]
		}
	}
	return true
}

// orderKeys are the rows of a batch as byte strings that sort like them. They keep their memory between uses.
type orderKeys struct {
	buf []byte
	off []int
}

func (k *orderKeys) at(i int32) []byte { return k.buf[k.off[i]:k.off[i+1]] }

func (k *orderKeys) reset() { k.buf, k.off = k.buf[:0], append(k.off[:0], 0) }

// compare compares rows of b by keys; it returns nil if stopped says so.
func (k *orderKeys) compare(b *vec.Batch, keys []keyOrder, stopped func() bool) func(i, j int32) int {
	if len(keys) == 1 && b.Cols[keys[0].col].Type.Class() == types.I64 && b.Cols[keys[0].col].Nulls == nil {
		x := b.Cols[keys[0].col].I64
		if keys[0].Desc {
			return func(i, j int32) int { return cmp.Compare(x[j], x[i]) }
		}
		return func(i, j int32) int { return cmp.Compare(x[i], x[j]) }
	}
	if !k.encode(b, keys, stopped) {
		return nil
	}
	return func(i, j int32) int { return bytes.Compare(k.at(i), k.at(j)) }
}

// encode makes k the keys of the rows of b. It reports whether it got to the end.
func (k *orderKeys) encode(b *vec.Batch, keys []keyOrder, stopped func() bool) bool {
	k.reset()
	for i := range b.N {
		if i&0xffff == 0xffff && stopped != nil && stopped() {
			return false
		}
		for _, o := range keys {
			k.buf = state.AppendOrdered(k.buf, b.Cols[o.col], i, o.Order)
		}
		k.off = append(k.off, len(k.buf))
	}
	return true
}
