package kafka

import (
	"fmt"
	"testing"

	"github.com/millracedb/millrace/exec/connect"
)

// Many small epochs share slabs and blocks: a transaction's memory is that of its records. What was taken stays where it
// is while more comes.
func TestWriterMemory(t *testing.T) {
	var w writer
	if err := w.init("t", sinkSpec(t, []string{"127.0.0.1:1"}, nil)); err != nil {
		t.Fatal(err)
	}
	const epochs = 5000
	q := newSinkQueue()
	for n := range int64(epochs) {
		q.add(n)
	}
	for round := range 2 {
		var values []*[]byte
		pos := connect.Position{}
		for n := range epochs {
			ch, err := q.Next(pos)
			if err != nil {
				t.Fatal(err)
			}
			if made, err := w.add(ch, 0); made != 1 || err != nil {
				t.Fatalf("%d, %v", made, err)
			}
			pos = ch.Next
			if n%3 == 0 {
				for records := w.take(); records != nil; records = w.take() {
					for i := range records {
						values = append(values, &records[i].Value)
					}
				}
			}
		}
		for records := w.take(); records != nil; records = w.take() {
			for i := range records {
				values = append(values, &records[i].Value)
			}
		}
		if len(values) != epochs || w.records != epochs || w.changes != epochs {
			t.Fatalf("%d records taken, %d made, %d changes", len(values), w.records, w.changes)
		}
		for n, v := range values {
			if want := fmt.Sprintf(`{"n":%d}`, n); string(*v) != want {
				t.Fatalf("record %d is %s", n, *v)
			}
		}
		if w.used > epochs/slabRecords+1 || len(w.blocks) > 2 {
			t.Errorf("round %d: %d slabs and %d blocks for %d records", round, w.used, len(w.blocks), epochs)
		}
		w.turn()
		w.spare.reset()
	}
}
