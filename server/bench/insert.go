package bench

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// tenViews are simple views over the stream events.
func tenViews() []string {
	var out []string
	for i := range 10 {
		out = append(out, fmt.Sprintf(
			"CREATE MATERIALIZED VIEW events_%d AS SELECT k %% %d AS k, count(*) AS n, sum(x) AS x FROM events GROUP BY k %% %d", i, 100+i, 100+i))
	}
	return out
}

// runInsert inserts single rows by a prepared statement, each durable when it returns.
func runInsert(ctx context.Context, b *bench) error {
	h, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer h.stop()
	t := newTable(b.Out, "clients", "", "inserts/s", "min..max", "p50", "p99", "ratio")
	for _, clients := range clientCounts(b.Clients, 1, 64) {
		rates := map[string][]float64{}
		times := map[string][]time.Duration{}
		for range b.Rounds {
			for _, s := range b.sides(h) {
				rate, lat, err := insertOnce(ctx, s, clients, or(b.Duration, 3*time.Second))
				if err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				rates[s.name] = append(rates[s.name], rate)
				times[s.name] = append(times[s.name], lat...)
			}
		}
		for _, s := range b.sides(h) {
			t.row(strconv.Itoa(clients), s.name, number(rates[s.name]), spread(rates[s.name]),
				millis(percentile(times[s.name], 0.5)), millis(percentile(times[s.name], 0.99)), ratio(rates[s.name], rates["postgres"]))
		}
	}
	t.flush()
	return nil
}

func clientCounts(given int, byDefault ...int) []int {
	if given > 0 {
		return []int{given}
	}
	return byDefault
}

func insertOnce(ctx context.Context, s system, clients int, d time.Duration) (float64, []time.Duration, error) {
	setup := append([]string{"DROP STREAM IF EXISTS events CASCADE", "CREATE STREAM events (k bigint, x bigint, note text)"}, tenViews()...)
	if s.name == "postgres" {
		setup = []string{"DROP TABLE IF EXISTS events", "CREATE TABLE events (k bigint, x bigint, note text)"}
	}
	if err := script(ctx, s.dsn, setup...); err != nil {
		return 0, nil, err
	}
	rate, lat, err := load(ctx, s.dsn, clients, d, func(c *pgx.Conn) (func(int) error, error) {
		if _, err := c.Prepare(ctx, "ins", "INSERT INTO events VALUES ($1, $2, $3)"); err != nil {
			return nil, err
		}
		note := []byte("an ordinary note of some length")
		return func(i int) error {
			k, x := strconv.AppendInt(nil, int64(mix(i)%1000), 10), strconv.AppendInt(nil, int64(i), 10)
			return c.PgConn().ExecPrepared(context.Background(), "ins", [][]byte{k, x, note}, nil, nil).Read().Err
		}, nil
	})
	if err != nil || s.name == "postgres" {
		return rate, lat, err
	}
	c, err := connect(ctx, s.dsn)
	if err != nil {
		return 0, nil, err
	}
	defer c.Close(ctx)
	return rate, lat, expect(ctx, c, "SELECT sum(n)::bigint FROM events_9", int64(len(lat)))
}

// load runs what prepare gives from so many connections at once for about d. It returns operations a second and how
// long each took.
func load(ctx context.Context, dsn string, clients int, d time.Duration, prepare func(*pgx.Conn) (func(i int) error, error)) (float64, []time.Duration, error) {
	ops := make([]func(int) error, clients)
	for i := range ops {
		c, err := connect(ctx, dsn)
		if err != nil {
			return 0, nil, err
		}
		defer c.Close(ctx)
		if ops[i], err = prepare(c); err != nil {
			return 0, nil, err
		}
	}
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	lat := make([][]time.Duration, clients)
	start := time.Now()
	for w, op := range ops {
		wg.Go(func() {
			for i := w; time.Since(start) < d && ctx.Err() == nil; i += clients {
				t := time.Now()
				if err := op(i); err != nil {
					failed.Store(&err)
					return
				}
				lat[w] = append(lat[w], time.Since(t))
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	if err := failed.Load(); err != nil {
		return 0, nil, *err
	}
	var all []time.Duration
	for _, l := range lat {
		all = append(all, l...)
	}
	return float64(len(all)) / took.Seconds(), all, ctx.Err()
}

// expect checks that a query answers n.
func expect(ctx context.Context, c *pgx.Conn, sql string, n int64) error {
	var got int64
	if err := c.QueryRow(ctx, sql, pgx.QueryExecModeSimpleProtocol).Scan(&got); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	if got != n {
		return fmt.Errorf("%s: %d, must be %d", sql, got, n)
	}
	return nil
}
