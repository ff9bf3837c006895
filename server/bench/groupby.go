package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/millracedb/millrace/exec/engine"
)

const (
	countView = "CREATE MATERIALIZED VIEW counts AS SELECT k, count(*) AS n FROM events GROUP BY k"
	chunk     = 65_536 // rows of an epoch
)

// runGroupBy feeds bigint keys through the log into one GROUP BY view, without a wire, and beside it into a Go map.
func runGroupBy(ctx context.Context, b *bench) error {
	t := newTable(b.Out, "keys", "events/s", "events/s a core", "min..max", "allocs/event", "Go map/s", "ratio a core")
	for i, groups := range []int{1_000, 1_000_000} {
		events := or(b.Rows, 20_000_000)
		l, err := openLocal(ctx, filepath.Join(b.dir, strconv.Itoa(i)), engine.Options{})
		if err != nil {
			return err
		}
		var wall, core, allocs, plain []float64
		err = l.ddl("CREATE STREAM events (k bigint)", countView)
		if err == nil {
			_, err = feed(l, groups, max(4*groups, 10*chunk)) // all groups are there
		}
		for round := 0; round < b.Rounds && err == nil; round++ {
			var u usage
			u, err = feed(l, groups, events/b.Rounds)
			wall = append(wall, u.rate(u.wall))
			core = append(core, u.rate(u.cpu))
			allocs = append(allocs, float64(u.allocs)/float64(u.events))
			plain = append(plain, plainMap(groups, events/b.Rounds))
		}
		l.close()
		if err != nil {
			return err
		}
		t.row(thousands(float64(groups)), number(wall), number(core), spread(core), fmt.Sprintf("%.4f", median(allocs)), number(plain),
			ratio(core, plain))
	}
	t.flush()
	return nil
}

// usage is what a run took.
type usage struct {
	events    int
	wall, cpu time.Duration
	allocs    uint64
}

func (u usage) rate(d time.Duration) float64 { return float64(u.events) / d.Seconds() }

func feed(l *local, groups, events int) (usage, error) {
	rel, k := l.relation("events"), newKeys(chunk)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	u, cpu, start := usage{}, cpuTime(), time.Now()
	for u.events < events {
		if err := l.write(rel, k.random(chunk, groups)); err != nil {
			return u, err
		}
		u.events += chunk
	}
	u.wall, u.cpu = time.Since(start), cpuTime()-cpu
	runtime.ReadMemStats(&after)
	u.allocs = after.Mallocs - before.Mallocs
	return u, nil
}

// plainMap is events a second of a loop over the same keys and a Go map, on one core.
func plainMap(groups, events int) float64 {
	k, counts := newKeys(chunk), make(map[int64]int64, groups)
	for i := range groups {
		counts[int64(i)] = 0
	}
	done, cpu := 0, cpuTime()
	for done < events {
		for _, x := range k.random(chunk, groups).Cols[0].I64 {
			counts[x]++
		}
		done += chunk
	}
	return float64(done) / (cpuTime() - cpu).Seconds()
}

// cpuTime is the processor time of this process.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
