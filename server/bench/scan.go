package bench

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// runScan reads two views of 100 rows in turn: one whose rows were rewritten by 10 epochs, one by 10,000.
func runScan(ctx context.Context, b *bench) error {
	h, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer h.stop()
	const groups = 100
	rounds := []int{10, 10_000}
	for _, n := range rounds {
		if err := rewriteView(ctx, h.dsn, n, groups); err != nil {
			return err
		}
	}
	rates := map[int][]float64{}
	for range b.Rounds {
		for _, n := range rounds {
			rate, _, err := load(ctx, h.dsn, 1, or(b.Duration, 2*time.Second), func(c *pgx.Conn) (func(int) error, error) {
				if _, err := c.Prepare(ctx, "all", fmt.Sprintf("SELECT * FROM rewritten_%d", n)); err != nil {
					return nil, err
				}
				return func(int) error {
					res, err := c.Query(ctx, "all")
					if err != nil {
						return err
					}
					rows := 0
					for res.Next() {
						rows++
					}
					if err := res.Err(); err == nil && rows != groups {
						return fmt.Errorf("%d rows, must be %d", rows, groups)
					}
					return res.Err()
				}, nil
			})
			if err != nil {
				return err
			}
			rates[n] = append(rates[n], rate)
		}
	}
	t := newTable(b.Out, "epochs", "scans/s", "min..max", "ratio")
	for _, n := range rounds {
		t.row(thousands(float64(n)), number(rates[n]), spread(rates[n]), ratio(rates[n], rates[10]))
	}
	t.flush()
	return nil
}

// rewriteView makes a view of so many groups and runs epochs that change every one of them.
func rewriteView(ctx context.Context, dsn string, epochs, groups int) error {
	c, err := connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	name := fmt.Sprintf("changes_%d", epochs)
	for _, sql := range []string{
		"DROP STREAM IF EXISTS " + name + " CASCADE", "CREATE STREAM " + name + " (k bigint, x bigint)",
		fmt.Sprintf("CREATE MATERIALIZED VIEW rewritten_%d AS SELECT k, count(*) AS n, sum(x) AS x FROM %s GROUP BY k", epochs, name),
	} {
		if _, err := c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	var rows []string
	for k := range groups {
		rows = append(rows, fmt.Sprintf("(%d, $1)", k))
	}
	if _, err := c.Prepare(ctx, "ins", "INSERT INTO "+name+" VALUES "+strings.Join(rows, ", ")); err != nil {
		return err
	}
	for i := range epochs {
		if _, err := c.Exec(ctx, "ins", int64(i)); err != nil {
			return err
		}
	}
	return nil
}
