package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/millracedb/millrace/exec/engine"
)

// runMemory measures an idle server's resident memory, and what a group of a counting view costs beyond its key and
// its aggregate, 8 bytes each.
func runMemory(ctx context.Context, b *bench) error {
	h := &host{dir: filepath.Join(b.dir, "idle"), logs: filepath.Join(b.dir, "log")}
	if err := h.start(ctx, false); err != nil {
		return err
	}
	if err := script(ctx, h.dsn, "SELECT 1"); err != nil {
		return err
	}
	time.Sleep(3 * time.Second)
	m, err := h.memory()
	h.stop()
	if err != nil {
		return err
	}
	fmt.Fprintf(b.Out, "idle: %d MB resident\n", m.resident/1e6)

	groups := or(b.Rows, 10_000_000)
	l, err := openLocal(ctx, filepath.Join(b.dir, "groups"), engine.Options{})
	if err != nil {
		return err
	}
	defer l.close()
	if err := l.ddl("CREATE STREAM events (k bigint)", countView); err != nil {
		return err
	}
	k := newKeys(chunk)
	if err := l.write(l.relation("events"), k.from(0, chunk)); err != nil { // buffers have their size
		return err
	}
	_, own0 := l.RelationSize(l.relation("counts"))
	heap0 := heap()
	for at := chunk; at < groups; at += chunk {
		if err := l.write(l.relation("events"), k.from(at, min(chunk, groups-at))); err != nil {
			return err
		}
	}
	settle(l)
	_, own := l.RelationSize(l.relation("counts"))
	n := float64(groups - chunk)
	const payload = 16
	t := newTable(b.Out, "groups", "", "bytes/group", "beyond key and count")
	for _, m := range []struct {
		what  string
		bytes int64
	}{{"engine's accounting", own - own0}, {"heap growth", int64(heap()) - int64(heap0)}} {
		x := float64(m.bytes) / n
		t.row(thousands(float64(groups)), m.what, fmt.Sprintf("%.1f", x), fmt.Sprintf("%.1f", x-payload))
	}
	t.flush()
	return nil
}

// settle waits until what checkpoints and compactions held for a moment has been given back: until the heap has not
// shrunk for a while.
func settle(l *local) {
	const quiet, patience = 5, 30
	low, since := heap(), 0
	for i := 0; i < patience && since < quiet; i++ {
		time.Sleep(2 * time.Second)
		h, n := heap(), l.Stats().Checkpoints.Load()
		if since++; h < low-low/200 || n == 0 {
			low, since = h, 0
		}
	}
}

// heap is the live heap.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
