package connect

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/millracedb/millrace/tests/rig"
)

// The first rows of a sink, and epochs of more changes than one transaction takes, are sent in parts. The server is killed
// between them, and the broker once: each row has each of its values once, in order.
func TestLargeEpochs(t *testing.T) {
	const rows, updates = 100_000, 2
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	k := rig.Kafka(t)
	s := rig.Millrace(t)
	s.Exec(`CREATE TABLE numbers (id int PRIMARY KEY, v int)`,
		fmt.Sprintf(`INSERT INTO numbers SELECT g, 0 FROM generate_series(0, %d) g`, rows-1),
		`CREATE SINK out FROM numbers WITH (connector = 'kafka', topic = 'numbers', topic.partitions = 2, properties.bootstrap.server = '`+k.Addr()+`')
			FORMAT UPSERT ENCODE JSON KEY ENCODE TEXT`)
	kill := func() {
		time.Sleep(time.Duration(random.IntN(1200)) * time.Millisecond)
		s.Kill9()
		s.Restart()
	}
	kill()
	kill()
	for i := range updates {
		s.Exec(`UPDATE numbers SET v = v + 1`)
		kill()
		if i == 0 {
			k.Kill9()
			k.Restart()
		}
		kill()
	}
	delivered(t, s)
	var newest [rows]int
	lives := map[int64]bool{}
	records := committedRecords(t, k.Addr(), "numbers")
	for _, r := range records {
		var id, v int
		if _, err := fmt.Sscanf(string(r.Value), `{"id":%d,"v":%d}`, &id, &v); err != nil || fmt.Sprint(id) != string(r.Key) {
			t.Fatalf("%s %s: %v", r.Key, r.Value, err)
		}
		if v != newest[id] {
			t.Fatalf("partition %d, offset %d (%v, producer %d, epoch %d): row %d has %d, where %d should follow", r.Partition, r.Offset, r.Timestamp,
				r.ProducerID, r.ProducerEpoch, id, v, newest[id])
		}
		newest[id]++
		lives[r.ProducerID<<16|int64(r.ProducerEpoch)] = true
	}
	for id, n := range newest {
		if n != updates+1 {
			t.Fatalf("row %d was sent with %d values of %d", id, n, updates+1)
		}
	}
	t.Logf("%d records by %d lives of the sink", len(records), len(lives))
}
