package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/storage"
)

// rewriteManifest changes the manifest of the closed directory, as if another version had written it.
func (r *rig) rewriteManifest(change func(m *manifest)) {
	r.Helper()
	st, err := storage.Open(storage.Options{Dir: r.dir})
	if err != nil {
		r.Fatal(err)
	}
	defer st.Close()
	epoch, payload, ok := st.Manifest()
	if !ok {
		r.Fatal("there is no manifest")
	}
	var m manifest
	if err := json.Unmarshal(payload, &m); err != nil {
		r.Fatal(err)
	}
	change(&m)
	if payload, err = json.Marshal(m); err != nil {
		r.Fatal(err)
	}
	if err := st.BeginCheckpoint(epoch).Commit(payload); err != nil {
		r.Fatal(err)
	}
}

// stateOf lists the state tables of a view.
func (r *rig) stateOf(rel *catalog.Relation) (ids []uint32) {
	for _, p := range r.e.core.rels[rel.ID].view.Pages() {
		ids = append(ids, p.ID())
	}
	return ids
}

func (r *rig) close() {
	r.Helper()
	if err := r.e.Close(context.Background()); err != nil {
		r.Fatal(err)
	}
}

// readError is why a relation cannot be read.
func (r *rig) readError(rel *catalog.Relation) error {
	_, err := r.e.Begin(TxnOptions{Single: true}).Query(context.Background(),
		&physical.Query{Root: scanOf(rel), Reads: []catalog.ID{rel.ID}}, fc())
	return err
}

// A view whose state has another shape is filled again at open, with the views over it, whether or not rows came behind
// the manifest, and whether or not the program lives until the next one.
func TestStateOfAnotherShapeIsFilledAgain(t *testing.T) {
	for _, missing := range []bool{false, true} {
		t.Run(fmt.Sprint("missing=", missing), func(t *testing.T) {
			r := newRig(t)
			s := r.create(catalog.Stream, "s", nil, "k", "x")
			tab := r.create(catalog.Table, "t", []int{0}, "id", "x")
			v, vt, other := r.view("v", s), r.view("vt", tab), r.view("other", s)
			vv := r.view("vv", v)
			r.mustInsert(s, []int64{1, 10}, []int64{1, 11}, []int64{2, 20})
			r.mustInsert(tab, []int64{1, 1}, []int64{2, 2})
			check := func() {
				t.Helper()
				r.expect(v, []int64{1, 2}, []int64{2, 1})
				r.expect(vv, []int64{1, 1}, []int64{2, 1})
				r.expect(vt, []int64{1, 1}, []int64{2, 1})
				r.expect(other, []int64{1, 2}, []int64{2, 1})
			}
			check()
			ids, kept := append(r.stateOf(v), r.stateOf(vt)...), r.stateOf(other)
			r.close()
			r.rewriteManifest(func(m *manifest) {
				for _, id := range ids {
					if m.Shapes[id] == "" {
						t.Fatalf("the manifest has no shape of %d", id)
					}
					m.Shapes[id] = "another"
					if missing {
						delete(m.Shapes, id)
					}
				}
			})
			r.open()
			check()
			if got := r.stateOf(other); fmt.Sprint(got) != fmt.Sprint(kept) {
				t.Fatalf("a view that fits was filled again: state tables %v, were %v", got, kept)
			}
			r.crash()
			check()
			r.reopen()
			check()
			now := fmt.Sprint(r.stateOf(v))
			r.reopen()
			if got := fmt.Sprint(r.stateOf(v)); got != now {
				t.Fatalf("filled again at every start: %s, %s", now, got)
			}
			r.mustInsert(s, []int64{3, 1})
			r.expect(v, []int64{1, 2}, []int64{2, 1}, []int64{3, 1})
			r.expect(vv, []int64{1, 1}, []int64{2, 1}, []int64{3, 1}) // counts rows of v by k
		})
	}
}

// Where rows that the view was computed from are forgotten, it is suspended and says why; all else opens. REBUILD fills
// it from what is kept.
func TestStateOfAnotherShapeWithForgottenInput(t *testing.T) {
	r := newRig(t)
	s := r.create(catalog.Stream, "s", nil, "k", "x")
	free := r.create(catalog.Stream, "free", nil, "k")
	v, good := r.view("v", s), r.view("good", free)
	vv := r.view("vv", v)
	r.mustInsert(s, []int64{1, 10})
	r.mustInsert(free, []int64{7})
	epoch := r.e.Epoch()
	r.mustInsert(s, []int64{2, 20})
	ids := append(r.stateOf(v), r.stateOf(good)...)
	r.close()
	r.rewriteManifest(func(m *manifest) {
		for _, id := range ids {
			m.Shapes[id] = "another"
		}
		sm := m.Streams[s.ID]
		sm.Forgotten = epoch
		m.Streams[s.ID] = sm
	})
	for range 2 {
		r.open()
		r.expect(good, []int64{7, 1})
		r.expect(s, []int64{2, 20})
		for rel, want := range map[*catalog.Relation]string{v: `rows of stream "s"`, vv: `"v" is suspended`} {
			if err := r.readError(rel); !pgerr.Is(err, pgerr.ObjectNotInState) || !strings.Contains(r.e.Catalog().Relation(rel.ID).Suspended, want) {
				t.Fatalf("%s: %v; suspended: %q", rel.Name, err, r.e.Catalog().Relation(rel.ID).Suspended)
			}
		}
		r.close()
	}
	r.open()
	r.ddl(&physical.Rebuild{View: v.ID})
	r.expect(v, []int64{2, 1})
	r.expect(vv, []int64{2, 1})
}

// State that nothing else has the rows of refuses the directory, by name.
func TestTableOfAnotherShapeIsRefused(t *testing.T) {
	r := newRig(t)
	tab := r.create(catalog.Table, "accounts", []int{0}, "id", "x")
	r.mustInsert(tab, []int64{1, 1})
	id := r.e.core.rels[tab.ID].table.ID()
	r.close()
	var was string
	r.rewriteManifest(func(m *manifest) { was, m.Shapes[id] = m.Shapes[id], "another" })
	if _, err := Open(Options{Dir: r.dir}); !pgerr.Is(err, pgerr.FeatureNotSupported) || !strings.Contains(err.Error(), `table "accounts"`) {
		t.Fatal(err)
	}
	r.rewriteManifest(func(m *manifest) { m.Shapes[id] = was })
	r.open()
	r.expect(tab, []int64{1, 1})
}
