package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
	"github.com/millracedb/millrace/storage"
)

// rig is an engine on a directory that can be reopened; plans are built by hand.
type rig struct {
	*testing.T
	dir string
	e   *Engine
}

func newRig(t *testing.T) *rig {
	r := &rig{T: t, dir: t.TempDir()}
	r.open()
	t.Cleanup(func() { _ = r.e.Close(context.Background()) })
	return r
}

func (r *rig) open() {
	r.Helper()
	e, err := Open(Options{Dir: r.dir, Workers: 2})
	if err != nil {
		r.Fatal(err)
	}
	r.e = e
}

// reopen closes the engine in order and opens it again.
func (r *rig) reopen() {
	r.Helper()
	if err := r.e.Close(context.Background()); err != nil {
		r.Fatal(err)
	}
	r.open()
}

// crash stops the engine without a last checkpoint: what comes back is the manifest so far and the log.
func (r *rig) crash() {
	r.Helper()
	r.e.stop(pgerr.New(pgerr.AdminShutdown, "crash"))
	<-r.e.done
	if r.e.core.ckpt.running {
		<-r.e.core.ckpt.finished
	}
	if err := r.e.core.store.Close(); err != nil {
		r.Fatal(err)
	}
	r.open()
}

var int8Type = types.T(types.Int8)

func intColumns(names ...string) []catalog.Column {
	var cs []catalog.Column
	for _, n := range names {
		cs = append(cs, catalog.Column{Name: n, Type: int8Type})
	}
	return cs
}

func fc() *funcs.Ctx { return &funcs.Ctx{Context: context.Background(), Env: &types.Env{}} }

func (r *rig) ddl(d physical.DDL) {
	r.Helper()
	if err := r.e.Begin(TxnOptions{Single: true}).DDL(context.Background(), d, fc(), nil); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) create(kind catalog.Kind, name string, pk []int, columns ...string) *catalog.Relation {
	r.Helper()
	rel := &catalog.Relation{Schema: catalog.PublicID, Name: name, Kind: kind, Columns: intColumns(columns...), PrimaryKey: pk, PKName: name + "_pkey"}
	r.ddl(&physical.CreateRelation{Rel: rel})
	return rel
}

func fields(names ...string) []physical.Field {
	var fs []physical.Field
	for _, n := range names {
		fs = append(fs, physical.Field{Name: n, Type: int8Type})
	}
	return fs
}

func scanOf(rel *catalog.Relation) *physical.Scan {
	s := &physical.Scan{Rel: rel.ID, Name: rel.Name}
	for i, c := range rel.Columns {
		s.Cols = append(s.Cols, i)
		s.Out = append(s.Out, physical.Field{Name: c.Name, Type: c.Type})
	}
	s.Append = rel.Kind == catalog.Stream
	return s
}

// countBy is SELECT k, count(*) FROM rel GROUP BY k.
func countBy(t testing.TB, rel *catalog.Relation) *physical.Aggregate {
	t.Helper()
	fn, _, _, err := funcs.ResolveAggregate("count", nil)
	if err != nil {
		t.Fatal(err)
	}
	in := scanOf(rel)
	return &physical.Aggregate{
		Base:  physical.Base{Out: fields("k", "n")},
		Input: in, Keys: []int{0}, WindowEnd: -1,
		Aggs: []physical.Agg{{Fn: fn, Filter: -1, T: int8Type}},
	}
}

func (r *rig) view(name string, rel *catalog.Relation) *catalog.Relation {
	r.Helper()
	root := countBy(r, rel)
	v := &catalog.Relation{
		Schema: catalog.PublicID, Name: name, Kind: catalog.MatView, Columns: intColumns("k", "n"), PrimaryKey: []int{0},
		DependsOn: []catalog.ID{rel.ID},
	}
	r.ddl(&physical.CreateRelation{Rel: v, View: &physical.View{Root: root, Key: []int{0}, Reads: []catalog.ID{rel.ID}}})
	return v
}

func values(rows ...[]int64) *physical.Query {
	b := vec.NewBatch(slices.Repeat([]types.Type{int8Type}, len(rows[0])), len(rows))
	for _, row := range rows {
		for c, x := range row {
			b.Cols[c].AppendI64(x)
		}
		b.N++
	}
	v := &physical.Values{Batch: b}
	for c := range rows[0] {
		v.Out = append(v.Out, physical.Field{Name: fmt.Sprint(c), Type: int8Type})
	}
	return &physical.Query{Root: v}
}

