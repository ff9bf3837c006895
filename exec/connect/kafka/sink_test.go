package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// sinkQueue stands for the engine: numbers to send, one or more an epoch, kept until they are delivered.
type sinkQueue struct {
	mu     sync.Mutex
	epochs [][]int64 // of epoch i+1
	done   connect.Position
	wake   chan struct{}
	old    error // of Next: the database is an old copy
}

func newSinkQueue() *sinkQueue { return &sinkQueue{wake: make(chan struct{}, 1)} }

func (q *sinkQueue) add(numbers ...int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.epochs = append(q.epochs, numbers)
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *sinkQueue) Next(pos connect.Position) (*connect.Changes, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.old != nil {
		return nil, q.old
	}
	at := max(int(pos.Epoch), 1)
	if at > len(q.epochs) {
		return nil, nil
	}
	from := 0
	if uint64(at) == pos.Epoch {
		from = int(pos.Change)
	}
	c := &connect.Changes{Epoch: uint64(at), Kept: true, Rows: vec.NewBatch([]types.Type{types.T(types.Int8)}, 0),
		At: connect.Position{Epoch: uint64(at), Change: int64(from)}, Next: connect.Position{Epoch: uint64(at) + 1}}
	for i, n := range q.epochs[at-1][from:] {
		c.Rows.Cols[0].AppendI64(n)
		c.List = append(c.List, connect.Change{Before: -1, After: int32(i)})
	}
	c.Rows.N = len(c.List)
	return c, nil
}

func (q *sinkQueue) Wait(ctx context.Context, _ connect.Position) error {
	select {
	case <-q.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (q *sinkQueue) Delivered(_ context.Context, pos connect.Position) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.done = pos
	return nil
}

func (q *sinkQueue) delivered() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.done.Epoch == uint64(len(q.epochs))+1
}

func sinkSpec(t testing.TB, addrs []string, with map[string]string) connect.SinkSpec {
	t.Helper()
	all := map[string]string{"topic": "t", "brokers": strings.Join(addrs, ",")}
	maps.Copy(all, with)
	options, err := Connector.CheckSink(all)
	if err != nil {
		t.Fatal(err)
	}
	return connect.SinkSpec{Name: "s", Relation: "r", Identity: "1", Columns: []catalog.Column{{Name: "n", Type: types.T(types.Int8)}},
		Key: []int{0}, Options: options, Format: catalog.Format{Format: "UPSERT", Encode: "JSON"}}
}

// sender is a Sink that runs.
type sender struct {
	sink connect.Sink
	stop context.CancelFunc
	done chan error
}

func sendAll(t testing.TB, spec connect.SinkSpec, q connect.Queue) *sender {
	t.Helper()
	sink, err := Connector.Sink.Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	return runSink(t, sink, q)
}

func runSink(t testing.TB, sink connect.Sink, q connect.Queue) *sender {
	ctx, cancel := context.WithCancel(context.Background())
	s := &sender{sink: sink, stop: cancel, done: make(chan error, 1)}
	go func() { s.done <- sink.Run(ctx, q) }()
	t.Cleanup(func() { cancel(); sink.Close() })
	return s
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: it did not come to that", what)
		}
	}
}

// committedNumbers are the values of the topic's committed records, sorted.
func committedNumbers(t testing.TB, addrs []string) []string {
	t.Helper()
	var out []string
	for _, r := range committedRecords(t, addrs) {
		out = append(out, string(r.Value))
	}
	slices.Sort(out)
	return out
}

