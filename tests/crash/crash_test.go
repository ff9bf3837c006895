package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/millracedb/millrace/tests/rig"
)

// kills is how often the server is killed; MILLRACE_KILLS asks for a longer run.
func kills(t *testing.T) int {
	if s := os.Getenv("MILLRACE_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return 100
}

// batchRows is small, since every kill is followed by a recount of all there is.
const batchRows = 15

// load is what one writer knows: how far its statements were acknowledged. A statement that was under way at the kill
// may be there or not, but whole.
type load struct {
	name  string
	acked int // statements 1..acked are durable
	write func(ctx context.Context, c *pgx.Conn, n int) error
	// found checks what is there, and returns the number of statements found, which must be acked or acked+1.
	found func(t *testing.T, c *pgx.Conn) int
}

// view is a materialized view and its query, which is compared with it.
type view struct{ name, query string }

var views = []view{
	{"per_writer", "SELECT writer, count(*) AS n, max(seq) AS last, sum(seq) AS total FROM events GROUP BY writer"},
	{"recent", "SELECT seq % 100 AS slot, count(*) AS n FROM events GROUP BY 1"},
	{"joined", "SELECT a.id, a.balance, p.n FROM accounts a LEFT JOIN per_writer p ON p.writer = a.id"},
	{"total", "SELECT sum(balance) AS s, sum(changes) AS c FROM accounts"},
	{"per_part", "SELECT part, count(*) AS n, max(seq) AS last, sum(seq) AS total FROM feed GROUP BY part"},
	{"feed_slots", "SELECT f.seq % 50 AS slot, count(*) AS n, sum(a.id) AS ids FROM feed f JOIN accounts a ON a.id = f.seq % 10 GROUP BY 1"},
}

func TestNothingAcknowledgedIsLost(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	srv := rig.Millrace(t)
	source := startFeed(t)
	srv.Exec(
		source.stream(),
		"CREATE STREAM events (writer int, seq bigint, pad text)",
		"CREATE TABLE accounts (id int PRIMARY KEY, balance bigint, changes bigint)",
		"INSERT INTO accounts VALUES (0,0,0), (1,0,0), (2,0,0), (3,0,0), (4,0,0), (5,0,0), (6,0,0), (7,0,0), (8,0,0), (9,0,0)",
	)
	for _, v := range views {
		srv.Exec("CREATE MATERIALIZED VIEW " + v.name + " AS " + v.query)
	}
	loads := []*load{inserts(0), inserts(1), copies(2), copies(3), transfers(t), blocks(4)}
	var slowest time.Duration
	n := kills(t)
	for k := range n {
		after := time.Duration(20+r.IntN(180)) * time.Millisecond
		if k%8 == 7 { // long enough for a checkpoint, which the kill then hits or follows
			after += time.Duration(900+r.IntN(400)) * time.Millisecond
		}
		runUntilKilled(t, srv, loads, source, after)
		began := time.Now()
		srv.Restart()
		slowest = max(slowest, time.Since(began))
		c := srv.Connect()
		for _, l := range loads {
			if got := l.found(t, c); got != l.acked && got != l.acked+1 {
				t.Fatalf("kill %d: %s: %d statements are there, %d were acknowledged", k, l.name, got, l.acked)
			} else {
				l.acked = got
			}
		}
		source.check(t, c)
		sameAsRecomputed(t, c)
		_ = c.Close(context.Background())
	}
	source.finish(t, srv)
	total := 0
	for _, l := range loads {
		t.Logf("%s: %d statements", l.name, l.acked)
		total += l.acked
	}
	t.Logf("%d kills, %d statements, slowest restart %v", n, total, slowest)
}

// runUntilKilled lets every load write until the server is killed.
func runUntilKilled(t *testing.T, srv *rig.Server, loads []*load, source *feed, after time.Duration) {
	t.Helper()
	var wg sync.WaitGroup
	reader := srv.Connect()
	wg.Go(func() {
		source.watch(context.Background(), reader)
		_ = reader.Close(context.Background())
	})
	for _, l := range loads {
		c := srv.Connect()
		wg.Go(func() {
			for l.write(context.Background(), c, l.acked+1) == nil {
				l.acked++
			}
			_ = c.Close(context.Background())
		})
	}
	time.Sleep(after)
	srv.Kill9()
	wg.Wait()
}

// inserts writes one row a statement.
func inserts(w int) *load {
	return &load{
		name: fmt.Sprintf("writer %d, INSERT", w),
		write: func(ctx context.Context, c *pgx.Conn, n int) error {
			_, err := c.Exec(ctx, "INSERT INTO events VALUES ($1, $2, 'x')", w, n)
			return err
		},
		found: func(t *testing.T, c *pgx.Conn) int { return distinctRows(t, c, w, 1) },
	}
}

// copies writes a batch a statement.
func copies(w int) *load {
	return &load{
		name: fmt.Sprintf("writer %d, COPY", w),
		write: func(ctx context.Context, c *pgx.Conn, n int) error {
			var b strings.Builder
			for i := range batchRows {
				fmt.Fprintf(&b, "%d\t%d\t%s\n", w, (n-1)*batchRows+i+1, strings.Repeat("y", i%50))
			}
			_, err := c.PgConn().CopyFrom(ctx, strings.NewReader(b.String()), "COPY events FROM STDIN")
			return err
		},
		found: func(t *testing.T, c *pgx.Conn) int { return distinctRows(t, c, w, batchRows) },
	}
}

// blocks writes a transaction of three statements.
func blocks(w int) *load {
	return &load{
		name: fmt.Sprintf("writer %d, block", w),
		write: func(ctx context.Context, c *pgx.Conn, n int) error {
			return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
				for i := range 3 {
					if _, err := tx.Exec(ctx, "INSERT INTO events VALUES ($1, $2, NULL)", w, (n-1)*3+i+1); err != nil {
						return err
					}
				}
				return nil
			})
		},
		found: func(t *testing.T, c *pgx.Conn) int { return distinctRows(t, c, w, 3) },
	}
}

