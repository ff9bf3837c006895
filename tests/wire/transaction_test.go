package wire

import (
	"slices"
	"strings"
	"testing"
)

// step is a simple query, and what it should give: the tags, "! code", or a value.
type step struct {
	sql    string
	want   string
	status byte
}

// run runs steps on one connection and compares answers and transaction status.
func run(t *testing.T, steps []step) {
	t.Helper()
	c := connect(t, start(t))
	for _, st := range steps {
		tags, rows, err := simple(t, c, st.sql)
		got := strings.Join(tags, ", ")
		if err != nil {
			got = "! " + code(err)
		} else if len(rows) > 0 {
			var cells []string
			for _, r := range rows {
				cells = append(cells, strings.Join(r, "|"))
			}
			got = strings.Join(cells, " ")
		}
		if got != st.want {
			t.Errorf("%s: %q, want %q", st.sql, got, st.want)
		}
		if s := c.PgConn().TxStatus(); st.status != 0 && s != st.status {
			t.Errorf("%s: status %c, want %c", st.sql, s, st.status)
		}
	}
}

func TestTransactions(t *testing.T) {
	run(t, []step{
		{"CREATE TABLE t (i int PRIMARY KEY)", "CREATE TABLE", 'I'},
		{"BEGIN", "BEGIN", 'T'},
		{"INSERT INTO t VALUES (1)", "INSERT 0 1", 'T'},
		{"SELECT count(*) FROM t", "1", 'T'},
		{"ROLLBACK", "ROLLBACK", 'I'},
		{"SELECT count(*) FROM t", "0", 'I'},
		{"START TRANSACTION; INSERT INTO t VALUES (1); END", "START TRANSACTION, INSERT 0 1, COMMIT", 'I'},
		{"SELECT count(*) FROM t", "1", 'I'},

		{"BEGIN", "BEGIN", 'T'},
		{"SELECT nosuch", "! 42703", 'E'},
		{"SELECT 1", "! 25P02", 'E'},
		{"INSERT INTO t VALUES (2)", "! 25P02", 'E'},
		{"COMMIT", "ROLLBACK", 'I'},

		{"BEGIN; INSERT INTO t VALUES (2); SAVEPOINT a; INSERT INTO t VALUES (3)", "BEGIN, INSERT 0 1, SAVEPOINT, INSERT 0 1", 'T'},
		{"INSERT INTO t VALUES (1)", "! 23505", 'E'},
		{"ROLLBACK TO a", "ROLLBACK", 'T'},
		{"SELECT i FROM t ORDER BY i", "1 2", 'T'},
		{"SAVEPOINT b; RELEASE a", "SAVEPOINT, RELEASE", 'T'},
		{"ROLLBACK TO b", "! 3B001", 'E'},
		{"ROLLBACK", "ROLLBACK", 'I'},
		{"SAVEPOINT a", "! 25P01", 'I'},

		// The statements of one query are one transaction, unless they say otherwise.
		{"INSERT INTO t VALUES (5); INSERT INTO t VALUES (1)", "! 23505", 'I'},
		{"INSERT INTO t VALUES (5); COMMIT; INSERT INTO t VALUES (6); SELECT nosuch", "! 42703", 'I'},
		{"SELECT i FROM t ORDER BY i", "1 5", 'I'},
		{"INSERT INTO t VALUES (7); BEGIN; INSERT INTO t VALUES (8)", "INSERT 0 1, BEGIN, INSERT 0 1", 'T'},
		{"ROLLBACK", "ROLLBACK", 'I'},
		{"SELECT i FROM t ORDER BY i", "1 5", 'I'},

		{"BEGIN READ ONLY", "BEGIN", 'T'},
		{"SHOW transaction_read_only", "on", 'T'},
		{"INSERT INTO t VALUES (9)", "! 25006", 'E'},
		{"ROLLBACK AND CHAIN", "ROLLBACK", 'T'},
		{"CREATE TABLE u (i int)", "! 25006", 'E'},
		{"ROLLBACK", "ROLLBACK", 'I'},
		{"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET", 'I'},
		{"DELETE FROM t", "! 25006", 'I'},
		{"BEGIN READ WRITE; DELETE FROM t WHERE i = 5; COMMIT", "BEGIN, DELETE 1, COMMIT", 'I'},
		{"RESET default_transaction_read_only", "RESET", 'I'},
		{"BEGIN ISOLATION LEVEL SERIALIZABLE; SHOW transaction_isolation", "serializable", 'T'},
		{"COMMIT", "COMMIT", 'I'},
	})
}

