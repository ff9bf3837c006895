package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/vec"
)

// idleSink delivers nothing: the tests read the queue themselves.
type idleSink struct{}

func (idleSink) Run(ctx context.Context, _ connect.Queue) error { <-ctx.Done(); return nil }
func (idleSink) Status() connect.SinkStatus                     { return connect.SinkStatus{State: connect.Running} }
func (idleSink) Close()                                         {}

var idleConnector = connect.Registry{{Name: "idle", Sink: &connect.SinkKind{
	Open: func(connect.SinkSpec) (connect.Sink, error) { return idleSink{}, nil },
}}}

func (r *rig) sink(name string, from *catalog.Relation, limit int64) *catalog.Relation {
	r.Helper()
	r.e.opts.Connectors = idleConnector
	k := &catalog.Relation{
		Schema: catalog.PublicID, Name: name, Kind: catalog.Sink, Columns: from.Columns, DependsOn: []catalog.ID{from.ID}, Connector: "idle",
		Format: &catalog.Format{Format: "UPSERT"}, Sink: &catalog.SinkDef{From: from.ID, Identity: "1", Key: from.PrimaryKey, Limit: limit},
	}
	r.ddl(&physical.CreateRelation{Rel: k})
	for deadline := time.Now().Add(20 * time.Second); r.e.sinks.kept.Load() < r.e.Catalog().Relation(k.ID).CreatedEpoch; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			r.Fatal("the queue does not get into a manifest")
		}
	}
	return k
}

// read is what the queue of a sink has from pos on: "before>after" each, epochs divided by |, and where each one ends.
func (r *rig) read(k *catalog.Relation, pos connect.Position) (text []string, ends []connect.Position) {
	r.Helper()
	q := newSinkReader(r.e, r.e.Catalog().Relation(k.ID), make(signal, 1))
	side := func(b *vec.Batch, row int32) string {
		if row < 0 {
			return "-"
		}
		return fmt.Sprint(b.Cols[0].I64[row], ":", b.Cols[1].I64[row])
	}
	for {
		ch, err := q.Next(pos)
		if err != nil {
			r.Fatal(err)
		}
		if ch == nil {
			return text, ends
		}
		for _, c := range ch.List {
			text = append(text, side(ch.Rows, c.Before)+">"+side(ch.Rows, c.After))
		}
		if pos = ch.Next; !ch.Split {
			text, ends = append(text, "|"), append(ends, pos)
		}
	}
}

func (r *rig) expectQueue(k *catalog.Relation, pos connect.Position, want ...string) {
	r.Helper()
	if got, _ := r.read(k, pos); !slices.Equal(got, want) {
		r.Errorf("from %v: %v, want %v", pos, got, want)
	}
}

// A queue has the first rows, then each epoch's net change by key, and the same again after a crash; what is delivered is
// gone.
func TestSinkQueue(t *testing.T) {
	r := newRig(t)
	tab := r.create(catalog.Table, "t", []int{0}, "k", "v")
	r.mustInsert(tab, []int64{1, 10}, []int64{2, 20})
	k := r.sink("s", tab, 1<<20)
	r.mustInsert(tab, []int64{3, 30})
	ctx := context.Background()
	up := r.e.Begin(TxnOptions{Single: true})
	if _, err := up.Update(ctx, increment(tab), fc()); err != nil {
		t.Fatal(err)
	}
	want, ends := r.read(k, connect.Position{})
	first := []string{"->1:10", "->2:20", "|", "->3:30", "|"}
	if len(want) < len(first) || !slices.Equal(want[:len(first)], first) {
		t.Fatalf("%v", want)
	}
	if last := want[len(first):]; !slices.Contains(last, "1:10>1:11") || len(last) < 2 {
		t.Fatalf("the update is %v", last)
	}
	r.expectQueue(k, connect.Position{Epoch: ends[0].Epoch - 1, Change: 1}, want[1:]...)

	r.crash()
	r.expectQueue(k, connect.Position{}, want...)
	r.expectQueue(k, ends[0], want[3:]...)
	q := newSinkReader(r.e, r.e.Catalog().Relation(k.ID), make(signal, 1))
	if err := q.Delivered(ctx, ends[1]); err != nil {
		t.Fatal(err)
	}
	r.expectQueue(k, connect.Position{}, want[len(first):]...)
	r.reopen() // nothing happened but a delivery: the last checkpoint knows
	r.expectQueue(k, connect.Position{}, want[len(first):]...)
	if d := r.e.core.sinks[k.ID].sink.delivered; d != ends[1] {
		t.Errorf("delivered is %v, want %v", d, ends[1])
	}
	if _, err := q.Next(connect.Position{Epoch: r.e.Epoch() + 100}); err == nil {
		t.Error("a position of the future is accepted")
	}
}

