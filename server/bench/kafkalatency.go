package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"
)

// runKafkaLatency produces records one by one at a steady rate and measures for each the time from handing it to the
// producer until a SELECT from a view, on a connection of its own, has answered with it. The SELECT is repeated with a pause
// of a millisecond, so what is measured is up to a pause and two answers longer than what it takes to be visible.
func runKafkaLatency(ctx context.Context, b *bench) error {
	const perSecond = 1000
	h, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer h.stop()
	var p50, p99 []float64
	t := newTable(b.Out, "round", "records", "p50", "p99", "max", "SELECT p50", "SELECT p99")
	for round := range b.Rounds {
		n := int(or(b.Duration, 10*time.Second).Seconds() * perSecond)
		l, err := b.latency(ctx, h, n, time.Second/perSecond)
		if err != nil {
			return err
		}
		p50 = append(p50, float64(percentile(l.visible, 0.5)))
		p99 = append(p99, float64(percentile(l.visible, 0.99)))
		t.row(fmt.Sprint(round+1), thousands(float64(len(l.visible))), millis(percentile(l.visible, 0.5)), millis(percentile(l.visible, 0.99)),
			millis(percentile(l.visible, 1)), millis(percentile(l.answers, 0.5)), millis(percentile(l.answers, 0.99)))
	}
	t.row("median", "", millis(time.Duration(median(p50))), millis(time.Duration(median(p99))), "", "", "")
	t.flush()
	fmt.Fprintln(b.Out, "fetch settings: the defaults (properties.fetch.min.bytes 1, properties.fetch.max.wait.ms 500); producer: acks all, no linger")
	return nil
}

// latencies is what one round measured.
type latencies struct {
	visible []time.Duration // of each record
	answers []time.Duration // of each SELECT
}

// latency runs one round: n records, so far apart.
func (b *bench) latency(ctx context.Context, h *host, n int, apart time.Duration) (*latencies, error) {
	t, err := b.newTopic(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer t.drop()
	// The duration of a click is its number here, so that the view tells which records of a partition it has: all up to n.
	err = script(ctx, h.dsn, "DROP STREAM IF EXISTS latency_clicks CASCADE", fmt.Sprintf(`
		CREATE STREAM latency_clicks (part int, number int, user_id bigint, session text, page text, referrer text, ts timestamptz, duration_ms int, price float8, mobile bool)
		WITH (connector = 'kafka', topic = '%s', properties.bootstrap.server = '%s') FORMAT PLAIN ENCODE JSON`, t.name, t.addr),
		"CREATE MATERIALIZED VIEW latency_seen AS SELECT part, count(*) AS n, max(number) AS newest, sum(duration_ms) AS ms FROM latency_clicks GROUP BY part")
	if err != nil {
		return nil, err
	}
	c, err := connect(ctx, h.dsn)
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	const warmup = 500
	sent := make([]atomic.Int64, n+warmup) // when, in nanoseconds
	start := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- t.drip(ctx, sent, start, apart) }()
	l, err := watchLatency(ctx, c, sent, start, warmup)
	if err != nil {
		cancel()
		<-ended
		return nil, err
	}
	return l, <-ended
}

// drip produces the records, each at its time.
func (t *topic) drip(ctx context.Context, sent []atomic.Int64, start time.Time, apart time.Duration) error {
	failed := make(chan error, 1)
	for i := range sent {
		time.Sleep(time.Until(start.Add(time.Duration(i) * apart)))
		p := i % topicPartitions
		value := append(fmt.Appendf(nil, `{"part":%d,"number":%d,`, p, i), clickJSON(i)[1:]...)
		sent[i].Store(int64(time.Since(start)))
		t.client.Produce(ctx, &kgo.Record{Partition: int32(p), Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
		select {
		case err := <-failed:
			return err
		default:
		}
	}
	return nil
}

// watchLatency asks the view until it has all records. The first ones, while connections are made and code is warming up,
// do not count.
func watchLatency(ctx context.Context, c *pgx.Conn, sent []atomic.Int64, start time.Time, warmup int) (*latencies, error) {
	const patience = 10 * time.Second
	if _, err := c.Prepare(ctx, "seen", "SELECT part, newest FROM latency_seen"); err != nil {
		return nil, err
	}
	l := &latencies{}
	next := [topicPartitions]int{0, 1, 2, 3} // the oldest record of each partition that was not seen
	for seen, news := 0, time.Now(); seen < len(sent); time.Sleep(time.Millisecond) {
		asked := time.Now()
		rows, err := c.Query(ctx, "seen")
		if err != nil {
			return nil, err
		}
		var newest [topicPartitions]int
		for i := range newest {
			newest[i] = -1
		}
		var part, number int
		if _, err := pgx.ForEachRow(rows, []any{&part, &number}, func() error {
			newest[part] = number
			return nil
		}); err != nil {
			return nil, err
		}
		now := time.Since(start)
		l.answers = append(l.answers, time.Since(asked))
		for p := range next {
			for ; next[p] <= newest[p]; next[p] += topicPartitions {
				if next[p] >= warmup {
					l.visible = append(l.visible, now-time.Duration(sent[next[p]].Load()))
				}
				seen++
				news = time.Now()
			}
		}
		if time.Since(news) > patience {
			return nil, fmt.Errorf("%d of %d records arrived", seen, len(sent))
		}
	}
	return l, nil
}
