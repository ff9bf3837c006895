package storage

import (
	"slices"

	"github.com/klauspost/compress/s2"
)

// packer compresses pages, once, before Badger has them. Badger's own compression of blocks would do it again at every
// compaction, keep what waits to be written at its full size in memory and write-ahead logs, and take several times a
// table's size for building one.
type packer struct{ scratch []byte }

// Less is not worth the unpacking.
const leastSaved = 8 // a part of the page: one eighth

// pack returns the bytes to store for a page, which are a copy of their own if they are packed.
func (p *packer) pack(data []byte) (stored []byte, packed bool) {
	if n := s2.MaxEncodedLen(len(data)); n > cap(p.scratch) {
		if n < 0 {
			return data, false // larger than what can be packed
		}
		p.scratch = make([]byte, n)
	}
	out := s2.Encode(p.scratch[:cap(p.scratch)], data)
	if len(out) > len(data)-len(data)/leastSaved {
		return data, false
	}
	return slices.Clone(out), true
}

// unpack returns the page that was packed, in the memory of dst if it is large enough.
func unpack(dst, stored []byte) ([]byte, error) { return s2.Decode(dst[:cap(dst)], stored) }
