package query

import "testing"

func benchmark(b *testing.B, sql string) {
	b.ReportAllocs()
	var held int64
	for b.Loop() {
		n, err := finish(b, start(b, b.Context(), sql, 1<<40), nil)
		if err != nil {
			b.Fatal(err)
		}
		held = max(held, n)
	}
	b.ReportMetric(float64(held), "held-B")
}

func BenchmarkJoin(b *testing.B) {
	b.Run("large-left", func(b *testing.B) {
		benchmark(b, "SELECT count(*) FROM generate_series(1, 1000000) x JOIN generate_series(1, 1000) y ON x = y")
	})
	b.Run("large-right", func(b *testing.B) {
		benchmark(b, "SELECT count(*) FROM generate_series(1, 1000) y JOIN generate_series(1, 1000000) x ON x = y")
	})
	b.Run("limit", func(b *testing.B) {
		benchmark(b, "SELECT x FROM generate_series(1, 1000000) x JOIN generate_series(1, 1000) y ON x = y LIMIT 10")
	})
	b.Run("loop", func(b *testing.B) {
		benchmark(b, "SELECT count(*) FROM generate_series(1, 2000) x, generate_series(1, 2000) y")
	})
}

func BenchmarkSort(b *testing.B) {
	benchmark(b, "SELECT x FROM generate_series(1, 300000) x ORDER BY x::text")
}