// Recovery brings back what was delivered, too. That does not count until the sink has told how far it is.
func TestSinkLimitAfterCrash(t *testing.T) {
	r := newRig(t)
	tab := r.create(catalog.Table, "t", []int{0}, "k", "v")
	k := r.sink("s", tab, 200)
	suspended := func(want bool) {
		t.Helper()
		if got := r.e.Catalog().Relation(k.ID).Suspended; (got != "") != want {
			t.Fatalf("suspended: %q", got)
		}
	}
	deliver := func() connect.Position {
		t.Helper()
		_, ends := r.read(k, connect.Position{})
		last := ends[len(ends)-1]
		if err := newSinkReader(r.e, r.e.Catalog().Relation(k.ID), make(signal, 1)).Delivered(context.Background(), last); err != nil {
			t.Fatal(err)
		}
		return last
	}
	var told connect.Position
	for i := range int64(20) {
		r.mustInsert(tab, []int64{i, i})
		told = deliver()
	}
	suspended(false)
	r.crash()
	suspended(false)
	r.mustInsert(tab, []int64{20, 20})
	suspended(false)
	r.expectQueue(k, told, "->20:20", "|")
	deliver()
	for i := range int64(20) {
		r.mustInsert(tab, []int64{100 + i, i})
	}
	suspended(true)
}

// A queue over its limit takes nothing more, and says so; what is in it stays.
func TestSinkLimit(t *testing.T) {
	r := newRig(t)
	tab := r.create(catalog.Table, "t", []int{0}, "k", "v")
	k := r.sink("s", tab, 200)
	for i := range int64(20) {
		r.mustInsert(tab, []int64{i, i})
	}
	if r.e.Catalog().Relation(k.ID).Suspended == "" {
		t.Fatal("the sink is not suspended")
	}
	text, _ := r.read(k, connect.Position{})
	if n := len(text) / 2; n == 0 || n >= 20 || text[0] != "->0:0" {
		t.Errorf("the queue has %v", text)
	}
	if got := len(r.rows(tab)); got != 20 {
		t.Errorf("the table has %d rows", got)
	}
}

// The first rows are packed, and read back as they were.
func TestSinkPacksFirstRows(t *testing.T) {
	r := newRig(t)
	tab := r.create(catalog.Table, "t", []int{0}, "k", "v")
	var rows [][]int64
	for i := range int64(3000) {
		rows = append(rows, []int64{i, 7})
	}
	r.mustInsert(tab, rows...)
	k := r.sink("s", tab, 1<<20)
	q := r.e.core.sinks[k.ID].sink
	if q.changes != 3000 || q.bytes != q.rows || q.bytes > 3000*8 {
		t.Errorf("%d changes take %d bytes, %d of them of the first rows", q.changes, q.bytes, q.rows)
	}
	text, _ := r.read(k, connect.Position{})
	if len(text) != 3001 || text[0] != "->0:7" || text[2999] != "->2999:7" {
		t.Errorf("%d changes", len(text))
	}
	r.crash()
	if again, _ := r.read(k, connect.Position{}); !slices.Equal(again, text) {
		t.Error("the first rows are others after a crash")
	}
}
