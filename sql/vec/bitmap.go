package vec

import (
	"math/bits"
	"unsafe"
)

// Bitmap is a set of row numbers, 64 a word. As a null bitmap, nil means "no row".
type Bitmap []uint64

// Get reports whether row i is in the set. Rows past the end are not.
func (b Bitmap) Get(i int) bool { return i>>6 < len(b) && b[i>>6]&(1<<(uint(i)&63)) != 0 }

// Set adds row i, which the bitmap must have room for.
func (b Bitmap) Set(i int) { b[i>>6] |= 1 << (uint(i) & 63) }

// Clear removes row i.
func (b Bitmap) Clear(i int) { b[i>>6] &^= 1 << (uint(i) & 63) }

// NewBitmap returns an empty set with room for n rows.
func NewBitmap(n int) Bitmap { return make(Bitmap, (n+63)>>6) }

// Count returns the number of rows in the set.
func (b Bitmap) Count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

func (b Bitmap) grow(n int) Bitmap {
	for len(b) < (n+63)>>6 {
		b = append(b, 0)
	}
	return b
}

// slice returns the rows [lo, hi) of b, renumbered from 0; nil if none of them is in the set. It copies: the last
// word of a shared bitmap would show rows past hi.
func (b Bitmap) slice(lo, hi int) Bitmap {
	var s Bitmap
	shift := uint(lo) & 63
	for k := range (hi - lo + 63) >> 6 {
		w := b.word(lo>>6+k) >> shift
		if shift > 0 {
			w |= b.word(lo>>6+k+1) << (64 - shift)
		}
		if left := hi - lo - k<<6; left < 64 {
			w &= 1<<uint(left) - 1
		}
		if w == 0 {
			continue
		}
		if s == nil {
			s = NewBitmap(hi - lo)
		}
		s[k] = w
	}
	return s
}

// word returns word k, 0 past the end.
func (b Bitmap) word(k int) uint64 {
	if k < len(b) {
		return b[k]
	}
	return 0
}

func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// ExtendNulls marks the nulls of values [base, base+rows), which v already holds, from a little-endian bitmap of
// rows bits; an empty one means none.
func (v *Vec) ExtendNulls(base, rows int, bitmap []byte) {
	if len(bitmap) > 0 {
		v.Nulls = v.Nulls.grow(base + rows)
		for i := range rows {
			if bitmap[i>>3]&(1<<(uint(i)&7)) != 0 {
				v.Nulls.Set(base + i)
			}
		}
	} else if v.Nulls != nil {
		v.Nulls = v.Nulls.grow(base + rows)
	}
}
