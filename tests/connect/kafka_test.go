package connect

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millracedb/millrace/tests/rig"
)

// Exactly once: the server is killed at random moments while records come in, a part of them in transactions
// that are aborted, and every record that counts is in the stream once, and in the views.
func TestKafkaKills(t *testing.T) {
	const kills, enough, partitions = 12, 20_000, 4
	k := rig.Kafka(t)
	k.CreateTopic("numbers", partitions)
	s := rig.Millrace(t)
	s.Exec(`CREATE STREAM numbers (n bigint, k int) WITH (connector = 'kafka', topic = 'numbers', brokers = '`+k.Addr()+`')`,
		`CREATE MATERIALIZED VIEW sums AS SELECT k, count(*) AS n, sum(n) AS total, min(n) AS least, max(n) AS most FROM numbers GROUP BY k`,
		`CREATE MATERIALIZED VIEW total AS SELECT sum(n)::bigint AS n, sum(total)::bigint AS total FROM sums`)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	stop := make(chan struct{})
	var committed atomic.Int64
	var producing sync.WaitGroup
	producing.Go(func() { produceTransactions(t, k.Addr(), partitions, &committed, stop) })
	for killed := 0; killed < kills || committed.Load() < enough && !t.Failed(); killed++ {
		time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond)
		s.Kill9()
		s.Restart()
	}
	close(stop)
	producing.Wait()
	produced := int(committed.Load())
	rig.Eventually(t, time.Minute, func() error {
		return expectCount(s.DSN(), "SELECT count(*) FROM numbers", produced)
	})
	t.Logf("%d kills, %d records", kills, produced)
	for sql, want := range map[string]int{
		"SELECT count(DISTINCT n) FROM numbers":      produced,
		"SELECT sum(n)::bigint FROM numbers":         produced * (produced - 1) / 2,
		"SELECT n FROM total":                        produced,
		"SELECT total FROM total":                    produced * (produced - 1) / 2,
		"SELECT count(*) FROM sums WHERE least <> k": 0,
	} {
		if err := expectCount(s.DSN(), sql, want); err != nil {
			t.Error(err)
		}
	}
	view := rowsOf(t, s.DSN(), "SELECT k, n, total, least, most FROM sums")
	again := rowsOf(t, s.DSN(), "SELECT k, count(*), sum(n), min(n), max(n) FROM numbers GROUP BY k")
	if !slices.Equal(view, again) {
		t.Errorf("the view differs from its query: %s", firstDifference(view, again))
	}
}

// endTransaction ends a transaction that has written to a topic, once the client has stored what it knows of the topic:
// before that, with all records sent already, EndTransaction overlooks them (see settle in exec/connect/kafka).
func endTransaction(ctx context.Context, cl *kgo.Client, topic string, commit bool) error {
	for leader := int32(-1); leader < 0; {
		if leader, _, _ = cl.PartitionLeader(topic, 0); leader < 0 {
			time.Sleep(time.Millisecond)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return cl.EndTransaction(ctx, kgo.TransactionEndTry(commit))
}

// produceTransactions writes the numbers from 0 on in transactions of changing size until stop, and counts
// those that are committed. Every fifth transaction writes numbers below zero and is aborted.
func produceTransactions(t *testing.T, addr string, partitions int, committed *atomic.Int64, stop <-chan struct{}) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.TransactionalID("producer"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
	if err != nil {
		t.Error(err)
		return
	}
	defer cl.Close()
	ctx := context.Background()
	for round := 1; ; round++ {
		select {
		case <-stop:
			return
		default:
		}
		abort := round%5 == 0
		records := make([]*kgo.Record, 1+round*677%3000)
		for i := range records {
			n := int(committed.Load()) + i
			if abort {
				n = -1 - i
			}
			records[i] = &kgo.Record{Topic: "numbers", Partition: int32(i % partitions), Value: fmt.Appendf(nil, `{"n":%d,"k":%d}`, n, n%10)}
		}
		err := cl.BeginTransaction()
		if err == nil {
			err = cl.ProduceSync(ctx, records...).FirstErr()
		}
		if err == nil {
			err = endTransaction(ctx, cl, "numbers", !abort)
		}
		if err != nil {
			t.Errorf("producing: %v", err)
			return
		}
		if !abort {
			committed.Add(int64(len(records)))
		}
	}
}
