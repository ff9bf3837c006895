package kafka

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A log that lost its end and has grown again is known by its leader epochs, also by a source that was away: what came in
// place of what was read is read, and nothing else twice.
func TestTruncatedLog(t *testing.T) {
	for _, policy := range []string{"fail", "earliest", "latest"} {
		t.Run(policy, func(t *testing.T) {
			c := cluster(t, 1)
			cl := client(t, c)
			send(t, cl, numbers(0, 10, 1)...)
			sp := spec(t, c.ListenAddrs(), map[string]string{"on_offset_loss": policy})
			e := &engine{}
			r := read(t, sp, e)
			r.awaitRows(10)
			r.close()
			if _, ok := e.offsets[epochOf(0)]; !ok {
				t.Fatalf("no leader epoch in %v", e.offsets)
			}
			// A new leader says that of the epoch that was read it only has what is before offset 6.
			c.ControlKey(int16(kmsg.OffsetForLeaderEpoch), func(req kmsg.Request) (kmsg.Response, error, bool) {
				resp := req.ResponseKind().(*kmsg.OffsetForLeaderEpochResponse)
				part := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
				part.LeaderEpoch, part.EndOffset = req.(*kmsg.OffsetForLeaderEpochRequest).Topics[0].Partitions[0].LeaderEpoch, 6
				resp.Topics = []kmsg.OffsetForLeaderEpochResponseTopic{{Topic: "t", Partitions: []kmsg.OffsetForLeaderEpochResponseTopicPartition{part}}}
				return resp, nil, true
			})
			e.problems, e.rows = nil, nil
			r = read(t, sp, e)
			if policy == "fail" {
				if err := <-r.done; !pgerr.Is(err, pgerr.ObjectNotInState) || !strings.Contains(pgerr.Of(err).Detail, "partition 0, offset 10") {
					t.Errorf("got %v", err)
				}
				return
			}
			r.await("an error row", func() bool { _, n := e.counts(); return n == 1 })
			send(t, cl, numbers(10, 1, 1)...)
			want := map[string][]string{"earliest": {"0:6", "0:7", "0:8", "0:9", "0:10"}, "latest": {"0:10"}}[policy]
			r.awaitRows(len(want))
			e.problems = nil // that it went back
			r.close()
			if !slices.Equal(e.rows, want) || !strings.Contains(e.errors[0], "instead of 10") {
				t.Errorf("rows %q, want %q; errors %q", e.rows, want, e.errors)
			}
		})
	}
}

// Behind the end of a log that was cut off somewhere, 'earliest' does not mean to read all of it again.
func TestOffsetBehindTheEnd(t *testing.T) {
	c := cluster(t, 1)
	cl := client(t, c)
	send(t, cl, numbers(0, 10, 1)...)
	e := &engine{offsets: connect.Offsets{0: 50}}
	r := read(t, spec(t, c.ListenAddrs(), map[string]string{"on_offset_loss": "earliest"}), e)
	r.await("an error row", func() bool { _, n := e.counts(); return n == 1 })
	send(t, cl, numbers(10, 2, 1)...)
	r.awaitRows(2)
	e.problems = nil // that it went back
	r.close()
	if want := []string{"0:10", "0:11"}; !slices.Equal(e.rows, want) || !strings.Contains(e.errors[0], "at offset 10 instead of 50") {
		t.Errorf("rows %q, want %q; errors %q", e.rows, want, e.errors)
	}
}

// A leader that does not know yet how far its log reaches says that an offset is out of range. Nothing is lost then.
func TestOutOfRangeForAMoment(t *testing.T) {
	c := cluster(t, 1)
	send(t, client(t, c), numbers(0, 10, 1)...)
	e := &engine{offsets: connect.Offsets{0: 0}}
	fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.OffsetOutOfRange})
	r := read(t, spec(t, c.ListenAddrs(), nil), e)
	r.awaitRows(10)
	r.close()
	checkNumbers(t, e, 10, 1)
	if fault.Hits() != 1 || len(e.errors) > 0 {
		t.Errorf("%d faults, errors %q", fault.Hits(), e.errors)
	}
}

