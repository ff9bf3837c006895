package op

import (
	"bytes"
	"slices"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/vec"
)

// parts are the rows of some partitions, partition after partition, each in a total order: by the order's keys, and
// where those are equal by all columns, so that the order of a multiset is the same wherever it is computed.
type parts struct {
	rows *vec.Batch
	perm []int32 // rows of all partitions, sorted
	lo   []int32 // partition k is perm[lo[k]:lo[k+1]]
}

// len is the number of partitions.
func (p *parts) len() int { return len(p.lo) - 1 }

// part lists the rows of partition k in order.
func (p *parts) part(k int) []int32 { return p.perm[p.lo[k]:p.lo[k+1]] }

// partSorter makes parts. It keeps its memory between uses: what it returns is valid until the next sort.
type partSorter struct {
	parts
	order []keyOrder
	keys  orderKeys
	next  []int32
	ties  orderKeys
	tied  []int32
}

// sort sorts the rows of b, row i of partition of[i] < n. It returns nil if stopped, asked now and then, says so.
func (s *partSorter) sort(b *vec.Batch, of []int32, n int, stopped func() bool) *parts {
	s.rows = b
	s.divide(of, n)
	compare := s.keys.compare(b, s.order, stopped)
	if compare == nil {
		return nil
	}
	for k := range n {
		if rows := s.part(k); len(rows) > 1 && !s.sortPart(rows, compare, stopped) {
			return nil
		}
	}
	return &s.parts
}

// sortPart sorts the rows of a partition. It reports whether it got to the end.
func (s *partSorter) sortPart(rows []int32, compare func(i, j int32) int, stopped func() bool) bool {
	if len(rows) <= sortRun {
		slices.SortFunc(rows, compare)
	} else {
		sorted := mergeSort(len(rows), func(i, j int32) int { return compare(rows[i], rows[j]) }, stopped)
		if sorted == nil {
			return false
		}
		for i, k := range sorted {
			sorted[i] = rows[k]
		}
		copy(rows, sorted)
	}
	s.settle(rows, compare)
	return true
}

// divide puts the rows of each partition side by side.
func (s *partSorter) divide(of []int32, n int) {
	s.lo = append(s.lo[:0], make([]int32, n+1)...)
	for _, k := range of {
		s.lo[k+1]++
	}
	for k := range n {
		s.lo[k+1] += s.lo[k]
	}
	s.next = append(s.next[:0], s.lo[:n]...)
	s.perm = slices.Grow(s.perm[:0], len(of))[:len(of)]
	for i, k := range of {
		s.perm[s.next[k]] = int32(i)
		s.next[k]++
	}
}

// settle orders rows that the keys do not tell apart by all columns.
func (s *partSorter) settle(rows []int32, compare func(i, j int32) int) {
	for lo := 0; lo < len(rows); {
		hi := lo + 1
		for hi < len(rows) && compare(rows[lo], rows[hi]) == 0 {
			hi++
		}
		if hi-lo > 1 {
			s.byAll(rows[lo:hi])
		}
		lo = hi
	}
}

func (s *partSorter) byAll(rows []int32) {
	s.ties.reset()
	s.tied = s.tied[:0]
	for i, r := range rows {
		for _, c := range s.rows.Cols {
			s.ties.buf = state.AppendOrdered(s.ties.buf, c, int(r), state.Order{})
		}
		s.ties.off = append(s.ties.off, len(s.ties.buf))
		s.tied = append(s.tied, int32(i))
	}
	slices.SortFunc(s.tied, func(i, j int32) int { return bytes.Compare(s.ties.at(i), s.ties.at(j)) })
	for i, k := range s.tied {
		s.tied[i] = rows[k]
	}
	copy(rows, s.tied)
}
