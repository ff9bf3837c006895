package pgcatalog

import (
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// sample is a catalog with one object of each kind.
func sample(t testing.TB) *catalog.Snapshot {
	t.Helper()
	b := catalog.New(Relations(), Schemas()...).Edit()
	put := func(r *catalog.Relation) {
		if err := b.PutRelation(r); err != nil {
			t.Fatal(err)
		}
	}
	id := b.AllocIDs(10)
	put(&catalog.Relation{ID: id, Schema: catalog.PublicID, Name: "users", Kind: catalog.Table, Owner: catalog.SuperuserID,
		Columns: []catalog.Column{
			{Name: "id", Type: types.T(types.Int8), NotNull: true, SeqID: id + 1},
			{Name: "Name", Type: types.Type{OID: types.Varchar, Mod: 24}, Default: "'x'::character varying", Comment: "who"},
		},
		PrimaryKey: []int{0}, PKName: "users_pkey", PKID: id + 2, Comment: "people",
		Checks: []catalog.Check{{Name: "users_check", Expr: `"Name" <> ''`}}})
	put(&catalog.Relation{ID: id + 1, Schema: catalog.PublicID, Name: "users_id_seq", Kind: catalog.Sequence, Owner: catalog.SuperuserID,
		Seq: &catalog.SequenceDef{Type: types.Int8, Start: 1, Increment: 1, Min: 1, Max: 1 << 62, OwnedBy: id}})
	put(&catalog.Relation{ID: id + 3, Schema: catalog.PublicID, Name: "clicks", Kind: catalog.Stream, Owner: catalog.SuperuserID,
		Columns: []catalog.Column{{Name: "ts", Type: types.T(types.TimestampTZ)}}})
	put(&catalog.Relation{ID: id + 4, Schema: catalog.PublicID, Name: "v", Kind: catalog.MatView, Owner: catalog.SuperuserID,
		Columns: []catalog.Column{{Name: "n", Type: types.T(types.Int8)}}, Definition: "SELECT count(*) AS n FROM clicks",
		DependsOn: []catalog.ID{id + 3}})
	return b.Done()
}

// source is a session's view of a snapshot.
type source struct{ cat *catalog.Snapshot }

func (s source) Snapshot() *catalog.Snapshot { return s.cat }
func (s source) SearchPath(bool) []string    { return []string{"pg_catalog", "public"} }

func TestProvidersFillTheirColumns(t *testing.T) {
	cat := sample(t)
	ps := Providers(Live{})
	for _, r := range Relations() {
		p := ps[r.ID]
		if r.Kind == catalog.View {
			if p != nil {
				t.Errorf("%s is a view and has a provider", r.Name)
			}
			continue
		}
		b, err := p(cat, nil)
		if err != nil {
			t.Fatalf("%s: %v", r.Name, err)
		}
		if len(b.Cols) != len(r.Columns) {
			t.Fatalf("%s: %d columns, want %d", r.Name, len(b.Cols), len(r.Columns))
		}
		for i, c := range b.Cols {
			if c.Len() != b.N || c.Type != r.Columns[i].Type {
				t.Errorf("%s.%s: %d values of %s, want %d of %s", r.Name, r.Columns[i].Name, c.Len(), c.Type, b.N, r.Columns[i].Type)
			}
		}
	}
}

func TestViewsHaveDefinitions(t *testing.T) {
	for schema, views := range viewQueries {
		for name := range views {
			found := false
			for _, r := range Relations() {
				found = found || r.Schema == schema && r.Name == name && r.Kind == catalog.View
			}
			if !found {
				t.Errorf("view %s has no columns", name)
			}
		}
	}
}

func TestNames(t *testing.T) {
	cat := sample(t)
	n := &Names{source{cat}}
	for _, c := range []struct {
		kind     types.OID
		in, want string
	}{
		{types.RegClass, "users", "users"},
		{types.RegClass, "public.users", "users"},
		{types.RegClass, `"users_pkey"`, "users_pkey"},
		{types.RegClass, "pg_class", "pg_class"},
		{types.RegClass, "information_schema.columns", "information_schema.columns"},
		{types.RegType, "int", "integer"},
		{types.RegType, "character varying(20)", "character varying"},
		{types.RegType, "timestamp(3) with time zone", "timestamp with time zone"},
		{types.RegType, "_int4", "integer[]"},
		{types.RegType, "pg_catalog.text", "text"},
		{types.RegProc, "array_in", "array_in"},
		{types.RegNamespace, "public", "public"},
		{types.RegRole, "millrace", "millrace"},
		{types.RegCollation, `"C"`, `"C"`},
	} {
		oid, err := n.RegLookup(c.kind, c.in)
		if err != nil {
			t.Errorf("%s %q: %v", c.kind, c.in, err)
			continue
		}
		out, ok := n.AppendRegName(nil, c.kind, oid)
		if !ok || string(out) != c.want {
			t.Errorf("%s %q is shown as %q, want %q", c.kind, c.in, out, c.want)
		}
	}
	for _, c := range []struct {
		kind     types.OID
		in, code string
	}{
		{types.RegClass, "nosuch", `relation "nosuch" does not exist`},
		{types.RegType, "nosuch", `type "nosuch" does not exist`},
		{types.RegProc, "nosuch", `function "nosuch" does not exist`},
		{types.RegClass, `"a`, "invalid name syntax"},
	} {
		if _, err := n.RegLookup(c.kind, c.in); err == nil || err.Error() != c.code {
			t.Errorf("%s %q: %v, want %s", c.kind, c.in, err, c.code)
		}
	}
}

func TestInfo(t *testing.T) {
	cat := sample(t)
	in := &Info{Names: Names{source{cat}}, User: func() string { return "millrace" }}
	users, err := in.lookupClass("users")
	if err != nil {
		t.Fatal(err)
	}
	view, _ := in.lookupClass("v")
	pkey, _ := in.lookupClass("users_pkey")
	oid := func(v types.OID) vec.Scalar { return vec.Scalar{Type: types.T(types.Oid), I: int64(v)} }
	txt := func(s string) vec.Scalar { return vec.Scalar{Type: types.T(types.Text), B: []byte(s)} }
	for _, c := range []struct {
		fn   string
		args []vec.Scalar
		want string
	}{
		{"pg_get_viewdef", []vec.Scalar{oid(view)}, " SELECT count(*) AS n FROM clicks;"},
		{"pg_get_indexdef", []vec.Scalar{oid(pkey)}, "CREATE UNIQUE INDEX users_pkey ON public.users USING btree (id)"},
		{"pg_get_constraintdef", []vec.Scalar{oid(pkey)}, "PRIMARY KEY (id)"},
		{"pg_get_constraintdef", []vec.Scalar{oid(types.OID(checkOID(catalog.ID(users), 0)))}, `CHECK (("Name" <> ''))`},
		{"pg_get_serial_sequence", []vec.Scalar{txt("users"), txt("id")}, "public.users_id_seq"},
		{"pg_get_userbyid", []vec.Scalar{oid(10)}, "millrace"},
		{"obj_description", []vec.Scalar{oid(users), txt("pg_class")}, "people"},
		{"col_description", []vec.Scalar{oid(users), {Type: types.T(types.Int4), I: 2}}, "who"},
		{"pg_get_viewdef", []vec.Scalar{vec.NullOf(types.T(types.Oid))}, "<null>"},
	} {
		v, err := in.Call(c.fn, c.args)
		got := string(v.B)
		if v.Null {
			got = "<null>"
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.fn, got, err, c.want)
		}
	}
}

// TestCatalogFunctionsAreAnswered: each function that the table of functions leaves to the catalog is in infoFuncs.
func TestCatalogFunctionsAreAnswered(t *testing.T) {
	elsewhere := map[string]bool{"format_type": true, "pg_size_pretty": true, "pg_encoding_to_char": true,
		"pg_char_to_encoding": true, "oidvectortypes": true, "pg_typeof": true, "pg_column_size": true, "parse_ident": true}
	for _, f := range funcs.All() {
		if f.Section != "Catalog" || f.Kind != funcs.Function || elsewhere[f.Name] || strings.HasPrefix(f.Name, "to_reg") {
			continue
		}
		if infoFuncs()[f.Name] == nil {
			t.Errorf("nobody answers %s", f.Name)
		}
	}
}
