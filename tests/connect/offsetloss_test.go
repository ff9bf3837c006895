package connect

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/millracedb/millrace/tests/rig"
)

// lossy is a topic of one partition that loses records, and three streams over it, one of each on_offset_loss. Record i says
// so.
type lossy struct {
	t     *testing.T
	k     *rig.Broker
	s     *rig.Server
	topic string
	next  int
}

var lossPolicies = []string{"fail", "earliest", "latest"}

func newLossy(t *testing.T, k *rig.Broker, s *rig.Server, topic string) *lossy {
	l := &lossy{t: t, k: k, s: s, topic: topic}
	k.CreateTopic(topic, 1)
	for _, policy := range lossPolicies {
		s.Exec(fmt.Sprintf(`CREATE STREAM %[1]s_%[2]s (n int) WITH (connector = 'kafka', topic = '%[1]s', properties.bootstrap.server = '%[3]s', on_offset_loss = '%[2]s')`,
			topic, policy, k.Addr()))
	}
	return l
}

func (l *lossy) send(n int) {
	l.t.Helper()
	var values [][]byte
	for range n {
		values = append(values, fmt.Appendf(nil, `{"n":%d}`, l.next))
		l.next++
	}
	l.k.Produce(l.topic, 1, values...)
}

// has waits until the streams have exactly the numbers wanted.
func (l *lossy) has(fail, earliest, latest string) {
	l.t.Helper()
	for i, want := range []string{fail, earliest, latest} {
		expect(l.t, l.s, fmt.Sprintf(`SELECT coalesce(string_agg(n::text, ' ' ORDER BY n), '') FROM %s_%s`, l.topic, lossPolicies[i]), want)
	}
}

// ended waits until the source with policy 'fail' says why it has ended.
func (l *lossy) ended(message string) {
	l.t.Helper()
	expect(l.t, l.s, `SELECT (count(*) > 0)::text FROM millrace.sources WHERE name = '`+l.topic+`_fail' AND state = 'failed' AND last_error LIKE '`+message+`'`, "true")
}

// gaps checks the error rows of the streams that went on: one each, which tells the gap.
func (l *lossy) gaps(message, earliest, latest string) {
	l.t.Helper()
	for i, data := range []string{earliest, latest} {
		expect(l.t, l.s, fmt.Sprintf(`SELECT string_agg(sqlstate || ' ' || message || ': ' || data, '; ') FROM millrace.errors WHERE relation = '%s_%s'`,
			l.topic, lossPolicies[i+1]), "55000 "+message+": "+data)
	}
	expect(l.t, l.s, `SELECT count(*)::text FROM millrace.errors WHERE relation = '`+l.topic+`_fail'`, "0")
}

// away keeps the streams from reading while f runs: by PAUSE, or with the server killed.
func (l *lossy) away(killed bool, f func()) {
	l.t.Helper()
	if killed {
		l.s.Kill9()
		f()
		l.s.Restart()
		return
	}
	for _, policy := range lossPolicies {
		l.s.Exec(`ALTER STREAM ` + l.topic + `_` + policy + ` PAUSE`)
	}
	f()
	for _, policy := range lossPolicies {
		l.s.Exec(`ALTER STREAM ` + l.topic + `_` + policy + ` RESUME`)
	}
}

// mend lets the stream that ended go on, and checks what it does then.
func (l *lossy) mend(want string) {
	l.t.Helper()
	l.s.Exec(`ALTER STREAM ` + l.topic + `_fail SET (on_offset_loss = 'earliest')`)
	expect(l.t, l.s, fmt.Sprintf(`SELECT string_agg(n::text, ' ' ORDER BY n) FROM %s_fail`, l.topic), want)
	expect(l.t, l.s, `SELECT DISTINCT state FROM millrace.sources WHERE name = '`+l.topic+`_fail'`, "running")
}

const gone = `records of topic "%s" are gone before they were read`

