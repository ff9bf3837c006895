package engine

import (
	"github.com/millracedb/millrace/sql/catalog"
)

// RelationSize is the number of rows of a relation and the bytes of memory they take; -1 where it has none. The rows of a
// stream are those ever added, and lie in the log.
func (e *Engine) RelationSize(id catalog.ID) (rows, bytes int64) {
	e.publish.RLock()
	defer e.publish.RUnlock()
	r := e.core.rels[id]
	switch {
	case r == nil:
		return -1, -1
	case r.stream != nil:
		return r.stream.rows, -1
	case r.reader() != nil:
		return r.reader().Rows(), r.reader().Bytes()
	}
	return -1, -1
}
