package bench

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// runLookup reads single rows by key: of a view here, of a table with a primary key there.
func runLookup(ctx context.Context, b *bench) error {
	h, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer h.stop()
	rows, clients := or(b.Rows, 100_000), or(b.Clients, 8)
	for _, s := range b.sides(h) {
		if err := fillLookup(ctx, s, rows); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	rates := map[string][]float64{}
	times := map[string][]time.Duration{}
	for range b.Rounds {
		for _, s := range b.sides(h) {
			rate, lat, err := lookupOnce(ctx, s, clients, rows, or(b.Duration, 3*time.Second))
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			rates[s.name] = append(rates[s.name], rate)
			times[s.name] = append(times[s.name], lat...)
		}
	}
	t := newTable(b.Out, "clients", "", "lookups/s", "min..max", "p50", "p99", "ratio")
	for _, s := range b.sides(h) {
		t.row(strconv.Itoa(clients), s.name, number(rates[s.name]), spread(rates[s.name]),
			millis(percentile(times[s.name], 0.5)), millis(percentile(times[s.name], 0.99)), ratio(rates[s.name], rates["postgres"]))
	}
	t.flush()
	return nil
}

func fillLookup(ctx context.Context, s system, rows int) error {
	setup := []string{"DROP STREAM IF EXISTS visits CASCADE", "CREATE STREAM visits (page text, ms bigint)",
		"CREATE MATERIALIZED VIEW page_visits AS SELECT page, count(*) AS n, sum(ms) AS ms FROM visits GROUP BY page"}
	into := "visits"
	if s.name == "postgres" {
		setup = []string{"DROP TABLE IF EXISTS page_visits", "CREATE TABLE page_visits (page text PRIMARY KEY, n bigint, ms numeric)"}
		into = "page_visits (page, ms)"
	}
	if err := script(ctx, s.dsn, setup...); err != nil {
		return err
	}
	c, err := connect(ctx, s.dsn)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	var file []byte
	for i := range rows {
		file = fmt.Appendf(file, "/page/%d\t%d\n", i, i)
	}
	if _, err := c.PgConn().CopyFrom(ctx, bytes.NewReader(file), "COPY "+into+" FROM STDIN"); err != nil {
		return err
	}
	if s.name == "postgres" {
		_, err = c.Exec(ctx, "VACUUM ANALYZE page_visits")
	}
	return err
}

func lookupOnce(ctx context.Context, s system, clients, rows int, d time.Duration) (float64, []time.Duration, error) {
	return load(ctx, s.dsn, clients, d, func(c *pgx.Conn) (func(int) error, error) {
		if _, err := c.Prepare(ctx, "get", "SELECT page, n, ms FROM page_visits WHERE page = $1"); err != nil {
			return nil, err
		}
		return func(i int) error {
			key := strconv.AppendInt([]byte("/page/"), int64(mix(i)%rows), 10)
			res := c.PgConn().ExecPrepared(context.Background(), "get", [][]byte{key}, nil, nil).Read()
			if res.Err == nil && len(res.Rows) != 1 {
				return fmt.Errorf("%d rows for a key", len(res.Rows))
			}
			return res.Err
		}, nil
	})
}
