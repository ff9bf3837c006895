package connect

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millracedb/millrace/tests/rig"
)

// Confluent's own Avro serializers, from their Python client, understand what a sink writes, and are understood: a table goes
// out, through them, and comes back in, under another schema with the same fields.
func TestConfluentAvro(t *testing.T) {
	t.Parallel()
	python := rig.Python(t, "confluent-kafka-2.16.1", "confluent-kafka==2.16.1", "fastavro==1.13.1", "httpx==0.28.1", "attrs==26.1.0", "authlib==1.9.9", "cachetools==8.0.1", "certifi==2026.10.18")
	k, registry := rig.SharedKafka(t), rig.SharedRegistry(t)
	s := rig.Millrace(t)
	const columns = `id bigint PRIMARY KEY, name text NOT NULL, b bool, i int, f float4, g float8, n numeric(20,5), x bytea, d date, tm time,
		ts timestamp, tz timestamptz, u uuid, doc jsonb, tags text[], iv interval`
	out, in := k.NewTopic("avro-out", 3), k.NewTopic("avro-in", 3)
	with := func(topic string) string {
		return ` WITH (connector = 'kafka', topic = '` + topic + `', brokers = '` + k.Addr() + `') FORMAT UPSERT ENCODE AVRO (schema.registry = '` + registry.URL + `')`
	}
	s.Exec(`CREATE TABLE things (`+columns+`)`,
		`INSERT INTO things VALUES (1, 'one ☃', true, -7, 1.5, 0.1, -12.50000, '\x00ff', '2024-02-29', '12:34:56.789', '2024-02-29 12:34:56.789012',
			'1969-12-31 23:59:59.999999+00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, null]}', '{a,NULL}', '1 day'),
			(2, 'most', false, 2147483647, 3.4028235e38, 1.7976931348623157e308, 999999999999999.99999, '\x', '9999-12-31', '23:59:59.999999',
			'9999-12-31 23:59:59.999999', '9999-12-31 23:59:59+00', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '"text"', '{}', '-1 microsecond'),
			(3, 'gone', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
		`INSERT INTO things (id, name) SELECT g, 'thing ' || g FROM generate_series(10, 200) g`,
		`CREATE SINK things_out FROM things`+with(out),
		`DELETE FROM things WHERE id = 3`, `UPDATE things SET i = 5 WHERE id = 10`)
	sentBy(t, s, "things_out")

	cmd := python(filepath.Join("clients", "avro.py"), k.Addr(), registry.URL, out, in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	rows, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(rows)) == "0" {
		t.Fatalf("avro.py: %v, %s rows\n%s", err, rows, stderr.Bytes())
	}
	s.Exec(`CREATE TABLE back (` + columns + `)` + with(in))
	rig.Eventually(t, time.Minute, func() error {
		got, want := rowsOf(t, s.DSN(), "SELECT * FROM back"), rowsOf(t, s.DSN(), "SELECT * FROM things")
		if !slices.Equal(got, want) {
			return fmt.Errorf("%s\nerrors: %q", differences(got, want), rowsOf(t, s.DSN(), "SELECT message, data FROM millrace.errors"))
		}
		return nil
	})
}
