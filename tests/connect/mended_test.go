package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/millracedb/millrace/tests/rig"
)

// Columns of CSV are named by the header. A topic without records is told as such within a bound, and a search for columns
// ends with the statement: by its timeout, and by the client's cancel.
func TestInferredColumns(t *testing.T) {
	k := newFake(t, map[string]int32{"empty": 2, "csv": 1}, nil)
	s := rig.Millrace(t)
	from := func(addr, topic string) string {
		return ` WITH (connector = 'kafka', topic = '` + topic + `', brokers = '` + addr + `')`
	}
	refused(t, s, "42P16", `CREATE STREAM e`+from(k.addr, "empty")+` FORMAT PLAIN ENCODE JSON`)
	refused(t, s, "42P16", `CREATE STREAM e`+from(k.addr, "empty")+` FORMAT PLAIN ENCODE CSV`)
	k.send("csv", 0, "", "id;Name;at\n1;'a;''b';2024-02-29T12:00:00Z\n2;-;2024-02-29T13:00:00Z\n")
	s.Exec(`CREATE STREAM c` + from(k.addr, "csv") + ` FORMAT PLAIN ENCODE CSV (header = 'true', delimiter = ';', quote = '''', null = '-')`)
	expect(t, s, `SELECT string_agg(concat_ws('|', id, "Name", at), ' ' ORDER BY id) FROM c`, "1|a;'b|2024-02-29 12:00:00+00 2|2024-02-29 13:00:00+00")

	silent, err := net.Listen("tcp", "127.0.0.1:0") // a broker that takes connections and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, end := range []string{"timeout", "cancel"} {
		conn := s.Connect()
		if end == "timeout" {
			if _, err := conn.Exec(context.Background(), "SET statement_timeout = '300ms'"); err != nil {
				t.Fatal(err)
			}
		}
		ended := make(chan error)
		go func() {
			_, err := conn.Exec(context.Background(), `CREATE STREAM e`+from(silent.Addr().String(), "t")+` FORMAT PLAIN ENCODE JSON`)
			ended <- err
		}()
		for err = nil; err == nil; {
			select {
			case err = <-ended:
			case <-time.After(200 * time.Millisecond): // it may not have begun when the cancel comes
				if end == "cancel" {
					_ = conn.PgConn().CancelRequest(context.Background())
				}
			}
		}
		if !strings.Contains(err.Error(), "57014") {
			t.Errorf("%s: got %v", end, err)
		}
		conn.Close(context.Background())
	}
}

// Records whose schema the registry comes to know are replayed in place, once, also where the server dies on the way: then
// the views are what they would be had the records never been bad.
func TestReplayAfterMend(t *testing.T) {
	const text = `{"type":"record","name":"r","fields":[{"name":"id","type":"int"},{"name":"n","type":"int"}]}`
	var mended atomic.Bool
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/schemas/ids/2") && !mended.Load() {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"error_code":40403,"message":"Schema not found"}`))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"id": 1, "version": 1, "subject": "t-value", "schema": text})
	}))
	defer registry.Close()
	k := newFake(t, map[string]int32{"t": 2, "dead": 1}, nil)
	s := rig.Millrace(t)
	s.Exec(`CREATE STREAM s (id int, n int) WITH (connector = 'kafka', topic = 't', brokers = '`+k.addr+`', errors.topic = 'dead') FORMAT PLAIN ENCODE AVRO (schema.registry = '`+registry.URL+`')`,
		`CREATE TABLE u (id int PRIMARY KEY, n int) WITH (connector = 'kafka', topic = 't', brokers = '`+k.addr+`') FORMAT UPSERT ENCODE AVRO (schema.registry = '`+registry.URL+`') KEY ENCODE TEXT`,
		`CREATE MATERIALIZED VIEW vs AS SELECT count(*) AS c, sum(n) AS n FROM s`,
		`CREATE MATERIALIZED VIEW vu AS SELECT count(*) AS c, sum(n) AS n FROM u`)
	const records, keys = 400, 40
	sum, last := 0, map[int]int{}
	for i := range records {
		id := uint32(1)
		if i%4 == 3 || i >= records-2*keys && i%3 == 0 {
			id = 2
		}
		key := i % keys
		sum += i
		last[key] = i
		k.send("t", int32(key%2), fmt.Sprint(key), string(avroRecord(t, id, text, map[string]any{"id": key, "n": i})))
	}
	lasts := 0
	for _, n := range last {
		lasts += n
	}
	const bad = `SELECT count(*)::text FROM millrace.errors WHERE relation = 's' AND topic = 't' AND record_key <> '' AND data <> '' AND message LIKE '%schema%'`
	n := 0
	for i := range records {
		if i%4 == 3 || i >= records-2*keys && i%3 == 0 {
			n++
		}
	}
	expect(t, s, bad, fmt.Sprint(n))
	expect(t, s, `SELECT max(bad_records)::text FROM millrace.sources WHERE name = 's'`, fmt.Sprint(n))
	if got := len(readTopic(t, k.addr, "dead")); got != n {
		t.Errorf("%d dead letters, want %d", got, n)
	}
	mended.Store(true)
	for _, relation := range []string{"STREAM s", "TABLE u"} {
		conn := s.Connect()
		done := make(chan struct{})
		go func() {
			_, _ = conn.Exec(context.Background(), `ALTER `+relation+` REPLAY ERRORS`) // the server dies, somewhere
			close(done)
		}()
		time.Sleep(time.Duration(time.Now().UnixNano()%100) * time.Millisecond)
		s.Kill9()
		<-done
		s.Restart()
		for range 2 {
			s.Exec(`ALTER ` + relation + ` REPLAY ERRORS`)
		}
	}
	expect(t, s, `SELECT c || ' ' || n FROM vs`, fmt.Sprint(records, " ", sum))
	expect(t, s, `SELECT c || ' ' || n FROM vu`, fmt.Sprint(keys, " ", lasts))
	expect(t, s, `SELECT count(*)::text FROM millrace.errors`, "0")
}
