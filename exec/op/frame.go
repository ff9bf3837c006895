package op

import (
	"github.com/millracedb/millrace/planner/physical"
)

// part is a partition in order: rows base to base+n of all. Rows are counted from its first.
type part struct {
	base, n int
	// peer[i] is the first row that the order does not tell apart from row i; behind[i] comes after the last.
	peer, behind []int32
	ordered      bool // there is an ORDER BY; else all rows are peers
}

// frame is the rows [lo, hi) of row i's frame; lo >= hi if it is empty.
func (f *windowFunc) frame(p part, i int) (lo, hi int) {
	n := p.n
	lo, hi = 0, n
	switch f.Frame.Mode {
	case "rows":
		lo, hi = rowBound(f.Frame.Start, i, n), rowBound(f.Frame.End, i, n)+1
	case "groups", "range":
		lo, hi = groupBound(p, f.Frame.Start, i, false), groupBound(p, f.Frame.End, i, true)
	default: // none given: up to the last peer
		hi = int(p.behind[i])
		if !p.ordered {
			hi = n
		}
	}
	return max(lo, 0), min(hi, n)
}

func rowBound(b physical.Bound, i, n int) int {
	off := int(min(b.Offset, int64(n)))
	switch b.Kind {
	case "unbounded preceding":
		return 0
	case "preceding":
		return i - off
	case "following":
		return i + off
	case "unbounded following":
		return n - 1
	}
	return i
}

// groupBound is where a frame begins, or with end ends, that is bounded by whole groups of peers: the first row of the group
// that b means for row i, or the row behind its last.
func groupBound(p part, b physical.Bound, i int, end bool) int {
	at := int(p.peer[i])
	if end {
		at = int(p.behind[i])
	}
	switch b.Kind {
	case "unbounded preceding":
		return 0
	case "unbounded following":
		return p.n
	case "preceding":
		for k := int64(0); k < b.Offset && at > 0; k++ {
			at = int(p.peer[at-1])
		}
	case "following":
		for k := int64(0); k < b.Offset && at < p.n; k++ {
			at = int(p.behind[at])
		}
	}
	return at
}
