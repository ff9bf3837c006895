package connect

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/millracedb/millrace/tests/rig"
)

// fake is a broker in this process, for what needs no real one.
type fake struct {
	t    *testing.T
	addr string
	cl   *kgo.Client
}

func newFake(t *testing.T, topics map[string]int32, opts []kfake.Opt, client ...kgo.Opt) *fake {
	t.Helper()
	opts = append(opts, kfake.NumBrokers(1))
	for topic, n := range topics {
		opts = append(opts, kfake.SeedTopics(n, topic))
	}
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	addr := c.ListenAddrs()[0]
	cl, err := kgo.NewClient(append(client, kgo.SeedBrokers(addr), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return &fake{t: t, addr: addr, cl: cl}
}

func (f *fake) send(topic string, partition int32, key, value string) {
	f.t.Helper()
	r := &kgo.Record{Topic: topic, Partition: partition, Value: []byte(value)}
	if key != "" {
		r.Key = []byte(key)
	}
	if value == "" {
		r.Value = nil
	}
	if err := f.cl.ProduceSync(context.Background(), r).FirstErr(); err != nil {
		f.t.Fatal(err)
	}
}

// expect waits until a query of one text value answers want.
func expect(t *testing.T, s *rig.Server, sql, want string) {
	t.Helper()
	rig.Eventually(t, 30*time.Second, func() error {
		conn, err := pgx.Connect(context.Background(), s.DSN())
		if err != nil {
			return err
		}
		defer conn.Close(context.Background())
		var got *string
		if err := conn.QueryRow(context.Background(), sql).Scan(&got); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
		if got == nil || *got != want {
			text := "NULL"
			if got != nil {
				text = *got
			}
			return fmt.Errorf("%s: got %s, want %s", sql, text, want)
		}
		return nil
	})
}

// refused runs a statement that must fail with a SQLSTATE, within the bound of a probe.
func refused(t *testing.T, s *rig.Server, code, sql string) {
	t.Helper()
	conn := s.Connect()
	defer conn.Close(context.Background())
	began := time.Now()
	_, err := conn.Exec(context.Background(), sql)
	if err == nil || !strings.Contains(err.Error(), "SQLSTATE "+code) {
		t.Errorf("%s: got %v, want %s", sql, err, code)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("%s: took %v", sql, took)
	}
}

// A table follows its topic: the last record of a key counts, also over a restart, views follow, constraints make error
// rows, and clients do not write to it.
func TestTableFromTopic(t *testing.T) {
	k := newFake(t, map[string]int32{"users": 2}, nil)
	s := rig.Millrace(t)
	s.Exec(`CREATE TABLE users (id bigint PRIMARY KEY, country text NOT NULL, age int CHECK (age >= 0))
		WITH (connector = 'kafka', topic = 'users', brokers = '`+k.addr+`') FORMAT UPSERT ENCODE JSON`,
		`CREATE MATERIALIZED VIEW countries AS SELECT country, count(*) AS n FROM users GROUP BY country`)
	for i := range 100 {
		k.send("users", int32(i%2), fmt.Sprintf(`{"id":%d}`, i), fmt.Sprintf(`{"id":%d,"country":"c%d","age":%d}`, i, i%3, i))
	}
	k.send("users", 0, `{"id":0}`, `{"id":0,"country":"x","age":1}`)
	k.send("users", 1, `{"id":1}`, ``)                                // a tombstone
	k.send("users", 0, `{"id":2}`, `{"id":2,"country":null,"age":1}`) // the old row stays
	k.send("users", 0, `{"id":4}`, `{"id":4,"country":"y","age":-1}`)
	expect(t, s, `SELECT string_agg(country || '=' || n, ' ' ORDER BY country) FROM countries`, "c0=33 c1=32 c2=33 x=1")
	expect(t, s, `SELECT string_agg(sqlstate || ' ' || partition || ':' || record_offset, ', ' ORDER BY record_offset) FROM millrace.errors`,
		"23502 0:51, 23514 0:52")
	s.Kill9()
	s.Restart()
	k.send("users", 0, `{"id":6}`, `{"id":6,"country":"x","age":1}`)
	expect(t, s, `SELECT string_agg(country || '=' || n, ' ' ORDER BY country) FROM countries`, "c0=32 c1=32 c2=33 x=2")
	expect(t, s, `SELECT count(*)::text FROM users`, "99")
	refused(t, s, "42809", `INSERT INTO users VALUES (1, 'a', 1)`)
	refused(t, s, "42809", `DELETE FROM users`)
	refused(t, s, "42809", `TRUNCATE users`)
	refused(t, s, "42P16", `CREATE TABLE nokey (id int) WITH (connector = 'kafka', topic = 'users', brokers = '`+k.addr+`') FORMAT UPSERT ENCODE JSON`)
}

// Wrong credentials are told as such, and no password is shown anywhere.
func TestSecrets(t *testing.T) {
	k := newFake(t, map[string]int32{"t": 1}, []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "app", "hush-hush"),
		kfake.Superuser("SCRAM-SHA-256", "app256", "hush-hush"), kfake.Superuser("SCRAM-SHA-512", "app512", "hush-hush")},
		kgo.SASL(plain.Auth{User: "app", Pass: "hush-hush"}.AsMechanism()))
	k.send("t", 0, "", `{"n":1}`)
	s := rig.Millrace(t)
	with := func(mechanism, user, password string) string {
		return `(n int) WITH (connector = 'kafka', topic = 't', brokers = '` + k.addr + `', properties.sasl.mechanism = '` + mechanism +
			`', properties.sasl.username = '` + user + `', properties.sasl.password = ` + password + `)`
	}
	refused(t, s, "42704", `CREATE STREAM a `+with("PLAIN", "app", "SECRET pw"))
	s.Exec(`CREATE SECRET pw WITH (backend = 'meta') AS 'hush-hush'`, `CREATE SECRET wrong AS 'hush-hush-hush'`)
	refused(t, s, "42710", `CREATE SECRET pw AS 'x'`)
	for _, m := range [][2]string{{"PLAIN", "app"}, {"SCRAM-SHA-256", "app256"}, {"SCRAM-SHA-512", "app512"}} {
		refused(t, s, "28", `CREATE STREAM a `+with(m[0], m[1], "SECRET wrong"))
		name := strings.ToLower(strings.ReplaceAll(m[0], "-", "_"))
		s.Exec(`CREATE STREAM ` + name + ` ` + with(m[0], m[1], "SECRET pw"))
		expect(t, s, `SELECT n::text FROM `+name, "1")
	}
	s.Exec(`CREATE STREAM inline `+with("PLAIN", "app", "'hush-hush'"), `DROP SECRET wrong`)
	refused(t, s, "2BP01", `DROP SECRET pw`)
	refused(t, s, "08006", `CREATE STREAM a (n int) WITH (connector = 'kafka', topic = 't', brokers = '`+k.addr+`', properties.security.protocol = 'ssl')`)
	s.Kill9()
	s.Restart()
	k.send("t", 0, "", `{"n":2}`)
	expect(t, s, `SELECT sum(n)::text FROM plain`, "3")

	conn := s.Connect()
	defer conn.Close(context.Background())
	for _, sql := range []string{
		`EXPLAIN SELECT * FROM inline`, `SHOW SOURCES`, `SHOW STREAMS`, `SELECT * FROM millrace.relations`, `SELECT * FROM millrace.sources`,
		`SELECT reloptions::text FROM pg_class`, `SELECT query FROM pg_stat_activity`,
		`EXPLAIN CREATE STREAM b ` + with("PLAIN", "app", "'hush-hush'"),
	} {
		rows, err := conn.Query(context.Background(), sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		for rows.Next() {
			values, _ := rows.Values()
			if text := fmt.Sprint(values...); strings.Contains(text, "hush-hush") {
				t.Errorf("%s shows the password: %s", sql, text)
			}
		}
		if err := rows.Err(); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	expect(t, s, `SELECT ('properties.sasl.password=SECRET pw' = ANY (reloptions))::text FROM pg_class WHERE relname = 'plain'`, "true")
	expect(t, s, `SELECT ('properties.sasl.password=********' = ANY (reloptions))::text FROM pg_class WHERE relname = 'inline'`, "true")
	if strings.Contains(s.Log(), "hush-hush") {
		t.Error("the log shows the password")
	}
	info, err := os.Stat(s.DataDir())
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("others can enter the data directory: %v, %v", info.Mode(), err)
	}
}

// PAUSE and rate_limit hold over a restart and show; RESUME goes on where it stopped.
func TestPauseAndRate(t *testing.T) {
	k := newFake(t, map[string]int32{"t": 2}, nil)
	s := rig.Millrace(t)
	s.Exec(`CREATE STREAM s (n int) WITH (connector = 'kafka', topic = 't', brokers = '` + k.addr + `', properties.group.id = 'shown')`)
	k.send("t", 0, "", `{"n":1}`)
	expect(t, s, `SELECT count(*)::text FROM s`, "1")
	s.Exec(`ALTER STREAM s PAUSE`)
	s.Kill9()
	s.Restart()
	k.send("t", 1, "", `{"n":2}`)
	expect(t, s, `SELECT DISTINCT state || ' ' || paused FROM millrace.sources`, "paused true")
	time.Sleep(300 * time.Millisecond)
	expect(t, s, `SELECT count(*)::text FROM s`, "1")
	s.Exec(`ALTER SOURCE s RESUME`)
	expect(t, s, `SELECT count(*)::text FROM s`, "2")
	s.Exec(`ALTER STREAM s SET (rate_limit = 100)`)
	for i := range 60 {
		k.send("t", int32(i%2), "", `{"n":3}`)
	}
	expect(t, s, `SELECT count(*)::text FROM s`, "62")
	expect(t, s, `SELECT sum(end_offset) || ' ' || sum(committed_offset) || ' ' || sum(lag) || ' ' || min(rate_limit) FROM millrace.sources
		WHERE last_event_at > now() - interval '1 minute' AND NOT paused`, "62 62 0 100")
	refused(t, s, "22023", `ALTER STREAM s SET (rate_limit = 'fast')`)
	refused(t, s, "22023", `ALTER STREAM s SET (colour = 'red')`)
	refused(t, s, "0A000", `ALTER STREAM s SET (topic = 'other')`)
	rig.Eventually(t, 30*time.Second, func() error {
		offsets, err := kadm.NewClient(k.cl).FetchOffsets(context.Background(), "shown")
		if err != nil {
			return err
		}
		if sum := offsets["t"][0].At + offsets["t"][1].At; sum != 62 {
			return fmt.Errorf("published offsets come to %d", sum)
		}
		return nil
	})
}

// Bad records: they are copied to the dead-letter topic; once what was wrong is mended they are replayed, once; those
// still bad keep one error row. With on_error = 'stop' their partition waits.
func TestBadRecords(t *testing.T) {
	k := newFake(t, map[string]int32{"t": 2, "dead": 1}, nil)
	s := rig.Millrace(t)
	for i := range 10 {
		v := fmt.Sprintf(`{"n":%d}`, i)
		switch i {
		case 3:
			v = `{"n":30,"m":"x"}`
		case 6:
			v = `no json`
		}
		k.send("t", int32(i%2), fmt.Sprint("k", i), v)
	}
	s.Exec(`CREATE STREAM s (n int, m int CHECK (m IS NULL)) WITH (connector = 'kafka', topic = 't', brokers = '`+k.addr+`', errors.topic = 'dead')`,
		`CREATE MATERIALIZED VIEW v AS SELECT count(*) AS c, sum(n) AS n FROM s`)
	expect(t, s, `SELECT c || ' ' || n FROM v`, "8 36")
	expect(t, s, `SELECT string_agg(topic || partition || ':' || record_offset || ' ' || record_key || ' ' || data || ' ' || count, ', ' ORDER BY partition)
		FROM millrace.errors`, `t0:3 k6 no json 1, t1:1 k3 {"n":30,"m":"x"} 1`)
	if got := readTopic(t, k.addr, "dead"); len(got) != 2 {
		t.Errorf("dead letters: %q", got)
	}
	s.Exec(`ALTER STREAM s REPLAY ERRORS`) // nothing has been mended
	expect(t, s, `SELECT c || ' ' || n || ' ' || (SELECT sum(count) FROM millrace.errors) FROM v`, "8 36 2")

	// The option makes the decoder take what it did not take before.
	s.Exec(`CREATE STREAM held (n int, m int) WITH (connector = 'kafka', topic = 't', brokers = '` + k.addr + `', on_error = 'stop')`)
	expect(t, s, `SELECT string_agg(partition || ' ' || state || ' ' || committed_offset, ', ' ORDER BY partition) FROM millrace.sources WHERE name = 'held'`,
		"0 held 3, 1 held 1")
	expect(t, s, `SELECT string_agg(n::text, ' ' ORDER BY n) FROM held`, "0 1 2 4")
	s.Exec(`ALTER STREAM held SET (on_error = 'skip')`)
	expect(t, s, `SELECT count(*) || ' ' || (SELECT count(*) FROM millrace.errors WHERE relation = 'held') FROM held`, "8 2")
	expect(t, s, `SELECT string_agg(DISTINCT state, ',') FROM millrace.sources WHERE name = 'held'`, "running")
	refused(t, s, "42703", `ALTER STREAM s REPLAY ERRORS WHERE nothing = 1`)
}

// scan.startup.offsets starts each partition where it says.
func TestStartOffsets(t *testing.T) {
	k := newFake(t, map[string]int32{"t": 3}, nil)
	for i := range 30 {
		k.send("t", int32(i%3), "", fmt.Sprintf(`{"n":%d}`, i))
	}
	s := rig.Millrace(t)
	with := func(offsets string) string {
		return `(n int) INCLUDE partition AS p WITH (connector = 'kafka', topic = 't', brokers = '` + k.addr +
			`', scan.startup.mode = 'offsets', scan.startup.offsets = '` + offsets + `')`
	}
	s.Exec(`CREATE STREAM s ` + with("0:9, 1:5"))
	expect(t, s, `SELECT string_agg(p || ':' || c, ' ' ORDER BY p) FROM (SELECT p, count(*) AS c FROM s GROUP BY p) x`, "0:1 1:5 2:10")
	refused(t, s, "22023", `CREATE STREAM a `+with("7:1"))
	refused(t, s, "22023", `CREATE STREAM a `+with("0:1,0:2"))
	refused(t, s, "22023", `CREATE STREAM a `+with("x"))
}