// committedRecords are the topic's committed records, in the order of each partition, once no transaction is open on any.
func committedRecords(t testing.TB, addrs []string) []*kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), kgo.FetchMaxWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	left := map[int32]int64{} // the end of each partition that is not yet read
	eventually(t, "the end of every transaction", func() bool {
		end, err := kadm.NewClient(cl).ListEndOffsets(ctx, "t")
		stable, err2 := kadm.NewClient(cl).ListCommittedOffsets(ctx, "t")
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		settled := true
		end.Each(func(o kadm.ListedOffset) {
			s, _ := stable.Lookup(o.Topic, o.Partition)
			settled = settled && s.Offset == o.Offset
			if o.Offset > 0 {
				left[o.Partition] = o.Offset
			}
		})
		return settled
	})
	var out []*kgo.Record
	for len(left) > 0 {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("reading: the ends %v are not reached", left)
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
	return out
}

func numbersUpTo(n int64) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf(`{"n":%d}`, i))
	}
	slices.Sort(out)
	return out
}

func fakeCluster(t testing.TB) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(2), kfake.SeedTopics(3, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// What the broker has committed says where a new life of the sink goes on: nothing twice, although the queue has
// everything still.
func TestSinkResumes(t *testing.T) {
	c := fakeCluster(t)
	q := newSinkQueue()
	for n := int64(0); n < 100; n += 2 {
		q.add(n, n+1)
	}
	s := sendAll(t, sinkSpec(t, c.ListenAddrs(), nil), q)
	eventually(t, "delivery", q.delivered)
	s.stop()
	if err := <-s.done; err != nil {
		t.Fatal(err)
	}
	q.mu.Lock()
	q.done = connect.Position{}
	q.mu.Unlock()
	q.add(100, 101)
	sendAll(t, sinkSpec(t, c.ListenAddrs(), nil), q)
	eventually(t, "delivery", q.delivered)
	if got := committedNumbers(t, c.ListenAddrs()); !slices.Equal(got, numbersUpTo(102)) {
		t.Errorf("%d records: %v", len(got), got)
	}
}

// A second sink with the same transactional id fences the first, which ends and says so.
func TestSinkFenced(t *testing.T) {
	c := fakeCluster(t)
	q := newSinkQueue()
	q.add(0)
	first := sendAll(t, sinkSpec(t, c.ListenAddrs(), nil), q)
	eventually(t, "delivery", q.delivered)
	q2 := newSinkQueue()
	q2.add(0)
	q2.add(1)
	sendAll(t, sinkSpec(t, c.ListenAddrs(), nil), q2)
	eventually(t, "delivery of the second", q2.delivered)
	q.add(1)
	select {
	case err := <-first.done:
		if !pgerr.Is(err, pgerr.ObjectInUse) {
			t.Errorf("fenced: %v", err)
		}
	case <-time.After(60 * time.Second):
		t.Fatal("the fenced sink goes on")
	}
	if st := first.sink.Status(); st.State != connect.Failed || !strings.Contains(st.LastError, "fenced") {
		t.Errorf("status of the fenced sink: %+v", st)
	}
	if got := committedNumbers(t, c.ListenAddrs()); !slices.Equal(got, numbersUpTo(2)) {
		t.Errorf("%v", got)
	}
}

// The sink of an old copy of the database, which lacks what was delivered, ends and leaves the transactional id where it is.
func TestSinkOfOldCopy(t *testing.T) {
	c := fakeCluster(t)
	q := newSinkQueue()
	q.add(0)
	first := sendAll(t, sinkSpec(t, c.ListenAddrs(), nil), q)
	eventually(t, "delivery", q.delivered)
	old := newSinkQueue()
	old.old = errors.New("an old copy")
	if err := <-sendAll(t, sinkSpec(t, c.ListenAddrs(), nil), old).done; err == nil || !strings.Contains(err.Error(), "old copy") {
		t.Errorf("the old copy: %v", err)
	}
	q.add(1)
	eventually(t, "delivery", q.delivered)
	if st := first.sink.Status(); st.State != connect.Running {
		t.Errorf("status: %+v", st)
	}
	if got := committedNumbers(t, c.ListenAddrs()); !slices.Equal(got, numbersUpTo(2)) {
		t.Errorf("%v", got)
	}
}

// Brokers give up a transaction that takes too long, and tell the producer what they tell one that was replaced. As nobody
// has replaced this one, it goes on.
func TestSinkTransactionTimedOut(t *testing.T) {
	c := fakeCluster(t)
	q := newSinkQueue()
	q.add(0)
	spec := sinkSpec(t, c.ListenAddrs(), nil)
	s := sendAll(t, spec, q)
	eventually(t, "delivery", q.delivered)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.TransactionalID("millrace-s-1"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if _, _, err := cl.ProducerID(context.Background()); err != nil { // what the coordinator does then
		t.Fatal(err)
	}
	q.add(1, 2)
	eventually(t, "delivery after the transaction was given up", q.delivered)
	if st := s.sink.Status(); st.State != connect.Running || st.LastError == "" {
		t.Errorf("status: %+v", st)
	}
	if got := committedNumbers(t, c.ListenAddrs()); !slices.Equal(got, numbersUpTo(3)) {
		t.Errorf("%v", got)
	}
}

// Over a slow connection transactions become as small as it takes.
func TestSinkSlowConnection(t *testing.T) {
	c := fakeCluster(t)
	c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		bytes := 0
		for _, topic := range r.(*kmsg.ProduceRequest).Topics {
			for _, p := range topic.Partitions {
				bytes += len(p.Records)
			}
		}
		time.Sleep(time.Duration(bytes) * time.Microsecond)
		return nil, nil, false
	})
	q := newSinkQueue()
	const rows = 100_000
	for n := int64(0); n < rows; n += 1000 {
		epoch := make([]int64, 1000)
		for i := range epoch {
			epoch[i] = n + int64(i)
		}
		q.add(epoch...)
	}
	opened, err := Connector.Sink.Open(sinkSpec(t, c.ListenAddrs(), map[string]string{"properties.compression.type": "none"}))
	if err != nil {
		t.Fatal(err)
	}
	opened.(*Sink).patience = time.Second
	runSink(t, opened, q)
	eventually(t, "delivery", q.delivered)
	if got := committedNumbers(t, c.ListenAddrs()); !slices.Equal(got, numbersUpTo(rows)) {
		t.Errorf("%d records", len(got))
	}
}

