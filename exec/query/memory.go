package query

import (
	"strconv"

	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// memory counts what the nodes of a query hold at a time, and ends a query that holds too much with 53200. Rows on
// their way through do not count: a query that streams may read any number of them.
type memory struct {
	held, limit int64
}

// share is what one node holds. Its owner frees it when the node is closed, or has handed on what it held.
type share struct {
	m *memory
	n int64
}

// defaultMemory is the limit without a setting.
const defaultMemory = 1 << 30

// memoryLimit is the setting query_memory_limit in bytes.
func memoryLimit(fc *funcs.Ctx) int64 {
	if fc.Sys != nil {
		if s, ok := fc.Sys.Setting("query_memory_limit"); ok {
			if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
				return n
			}
		}
	}
	return defaultMemory
}

// set says how much is held now.
func (s *share) set(n int64) error {
	s.m.held += n - s.n
	s.n = n
	if s.m.held > s.m.limit {
		return pgerr.New(pgerr.OutOfMemory, "out of memory").
			WithDetail("The query needs more than query_memory_limit (%d bytes).", s.m.limit).
			WithHint("Raise query_memory_limit, or ask for fewer rows.")
	}
	return nil
}

// hold says that b, which grows, and more bytes beside it are held now.
func (s *share) hold(b *vec.Batch, more int64) error {
	for _, v := range b.Cols {
		if v != nil && len(v.Buf) > maxArena {
			return pgerr.New(pgerr.OutOfMemory, "out of memory").
				WithDetail("The query holds more than %d bytes of one column.", maxArena)
		}
	}
	return s.set(batchSize(b) + more)
}

func (s *share) free() {
	s.m.held -= s.n
	s.n = 0
}

// maxArena is how long the values of a column may get: offsets into them have 32 bits.
const maxArena = 1 << 31

// batchSize is the bytes that b takes.
func batchSize(b *vec.Batch) int64 {
	n := int64(64) + int64(8*cap(b.W))
	for _, v := range b.Cols {
		if v != nil {
			n += int64(v.MemSize())
		}
	}
	return n
}