func (r *rig) insert(rel *catalog.Relation, rows ...[]int64) error {
	_, err := r.e.Begin(TxnOptions{Single: true}).Insert(context.Background(), &physical.Insert{Rel: rel.ID, Query: values(rows...)}, fc())
	return err
}

func (r *rig) mustInsert(rel *catalog.Relation, rows ...[]int64) {
	r.Helper()
	if err := r.insert(rel, rows...); err != nil {
		r.Fatal(err)
	}
}

// rows reads a relation whole, sorted.
func (r *rig) rows(rel *catalog.Relation) [][]int64 {
	r.Helper()
	return r.rowsIn(r.e.Begin(TxnOptions{Single: true}), rel)
}

func (r *rig) rowsIn(t Txn, rel *catalog.Relation) [][]int64 {
	r.Helper()
	cur, err := t.Query(context.Background(), &physical.Query{Root: scanOf(rel), Reads: []catalog.ID{rel.ID}}, fc())
	if err != nil {
		r.Fatal(err)
	}
	defer cur.Close()
	var out [][]int64
	for {
		b, err := cur.Next()
		if err != nil {
			r.Fatal(err)
		}
		if b == nil {
			break
		}
		for i := range b.N {
			row := make([]int64, len(b.Cols))
			for c, v := range b.Cols {
				row[c] = v.I64[i]
			}
			out = append(out, row)
		}
	}
	slices.SortFunc(out, slices.Compare)
	return out
}

func (r *rig) expect(rel *catalog.Relation, want ...[]int64) {
	r.Helper()
	if got := r.rows(rel); fmt.Sprint(got) != fmt.Sprint(want) {
		r.Fatalf("%s holds %v, want %v", rel.Name, got, want)
	}
}

func TestStreamViewSurvivesCrash(t *testing.T) {
	r := newRig(t)
	s := r.create(catalog.Stream, "s", nil, "k", "x")
	r.mustInsert(s, []int64{1, 10})
	v := r.view("v", s) // with what is already there
	r.mustInsert(s, []int64{1, 11}, []int64{2, 20})
	for range 3 {
		r.expect(v, []int64{1, 2}, []int64{2, 1})
		r.expect(s, []int64{1, 10}, []int64{1, 11}, []int64{2, 20})
		r.crash()
	}
	r.mustInsert(s, []int64{3, 1})
	r.expect(v, []int64{1, 2}, []int64{2, 1}, []int64{3, 1})
	r.reopen()
	r.mustInsert(s, []int64{3, 1})
	r.crash()
	r.expect(v, []int64{1, 2}, []int64{2, 1}, []int64{3, 2})
}

