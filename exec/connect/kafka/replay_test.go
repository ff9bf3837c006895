package kafka

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// replayed counts what Replay delivers.
type replayed struct {
	engine
	places []connect.Place
	parts  int
}

func (r *replayed) Deliver(ctx context.Context, p *connect.Part) error {
	r.places = append(r.places, p.Replayed...)
	r.parts++
	return r.engine.Deliver(ctx, p)
}

func replayAll(t *testing.T, sp connect.StreamSpec, committed connect.Offsets, places ...connect.Place) *replayed {
	t.Helper()
	src, err := Connector.Open(sp)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out := &replayed{}
	if err := src.(connect.Replayer).Replay(ctx, committed, places, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func at0(offset int64) connect.Place { return connect.Place{Topic: "t", Offset: offset} }

// A stream's replay brings exactly the records named, and says of each whether it is still bad.
func TestReplayStream(t *testing.T) {
	c := cluster(t, 1)
	cl := client(t, c)
	for i := range 20 {
		v := fmt.Sprintf(`{"n":"v%d"}`, i)
		if i == 7 {
			v = "no json"
		}
		send(t, cl, &kgo.Record{Topic: "t", Value: []byte(v)})
	}
	e := &engine{}
	r := read(t, spec(t, c.ListenAddrs(), nil), e) // n is bigint: every record is bad
	r.await("20 errors", func() bool { _, n := e.counts(); return n == 20 })
	r.close()
	mended := spec(t, c.ListenAddrs(), nil, catalog.Column{Name: "n", Type: types.T(types.Text)})
	out := replayAll(t, mended, e.offsets, at0(3), at0(15), at0(7), at0(99))
	if want := []string{"0:text=v3", "0:text=v15"}; !slices.Equal(out.rows, want) {
		t.Errorf("rows %q, want %q", out.rows, want)
	}
	if len(out.errors) != 1 || len(out.places) != 3 || len(out.offsets) != 0 {
		t.Errorf("errors %q, places %v, offsets %v", out.errors, out.places, out.offsets)
	}
}

// In a table the newest record of a key wins, whenever an older one is replayed, and all of it is one part.
func TestReplayTable(t *testing.T) {
	c := cluster(t, 1)
	cl := client(t, c)
	for i, v := range []string{`{"k":1,"n":"old"}`, `{"k":2,"n":"two"}`, `{"k":1,"n":"new"}`, `{"k":3,"n":"three"}`} {
		send(t, cl, &kgo.Record{Topic: "t", Key: []byte(v[5:6]), Value: []byte(v), Timestamp: time.UnixMilli(int64(i + 1))})
	}
	sp := spec(t, c.ListenAddrs(), nil, catalog.Column{Name: "k", Type: types.T(types.Int8)}, catalog.Column{Name: "n", Type: types.T(types.Text)})
	sp.PrimaryKey = []int{0}
	out := replayAll(t, sp, connect.Offsets{0: 4}, at0(0), at0(1))
	if want := []string{"0:1:text=old", "0:2:text=two", "0:1:text=new"}; !slices.Equal(out.rows, want) || out.parts != 1 {
		t.Errorf("rows %q in %d parts, want %q", out.rows, out.parts, want)
	}
}

// Whatever the brokers answer, each record counts once: errors on any request, slow answers, moved leaders, and sources
// that end and begin again. MILLRACE_SEEDS runs more of them.
func TestFaultsBySeed(t *testing.T) {
	seeds := 20
	if n, err := strconv.Atoi(os.Getenv("MILLRACE_SEEDS")); err == nil {
		seeds = n
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			faults(t, uint64(seed))
		})
	}
}

func faults(t *testing.T, seed uint64) {
	const partitions, rounds, each = 3, 4, 60
	random := rand.New(rand.NewPCG(seed, 7))
	c := cluster(t, partitions, kfake.NumBrokers(2))
	cl := client(t, c)
	sp := spec(t, c.ListenAddrs(), map[string]string{"properties.fetch.max.wait.ms": "50"})
	e := &engine{}
	for round := range rounds {
		send(t, cl, numbers(round*each, each, partitions)...)
		disturb(c, random)
		r := read(t, sp, e)
		if random.IntN(2) == 0 {
			r.awaitRows((round + 1) * each)
		} else {
			time.Sleep(time.Duration(random.IntN(60)) * time.Millisecond)
		}
		if random.IntN(2) == 0 {
			_ = c.MoveTopicPartition("t", int32(random.IntN(partitions)), int32(random.IntN(2)))
		}
		r.close()
	}
	r := read(t, sp, e)
	r.awaitRows(rounds * each)
	r.close()
	checkNumbers(t, e, rounds*each, partitions)
	if len(e.errors) > 0 {
		t.Errorf("error rows: %q", e.errors)
	}
}

// disturb makes the next few requests of some kind fail, or wait.
func disturb(c *kfake.Cluster, random *rand.Rand) {
	left := 1 + random.IntN(4)
	slow := random.IntN(3) == 0
	code := []int16{kerr.NotLeaderForPartition.Code, kerr.UnknownServerError.Code, kerr.RequestTimedOut.Code, kerr.LeaderNotAvailable.Code}[random.IntN(4)]
	key := []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets, kmsg.Metadata}[random.IntN(3)]
	c.ControlKey(int16(key), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if left--; left < 0 {
			return nil, nil, false
		}
		c.KeepControl()
		if slow {
			time.Sleep(20 * time.Millisecond)
			return nil, nil, false
		}
		switch req := req.(type) {
		case *kmsg.FetchRequest:
			resp := req.ResponseKind().(*kmsg.FetchResponse)
			resp.ErrorCode = code
			return resp, nil, true
		case *kmsg.ListOffsetsRequest:
			resp := req.ResponseKind().(*kmsg.ListOffsetsResponse)
			for _, topic := range req.Topics {
				rt := kmsg.ListOffsetsResponseTopic{Topic: topic.Topic}
				for _, p := range topic.Partitions {
					rt.Partitions = append(rt.Partitions, kmsg.ListOffsetsResponseTopicPartition{Partition: p.Partition, ErrorCode: code, Offset: -1})
				}
				resp.Topics = append(resp.Topics, rt)
			}
			return resp, nil, true
		}
		return nil, fmt.Errorf("dropped"), true // the connection is closed
	})
}