// Records that a real broker no longer has: passed by retention, cut off the end of its log, or gone with their topic, while
// the source was paused or the server was dead. Nothing is passed over without a word, and nothing is read twice.
func TestRecordsLost(t *testing.T) {
	t.Parallel()
	k := rig.Kafka(t)
	s := rig.Millrace(t)
	ctx := context.Background()
	adm := kadm.NewClient(k.Client())

	for _, killed := range []bool{false, true} {
		name := map[bool]string{false: "paused", true: "killed"}[killed]
		t.Run("retention, "+name, func(t *testing.T) {
			l := newLossy(t, k, s, "retained_"+name)
			l.send(3)
			l.has("0 1 2", "0 1 2", "0 1 2")
			l.away(killed, func() {
				l.send(5)
				var upTo kadm.Offsets
				upTo.Add(kadm.Offset{Topic: l.topic, Partition: 0, At: 6})
				if _, err := adm.DeleteRecords(ctx, upTo); err != nil {
					t.Fatal(err)
				}
			})
			l.ended(fmt.Sprintf(gone, l.topic) + " (%partition 0, offset 3%)")
			l.gaps(fmt.Sprintf(gone, l.topic), "partition 0 went on at offset 6 instead of 3", "partition 0 went on at offset 8 instead of 3")
			l.send(1)
			l.has("0 1 2", "0 1 2 6 7 8", "0 1 2 8")
			l.mend("0 1 2 6 7 8")
		})
		t.Run("topic made anew, "+name, func(t *testing.T) {
			l := newLossy(t, k, s, "anew_"+name)
			l.send(3)
			l.has("0 1 2", "0 1 2", "0 1 2")
			l.away(killed, func() {
				if _, err := adm.DeleteTopics(ctx, l.topic); err != nil {
					t.Fatal(err)
				}
				recreate(t, k, l.topic)
				l.send(4) // as many and more: the next offset is there again, and is another record's
			})
			message := fmt.Sprintf(`topic "%s" has been deleted and created again`, l.topic)
			l.ended(message + "%")
			detail := "Records of the old topic that were not read yet are lost."
			l.gaps(message, detail, detail)
			l.send(1)
			l.has("0 1 2", "0 1 2 3 4 5 6 7", "0 1 2 7")
			l.mend("0 1 2 3 4 5 6 7")
		})
	}

	// A source that reads all the while is told of the new topic by its next look.
	t.Run("topic made anew, reading", func(t *testing.T) {
		l := newLossy(t, k, s, "anew_reading")
		l.send(3)
		l.has("0 1 2", "0 1 2", "0 1 2")
		if _, err := adm.DeleteTopics(ctx, l.topic); err != nil {
			t.Fatal(err)
		}
		expect(t, s, `SELECT count(*)::text FROM millrace.sources WHERE name LIKE 'anew_reading%' AND last_error LIKE 'topic "anew_reading" does not exist%'`, "3")
		recreate(t, k, l.topic)
		l.send(4)
		l.ended(fmt.Sprintf(`topic "%s" has been deleted and created again`, l.topic) + "%")
		expect(t, s, `SELECT string_agg(n::text, ' ' ORDER BY n) FROM anew_reading_fail`, "0 1 2")
		expect(t, s, `SELECT string_agg(n::text, ' ' ORDER BY n) FROM anew_reading_earliest`, "0 1 2 3 4 5 6")
	})

	// The end of a log is lost, as with a broker whose disk was not written before a power failure, or an unclean election; new
	// records take the offsets of those that were read.
	for _, grown := range []bool{false, true} {
		name := map[bool]string{false: "short", true: "grown"}[grown]
		t.Run("truncation, "+name, func(t *testing.T) {
			l := newLossy(t, k, s, "cut_"+name)
			for range 6 {
				l.send(1) // a batch each
			}
			l.has("0 1 2 3 4 5", "0 1 2 3 4 5", "0 1 2 3 4 5")
			l.away(false, func() {
				k.Stop()
				truncateLog(t, k, l.topic, 4)
				k.Restart()
				if grown {
					l.send(4) // 6 to 9, at offsets 4 to 7
				}
			})
			if grown {
				l.ended(fmt.Sprintf(gone, l.topic) + " (%partition 0, offset 6%)")
				l.gaps(fmt.Sprintf(gone, l.topic), "partition 0 went on at offset 4 instead of 6", "partition 0 went on at offset 8 instead of 6")
				l.send(1)
				l.has("0 1 2 3 4 5", "0 1 2 3 4 5 6 7 8 9 10", "0 1 2 3 4 5 10")
				l.mend("0 1 2 3 4 5 6 7 8 9 10")
				return
			}
			l.ended(fmt.Sprintf(gone, l.topic) + " (%partition 0, offset 6%)")
			detail := "partition 0 went on at offset 4 instead of 6"
			l.gaps(fmt.Sprintf(gone, l.topic), detail, detail)
			l.send(1)
			l.has("0 1 2 3 4 5", "0 1 2 3 4 5 6", "0 1 2 3 4 5 6")
			l.mend("0 1 2 3 4 5 6")
		})
	}
}

// recreate makes a topic of one partition whose name is still being deleted.
func recreate(t *testing.T, k *rig.Broker, topic string) {
	t.Helper()
	adm := kadm.NewClient(k.Client())
	rig.Eventually(t, 30*time.Second, func() error {
		r, err := adm.CreateTopic(context.Background(), 1, 1, nil, topic)
		if err == nil {
			err = r.Err
		}
		return err
	})
	k.Client().PurgeTopicsFromClient(topic) // it knows the old one
}

// truncateLog cuts the log of partition 0 of a topic off in front of an offset at which a batch begins. The broker is down.
func truncateLog(t *testing.T, k *rig.Broker, topic string, offset int64) {
	t.Helper()
	name := filepath.Join(k.DataDir(), topic+"-0", "00000000000000000000.log")
	log, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for at+12 <= len(log) && int64(binary.BigEndian.Uint64(log[at:])) < offset { // base offset: 8, length of the rest: 4
		at += 12 + int(binary.BigEndian.Uint32(log[at+8:]))
	}
	if at+12 > len(log) {
		t.Fatalf("%s has no batch at offset %d", name, offset)
	}
	if err := os.Truncate(name, int64(at)); err != nil {
		t.Fatal(err)
	}
	// What the broker noted of the end goes, too; it makes all of it anew after an unclean end.
	for _, pattern := range []string{"*.index", "*.timeindex", "*.snapshot", "../.kafka_cleanshutdown"} {
		files, err := filepath.Glob(filepath.Join(filepath.Dir(name), pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				t.Fatal(err)
			}
		}
	}
}
