package query

import (
	"strconv"

	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// memory counts what a query holds of its inputs, and ends a query that holds too much with 53200.
type memory struct {
	held, limit int64
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

// add accounts for a batch that is kept.
func (m *memory) add(b *vec.Batch) error {
	m.held += int64(usedSize(b))
	if m.held > m.limit {
		return pgerr.New(pgerr.OutOfMemory, "out of memory").
			WithDetail("The query needs more than query_memory_limit (%d bytes).", m.limit).
			WithHint("Raise query_memory_limit, or ask for fewer rows.")
	}
	return nil
}

// batchSize is about what a batch takes beside its values: what is held of rows without columns.
const batchSize = 64

// usedSize is the bytes a copy of b takes, whatever room its vectors have.
func usedSize(b *vec.Batch) int {
	n := batchSize
	for _, v := range b.Cols {
		if v != nil {
			n += 8*len(v.I64) + 8*len(v.F64) + 4*len(v.Off) + 8*len(v.Nulls)
			if len(v.Off) > 0 {
				n += int(v.Off[len(v.Off)-1] - v.Off[0])
			}
		}
	}
	return n
}