// An epoch that comes to nothing leaves no transaction open, which the broker would give up later.
func TestSinkEmptyEpoch(t *testing.T) {
	c := fakeCluster(t)
	q := newSinkQueue()
	q.add(0)
	q.add()
	sendAll(t, sinkSpec(t, c.ListenAddrs(), nil), q)
	eventually(t, "delivery", q.delivered)
	q.add()
	eventually(t, "delivery of nothing", q.delivered)
	txns, err := kadm.NewClient(client(t, c)).DescribeTransactions(context.Background(), "millrace-s-1")
	if err != nil {
		t.Fatal(err)
	}
	if state := txns["millrace-s-1"].State; strings.Contains(state, "Ongoing") {
		t.Errorf("the transaction is %s", state)
	}
	q.add(1)
	eventually(t, "delivery", q.delivered)
	if got := committedNumbers(t, c.ListenAddrs()); !slices.Equal(got, numbersUpTo(2)) {
		t.Errorf("%v", got)
	}
}

// The broker goes away and comes back on its port with its data: the sink says so, and catches up.
func TestSinkBrokerComesBack(t *testing.T) {
	dir := t.TempDir()
	c := cluster(t, 3, kfake.DataDir(dir))
	addrs := c.ListenAddrs()
	q := newSinkQueue()
	q.add(0)
	s := sendAll(t, sinkSpec(t, addrs, nil), q)
	eventually(t, "delivery", q.delivered)
	c.Close()
	q.add(1, 2)
	eventually(t, "notice", func() bool {
		st := s.sink.Status()
		return st.State == connect.Retrying && st.LastError != ""
	})
	port, _ := strconv.Atoi(addrs[0][strings.LastIndex(addrs[0], ":")+1:])
	again, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	eventually(t, "delivery to the broker that came back", q.delivered)
	eventually(t, "recovery", func() bool { return s.sink.Status().State == connect.Running })
	if got := committedNumbers(t, addrs); !slices.Equal(got, numbersUpTo(3)) {
		t.Errorf("%v", got)
	}
}

