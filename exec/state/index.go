package state

// index finds rows by hash: open addressing with linear probing over one flat array. An entry is the high 32 bits of
// the hash, then the row's Ref plus one; 0 is empty. An entry's home is given by the top bits of its hash, so that
// growing is one pass over the old array that writes the new one in order, and reads no row. Deletion shifts
// entries back: there are no tombstones.
type index struct {
	e     []uint64
	shift uint // home = hash32 >> shift
	n     int
}

const indexMin = 8

func hash32(h uint64) uint32 { return uint32(h >> 32) }

func indexEntry(h uint64, r Ref) uint64 { return h&^0xFFFFFFFF | uint64(uint32(r)+1) }

func entryRef(e uint64) Ref { return Ref(uint32(e) - 1) }

// reserve makes room for n entries in all.
func (x *index) reserve(n int) {
	size := max(len(x.e), indexMin)
	for n > size/4*3 {
		size *= 2
	}
	if size != len(x.e) {
		x.resize(size)
	}
}

func (x *index) resize(size int) {
	old := x.e
	x.e = make([]uint64, size)
	x.shift = 32
	for s := size; s > 1; s /= 2 {
		x.shift--
	}
	for _, e := range old {
		if e != 0 {
			x.place(e)
		}
	}
}

func (x *index) place(e uint64) {
	mask := len(x.e) - 1
	i := int(uint32(e>>32) >> x.shift)
	for x.e[i] != 0 {
		i = (i + 1) & mask
	}
	x.e[i] = e
}

// insert adds an entry; whether one with the same key exists is the caller's business.
func (x *index) insert(h uint64, r Ref) {
	if x.n >= len(x.e)/4*3 {
		x.reserve(x.n + 1)
	}
	x.place(indexEntry(h, r))
	x.n++
}

// position returns the place of the entry of row r, -1 if there is none.
func (x *index) position(h uint64, r Ref) int {
	if len(x.e) == 0 {
		return -1
	}
	want := indexEntry(h, r)
	mask := len(x.e) - 1
	for i := int(hash32(h) >> x.shift); x.e[i] != 0; i = (i + 1) & mask {
		if x.e[i] == want {
			return i
		}
	}
	return -1
}

// move makes the entry of row r name row to.
func (x *index) move(h uint64, r, to Ref) {
	if i := x.position(h, r); i >= 0 {
		x.e[i] = indexEntry(h, to)
	}
}

// remove deletes the entry of row r and closes the hole.
func (x *index) remove(h uint64, r Ref) {
	i := x.position(h, r)
	if i < 0 {
		return
	}
	mask := len(x.e) - 1
	x.n--
	for j := (i + 1) & mask; x.e[j] != 0; j = (j + 1) & mask {
		home := int(uint32(x.e[j]>>32) >> x.shift)
		if (j-home)&mask >= (j-i)&mask {
			x.e[i] = x.e[j]
			i = j
		}
	}
	x.e[i] = 0
}

func (x *index) clear() { *x = index{} }

func (x *index) bytes() int64 { return int64(cap(x.e)) * 8 }
