package parser

import (
	"testing"

	"github.com/millracedb/millrace/sql/pgerr"
)

// FuzzParse looks for texts that make the lexer, translator or decoder panic, that TiDB refuses after
// translation, or that do not survive being written back.
func FuzzParse(f *testing.F) {
	for _, c := range corpus(f) {
		f.Add(c.sql)
	}
	for _, d := range dialect {
		f.Add(d)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		stmts, err := Parse(sql)
		if pgerr.Is(err, pgerr.Internal) {
			t.Fatalf("%v\n%s", err, sql)
		}
		for _, s := range stmts {
			text := Deparse(s.Node)
			again, err := Parse(text)
			if err != nil || len(again) != 1 {
				t.Fatalf("written back: %v\n%q\n%q", err, sql, text)
			}
			if !sameTree(s.Node, again[0].Node) {
				t.Fatalf("another tree\n%q\n%q", sql, text)
			}
		}
	})
}

// FuzzExpr is FuzzParse for a single expression.
func FuzzExpr(f *testing.F) {
	for _, s := range []string{"a + b * -c", "x::int[]", "f(DISTINCT a ORDER BY b) FILTER (WHERE c)", "CASE WHEN a THEN b END",
		"a IN (1, 2) AND NOT b LIKE c ESCAPE d", "(ROW(1, 2)).f1", "x[1:2][3]", "interval '1' day", "U&'\\0041'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		e, err := ParseExpr(sql)
		if pgerr.Is(err, pgerr.Internal) {
			t.Fatalf("%v\n%s", err, sql)
		}
		if err != nil {
			return
		}
		text := Deparse(e)
		again, err := ParseExpr(text)
		if err != nil || !sameTree(e, again) {
			t.Fatalf("%v\n%q\n%q", err, sql, text)
		}
	})
}
