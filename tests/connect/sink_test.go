package connect

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/millracedb/millrace/tests/rig"
)

// Out and in again: what a sink sends, a reader of committed records finds as the table holds it, and a stream of a second
// kind reads back every row.
func TestSinkFormats(t *testing.T) {
	t.Parallel()
	k := rig.SharedKafka(t)
	s := rig.Millrace(t)
	suffix := k.TopicName("") // of this run's topics
	with := func(topic, more string) string {
		return fmt.Sprintf(`WITH (connector = 'kafka', topic = '%s', topic.partitions = 3, properties.bootstrap.server = '%s'%s)`, topic+suffix, k.Addr(), more)
	}
	s.Exec(`CREATE TABLE items (id bigint PRIMARY KEY, name text, price numeric, at timestamptz, tags text[], doc jsonb, ok bool, f float8)`,
		`INSERT INTO items VALUES (1, 'one "1"', 1.50, '2024-02-03 04:05:06.7+00', '{a,"b c",NULL}', '{"x":[1,2]}', true, 0.1),
			(2, NULL, NULL, NULL, NULL, NULL, NULL, 'NaN')`,
		`CREATE STREAM clicks (n int, page text)`,
		`INSERT INTO clicks VALUES (1, 'a'), (2, 'b')`,
		`CREATE SINK up FROM items `+with("up", "")+` FORMAT UPSERT ENCODE JSON`,
		`CREATE SINK dbz FROM items `+with("dbz", "")+` FORMAT DEBEZIUM ENCODE JSON`,
		`CREATE SINK plain FROM clicks `+with("plain", "")+` FORMAT PLAIN ENCODE JSON`,
		`CREATE SINK later FROM clicks `+with("later", ", snapshot = false, delivery = 'at_least_once'")+` FORMAT PLAIN ENCODE JSON`,
		`CREATE SINK totals AS SELECT page, count(*) AS n FROM clicks GROUP BY page `+with("totals", "")+` FORMAT UPSERT ENCODE JSON KEY ENCODE TEXT`,
		`UPDATE items SET price = 2.00 WHERE id = 1`,
		`DELETE FROM items WHERE id = 2`,
		`INSERT INTO clicks VALUES (3, 'a')`)
	delivered(t, s)

	one := `{"id":1,"name":"one \"1\"","price":"1.50","at":"2024-02-03T04:05:06.7Z","tags":["a","b c",null],"doc":{"x": [1, 2]},"ok":true,"f":0.1}`
	two := `{"id":2,"name":null,"price":null,"at":null,"tags":null,"doc":null,"ok":null,"f":"NaN"}`
	newer := strings.Replace(one, "1.50", "2.00", 1)
	expectRecords(t, k.Addr(), "up"+suffix, `{"id":1} `+one, `{"id":1} `+newer, `{"id":2} `+two, `{"id":2} -`)
	expectRecords(t, k.Addr(), "plain"+suffix, `- {"n":1,"page":"a"}`, `- {"n":2,"page":"b"}`, `- {"n":3,"page":"a"}`)
	expectRecords(t, k.Addr(), "later"+suffix, `- {"n":3,"page":"a"}`)
	expectRecords(t, k.Addr(), "totals"+suffix, `a {"page":"a","n":1}`, `a {"page":"a","n":2}`, `b {"page":"b","n":1}`)
	var ops []string
	for _, r := range readTopic(t, k.Addr(), "dbz"+suffix) {
		_, value, _ := strings.Cut(r, " ")
		before, rest, _ := strings.Cut(value, `,"source"`)
		_, op, _ := strings.Cut(rest, `"op":`)
		op, _, _ = strings.Cut(op, ",")
		ops = append(ops, before+" "+op)
	}
	slices.Sort(ops)
	want := []string{`- `, `{"before":` + one + `,"after":` + newer + ` "u"`, `{"before":` + two + `,"after":null "d"`,
		`{"before":null,"after":` + one + ` "r"`, `{"before":null,"after":` + two + ` "r"`}
	slices.Sort(want)
	if !slices.Equal(ops, want) {
		t.Errorf("debezium:\n%s\nwant\n%s", strings.Join(ops, "\n"), strings.Join(want, "\n"))
	}

	// And in again.
	s.Exec(`CREATE STREAM back (n int, page text) WITH (connector = 'kafka', topic = 'plain` + suffix + `', properties.bootstrap.server = '` + k.Addr() + `') FORMAT PLAIN ENCODE JSON`)
	rig.Eventually(t, 30*time.Second, func() error {
		return expectCount(s.DSN(), `SELECT count(*) FROM (SELECT * FROM back INTERSECT ALL SELECT * FROM clicks) x`, 3)
	})
}

// delivered waits until nothing waits for delivery.
func delivered(t *testing.T, s *rig.Server) {
	t.Helper()
	rig.Eventually(t, time.Minute, func() error {
		return expectCount(s.DSN(), `SELECT count(*) FROM millrace.sinks WHERE waiting_changes > 0 OR state <> 'running'`, 0)
	})
}

