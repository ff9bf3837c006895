package planner

import (
	"fmt"
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/parser"
)

func benchScript(b *testing.B) *script {
	s := &script{cat: testCatalog()}
	t := &testing.T{}
	for _, q := range []string{
		`CREATE TABLE users (id bigint PRIMARY KEY, name text, country text, balance numeric(12,2) DEFAULT 0)`,
		`CREATE STREAM clicks (user_id bigint, page text, ts timestamptz)`,
	} {
		if out := s.run(t, "exec", q); out != "" {
			b.Fatal(out)
		}
	}
	return s
}

func benchPlan(b *testing.B, s *script, sql string) ast.Statement {
	stmts, err := parser.Parse(sql)
	if err != nil {
		b.Fatal(err)
	}
	return stmts[0].Node
}

// BenchmarkInsertValues is the fast path of a bulk INSERT: 1,000 rows of constants a plan.
func BenchmarkInsertValues(b *testing.B) {
	s := benchScript(b)
	var sql strings.Builder
	sql.WriteString("INSERT INTO users VALUES ")
	for i := range 1000 {
		if i > 0 {
			sql.WriteString(", ")
		}
		fmt.Fprintf(&sql, "(%d, 'user number %d', 'de', %d.50)", i, i, i)
	}
	stmt := benchPlan(b, s, sql.String())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Plan(stmt, s.env()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/row")
}

// BenchmarkPlan is the planning of statements that clients send all the time.
func BenchmarkPlan(b *testing.B) {
	for name, sql := range map[string]string{
		"lookup": "SELECT name, balance FROM users WHERE id = $1",
		"insert": "INSERT INTO clicks VALUES ($1, $2, $3)",
		"group":  "SELECT page, count(*), max(ts) FROM clicks GROUP BY page ORDER BY 2 DESC LIMIT 10",
		"join":   "SELECT u.country, count(*) FROM clicks c JOIN users u ON u.id = c.user_id WHERE u.country <> 'x' GROUP BY 1",
	} {
		b.Run(name, func(b *testing.B) {
			s := benchScript(b)
			stmt := benchPlan(b, s, sql)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Plan(stmt, s.env()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
