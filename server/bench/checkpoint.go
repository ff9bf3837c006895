package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/millracedb/millrace/exec/engine"
)

// runCheckpoint measures the commit latency of small INSERTs beside a writer that dirties a large view all over: once
// with no checkpoint during the run, once with checkpoints as often as the engine makes them.
func runCheckpoint(ctx context.Context, b *bench) error {
	groups := or(b.Rows, 2_000_000)
	variants := []struct {
		name  string
		every time.Duration
	}{{"without", time.Hour}, {"beside", time.Second}}
	p50, p99, p999 := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
	var commits, checkpoints, pages = map[string]int{}, map[string]int64{}, map[string]int64{}
	for round := range b.Rounds {
		for _, v := range variants {
			dir := filepath.Join(b.dir, fmt.Sprint(v.name, round))
			r, err := commitBeside(ctx, dir, groups, v.every, or(b.Duration, 10*time.Second))
			if err != nil {
				return err
			}
			_ = os.RemoveAll(dir)
			for p, to := range map[float64]map[string][]float64{0.5: p50, 0.99: p99, 0.999: p999} {
				to[v.name] = append(to[v.name], float64(percentile(r.lat, p)))
			}
			commits[v.name] += len(r.lat)
			checkpoints[v.name] += r.checkpoints
			pages[v.name] += r.pages
		}
	}
	t := newTable(b.Out, "", "commits", "p50", "p99", "p99.9", "checkpoints", "pages", "p99 ratio")
	for _, v := range variants {
		n := v.name
		t.row(n, thousands(float64(commits[n])), millis(time.Duration(median(p50[n]))), millis(time.Duration(median(p99[n]))),
			millis(time.Duration(median(p999[n]))), fmt.Sprint(checkpoints[n]), thousands(float64(pages[n])), ratio(p99[n], p99["without"]))
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
