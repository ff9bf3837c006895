package engine

import (
	"fmt"
	"time"

	"github.com/millracedb/millrace/planner/physical"
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

// OperatorInfo is one operator of a materialized view, or what keeps the view's rows.
type OperatorInfo struct {
	View   catalog.ID
	Name   string // as EXPLAIN has it
	Detail string
	Rows   int64 // changes put out since the server started
	Bytes  int64 // memory held; what several views share counts for the first of them
	Time   time.Duration
}

// Operators lists the operators of all materialized views.
func (e *Engine) Operators() []OperatorInfo {
	e.publish.RLock()
	defer e.publish.RUnlock()
	c := e.core
	var out []OperatorInfo
	for _, meta := range c.cat.Relations() {
		for _, o := range c.graph.Operators(meta.ID) {
			detail := o.Detail
			for _, k := range o.Kept {
				if detail != "" {
					detail += "; "
				}
				detail += k.Text(c.nameOf)
				if k.Saved > 0 {
					detail += fmt.Sprintf(" (saves %d bytes)", k.Saved)
				}
			}
			out = append(out, OperatorInfo{View: meta.ID, Name: o.Title, Detail: detail, Rows: o.Rows, Bytes: o.Bytes, Time: o.Time})
		}
	}
	return out
}

func (c *core) nameOf(id catalog.ID) string {
	if r := c.cat.Relation(id); r != nil {
		return r.Name
	}
	return fmt.Sprint(id)
}

// ExplainView prints the dataflow of a view that might be made now, and what of its state other views or tables have.
func (e *Engine) ExplainView(plan *physical.View) ([]string, error) {
	since := e.retainedFrom(plan.Reads)
	e.publish.RLock()
	defer e.publish.RUnlock()
	return e.core.graph.Explain(plan, since, e.core.nameOf)
}
