package connect

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millracedb/millrace/tests/rig"
)

// chaos kills the server and the broker at random moments, each so many times, stops them for a while, cuts connections in
// front of answers, and has sinks made and dropped meanwhile.
type chaos struct {
	t      *testing.T
	server *rig.Server
	broker *rig.Broker
	relay  *rig.Relay
	seed   uint64
	kills  int                // of each
	before func(kill, of int) // called before every kill, of 1 to so many

	output string      // the topic whose growth is progress
	watch  *kgo.Client // past the relay

	begun, paused, cut atomic.Int64
	made               madeSinks
}

// run returns when all is done, and both are up. It is called by the test's own goroutine.
func (c *chaos) run() {
	stop := make(chan struct{})
	var kills, others sync.WaitGroup
	others.Go(func() { c.cutConnections(stop) })
	others.Go(func() { c.made.run(c.server.DSN(), rand.New(rand.NewPCG(c.seed, 12)), stop) })
	server := &victim{pid: c.server.PID, kill: c.server.Kill9, restart: func() bool {
		err := c.server.TryRestart()
		if err != nil {
			c.t.Errorf("starting the server again: %v", err)
		}
		return err == nil
	}}
	broker := &victim{pid: c.broker.PID, kill: c.broker.Kill9, restart: func() bool { c.broker.Restart(); return true }}
	kills.Go(func() { c.strike(server, broker, rand.New(rand.NewPCG(c.seed, 10))) })
	c.strike(broker, server, rand.New(rand.NewPCG(c.seed, 11)))
	kills.Wait()
	close(stop)
	others.Wait()
	c.t.Logf("%d kills, %d pauses, %d connections cut; %d sinks tried, %d made, %d dropped", c.begun.Load(), c.paused.Load(), c.cut.Load(),
		c.made.tried, c.made.made, c.made.dropped)
}

// victim is a process that is killed.
type victim struct {
	pid     func() int
	kill    func()
	restart func() bool
	killed  atomic.Int64
	over    atomic.Bool // no more kills of it
	seen    int64       // how far the output was at the last of them
}

// strike kills v again and again, half of the times soon after it has started. It keeps step with the other one.
func (c *chaos) strike(v, other *victim, random *rand.Rand) {
	defer v.over.Store(true)
	upTo := func(d time.Duration) { time.Sleep(time.Duration(random.Int64N(int64(d)))) }
	for i := range c.kills {
		c.before(int(c.begun.Add(1)), 2*c.kills)
		for other.killed.Load() < int64(i) && !other.over.Load() {
			time.Sleep(5 * time.Millisecond)
		}
		if random.IntN(4) > 0 { // else it may be killed before anything has gone well
			c.awaitProgress(v)
		}
		if random.IntN(2) == 0 {
			upTo(100 * time.Millisecond)
		} else {
			upTo(4 * time.Second)
		}
		if random.IntN(5) == 0 {
			_ = syscall.Kill(v.pid(), syscall.SIGSTOP)
			upTo(700 * time.Millisecond)
			_ = syscall.Kill(v.pid(), syscall.SIGCONT)
			c.paused.Add(1)
			upTo(300 * time.Millisecond)
		}
		v.kill()
		v.killed.Add(1)
		upTo(300 * time.Millisecond)
		if !v.restart() {
			return
		}
	}
}

// awaitProgress returns when the sink has committed something since it was last called for v. There is always something on
// its way: before has let more records come.
func (c *chaos) awaitProgress(v *victim) {
	for limit := time.Now().Add(2 * time.Minute); !c.t.Failed(); time.Sleep(20 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		ends, err := kadm.NewClient(c.watch).ListCommittedOffsets(ctx, c.output)
		cancel()
		end := int64(0)
		ends.Each(func(o kadm.ListedOffset) { end += o.Offset })
		if err == nil && end > v.seen {
			v.seen = end
			return
		}
		if time.Now().After(limit) {
			c.t.Errorf("nothing has come to topic %s for two minutes", c.output)
		}
	}
}

// cutConnections ends all connections to the broker now and then, some of them after a moment in which the broker got what
// was sent, and its answer was lost.
func (c *chaos) cutConnections(stop <-chan struct{}) {
	random := rand.New(rand.NewPCG(c.seed, 13))
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(300+random.IntN(2700)) * time.Millisecond):
		}
		c.relay.Mute()
		time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
		c.cut.Add(int64(c.relay.Cut()))
	}
}

// madeSinks are sinks that come and go beside the kills.
type madeSinks struct {
	addr    string // of the broker
	keys    int
	tried   int
	made    int
	dropped int
	names   []string // may be there
}

func (m *madeSinks) run(dsn string, random *rand.Rand, stop <-chan struct{}) {
	ctx := context.Background()
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(random.IntN(200)) * time.Millisecond):
		}
		conn, err := pgx.Connect(ctx, dsn)
		if err != nil {
			continue
		}
		if len(m.names) > 2 || len(m.names) > 0 && random.IntN(2) == 0 {
			i := random.IntN(len(m.names))
			if _, err := conn.Exec(ctx, "DROP SINK IF EXISTS "+m.names[i]); err == nil { // else it may be there or not
				m.names = append(m.names[:i], m.names[i+1:]...)
				m.dropped++
			}
		} else {
			// Its number is that of its topic, too: one that has failed may have left a topic behind.
			m.tried++
			name := fmt.Sprintf("made_%d", m.tried)
			with := fmt.Sprintf(` WITH (connector = 'kafka', topic = '%s', topic.partitions = 2, properties.bootstrap.server = '%s') `, name, m.addr)
			sql := `CREATE SINK ` + name + ` FROM shown` + with + `FORMAT UPSERT ENCODE JSON`
			if random.IntN(2) == 0 {
				sql = fmt.Sprintf(`CREATE SINK %s AS SELECT id, k, v FROM numbers WHERE k = %d%sFORMAT PLAIN ENCODE JSON`, name, random.IntN(m.keys), with)
			}
			m.names = append(m.names, name)
			var refused *pgconn.PgError
			if _, err := conn.Exec(ctx, sql); err == nil {
				m.made++
			} else if errors.As(err, &refused) { // by the brokers, that are away
				m.names = m.names[:len(m.names)-1]
			}
		}
		conn.Close(ctx)
	}
}
