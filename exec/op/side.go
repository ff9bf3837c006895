package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// side is one input of a join.
type side struct {
	Kept               // its rows, if they are needed
	types []types.Type // its columns
	codec *state.Codec // of keys
	count *state.Table // key -> number of rows, if the other side's rows are matched by key alone
	track matchRule    // what of this side's rows is output beside the pairs
	all   *state.Projection
	word  bool // rows carry their number of matches

	// The step: its rows, their keys, chains of rows by key.
	d      *vec.Batch
	keys   state.Keys
	vecs   []*vec.Vec
	null   []bool // by row: the key is null
	group  []int32
	groups state.Groups
	sum    []int64     // by group: weight
	head   []int32     // by group: first row
	next   []int32     // by row
	first  []state.Ref // by row: the first row of the other side's state with its key
	flips  []int32     // groups of the other side whose matches move to or from 0
	m      []int64     // by row: matches after the step
	match  []bool      // by group: it has a match after the step
	dm     refSums     // by stored row: change of its matches
}

// matchRule says which rows of a side are output by their number of matches.
type matchRule int8

const (
	ignoreMatches matchRule = iota
	keepUnmatched
	keepMatched
)

func (s *side) init(n physical.Node, keys []int, nulls bool, other *side, name string) {
	s.types = fieldTypes(n)
	s.Kept = Kept{Input: n, Key: keys, Nulls: nulls, other: other, name: name}
	kt := make([]types.Type, len(keys))
	for i, c := range keys {
		kt[i] = s.types[c]
	}
	s.codec = state.NewKeyCodec(kt)
	s.d = vec.NewBatch(s.types, 0)
	s.groups.Reset()
}

// keep makes the table of the side's rows, if they are needed; word: each counts its matches.
func (s *side) keep(tables *TableAlloc, retract, rows, word bool) {
	s.word, s.point = word, !word
	id := tables.Next()
	if rows {
		s.arrange(id, s.types, retract, word)
		every := make([]int, len(s.types))
		for i := range every {
			every[i] = i
		}
		s.all = s.rows.Codec().Project(every)
	}
}

// counts makes the table of counts that the other side, which follows rule, needs of this one.
func (s *side) counts(tables *TableAlloc, rule matchRule) {
	if rule == ignoreMatches {
		return
	}
	s.count = state.NewTable(tables.Next(), "matches "+s.codec.Shape(), s.codec.Width(), 8)
}

// index finds the keys of the step's rows and chains rows of equal keys.
func (s *side) index(nullSafe bool) {
	n := s.d.N
	s.vecs = pick(&s.vecs, s.d.Cols, s.Key)
	s.codec.Encode(&s.keys, s.vecs, n)
	if n > 0 && s.rows != nil {
		s.rows.offer()
	}
	s.null, s.group, s.next = sized(s.null, n), sized(s.group, n), sized(s.next, n)
	clear(s.null)
	if !nullSafe {
		for _, v := range s.vecs {
			if v.Nulls == nil {
				continue
			}
			for i := range n {
				s.null[i] = s.null[i] || v.Nulls.Get(i)
			}
		}
	}
	if s.word {
		s.m = sized(s.m, n)
		clear(s.m)
	}
	for i := n - 1; i >= 0; i-- { // so that chains run in the order of the rows
		if s.null[i] {
			continue
		}
		g, isNew := s.groups.Add(&s.keys, i)
		if isNew {
			s.sum, s.head = append(s.sum, 0), append(s.head, -1)
		}
		s.sum[g] += s.d.Weight(i)
		s.group[i], s.next[i] = g, s.head[g]
		s.head[g] = int32(i)
	}
}

// probe finds the first row of b's state for each row of the step, split over shards if there are many: what costs most is
// to wait for memory.
func (a *side) probe(s *Step, b *side) {
	n := a.d.N
	a.first = sized(a.first, n)
	if shards := s.shards(n); shards > 1 {
		Parallel(shards, shards, func(p int) { a.probeRange(b, p*n/shards, (p+1)*n/shards) })
	} else {
		a.probeRange(b, 0, n)
	}
}

func (a *side) probeRange(b *side, lo, hi int) {
	for i := lo; i < hi; i++ {
		a.first[i] = b.rows.First(a.keys.Hash[i], a.keys.At(i))
	}
}

func (s *side) countBefore(h uint64, key []byte) int64 {
	if ref, ok := s.count.Find(h, key); ok {
		return int64(le.Uint64(s.count.Value(ref)))
	}
	return 0
}

func (s *side) countAfter(h uint64, key []byte) int64 {
	n := s.countBefore(h, key)
	if g := s.groups.Find(h, key); g >= 0 {
		n += s.sum[g]
	}
	return n
}

func (s *side) commit() {
	if s.word {
		for k, ref := range s.dm.refs {
			s.rows.AddExtra(ref, s.dm.sums[k])
		}
	}
	if s.d.N > 0 && s.rows != nil && s.rows.claim() {
		s.commitRows()
	}
	if s.count == nil {
		return
	}
	var b [8]byte
	for g, d := range s.sum {
		h, key := s.groups.Hash(g), s.groups.Key(g)
		ref, ok := s.count.Find(h, key)
		if !ok {
			if d != 0 {
				le.PutUint64(b[:], uint64(d))
				s.count.Insert(h, key, b[:])
			}
			continue
		}
		if n := int64(le.Uint64(s.count.Value(ref))) + d; n == 0 {
			s.count.Delete(ref, h)
		} else if d != 0 {
			le.PutUint64(b[:], uint64(n))
			s.count.Update(ref, h, b[:])
		}
	}
}

func (s *side) commitRows() {
	for i := range s.d.N {
		if s.null[i] {
			continue
		}
		m := int64(0)
		if s.word {
			m = s.m[i]
		}
		s.rows.Apply(&s.keys, s.d.Cols, i, s.d.Weight(i), m)
	}
}

func (s *side) reset() {
	s.dm.reset()
	if s.d.N == 0 {
		return
	}
	if s.d.N > keepRows {
		s.d = vec.NewBatch(s.types, 0)
	}
	s.d.Reset()
	s.groups.Reset()
	s.sum, s.head = s.sum[:0], s.head[:0]
}

// keepRows is the size up to which the memory of a step's rows is kept for the next step.
const keepRows = 1 << 16