func TestTableKeysAndConflicts(t *testing.T) {
	r := newRig(t)
	tab := r.create(catalog.Table, "t", []int{0}, "id", "x")
	v := r.view("v", tab)
	r.mustInsert(tab, []int64{1, 10}, []int64{2, 20})
	if err := r.insert(tab, []int64{2, 21}); !pgerr.Is(err, pgerr.UniqueViolation) {
		t.Fatalf("a second row of key 2: %v", err)
	}
	if err := r.insert(tab, []int64{5, 1}, []int64{5, 2}); !pgerr.Is(err, pgerr.UniqueViolation) {
		t.Fatalf("two rows of key 5: %v", err)
	}
	r.expect(tab, []int64{1, 10}, []int64{2, 20})
	r.expect(v, []int64{1, 1}, []int64{2, 1})

	// Two blocks change the same row: the second to commit gets 40001.
	a, b := r.e.Begin(TxnOptions{}), r.e.Begin(TxnOptions{})
	for _, x := range []Txn{a, b} {
		if _, err := x.Update(context.Background(), increment(tab), fc()); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(context.Background()); !pgerr.Is(err, pgerr.SerializationFailure) {
		t.Fatalf("conflicting commit: %v", err)
	}
	r.expect(tab, []int64{1, 11}, []int64{2, 21})
	r.crash()
	r.expect(tab, []int64{1, 11}, []int64{2, 21})
}

// increment is UPDATE rel SET x = x + 1.
func increment(rel *catalog.Relation) *physical.Update {
	add, _, _, err := funcs.ResolveOperator("+", int8Type, int8Type)
	if err != nil {
		panic(err)
	}
	id, x := &expr.Col{Index: 0, T: int8Type}, &expr.Col{Index: 1, T: int8Type}
	m := &physical.Map{Base: physical.Base{Out: fields("id", "x", "id", "x")}, Input: scanOf(rel), Project: []expr.Expr{
		id, x, id, &expr.Call{Fn: add, Args: []expr.Expr{x, expr.Int(1)}, T: int8Type},
	}}
	return &physical.Update{Rel: rel.ID, Query: &physical.Query{Root: m, Reads: []catalog.ID{rel.ID}}}
}

func TestSingleUpdatesNeverLoseOneAnother(t *testing.T) {
	r := newRig(t)
	tab := r.create(catalog.Table, "t", []int{0}, "id", "x")
	r.mustInsert(tab, []int64{1, 0})
	const clients, each = 8, 50
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range each {
				if _, err := r.e.Begin(TxnOptions{Single: true}).Update(context.Background(), increment(tab), fc()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	r.expect(tab, []int64{1, clients * each})
	t.Logf("%d statements ran again at the cut", r.e.Stats().Conflicts.Load())
}

func TestBlockSeesItsWritesAndRollsBack(t *testing.T) {
	r := newRig(t)
	tab := r.create(catalog.Table, "t", []int{0}, "id", "x")
	bag := r.create(catalog.Table, "bag", nil, "a")
	r.mustInsert(tab, []int64{1, 10})
	r.mustInsert(bag, []int64{7}, []int64{7})
	x := r.e.Begin(TxnOptions{})
	ctx := context.Background()
	must := func(_ Result, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(x.Insert(ctx, &physical.Insert{Rel: tab.ID, Query: values([]int64{2, 20})}, fc()))
	mark := x.Savepoint()
	must(x.Update(ctx, increment(tab), fc()))
	must(x.Insert(ctx, &physical.Insert{Rel: bag.ID, Query: values([]int64{7})}, fc()))
	if got := fmt.Sprint(r.rowsIn(x, tab), r.rowsIn(x, bag)); got != "[[1 11] [2 21]] [[7] [7] [7]]" {
		t.Fatalf("in the block: %s", got)
	}
	x.RollbackTo(mark)
	if got := fmt.Sprint(r.rowsIn(x, tab), r.rowsIn(x, bag)); got != "[[1 10] [2 20]] [[7] [7]]" {
		t.Fatalf("after the savepoint: %s", got)
	}
	must(x.Delete(ctx, &physical.Delete{Rel: bag.ID, Query: &physical.Query{Root: scanOf(bag), Reads: []catalog.ID{bag.ID}}}, fc()))
	if err := x.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	r.expect(tab, []int64{1, 10}, []int64{2, 20})
	r.expect(bag)
	r.crash()
	r.expect(bag)
}

func TestBackfillBesideIngest(t *testing.T) {
	r := newRig(t)
	s := r.create(catalog.Stream, "s", nil, "k", "x")
	rows := make([][]int64, 5000)
	for i := range rows {
		rows[i] = []int64{int64(i % 10), 0}
	}
	for range 20 {
		r.mustInsert(s, rows...)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	written := int64(0)
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := r.insert(s, []int64{3, 1}); err != nil {
					t.Error(err)
				}
				written++
			}
		}
	})
	v := r.view("v", s)
	vv := r.view("vv", v)
	close(stop)
	wg.Wait()
	want := make([][]int64, 10)
	var up [][]int64
	for i := range want {
		want[i] = []int64{int64(i), 10000}
		up = append(up, []int64{int64(i), 1})
	}
	want[3][1] += written
	r.expect(v, want...)
	r.expect(vv, up...)
	r.crash()
	r.expect(v, want...)
	r.expect(vv, up...)
	t.Logf("%d rows were written meanwhile", written)
}

func TestDropAndDependents(t *testing.T) {
	r := newRig(t)
	s := r.create(catalog.Stream, "s", nil, "k")
	v := r.view("v", s)
	err := r.e.Begin(TxnOptions{Single: true}).DDL(context.Background(), &physical.Drop{Relations: []catalog.ID{s.ID}}, fc(), nil)
	if !pgerr.Is(err, pgerr.DependentObjectsStillExist) {
		t.Fatalf("dropping a stream under a view: %v", err)
	}
	r.ddl(&physical.Drop{Relations: []catalog.ID{v.ID, s.ID}})
	r.crash()
	if n := len(r.e.Catalog().Relations()); n != 0 {
		t.Fatalf("%d relations are left", n)
	}
}

// TestPoisonEpoch lets recovery die in one epoch, always while the same view runs; the third attempt leaves the view out.
func TestPoisonEpoch(t *testing.T) {
	r := newRig(t)
	s := r.create(catalog.Stream, "s", nil, "k")
	good, bad := r.view("good", s), r.view("bad", s)
	r.mustInsert(s, []int64{1})
	r.e.stop(pgerr.New(pgerr.AdminShutdown, "crash"))
	<-r.e.done
	if r.e.core.ckpt.running {
		<-r.e.core.ckpt.finished
	}
	epoch, st := r.e.core.epoch, r.e.core.store
	for range 2 { // what two recoveries leave behind that die while bad runs
		if _, err := st.RecordAttempt(epoch); err != nil {
			t.Fatal(err)
		}
		if err := st.SetNote(note(epoch, bad.ID)); err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if st, err = storage.Open(storage.Options{Dir: r.dir}); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		r.open()
		r.expect(good, []int64{1, 1})
		if _, err := r.e.Begin(TxnOptions{Single: true}).Query(context.Background(),
			&physical.Query{Root: scanOf(bad), Reads: []catalog.ID{bad.ID}}, fc()); !pgerr.Is(err, pgerr.ObjectNotInState) {
			t.Fatalf("reading the suspended view: %v", err)
		}
		if err := r.e.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	r.open()
	r.ddl(&physical.Rebuild{View: bad.ID})
	r.expect(bad, []int64{1, 1})
}

// TestBlockOfDDL creates, fills and drops in one transaction.
func TestBlockOfDDL(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	x := r.e.Begin(TxnOptions{})
	s := &catalog.Relation{
		Schema: catalog.PublicID, Name: "s", Kind: catalog.Stream, Columns: []catalog.Column{{Name: "ts", Type: types.T(types.Timestamp)}},
		Watermark: &catalog.Watermark{Col: 0, Delay: 5},
	}
	gone := &catalog.Relation{Schema: catalog.PublicID, Name: "gone", Kind: catalog.Table, Columns: intColumns("a")}
	for _, rel := range []*catalog.Relation{s, gone} {
		if err := x.DDL(ctx, &physical.CreateRelation{Rel: rel}, fc(), nil); err != nil {
			t.Fatal(err)
		}
	}
	b := vec.NewBatch([]types.Type{types.T(types.Timestamp)}, 3)
	for _, ts := range []int64{100, 90, 98} {
		b.Cols[0].AppendI64(ts)
		b.N++
	}
	rows := &physical.Query{Root: &physical.Values{Batch: b}}
	if _, err := x.Insert(ctx, &physical.Insert{Rel: s.ID, Query: rows}, fc()); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Insert(ctx, &physical.Insert{Rel: gone.ID, Query: values([]int64{1})}, fc()); err != nil {
		t.Fatal(err)
	}
	if err := x.DDL(ctx, &physical.Drop{Relations: []catalog.ID{gone.ID}}, fc(), nil); err != nil {
		t.Fatal(err)
	}
	if err := x.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	withLate := scanOf(s)
	withLate.Cols, withLate.Out = []int{0, 1}, append(withLate.Out, physical.Field{Name: "late", Type: types.T(types.Bool)})
	for range 2 {
		cur, err := r.e.Begin(TxnOptions{Single: true}).Query(ctx, &physical.Query{Root: withLate, Reads: []catalog.ID{s.ID}}, fc())
		if err != nil {
			t.Fatal(err)
		}
		got, err := cur.Next()
		if err != nil || got == nil {
			t.Fatal(got, err)
		}
		if fmt.Sprint(got.Cols[0].I64, got.Cols[1].I64) != "[100 90 98] [0 1 0]" {
			t.Fatalf("rows and lateness: %v %v", got.Cols[0].I64, got.Cols[1].I64)
		}
		cur.Close()
		r.crash()
	}
}
