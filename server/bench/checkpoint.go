package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/millracedb/millrace/exec/engine"
)

// runCheckpoint measures the commit latency of small INSERTs beside a writer that dirties a large view all over: once
// with no checkpoint during the run, once with checkpoints as often as the engine makes them.
func runCheckpoint(ctx context.Context, b *bench) error {
	groups := or(b.Rows, 2_000_000)
	t := newTable(b.Out, "", "commits", "p50", "p99", "p99.9", "checkpoints", "pages", "p99 ratio")
	var base time.Duration
	for _, v := range []struct {
		name  string
		every time.Duration
	}{{"without", time.Hour}, {"beside", time.Second}} {
		r, err := commitBeside(ctx, filepath.Join(b.dir, v.name), groups, v.every, or(b.Duration, 15*time.Second))
		if err != nil {
			return err
		}
		p99 := percentile(r.lat, 0.99)
		if base == 0 {
			base = p99
		}
		t.row(v.name, thousands(float64(len(r.lat))), millis(percentile(r.lat, 0.5)), millis(p99), millis(percentile(r.lat, 0.999)),
			fmt.Sprint(r.checkpoints), thousands(float64(r.pages)), fmt.Sprintf("%.2fx", float64(p99)/float64(base)))
	}
	t.flush()
	return nil
}

type besideResult struct {
	lat                []time.Duration
	checkpoints, pages int64
}

func commitBeside(ctx context.Context, dir string, groups int, every, d time.Duration) (*besideResult, error) {
	l, err := openLocal(ctx, dir, engine.Options{CheckpointEvery: every, MaxReplayBytes: 64 << 30})
	if err != nil {
		return nil, err
	}
	defer l.close()
	err = l.ddl("CREATE STREAM events (k bigint)", countView, "CREATE STREAM small (k bigint)",
		"CREATE MATERIALIZED VIEW smalls AS SELECT k, count(*) AS n FROM small GROUP BY k")
	if err != nil {
		return nil, err
	}
	events, small := l.relation("events"), l.relation("small")
	k := newKeys(chunk)
	for at := 0; at < groups; at += chunk {
		if err := l.write(events, k.from(at, chunk)); err != nil {
			return nil, err
		}
	}
	running, stop := context.WithTimeout(ctx, d)
	defer stop()
	var wg sync.WaitGroup
	var dirtyErr error
	wg.Go(func() { // a few thousand scattered groups at a time, so that most pages are dirty at every checkpoint
		for k := newKeys(1000); running.Err() == nil && dirtyErr == nil; time.Sleep(10 * time.Millisecond) {
			dirtyErr = l.write(events, k.random(1000, groups))
		}
	})
	r := &besideResult{}
	c0, p0 := l.Stats().Checkpoints.Load(), l.Stats().CheckpointPages.Load()
	for k := newKeys(1); running.Err() == nil; {
		start := time.Now()
		if err := l.write(small, k.random(1, 100)); err != nil {
			return nil, err
		}
		r.lat = append(r.lat, time.Since(start))
	}
	r.checkpoints, r.pages = l.Stats().Checkpoints.Load()-c0, l.Stats().CheckpointPages.Load()-p0
	wg.Wait()
	return r, dirtyErr
}
