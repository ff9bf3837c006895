package connect

import (
	"fmt"
	"testing"
	"time"

	"github.com/millracedb/millrace/tests/rig"
)

// BenchmarkSink measures how fast the rows of a view get to a topic, with transactions and without, on a broker of the same
// machine: from the return of CREATE SINK, which waits for nothing that is sent, to the last acknowledgement.
func BenchmarkSink(b *testing.B) {
	const rows = 500_000
	k := rig.Kafka(b)
	s := rig.Millrace(b)
	s.Exec(`CREATE STREAM events (id bigint, name text, price numeric, at timestamptz)`,
		`CREATE MATERIALIZED VIEW priced AS SELECT id, name, price * 2 AS price, at FROM events`,
		fmt.Sprintf(`INSERT INTO events SELECT g, 'event number ' || g, g * 0.01, '2024-01-01'::timestamptz FROM generate_series(1, %d) g`, rows))
	for _, delivery := range []string{"at_least_once", "exactly_once"} {
		b.Run(delivery, func(b *testing.B) {
			n := 0
			var took time.Duration
			for b.Loop() {
				topic := fmt.Sprintf("%s-%d-%d", delivery, b.N, n)
				n++
				b.StopTimer()
				k.CreateTopic(topic, 4)
				b.StartTimer()
				s.Exec(fmt.Sprintf(`CREATE SINK k FROM priced WITH (connector = 'kafka', topic = '%s', delivery = '%s', brokers = '%s')`, topic, delivery, k.Addr()))
				var began time.Time
				rig.Eventually(b, 2*time.Minute, func() error {
					if began.IsZero() && expectCount(s.DSN(), `SELECT count(*) FROM millrace.sinks WHERE delivered_changes > 0`, 1) == nil {
						began = time.Now()
					}
					return expectCount(s.DSN(), `SELECT count(*) FROM millrace.sinks WHERE waiting_changes = 0 AND delivered_changes > 0`, 1)
				})
				took += time.Since(began)
				b.StopTimer()
				s.Exec(`DROP SINK k`)
				b.StartTimer()
			}
			b.ReportMetric(float64(rows)*float64(n)/took.Seconds(), "changes/s")
		})
	}
}
