package state

import (
	"math/bits"

	"github.com/zeebo/xxh3"
)

// Multipliers of the short-key hash: odd, with half of their bits set.
const (
	mixA = 0xa0761d6478bd642f
	mixB = 0xe7037ed1a0b428db
)

// mix multiplies to 128 bits and folds: every input bit reaches the high half of the result, which the index uses.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// Hash hashes an encoded key. It decides where rows are found, in memory only: it is not part of any format.
func Hash(b []byte) uint64 {
	switch n := len(b); {
	case n == 9:
		return mix(le.Uint64(b)^mixA, le.Uint64(b[1:])^mixB)
	case n < 8:
		x := uint64(n)
		for _, c := range b {
			x = x<<8 | uint64(c)
		}
		return hashWord(x)
	case n <= 16:
		return mix(le.Uint64(b)^mixA, le.Uint64(b[n-8:])^mixB^uint64(n)<<32)
	}
	return xxh3.Hash(b)
}

func hashWord(x uint64) uint64 { return mix(x^mixA, mixB) }
