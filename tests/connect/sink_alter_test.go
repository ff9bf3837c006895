package connect

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/tests/rig"
)

// A sink is paused, renamed, given other settings and resumed, over restarts, and sends each change once.
func TestAlterSink(t *testing.T) {
	k := rig.Kafka(t)
	k.CreateTopic("out", 2)
	s := rig.Millrace(t)
	s.Exec(`CREATE STREAM events (n int)`,
		`CREATE SECRET unused AS 'x'`,
		`CREATE SINK out FROM events WITH (connector = 'kafka', topic = 'out', properties.bootstrap.server = '`+k.Addr()+`')`,
		`INSERT INTO events VALUES (1), (2)`)
	delivered(t, s)
	s.Exec(`ALTER SINK out PAUSE`, `INSERT INTO events VALUES (3)`)
	expect := func(want string) {
		t.Helper()
		rig.Eventually(t, time.Minute, func() error {
			rows := rowsOf(t, s.DSN(), `SELECT name, state, paused, coalesce(rate_limit, 0), waiting_changes FROM millrace.sinks`)
			if got := strings.Join(rows, "\n"); got != want {
				return fmt.Errorf("got %s, want %s", got, want)
			}
			return nil
		})
	}
	expect("out|paused|t|0|1")
	s.Exec(`ALTER SINK out RENAME TO renamed`)
	s.Kill9()
	s.Restart() // the queue is that of the last checkpoint: how far the topic is, the broker will tell
	if err := expectCount(s.DSN(), `SELECT count(*) FROM millrace.sinks WHERE name = 'renamed' AND state = 'paused'`, 1); err != nil {
		t.Error(err)
	}
	expectRecords(t, k.Addr(), "out", `- {"n":1}`, `- {"n":2}`)

	s.Exec(`ALTER SINK renamed SET rate_limit = 1000`, `ALTER SINK renamed SET (properties.compression.type = 'zstd', queue_limit = '1MB')`,
		`ALTER SINK renamed RESUME`, `INSERT INTO events VALUES (4)`)
	delivered(t, s)
	expect("renamed|running|f|1000|0")
	s.Exec(`ALTER SINK renamed SET rate_limit TO DEFAULT`, `ALTER SINK renamed SET (delivery = 'at_least_once')`, `INSERT INTO events VALUES (5)`)
	delivered(t, s)
	s.Exec(`ALTER SINK renamed RESET (delivery)`, `INSERT INTO events VALUES (6)`)
	delivered(t, s)
	expect("renamed|running|f|0|0")
	got := readTopic(t, k.Addr(), "out")
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != 6 {
		t.Errorf("the topic has %v", got)
	}

	for _, bad := range []struct{ sql, code, want string }{
		{`ALTER SINK nothing PAUSE`, pgerr.UndefinedTable, `relation "nothing" does not exist`},
		{`ALTER SINK events PAUSE`, pgerr.WrongObjectType, `"events" is not a sink`},
		{`ALTER SINK renamed SET (topic = 'other')`, pgerr.FeatureNotSupported, `parameter "topic" cannot be changed`},
		{`ALTER SINK renamed SET (primary_key = 'n')`, pgerr.FeatureNotSupported, `parameter "primary_key" cannot be changed`},
		{`ALTER SINK renamed SET (properties.transactional.id = 'n')`, pgerr.FeatureNotSupported, `cannot be changed`},
		{`ALTER SINK renamed SET (colour = 'red')`, pgerr.InvalidParameterValue, `unrecognized parameter "colour"`},
		{`ALTER SINK renamed SET (retention = '1 day')`, pgerr.InvalidParameterValue, `unrecognized parameter "retention"`},
		{`ALTER SINK renamed SET rate_limit = -1`, pgerr.InvalidParameterValue, `invalid value for parameter "rate_limit": "-1"`},
		{`ALTER SINK renamed SET (delivery = 'perhaps')`, pgerr.InvalidParameterValue, `invalid value for parameter "delivery"`},
		{`ALTER SINK renamed SET (properties.sasl.password = SECRET nothing)`, pgerr.UndefinedObject, `secret "nothing" does not exist`},
		{`ALTER SINK renamed RENAME TO events`, pgerr.DuplicateTable, `relation "events" already exists`},
		{`ALTER SINK renamed REPLAY ERRORS`, pgerr.WrongObjectType, `no connector feeds "renamed"`},
	} {
		_, err := s.Connect().Exec(t.Context(), bad.sql)
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != bad.code || !strings.Contains(e.Message, bad.want) {
			t.Errorf("%s: %v, want %s", bad.sql, err, bad.want)
		}
	}
	expect("renamed|running|f|0|0")
}

// rate_limit bounds what is sent, and RESET lifts it at once.
func TestSinkRateLimit(t *testing.T) {
	k := rig.Kafka(t)
	s := rig.Millrace(t)
	s.Exec(`CREATE TABLE t (n int PRIMARY KEY)`, `INSERT INTO t SELECT generate_series(1, 10000)`,
		`CREATE SINK out FROM t WITH (connector = 'kafka', topic = 'out', topic.partitions = 1, brokers = '`+k.Addr()+`', rate_limit = 1) FORMAT UPSERT ENCODE JSON`)
	some := func() error {
		return expectCount(s.DSN(), `SELECT count(*) FROM millrace.sinks WHERE delivered_changes BETWEEN 1 AND 5000`, 1) // what is read at a time
	}
	rig.Eventually(t, time.Minute, some)
	s.Exec(`INSERT INTO t VALUES (0)`)
	if err := some(); err != nil {
		t.Error(err)
	}
	s.Exec(`ALTER SINK out RESET (rate_limit)`)
	delivered(t, s)
	if got := len(readTopic(t, k.Addr(), "out")); got != 10001 {
		t.Errorf("%d records", got)
	}
}