func TestTags(t *testing.T) {
	run(t, []step{
		{"CREATE TABLE t (i int PRIMARY KEY, s text)", "CREATE TABLE", 'I'},
		{"INSERT INTO t VALUES (1, 'a'), (2, 'b')", "INSERT 0 2", 'I'},
		{"CREATE TABLE u AS SELECT * FROM t", "SELECT 2", 'I'},
		{"CREATE TABLE IF NOT EXISTS u AS SELECT * FROM t", "CREATE TABLE AS", 'I'},
		{"SELECT count(*) FROM u", "2", 'I'},
		{"BEGIN; CREATE TABLE w AS SELECT * FROM u; ROLLBACK; SELECT to_regclass('w') IS NULL", "t", 'I'},
		{"UPDATE t SET s = 'x'", "UPDATE 2", 'I'},
		{"DELETE FROM t WHERE i = 1", "DELETE 1", 'I'},
		{"CREATE STREAM c (i int)", "CREATE STREAM", 'I'},
		{"CREATE SOURCE d (i int)", "CREATE SOURCE", 'I'},
		{"CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM c", "CREATE MATERIALIZED VIEW", 'I'},
		{"CREATE VIEW v AS SELECT 1 AS one", "CREATE VIEW", 'I'},
		{"CREATE OR REPLACE VIEW v AS SELECT 2 AS one", "CREATE VIEW", 'I'},
		{"CREATE SCHEMA x", "CREATE SCHEMA", 'I'},
		{"CREATE USER joe; ALTER USER joe PASSWORD 'x'; DROP USER joe", "CREATE ROLE, ALTER ROLE, DROP ROLE", 'I'},
		{"COMMENT ON TABLE t IS 'c'", "COMMENT", 'I'},
		{"TRUNCATE t", "TRUNCATE TABLE", 'I'},
		{"ALTER TABLE t RENAME TO tt", "ALTER TABLE", 'I'},
		{"DROP MATERIALIZED VIEW m; DROP VIEW v; DROP STREAM c; DROP SOURCE d; DROP SCHEMA x; DROP TABLE tt, u",
			"DROP MATERIALIZED VIEW, DROP VIEW, DROP STREAM, DROP SOURCE, DROP SCHEMA, DROP TABLE", 'I'},
		{"VACUUM; ANALYZE; CHECKPOINT; FLUSH", "VACUUM, ANALYZE, CHECKPOINT, FLUSH", 'I'},
		{"BEGIN; VACUUM", "! 25001", 'E'},
		{"ROLLBACK", "ROLLBACK", 'I'},
		{"GRANT SELECT ON pg_class TO public", "GRANT", 'I'},
		{"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'", "! 0A000", 'I'},
		{"CANCEL JOB 99", "! 42704", 'I'},
	})
}

func TestSettings(t *testing.T) {
	run(t, []step{
		{"SHOW TimeZone", "UTC", 'I'},
		{"SET TIME ZONE 'Europe/Berlin'", "SET", 'I'},
		{"SHOW timezone", "Europe/Berlin", 'I'},
		{"SELECT timestamptz '2026-07-01 12:00:00+00'", "2026-07-01 14:00:00+02", 'I'},
		{"SET TIME ZONE 'Nowhere'", "! 22023", 'I'},
		{"BEGIN; SET LOCAL TIME ZONE 'UTC'; SHOW TimeZone", "UTC", 'T'},
		{"COMMIT; SHOW TimeZone", "Europe/Berlin", 'I'},
		{"BEGIN; SET TimeZone = 'UTC'; ROLLBACK; SHOW TimeZone", "Europe/Berlin", 'I'},
		{"BEGIN; SET TimeZone = 'UTC'; SET LOCAL TimeZone = 'Asia/Tokyo'; COMMIT; SHOW TimeZone", "UTC", 'I'},
		{"BEGIN; SAVEPOINT a; SET TimeZone = 'Asia/Tokyo'; ROLLBACK TO a; COMMIT; SHOW TimeZone", "UTC", 'I'},
		{"SET statement_timeout = '2min'; SHOW statement_timeout", "2min", 'I'},
		{"SET statement_timeout TO DEFAULT; SHOW statement_timeout", "0", 'I'},
		{"SET work_mem = '64MB'; SHOW work_mem", "64MB", 'I'},
		{"SET work_mem = '1kB'", "! 22023", 'I'},
		{"SET nosuch = 1", "! 42704", 'I'},
		{"SHOW nosuch", "! 42704", 'I'},
		{"SET server_version = '1'", "! 55P02", 'I'},
		{"SET my.setting = 'x'; SHOW my.setting", "x", 'I'},
		{"SET client_encoding = 'utf-8'; SHOW client_encoding", "UTF8", 'I'},
		{"SET client_encoding = 'LATIN1'", "! 22023", 'I'},
		{"SET DateStyle = 'German'", "! 0A000", 'I'},
		{"SET DateStyle = 'iso, dmy'; SHOW DateStyle", "ISO, DMY", 'I'},
		{"SET standard_conforming_strings = off", "! 0A000", 'I'},
		{"SET search_path = a, \"B c\"; SHOW search_path", `a, "B c"`, 'I'},
		{"RESET ALL; SHOW search_path", `"$user", public`, 'I'},
		{"DISCARD ALL", "DISCARD ALL", 'I'},
		{"SET extra_float_digits = 3", "SET", 'I'},
		{"LISTEN x; NOTIFY x; UNLISTEN *", "LISTEN, NOTIFY, UNLISTEN", 'I'},
	})
}

