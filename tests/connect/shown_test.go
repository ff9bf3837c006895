package connect

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/tests/rig"
)

// What SHOW CREATE says makes the same object again.
func TestShowCreate(t *testing.T) {
	k := rig.Kafka(t)
	k.CreateTopic("in", 1)
	s := rig.Millrace(t)
	with := func(more string) string {
		return fmt.Sprintf(`WITH (connector = 'kafka', topic = 'in', properties.bootstrap.server = '%s', properties.client.id = SECRET id%s)`, k.Addr(), more)
	}
	s.Exec(`CREATE SECRET id AS 'me'`, `CREATE SCHEMA shop`,
		`CREATE TABLE shop.items (id serial, n bigint GENERATED ALWAYS AS IDENTITY (START 7), "Price" numeric(10,2) DEFAULT 1.5 CHECK ("Price" > 0), PRIMARY KEY (n, id))`,
		`CREATE STREAM clicks (n int NOT NULL, city text FROM 'address.city', at timestamptz, WATERMARK FOR at AS at - INTERVAL '5 seconds') INCLUDE key text AS k INCLUDE partition AS part INCLUDE headers `+
			with(", rate_limit = 7, retention = '1 day'")+` FORMAT PLAIN ENCODE JSON (timestamp.unit = 'ms')`,
		`CREATE TABLE users (id bigint PRIMARY KEY, name varchar(5)) `+with("")+` FORMAT UPSERT ENCODE CSV (delimiter = ';') KEY ENCODE TEXT`,
		`CREATE VIEW v (c, n) AS SELECT city, count(*) FROM clicks GROUP BY 1`,
		`CREATE MATERIALIZED VIEW m AS SELECT c, n + 1 AS n1 FROM v WHERE c <> 'it''s'`,
		`CREATE SINK k1 FROM users `+with(", queue_limit = '1MB'")+` FORMAT UPSERT ENCODE JSON (numeric = number) KEY ENCODE TEXT`,
		`CREATE SINK k2 AS SELECT c, n1 FROM m `+with(", primary_key = 'c'")+` FORMAT DEBEZIUM ENCODE JSON`)
	var texts []string
	objects := []string{"TABLE shop.items", "STREAM clicks", "TABLE users", "VIEW v", "MATERIALIZED VIEW m", "SINK k1", "SINK k2"}
	for _, o := range objects {
		texts = append(texts, createOf(t, s, o))
	}
	const columns = `SELECT table_schema, table_name, ordinal_position, column_name, data_type, is_nullable, coalesce(column_default, '-')
		FROM information_schema.columns WHERE table_schema IN ('public', 'shop') ORDER BY 1, 2, 3`
	before := rowsOf(t, s.DSN(), columns)
	for i := range objects {
		s.Exec("DROP " + objects[len(objects)-1-i])
	}
	s.Exec(texts...)
	if after := rowsOf(t, s.DSN(), columns); strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Errorf("columns were\n%s\nand are\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	for i, o := range objects {
		if again := createOf(t, s, o); again != texts[i] {
			t.Errorf("%s was\n%s\nand is\n%s", o, texts[i], again)
		}
	}
}

// createOf is what SHOW CREATE says of an object.
func createOf(t *testing.T, s *rig.Server, object string) string {
	t.Helper()
	var name, text string
	if err := s.Connect().QueryRow(t.Context(), "SHOW CREATE "+object).Scan(&name, &text); err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	return text
}

