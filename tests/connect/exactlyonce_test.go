package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millracedb/millrace/tests/rig"
)

// Each kill comes with so many records; MILLRACE_KILLS=50 is a million records, and 50 kills of the server and of the broker.
const recordsPerKill, defaultKills = 20_000, 4

// Exactly once, from end to end: records of several producers, a fifth of them in aborted transactions, go through
//
//	topic numbers -> stream numbers -> view odd  (a projection) -> sink PLAIN  -> topic odd   -> stream odd_again -> view
//	                                -> view shown (aggregates)   -> sink UPSERT -> topic shown -> table shown_again -> view
//
// while the server and the broker are killed, stopped and cut off at random. Groups leave shown and come back, so that its
// topic has tombstones. In the end every view and the committed records of every topic are what the producers' record
// numbers say, exactly.
func TestExactlyOnce(t *testing.T) {
	kills := defaultKills
	if s := os.Getenv("MILLRACE_KILLS"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("MILLRACE_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("seed %d", seed)
	began := time.Now()
	k, relay := rig.KafkaRelayed(t)
	s := rig.Millrace(t)
	h := &history{topic: "numbers", partitions: 4, keys: 500, total: kills * recordsPerKill}
	p := pipeline{t: t, s: s, broker: k.Addr(), h: h}
	k.CreateTopic("numbers", h.partitions)
	p.create(relay.Addr())

	c := &chaos{t: t, server: s, broker: k, relay: relay, seed: seed, kills: kills, output: "odd", watch: k.Client(), made: madeSinks{addr: relay.Addr(), keys: int(h.keys)}}
	c.before = func(kill, of int) { h.reach(h.total*kill/of, t) }
	var producing sync.WaitGroup
	for i, id := range []string{"one", "two", "three", ""} {
		producing.Go(func() { h.produce(t, relay.Addr(), id, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	c.run()
	h.allow(h.total)
	producing.Wait()
	chaosTook := time.Since(began)
	if t.Failed() {
		return
	}
	counted := h.resolve(t, k.Addr())
	p.settle()
	p.check(counted)
	p.checkMade(counted, c.made.names)
	n := 0
	for _, is := range counted {
		if is {
			n++
		}
	}
	t.Logf("%d records written, %d of them count, %d aborted, %d were in doubt; %v, and %v until all was through", h.total, n, h.counts[aborted], h.counts[unknown],
		chaosTook.Round(time.Second), (time.Since(began) - chaosTook).Round(time.Second))
}

// pipeline is what the records go through.
type pipeline struct {
	t      *testing.T
	s      *rig.Server
	broker string // its address without the relay, for the judge
	h      *history
}

func (p *pipeline) create(addr string) {
	with := func(topic, more string) string {
		return fmt.Sprintf(` WITH (connector = 'kafka', topic = '%s', properties.bootstrap.server = '%s'%s) `, topic, addr, more)
	}
	const made = ", topic.partitions = 3"
	p.s.Exec(`CREATE STREAM numbers (id bigint, k int, v bigint)`+with("numbers", ""),
		`CREATE MATERIALIZED VIEW sums AS SELECT k, count(*) AS n, sum(v)::bigint AS total, min(id) AS least, max(id) AS most FROM numbers GROUP BY k`,
		`CREATE MATERIALIZED VIEW total AS SELECT sum(n)::bigint AS n, sum(total)::bigint AS total FROM sums`,
		`CREATE MATERIALIZED VIEW odd AS SELECT id, k, v * 2 + 1 AS w FROM numbers`,
		`CREATE MATERIALIZED VIEW shown AS SELECT k, count(*) AS n, sum(v)::bigint AS total FROM numbers GROUP BY k HAVING count(*) % 5 <> 0`,
		`CREATE SINK odd_out FROM odd`+with("odd", made)+`FORMAT PLAIN ENCODE JSON`,
		`CREATE SINK shown_out FROM shown`+with("shown", made)+`FORMAT UPSERT ENCODE JSON`,
		`CREATE STREAM odd_again (id bigint, k int, w bigint)`+with("odd", ""),
		`CREATE MATERIALIZED VIEW odd_sums AS SELECT k, count(*) AS n, sum(w)::bigint AS total, min(id) AS least, max(id) AS most FROM odd_again GROUP BY k`,
		`CREATE TABLE shown_again (k int PRIMARY KEY, n bigint, total bigint)`+with("shown", "")+`FORMAT UPSERT ENCODE JSON`,
		`CREATE MATERIALIZED VIEW shown_total AS SELECT count(*) AS groups, sum(n)::bigint AS n, sum(total)::bigint AS total FROM shown_again`)
}

// settle waits until everything is through: each source has read its topic to the end, each sink has sent all.
func (p *pipeline) settle() {
	p.t.Helper()
	read := func(topic, relation string) {
		end := ends(p.t, p.broker, topic)
		rig.Eventually(p.t, 3*time.Minute, func() error {
			for part, offset := range end {
				if offset == 0 {
					continue
				}
				if err := expectCount(p.s.DSN(), fmt.Sprintf(`SELECT coalesce(max(committed_offset), -1)::int FROM millrace.sources WHERE name = '%s' AND partition = %d`,
					relation, part), int(offset)); err != nil {
					return fmt.Errorf("%w: %s", err, strings.Join(rowsOf(p.t, p.s.DSN(), `SELECT name, partition, state, committed_offset, end_offset, last_error FROM millrace.sources`), "\n"))
				}
			}
			return nil
		})
	}
	read("numbers", "numbers")
	rig.Eventually(p.t, 3*time.Minute, func() error {
		err := expectCount(p.s.DSN(), `SELECT count(*) FROM millrace.sinks WHERE waiting_changes > 0 OR state <> 'running'`, 0)
		if err != nil {
			err = fmt.Errorf("%w: %s", err, strings.Join(rowsOf(p.t, p.s.DSN(), `SELECT * FROM millrace.sinks`), "\n"))
		}
		return err
	})
	read("odd", "odd_again")
	read("shown", "shown_again")
}

// group is what the records of one key come to.
type group struct{ n, total, doubled, least, most int64 }

func (p *pipeline) groups(counted []bool) map[int64]*group {
	groups := map[int64]*group{}
	for id := range counted {
		if !counted[id] {
			continue
		}
		k, v := p.h.record(int64(id))
		g := groups[k]
		if g == nil {
			g = &group{least: int64(id)}
			groups[k] = g
		}
		g.n, g.total, g.doubled, g.most = g.n+1, g.total+v, g.doubled+2*v+1, int64(id)
	}
	return groups
}

// check compares the views and the topics with the records that count.
func (p *pipeline) check(counted []bool) {
	var sums, oddSums, shown []string
	var all group
	var shownAll group
	for k, g := range p.groups(counted) {
		sums = append(sums, fmt.Sprintf("%d|%d|%d|%d|%d", k, g.n, g.total, g.least, g.most))
		oddSums = append(oddSums, fmt.Sprintf("%d|%d|%d|%d|%d", k, g.n, g.doubled, g.least, g.most))
		all.n, all.total = all.n+g.n, all.total+g.total
		if g.n%5 != 0 {
			shown = append(shown, fmt.Sprintf("%d|%d|%d", k, g.n, g.total))
			shownAll.n, shownAll.total = shownAll.n+g.n, shownAll.total+g.total
		}
	}
	p.view("sums", sums)
	p.view("total", []string{fmt.Sprintf("%d|%d", all.n, all.total)})
	p.view("shown", shown)
	p.view("odd_sums", oddSums)
	p.view("shown_again", shown)
	p.view("shown_total", []string{fmt.Sprintf("%d|%d|%d", len(shown), shownAll.n, shownAll.total)})
	p.checkPlain("odd", counted, func(r row) bool {
		k, v := p.h.record(r.ID)
		return r.K == k && r.W == 2*v+1
	})
	p.checkUpsert("shown", shown)
	if err := expectCount(p.s.DSN(), "SELECT count(*) FROM millrace.errors", 0); err != nil {
		p.t.Error(err)
	}
}

func (p *pipeline) view(name string, want []string) {
	p.t.Helper()
	slices.Sort(want)
	if got := rowsOf(p.t, p.s.DSN(), "SELECT * FROM "+name); !slices.Equal(got, want) {
		p.t.Errorf("%s has %d rows, of %d; %s", name, len(got), len(want), unlike(got, want))
	}
}

// row is a record of a sink's topic.
type row struct{ ID, K, V, W, N, Total int64 }

// checkPlain checks that a topic has each record that counts once.
func (p *pipeline) checkPlain(topic string, counted []bool, right func(row) bool) {
	p.t.Helper()
	seen := make(map[int64]*kgo.Record, len(counted))
	var wrong []string
	records := committedRecords(p.t, p.broker, topic)
	for _, r := range records {
		var x row
		if err := json.Unmarshal(r.Value, &x); err != nil || x.ID < 0 || int(x.ID) >= len(counted) || !counted[x.ID] || !right(x) {
			wrong = append(wrong, fmt.Sprintf("partition %d, offset %d has %s, which it should not", r.Partition, r.Offset, r.Value))
		}
		if was := seen[x.ID]; was != nil {
			wrong = append(wrong, fmt.Sprintf("record %d is at partition %d, offset %d (%v, producer %d, epoch %d), and again at partition %d, offset %d (%v, producer %d, epoch %d)",
				x.ID, was.Partition, was.Offset, was.Timestamp, was.ProducerID, was.ProducerEpoch, r.Partition, r.Offset, r.Timestamp, r.ProducerID, r.ProducerEpoch))
		}
		seen[x.ID] = r
	}
	producers := map[int64]bool{}
	for _, r := range records {
		producers[r.ProducerID<<16|int64(r.ProducerEpoch)] = true
	}
	p.t.Logf("topic %s: %d records, by %d lives of the sink", topic, len(records), len(producers))
	missing := 0
	for id, is := range counted {
		if is && seen[int64(id)] == nil {
			if missing++; missing < 10 {
				wrong = append(wrong, fmt.Sprintf("record %d is missing", id))
			}
		}
	}
	if len(wrong) > 0 {
		p.t.Errorf("topic %s: %d records, %d are missing:\n%s", topic, len(records), missing, strings.Join(wrong[:min(len(wrong), 20)], "\n"))
	}
}

// checkUpsert checks that the records of a key come in order, none twice, and that the last ones are the rows wanted.
func (p *pipeline) checkUpsert(topic string, want []string) {
	p.t.Helper()
	newest := map[int64]int64{}
	rows := map[int64]string{}
	tombstones := 0
	records := committedRecords(p.t, p.broker, topic)
	for _, r := range records {
		var key, x row
		if err := json.Unmarshal(r.Key, &key); err != nil {
			p.t.Fatalf("topic %s, key %s: %v", topic, r.Key, err)
		}
		if r.Value == nil {
			if _, ok := rows[key.K]; !ok {
				p.t.Errorf("topic %s, partition %d, offset %d: the end of group %d, which is not there", topic, r.Partition, r.Offset, key.K)
			}
			delete(rows, key.K)
			tombstones++
			continue
		}
		if err := json.Unmarshal(r.Value, &x); err != nil || x.K != key.K || x.N <= newest[x.K] || x.N%5 == 0 {
			p.t.Errorf("topic %s, partition %d, offset %d (%v, producer %d, epoch %d): %s after n = %d", topic, r.Partition, r.Offset, r.Timestamp,
				r.ProducerID, r.ProducerEpoch, r.Value, newest[x.K])
		}
		newest[x.K] = x.N
		rows[x.K] = fmt.Sprintf("%d|%d|%d", x.K, x.N, x.Total)
	}
	var got []string
	for _, r := range rows {
		got = append(got, r)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		p.t.Errorf("topic %s: %s", topic, unlike(got, want))
	}
	p.t.Logf("topic %s: %d records, %d of them tombstones", topic, len(records), tombstones)
}

// checkMade checks the topics of sinks that were made on the way, and have not been dropped.
func (p *pipeline) checkMade(counted []bool, names []string) {
	conn := p.s.Connect()
	checked := 0
	for _, name := range names {
		var there bool
		if err := conn.QueryRow(context.Background(), `SELECT count(*) > 0 FROM millrace.sinks WHERE name = $1`, name).Scan(&there); err != nil {
			p.t.Fatal(err)
		}
		if !there { // was never made
			continue
		}
		checked++
		records := committedRecords(p.t, p.broker, name)
		if len(records) > 0 && records[0].Key != nil {
			var shown []string
			for k, g := range p.groups(counted) {
				if g.n%5 != 0 {
					shown = append(shown, fmt.Sprintf("%d|%d|%d", k, g.n, g.total))
				}
			}
			p.checkUpsert(name, shown)
			continue
		}
		var x row
		if len(records) == 0 || json.Unmarshal(records[0].Value, &x) != nil {
			p.t.Errorf("topic %s has %d records", name, len(records))
			continue
		}
		some := make([]bool, len(counted))
		for id := range counted {
			k, _ := p.h.record(int64(id))
			some[id] = counted[id] && k == x.K
		}
		p.checkPlain(name, some, func(r row) bool {
			_, v := p.h.record(r.ID)
			return r.V == v
		})
	}
	p.t.Logf("%d sinks that were made on the way are there", checked)
}

// unlike lists rows of sorted lists that only one has.
func unlike(got, want []string) string {
	var out []string
	for i, j := 0, 0; (i < len(got) || j < len(want)) && len(out) < 20; {
		switch {
		case j == len(want) || i < len(got) && got[i] < want[j]:
			out = append(out, "got "+got[i])
			i++
		case i == len(got) || got[i] > want[j]:
			out = append(out, "not "+want[j])
			j++
		default:
			i, j = i+1, j+1
		}
	}
	return strings.Join(out, ", ")
}
