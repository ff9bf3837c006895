package storage

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// Commit of one record: what a single INSERT pays for durability.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{200, 4 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			o := testOptions(b.TempDir())
			o.SegmentSize = 64 << 20
			s := mustOpen(b, o)
			defer s.Close()
			payload := make([]byte, size)
			var took []time.Duration
			b.SetBytes(int64(size))
			epoch := uint64(0)
			for b.Loop() {
				start := time.Now()
				epoch++
				if err := s.Append(1, Record{Rel: 1, Payload: payload}); err != nil {
					b.Fatal(err)
				}
				if _, err := s.Commit(epoch, []uint64{1}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
		})
	}
}

// Small commits while checkpoints of 16 MB follow each other without a pause.
func BenchmarkCommitBesideCheckpoints(b *testing.B) {
	s := mustOpen(b, testOptions(b.TempDir()))
	defer s.Close()
	var epoch atomic.Uint64
	stop, done := make(chan bool), make(chan int)
	commit := func() {
		n := epoch.Load() + 1
		if _, err := s.Commit(n, nil, Record{Rel: 1, Payload: make([]byte, 200)}); err != nil {
			b.Fatal(err)
		}
		epoch.Store(n)
	}
	commit()
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				done <- n
				return
			default:
			}
			at := epoch.Load()
			c := s.BeginCheckpoint(at)
			for p := range uint64(1000) {
				c.Put(PageID{1, (p + 1000*at) % 4000}, randomPage(p+at, 16<<10))
			}
			if err := c.Commit(nil); err != nil {
				b.Error(err)
			}
		}
	}()
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		commit()
		took = append(took, time.Since(start))
	}
	close(stop)
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
	b.ReportMetric(float64(16*<-done)/b.Elapsed().Seconds(), "checkpoint-MB/s")
}

// A COPY of 200 MB (1 M rows of 200 B) in parts of 1 MiB, then its commit.
func BenchmarkStreamedCommit(b *testing.B) {
	o := testOptions(b.TempDir())
	o.SegmentSize = 64 << 20
	s := mustOpen(b, o)
	defer s.Close()
	part := make([]byte, 1<<20)
	b.SetBytes(200 << 20)
	var commit time.Duration
	epoch := uint64(0)
	for b.Loop() {
		epoch++
		for range 200 {
			if err := s.Append(1, Record{Rel: 1, Payload: part}); err != nil {
				b.Fatal(err)
			}
		}
		start := time.Now()
		if _, err := s.Commit(epoch, []uint64{1}); err != nil {
			b.Fatal(err)
		}
		commit += time.Since(start)
	}
	b.ReportMetric(float64(commit.Milliseconds())/float64(b.N), "commit-ms")
}

// Scan of a stream written by tiny epochs, and of one written by large parts.
func BenchmarkScan(b *testing.B) {
	for _, size := range []int{200, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			o := testOptions(b.TempDir())
			o.SegmentSize, o.Async = 64<<20, true
			s := mustOpen(b, o)
			defer s.Close()
			n := 200 << 20 / max(size, 2000)
			for e := range n {
				s.Append(1, Record{Rel: 1, Payload: make([]byte, size)})
				if _, err := s.Commit(uint64(e)+1, []uint64{1}); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(n * size))
			for b.Loop() {
				sc, err := s.Scan(1, 0, uint64(n))
				if err != nil {
					b.Fatal(err)
				}
				got := 0
				for {
					_, ok, err := sc.Next()
					if err != nil {
						b.Fatal(err)
					}
					if !ok {
						break
					}
					got++
				}
				sc.Close()
				if got != n {
					b.Fatalf("%d of %d records", got, n)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// A checkpoint of 300 MB of half-compressible pages, then opening and loading.
func BenchmarkLoadAll(b *testing.B) {
	o := testOptions(b.TempDir())
	s := mustOpen(b, o)
	if _, err := s.Commit(1, nil); err != nil {
		b.Fatal(err)
	}
	const total, size = 300 << 20, 16 << 10
	start := time.Now()
	c := s.BeginCheckpoint(1)
	for i := range total / size {
		if err := c.Put(PageID{uint32(i % 7), uint64(i)}, randomPage(uint64(i), size)); err != nil {
			b.Fatal(err)
		}
	}
	if err := c.Commit(nil); err != nil {
		b.Fatal(err)
	}
	write := time.Since(start)
	s.Close()
	b.SetBytes(total)
	var opening time.Duration
	for b.Loop() {
		start := time.Now()
		s = mustOpen(b, o)
		opening += time.Since(start)
		var n atomic.Int64
		if err := s.LoadAll(func(id PageID, data []byte) error { n.Add(int64(len(data))); return nil }); err != nil {
			b.Fatal(err)
		}
		if n.Load() != total {
			b.Fatalf("loaded %d bytes", n.Load())
		}
		s.Close()
	}
	b.ReportMetric(float64(opening.Milliseconds())/float64(b.N), "open-ms")
	b.ReportMetric(total/write.Seconds()/1e6, "checkpoint-MB/s")
}

// randomPage is half noise, half zeros: about what Snappy makes of rows.
func randomPage(seed uint64, size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)})
	for i := 0; i < size; i += 64 {
		r.Read(b[i : i+32])
	}
	return b
}

// What an open, idle directory costs in memory.
func BenchmarkIdleMemory(b *testing.B) {
	s := mustOpen(b, testOptions(b.TempDir()))
	defer s.Close()
	for b.Loop() {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapInuse)/1e6, "heap-MB")
	b.ReportMetric(float64(residentBytes(b))/1e6, "rss-MB")
}

func residentBytes(b *testing.B) int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip(err)
	}
	var size, resident int64
	fmt.Sscan(string(text), &size, &resident)
	return resident * int64(os.Getpagesize())
}
