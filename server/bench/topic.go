package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	topicPartitions = 4
	fillLinger      = 10 * time.Millisecond // of a producer that fills a topic
	askAgain        = 50 * time.Millisecond // whether a new topic is there
)

// topic is a topic of a benchmark's own, with a producer.
type topic struct {
	addr   string // of the broker
	name   string
	client *kgo.Client
	admin  *kadm.Client
}

// newTopic makes an empty topic on the broker of --kafka, with a producer that waits so long for a batch to fill.
func (b *bench) newTopic(ctx context.Context, linger time.Duration) (*topic, error) {
	t := &topic{addr: b.Kafka, name: fmt.Sprintf("millrace-bench-%d", time.Now().UnixNano())}
	var err error
	t.client, err = kgo.NewClient(kgo.SeedBrokers(t.addr), kgo.DefaultProduceTopic(t.name), kgo.ProducerLinger(linger),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(askAgain))
	if err != nil {
		return nil, err
	}
	t.admin = kadm.NewClient(t.client)
	if _, err := t.admin.CreateTopic(ctx, topicPartitions, 1, nil, t.name); err != nil {
		t.client.Close()
		return nil, fmt.Errorf("broker %s: %w", t.addr, err)
	}
	return t, t.await(ctx)
}

// await waits until every broker may know the topic: the one that made it answers before it does itself.
func (t *topic) await(ctx context.Context) error {
	for range 100 {
		known, err := t.admin.ListTopics(ctx, t.name)
		if err == nil && known.Has(t.name) {
			return nil
		}
		time.Sleep(askAgain)
	}
	t.drop()
	return fmt.Errorf("broker %s does not show the topic that it made", t.addr)
}

// fill produces records 0 to n-1 and returns their size. Stretches of them go to the partitions in turn, as batches of a
// busy producer do.
func (t *topic) fill(ctx context.Context, n int, value func(i int) []byte) (bytes int, err error) {
	const stretch = 500
	failed := make(chan error, 1)
	done := func(_ *kgo.Record, err error) {
		if err != nil {
			select {
			case failed <- err:
			default:
			}
		}
	}
	for i := range n {
		v := value(i)
		bytes += len(v)
		t.client.Produce(ctx, &kgo.Record{Partition: int32(i / stretch % topicPartitions), Value: v}, done)
	}
	err = t.client.Flush(ctx)
	select {
	case err = <-failed:
	default:
	}
	return bytes, err
}

// drop deletes the topic and closes the producer.
func (t *topic) drop() {
	_, _ = t.admin.DeleteTopic(context.Background(), t.name)
	t.client.Close()
}

// stream is the statement that reads the clicks of the topic into a stream.
func (t *topic) stream(name, encode string) string {
	return fmt.Sprintf(`CREATE STREAM %s (user_id bigint, session text, page text, referrer text, ts timestamptz, duration_ms int, price float8, mobile bool)
		WITH (connector = 'kafka', topic = '%s', properties.bootstrap.server = '%s') FORMAT PLAIN ENCODE %s`, name, t.name, t.addr, encode)
}
