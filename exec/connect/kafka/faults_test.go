package kafka

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Whatever the brokers answer, and whenever they do not, each record counts once: errors on any request, connections that
// break before a request or in an answer, slow answers, moved leaders and coordinators, new partitions, and sources and
// sinks that end at any moment and begin again. A seed is one history. MILLRACE_SEEDS says how many are tried; a single
// one runs with
//
//	MILLRACE_SEEDS=500 go test ./exec/connect/kafka -run 'TestFaults/source/317$'
func TestFaults(t *testing.T) {
	t.Parallel()
	seeds := 20
	if n, err := strconv.Atoi(os.Getenv("MILLRACE_SEEDS")); err == nil {
		seeds = n
	}
	for _, of := range []struct {
		name string
		run  func(*testing.T, *weather)
	}{{"source", sourceFaults}, {"sink", sinkFaults}} {
		t.Run(of.name, func(t *testing.T) {
			var all sync.WaitGroup
			slots := make(chan struct{}, 10) // they wait more than they compute
			for seed := range seeds {
				slots <- struct{}{}
				all.Go(func() {
					defer func() { <-slots }()
					t.Run(strconv.Itoa(seed), func(t *testing.T) { of.run(t, newWeather(t, uint64(seed))) })
				})
			}
			all.Wait()
		})
	}
}

// weather is what a cluster does to its clients, as a seed says.
type weather struct {
	t      *testing.T
	c      *kfake.Cluster
	wire   wire
	random *rand.Rand
	faults []*kfake.FaultHandle
	told   []string // what was done, for who wants to know why a seed failed
}

const (
	faultNodes      = 3
	faultPartitions = 3
)

func newWeather(t *testing.T, seed uint64) *weather {
	w := &weather{t: t, random: rand.New(rand.NewPCG(seed, 7))}
	c, err := kfake.NewCluster(kfake.NumBrokers(faultNodes), kfake.SeedTopics(faultPartitions, "t"), w.wire.option())
	if err != nil {
		t.Fatal(err)
	}
	w.c = c
	t.Cleanup(func() {
		c.Close()
		if t.Failed() {
			t.Logf("seed %d: %s", seed, strings.Join(w.told, "; "))
		}
	})
	return w
}

// Errors that brokers answer with, by request. All of them may pass, though a client may think they do not.
var (
	sourceErrors = map[kmsg.Key][]*kerr.Error{
		kmsg.Fetch: {kerr.NotLeaderForPartition, kerr.UnknownTopicOrPartition, kerr.LeaderNotAvailable, kerr.FencedLeaderEpoch,
			kerr.UnknownLeaderEpoch, kerr.OffsetNotAvailable, kerr.KafkaStorageError, kerr.ReplicaNotAvailable, kerr.UnknownServerError,
			kerr.CorruptMessage, kerr.UnknownTopicID, kerr.InconsistentTopicID, kerr.TopicAuthorizationFailed, kerr.OffsetOutOfRange},
		kmsg.ListOffsets: {kerr.NotLeaderForPartition, kerr.UnknownTopicOrPartition, kerr.LeaderNotAvailable, kerr.OffsetNotAvailable,
			kerr.UnknownServerError, kerr.TopicAuthorizationFailed},
		kmsg.OffsetForLeaderEpoch: {kerr.NotLeaderForPartition, kerr.UnknownTopicOrPartition, kerr.FencedLeaderEpoch, kerr.UnknownLeaderEpoch,
			kerr.UnknownServerError},
		kmsg.Metadata: {kerr.UnknownTopicOrPartition, kerr.LeaderNotAvailable},
	}
	sinkErrors = map[kmsg.Key][]*kerr.Error{
		kmsg.InitProducerID: {kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.CoordinatorNotAvailable,
			kerr.UnknownServerError, kerr.RequestTimedOut},
		kmsg.AddPartitionsToTxn: {kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.UnknownTopicOrPartition,
			kerr.OperationNotAttempted, kerr.UnknownServerError},
		kmsg.AddOffsetsToTxn: {kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.UnknownServerError},
		kmsg.TxnOffsetCommit: {kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.UnknownTopicOrPartition, kerr.RequestTimedOut,
			kerr.GroupAuthorizationFailed},
		kmsg.EndTxn: {kerr.ConcurrentTransactions, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.CoordinatorNotAvailable,
			kerr.UnknownServerError, kerr.InvalidProducerEpoch, kerr.InvalidTxnState, kerr.ProducerFenced},
		kmsg.Produce: {kerr.NotLeaderForPartition, kerr.UnknownTopicOrPartition, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend,
			kerr.RequestTimedOut, kerr.LeaderNotAvailable, kerr.KafkaStorageError, kerr.InvalidProducerEpoch, kerr.OutOfOrderSequenceNumber,
			kerr.UnknownProducerID, kerr.CorruptMessage, kerr.TopicAuthorizationFailed},
		kmsg.OffsetFetch:     {kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.UnstableOffsetCommit, kerr.GroupAuthorizationFailed},
		kmsg.FindCoordinator: {kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.UnknownServerError},
		kmsg.Metadata:        {kerr.UnknownTopicOrPartition, kerr.LeaderNotAvailable, kerr.UnknownServerError},
	}
)