// readTopic returns the committed records of a topic, "key value" each, - for none, in the order of each partition.
func readTopic(t *testing.T, addr, topic string) []string {
	t.Helper()
	text := func(b []byte) string {
		if b == nil {
			return "-"
		}
		return string(b)
	}
	var out []string
	for _, r := range committedRecords(t, addr, topic) {
		out = append(out, text(r.Key)+" "+text(r.Value))
	}
	return out
}

func expectRecords(t *testing.T, addr, topic string, want ...string) {
	t.Helper()
	got := readTopic(t, addr, topic)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("topic %s:\n%s\nwant\n%s", topic, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Exactly once: a table changes at random, a view over it is sent to a topic, and the server and the broker are killed at
// random moments. What a reader of committed records makes of the topic, key by key, is the view; and the records of an
// append-only stream are there once each.
func TestSinkKills(t *testing.T) {
	const kills, keys = 10, 200
	k := rig.Kafka(t)
	k.CreateTopic("sums", 3)
	k.CreateTopic("events", 3)
	s := rig.Millrace(t)
	with := func(topic string) string {
		return fmt.Sprintf(`WITH (connector = 'kafka', topic = '%s', properties.bootstrap.server = '%s')`, topic, k.Addr())
	}
	s.Exec(`CREATE TABLE accounts (id int PRIMARY KEY, region int, amount bigint)`,
		`CREATE STREAM events (n bigint)`,
		`CREATE MATERIALIZED VIEW sums AS SELECT region, count(*) AS n, sum(amount)::bigint AS total FROM accounts GROUP BY region`,
		`CREATE SINK sums_out FROM sums `+with("sums")+` FORMAT UPSERT ENCODE JSON KEY ENCODE TEXT`,
		`CREATE SINK events_out FROM events `+with("events")+` FORMAT PLAIN ENCODE JSON`)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))

	stop := make(chan struct{})
	var load sync.WaitGroup
	load.Go(func() { changeAccounts(s.DSN(), keys, rand.New(rand.NewPCG(seed, 3)), stop) })
	for killed := range kills {
		time.Sleep(time.Duration(random.IntN(900)) * time.Millisecond)
		if killed%3 == 2 {
			k.Kill9()
			time.Sleep(time.Duration(random.IntN(500)) * time.Millisecond)
			k.Restart()
			continue
		}
		s.Kill9()
		s.Restart()
	}
	close(stop)
	load.Wait()
	delivered(t, s)

	want := rowsOf(t, s.DSN(), `SELECT region || ' {"region":' || region || ',"n":' || n || ',"total":' || total || '}' FROM sums`)
	got := latest(readTopic(t, k.Addr(), "sums"))
	if !slices.Equal(got, want) {
		t.Errorf("the topic differs from the view: %s", firstDifference(got, want))
	}
	events := readTopic(t, k.Addr(), "events")
	slices.Sort(events)
	rows := rowsOf(t, s.DSN(), `SELECT '- {"n":' || n || '}' FROM events`)
	if !slices.Equal(events, rows) {
		t.Errorf("%d records of %d events: %s", len(events), len(rows), firstDifference(events, rows))
	}
	t.Logf("%d kills, %d records of the view, %d events", kills, len(readTopic(t, k.Addr(), "sums")), len(rows))
}

// latest is what the records of a topic come to, key by key.
func latest(records []string) []string {
	state := map[string]string{}
	for _, r := range records {
		key, value, _ := strings.Cut(r, " ")
		if value == "-" {
			delete(state, key)
		} else {
			state[key] = r
		}
	}
	var out []string
	for _, r := range state {
		out = append(out, r)
	}
	slices.Sort(out)
	return out
}

// changeAccounts inserts, updates and deletes until stop, over all restarts of the server.
func changeAccounts(dsn string, keys int, random *rand.Rand, stop <-chan struct{}) {
	ctx := context.Background()
	var c *pgx.Conn
	next := 0
	for {
		select {
		case <-stop:
			if c != nil {
				c.Close(ctx)
			}
			return
		default:
		}
		if c == nil {
			var err error
			if c, err = pgx.Connect(ctx, dsn); err != nil {
				time.Sleep(20 * time.Millisecond)
				continue
			}
		}
		id := random.IntN(keys)
		var sql string
		switch random.IntN(4) {
		case 0:
			sql = fmt.Sprintf(`DELETE FROM accounts WHERE id %% 37 = %d`, id%37)
		case 1:
			sql = fmt.Sprintf(`INSERT INTO events SELECT g FROM generate_series(%d, %d) g`, next, next+random.IntN(50))
			next += 100
		default:
			sql = fmt.Sprintf(`INSERT INTO accounts SELECT g, g %% 7, %d + g FROM generate_series(%d, %d) g
				ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, region = excluded.region`, random.IntN(1000), id, id+random.IntN(30))
		}
		if _, err := c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			c.Close(ctx)
			c = nil
		}
	}
}
