package connect

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millracedb/millrace/tests/rig"
)

// A deletion that announces a new key waits for the row that has it, which takes its large value along, however they were
// fetched and whenever the server dies. A TRUNCATE empties the table at its place, also for records that are replayed.
func TestKeyChange(t *testing.T) {
	k := newFake(t, map[string]int32{"t": 1, "split": 2}, nil)
	send := func(topic, value string, headers ...string) {
		t.Helper()
		r := &kgo.Record{Topic: topic, Key: []byte(`{"id":1}`), Value: []byte(value)}
		if value == "" {
			r.Value = nil
		}
		for _, h := range headers {
			r.Headers = append(r.Headers, kgo.RecordHeader{Key: h, Value: []byte("Struct{id=2}")})
		}
		if err := k.cl.ProduceSync(context.Background(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	s := rig.Millrace(t)
	for _, topic := range []string{"t", "split"} {
		s.Exec(`CREATE TABLE ` + topic + ` (id int PRIMARY KEY, n int CHECK (n < 100), body text NOT NULL) WITH (connector = 'kafka', topic = '` + topic +
			`', brokers = '` + k.addr + `') FORMAT DEBEZIUM ENCODE JSON`)
	}
	const (
		rows    = `SELECT coalesce(string_agg(concat_ws('|', id, n, body), ' ' ORDER BY id), 'none') FROM `
		missing = `"__debezium_unavailable_value"`
	)
	send("t", `{"op":"c","after":{"id":1,"n":1,"body":"large"}}`)
	send("t", `{"op":"u","after":{"id":1,"n":2,"body":`+missing+`}}`)
	expect(t, s, rows+"t", "1|2|large")
	send("t", `{"op":"d","before":{"id":1,"n":null,"body":null}}`, "__debezium.newkey")
	send("t", "")
	expect(t, s, `SELECT committed_offset || ' ' || end_offset FROM millrace.sources WHERE name = 't'`, "2 4")
	s.Kill9()
	s.Restart()
	expect(t, s, `SELECT committed_offset || ' ' || end_offset FROM millrace.sources WHERE name = 't'`, "2 4")
	expect(t, s, rows+"t", "1|2|large")
	send("t", `{"op":"c","after":{"id":2,"n":3,"body":`+missing+`}}`, "__debezium.oldkey")
	expect(t, s, rows+"t", "2|3|large")

	send("t", `{"op":"u","after":{"id":2,"n":100,"body":`+missing+`}}`) // the whole row breaks CHECK
	send("t", `{"op":"u","after":{"id":9,"n":1,"body":`+missing+`}}`)   // of a row that never came
	send("t", `{"op":"c","after":{"id":3,"n":"x","body":"bad"}}`)
	expect(t, s, `SELECT string_agg(sqlstate || ' ' || record_offset, ', ' ORDER BY record_offset) FROM millrace.errors`, "23514 5, 22004 6, 22P02 7")
	expect(t, s, rows+"t", "2|3|large")
	send("t", `{"op":"t","before":null,"after":null}`)
	send("t", `{"op":"c","after":{"id":4,"n":4,"body":"new"}}`)
	expect(t, s, rows+"t", "4|4|new")
	s.Exec(`ALTER TABLE t REPLAY ERRORS`)
	expect(t, s, rows+"t", "4|4|new")

	// In several partitions nothing waits, and what is not known is told.
	send("split", `{"op":"c","after":{"id":1,"n":1,"body":"large"}}`)
	send("split", `{"op":"d","before":{"id":1,"n":null,"body":null}}`, "__debezium.newkey")
	expect(t, s, rows+"split", "none")
	send("split", `{"op":"c","after":{"id":2,"n":1,"body":`+missing+`}}`, "__debezium.oldkey")
	expect(t, s, `SELECT sqlstate || ' ' || record_offset FROM millrace.errors WHERE relation = 'split'`, "22004 2")
}
