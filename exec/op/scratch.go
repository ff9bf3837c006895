package op

import (
	"github.com/millracedb/millrace/sql/vec"
)

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
