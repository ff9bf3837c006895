package op

import (
	"github.com/millracedb/millrace/sql/vec"
)

// takeRows makes dst, whose weights are kept in w between uses, the rows sel of src.
func takeRows(dst, src *vec.Batch, sel []int32, w []int64) []int64 {
	dst.Reset()
	for c, v := range dst.Cols {
		v.AppendSel(src.Cols[c], sel)
	}
	w = w[:0]
	for _, i := range sel {
		w = append(w, src.Weight(int(i)))
	}
	dst.N, dst.W = len(sel), w
	return w
}

func each(n int, sel []int32, f func(i int)) {
	if sel == nil {
		for i := range n {
			f(i)
		}
		return
	}
	for _, i := range sel {
		f(int(i))
	}
}

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, max(n, 2*cap(s)))
	}
	return s[:n]
}

// grow lengthens s to n; new elements are zero.
func grow[T any](s []T, n int) []T {
	old := len(s)
	if n <= cap(s) {
		s = s[:n]
		clear(s[old:])
		return s
	}
	t := make([]T, n, max(n, 2*cap(s)))
	copy(t, s)
	return t
}

// pick collects columns into a slice that is kept.
func pick(dst *[]*vec.Vec, cols []*vec.Vec, which []int) []*vec.Vec {
	*dst = (*dst)[:0]
	for _, k := range which {
		*dst = append(*dst, cols[k])
	}
	return *dst
}
