package engine

import (
	"strings"

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

// OperatorInfo is one state table of a materialized view.
type OperatorInfo struct {
	View   catalog.ID
	Name   string // what it is for: aggregate, join, distinct, ..., or how the view's rows are kept: keyed, multiset, packed
	Detail string // its shape
	Bytes  int64  // memory held
}

// Operators lists the state of all materialized views.
func (e *Engine) Operators() []OperatorInfo {
	e.publish.RLock()
	defer e.publish.RUnlock()
	var out []OperatorInfo
	for _, meta := range e.core.cat.Relations() {
		r := e.core.rels[meta.ID]
		if r == nil || r.view == nil {
			continue
		}
		for _, p := range r.view.Pages() {
			shape := p.Fingerprint()
			if _, rest, ok := strings.Cut(shape, " "); ok { // the format comes first
				shape = rest
			}
			name, _, _ := strings.Cut(shape, " ")
			out = append(out, OperatorInfo{View: meta.ID, Name: name, Detail: shape, Bytes: p.Bytes()})
		}
	}
	return out
}
