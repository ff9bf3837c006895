package state

import "bytes"

// Groups numbers the distinct keys of one step densely, 0, 1, 2, ... in order of first occurrence: the map that turns a
// batch's keys into group numbers for accumulators. It is emptied between steps at a cost that depends on what was in
// it, not on how large it ever was.
type Groups struct {
	e     []uint64 // high half of the hash | group + 1
	shift uint
	hash  []uint64 // by group
	keys  []byte
	off   []uint32
}

// Len is the number of groups.
func (g *Groups) Len() int { return len(g.hash) }

// Hash returns the hash of a group's key.
func (g *Groups) Hash(i int) uint64 { return g.hash[i] }

// Key returns a group's key.
func (g *Groups) Key(i int) []byte { return g.keys[g.off[i]:g.off[i+1]:g.off[i+1]] }

// Reset empties g.
func (g *Groups) Reset() {
	if len(g.hash) < len(g.e)/16 {
		mask := len(g.e) - 1
		for _, h := range g.hash {
			// Everything from the home on, up to a gap, is cleared: entries between belong to other groups of the step.
			for i := int(hash32(h) >> g.shift); g.e[i] != 0; i = (i + 1) & mask {
				g.e[i] = 0
			}
		}
	} else {
		clear(g.e)
	}
	g.hash, g.keys = g.hash[:0], g.keys[:0]
	g.off = append(g.off[:0], 0)
}

// Add returns the group of key i of k, and whether it is new.
func (g *Groups) Add(k *Keys, i int) (group int32, isNew bool) {
	if len(g.hash) >= len(g.e)/4*3 {
		g.grow()
	}
	h := k.Hash[i]
	key := k.At(i)
	mask := len(g.e) - 1
	p := int(hash32(h) >> g.shift)
	for {
		e := g.e[p]
		if e == 0 {
			break
		}
		if uint32(e>>32) == hash32(h) && bytes.Equal(g.Key(int(uint32(e))-1), key) {
			return int32(uint32(e) - 1), false
		}
		p = (p + 1) & mask
	}
	n := len(g.hash)
	if n == 0 {
		g.off = append(g.off[:0], 0)
	}
	g.e[p] = h&^0xFFFFFFFF | uint64(n+1)
	g.hash = append(g.hash, h)
	g.keys = append(g.keys, key...)
	g.off = append(g.off, uint32(len(g.keys)))
	return int32(n), true
}

// AddAll adds keys 0..k.N-1 and sets gids[i] to the group of key i; it appends the numbers of the keys that are new to
// fresh.
func (g *Groups) AddAll(k *Keys, gids, fresh []int32) []int32 {
	if k.width != intKey {
		for i := range k.N {
			n, isNew := g.Add(k, i)
			gids[i] = n
			if isNew {
				fresh = append(fresh, int32(i))
			}
		}
		return fresh
	}
	for i, h := range k.Hash[:k.N] {
		if len(g.hash) >= len(g.e)/4*3 {
			g.grow()
		}
		key := k.buf[intKey*i : intKey*i+intKey]
		word, null := le.Uint64(key), key[8]
		e := g.e
		mask := len(e) - 1
		p := int(hash32(h) >> g.shift)
		for {
			if e[p] == 0 {
				n, _ := g.Add(k, i)
				gids[i] = n
				fresh = append(fresh, int32(i))
				break
			}
			if uint32(e[p]>>32) == hash32(h) {
				n := uint32(e[p]) - 1
				old := g.keys[intKey*n:]
				if le.Uint64(old) == word && old[8] == null {
					gids[i] = int32(n)
					break
				}
			}
			p = (p + 1) & mask
		}
	}
	return fresh
}

// intKey is the width of the commonest key, one integer.
const intKey = 9

// Find returns the group of a key, -1 if there is none.
func (g *Groups) Find(h uint64, key []byte) int32 {
	if len(g.hash) == 0 {
		return -1
	}
	mask := len(g.e) - 1
	for p := int(hash32(h) >> g.shift); ; p = (p + 1) & mask {
		e := g.e[p]
		if e == 0 {
			return -1
		}
		if uint32(e>>32) == hash32(h) && bytes.Equal(g.Key(int(uint32(e))-1), key) {
			return int32(uint32(e) - 1)
		}
	}
}

func (g *Groups) grow() {
	n := max(16, 2*len(g.e))
	g.e = make([]uint64, n)
	g.shift = 32
	for s := n; s > 1; s /= 2 {
		g.shift--
	}
	mask := n - 1
	for i, h := range g.hash {
		p := int(hash32(h) >> g.shift)
		for g.e[p] != 0 {
			p = (p + 1) & mask
		}
		g.e[p] = h&^0xFFFFFFFF | uint64(i+1)
	}
}

// Size is the bytes held.
func (g *Groups) Size() int64 {
	return int64(8*cap(g.e) + 8*cap(g.hash) + cap(g.keys) + 4*cap(g.off))
}
