package engine

import (
	"maps"
	"math"
	"sync"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// sequences are the current values of sequences. A value is drawn at once, in no transaction, as in PostgreSQL. Each
// epoch logs the sequences that moved, so a row that carries a value is never durable before the sequence is past it.
type sequences struct {
	mu     sync.Mutex
	seqs   map[catalog.ID]*sequence
	moved  map[catalog.ID]bool
	loaded map[catalog.ID]int64 // values from the manifest or the log, of sequences not made yet
}

type sequence struct {
	def  *catalog.SequenceDef
	name string
	next int64 // what nextval answers
	over bool  // past the last value
}

func (s *sequences) init() {
	s.seqs, s.moved, s.loaded = map[catalog.ID]*sequence{}, map[catalog.ID]bool{}, map[catalog.ID]int64{}
}

// create starts a sequence, at the value that recovery found if there is one. One that its transaction has used already
// goes on.
func (s *sequences) create(meta *catalog.Relation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seqs[meta.ID] != nil {
		return
	}
	q := &sequence{def: meta.Seq, name: meta.Name, next: meta.Seq.Start}
	if v, ok := s.loaded[meta.ID]; ok {
		q.next = v
	}
	s.seqs[meta.ID] = q
}

func (s *sequences) drop(id catalog.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.seqs, id)
	delete(s.moved, id)
	delete(s.loaded, id)
}

// set records a value from the log at replay.
func (s *sequences) set(id catalog.ID, next int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded[id] = next
	if q := s.seqs[id]; q != nil {
		q.next = next
	}
}

func (s *sequences) values() map[catalog.ID]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[catalog.ID]int64{}
	for id, q := range s.seqs {
		out[id] = q.next
	}
	return out
}

// takeDirty returns the sequences that moved since the last call.
func (s *sequences) takeDirty() map[catalog.ID]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.moved) == 0 {
		return nil
	}
	out := map[catalog.ID]int64{}
	for id := range s.moved {
		if q := s.seqs[id]; q != nil {
			out[id] = q.next
		}
	}
	clear(s.moved)
	return out
}

// markDirty puts back what an epoch took that came to nothing.
func (s *sequences) markDirty(m map[catalog.ID]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range maps.Keys(m) {
		s.moved[id] = true
	}
}

func (s *sequences) dirty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.moved) > 0
}

// restart sets the sequences owned by a table back to their start (TRUNCATE ... RESTART IDENTITY).
func (s *sequences) restart(cat *catalog.Snapshot, table catalog.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, q := range s.seqs {
		if q.def.OwnedBy == table && cat.Relation(id) != nil {
			q.next, q.over = q.def.Start, false
			s.moved[id] = true
		}
	}
}

// NextVal draws the next value of a sequence.
func (e *Engine) NextVal(id catalog.ID) (int64, error) {
	s := &e.seqs
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.seqs[id]
	if q == nil {
		return 0, pgerr.Newf(pgerr.UndefinedTable, "sequence with OID %d does not exist", id)
	}
	v := q.next
	if q.over || v > q.def.Max || v < q.def.Min {
		if !q.def.Cycle {
			if q.def.Increment > 0 {
				return 0, pgerr.Newf("2200H", `nextval: reached maximum value of sequence "%s" (%d)`, q.name, q.def.Max)
			}
			return 0, pgerr.Newf("2200H", `nextval: reached minimum value of sequence "%s" (%d)`, q.name, q.def.Min)
		}
		v = q.def.Min
		if q.def.Increment < 0 {
			v = q.def.Max
		}
	}
	q.advance(v)
	s.moved[id] = true
	return v, nil
}

func (q *sequence) advance(v int64) {
	inc := q.def.Increment
	q.over = inc > 0 && v > math.MaxInt64-inc || inc < 0 && v < math.MinInt64-inc
	if !q.over {
		q.next = v + inc
	}
}

// SetVal is setval(): the next value is v, or the one after it if called.
func (e *Engine) SetVal(id catalog.ID, v int64, called bool) error {
	s := &e.seqs
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.seqs[id]
	if q == nil {
		return pgerr.Newf(pgerr.UndefinedTable, "sequence with OID %d does not exist", id)
	}
	if v < q.def.Min || v > q.def.Max {
		return pgerr.Newf(pgerr.NumericValueOutOfRange, `setval: value %d is out of bounds for sequence "%s" (%d..%d)`,
			v, q.name, q.def.Min, q.def.Max)
	}
	q.next, q.over = v, false
	if called {
		q.advance(v)
	}
	s.moved[id] = true
	return nil
}

// flushSequences logs sequences that moved without an epoch to carry them.
func (e *Engine) flushSequences() {
	ct := e.newCut()
	ct.answer(ct.commit())
}

// idAllocator gives out catalog ids; an id is never given twice in the life of a data directory.
type idAllocator struct {
	mu   sync.Mutex
	next catalog.ID
}

func (a *idAllocator) alloc(e *Engine, n int) catalog.ID {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.next = max(a.next, e.Catalog().NextID())
	id := a.next
	a.next += catalog.ID(n)
	return id
}