func TestCursors(t *testing.T) {
	run(t, []step{
		{"CREATE TABLE t (i int PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3), (4), (5)", "CREATE TABLE, INSERT 0 5", 'I'},
		{"DECLARE c CURSOR FOR SELECT i FROM t ORDER BY i", "! 25P01", 'I'},
		{"BEGIN; DECLARE c CURSOR FOR SELECT i FROM t ORDER BY i", "BEGIN, DECLARE CURSOR", 'T'},
		{"FETCH c", "1", 'T'},
		{"FETCH 2 FROM c", "2 3", 'T'},
		{"MOVE c", "MOVE 1", 'T'},
		{"FETCH ALL FROM c", "5", 'T'},
		{"FETCH c", "FETCH 0", 'T'},
		{"FETCH BACKWARD 1 FROM c", "! 55000", 'E'},
		{"ROLLBACK", "ROLLBACK", 'I'},
		{"FETCH c", "! 34000", 'I'},
		{"BEGIN; DECLARE c SCROLL CURSOR FOR SELECT i FROM t ORDER BY i", "BEGIN, DECLARE CURSOR", 'T'},
		{"FETCH LAST c", "5", 'T'},
		{"FETCH PRIOR c", "4", 'T'},
		{"FETCH ABSOLUTE 2 c", "2", 'T'},
		{"FETCH RELATIVE 2 c", "4", 'T'},
		{"FETCH RELATIVE 0 c", "4", 'T'},
		{"FETCH BACKWARD ALL c", "3 2 1", 'T'},
		{"FETCH FIRST c", "1", 'T'},
		{"FETCH ABSOLUTE -2 c", "4", 'T'},
		{"CLOSE c", "CLOSE CURSOR", 'T'},
		{"CLOSE c", "! 34000", 'E'},
		{"ROLLBACK", "ROLLBACK", 'I'},
		{"DECLARE h CURSOR WITH HOLD FOR SELECT i FROM t ORDER BY i", "DECLARE CURSOR", 'I'},
		{"DELETE FROM t", "DELETE 5", 'I'},
		{"FETCH 2 h", "1 2", 'I'},
		{"FETCH ALL h", "3 4 5", 'I'},
		{"CLOSE ALL", "CLOSE CURSOR ALL", 'I'},
		{"BEGIN; DECLARE n NO SCROLL CURSOR WITH HOLD FOR VALUES (1), (2), (3); FETCH n; COMMIT", "1", 'I'},
		{"FETCH ALL n", "2 3", 'I'},
	})
}

