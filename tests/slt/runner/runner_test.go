package runner

import (
	"strings"
	"testing"

	"github.com/millracedb/millrace/tests/rig"
)

// The runner itself, on PostgreSQL: what is right passes, and each way of being wrong is found.
func TestRunner(t *testing.T) {
	const good = `# oracle
statement ok
CREATE TEMP TABLE t (a int, b text);

statement count 3
INSERT INTO t VALUES (1, 'x y'), (2, NULL), (3, '')

query IT
SELECT a, b FROM t ORDER BY a
----
1 x y
2 NULL
3 (empty)

query I rowsort
SELECT a FROM t ORDER BY a DESC
----
1
2
3

query TTBR valuesort
SELECT E'a\nb\\', 'z', true, 1.50
----
1.50
a\nb\\
t
z

statement error 22012
SELECT 1/0

statement error 22012 ^22012: division by
SELECT 1/0

query error relation "nope" does not exist
SELECT * FROM nope

statement notice does not exist, skipping
DROP TABLE IF EXISTS nope

skipif postgres
statement ok
no SQL at all

onlyif millrace
query I
no SQL at all
----
1

copy in
COPY t FROM STDIN
----
4	\N
5	five

copy out
COPY (SELECT * FROM t WHERE a > 3 ORDER BY a) TO STDOUT
----
4	\N
5	five

connection other
query error 42P01
SELECT * FROM t

restart

halt

query I
SELECT 2
----
1
`
	if err := runOnPostgres(t, good); err != nil {
		t.Errorf("the good file failed: %v", err)
	}
	for _, tc := range []struct{ file, want string }{
		{"query I\nSELECT 1\n----\n2\n", "got\n\t\t1"},
		{"query I\nSELECT 1\n----\n1\n1\n", "expected"},
		{"query I\nSELECT 1\n", "got"},
		{"query II\nSELECT 1\n----\n1\n", "1 columns, expected 2"},
		{"query I\nSELECT 1.5\n----\n1.5\n", "expected I"},
		{"query I\nSELECT x\n----\n1\n", "42703"},
		{"statement ok\nSELECT 1/0\n", "division by zero"},
		{"statement error\nSELECT 1\n", "did not fail"},
		{"statement error 22012\nSELECT x\n", "another error: 42703"},
		{"statement error 22012 by one\nSELECT 1/0\n", "another error"},
		{"statement count 1\nSELECT 1 WHERE false\n", "changed 0 rows"},
		{"statement notice x\nSELECT 1\n", "no such notice"},
		{"copy out\nCOPY (SELECT 1) TO STDOUT\n----\n2\n", "got"},
	} {
		err := runOnPostgres(t, tc.file)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got %v", tc.file, err)
		}
	}
}

func runOnPostgres(t *testing.T, text string) error {
	t.Helper()
	f, err := parse(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	_, err = run(f, &system{name: "postgres", dsn: rig.Postgres(t)}, nil)
	return err
}

// The judge finds a system that answers otherwise, even where the file does not say what is right.
func TestJudge(t *testing.T) {
	f, err := parse("statement ok\nCREATE MATERIALIZED VIEW v AS SELECT 2 AS a\n\nquery I\nSELECT a FROM v\n----\n1\n\nquery I\nSELECT a::int8 FROM v\n\nstatement error\nSELECT 1/0\n")
	if err != nil {
		t.Fatal(err)
	}
	lies := func(sql string) string {
		return strings.NewReplacer("SELECT 2 AS", "SELECT 1 AS", "int8", "int4", "1/0", "nonsense").Replace(sql)
	}
	results, err := run(f, &system{name: "liar", dsn: rig.Database(t), rewrite: lies},
		&system{name: "postgres", dsn: rig.Database(t), rewrite: forPostgres})
	if err == nil {
		t.Fatal("nothing found")
	}
	for _, want := range []string{"PostgreSQL\n\t\t2", "columns of types [23], PostgreSQL [20]", `error "42703", PostgreSQL with "22012`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not found: %s\nin %v", want, err)
		}
	}
	if got := results[1]; len(got) != 1 || got[0] != "2" {
		t.Errorf("the result to write is %q, not PostgreSQL's", got)
	}
}

func TestRewrite(t *testing.T) {
	const before = "# c\n\nquery I\nSELECT 1\n----\nold\nolder\n\nquery I\nSELECT 2\n\nstatement ok\nSELECT 3\n\nquery I\nSELECT 4\n----\n"
	const after = "# c\n\nquery I\nSELECT 1\n----\n1\n\nquery I\nSELECT 2\n----\n2\n\nstatement ok\nSELECT 3\n\nquery I\nSELECT 4\n----\n4\n"
	f, err := parse(before)
	if err != nil {
		t.Fatal(err)
	}
	results, _ := run(f, &system{name: "postgres", dsn: rig.Postgres(t)}, nil)
	if got := f.rewrite(results); got != after {
		t.Errorf("got %q", got)
	}
}

func TestForPostgres(t *testing.T) {
	for in, want := range map[string]string{
		"CREATE STREAM s (a int)":                           "CREATE TABLE s (a int)",
		"create  materialized view v as select 'stream'":    "create  VIEW v as select 'stream'",
		"DROP MATERIALIZED VIEW IF EXISTS v":                "DROP VIEW IF EXISTS v",
		"drop stream s":                                     "drop TABLE s",
		"SELECT stream FROM t":                              "SELECT stream FROM t",
		"CREATE OR REPLACE MATERIALIZED VIEW v AS SELECT 1": "CREATE OR REPLACE VIEW v AS SELECT 1",
	} {
		if got := forPostgres(in); got != want {
			t.Errorf("%s: got %s", in, got)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for in, want := range map[string]string{
		"statement\nSELECT 1\n":                  "unknown directive",
		"statement perhaps\nSELECT 1\n":          "line 1: statement ok, error, notice or count",
		"\nstatement ok\n\n":                     "line 2: statement without SQL",
		"query X\nSELECT 1\n":                    "letters of IRBT?",
		"query I sorted\nSELECT 1\n":             `unknown option "sorted"`,
		"statement error (\nSELECT 1\n":          "missing closing )",
		"statement ok\nSELECT 1\n----\n1\n":      "a statement has no result",
		"statement count many\nSELECT 1\n":       "invalid syntax",
		"statement ok now\nSELECT 1\n":           `unexpected "now"`,
		"sleep 5s\n":                             "unknown directive",
		"query I\nSELECT 1\n\nreboot\n\nquery I": "line 4: unknown directive",
	} {
		if _, err := parse(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", in, err)
		}
	}
}