// tell notes what is done.
func (w *weather) tell(format string, args ...any) {
	w.told = append(w.told, fmt.Sprintf(format, args...))
}

// turn makes one thing go wrong, now or with the next requests.
func (w *weather) turn(errs map[kmsg.Key][]*kerr.Error) {
	r := w.random
	var keys []kmsg.Key
	for k := range errs {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	key := keys[r.IntN(len(keys))]
	switch r.IntN(8) {
	case 0, 1, 2:
		f := kfake.Fault{Keys: []kmsg.Key{key}, Err: errs[key][r.IntN(len(errs[key]))], Count: 1 + r.IntN(3)}
		if r.IntN(2) == 0 && (key == kmsg.Fetch || key == kmsg.Produce || key == kmsg.ListOffsets) {
			f.Topic, f.Partitions = "t", []int32{r.Int32N(faultPartitions)}
		}
		w.faults = append(w.faults, w.c.Fault(f))
		w.tell("%s answers %s %d times, partitions %v", key.Name(), f.Err.Message, f.Count, f.Partitions)
	case 3, 4:
		fates := make([]fate, 1+r.IntN(3))
		for i := range fates {
			fates[i] = arrives + fate(r.IntN(int(slow)+1))
		}
		w.wire.plan(key, fates...)
		w.tell("%s meets %v", key.Name(), fates)
	case 5:
		p, node := r.Int32N(faultPartitions), r.Int32N(faultNodes)
		_ = w.c.MoveTopicPartition("t", p, node)
		w.tell("partition %d moves to %d", p, node)
	case 6:
		w.c.ShufflePartitionLeaders()
		w.tell("new leaders")
	case 7:
		w.c.RehashCoordinators()
		w.tell("new coordinators")
	}
}

// clear ends all that still would go wrong.
func (w *weather) clear() {
	for _, h := range w.faults {
		h.Remove()
	}
	w.wire.calm()
}

// nap passes some time, while what runs gets somewhere.
func (w *weather) nap() { time.Sleep(time.Duration(w.random.IntN(80)) * time.Millisecond) }

// feed writes to the topic of a source: numbers 0, 1, ... in each partition that count, and -1 in transactions that abort.
type feed struct {
	w          *weather
	plain, txn *kgo.Client
	next       []int
}

func newFeed(w *weather) *feed {
	f := &feed{w: w, next: make([]int, faultPartitions)}
	f.open()
	return f
}

// open makes clients that know all partitions.
func (f *feed) open() {
	opts := []kgo.Opt{kgo.UnknownTopicRetries(-1), kgo.MetadataMinAge(20 * time.Millisecond)}
	f.plain, f.txn = client(f.w.t, f.w.c, opts...), client(f.w.t, f.w.c, append(opts, kgo.TransactionalID("feed"))...)
}

// records makes some records, of which none counts if they are to be aborted.
func (f *feed) records(abort bool) []*kgo.Record {
	var rs []*kgo.Record
	for range 1 + f.w.random.IntN(40) {
		p := f.w.random.IntN(len(f.next))
		n := -1
		if !abort {
			n = f.next[p]
			f.next[p]++
		}
		rs = append(rs, &kgo.Record{Topic: "t", Partition: int32(p), Value: fmt.Appendf(nil, `{"n":%d}`, n)})
	}
	return rs
}

func (f *feed) write() {
	f.w.t.Helper()
	for range 1 + f.w.random.IntN(4) {
		if f.w.random.IntN(2) == 0 {
			send(f.w.t, f.plain, f.records(false)...)
			continue
		}
		abort := f.w.random.IntN(2) == 0
		if err := f.txn.BeginTransaction(); err != nil {
			f.w.t.Fatal(err)
		}
		send(f.w.t, f.txn, f.records(abort)...)
		end(f.w.t, f.txn, kgo.TransactionEndTry(!abort))
	}
}

// grow adds a partition to the topic.
func (f *feed) grow() {
	f.w.t.Helper()
	resp, err := kadm.NewClient(f.plain).UpdatePartitions(context.Background(), len(f.next)+1, "t")
	if err == nil {
		err = resp.Error()
	}
	if err != nil {
		f.w.t.Fatal(err)
	}
	f.next = append(f.next, 0)
	f.open()
	f.w.tell("partition %d appears", len(f.next)-1)
}

func (f *feed) total() (n int) {
	for _, m := range f.next {
		n += m
	}
	return n
}

// sourceFaults: a source delivers each committed record once, in the order of its partition, and none of the aborted.
func sourceFaults(t *testing.T, w *weather) {
	f := newFeed(w)
	sp := spec(t, w.c.ListenAddrs(), map[string]string{"properties.fetch.max.wait.ms": "50"})
	e := &engine{}
	for round := range 4 {
		f.write()
		if round == 1 && w.random.IntN(3) == 0 {
			f.grow()
		}
		for range w.random.IntN(4) {
			w.turn(sourceErrors)
		}
		r := read(t, sp, e)
		f.write()
		w.nap()
		if w.random.IntN(2) == 0 {
			w.turn(sourceErrors)
			w.nap()
		}
		if w.random.IntN(3) == 0 {
			r.awaitRows(f.total())
		}
		r.close()
		if w.random.IntN(2) == 0 {
			w.tell("the engine forgets %d parts", e.crash(w.random.IntN(4)))
		}
	}
	w.clear()
	r := read(t, sp, e)
	r.awaitRows(f.total())
	r.close()
	next := make([]int, len(f.next))
	for _, row := range e.rows {
		part, n, _ := strings.Cut(row, ":")
		p, _ := strconv.Atoi(part)
		if n != strconv.Itoa(next[p]) {
			t.Fatalf("partition %d has %s, want %d", p, n, next[p])
		}
		next[p]++
	}
	if !slices.Equal(next, f.next) {
		t.Errorf("records of the partitions: %v, want %v", next, f.next)
	}
	if len(e.errors) > 0 {
		t.Errorf("error rows: %q", e.errors)
	}
}

// changes stands for the engine: changes of a few keys, which every sink on it finds from the first to the last.
type changes struct {
	mu     sync.Mutex
	epochs [][]keyed // of epoch i+1
	next   map[int64]int64
	queues []*changeQueue
}

type keyed struct{ k, n int64 }

// changeQueue is how one sink sees them.
type changeQueue struct {
	*changes
	wake chan struct{}
	done connect.Position
}

// add makes an epoch of so many changes.
func (c *changes) add(random *rand.Rand, count int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var epoch []keyed
	for range count {
		k := random.Int64N(20)
		epoch = append(epoch, keyed{k, c.next[k]})
		c.next[k]++
	}
	c.epochs = append(c.epochs, epoch)
	for _, q := range c.queues {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
}

func (c *changes) queue() *changeQueue {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := &changeQueue{changes: c, wake: make(chan struct{}, 1)}
	c.queues = append(c.queues, q)
	return q
}

func (q *changeQueue) Next(pos connect.Position) (*connect.Changes, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	at := max(pos.Epoch, 1)
	if at > uint64(len(q.epochs)) {
		return nil, nil
	}
	from := int64(0)
	if at == pos.Epoch {
		from = pos.Change
	}
	c := &connect.Changes{Epoch: at, Kept: true, Rows: vec.NewBatch([]types.Type{types.T(types.Int8), types.T(types.Int8)}, 0),
		At: connect.Position{Epoch: at, Change: from}, Next: connect.Position{Epoch: at + 1}}
	for i, ch := range q.epochs[at-1][from:] {
		c.Rows.Cols[0].AppendI64(ch.k)
		c.Rows.Cols[1].AppendI64(ch.n)
		c.List = append(c.List, connect.Change{Before: -1, After: int32(i)})
	}
	c.Rows.N = len(c.List)
	return c, nil
}

func (q *changeQueue) Wait(ctx context.Context, _ connect.Position) error {
	select {
	case <-q.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *changeQueue) Delivered(_ context.Context, pos connect.Position) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.done.Less(pos) { // epochs that came to nothing are in no transaction: the next life may tell a position before them
		q.done = pos
	}
	return nil
}

func (q *changeQueue) delivered() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.done.Epoch == uint64(len(q.epochs))+1
}

// sinkFaults: the topic holds, for a reader of what is committed, each change once, those of a key in order. Sinks end and
// begin again; some that should have ended go on for a while, until they find that another one has taken their place. At
// least once: changes may come again, and then those behind them, too.
func sinkFaults(t *testing.T, w *weather) {
	twice := w.random.IntN(5) == 0
	delivery := map[string]string{}
	if twice {
		delivery["delivery"] = "at_least_once"
	}
	spec := sinkSpec(t, w.c.ListenAddrs(), delivery)
	spec.Columns = []catalog.Column{{Name: "k", Type: types.T(types.Int8)}, {Name: "n", Type: types.T(types.Int8)}}
	c := &changes{next: map[int64]int64{}}
	var zombies []*sender
	for range 4 {
		for range w.random.IntN(4) {
			w.turn(sinkErrors)
		}
		q := c.queue()
		s := sendAll(t, spec, q)
		for range 1 + w.random.IntN(5) {
			c.add(w.random, w.random.IntN(60))
			w.nap()
			if w.random.IntN(3) == 0 {
				w.turn(sinkErrors)
			}
		}
		switch end := w.random.IntN(4); {
		case twice:
		case end == 0:
			w.clear()
			awaitDelivery(t, s, q)
			w.fence()
			c.add(w.random, w.random.IntN(60))
			w.nap()
		case end == 1:
			w.clear()
			eventually(t, "a start", func() bool { return s.sink.Status().State == connect.Running }) // now the id is its own
			w.tell("a sink goes on")
			zombies = append(zombies, s)
			continue
		}
		s.stop()
		if err := <-s.done; err != nil {
			t.Fatalf("a sink that was alone: %v", err)
		}
	}
	w.clear()
	q := c.queue()
	last := sendAll(t, spec, q)
	awaitDelivery(t, last, q)
	c.add(w.random, 10)
	for i, z := range zombies {
		select {
		case err := <-z.done:
			if !pgerr.Is(err, pgerr.ObjectInUse) {
				t.Errorf("a sink that was replaced ended with %v", err)
			}
		case <-time.After(60 * time.Second):
			t.Fatalf("sink %d of %d that were replaced goes on: %+v", i, len(zombies), z.sink.Status())
		}
	}
	awaitDelivery(t, last, q)
	last.stop()
	if err := <-last.done; err != nil {
		t.Errorf("the last sink: %v", err)
	}
	next := map[int64]int64{}
	for _, r := range committedRecords(t, w.c.ListenAddrs()) {
		var k, n int64
		if _, err := fmt.Sscanf(string(r.Value), `{"k":%d,"n":%d}`, &k, &n); err != nil {
			t.Fatalf("%q: %v", r.Value, err)
		}
		if n > next[k] || n < next[k] && !twice {
			t.Fatalf("key %d has %d, want %d", k, n, next[k])
		}
		next[k] = n + 1
	}
	for k, n := range c.next {
		if next[k] != n {
			t.Errorf("key %d has %d changes, want %d", k, next[k], n)
		}
	}
}

func awaitDelivery(t *testing.T, s *sender, q *changeQueue) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !q.delivered(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not delivered: at %v, status %+v", q.done, s.sink.Status())
		}
	}
}

// fence does what the coordinator does to a transaction that takes too long.
func (w *weather) fence() {
	w.tell("the transaction is given up")
	cl := client(w.t, w.c, kgo.TransactionalID("millrace-s-1"))
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, _, _ = cl.ProducerID(ctx) // if it does not come to that, it does not
	cl.Close()
}