// The value of a secret, and a password that a statement holds, are in nothing that the server says: no relation, no SHOW or
// EXPLAIN, no error, no metric, no line of the log.
func TestSecretsStaySecret(t *testing.T) {
	const secret = "Hush-hush-4711"
	k := rig.Kafka(t)
	k.CreateTopic("in", 1)
	k.CreateTopic("out", 1)
	s := rig.Millrace(t)
	c := s.Connect()
	addr := k.Addr()
	options := func(more string) string {
		return fmt.Sprintf(`WITH (connector = 'kafka', brokers = '%s', %s)`, addr, more)
	}
	var said strings.Builder
	say := func(sql string) {
		t.Helper()
		results, err := c.PgConn().Exec(t.Context(), sql).ReadAll()
		for _, r := range results {
			for _, f := range r.FieldDescriptions {
				said.WriteString(f.Name + " ")
			}
			for _, row := range r.Rows {
				for _, v := range row {
					said.Write(append(v, ' '))
				}
			}
		}
		var e *pgconn.PgError
		if errors.As(err, &e) {
			fmt.Fprintf(&said, "%+v\n", *e)
		} else if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{
		`CREATE SECRET sec AS 'old'`, `ALTER SECRET sec AS '` + secret + `'`, `CREATE SECRET sec AS '` + secret + `'`,
		`ALTER SECRET nothing AS '` + secret + `'`,
		// Uses that work.
		`CREATE STREAM events (n int) ` + options(`topic = 'in', properties.client.id = SECRET sec, properties.group.id = SECRET sec`),
		`CREATE SINK out FROM events ` + options(`topic = 'out', properties.client.id = SECRET sec, properties.transactional.id = SECRET sec`),
		`CREATE SINK upsert FROM events ` + options(`topic = 'out', primary_key = 'n'`) + ` FORMAT UPSERT ENCODE JSON (bytea = 'hex') KEY ENCODE JSON (numeric = 'string')`,
		`INSERT INTO events VALUES (1)`,
		// Uses that do not.
		`CREATE STREAM bad (n int) ` + options(`topic = SECRET sec`),
		`CREATE STREAM bad (n int) ` + options(`topic = 'in', on_error = SECRET sec`),
		`CREATE STREAM bad (n int) ` + options(`topic = 'in', rate_limit = SECRET sec`),
		`CREATE STREAM bad (n int) ` + options(`topic = 'in', properties.ssl.ca.pem = SECRET sec`),
		`CREATE STREAM bad (n int) ` + options(`topic = 'in', properties.security.protocol = 'sasl_plaintext', properties.sasl.mechanism = 'PLAIN', properties.sasl.username = 'u', properties.sasl.password = '`+secret+`'`),
		`CREATE STREAM bad (n int) WITH (connector = 'kafka', topic = 'in', brokers = SECRET sec)`,
		`CREATE STREAM bad (n int) ` + options(`topic = 'in'`) + ` FORMAT PLAIN ENCODE AVRO (schema.registry = 'http://u:` + secret + `@127.0.0.1:1')`,
		`CREATE STREAM bad (n int) ` + options(`topic = 'in'`) + ` FORMAT PLAIN ENCODE AVRO (schema = SECRET sec)`,
		`CREATE STREAM bad (n int) ` + options(`topic = 'in'`) + ` FORMAT PLAIN ENCODE AVRO (schema.location = SECRET sec)`,
		`CREATE SINK bad FROM events ` + options(`topic = SECRET sec`),
		`CREATE SINK bad FROM events ` + options(`topic = 'out', delivery = SECRET sec`),
		`CREATE SINK bad FROM events ` + options(`topic = 'out', primary_key = SECRET sec`),
		`CREATE SINK bad FROM events ` + options(`topic = 'out', queue_limit = SECRET sec`),
		`ALTER SINK out SET (properties.compression.type = SECRET sec)`,
		`ALTER SINK out SET (properties.sasl.password = '` + secret + `')`, `ALTER SINK out SET sasl_password = '` + secret + `'`,
		`ALTER STREAM events SET (properties.sasl.password = SECRET sec)`,
		`EXPLAIN SELECT * FROM events`, `EXPLAIN CREATE SINK e FROM events ` + options(`topic = 'x', properties.sasl.password = '`+secret+`'`),
		`SHOW CREATE STREAM events`, `SHOW CREATE SINK out`, `SHOW CREATE SINK upsert`, `SHOW ALL`, `SHOW SINKS`, `SHOW SOURCES`, `SHOW STREAMS`,
		`DROP SECRET sec`,
	} {
		say(sql)
	}
	rig.Eventually(t, time.Minute, func() error {
		return expectCount(s.DSN(), `SELECT delivered_changes FROM millrace.sinks WHERE name = 'out'`, 1)
	})
	for _, rel := range rowsOf(t, s.DSN(), `SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind IN ('r', 'v') AND n.nspname <> 'public'`) {
		say("SELECT * FROM " + rel)
	}
	say(`SELECT pg_get_viewdef(oid), obj_description(oid), reloptions FROM pg_class`)
	answer, err := http.Get(s.HTTP() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(&said, answer.Body); err != nil {
		t.Fatal(err)
	}
	said.WriteString(s.Log())
	if said.Len() < 10_000 {
		t.Errorf("only %d bytes were said", said.Len())
	}
	for line := range strings.Lines(said.String()) {
		if at := strings.Index(line, secret); at >= 0 {
			t.Errorf("the secret is in: %s", line[max(0, at-300):min(len(line), at+300)])
		}
	}
}
