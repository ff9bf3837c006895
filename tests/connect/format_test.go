package connect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/tests/rig"
)

// register makes a schema known by the registry's own API.
func register(t *testing.T, url, subject, kind, text string) uint32 {
	t.Helper()
	body, err := json.Marshal(map[string]string{"schema": text, "schemaType": kind})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(url+"/subjects/"+subject+"/versions", "application/vnd.schemaregistry.v1+json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	reply, err := io.ReadAll(answer.Body)
	var known struct{ ID uint32 }
	if err != nil || json.Unmarshal(reply, &known) != nil || known.ID == 0 {
		t.Fatalf("registering %s: %v, %s", subject, err, reply)
	}
	return known.ID
}

func avroRecord(t *testing.T, id uint32, text string, value any) []byte {
	t.Helper()
	s, err := avro.ParseWithCache(text, "", &avro.SchemaCache{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := avro.Marshal(s, value)
	if err != nil {
		t.Fatal(err)
	}
	return append(schema.AppendHeader(nil, id), data...)
}

// Avro and Protobuf through a real registry: columns for free, schemas that change on the way, keys of their own, and
// records whose schema nobody knows.
func TestSchemaRegistry(t *testing.T) {
	t.Parallel()
	registry := rig.SharedRegistry(t)
	k := rig.SharedKafka(t)
	s := rig.Millrace(t)
	suffix := k.TopicName("") // of this run's topics
	from := func(topic string) string {
		return ` WITH (connector = 'kafka', topic = '` + topic + suffix + `', brokers = '` + k.Addr() + `')`
	}
	encode := func(name string) string { return ` ENCODE ` + name + ` (schema.registry = '` + registry.URL + `')` }

	k.CreateTopic("orders"+suffix, 1)
	const v1 = `{"type":"record","name":"order","fields":[{"name":"id","type":"long"},{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":10,"scale":2}},{"name":"note","type":["null","string"],"default":null}]}`
	const v2 = `{"type":"record","name":"order","fields":[{"name":"note","type":["null","string"],"default":null},{"name":"id","type":"long"},{"name":"extra","type":"string","default":""}]}`
	one := register(t, registry.URL, "orders"+suffix+"-value", "AVRO", v1)
	s.Exec(`CREATE STREAM orders` + from("orders") + ` FORMAT PLAIN` + encode("AVRO"))
	two := register(t, registry.URL, "orders"+suffix+"-value", "AVRO", v2)
	k.Produce("orders"+suffix, 1,
		avroRecord(t, one, v1, map[string]any{"id": int64(1), "price": big.NewRat(1250, 100), "note": "first"}),
		avroRecord(t, two, v2, map[string]any{"id": int64(2), "note": nil, "extra": "x"}),
		avroRecord(t, 999999, v1, map[string]any{"id": int64(3), "price": big.NewRat(1, 1), "note": nil}),
		[]byte("no header"))
	expect(t, s, "SELECT string_agg(concat_ws('|', id, price, note), ' ' ORDER BY id) FROM orders", "1|12.50|first 2")
	expect(t, s, "SELECT count(*)::text FROM millrace.errors", "2")

	k.CreateTopic("users"+suffix, 1)
	const key = `{"type":"record","name":"key","fields":[{"name":"id","type":"long"}]}`
	const value = `{"type":"record","name":"user","fields":[{"name":"name","type":"string"}]}`
	keyID, valueID := register(t, registry.URL, "users"+suffix+"-key", "AVRO", key), register(t, registry.URL, "users"+suffix+"-value", "AVRO", value)
	s.Exec(`CREATE TABLE users` + from("users") + ` FORMAT UPSERT` + encode("AVRO"))
	user := func(id int, name string) *kgo.Record {
		r := &kgo.Record{Topic: "users" + suffix, Key: avroRecord(t, keyID, key, map[string]any{"id": int64(id)})}
		if name != "" {
			r.Value = avroRecord(t, valueID, value, map[string]any{"name": name})
		}
		return r
	}
	k.ProduceRecords(user(1, "ann"), user(2, "bob"), user(1, "anna"), user(2, ""))
	expect(t, s, "SELECT string_agg(concat_ws('|', id, name), ' ') FROM users", "1|anna")

	k.CreateTopic("events"+suffix, 1)
	const proto = `syntax = "proto3"; message First { int32 x = 1; } message Event { int64 id = 1; string what = 2; repeated int32 nums = 3; }`
	protoID := register(t, registry.URL, "events"+suffix+"-value", "PROTOBUF", proto)
	s.Exec(`CREATE STREAM events (id bigint, what text, nums int[])` + from("events") + ` FORMAT PLAIN` + encode("PROTOBUF"))
	event := schema.AppendIndexes(schema.AppendHeader(nil, protoID), []int{1})
	event = protowire.AppendVarint(protowire.AppendTag(event, 1, protowire.VarintType), 7)
	event = protowire.AppendString(protowire.AppendTag(event, 2, protowire.BytesType), "click")
	event = protowire.AppendBytes(protowire.AppendTag(event, 3, protowire.BytesType), []byte{4, 5})
	k.Produce("events"+suffix, 1, event)
	expect(t, s, "SELECT concat_ws('|', id, what, nums) FROM events", "7|click|{4,5}")

	// What one sink writes, a stream reads back.
	k.CreateTopic("copies"+suffix, 1)
	s.Exec(`CREATE STREAM made (id bigint, price numeric(10,2), at timestamptz, doc jsonb, tags text[])`,
		`CREATE SINK copies FROM made`+from("copies")+` FORMAT PLAIN`+encode("AVRO"),
		`INSERT INTO made VALUES (1, -12.5, '2024-02-29 12:00:00Z', '{"k": [1]}', '{a,NULL,"b c"}'), (2, NULL, NULL, NULL, NULL)`)
	rig.Eventually(t, 30*time.Second, func() error {
		conn, err := pgx.Connect(context.Background(), s.DSN())
		if err != nil {
			return err
		}
		defer conn.Close(context.Background())
		_, err = conn.Exec(context.Background(), `CREATE STREAM IF NOT EXISTS back`+from("copies")+` FORMAT PLAIN`+encode("AVRO"))
		return err
	})
	expect(t, s, "SELECT string_agg(concat_ws('|', id, price, at, doc, tags), ' ' ORDER BY id) FROM back",
		`1|-12.50|2024-02-29 12:00:00+00|{"k": [1]}|{a,NULL,"b c"} 2`)

	refused(t, s, "42804", `CREATE STREAM bad (id boolean)`+from("orders")+` FORMAT PLAIN`+encode("AVRO"))
	refused(t, s, "42704", `CREATE STREAM bad (id bigint)`+from("orders")+` FORMAT PLAIN ENCODE AVRO (schema.registry = '`+registry.URL+`', schema.registry.subject = 'nope')`)
	refused(t, s, "08001", `CREATE STREAM bad (id bigint)`+from("orders")+` FORMAT PLAIN ENCODE AVRO (schema.registry = 'http://127.0.0.1:1')`)
}

// A registry that goes away holds the records that need it, and loses none.
func TestRegistryAway(t *testing.T) {
	const text = `{"type":"record","name":"r","fields":[{"name":"a","type":"int"}]}`
	var up = make(chan struct{})
	server := &http.Server{Addr: fmt.Sprintf("127.0.0.1:%d", rig.FreePort(t)), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-up:
		default:
			if strings.Contains(r.URL.Path, "/schemas/ids/") {
				http.Error(w, `{"error_code":50001,"message":"away"}`, http.StatusInternalServerError)
				return
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"id": 1, "version": 1, "subject": "t-value", "schema": text})
	})}
	go server.ListenAndServe()
	defer server.Shutdown(context.Background())
	f := newFake(t, map[string]int32{"t": 1}, nil)
	s := rig.Millrace(t)
	rig.Eventually(t, 10*time.Second, func() error {
		answer, err := http.Get("http://" + server.Addr + "/")
		if err == nil {
			answer.Body.Close()
		}
		return err
	})
	s.Exec(`CREATE STREAM t (a int) WITH (connector = 'kafka', topic = 't', brokers = '` + f.addr + `') FORMAT PLAIN ENCODE AVRO (schema.registry = 'http://` + server.Addr + `')`)
	f.send("t", 0, "", string(avroRecord(t, 1, text, map[string]any{"a": 5})))
	rig.Eventually(t, 20*time.Second, func() error {
		return expectCount(s.DSN(), "SELECT count(*) FROM millrace.sources WHERE state = 'retrying'", 1)
	})
	close(up)
	expect(t, s, "SELECT a::text FROM t", "5")
	expect(t, s, "SELECT count(*)::text FROM millrace.errors", "0")
}
