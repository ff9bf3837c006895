package bench

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"
)

// runCopy loads one file of clicks by COPY FROM STDIN: into a stream with two views here, into a plain table there.
func runCopy(ctx context.Context, b *bench) error {
	rows := or(b.Rows, 1_000_000)
	var file []byte
	for i := range rows {
		file = appendClick(file, i)
	}
	h, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer h.stop()
	rates := map[string][]float64{}
	for range b.Rounds {
		for _, s := range b.sides(h) {
			took, err := copyOnce(ctx, s, file, rows)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			rates[s.name] = append(rates[s.name], float64(rows)/took.Seconds())
		}
	}
	t := newTable(b.Out, "", "rows/s", "min..max", "MB/s", "ratio")
	for _, s := range b.sides(h) {
		r := rates[s.name]
		mb := median(r) * float64(len(file)) / float64(rows) / 1e6
		t.row(s.name, number(r), spread(r), strconv.Itoa(int(mb)), ratio(r, rates["postgres"]))
	}
	t.flush()
	fmt.Fprintf(b.Out, "%d rows of %d bytes\n", rows, len(file)/rows)
	return nil
}

func copyOnce(ctx context.Context, s system, file []byte, rows int) (time.Duration, error) {
	setup := append([]string{"DROP STREAM IF EXISTS clicks CASCADE", "CREATE STREAM clicks (" + clickColumns + ")"}, clickViews...)
	if s.name == "postgres" {
		setup = []string{"DROP TABLE IF EXISTS clicks", "CREATE TABLE clicks (" + clickColumns + ")"}
	}
	if err := script(ctx, s.dsn, setup...); err != nil {
		return 0, err
	}
	c, err := connect(ctx, s.dsn)
	if err != nil {
		return 0, err
	}
	defer c.Close(ctx)
	start := time.Now()
	tag, err := c.PgConn().CopyFrom(ctx, bytes.NewReader(file), "COPY clicks FROM STDIN")
	took := time.Since(start)
	if err != nil {
		return 0, err
	}
	if tag.RowsAffected() != int64(rows) {
		return 0, fmt.Errorf("%d rows were copied, %d were sent", tag.RowsAffected(), rows)
	}
	if s.name == "postgres" {
		return took, nil
	}
	return took, expect(ctx, c, "SELECT sum(clicks)::bigint FROM pages", int64(rows))
}
