package state

import (
	"bytes"
	"testing"
	"time"
)

// BenchmarkRecover is the time to take back a table of 10 M rows and build its index.
func BenchmarkRecover(b *testing.B) {
	const rows = 10_000_000
	t := NewTable(1, "", 9, 32)
	var key [9]byte
	val := make([]byte, 32)
	for i := range uint64(rows) {
		le.PutUint64(key[:], i)
		t.Insert(Hash(key[:]), key[:], val)
	}
	d := map[uint64][]byte{}
	t.BeginCheckpoint(func(page uint64, data []byte) { d[page] = bytes.Clone(data) })(true)
	t = nil
	for b.Loop() {
		start := time.Now()
		n := NewTable(1, "", 9, 32)
		for page, data := range d {
			if err := n.LoadPage(page, data); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(time.Since(start).Seconds(), "load-s")
		start = time.Now()
		if err := n.Loaded(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(start).Seconds(), "index-s")
	}
}