// A sink that has nothing to send is not called retrying for ever because the last of its connections broke.
func TestSinkIdleAfterTrouble(t *testing.T) {
	c := fakeCluster(t)
	q := newSinkQueue()
	q.add(0)
	s := sendAll(t, sinkSpec(t, c.ListenAddrs(), nil), q)
	eventually(t, "delivery", q.delivered)
	broken := &s.sink.(*Sink).trouble
	broken.note(errors.New("it broke"))
	if st := s.sink.Status(); st.State != connect.Retrying || st.LastError != "it broke" {
		t.Errorf("status: %+v", st)
	}
	broken.mu.Lock()
	broken.mu.at = time.Now().Add(-2 * troubleLasts)
	broken.mu.Unlock()
	if st := s.sink.Status(); st.State != connect.Running {
		t.Errorf("status: %+v", st)
	}
}

// Keys go where the Java client would send them.
func TestSinkPartitions(t *testing.T) {
	c := fakeCluster(t)
	q := newSinkQueue()
	q.add(0, 1, 2, 3, 4, 5, 6, 7)
	spec := sinkSpec(t, c.ListenAddrs(), map[string]string{"delivery": "at_least_once"})
	spec.Format.Key = "TEXT"
	sendAll(t, spec, q)
	eventually(t, "delivery", q.delivered)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	got := map[string]int32{}
	eventually(t, "reading", func() bool {
		cl.PollFetches(context.Background()).EachRecord(func(r *kgo.Record) { got[string(r.Key)] = r.Partition })
		return len(got) == 8
	})
	// org.apache.kafka.common.utils.Utils.toPositive(murmur2(key)) % 3.
	want := map[string]int32{}
	for key := range got {
		want[key] = int32((murmur2([]byte(key)) & 0x7fffffff) % 3)
	}
	if !maps.Equal(got, want) {
		t.Errorf("partitions %v, want %v", got, want)
	}
}

// murmur2 is Kafka's hash, written down once more.
func murmur2(b []byte) uint32 {
	const m = 0x5bd1e995
	h := uint32(0x9747b28c) ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		k *= m
		k ^= k >> 24
		k *= m
		h = h*m ^ k
	}
	for i := len(b) - 1; i >= 0; i-- {
		h ^= uint32(b[i]) << (8 * i)
	}
	if len(b) > 0 {
		h *= m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}

func TestSinkProbe(t *testing.T) {
	c := fakeCluster(t)
	for _, tc := range []struct {
		with map[string]string
		code string
	}{
		{nil, ""},
		{map[string]string{"delivery": "at_least_once"}, ""},
		{map[string]string{"topic": "missing"}, pgerr.UndefinedObject},
		{map[string]string{"topic": "made", "topic.partitions": "4"}, ""},
		{map[string]string{"topic": "made"}, ""},
	} {
		err := Connector.Sink.Probe(context.Background(), sinkSpec(t, c.ListenAddrs(), tc.with))
		if code := codeOf(err); code != tc.code {
			t.Errorf("%v: %q %v", tc.with, code, err)
		}
	}
	c.ControlKey(int16(kmsg.InitProducerID), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := r.ResponseKind().(*kmsg.InitProducerIDResponse)
		resp.ErrorCode = kerr.TransactionalIDAuthorizationFailed.Code
		return resp, nil, true
	})
	if err := Connector.Sink.Probe(context.Background(), sinkSpec(t, c.ListenAddrs(), nil)); codeOf(err) != pgerr.InsufficientPrivilege {
		t.Errorf("no permission: %v", err)
	}
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return pgerr.Of(err).Code
}
