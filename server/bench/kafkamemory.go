package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// runKafkaMemory samples the resident memory of a server while it works off a topic that is far ahead of it: a stream that
// keeps its rows, and two aggregating views over it.
func runKafkaMemory(ctx context.Context, b *bench) error {
	if b.DSN != "" || b.Profile != "" {
		return errors.New("it starts a server process of its own; run it without --dsn and --cpuprofile")
	}
	rows := or(b.Rows, 10_000_000)
	t, err := b.newTopic(ctx, fillLinger)
	if err != nil {
		return err
	}
	defer t.drop()
	if _, err := t.fill(ctx, rows, clickJSON); err != nil {
		return err
	}
	h, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer h.stop()
	c, err := connect(ctx, h.dsn)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	start := time.Now()
	err = script(ctx, h.dsn, t.stream("clicks", "JSON"), clickViews[0], clickViews[1])
	if err != nil {
		return err
	}
	samples, err := sampleMemory(ctx, h, c, rows)
	if err != nil {
		return err
	}
	took := time.Since(start)
	after, err := sampleMemory(ctx, h, c, 0)
	if err != nil {
		return err
	}
	out := newTable(b.Out, "", "resident, median", "most", "without files, median", "most")
	const parts = 4
	for i := range parts {
		part := samples[i*len(samples)/parts : (i+1)*len(samples)/parts]
		if len(part) > 0 {
			memoryRow(out, fmt.Sprintf("%d. quarter", i+1), part)
		}
	}
	memoryRow(out, "behind", samples)
	memoryRow(out, "then", after)
	out.flush()
	fmt.Fprintf(b.Out, "%s records in %.1f s, %d samples\n", thousands(float64(rows)), took.Seconds(), len(samples))
	return nil
}

// sampleMemory samples the server's memory until the view has so many rows; without rows, for a few seconds.
func sampleMemory(ctx context.Context, h *host, c *pgx.Conn, rows int) ([]memory, error) {
	const patience, afterwards = 10 * time.Minute, 5 * time.Second
	var samples []memory
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		m, err := h.memory()
		if err != nil {
			return nil, err
		}
		samples = append(samples, m)
		if rows == 0 {
			if time.Since(start) > afterwards {
				return samples, nil
			}
			continue
		}
		var n int64
		if err := c.QueryRow(ctx, "SELECT coalesce(sum(clicks), 0)::bigint FROM pages", pgx.QueryExecModeSimpleProtocol).Scan(&n); err != nil {
			return nil, err
		}
		switch {
		case n == int64(rows):
			return samples, nil
		case n > int64(rows) || time.Since(start) > patience:
			return nil, fmt.Errorf("%d of %d records arrived", n, rows)
		}
	}
}

func memoryRow(t *table, name string, samples []memory) {
	var resident, anon []float64
	for _, m := range samples {
		resident, anon = append(resident, float64(m.resident)/1e6), append(anon, float64(m.anon)/1e6)
	}
	t.row(name, number(resident)+" MB", thousands(slices.Max(resident))+" MB", number(anon)+" MB", thousands(slices.Max(anon))+" MB")
}