// A broker that lags behind does not know all partitions. One that it shows later is not new.
func TestPartitionHiddenAtStart(t *testing.T) {
	c := cluster(t, 2)
	cl := client(t, c)
	send(t, cl, numbers(0, 10, 2)...)
	sp := spec(t, c.ListenAddrs(), nil)
	e := &engine{}
	r := read(t, sp, e)
	r.awaitRows(10)
	r.close()
	topics, err := kadm.NewClient(cl).ListTopics(context.Background(), "t")
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(c.ListenAddrs()[0])
	number, _ := strconv.Atoi(port)
	c.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		part := kmsg.NewMetadataResponseTopicPartition()
		part.Replicas, part.ISR = []int32{0}, []int32{0}
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic, topic.TopicID = kmsg.StringPtr("t"), topics["t"].ID
		topic.Partitions = []kmsg.MetadataResponseTopicPartition{part}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		resp.Brokers = []kmsg.MetadataResponseBroker{{NodeID: 0, Host: host, Port: int32(number)}}
		resp.Topics = []kmsg.MetadataResponseTopic{topic}
		return resp, nil, true
	})
	send(t, cl, numbers(10, 10, 2)...)
	r = read(t, sp, e)
	r.awaitRows(20)
	r.close()
	checkNumbers(t, e, 20, 2)
}

// A topic that is made anew while it is read: nothing of the new one is taken for the old one.
func TestTopicMadeAnewWhileRead(t *testing.T) {
	c := cluster(t, 1)
	cl := client(t, c)
	send(t, cl, numbers(0, 3, 1)...)
	e := &engine{}
	r := read(t, spec(t, c.ListenAddrs(), nil), e)
	r.awaitRows(3)
	adm := kadm.NewClient(cl)
	adm.DeleteTopics(context.Background(), "t")
	adm.CreateTopics(context.Background(), 1, 1, nil, "t")
	send(t, client(t, c), numbers(100, 20, 1)...)
	if err := <-r.done; !pgerr.Is(err, pgerr.ObjectNotInState) || !strings.Contains(err.Error(), "created again") {
		t.Errorf("got %v", err)
	}
	checkNumbers(t, e, 3, 1)
	r = read(t, spec(t, c.ListenAddrs(), map[string]string{"on_offset_loss": "earliest"}), e)
	r.awaitRows(23)
	e.problems = nil // that it went back
	r.close()
	if want := "0:100"; len(e.rows) != 23 || e.rows[3] != want || len(e.errors) != 1 {
		t.Errorf("rows %q, errors %q", e.rows, e.errors)
	}
}

// A topic that is made anew with fewer partitions: what was read of the others does not count for those that it gets later.
func TestTopicMadeAnewSmaller(t *testing.T) {
	c := cluster(t, 3)
	cl := client(t, c)
	send(t, cl, numbers(0, 30, 3)...)
	sp := spec(t, c.ListenAddrs(), map[string]string{"on_offset_loss": "earliest"})
	e := &engine{}
	r := read(t, sp, e)
	r.awaitRows(30)
	r.close()
	adm := kadm.NewClient(cl)
	adm.DeleteTopics(context.Background(), "t")
	adm.CreateTopics(context.Background(), 1, 1, nil, "t")
	r = read(t, sp, e)
	r.await("an error row", func() bool { _, n := e.counts(); return n == 1 })
	e.problems = nil // that it went back
	r.close()
	if _, err := adm.UpdatePartitions(context.Background(), 3, "t"); err != nil {
		t.Fatal(err)
	}
	e.rows = nil
	send(t, client(t, c), numbers(0, 60, 3)...)
	r = read(t, sp, e)
	r.awaitRows(60)
	r.close()
	checkNumbers(t, e, 60, 3)
}

// A batch that was damaged on its way is read again, and none of it counts twice.
func TestDamagedBatch(t *testing.T) {
	w := &wire{}
	c := cluster(t, 1, w.option())
	cl := client(t, c, kgo.ProducerBatchCompression(kgo.NoCompression()))
	for i := range 4 {
		send(t, cl, numbers(i*5, 5, 1)...)
	}
	w.damage = func(b []byte) {
		if at := bytes.LastIndex(b, []byte(`"n":`)); at > 0 {
			b[at+1] = 'm'
		}
	}
	w.plan(kmsg.Fetch, damaged, damaged, damaged)
	e := &engine{}
	r := read(t, spec(t, c.ListenAddrs(), nil), e)
	r.awaitRows(20)
	r.close()
	checkNumbers(t, e, 20, 1)
	if st := r.src.Status(); !strings.Contains(st.LastError, "crc") || len(e.errors) > 0 {
		t.Errorf("last error %q, error rows %q", st.LastError, e.errors)
	}
	if len(w.fates[kmsg.Fetch]) > 0 {
		t.Error(fmt.Sprint("not all of the damage was met: ", w.fates))
	}
}
