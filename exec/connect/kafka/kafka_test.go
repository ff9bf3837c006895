package kafka

import (
	"context"
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
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// engine stands for the engine: it commits every part it takes.
type engine struct {
	mu       sync.Mutex
	rows     []string // partition:columns
	errors   []string // SQLSTATE message (detail) data
	offsets  connect.Offsets
	problems []string
	gate     chan struct{} // not nil: each Deliver takes one from it
	parts    []mark        // the state in front of each part
}

// mark is a state of the engine.
type mark struct {
	rows, errors int
	offsets      connect.Offsets
}

// crash forgets the last n parts, as if they had not become durable yet, and returns how many it were.
func (e *engine) crash(n int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n = min(n, len(e.parts)); n > 0 {
		m := e.parts[len(e.parts)-n]
		e.rows, e.errors, e.offsets, e.parts = e.rows[:m.rows], e.errors[:m.errors], m.offsets, e.parts[:len(e.parts)-n]
	}
	return n
}

func (e *engine) Deliver(ctx context.Context, p *connect.Part) error {
	if e.gate != nil {
		select {
		case <-e.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.parts = append(e.parts, mark{len(e.rows), len(e.errors), maps.Clone(e.offsets)})
	row := 0
	for _, run := range p.Runs {
		for range run.Rows {
			text := []string{strconv.Itoa(int(run.Partition))}
			for _, c := range p.Rows.Cols {
				if c.IsNull(row) {
					text = append(text, "NULL")
				} else if c.Type.Class() == types.I64 {
					text = append(text, string(types.AppendI64Text(nil, c.Type, c.I64[row], nil)))
				} else {
					text = append(text, c.Type.OID.String()+"="+string(c.Bytes(row)))
				}
			}
			e.rows = append(e.rows, strings.Join(text, ":"))
			row++
		}
	}
	if row != p.Rows.N {
		e.problems = append(e.problems, fmt.Sprintf("runs have %d rows of %d", row, p.Rows.N))
	}
	for _, c := range p.Rows.Cols {
		if c.Len() != p.Rows.N {
			e.problems = append(e.problems, fmt.Sprintf("a column has %d values of %d", c.Len(), p.Rows.N))
		}
	}
	for _, bad := range p.Errors {
		where := bad.Err.Detail
		if bad.At != nil {
			where = fmt.Sprintf("topic %q, %s", bad.At.Topic, place(bad.At.Partition, bad.At.Offset))
		}
		e.errors = append(e.errors, fmt.Sprintf("%s %s (%s) %s", bad.Err.Code, bad.Err.Message, where, bad.Data))
	}
	if e.offsets == nil {
		e.offsets = connect.Offsets{}
	}
	for part, next := range p.Offsets {
		if next < e.offsets[part] && part >= 0 {
			e.problems = append(e.problems, fmt.Sprintf("partition %d went back from %d to %d", part, e.offsets[part], next))
		}
	}
	e.offsets.Merge(p.Offsets)
	if p.Release != nil {
		p.Release()
	}
	return nil
}

func (e *engine) counts() (rows, errors int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.rows), len(e.errors)
}

// reader is a Source that runs.
type reader struct {
	t      testing.TB
	src    connect.Source
	engine *engine
	stop   context.CancelFunc
	done   chan error
}

func spec(t testing.TB, addrs []string, with map[string]string, columns ...catalog.Column) connect.StreamSpec {
	t.Helper()
	all := map[string]string{"topic": "t", "bootstrap.servers": strings.Join(addrs, ",")}
	maps.Copy(all, with)
	options, err := Connector.Check(all)
	if err != nil {
		t.Fatal(err)
	}
	if columns == nil {
		columns = []catalog.Column{{Name: "n", Type: types.T(types.Int8)}}
	}
	return connect.StreamSpec{Name: "s", Columns: columns, Options: options}
}

// read starts a source from what the engine has committed.
func read(t testing.TB, sp connect.StreamSpec, e *engine) *reader {
	t.Helper()
	src, err := Connector.Open(sp)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &reader{t: t, src: src, engine: e, stop: cancel, done: make(chan error, 1)}
	from := maps.Clone(e.offsets)
	go func() { r.done <- src.Run(ctx, from, e) }()
	t.Cleanup(func() { cancel(); src.Close() })
	return r
}

func (r *reader) close() {
	r.t.Helper()
	r.stop()
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Errorf("Run ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		r.t.Fatal("Run does not end")
	}
	if p := r.engine.problems; len(p) > 0 {
		r.t.Errorf("%v", p)
	}
}

func (r *reader) await(what string, cond func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			rows, errs := r.engine.counts()
			r.t.Fatalf("not within 60 s: %s; %d rows, %d errors, status %+v", what, rows, errs, r.src.Status())
		}
	}
}

