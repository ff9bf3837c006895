package engine

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/storage"
)

// A stream forgets rows that are past its retention: they are not read any more, a new view does not see them, the log
// segments with nothing else in them are unlinked, and none of it comes back with a restart or a crash. A view that was
// there keeps its results.
func TestRetentionUnlinksSegments(t *testing.T) {
	r := &rig{T: t, dir: t.TempDir()}
	open := func() {
		t.Helper()
		e, err := Open(Options{Dir: r.dir, Workers: 2, CheckpointEvery: 20 * time.Millisecond,
			Open: func(o storage.Options) (*storage.Store, error) {
				o.SegmentSize = 256 << 10
				return storage.Open(o)
			}})
		if err != nil {
			t.Fatal(err)
		}
		r.e = e
	}
	open()
	t.Cleanup(func() { _ = r.e.Close(context.Background()) })
	s := &catalog.Relation{Schema: catalog.PublicID, Name: "s", Kind: catalog.Stream, Columns: intColumns("k", "x"),
		Retention: (400 * time.Millisecond).Microseconds()}
	r.ddl(&physical.CreateRelation{Rel: s})
	keeps := r.create(catalog.Stream, "keeps", nil, "k", "x")
	v := r.view("v", s)
	rows := make([][]int64, 2000)
	for i := range rows {
		rows[i] = []int64{1, int64(i)}
	}
	r.mustInsert(keeps, []int64{9, 9})
	for range 60 { // 32 KB each: about eight segments
		r.mustInsert(s, rows...)
	}
	segments := func() []string {
		list, err := filepath.Glob(filepath.Join(r.dir, "log", "*.log"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	before := segments()
	if len(before) < 6 {
		t.Fatalf("%d segments", len(before))
	}
	// Time goes on, and so do epochs: of another stream.
	for end := time.Now().Add(20 * time.Second); len(r.rows(s)) > 0 || len(segments()) > 3; time.Sleep(20 * time.Millisecond) {
		r.mustInsert(keeps, []int64{9, 9})
		if time.Now().After(end) {
			t.Fatalf("%d rows and %d of %d segments are left", len(r.rows(s)), len(segments()), len(before))
		}
	}
	if !slices.Contains(segments(), before[0]) {
		t.Fatal("the segment with a row of a stream that keeps all is gone")
	}
	kept := len(r.rows(keeps))
	check := func() {
		t.Helper()
		r.expect(v, []int64{1, 60 * 2000})
		r.expect(s)
		if n := len(r.rows(keeps)); n != kept {
			t.Fatalf("%d rows of the other stream, want %d", n, kept)
		}
	}
	check()
	later := r.view("later", s)
	r.expect(later)
	for range 2 {
		r.close()
		open()
		check()
		r.expect(later)
	}
	r.mustInsert(s, []int64{2, 0})
	r.expect(v, []int64{1, 60 * 2000}, []int64{2, 1})
	r.expect(later, []int64{2, 1})
}
