package catalog

import (
	"bytes"
	"testing"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

var (
	sysSchema = &Schema{ID: PgCatalogID, Name: PgCatalog, Owner: SuperuserID}
	sysRel    = &Relation{ID: 1259, Schema: PgCatalogID, Name: "pg_class", Kind: System}
)

func table(id ID, name string, deps ...ID) *Relation {
	return &Relation{ID: id, Schema: PublicID, Name: name, Kind: Table, DependsOn: deps,
		Columns: []Column{{Name: "id", Type: types.T(types.Int8), NotNull: true}}, PrimaryKey: []int{0}}
}

// put adds relations to s and fails the test if that is refused.
func put(t *testing.T, s *Snapshot, rels ...*Relation) *Snapshot {
	t.Helper()
	b := s.Edit()
	for _, r := range rels {
		if err := b.PutRelation(r); err != nil {
			t.Fatal(err)
		}
	}
	return b.Done()
}

func TestEditLeavesTheBaseAlone(t *testing.T) {
	s1 := New([]*Relation{sysRel}, sysSchema)
	s2 := put(t, s1, table(16384, "a"), table(16385, "b", 16384))
	b := s2.Edit()
	b.DropRelation(16385)
	s3 := b.Done()
	if s1.Relation(16384) != nil || s2.Relation(16385) == nil || s3.Relation(16385) != nil {
		t.Fatal("a change is seen in another version")
	}
	if got := s2.Dependents(16384); len(got) != 1 || got[0].Name != "b" {
		t.Fatalf("dependents of a in version 2: %v", got)
	}
	if got := s3.Dependents(16384); len(got) != 0 {
		t.Fatalf("dependents of a in version 3: %v", got)
	}
	if s3.NextID() != 16386 {
		t.Fatalf("next id %d: an id would be used again", s3.NextID())
	}
	if !(s1.Version() < s2.Version() && s2.Version() < s3.Version()) {
		t.Fatal("versions do not grow")
	}
}

func TestReplaceMovesDependencies(t *testing.T) {
	s := put(t, New(nil), table(16384, "a"), table(16385, "b"), table(16386, "v", 16384))
	v := s.Relation(16386).Clone()
	v.Name, v.DependsOn = "w", []ID{16385}
	s = put(t, s, v)
	if len(s.Dependents(16384)) != 0 || len(s.Dependents(16385)) != 1 {
		t.Fatal("dependencies of the old definition are kept")
	}
	if s.Lookup(PublicID, "v") != nil || s.Lookup(PublicID, "w") == nil {
		t.Fatal("the old name is kept")
	}
}

func TestNamesAreUnique(t *testing.T) {
	s := put(t, New([]*Relation{sysRel}, sysSchema), table(16384, "a"))
	b := s.Edit()
	if err := b.PutRelation(table(16385, "a")); !pgerr.Is(err, pgerr.DuplicateTable) {
		t.Fatalf("second relation a: %v", err)
	}
	if err := b.PutSchema(&Schema{ID: 16390, Name: "public"}); !pgerr.Is(err, pgerr.DuplicateSchema) {
		t.Fatalf("second schema public: %v", err)
	}
	if err := b.PutRole(&Role{ID: 16391, Name: "millrace"}); !pgerr.Is(err, pgerr.DuplicateObject) {
		t.Fatalf("second role: %v", err)
	}
	if b.Done().Version() != s.Version() {
		t.Fatal("a refused change counts as one")
	}
}

func TestResolve(t *testing.T) {
	s := put(t, New([]*Relation{sysRel}, sysSchema), table(16384, "pg_class"), table(16385, "a"))
	for _, c := range []struct {
		path []string
		name string
		want ID
	}{
		{[]string{"public"}, "pg_class", 1259},
		{[]string{"public", "pg_catalog"}, "pg_class", 16384},
		{[]string{"nowhere", "public"}, "a", 16385},
		{[]string{"nowhere"}, "a", 0},
	} {
		var got ID
		if r := s.Resolve(c.path, c.name); r != nil {
			got = r.ID
		}
		if got != c.want {
			t.Errorf("%v %s: got %d, want %d", c.path, c.name, got, c.want)
		}
	}
	hidden := table(16385, "a")
	hidden.Backfilling = true
	s = put(t, s, hidden)
	if s.Resolve([]string{"public"}, "a") != nil || s.Lookup(PublicID, "a") == nil {
		t.Error("a relation that is being filled must be found by Lookup only")
	}
}

func TestEncodeRoundTrip(t *testing.T) {
	r := table(16390, "orders", 16384)
	r.Options = map[string]string{"b": "2", "a": "1"}
	r.Watermark = &Watermark{Col: 0, Delay: 5}
	r.Seq = &SequenceDef{Type: types.Int8, Start: 1, Increment: 1}
	r.Plan = []byte{1, 2, 255}
	s := put(t, New([]*Relation{sysRel}, sysSchema), table(16384, "a"), r)
	b := s.Edit()
	b.AllocIDs(100)
	if err := b.PutRole(&Role{ID: 16395, Name: "app", Login: true, Verifier: "SCRAM-SHA-256$x"}); err != nil {
		t.Fatal(err)
	}
	s = b.Done()
	data, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(data, []*Relation{sysRel}, sysSchema)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := back.Encode()
	if !bytes.Equal(data, again) {
		t.Fatalf("decoded catalog differs:\n%s\n%s", data, again)
	}
	if back.NextID() != s.NextID() || back.Version() != s.Version() {
		t.Fatal("counters are lost")
	}
	if back.Relation(1259) != sysRel || len(back.Dependents(16384)) != 1 {
		t.Fatal("system relations or dependencies are lost")
	}
}

func TestDecodeRefusesDamage(t *testing.T) {
	for _, in := range []string{``, `{`, `{"Format":99}`,
		`{"Format":1,"Relations":[{"ID":16384,"Schema":7,"Name":"x"}]}`} {
		if _, err := Decode([]byte(in), nil); err == nil {
			t.Errorf("%q was accepted", in)
		}
	}
}
