package state

import "github.com/millracedb/millrace/sql/vec"

// Copies returns how many copies of each row of b a relation without a key holds. Like Lookup it must run where the state
// holds still.
func (r *Relation) Copies(b *vec.Batch) []int64 {
	if r.shape != multiset {
		panic("state: copies in a relation that is not a multiset")
	}
	codec := r.codec.Val.Clone()
	var k Keys
	codec.Encode(&k, b.Cols, b.N)
	out := make([]int64, b.N)
	for i := range out {
		if ref, ok := r.t.Find(k.Hash[i], k.At(i)); ok {
			out[i] = int64(le.Uint64(r.t.Value(ref)))
		}
	}
	return out
}
