package connect

import (
	"fmt"
	"testing"
	"time"

	"github.com/millracedb/millrace/tests/rig"
)

// A table goes out as Protobuf, by a schema that the sink registers for values and keys, and comes back the same; so it does
// with a schema of the statement and no header.
func TestSinkProtobuf(t *testing.T) {
	k := rig.Kafka(t)
	registry := rig.Registry(t).URL
	s := rig.Millrace(t)
	with := func(topic string) string {
		return fmt.Sprintf(`WITH (connector = 'kafka', topic = '%s', properties.bootstrap.server = '%s'`, topic, k.Addr())
	}
	const columns = `id bigint PRIMARY KEY, name text, price numeric, at timestamptz, day date, tags text[], ok bool, f float8, raw bytea`
	registered := fmt.Sprintf(`ENCODE PROTOBUF (schema.registry = '%s', message = 'shop.Item')`, registry)
	read := fmt.Sprintf(`ENCODE PROTOBUF (schema.registry = '%s')`, registry)
	given := `ENCODE PROTOBUF (message = 'Item', schema = 'syntax = "proto3"; import "google/protobuf/timestamp.proto";
		message Item { int64 id = 1; optional string name = 2; optional string price = 3; optional google.protobuf.Timestamp at = 4;
		optional string day = 5; repeated string tags = 6; optional bool ok = 7; optional double f = 8; optional bytes raw = 9; }')`
	s.Exec(`CREATE TABLE items (`+columns+`)`,
		`INSERT INTO items VALUES (0, 'zero', 1.50, '2024-02-03 04:05:06.7+00', '2024-02-03', '{a,"b c"}', true, 0.1, '\x00ff'),
			(-1, NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL), (2, '', 0, '1970-01-01 00:00:00+00', '0044-01-01 BC', '{""}', false, '-0', '')`,
		`CREATE SINK registered FROM items `+with("registered")+`, topic.partitions = 2) FORMAT UPSERT `+registered,
		`CREATE SINK given FROM items `+with("given")+`, topic.partitions = 2) FORMAT UPSERT `+given,
		`INSERT INTO items (id, name, tags) VALUES (3, 'gone', '{}'), (4, 'stays', '{}')`, `DELETE FROM items WHERE id = 3`, `UPDATE items SET price = 7 WHERE id = 4`)
	delivered(t, s)
	s.Exec(`CREATE TABLE back1 (`+columns+`) `+with("registered")+`) FORMAT UPSERT `+read,
		`CREATE TABLE back2 (`+columns+`) `+with("given")+`) FORMAT UPSERT `+given)
	for _, back := range []string{"back1", "back2"} {
		rig.Eventually(t, time.Minute, func() error {
			return expectCount(s.DSN(), `SELECT count(*) FROM (SELECT * FROM `+back+` INTERSECT SELECT * FROM items) x`, 4)
		})
		if err := expectCount(s.DSN(), `SELECT count(*) FROM `+back, 4); err != nil {
			t.Error(err)
		}
	}
	if rows := rowsOf(t, s.DSN(), `SELECT relation, message FROM millrace.errors`); len(rows) > 0 {
		t.Error(rows)
	}
}
