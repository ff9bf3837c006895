package op

import "github.com/millracedb/millrace/exec/state"

// refSums adds up a number for rows of a state table, in the order in which rows come first. It keeps its memory between
// steps.
type refSums struct {
	slots []int32 // open addressing: number of the row in refs, plus one
	shift uint    // home = hash >> shift
	refs  []state.Ref
	sums  []int64
}

func (m *refSums) home(r state.Ref) int { return int(uint32(r) * 0x9E3779B1 >> m.shift) }

// add adds d to the sum of row r.
func (m *refSums) add(r state.Ref, d int64) {
	if 4*len(m.refs) >= 3*len(m.slots) {
		m.grow()
	}
	mask := len(m.slots) - 1
	i := m.home(r)
	for ; m.slots[i] != 0; i = (i + 1) & mask {
		if n := m.slots[i] - 1; m.refs[n] == r {
			m.sums[n] += d
			return
		}
	}
	m.refs, m.sums = append(m.refs, r), append(m.sums, d)
	m.slots[i] = int32(len(m.refs))
}

// get is the sum of row r, 0 if it has none.
func (m *refSums) get(r state.Ref) int64 {
	if len(m.refs) == 0 {
		return 0
	}
	mask := len(m.slots) - 1
	for i := m.home(r); m.slots[i] != 0; i = (i + 1) & mask {
		if n := m.slots[i] - 1; m.refs[n] == r {
			return m.sums[n]
		}
	}
	return 0
}

func (m *refSums) grow() {
	size := max(16, 2*len(m.slots))
	m.slots, m.shift = make([]int32, size), 32
	for s := size; s > 1; s /= 2 {
		m.shift--
	}
	for n, r := range m.refs {
		i := m.home(r)
		for m.slots[i] != 0 {
			i = (i + 1) & (size - 1)
		}
		m.slots[i] = int32(n) + 1
	}
}

// reset empties m, at a cost that depends on what is in it.
func (m *refSums) reset() {
	if 16*len(m.refs) > len(m.slots) {
		clear(m.slots)
	} else {
		for _, r := range m.refs {
			for i := m.home(r); m.slots[i] != 0; i = (i + 1) & (len(m.slots) - 1) {
				m.slots[i] = 0
			}
		}
	}
	m.refs, m.sums = m.refs[:0], m.sums[:0]
}
