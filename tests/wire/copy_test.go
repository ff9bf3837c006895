package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

func TestCopyInAndOut(t *testing.T) {
	c := connect(t, start(t))
	exec(t, c, "CREATE TABLE t (i int PRIMARY KEY, s text DEFAULT 'dflt', n numeric, ts timestamptz)")
	in := func(sql, data string) (string, error) {
		tag, err := c.PgConn().CopyFrom(ctx(t), strings.NewReader(data), sql)
		return tag.String(), err
	}
	out := func(sql string) string {
		t.Helper()
		var b bytes.Buffer
		if _, err := c.PgConn().CopyTo(ctx(t), &b, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return b.String()
	}
	if tag, err := in("COPY t FROM STDIN", "1\ta\\tb\t1.50\t2026-01-02 03:04:05+00\n2\t\\N\t\\N\t\\N\n"); err != nil || tag != "COPY 2" {
		t.Fatalf("%s %v", tag, err)
	}
	if tag, err := in("COPY t (n, i) FROM STDIN (FORMAT csv, HEADER)", "n,i\n7,3\n"); err != nil || tag != "COPY 1" {
		t.Fatalf("%s %v", tag, err)
	}
	if got, want := out("COPY (SELECT * FROM t ORDER BY i) TO STDOUT"),
		"1\ta\\tb\t1.50\t2026-01-02 03:04:05+00\n2\t\\N\t\\N\t\\N\n3\tdflt\t7\t\\N\n"; got != want {
		t.Errorf("text: %q, want %q", got, want)
	}
	if got, want := out("COPY (SELECT i, s, n FROM t ORDER BY i) TO STDOUT WITH (FORMAT csv, HEADER, FORCE_QUOTE (s))"),
		"i,s,n\n1,\"a\tb\",1.50\n2,,\n3,\"dflt\",7\n"; got != want {
		t.Errorf("csv: %q, want %q", got, want)
	}
	if got := out("COPY t (i) TO STDOUT"); strings.Count(got, "\n") != 3 {
		t.Errorf("a column: %q", got)
	}
	// The binary form goes round.
	data := out("COPY (SELECT i + 10, s, n, ts FROM t) TO STDOUT (FORMAT binary)")
	if tag, err := in("COPY t FROM STDIN (FORMAT binary)", data); err != nil || tag != "COPY 3" {
		t.Fatalf("binary: %s %v", tag, err)
	}
	if got := value(t, c, "SELECT count(*) FROM t a JOIN t b ON b.i = a.i + 10 AND a.s IS NOT DISTINCT FROM b.s AND a.n IS NOT DISTINCT FROM b.n"); got != "3" {
		t.Errorf("%s rows came back from binary as they were, want 3", got)
	}
	for _, q := range []struct{ sql, data, code string }{
		{"COPY t FROM STDIN", "x\n", "22P02"},
		{"COPY t FROM STDIN", "100\n", "22P04"},
		{"COPY t FROM STDIN", "1\ta\t1\t\\N\n", "23505"},
		{"COPY t (i) FROM STDIN", "\\N\n", "23502"},
		{"COPY nosuch FROM STDIN", "", "42P01"},
		{"COPY t (nosuch) FROM STDIN", "", "42703"},
		{"COPY t FROM STDIN (FORMAT xml)", "", "22023"},
		{"COPY t FROM STDIN (nosuch 1)", "", "42601"},
		{"COPY t FROM STDIN (FORMAT csv, DELIMITER 'ab')", "", "0A000"},
		{"COPY t FROM STDIN (FORMAT binary)", "nonsense", "22P04"},
		{"COPY t FROM '/etc/passwd'", "", "0A000"},
	} {
		_, err := in(q.sql, q.data)
		wantCode(t, q.sql, err, q.code)
	}
	if got := value(t, c, "SELECT count(*) FROM t"); got != "6" {
		t.Errorf("%s rows after failed loads, want 6", got)
	}
}

// TestCopyFail: the client gives up, and nothing is kept.
func TestCopyFail(t *testing.T) {
	s := start(t)
	c := connect(t, s)
	exec(t, c, "CREATE STREAM s (i int)")
	r := login(t, s)
	r.wantTypes("start", "G", &pgproto3.Query{String: "COPY s FROM STDIN"})
	r.wantTypes("give up", "EZ", &pgproto3.CopyData{Data: []byte("1\n2\n")}, &pgproto3.CopyFail{Message: "changed my mind"})
	r.wantTypes("usable", "TDCZ", &pgproto3.Query{String: "SELECT 1"})
	r.wantTypes("start", "G", &pgproto3.Query{String: "COPY s FROM STDIN"})
	r.wantTypes("something else in between", "EZ", &pgproto3.Query{String: "SELECT 1"})
	r.wantTypes("extended", "12GCZ", &pgproto3.Parse{Query: "COPY s FROM STDIN"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{},
		&pgproto3.CopyData{Data: []byte("1\n")}, &pgproto3.CopyDone{}, &pgproto3.Sync{})
	if got := value(t, c, "SELECT count(*) FROM s"); got != "1" {
		t.Errorf("%s rows, want 1", got)
	}
}

// TestCopyFromDriver loads with pgx's CopyFrom, which is binary.
func TestCopyFromDriver(t *testing.T) {
	c := connect(t, start(t))
	exec(t, c, "CREATE STREAM s (i bigint, s text, f float8, ts timestamptz, b bool)")
	const rows = 10_000
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	n, err := c.CopyFrom(ctx(t), pgx.Identifier{"s"}, []string{"i", "s", "f", "ts", "b"}, pgx.CopyFromSlice(rows, func(i int) ([]any, error) {
		return []any{int64(i), fmt.Sprint("row ", i), float64(i) / 2, at, i%2 == 0}, nil
	}))
	if err != nil || n != rows {
		t.Fatalf("%d %v", n, err)
	}
	if got := value(t, c, "SELECT sum(i) FROM s WHERE b AND ts = '2026-01-02 03:04:05+00'"); got != "24995000" {
		t.Errorf("sum %s, want 24995000", got)
	}
}
