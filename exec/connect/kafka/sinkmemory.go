package kafka

import "github.com/twmb/franz-go/pkg/kgo"

// memory holds the records of one transaction: their structs in slabs, their keys and values in blocks. Neither moves once
// it is in use, since the client has pointers to them until the transaction is over.
type memory struct {
	slabs  [][]kgo.Record
	used   int // slabs in use
	blocks [][]byte
	block  int

	takenSlab, taken int // what take has returned: slabs in front of takenSlab, and so many records of it

	records int
	bytes   int
	changes uint64
	begun   bool // something was read for it, though it may have come to no record
}

// A slab is what is handed to the client at a time; a block holds keys and values.
const (
	slabRecords = 1024
	blockBytes  = 256 << 10
)

// reset makes the memory free: the client has let go of everything in it.
func (m *memory) reset() {
	for i := range m.blocks {
		m.blocks[i] = m.blocks[i][:0]
	}
	*m = memory{slabs: m.slabs, blocks: m.blocks}
}

// slab is where the next records go: it has room for two.
func (m *memory) slab() *[]kgo.Record {
	if m.used == 0 || len(m.slabs[m.used-1])+2 > slabRecords {
		if m.used == len(m.slabs) {
			m.slabs = append(m.slabs, make([]kgo.Record, 0, slabRecords))
		}
		m.slabs[m.used] = m.slabs[m.used][:0]
		m.used++
	}
	return &m.slabs[m.used-1]
}

// take returns records that it has not returned yet; none if there are no more.
func (m *memory) take() []kgo.Record {
	for m.takenSlab < m.used {
		slab := m.slabs[m.takenSlab]
		if from := m.taken; from < len(slab) {
			m.taken = len(slab)
			return slab[from:]
		}
		if m.takenSlab == m.used-1 {
			break // more may come to it
		}
		m.takenSlab, m.taken = m.takenSlab+1, 0
	}
	return nil
}

// bytesOf gives a place for the bytes that encode appends. A record has memory of its own if it does not fit into a block.
func (m *memory) bytesOf(encode func([]byte) ([]byte, error)) ([]byte, error) {
	if m.block == len(m.blocks) {
		m.blocks = append(m.blocks, make([]byte, 0, blockBytes))
	}
	b := m.blocks[m.block]
	if cap(b)-len(b) < blockBytes/8 {
		if m.block++; m.block == len(m.blocks) {
			m.blocks = append(m.blocks, make([]byte, 0, blockBytes))
		}
		b = m.blocks[m.block]
	}
	at := len(b)
	out, err := encode(b)
	if err != nil {
		return nil, err
	}
	m.bytes += len(out) - at
	if cap(out) == cap(b) { // else it has moved
		m.blocks[m.block] = out
	}
	return out[at:len(out):len(out)], nil
}
