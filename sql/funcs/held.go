package funcs

// Held is about how many bytes acc holds for n groups.
func Held(acc Accumulator, n int) int64 {
	if h, ok := acc.(interface{ held() int64 }); ok {
		return h.held()
	}
	if w := acc.Width(); w >= 0 {
		return int64(n) * int64(w)
	}
	return int64(n) * sumState
}

// sumState is about the size of the state of a sum whose encoding has no fixed width.
const sumState = 128

func (a *collectAcc) held() int64 {
	n := int64(12*cap(a.s) + 4*cap(a.next))
	for _, v := range a.store {
		n += int64(v.MemSize())
	}
	return n
}

func (a *minMaxBytes) held() int64 { return int64(8*cap(a.s) + cap(a.arena)) }
