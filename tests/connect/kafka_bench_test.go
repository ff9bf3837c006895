package connect

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/connect/kafka"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/tests/rig"
)

var clickColumns = []catalog.Column{
	{Name: "user_id", Type: types.T(types.Int8)},
	{Name: "session", Type: types.T(types.Text)},
	{Name: "page", Type: types.T(types.Text)},
	{Name: "referrer", Type: types.T(types.Text)},
	{Name: "ts", Type: types.T(types.TimestampTZ)},
	{Name: "duration_ms", Type: types.T(types.Int4)},
	{Name: "price", Type: types.T(types.Float8)},
	{Name: "mobile", Type: types.T(types.Bool)},
}

// click is record i of a stream of clicks, about 200 bytes.
func click(i int) []byte {
	ts := time.Date(2024, 5, 17, 12, 0, 0, 0, time.UTC).Add(time.Duration(i) * 10 * time.Millisecond)
	return fmt.Appendf(nil, `{"user_id":%d,"session":"%016x","page":"/products/item-%d","referrer":"https://www.example.com/search","ts":"%s","duration_ms":%d,"price":%d.%02d,"mobile":%v}`,
		1000+i%5000, i*2654435761, i%300, ts.Format("2006-01-02T15:04:05.000Z"), i%90000, i%500, i%100, i%3 == 0)
}

func produceClicks(b testing.TB, k *rig.Broker, topic string, partitions, n int) {
	b.Helper()
	k.CreateTopic(topic, partitions)
	const chunk = 20_000
	for from := 0; from < n; from += chunk {
		records := make([]*kgo.Record, min(chunk, n-from))
		for i := range records {
			records[i] = &kgo.Record{Topic: topic, Partition: int32((from + i) / 500 % partitions), Value: click(from + i)}
		}
		k.ProduceRecords(records...)
	}
}

// drain takes parts and gives them back at once.
type drain struct {
	rows int
	want int
	done chan struct{}
}

func (d *drain) Deliver(_ context.Context, p *connect.Part) error {
	before := d.rows
	d.rows += p.Rows.N
	if before < d.want && d.rows >= d.want {
		close(d.done)
	}
	if p.Release != nil {
		p.Release()
	}
	return nil
}

// BenchmarkKafkaSource reads a topic of JSON records into columns, with the broker on the same machine.
func BenchmarkKafkaSource(b *testing.B) {
	k := rig.Kafka(b)
	const n, partitions = 1_000_000, 4
	produceClicks(b, k, "clicks", partitions, n)
	options, err := kafka.Connector.Check(map[string]string{"topic": "clicks", "brokers": k.Addr()})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		src, err := kafka.Connector.Open(connect.StreamSpec{Name: "clicks", Columns: clickColumns, Options: options})
		if err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		in := &drain{want: n, done: make(chan struct{})}
		ended := make(chan error, 1)
		go func() { ended <- src.Run(ctx, nil, in) }()
		select {
		case <-in.done:
		case err := <-ended:
			b.Fatalf("after %d rows: %v", in.rows, err)
		}
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
		src.Close()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkKafkaToView reads a topic of JSON records into a stream with one aggregating view, durably: the
// time from CREATE STREAM until the view counts every record, with the broker on the same machine.
func BenchmarkKafkaToView(b *testing.B) {
	k := rig.Kafka(b)
	const n, partitions = 1_000_000, 4
	produceClicks(b, k, "clicks", partitions, n)
	s := rig.Millrace(b)
	cpu := s.CPU()
	for b.Loop() {
		s.Exec(`CREATE STREAM clicks (user_id bigint, session text, page text, referrer text, ts timestamptz, duration_ms int, price float8, mobile bool)
				WITH (connector = 'kafka', topic = 'clicks', properties.bootstrap.server = '`+k.Addr()+`') FORMAT PLAIN ENCODE JSON`,
			`CREATE MATERIALIZED VIEW pages AS SELECT page, count(*) AS clicks, sum(duration_ms) AS ms FROM clicks GROUP BY page`)
		rig.Eventually(b, 2*time.Minute, func() error { return expectCount(s.DSN(), "SELECT sum(clicks)::bigint FROM pages", n) })
		b.StopTimer()
		s.Exec("DROP STREAM clicks CASCADE")
		b.StartTimer()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64((s.CPU()-cpu).Nanoseconds())/float64(n)/float64(b.N), "server-cpu-ns/record")
	b.ReportMetric(float64(s.PeakRSS())/(1<<20), "peak-rss-MiB")
}
