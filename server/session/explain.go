package session

import (
	"fmt"
	"time"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// runExplain answers EXPLAIN with the planner's lines; ANALYZE runs the statement first.
func runExplain(s *Session, po *portal) (outcome, error) {
	ex, ok := po.stmt.made.Plan.(*physical.ExplainPlan)
	if !ok {
		return outcome{}, pgerr.Unsupported("EXPLAIN of this statement")
	}
	if len(po.fields) != 1 {
		po.fields = wireFields(textFields("QUERY PLAN"))
	}
	lines := ex.Lines
	if c, ok := ex.Stmt.(*physical.CreateRelation); ok && c.View != nil { // the engine knows more than the planner
		flow, err := s.door.ExplainView(c.View)
		if err != nil {
			return outcome{}, err
		}
		lines = append(lines[:1:1], flow...)
	}
	b := vec.NewBatch(fieldTypes(po.fields), len(lines)+2)
	for _, l := range lines {
		appendTexts(b, l)
	}
	if ex.Analyze {
		start := time.Now()
		rows, err := s.drain(ex.Stmt, po.params)
		if err != nil {
			return outcome{}, err
		}
		appendTexts(b, fmt.Sprintf("Rows: %d", rows))
		appendTexts(b, fmt.Sprintf("Execution Time: %.3f ms", float64(time.Since(start).Microseconds())/1000))
	}
	return outcome{rows: &batchRows{b}, command: "EXPLAIN", count: noCount}, nil
}

// drain runs a plan to its end and counts its rows.
func (s *Session) drain(plan physical.Statement, params []vec.Scalar) (int64, error) {
	if _, ddl := plan.(physical.DDL); ddl {
		return 0, pgerr.New(pgerr.FeatureNotSupported, "EXPLAIN ANALYZE cannot run a statement that changes the catalog")
	}
	out, err := s.runPlan(plan, "EXPLAIN", params)
	if err != nil || out.rows == nil {
		return out.count, err
	}
	defer out.rows.Close()
	var n int64
	for {
		b, err := out.rows.Next()
		if err != nil || b == nil {
			return n, err
		}
		for i := range b.N {
			n += b.Weight(i)
		}
	}
}
