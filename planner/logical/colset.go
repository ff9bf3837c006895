package logical

import "math/bits"

// ColSet is a set of columns.
type ColSet struct{ words []uint64 }

// SetOf returns the set of the given columns.
func SetOf(ids ...ColID) ColSet {
	var s ColSet
	for _, id := range ids {
		s.Add(id)
	}
	return s
}

// Add puts id into the set.
func (s *ColSet) Add(id ColID) {
	w := int(id >> 6)
	for len(s.words) <= w {
		s.words = append(s.words, 0)
	}
	s.words[w] |= 1 << (id & 63)
}

// AddAll puts the members of t into the set.
func (s *ColSet) AddAll(t ColSet) {
	for len(s.words) < len(t.words) {
		s.words = append(s.words, 0)
	}
	for i, w := range t.words {
		s.words[i] |= w
	}
}

// Remove takes the members of t out of the set.
func (s *ColSet) Remove(t ColSet) {
	for i := range min(len(s.words), len(t.words)) {
		s.words[i] &^= t.words[i]
	}
}

// Has reports whether id is a member.
func (s ColSet) Has(id ColID) bool {
	w := int(id >> 6)
	return w < len(s.words) && s.words[w]&(1<<(id&63)) != 0
}

// Empty reports whether there are no members.
func (s ColSet) Empty() bool {
	for _, w := range s.words {
		if w != 0 {
			return false
		}
	}
	return true
}

// Within reports whether every member is one of t's.
func (s ColSet) Within(t ColSet) bool {
	for i, w := range s.words {
		if i >= len(t.words) {
			if w != 0 {
				return false
			}
		} else if w&^t.words[i] != 0 {
			return false
		}
	}
	return true
}

// Meets reports whether s and t have a member in common.
func (s ColSet) Meets(t ColSet) bool {
	for i := range min(len(s.words), len(t.words)) {
		if s.words[i]&t.words[i] != 0 {
			return true
		}
	}
	return false
}

// Clone returns a copy that may be changed.
func (s ColSet) Clone() ColSet { return ColSet{append([]uint64(nil), s.words...)} }

// Union returns the members of both.
func (s ColSet) Union(t ColSet) ColSet {
	c := s.Clone()
	c.AddAll(t)
	return c
}

// List returns the members in ascending order.
func (s ColSet) List() []ColID {
	var out []ColID
	for i, w := range s.words {
		for ; w != 0; w &= w - 1 {
			out = append(out, ColID(i<<6+bits.TrailingZeros64(w)))
		}
	}
	return out
}