func (r *reader) awaitRows(n int) {
	r.t.Helper()
	r.await(fmt.Sprintf("%d rows", n), func() bool { rows, _ := r.engine.counts(); return rows >= n })
}

func cluster(t testing.TB, partitions int32, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(partitions, "t")}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func client(t testing.TB, c *kfake.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func send(t testing.TB, cl *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// numbers are records {"n": from}, ..., over the partitions.
func numbers(from, n int, partitions int32) []*kgo.Record {
	var rs []*kgo.Record
	for i := from; i < from+n; i++ {
		rs = append(rs, &kgo.Record{Topic: "t", Partition: int32(i) % partitions, Value: fmt.Appendf(nil, `{"n":%d}`, i)})
	}
	return rs
}

// checkNumbers checks that numbers 0 to n-1 came once each, in order in each partition.
func checkNumbers(t testing.TB, e *engine, n int, partitions int32) {
	t.Helper()
	next := map[string]int{}
	if len(e.rows) != n {
		t.Errorf("%d rows, want %d", len(e.rows), n)
	}
	for _, row := range e.rows {
		p, text, _ := strings.Cut(row, ":")
		want, seen := next[p]
		if !seen {
			want, _ = strconv.Atoi(p)
		}
		if text != strconv.Itoa(want) {
			t.Fatalf("partition %s has %s, want %d", p, text, want)
		}
		next[p] = want + int(partitions)
	}
}

func TestReadsAllPartitionsAndResumes(t *testing.T) {
	c := cluster(t, 4)
	cl := client(t, c)
	sp := spec(t, c.ListenAddrs(), nil)
	e := &engine{}
	total := 0
	for range 3 {
		send(t, cl, numbers(total, 1000, 4)...)
		total += 1000
		r := read(t, sp, e)
		r.awaitRows(total)
		send(t, cl, numbers(total, 1000, 4)...)
		total += 1000
		r.awaitRows(total)
		r.close()
	}
	checkNumbers(t, e, total, 4)
}

func TestStartModes(t *testing.T) {
	for _, tc := range []struct {
		with map[string]string
		old  int
	}{
		{nil, 10},
		{map[string]string{"scan.startup.mode": "latest"}, 0},
		{map[string]string{"scan.startup.mode": "timestamp", "scan.startup.timestamp.millis": "1006"}, 4},
	} {
		c := cluster(t, 2)
		cl := client(t, c)
		old := numbers(0, 10, 2)
		for i, r := range old {
			r.Timestamp = time.UnixMilli(int64(1000 + i))
		}
		send(t, cl, old...)
		sp := spec(t, c.ListenAddrs(), tc.with)
		e := &engine{}
		r := read(t, sp, e)
		r.await("a start", func() bool { return r.src.Status().State == connect.Running })
		r.close()
		before := len(e.rows)
		// The start is pinned: what is produced while nobody reads is not "latest" again.
		send(t, cl, &kgo.Record{Topic: "t", Partition: 0, Timestamp: time.UnixMilli(2000), Value: []byte(`{"n":-1}`)})
		r = read(t, sp, e)
		r.awaitRows(tc.old + 1)
		r.close()
		if before > tc.old {
			t.Errorf("%v: %d old rows, want %d", tc.with, before, tc.old)
		}
		if last := e.rows[len(e.rows)-1]; !slices.Contains(e.rows, "0:-1") {
			t.Errorf("%v: the new row is missing, last is %s", tc.with, last)
		}
	}
}

func TestBadRecordsAreRows(t *testing.T) {
	c := cluster(t, 2)
	send(t, client(t, c),
		&kgo.Record{Topic: "t", Value: []byte(`{"n":1}`)},
		&kgo.Record{Topic: "t", Value: []byte(`{"n":"many"}`)},
		&kgo.Record{Topic: "t", Value: []byte("{\"n\":\x00\xff")},
		&kgo.Record{Topic: "t", Value: nil},
		&kgo.Record{Topic: "t", Value: []byte(strings.Repeat("é", 500))},
		&kgo.Record{Topic: "t", Value: []byte(`{"n":2}`)},
	)
	e := &engine{}
	r := read(t, spec(t, c.ListenAddrs(), nil), e)
	r.awaitRows(2)
	r.close()
	want := []string{
		`22P02 invalid input syntax for type bigint: "many" (topic "t", partition 0, offset 1) {"n":"many"}`,
		"22P02 invalid input syntax for type json at byte 5: expected a value, found '\\x00' (topic \"t\", partition 0, offset 2) {\"n\":\uFFFD\uFFFD",
		`22004 record has no value (topic "t", partition 0, offset 3) `,
		`22P02 invalid input syntax for type json at byte 0: expected an object, found 'é' (topic "t", partition 0, offset 4) ` + strings.Repeat("é", 128),
	}
	if !slices.Equal(e.rows, []string{"0:1", "0:2"}) || !slices.Equal(e.errors, want) {
		t.Errorf("rows %q\nerrors\n%s", e.rows, strings.Join(e.errors, "\n"))
	}
	st := r.src.Status()
	if st.Records != 6 || st.BadRecords != 4 || e.offsets[0] != 6 || st.State != connect.Stopped {
		t.Errorf("status %+v, offsets %v", st, e.offsets)
	}
}

func TestIncludedColumns(t *testing.T) {
	c := cluster(t, 2)
	send(t, client(t, c),
		&kgo.Record{Topic: "t", Partition: 1, Key: []byte("k1"), Timestamp: time.UnixMilli(1700000000123), Value: []byte(`{"n":1}`),
			Headers: []kgo.RecordHeader{{Key: "trace", Value: []byte(`a"b`)}, {Key: "bin", Value: []byte{0, 255}}, {Key: "none"}}},
		&kgo.Record{Topic: "t", Partition: 1, Key: []byte("\xff"), Value: []byte(`{"n":2}`)},
		&kgo.Record{Topic: "t", Partition: 1, Timestamp: time.UnixMilli(0), Value: []byte(`{"n":3}`)},
	)
	e := &engine{}
	r := read(t, spec(t, c.ListenAddrs(), nil,
		catalog.Column{Name: "k", Type: types.T(types.Text), Include: "key"},
		catalog.Column{Name: "n", Type: types.T(types.Int8)},
		catalog.Column{Name: "p", Type: types.T(types.Int4), Include: "partition"},
		catalog.Column{Name: "o", Type: types.T(types.Int8), Include: "offset"},
		catalog.Column{Name: "at", Type: types.T(types.TimestampTZ), Include: "timestamp"},
		catalog.Column{Name: "h", Type: types.T(types.JSONB), Include: "headers"},
	), e)
	r.awaitRows(2)
	r.close()
	want := []string{"1:text=k1:1:1:0:2023-11-14 22:13:20.123+00:" +
		`jsonb={"bin": "\\x00ff", "none": null, "trace": "a\"b"}`, "1:NULL:3:1:2:1970-01-01 00:00:00+00:jsonb={}"}
	if !slices.Equal(e.rows, want) || len(e.errors) != 1 || !strings.HasPrefix(e.errors[0], "22021") {
		t.Errorf("rows %q, errors %q", e.rows, e.errors)
	}
}

// end ends a transaction that has written to topic t, once the client has stored what it knows of it (see settle).
func end(t testing.TB, txn *kgo.Client, commit kgo.TransactionEndTry) {
	t.Helper()
	eventually(t, "the topic's partitions", func() bool {
		leader, _, _ := txn.PartitionLeader("t", 0)
		return leader >= 0
	})
	if err := txn.EndTransaction(context.Background(), commit); err != nil {
		t.Fatal(err)
	}
}

// Aborted records are not read, open ones not yet, and the offset passes the ends of transactions.
func TestTransactions(t *testing.T) {
	c := cluster(t, 1)
	e := &engine{}
	r := read(t, spec(t, c.ListenAddrs(), nil), e)
	txn := client(t, c, kgo.TransactionalID("x"))
	run := func(commit kgo.TransactionEndTry, rs ...*kgo.Record) {
		t.Helper()
		if err := txn.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		send(t, txn, rs...)
		end(t, txn, commit)
	}
	run(kgo.TryCommit, numbers(0, 3, 1)...)
	run(kgo.TryAbort, numbers(100, 3, 1)...)
	run(kgo.TryCommit, numbers(3, 2, 1)...)
	r.awaitRows(5)
	r.await("no lag", func() bool {
		ps := r.src.Status().Partitions
		return len(ps) == 1 && ps[0].Offset == 11 && ps[0].Lag() == 0
	})
	r.close()
	checkNumbers(t, e, 5, 1)
}

func TestNewPartitionsAppear(t *testing.T) {
	c := cluster(t, 1)
	e := &engine{}
	r := read(t, spec(t, c.ListenAddrs(), map[string]string{"scan.startup.mode": "latest"}), e)
	r.await("a start", func() bool { return r.src.Status().State == connect.Running })
	adm := kadm.NewClient(client(t, c))
	if _, err := adm.UpdatePartitions(context.Background(), 3, "t"); err != nil {
		t.Fatal(err)
	}
	send(t, client(t, c), numbers(0, 30, 3)...)
	r.awaitRows(30)
	r.close()
	checkNumbers(t, e, 30, 3)
}

// The broker goes away and comes back on its port with its data: nothing is lost, nothing comes twice.
func TestBrokerComesBack(t *testing.T) {
	dir := t.TempDir()
	c := cluster(t, 2, kfake.DataDir(dir))
	addrs := c.ListenAddrs()
	send(t, client(t, c), numbers(0, 100, 2)...)
	e := &engine{}
	r := read(t, spec(t, addrs, nil), e)
	r.awaitRows(100)
	c.Close()
	r.await("notice", func() bool { return r.src.Status().State == connect.Retrying })
	if st := r.src.Status(); st.LastError == "" {
		t.Error("no error is shown")
	}
	port, _ := strconv.Atoi(addrs[0][strings.LastIndex(addrs[0], ":")+1:])
	again, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	send(t, client(t, again), numbers(100, 100, 2)...)
	r.awaitRows(200)
	r.await("recovery", func() bool { return r.src.Status().State == connect.Running })
	r.close()
	checkNumbers(t, e, 200, 2)
}

func TestOffsetLoss(t *testing.T) {
	for _, policy := range []string{"fail", "earliest", "latest"} {
		t.Run(policy, func(t *testing.T) {
			c := cluster(t, 1)
			cl := client(t, c)
			send(t, cl, numbers(0, 10, 1)...)
			adm := kadm.NewClient(cl)
			var cut kadm.Offsets
			cut.Add(kadm.Offset{Topic: "t", Partition: 0, At: 6})
			if _, err := adm.DeleteRecords(context.Background(), cut); err != nil {
				t.Fatal(err)
			}
			e := &engine{offsets: connect.Offsets{0: 2}}
			r := read(t, spec(t, c.ListenAddrs(), map[string]string{"on_offset_loss": policy}), e)
			if policy == "fail" {
				err := <-r.done
				if !pgerr.Is(err, pgerr.ObjectNotInState) || !strings.Contains(pgerr.Of(err).Detail, "partition 0, offset 2") {
					t.Errorf("got %v, %+v", err, pgerr.Of(err))
				}
				if st := r.src.Status(); st.State != connect.Failed || st.LastError == "" {
					t.Errorf("status %+v", st)
				}
				return
			}
			r.await("an error row", func() bool { _, n := e.counts(); return n == 1 })
			send(t, cl, numbers(10, 1, 1)...)
			want := map[string]int{"earliest": 5, "latest": 1}[policy]
			r.awaitRows(want)
			r.close()
			if len(e.rows) != want || e.rows[len(e.rows)-1] != "0:10" || !strings.Contains(e.errors[0], "instead of 2") {
				t.Errorf("rows %q, errors %q", e.rows, e.errors)
			}
		})
	}
}

func TestTopicMadeAnew(t *testing.T) {
	c := cluster(t, 1)
	cl := client(t, c)
	send(t, cl, numbers(0, 3, 1)...)
	e := &engine{}
	r := read(t, spec(t, c.ListenAddrs(), nil), e)
	r.awaitRows(3)
	r.close()
	adm := kadm.NewClient(cl)
	adm.DeleteTopics(context.Background(), "t")
	adm.CreateTopics(context.Background(), 1, 1, nil, "t")
	send(t, client(t, c), numbers(3, 5, 1)...)

	r = read(t, spec(t, c.ListenAddrs(), nil), e)
	if err := <-r.done; !pgerr.Is(err, pgerr.ObjectNotInState) || !strings.Contains(err.Error(), "created again") {
		t.Errorf("got %v", err)
	}
	e.problems = nil
	r = read(t, spec(t, c.ListenAddrs(), map[string]string{"on_offset_loss": "earliest"}), e)
	r.awaitRows(8)
	r.stop()
	<-r.done
	if len(e.errors) != 1 || !strings.Contains(e.errors[0], "created again") {
		t.Errorf("errors %q", e.errors)
	}
}

// A full queue stops the reading; what was fetched is not lost.
func TestBackpressure(t *testing.T) {
	c := cluster(t, 1)
	e := &engine{gate: make(chan struct{}, 1)}
	send(t, client(t, c), numbers(0, 50_000, 1)...)
	r := read(t, spec(t, c.ListenAddrs(), nil), e)
	e.gate <- struct{}{} // the pins
	e.gate <- struct{}{} // one part
	r.await("a part", func() bool { n, _ := e.counts(); return n > 0 })
	if n, _ := e.counts(); n > partRecords {
		t.Errorf("%d rows in one part", n)
	}
	close(e.gate)
	r.awaitRows(50_000)
	r.close()
	checkNumbers(t, e, 50_000, 1)
}

func TestProbe(t *testing.T) {
	c := cluster(t, 1)
	for _, tc := range []struct {
		name string
		with map[string]string
		code string
		want string
	}{
		{"good", nil, "", ""},
		{"no topic", map[string]string{"topic": "nope"}, pgerr.UndefinedObject, `topic "nope" does not exist`},
		{"nobody there", map[string]string{"bootstrap.servers": "127.0.0.1:1"}, pgerr.ConnectionFailure, "could not read topic \"t\" from Kafka at 127.0.0.1:1: "},
	} {
		started := time.Now()
		err := Connector.Probe(context.Background(), spec(t, c.ListenAddrs(), tc.with))
		if tc.code == "" && err != nil || tc.code != "" && (!pgerr.Is(err, tc.code) || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s: got %v", tc.name, err)
		}
		if tc.code == pgerr.ConnectionFailure && pgerr.Of(err).Hint == "" {
			t.Errorf("%s: no hint", tc.name)
		}
		if took := time.Since(started); took > probeTimeout+time.Second {
			t.Errorf("%s: took %v", tc.name, took)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, tc := range []struct {
		with map[string]string
		want string
	}{
		{map[string]string{"bootstrap.servers": "localhost"}, "invalid value for parameter"},
		{map[string]string{"topic": ""}, `parameter "topic" must not be empty`},
		{map[string]string{"scan.startup.mode": "timestamp"}, "goes with scan.startup.mode"},
		{map[string]string{"scan.startup.timestamp.millis": "5"}, "goes with scan.startup.mode"},
		{map[string]string{"scan.startup.mode": "timestamp", "scan.startup.timestamp.millis": "x"}, "invalid value for parameter"},
	} {
		if _, err := Connector.Open(spec(t, []string{"127.0.0.1:9092"}, tc.with)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: got %v", tc.with, err)
		}
	}
	_, err := Connector.Open(spec(t, []string{"127.0.0.1:9092"}, nil, catalog.Column{Name: "o", Type: types.T(types.Text), Include: "offset"}))
	if !pgerr.Is(err, pgerr.DatatypeMismatch) {
		t.Errorf("got %v", err)
	}
}