// distinctRows checks that a writer's rows are 1, 2, 3, ... once each, in whole statements.
func distinctRows(t *testing.T, c *pgx.Conn, w, perStatement int) int {
	t.Helper()
	var n, last, distinct int
	row(t, c, fmt.Sprintf("SELECT count(*), coalesce(max(seq), 0), count(DISTINCT seq) FROM events WHERE writer = %d", w), &n, &last, &distinct)
	if n != last || n != distinct || n%perStatement != 0 {
		t.Fatalf("writer %d: %d rows, %d distinct, the last is %d (%d a statement)", w, n, distinct, last, perStatement)
	}
	return n / perStatement
}

// transfers moves money between accounts.
func transfers(t *testing.T) *load {
	return &load{
		name: "transfers",
		write: func(ctx context.Context, c *pgx.Conn, n int) error {
			from, to := n%10, (n*7+1)%10
			if from == to {
				to = (to + 1) % 10
			}
			_, err := c.Exec(ctx, fmt.Sprintf(
				"UPDATE accounts SET balance = balance + CASE id WHEN %d THEN -5 ELSE 5 END, changes = changes + 1 WHERE id IN (%d, %d)", from, from, to))
			return err
		},
		found: func(t *testing.T, c *pgx.Conn) int {
			var sum, changes int
			row(t, c, "SELECT sum(balance), sum(changes) FROM accounts", &sum, &changes)
			if sum != 0 || changes%2 != 0 {
				t.Fatalf("balances add up to %d after %d changes", sum, changes)
			}
			return changes / 2
		},
	}
}

func row(t *testing.T, c *pgx.Conn, sql string, to ...any) {
	t.Helper()
	if err := c.QueryRow(context.Background(), sql).Scan(to...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// sameAsRecomputed compares each view with its query over what is there now. Both are read in one transaction, at one
// epoch, because records of the feed keep coming.
func sameAsRecomputed(t *testing.T, c *pgx.Conn) {
	t.Helper()
	err := pgx.BeginTxFunc(context.Background(), c, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(pgx.Tx) error {
		for _, v := range views {
			got, want := rows(t, c, "SELECT * FROM "+v.name+" ORDER BY 1"), rows(t, c, v.query+" ORDER BY 1")
			if got != want {
				t.Fatalf("view %s:\n%s\nrecomputed:\n%s", v.name, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func rows(t *testing.T, c *pgx.Conn, sql string) string {
	t.Helper()
	rs, err := c.Query(context.Background(), sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer rs.Close()
	var out strings.Builder
	for rs.Next() {
		for _, v := range rs.RawValues() {
			fmt.Fprintf(&out, "%s|", v)
		}
		out.WriteByte('\n')
	}
	if err := rs.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out.String()
}
