package connect

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/millracedb/millrace/tests/rig"
)

// counter inserts the numbers from 1 on into stream n, some at a time, until it is stopped.
type counter struct {
	last int // acknowledged
	stop chan struct{}
	done sync.WaitGroup
}

func startCounter(t *testing.T, s *rig.Server) *counter {
	c := &counter{stop: make(chan struct{})}
	conn := s.Connect()
	c.done.Go(func() {
		for {
			select {
			case <-c.stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
			if _, err := conn.Exec(context.Background(), `INSERT INTO n SELECT g FROM generate_series($1::bigint, $2::bigint) g`, c.last+1, c.last+20); err != nil {
				t.Errorf("inserting: %v", err)
				return
			}
			c.last += 20
		}
	})
	return c
}

func (c *counter) end() int {
	close(c.stop)
	c.done.Wait()
	return c.last
}

// checkCount checks that a topic has the records 1 to last once each, and that the stream over it has them, too.
func checkCount(t *testing.T, k *rig.Broker, s *rig.Server, last int) {
	t.Helper()
	delivered(t, s)
	var got []int
	for _, r := range committedRecords(t, k.Addr(), "n") {
		var n int
		if _, err := fmt.Sscanf(string(r.Value), `{"n":%d}`, &n); err != nil {
			t.Fatalf("%s: %v", r.Value, err)
		}
		got = append(got, n)
	}
	slices.Sort(got)
	for i, n := range got {
		if n != i+1 {
			t.Fatalf("record %d of %d is %d", i+1, len(got), n)
		}
	}
	if len(got) != last {
		t.Fatalf("%d records of %d", len(got), last)
	}
	rig.Eventually(t, time.Minute, func() error {
		return expectCount(s.DSN(), `SELECT count(*) FROM again`, last)
	})
	if err := expectCount(s.DSN(), `SELECT (sum(n) - count(*) * (count(*) + 1) / 2)::int FROM again`, 0); err != nil {
		t.Error(err)
	}
}

const sinkOfNumbers = `CREATE SINK out FROM n WITH (connector = 'kafka', topic = 'n', topic.partitions = 2, properties.bootstrap.server = '%s',
	properties.transaction.timeout.ms = %d) FORMAT PLAIN ENCODE JSON`

// The server stands still for longer than the brokers leave a transaction open, again and again: they have given up what it
// was about to commit, and tell it so in the words for a fenced producer. It goes on, and nothing is lost or doubled. Then the
// broker stands still for longer than a transaction may take, while the sink tries again and again.
func TestPausedBeyondTransactionTimeout(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	k := rig.Kafka(t)
	s := rig.Millrace(t)
	s.Exec(`CREATE STREAM n (n bigint)`)
	refused(t, s, "22023", fmt.Sprintf(sinkOfNumbers, k.Addr(), 86_400_000))
	s.Exec(fmt.Sprintf(sinkOfNumbers, k.Addr(), 1500),
		`CREATE STREAM again (n bigint) WITH (connector = 'kafka', topic = 'n', properties.bootstrap.server = '`+k.Addr()+`')`)
	load := startCounter(t, s)
	for range 3 {
		time.Sleep(time.Duration(300+random.IntN(500)) * time.Millisecond)
		pause(t, s.PID(), 3*time.Second) // the broker looks every half second
	}
	for range 2 {
		time.Sleep(time.Duration(300+random.IntN(500)) * time.Millisecond)
		pause(t, k.PID(), 3*time.Second)
	}
	last := load.end()
	checkCount(t, k, s, last)
	if strings.Contains(s.Log(), "sink stopped") {
		t.Error("the sink has ended")
	}
	t.Logf("%d records", last)
}

func pause(t *testing.T, pid int, d time.Duration) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(d)
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// Two servers on copies of one data directory run one sink. The one whose copy is older than what was delivered ends its
// own, and leaves the other alone. The one that has all of it takes the sink over: the other's ends with a clear error as soon
// as it wants to send, though it stood still meanwhile, and does not take it back; the topic has what its new owner sends.
func TestZombieIsFenced(t *testing.T) {
	t.Parallel()
	k := rig.Kafka(t)
	first := rig.Millrace(t)
	insert := func(s *rig.Server, from int) {
		for i := range 10 { // an epoch each
			s.Exec(fmt.Sprintf(`INSERT INTO n SELECT g FROM generate_series(%d, %d) g`, from+2*i, from+2*i+1))
		}
	}
	state := func(s *rig.Server, state, message string) {
		t.Helper()
		rig.Eventually(t, time.Minute, func() error {
			err := expectCount(s.DSN(), `SELECT count(*) FROM millrace.sinks WHERE state = '`+state+`' AND coalesce(last_error, '') LIKE '`+message+`'`, 1)
			if err != nil {
				err = fmt.Errorf("%w: %q", err, rowsOf(t, s.DSN(), `SELECT state, last_error FROM millrace.sinks`))
			}
			return err
		})
	}
	first.Exec(`CREATE STREAM n (n bigint)`, fmt.Sprintf(sinkOfNumbers, k.Addr(), 60_000))
	insert(first, 1)
	delivered(t, first)
	first.Kill9()
	older := copyOf(t, first)
	first.Restart()
	insert(first, 21)
	delivered(t, first)

	older.Restart()
	state(older, "failed", "epoch % was delivered, but this database has only come to epoch %")
	insert(first, 41)
	delivered(t, first)
	older.Stop()

	if err := syscall.Kill(first.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	second := copyOf(t, first)
	second.Restart()
	insert(second, 61)
	delivered(t, second)
	if err := syscall.Kill(first.PID(), syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	insert(first, 1001)
	state(first, "failed", "the sink was fenced: another producer uses the transactional id %")
	insert(second, 81)
	delivered(t, second)
	second.Exec(`CREATE STREAM again (n bigint) WITH (connector = 'kafka', topic = 'n', properties.bootstrap.server = '` + k.Addr() + `')`)
	checkCount(t, k, second, 100)

	// Alone again, it takes the sink back, and says that its data is behind.
	second.Stop()
	first.Stop()
	first.Restart()
	state(first, "failed", "epoch % was delivered, but%")
}

// copyOf returns a server that is not running, on a copy of the data of another one.
func copyOf(t *testing.T, s *rig.Server) *rig.Server {
	t.Helper()
	c := rig.Millrace(t)
	c.Kill9()
	if err := os.RemoveAll(c.DataDir()); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(c.DataDir(), os.DirFS(s.DataDir())); err != nil {
		t.Fatal(err)
	}
	return c
}
