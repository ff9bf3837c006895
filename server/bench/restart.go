package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// runRestart loads groups, ends the server, and measures the time from process start to the first answer: after
// SIGTERM, and after SIGKILL.
func runRestart(ctx context.Context, b *bench) error {
	if b.DSN != "" {
		return errors.New("it starts and stops a server of its own; run it without --dsn")
	}
	sizes := []int{1_000_000, 10_000_000}
	if b.Rows > 0 {
		sizes = []int{b.Rows}
	}
	t := newTable(b.Out, "groups", "after SIGTERM", "min..max ms", "after SIGKILL", "min..max ms")
	for _, n := range sizes {
		clean, killed, err := restarts(ctx, b, n)
		if err != nil {
			return err
		}
		t.row(thousands(float64(n)), number(clean)+" ms", spread(clean), number(killed)+" ms", spread(killed))
	}
	t.flush()
	return nil
}

func restarts(ctx context.Context, b *bench, groups int) (clean, killed []float64, err error) {
	sub := *b
	sub.dir, sub.Profile = b.dir, ""
	h := &host{dir: b.dir + "/" + strconv.Itoa(groups), logs: b.dir + "/log"}
	if err := h.start(ctx, false); err != nil {
		return nil, nil, err
	}
	defer h.stop()
	if err := fillGroups(ctx, h.dsn, groups); err != nil {
		return nil, nil, err
	}
	again := func(end func()) (float64, error) {
		end()
		start := time.Now()
		if err := h.start(ctx, false); err != nil {
			return 0, err
		}
		c, err := connect(ctx, h.dsn)
		if err != nil {
			return 0, err
		}
		defer c.Close(ctx)
		err = expect(ctx, c, "SELECT n FROM counts WHERE k = 77", 1)
		took := time.Since(start)
		if err == nil {
			err = expect(ctx, c, "SELECT count(*) FROM counts", int64(groups))
		}
		return float64(took.Milliseconds()), err
	}
	for range b.Rounds {
		ms, err := again(h.stop)
		if err != nil {
			return nil, nil, err
		}
		clean = append(clean, ms)
		if err := script(ctx, h.dsn, "INSERT INTO other VALUES (1)"); err != nil {
			return nil, nil, err
		}
		if ms, err = again(h.kill); err != nil {
			return nil, nil, err
		}
		killed = append(killed, ms)
	}
	return clean, killed, nil
}

// fillGroups makes a view of so many groups, one event each.
func fillGroups(ctx context.Context, dsn string, groups int) error {
	if err := script(ctx, dsn, "CREATE STREAM events (k bigint)", countView, "CREATE STREAM other (k bigint)"); err != nil {
		return err
	}
	c, err := connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	const part = 1_000_000
	for at := 0; at < groups; at += part {
		var file []byte
		for i := at; i < min(at+part, groups); i++ {
			file = strconv.AppendInt(file, int64(i), 10)
			file = append(file, '\n')
		}
		if _, err := c.PgConn().CopyFrom(ctx, bytes.NewReader(file), "COPY events FROM STDIN"); err != nil {
			return fmt.Errorf("loading groups: %w", err)
		}
	}
	return nil
}
