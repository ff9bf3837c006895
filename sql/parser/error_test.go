package parser

import (
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/pgerr"
)

// TestErrors checks code, message and place. The mark ^ stands before what the position points at.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ sql, code, message string }{
		{"^selec 1", "42601", `syntax error at or near "selec"`},
		{"select 1 ^where from", "", ""},
		{"select * from t where^", "42601", "syntax error at end of input"},
		{"select (1^", "42601", "syntax error at end of input"},
		{"select ^'abc", "42601", `unterminated quoted string at or near "'abc"`},
		{`select ^"abc`, "42601", `unterminated quoted identifier at or near ""abc"`},
		{"select ^$a$ b", "42601", `unterminated dollar-quoted string at or near "$a$ b"`},
		{"select 1 ^/* /* */", "42601", `unterminated /* comment at or near "/* /* */"`},
		{`select ^""`, "42601", `zero-length delimited identifier at or near """"`},
		{"select ^1a", "42601", `trailing junk after numeric literal at or near "1a"`},
		{"select ^$1a", "42601", `trailing junk after parameter at or near "$1a"`},
		{`select ^E'\u12'`, "22025", "invalid Unicode escape"},
		{"select ^B'012'", "22P02", `"2" is not a valid binary digit`},
		{"select ^X'0g'", "22P02", `"g" is not a valid hexadecimal digit`},
		{"select ^$0", "42P02", "there is no parameter $0"},
		{"select ^$99999999999", "42P02", "there is no parameter $99999999999"},
		{"select 1 limit 1^, 2", "42601", "LIMIT #,# syntax is not supported"},
		{"(select 1 limit 1) ^limit 2", "42601", "multiple LIMIT clauses not allowed"},
		{"(select 1 order by 1) ^order by 1", "42601", "multiple ORDER BY clauses not allowed"},
		{"select 1 < 2 ^< 3", "42601", `syntax error at or near "<"`},
		{"select 1 is distinct from 2 ^is null", "42601", `syntax error at or near "is"`},
		{"select sum(a) over (rows between ^current row and 1 preceding) from t", "", ""},
		{"select 1 ^into t", "0A000", "SELECT INTO is not supported"},
		{"^merge into t using s on true when matched then delete", "0A000", "MERGE is not supported"},
		{"with recursive a as (select 1) ^search depth first by x set y select 1", "0A000", "SEARCH clause of a recursive query is not supported"},
		{"select 1 from t group by ^distinct a", "0A000", "GROUP BY DISTINCT is not supported"},
		{"select ^xmlparse(document 'x')", "0A000", "XMLPARSE is not supported"},
		{"select a ^is json", "0A000", "IS JSON is not supported"},
		{"create table t (a int) ^partition by range (a)", "0A000", "PARTITION BY is not supported"},
		{"update t set a^[1] = 2", "0A000", "assignment to part of a column is not supported"},
		{"delete from t where ^current of c", "0A000", "WHERE CURRENT OF is not supported"},
		{"select x::float(^54)", "", ""},
		{"select * from ^a.b.c.d", "42601", "improper qualified name (too many dotted names): a.b.c.d"},
		{"create view v as select 1; select ^from; selec", "", ""},
		{"select 1; ^bogus", "42601", `syntax error at or near "bogus"`},
		{"select 1 ^\x00", "22021", `invalid byte sequence for encoding "UTF8": 0x00`},
		{"insert into t (a) values (1^", "42601", "syntax error at end of input"},
		{"create stream s (a int) with ^connector = 'x'", "42601", `syntax error at or near "connector"`},
	} {
		if c.code == "" {
			continue
		}
		at := strings.IndexByte(c.sql, '^')
		sql := c.sql[:at] + c.sql[at+1:]
		_, err := Parse(sql)
		e := pgerr.Of(err)
		if e == nil || e.Code != c.code || e.Message != c.message || e.Position != at+1 {
			t.Errorf("%s\ngot  %+v\nwant %s %s at %d", sql, e, c.code, c.message, at+1)
		}
	}
}

// TestDepth checks that deep and long input ends in an error or a tree, never in a crash.
func TestDepth(t *testing.T) {
	const n = 50000
	for name, sql := range map[string]string{
		"parentheses": "select " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n),
		"subqueries":  strings.Repeat("select (", n) + "1",
		"not":         "select " + strings.Repeat("not ", n) + "true",
		"minus":       "select " + strings.Repeat("- ", n) + "a",
		"plus":        "select 1" + strings.Repeat(" + 1", n),
		"casts":       "select 1" + strings.Repeat("::int", n),
		"case":        "select " + strings.Repeat("case when ", n) + "true",
		"joins":       "select * from a" + strings.Repeat(" join a on true", n),
		"unions":      "select 1" + strings.Repeat(" union select 1", n),
		"nested from": strings.Repeat("select * from (", n) + "t",
		"arrays":      "select array" + strings.Repeat("[", n),
		"fields":      "select (a)" + strings.Repeat(".b", n),
		"explain":     strings.Repeat("explain ", n) + "select 1",
		"with":        strings.Repeat("with a as (", n) + "select 1",
		"calls":       "select " + strings.Repeat("f(", n),
		"options":     "create sink s from v with (a = " + strings.Repeat("(", n),
		"groups":      "select 1 group by " + strings.Repeat("rollup(", n),
	} {
		if _, err := Parse(sql); !pgerr.Is(err, pgerr.StatementTooComplex) {
			t.Errorf("%s: %.200v", name, err)
		}
	}
	for name, sql := range map[string]string{
		"and":    "select * from t where a = 1" + strings.Repeat(" and a = 1", n),
		"or":     "select * from t where a = 1" + strings.Repeat(" or a = 1", n),
		"in":     "select a in (1" + strings.Repeat(", 1", n) + ")",
		"fields": "select 1" + strings.Repeat(", 1", n),
		"from":   "select * from t" + strings.Repeat(", t", 2000),
		"parens": "select " + strings.Repeat("(", 500) + "1" + strings.Repeat(")", 500),
		"plus":   "select 1" + strings.Repeat(" + 1", 4000),
	} {
		if _, err := Parse(sql); err != nil {
			t.Errorf("%s: %.200v", name, err)
		}
	}
}

// TestSplit checks the pieces of a text with several statements.
func TestSplit(t *testing.T) {
	stmts, err := Parse(";; select $2 ; -- x\n select ';' ;;")
	if err != nil || len(stmts) != 2 {
		t.Fatalf("%d statements, %v", len(stmts), err)
	}
	if s := stmts[0]; s.Text != "select $2" || s.Start != 3 || s.End != 12 || s.Params != 2 {
		t.Errorf("first is %+v", s)
	}
	if s := stmts[1]; s.Text != "select ';'" || s.Params != 0 {
		t.Errorf("second is %+v", s)
	}
	if stmts, err := Parse("  -- nothing\n"); err != nil || len(stmts) != 0 {
		t.Errorf("%v, %v", stmts, err)
	}
}
