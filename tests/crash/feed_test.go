package crash

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millracedb/millrace/tests/rig"
)

const (
	feedParts = 3
	feedPause = 25 * time.Millisecond // between produced batches of feedBatch records
	feedBatch = 12
)

// feed is a Kafka topic that is written all the time: record n of a partition says so. Nobody acknowledges its rows to
// a client, but a row that a client has seen must stay.
type feed struct {
	broker   *rig.Broker
	produced [feedParts]atomic.Int64 // acknowledged by the broker
	stop     chan struct{}
	done     sync.WaitGroup

	seen  [feedParts]int64 // rows of each partition that a reader saw
	grown int              // kills since which rows had come in
}

func startFeed(t *testing.T) *feed {
	f := &feed{broker: rig.Kafka(t), stop: make(chan struct{})}
	f.broker.CreateTopic("feed", feedParts)
	client := f.broker.Client()
	f.done.Go(func() { f.produce(t, client) })
	t.Cleanup(f.end)
	return f
}

func (f *feed) end() {
	select {
	case <-f.stop:
	default:
		close(f.stop)
	}
	f.done.Wait()
}

func (f *feed) stream() string {
	return fmt.Sprintf(`CREATE STREAM feed (part int, seq bigint) WITH (connector = 'kafka', topic = 'feed',
		properties.bootstrap.server = '%s', scan.startup.mode = 'earliest') FORMAT PLAIN ENCODE JSON`, f.broker.Addr())
}

func (f *feed) produce(t *testing.T, client *kgo.Client) {
	for {
		select {
		case <-f.stop:
			return
		case <-time.After(feedPause):
		}
		var records []*kgo.Record
		for part := range feedParts {
			for i := range feedBatch / feedParts {
				records = append(records, &kgo.Record{Topic: "feed", Partition: int32(part),
					Value: fmt.Appendf(nil, `{"part":%d,"seq":%d}`, part, f.produced[part].Load()+int64(i)+1)})
			}
		}
		if err := client.ProduceSync(context.Background(), records...).FirstErr(); err != nil {
			t.Errorf("producing: %v", err)
			return
		}
		for part := range feedParts {
			f.produced[part].Add(feedBatch / feedParts)
		}
	}
}

// watch reads how far the source has come, until the connection is lost.
func (f *feed) watch(ctx context.Context, c *pgx.Conn) {
	before := f.seen
	for {
		rs, err := c.Query(ctx, "SELECT part, n FROM per_part")
		if err != nil {
			break
		}
		var part int
		var n int64
		_, err = pgx.ForEachRow(rs, []any{&part, &n}, func() error {
			f.seen[part] = max(f.seen[part], n)
			return nil
		})
		if err != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if f.seen != before {
		f.grown++
	}
}

// check compares the rows of each partition with what was seen and with the offsets: rows and offsets are one commit.
func (f *feed) check(t *testing.T, c *pgx.Conn) {
	t.Helper()
	for part := range feedParts {
		var n, last, distinct, offset int64
		row(t, c, fmt.Sprintf(`SELECT count(*), coalesce(max(seq), 0), count(DISTINCT seq) FROM feed WHERE part = %d`, part), &n, &last, &distinct)
		if n != last || n != distinct {
			t.Fatalf("partition %d: %d rows, %d distinct, the last is %d", part, n, distinct, last)
		}
		if n < f.seen[part] {
			t.Fatalf("partition %d: %d rows, but %d were seen", part, n, f.seen[part])
		}
		// Rows may come in between the two statements.
		err := c.QueryRow(context.Background(), fmt.Sprintf(`SELECT committed_offset FROM millrace.sources
			WHERE name = 'feed' AND partition = %d`, part)).Scan(&offset)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			t.Fatal(err)
		}
		if err == nil && offset < n {
			t.Fatalf("partition %d: the offset is %d after %d rows", part, offset, n)
		}
	}
}

// finish waits until everything that was produced is there.
func (f *feed) finish(t *testing.T, srv *rig.Server) {
	t.Helper()
	f.end()
	c := srv.Connect()
	total := int64(0)
	for part := range feedParts {
		want := f.produced[part].Load()
		total += want
		rig.Eventually(t, time.Minute, func() error {
			var n int64
			row(t, c, fmt.Sprintf("SELECT coalesce((SELECT n FROM per_part WHERE part = %d), 0)", part), &n)
			if n != want {
				return fmt.Errorf("partition %d: %d rows of %d records", part, n, want)
			}
			return nil
		})
	}
	f.check(t, c)
	sameAsRecomputed(t, c)
	if f.grown == 0 {
		t.Error("the source was never seen at work before a kill")
	}
	t.Logf("feed: %d records, read before %d of the kills", total, f.grown)
}
