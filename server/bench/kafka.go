package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// runKafka produces JSON clicks to a topic of its own, then measures how long a new stream with one aggregating view takes
// to have them all.
func runKafka(ctx context.Context, b *bench) error {
	if b.Kafka == "" {
		return errors.New("give the address of a broker with --kafka")
	}
	rows := or(b.Rows, 1_000_000)
	topic := fmt.Sprintf("millrace-bench-%d", time.Now().UnixNano())
	drop, size, err := produce(ctx, b.Kafka, topic, rows)
	if err != nil {
		return err
	}
	defer drop()
	h, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer h.stop()
	var rates []float64
	for range b.Rounds {
		took, err := drainTopic(ctx, h.dsn, b.Kafka, topic, rows)
		if err != nil {
			return err
		}
		rates = append(rates, float64(rows)/took.Seconds())
	}
	t := newTable(b.Out, "records", "bytes", "records/s", "min..max")
	t.row(thousands(float64(rows)), fmt.Sprint(size/rows), number(rates), spread(rates))
	t.flush()
	return nil
}

const kafkaPartitions = 4

func produce(ctx context.Context, addr, topic string, rows int) (drop func(), size int, err error) {
	c, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	if err != nil {
		return nil, 0, err
	}
	admin := kadm.NewClient(c)
	if _, err := admin.CreateTopic(ctx, kafkaPartitions, 1, nil, topic); err != nil {
		c.Close()
		return nil, 0, err
	}
	drop = func() {
		_, _ = admin.DeleteTopic(context.Background(), topic)
		c.Close()
	}
	failed := make(chan error, 1)
	for i := range rows {
		value := clickJSON(i)
		size += len(value)
		c.Produce(ctx, &kgo.Record{Topic: topic, Value: value}, func(_ *kgo.Record, err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
	err = c.Flush(ctx)
	select {
	case err = <-failed:
	default:
	}
	if err != nil {
		drop()
		return nil, 0, err
	}
	return drop, size, nil
}

func drainTopic(ctx context.Context, dsn, addr, topic string, rows int) (time.Duration, error) {
	if err := script(ctx, dsn, "DROP STREAM IF EXISTS topic_clicks CASCADE"); err != nil {
		return 0, err
	}
	c, err := connect(ctx, dsn)
	if err != nil {
		return 0, err
	}
	defer c.Close(ctx)
	start := time.Now()
	err = script(ctx, dsn, fmt.Sprintf(`CREATE STREAM topic_clicks (user_id bigint, session text, page text, referrer text, ts timestamptz,
			duration_ms int, price float8, mobile bool)
		WITH (connector = 'kafka', topic = '%s', properties.bootstrap.server = '%s', scan.startup.mode = 'earliest') FORMAT PLAIN ENCODE JSON`, topic, addr),
		"CREATE MATERIALIZED VIEW topic_pages AS SELECT page, count(*) AS clicks, sum(duration_ms) AS ms FROM topic_clicks GROUP BY page")
	if err != nil {
		return 0, err
	}
	for {
		var n int64
		err := c.QueryRow(ctx, "SELECT coalesce(sum(clicks), 0)::bigint FROM topic_pages", pgx.QueryExecModeSimpleProtocol).Scan(&n)
		if err != nil {
			return 0, err
		}
		switch took := time.Since(start); {
		case n == int64(rows):
			return took, nil
		case n > int64(rows):
			return 0, fmt.Errorf("%d records arrived, %d were sent", n, rows)
		case took > 5*time.Minute:
			return 0, fmt.Errorf("%d of %d records arrived in %v", n, rows, took)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