func TestPrepare(t *testing.T) {
	run(t, []step{
		{"CREATE TABLE t (i int PRIMARY KEY, s text)", "CREATE TABLE", 'I'},
		{"PREPARE ins (int, text) AS INSERT INTO t VALUES ($1, $2)", "PREPARE", 'I'},
		{"EXECUTE ins (1, 'a'); EXECUTE ins (1 + 1, upper('b'))", "INSERT 0 1, INSERT 0 1", 'I'},
		{"EXECUTE ins (1)", "! 42601", 'I'},
		{"PREPARE sel AS SELECT s FROM t WHERE i = $1", "PREPARE", 'I'},
		{"EXECUTE sel (2)", "B", 'I'},
		{"PREPARE sel AS SELECT 1", "! 42P05", 'I'},
		{"PREPARE p AS CREATE TABLE x (i int)", "! 42601", 'I'},
		{"DEALLOCATE sel", "DEALLOCATE", 'I'},
		{"EXECUTE sel (2)", "! 26000", 'I'},
		{"DEALLOCATE ALL", "DEALLOCATE ALL", 'I'},
		{"EXECUTE ins (3, 'c')", "! 26000", 'I'},
	})
}

// TestReplan: a prepared statement lives on when the catalog changes under it.
func TestReplan(t *testing.T) {
	s := start(t)
	c, other := connect(t, s), connect(t, s)
	exec(t, other, "CREATE TABLE t (i int PRIMARY KEY)")
	if _, err := c.Prepare(ctx(t), "q", "SELECT * FROM t"); err != nil {
		t.Fatal(err)
	}
	exec(t, c, "q")
	exec(t, other, "CREATE TABLE u (i int)")
	exec(t, c, "q")
	exec(t, other, "DROP TABLE t")
	_, err := c.Exec(ctx(t), "q")
	wantCode(t, "the table is gone", err, "42P01")
	exec(t, other, "CREATE TABLE t (s text PRIMARY KEY)")
	_, err = c.Exec(ctx(t), "q")
	wantCode(t, "the columns are others", err, "0A000")
}

// TestPositions: the caret is under the right character, also behind wide ones.
func TestPositions(t *testing.T) {
	c := connect(t, start(t))
	for _, q := range []struct {
		sql string
		pos int
	}{
		{"SELECT nosuch", 8},
		{"SELECT 'äöü', nosuch", 15},
		{"SELECT 1; SELECT 'ä'; SELECT nosuch", 30},
		{"SELECT * FROM nosuch", 15},
		{"SELEC 1", 1},
		{"SELECT 1 +", 11},
	} {
		_, _, err := simple(t, c, q.sql)
		if p := position(err); p != q.pos {
			t.Errorf("%s: position %d, want %d (%v)", q.sql, p, q.pos, err)
		}
	}
}

// TestParameterStatus: the client is told at the start, and of changes.
func TestParameterStatus(t *testing.T) {
	c := connect(t, start(t), "application_name=me", "options=-c%20TimeZone%3DAsia/Tokyo")
	st := c.PgConn().ParameterStatus
	for name, want := range map[string]string{
		"application_name": "me", "client_encoding": "UTF8", "DateStyle": "ISO, MDY", "TimeZone": "Asia/Tokyo",
		"default_transaction_read_only": "off", "in_hot_standby": "off", "integer_datetimes": "on", "IntervalStyle": "postgres",
		"is_superuser": "on", "server_encoding": "UTF8", "session_authorization": "millrace", "standard_conforming_strings": "on",
	} {
		if got := st(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(st("server_version"), "15") {
		t.Errorf("server_version is %q", st("server_version"))
	}
	exec(t, c, "SET TimeZone = 'UTC'")
	if got := st("TimeZone"); got != "UTC" {
		t.Errorf("after SET the client believes in %q", got)
	}
	if _, _, err := simple(t, c, "BEGIN; SET TimeZone = 'Asia/Tokyo'; ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if got := st("TimeZone"); got != "UTC" {
		t.Errorf("after ROLLBACK the client believes in %q", got)
	}
}

func TestNotices(t *testing.T) {
	s := start(t)
	var notices []string
	c := connectNoticing(t, s, &notices)
	for _, sql := range []string{"DROP TABLE IF EXISTS nosuch", "COMMIT", "SET LOCAL work_mem = '1MB'", "BEGIN; BEGIN; COMMIT",
		"SET client_min_messages = error; COMMIT"} {
		exec(t, c, sql)
	}
	want := []string{
		`NOTICE 00000 table "nosuch" does not exist, skipping`,
		"WARNING 25P01 there is no transaction in progress",
		"WARNING 25P01 SET LOCAL can only be used in transaction blocks",
		"WARNING 25001 there is already a transaction in progress",
	}
	if !slices.Equal(notices, want) {
		t.Errorf("notices %q, want %q", notices, want)
	}
}
