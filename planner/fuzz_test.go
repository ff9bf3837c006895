package planner

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
)

// FuzzPlan plans whatever parses: every statement gives a plan or an error with a SQLSTATE that is not an internal one.
func FuzzPlan(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, block := range strings.Split(string(data), "\n\n") {
			body, _, _ := strings.Cut(block, "\n----\n")
			if _, sql, ok := strings.Cut(body, "\n"); ok {
				f.Add(sql)
			}
		}
	}
	s := &script{cat: testCatalog()}
	t := &testing.T{}
	for _, q := range []string{
		`CREATE TABLE t (id bigint PRIMARY KEY, name text, n numeric(8,2), g text, v int, f float8, at timestamptz)`,
		`CREATE TABLE a (id int PRIMARY KEY, x int, s text)`,
		`CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL, y bigint, s text)`,
		`CREATE STREAM clicks (user_id bigint, page text, ts timestamptz, amount numeric, WATERMARK FOR ts AS ts - INTERVAL '5 seconds')`,
		`CREATE VIEW w AS SELECT a.id, b.y FROM a LEFT JOIN b ON a.id = b.a_id`,
	} {
		if out := s.run(t, "exec", q); out != "" {
			f.Fatal(out)
		}
	}
	f.Fuzz(func(t *testing.T, sql string) {
		stmts, err := parser.Parse(sql)
		if err != nil {
			return
		}
		for _, st := range stmts {
			p, err := Plan(st.Node, s.env())
			if err != nil {
				if e := pgerr.Of(err); e.Code == pgerr.Internal {
					t.Fatalf("%s: %v", sql, err)
				}
				continue
			}
			if c, ok := p.Plan.(*physical.CreateRelation); ok && c.View != nil {
				roundTrip(t, c.View)
			}
			if q, ok := p.Plan.(*physical.Query); ok {
				physical.Explain(q.Root, q.Subplans)
			}
		}
	})
}
