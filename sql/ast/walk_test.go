package ast_test

import (
	"reflect"
	"testing"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/parser"
)

// TestInspectReachesEveryNode compares Inspect with a walk by reflection over statements that have, between
// them, every place a node can stand.
func TestInspectReachesEveryNode(t *testing.T) {
	for _, sql := range []string{
		`WITH a AS (SELECT DISTINCT ON (q) $1 FROM x TABLESAMPLE m (1) REPEATABLE (2)) SELECT sum(DISTINCT b ORDER BY c) FILTER (WHERE d) OVER
		 (PARTITION BY e ORDER BY f ROWS BETWEEN g PRECEDING AND h FOLLOWING), CASE i WHEN j THEN k ELSE l END, m[n][o:p], (r).s, t::int, u COLLATE v,
		 w AT TIME ZONE x, ARRAY[y], ARRAY(SELECT 1), ROW(z), coalesce(a), nullif(b, c), greatest(d), grouping(e), date '2020-01-01'
		 FROM a JOIN LATERAL (VALUES (1, f), (2, g)) AS v ON h = ANY (i), f(j) AS (k int), TUMBLE(l, ts, m)
		 WHERE NOT EXISTS (SELECT 1) AND a IN (1, 2) OR b IN (SELECT 2) AND c BETWEEN d AND e AND f LIKE g ESCAPE h AND i IS NULL AND j IS TRUE AND k IS DISTINCT FROM l
		 GROUP BY ROLLUP (a), (SELECT 3) HAVING - b > 1 WINDOW w AS (ORDER BY c) ORDER BY d LIMIT e OFFSET f FOR UPDATE`,
		`INSERT INTO t VALUES (1, 'a') ON CONFLICT (lower(a)) WHERE b DO UPDATE SET c = d WHERE e RETURNING f`,
		`WITH a AS (DELETE FROM b USING c WHERE d RETURNING e) UPDATE f SET (g, h) = (SELECT 1, 2) FROM i WHERE j RETURNING k`,
		`CREATE TABLE a (b int DEFAULT c CHECK (d), CHECK (e))`,
		`CREATE STREAM a (b int, WATERMARK FOR c AS d)`, `CREATE TABLE a AS SELECT b`,
		`CREATE MATERIALIZED VIEW a AS SELECT b`, `CREATE VIEW a AS SELECT b`, `CREATE SINK a AS SELECT b`, `CREATE INDEX ON a (lower(b)) WHERE c`,
		`ALTER TABLE a ADD COLUMN b int DEFAULT c, ALTER d TYPE text USING e, ADD CHECK (f)`,
		`COPY (SELECT a) TO STDOUT`, `COPY a FROM STDIN WHERE b`, `PREPARE a (int) AS SELECT b`, `EXECUTE a (b)`, `DECLARE a CURSOR FOR SELECT b`,
		`EXPLAIN SELECT a`, `SUBSCRIBE (SELECT a)`,
	} {
		stmts, err := parser.Parse(sql)
		if err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
		seen := map[ast.Node]bool{}
		ast.Inspect(stmts[0].Node, func(n ast.Node) bool {
			seen[n] = true
			return true
		})
		reflected(reflect.ValueOf(stmts[0].Node), func(n ast.Node) {
			if !seen[n] {
				t.Errorf("Inspect does not reach %T at %d\n%s", n, n.Pos(), sql)
			}
		})
	}
}

// optional are nodes that hold nothing to look for: names, columns, options, frames.
func optional(n ast.Node) bool {
	switch n.(type) {
	case *ast.ObjectName, *ast.InsertColumn, *ast.Option, *ast.Frame, *ast.Set:
		return true
	}
	return false
}

// reflected calls visit for every pointer to a node below v.
func reflected(v reflect.Value, visit func(ast.Node)) {
	switch v.Kind() {
	case reflect.Interface:
		reflected(v.Elem(), visit)
	case reflect.Pointer:
		if n, ok := v.Interface().(ast.Node); ok && !v.IsNil() && !optional(n) {
			visit(n)
		}
		reflected(v.Elem(), visit)
	case reflect.Struct:
		for i := range v.NumField() {
			reflected(v.Field(i), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			reflected(v.Index(i), visit)
		}
	}
}
