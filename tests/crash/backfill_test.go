package crash

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/storage"
	"github.com/millracedb/millrace/tests/rig"
)

// The view is one that takes its time: some microseconds a row.
const (
	filledRows  = 200_000
	filledQuery = `SELECT id % 5000 AS slot, count(*) AS n, sum(length(regexp_replace(md5(id::text), '[0-9]+', '', 'g'))) AS letters,
		count(DISTINCT v) AS kinds FROM events GROUP BY 1`
)

// A view whose filling is cut off, in whatever way, leaves nothing: no name, no job, no page on disk. Ingest goes on
// meanwhile, and the name can be used afterwards.
func TestCutOffBackfillLeavesNothing(t *testing.T) {
	srv := rig.Millrace(t)
	srv.Exec("CREATE STREAM events (id bigint, v int)", "CREATE TABLE other (id int PRIMARY KEY)",
		fmt.Sprintf("INSERT INTO events SELECT g, g %% 7 FROM generate_series(1, %d) g", filledRows),
		"CREATE MATERIALIZED VIEW small AS SELECT v, count(*) AS n FROM events GROUP BY v")
	before := tablesOnDisk(t, srv)

	for _, c := range []struct {
		name, code string
		query      string // of the view, filledQuery if empty
		whole      bool   // make the same view afterwards, not a quicker one of that name
		cut        func(t *testing.T, creator *pgx.Conn)
	}{
		{name: "pg_cancel_backend", code: "57014", cut: func(t *testing.T, creator *pgx.Conn) {
			srv.Exec(fmt.Sprintf("SELECT pg_cancel_backend(%d)", creator.PgConn().PID()))
		}},
		{name: "CANCEL JOB", code: "57014", cut: func(t *testing.T, _ *pgx.Conn) {
			c := srv.Connect()
			var id int
			row(t, c, "SELECT id FROM millrace.jobs", &id)
			srv.Exec(fmt.Sprintf("CANCEL JOB %d", id))
		}},
		{name: "its input dropped", code: "42P01",
			query: "SELECT s.slot, s.n + o.n AS n FROM (" + filledQuery + ") s CROSS JOIN (SELECT count(*) AS n FROM other) o",
			cut:   func(t *testing.T, _ *pgx.Conn) { srv.Exec("DROP TABLE other") }},
		{name: "its client gone", cut: func(t *testing.T, creator *pgx.Conn) { _ = creator.PgConn().Conn().Close() }},
		{name: "kill -9", whole: true, cut: func(t *testing.T, _ *pgx.Conn) { srv.Kill9(); srv.Restart() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			creator := srv.Connect()
			failed := make(chan error, 1)
			go func() {
				_, err := creator.Exec(context.Background(), "CREATE MATERIALIZED VIEW filled AS "+cmp.Or(c.query, filledQuery))
				failed <- err
			}()
			midway(t, srv, failed)
			srv.Exec(fmt.Sprintf("INSERT INTO events VALUES (%d, 3)", filledRows+1)) // ingest goes on
			c.cut(t, creator)
			err := <-failed
			var pg *pgconn.PgError
			if err == nil || c.code != "" && (!errors.As(err, &pg) || pg.Code != c.code) {
				t.Fatalf("the statement ended with %v, expected %s", err, c.code)
			}
			nothingLeft(t, srv)
			if got := tablesOnDisk(t, srv); !slices.Equal(got, before) {
				t.Errorf("tables on disk: %v, before: %v", got, before)
			}
			again := "SELECT v AS slot, count(*) AS n FROM events GROUP BY 1"
			if c.whole {
				again = filledQuery
			}
			srv.Exec("CREATE MATERIALIZED VIEW filled AS " + again)
			conn := srv.Connect()
			if got, want := rows(t, conn, "SELECT * FROM filled ORDER BY slot"), rows(t, conn, again+" ORDER BY slot"); got != want {
				t.Error("the view made afterwards is not its query's result")
			}
			srv.Exec("DROP MATERIALIZED VIEW filled")
		})
	}
}

// midway waits until a backfill has done some of its rows.
func midway(t *testing.T, srv *rig.Server, failed <-chan error) {
	t.Helper()
	c := srv.Connect()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		var done, total int64
		err := c.QueryRow(context.Background(), "SELECT rows_done, rows_total FROM millrace.jobs WHERE relation = 'filled'").Scan(&done, &total)
		if err == nil && done > 0 && done < total {
			return
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			t.Fatal(err)
		}
		select {
		case err := <-failed:
			t.Fatalf("the view was never seen half filled: the statement ended with %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	t.Fatal("no backfill was seen")
}

// nothingLeft checks what SQL can see of a view that was not created.
func nothingLeft(t *testing.T, srv *rig.Server) {
	t.Helper()
	c := srv.Connect()
	rig.Eventually(t, 10*time.Second, func() error {
		for _, sql := range []string{
			"SELECT count(*) FROM millrace.jobs", "SELECT count(*) FROM pg_class WHERE relname = 'filled'",
			"SELECT count(*) FROM millrace.relations WHERE name = 'filled'", "SELECT count(*) FROM millrace.errors",
		} {
			var n int
			row(t, c, sql, &n)
			if n != 0 {
				return fmt.Errorf("%s: %d", sql, n)
			}
		}
		return nil
	})
}

// tablesOnDisk stops the server, which writes a checkpoint, lists the state tables that have pages, and starts it again.
func tablesOnDisk(t *testing.T, srv *rig.Server) []uint32 {
	t.Helper()
	srv.Stop()
	st, err := storage.Open(storage.Options{Dir: srv.DataDir()})
	if err != nil {
		t.Fatal(err)
	}
	tables := map[uint32]bool{}
	if err := st.LoadAll(func(id storage.PageID, _ []byte) error { tables[id.Table] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	srv.Restart()
	return slices.Sorted(maps.Keys(tables))
}
