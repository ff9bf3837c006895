package connect

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millracedb/millrace/tests/rig"
)

// history is what producers have written to a topic: records numbered from 0 on, whose number says everything about them,
// and what became of each.
type history struct {
	topic      string
	partitions int
	keys       int64

	mu      sync.Mutex
	fates   []fate
	allowed int // how many records may be written by now
	total   int // and in the end
	plain   int // taken by producers without transactions: at most a quarter
	counts  [fateCount]int
}

// fate is what became of a record.
type fate uint8

const (
	written fate = iota // and no more is known yet
	committed
	aborted
	unknown // the answer to a commit was lost for good
	fateCount
)

// record returns the content of a record: its key, and a value that differs from one to the next.
func (h *history) record(id int64) (k, v int64) {
	mixed := uint64(id) * 0x9e3779b97f4a7c15
	return int64(mixed>>33) % h.keys, int64(mixed>>17)%1000 - 200
}

// allow lets the producers go on to n records.
func (h *history) allow(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.allowed = max(h.allowed, min(n, h.total))
}

// reach lets the producers go on to n records, and returns when they are about half way there.
func (h *history) reach(n int, t *testing.T) {
	h.mu.Lock()
	before := h.allowed
	h.mu.Unlock()
	h.allow(n)
	for {
		h.mu.Lock()
		taken := len(h.fates)
		h.mu.Unlock()
		if taken >= (before+n)/2 || t.Failed() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// take returns up to n new records, and whether a transaction of them should be aborted, so that a fifth of all are. It
// waits until some are allowed; none are left when ok is false.
func (h *history) take(n int, transactional bool) (ids []int64, abort, ok bool) {
	for {
		h.mu.Lock()
		from := len(h.fates)
		n := min(n, h.allowed-from)
		if !transactional {
			n = min(n, h.allowed/4-h.plain)
		}
		if n > 0 {
			if !transactional {
				h.plain += n
			}
			abort = transactional && (h.counts[aborted]+n)*5 <= from+n
			for i := range n {
				ids = append(ids, int64(from+i))
			}
			h.fates = append(h.fates, make([]fate, n)...)
			h.counts[written] += n
			if abort { // counted at once, so that the others see it
				h.settleLocked(ids, aborted)
			}
		}
		over := from >= h.total || !transactional && h.plain >= h.total/4
		h.mu.Unlock()
		if n > 0 || over {
			return ids, abort, n > 0
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (h *history) settle(ids []int64, f fate) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settleLocked(ids, f)
}

func (h *history) settleLocked(ids []int64, f fate) {
	for _, id := range ids {
		h.counts[h.fates[id]]--
		h.fates[id] = f
		h.counts[f]++
	}
}

func (h *history) records(ids []int64) []*kgo.Record {
	out := make([]*kgo.Record, len(ids))
	for i, id := range ids {
		k, v := h.record(id)
		out[i] = &kgo.Record{Topic: h.topic, Partition: int32(id % int64(h.partitions)), Value: fmt.Appendf(nil, `{"id":%d,"k":%d,"v":%d}`, id, k, v)}
	}
	return out
}

// produce writes until nothing is left: in transactions of the given id, or without if it is "". The producer is
// idempotent in either case: what is sent again, because the answer was lost, counts once.
func (h *history) produce(t *testing.T, addr, transactional string, random *rand.Rand) {
	var cl *kgo.Client
	defer func() {
		if cl != nil {
			cl.Close()
		}
	}()
	for {
		if cl == nil {
			var err error
			if cl, err = newProducer(addr, transactional); err != nil {
				t.Error(err)
				return
			}
		}
		if _, _, err := cl.ProducerID(context.Background()); err != nil { // the broker is away; this client would not ask again
			cl.Close()
			cl = nil
			time.Sleep(20 * time.Millisecond)
			continue
		}
		ids, abort, ok := h.take(1+random.IntN(3000), transactional != "")
		if !ok {
			return
		}
		var became fate
		var err error
		if transactional == "" {
			became, err = h.send(cl, ids)
		} else {
			became, err = h.transact(cl, ids, abort)
		}
		h.settle(ids, became)
		if err != nil { // begin anew: the next producer of a transactional id ends what is open
			t.Logf("producer %q: records %d to %d are %v: %v", transactional, ids[0], ids[len(ids)-1], [...]string{"", "committed", "aborted", "in doubt"}[became], err)
			cl.Close()
			cl = nil
		}
	}
}

func newProducer(addr, transactional string) (*kgo.Client, error) {
	opts := []kgo.Opt{kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0),
		kgo.StopProducerOnDataLossDetected(), kgo.MaxBufferedRecords(10_000)}
	if transactional != "" {
		opts = append(opts, kgo.TransactionalID(transactional), kgo.TransactionTimeout(30*time.Second))
	}
	return kgo.NewClient(opts...)
}

func (h *history) send(cl *kgo.Client, ids []int64) (fate, error) {
	if err := cl.ProduceSync(context.Background(), h.records(ids)...).FirstErr(); err != nil {
		return unknown, err
	}
	return committed, nil
}

func (h *history) transact(cl *kgo.Client, ids []int64, abort bool) (fate, error) {
	ctx := context.Background()
	if err := cl.BeginTransaction(); err != nil {
		return aborted, err
	}
	if err := cl.ProduceSync(ctx, h.records(ids)...).FirstErr(); err != nil {
		return aborted, errors.Join(err, cl.AbortBufferedRecords(ctx), cl.EndTransaction(ctx, kgo.TryAbort))
	}
	err := endTransaction(ctx, cl, h.topic, !abort)
	switch {
	case abort:
		return aborted, err
	case err != nil:
		return unknown, err
	}
	return committed, nil
}

// resolve reads the topic as it is in the end, and returns which records count, after it has compared them with what the
// producers were told: that is the brokers' and the producers' own correctness, without which nothing else can be judged.
func (h *history) resolve(t *testing.T, addr string) []bool {
	t.Helper()
	counts := make([]bool, len(h.fates))
	for _, r := range committedRecords(t, addr, h.topic) {
		var id, k, v int64
		if _, err := fmt.Sscanf(string(r.Value), `{"id":%d,"k":%d,"v":%d}`, &id, &k, &v); err != nil {
			t.Fatalf("%s: %v", r.Value, err)
		}
		if counts[id] {
			t.Fatalf("the producer wrote record %d twice, again at partition %d, offset %d", id, r.Partition, r.Offset)
		}
		counts[id] = true
	}
	for id, f := range h.fates {
		if f == committed && !counts[id] || f == aborted && counts[id] || f == written {
			t.Fatalf("record %d: fate %d, in the topic: %v", id, f, counts[id])
		}
	}
	return counts
}

// ends returns the ends of a topic's partitions, once no transaction is open on any of them.
func ends(t *testing.T, addr, topic string) map[int32]int64 {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	out := map[int32]int64{}
	rig.Eventually(t, time.Minute, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		high, err := adm.ListEndOffsets(ctx, topic)
		if err := errors.Join(err, high.Error()); err != nil {
			return err
		}
		stable, err := adm.ListCommittedOffsets(ctx, topic)
		if err := errors.Join(err, stable.Error()); err != nil {
			return err
		}
		var open error
		high.Each(func(o kadm.ListedOffset) {
			if s, _ := stable.Lookup(topic, o.Partition); s.Offset != o.Offset {
				open = fmt.Errorf("%s, partition %d: a transaction is open at %d, the end is %d", topic, o.Partition, s.Offset, o.Offset)
			}
			out[o.Partition] = o.Offset
		})
		return open
	})
	return out
}

// committedRecords reads the committed records of a topic to its end, in the order of each partition.
func committedRecords(t *testing.T, addr, topic string) []*kgo.Record {
	t.Helper()
	left := ends(t, addr, topic)
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.ConsumeTopics(topic), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.KeepControlRecords(), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for p, end := range left {
		if end == 0 {
			delete(left, p)
		}
	}
	var out []*kgo.Record
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("reading %s: the ends %v are not reached after %d records", topic, left, len(out))
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out = append(out, r)
			}
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	slices.SortStableFunc(out, func(a, b *kgo.Record) int { return int(a.Partition) - int(b.Partition) })
	return out
}
