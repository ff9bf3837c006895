package wire

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

func fill(t *testing.T, c *pgx.Conn) {
	t.Helper()
	exec(t, c, "CREATE TABLE n (i int PRIMARY KEY, s text)")
	exec(t, c, "INSERT INTO n SELECT i, 'row ' || i FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)) AS g(i)")
}

// TestPortals: several portals run side by side, each in pieces.
func TestPortals(t *testing.T) {
	s := start(t)
	fill(t, connect(t, s))
	r := login(t, s)
	r.wantTypes("two portals", "1212DDsDsDDsDDDDDDC",
		&pgproto3.Parse{Name: "st", Query: "SELECT i FROM n ORDER BY i"},
		&pgproto3.Bind{DestinationPortal: "a", PreparedStatement: "st"},
		&pgproto3.Parse{Name: "st2", Query: "SELECT s FROM n WHERE i > $1 ORDER BY i"},
		&pgproto3.Bind{DestinationPortal: "b", PreparedStatement: "st2", Parameters: [][]byte{[]byte("3")}},
		&pgproto3.Execute{Portal: "a", MaxRows: 2},
		&pgproto3.Execute{Portal: "b", MaxRows: 1},
		&pgproto3.Execute{Portal: "a", MaxRows: 2},
		&pgproto3.Execute{Portal: "b"},
		&pgproto3.Flush{})
	r.wantTypes("the rest and the end", "DDDDDDCCZ",
		&pgproto3.Execute{Portal: "a"}, &pgproto3.Execute{Portal: "a"}, &pgproto3.Sync{})
	r.wantTypes("portals end with their transaction", "EZ",
		&pgproto3.Execute{Portal: "a"}, &pgproto3.Sync{})
	r.wantTypes("statements do not", "2DCZ",
		&pgproto3.Bind{PreparedStatement: "st2", Parameters: [][]byte{[]byte("9")}}, &pgproto3.Execute{}, &pgproto3.Sync{})
}

// TestSkipUntilSync: after an error everything is skipped up to Sync, and nothing of it is done.
func TestSkipUntilSync(t *testing.T) {
	s := start(t)
	c := connect(t, s)
	fill(t, c)
	r := login(t, s)
	r.wantTypes("error in the middle", "12E",
		&pgproto3.Parse{Query: "SELECT 1/(i-5) FROM n"}, &pgproto3.Bind{}, &pgproto3.Execute{},
		&pgproto3.Parse{Query: "DELETE FROM n"}, &pgproto3.Bind{}, &pgproto3.Execute{},
		&pgproto3.Query{String: "DELETE FROM n"}, &pgproto3.Flush{})
	r.wantTypes("in step again", "Z", &pgproto3.Sync{})
	r.wantTypes("and usable", "TDCZ", &pgproto3.Query{String: "SELECT 1"})
	if n := value(t, c, "SELECT count(*) FROM n"); n != "10" {
		t.Errorf("%s rows are left, want 10", n)
	}
}

// TestImplicitTransaction: the messages up to Sync are one transaction.
func TestImplicitTransaction(t *testing.T) {
	s := start(t)
	c := connect(t, s)
	fill(t, c)
	r := login(t, s)
	r.wantTypes("second statement fails", "12C12EZ",
		&pgproto3.Parse{Query: "INSERT INTO n VALUES (11, 'x')"}, &pgproto3.Bind{}, &pgproto3.Execute{},
		&pgproto3.Parse{Query: "INSERT INTO n VALUES (1, 'dup')"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if n := value(t, c, "SELECT count(*) FROM n"); n != "10" {
		t.Errorf("%s rows, want 10: the first insert must be undone", n)
	}
	r.wantTypes("both succeed", "12C12CZ",
		&pgproto3.Parse{Query: "INSERT INTO n VALUES (11, 'x')"}, &pgproto3.Bind{}, &pgproto3.Execute{},
		&pgproto3.Parse{Query: "INSERT INTO n VALUES (12, 'y')"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if n := value(t, c, "SELECT count(*) FROM n"); n != "12" {
		t.Errorf("%s rows, want 12", n)
	}
}

// TestDescribe: parameters and columns are known before anything runs.
func TestDescribe(t *testing.T) {
	s := start(t)
	c := connect(t, s)
	exec(t, c, "CREATE TABLE d (i int PRIMARY KEY, b bigint, n numeric, s varchar(5), ts timestamptz, a text[])")
	for _, q := range []struct {
		sql    string
		params []uint32
		fields []uint32
	}{
		{"SELECT i, b, n, s, ts FROM d WHERE i = $1", []uint32{23}, []uint32{23, 20, 1700, 1043, 1184}},
		{"SELECT $1::int + 1", []uint32{23}, []uint32{23}},
		{"SELECT * FROM d WHERE i = ANY($1)", []uint32{1007}, []uint32{23, 20, 1700, 1043, 1184, 1009}},
		{"SELECT coalesce($1, b) FROM d", []uint32{20}, []uint32{20}},
		{"INSERT INTO d (i, ts) VALUES ($1, $2)", []uint32{23, 1184}, nil},
		{"INSERT INTO d (i, s) SELECT $1, $2", []uint32{23, 1043}, nil},
		{"UPDATE d SET n = $2 WHERE i = $1 RETURNING i", []uint32{23, 1700}, []uint32{23}},
		{"SELECT i FROM d ORDER BY i LIMIT $1 OFFSET $2", []uint32{20, 20}, []uint32{23}},
		{"SELECT $1", []uint32{25}, []uint32{25}},
		{"SELECT i FROM d WHERE s LIKE $1 AND ts > $2", []uint32{25, 1184}, []uint32{23}},
		{"BEGIN", nil, nil},
		{"SHOW TimeZone", nil, []uint32{25}},
		{"EXPLAIN SELECT 1", nil, []uint32{25}},
	} {
		d, err := c.PgConn().Prepare(ctx(t), "", q.sql, nil)
		if err != nil {
			t.Errorf("%s: %v", q.sql, err)
			continue
		}
		if !equal(d.ParamOIDs, q.params) {
			t.Errorf("%s: parameters %v, want %v", q.sql, d.ParamOIDs, q.params)
		}
		var got []uint32
		for _, f := range d.Fields {
			got = append(got, f.DataTypeOID)
		}
		if !equal(got, q.fields) {
			t.Errorf("%s: columns %v, want %v", q.sql, got, q.fields)
		}
	}
}

func equal(a, b []uint32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestProtocolErrors: each of these is an error, and the connection goes on.
func TestProtocolErrors(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		what, code string
		ms         []pgproto3.FrontendMessage
	}{
		{"no statement", "26000", []pgproto3.FrontendMessage{&pgproto3.Bind{PreparedStatement: "none"}}},
		{"no portal", "34000", []pgproto3.FrontendMessage{&pgproto3.Execute{Portal: "none"}}},
		{"describe no statement", "26000", []pgproto3.FrontendMessage{&pgproto3.Describe{ObjectType: 'S', Name: "none"}}},
		{"describe no portal", "34000", []pgproto3.FrontendMessage{&pgproto3.Describe{ObjectType: 'P', Name: "none"}}},
		{"describe nonsense", "08P01", []pgproto3.FrontendMessage{&pgproto3.Describe{ObjectType: 'X'}}},
		{"two statements", "42601", []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "SELECT 1; SELECT 2"}}},
		{"syntax", "42601", []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "SELEC 1"}}},
		{"name taken", "42P05", []pgproto3.FrontendMessage{&pgproto3.Parse{Name: "x", Query: "SELECT 1"}, &pgproto3.Parse{Name: "x", Query: "SELECT 1"}}},
		{"too few parameters", "08P01", []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "SELECT $1::int"}, &pgproto3.Bind{}}},
		{"bad parameter", "22P02", []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "SELECT $1::int"}, &pgproto3.Bind{Parameters: [][]byte{[]byte("x")}}}},
		{"short binary parameter", "08P01", []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "SELECT $1::int"},
			&pgproto3.Bind{Parameters: [][]byte{{1}}, ParameterFormatCodes: []int16{1}}}},
		{"bad text", "22021", []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "SELECT $1::text"}, &pgproto3.Bind{Parameters: [][]byte{{0xff}}}}},
		{"too many formats", "08P01", []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "SELECT 1"}, &pgproto3.Bind{ResultFormatCodes: []int16{0, 0, 0}}}},
		{"bad format", "22023", []pgproto3.FrontendMessage{&pgproto3.Parse{Query: "SELECT 1"}, &pgproto3.Bind{ResultFormatCodes: []int16{7}}}},
		{"function call", "0A000", []pgproto3.FrontendMessage{&pgproto3.FunctionCall{Function: 1}}},
	} {
		r := login(t, s)
		r.send(append(c.ms, &pgproto3.Sync{})...)
		var got string
		for got == "" {
			m, err := r.Receive()
			if err != nil {
				t.Fatalf("%s: %v", c.what, err)
			}
			if e, ok := m.(*pgproto3.ErrorResponse); ok {
				got = e.Code
			}
			if _, ok := m.(*pgproto3.ReadyForQuery); ok && got == "" {
				got = "no error"
			}
		}
		if got != c.code {
			t.Errorf("%s: %s, want %s", c.what, got, c.code)
		}
		r.until('Z')
		if c.what == "function call" {
			r.until('Z') // its own, then that of Sync
		}
		r.wantTypes(c.what+": usable", "TDCZ", &pgproto3.Query{String: "SELECT 1"})
	}
}

// TestEmptyAndMany: the corner cases of the simple protocol.
func TestSimpleProtocol(t *testing.T) {
	s := start(t)
	r := login(t, s)
	r.wantTypes("empty", "IZ", &pgproto3.Query{String: ""})
	r.wantTypes("semicolons", "IZ", &pgproto3.Query{String: " ; ;"})
	r.wantTypes("a comment", "IZ", &pgproto3.Query{String: "-- nothing"})
	r.wantTypes("several", "TDCTDCZ", &pgproto3.Query{String: "SELECT 1; SELECT 2"})
	r.wantTypes("an error ends it", "TDCEZ", &pgproto3.Query{String: "SELECT 1; SELECT nosuch; SELECT 3"})
	r.wantTypes("empty extended", "12nIZ", &pgproto3.Parse{}, &pgproto3.Bind{}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{})
	r.wantTypes("parameters do not belong", "EZ", &pgproto3.Query{String: "SELECT $1"})
}

// TestPipelining: many requests before the first answer is read.
func TestPipelining(t *testing.T) {
	s := start(t)
	c := connect(t, s)
	fill(t, c)
	b := &pgx.Batch{}
	for i := 1; i <= 200; i++ {
		b.Queue("SELECT s FROM n WHERE i = $1", i%10+1)
	}
	res := c.SendBatch(ctx(t), b)
	for i := 1; i <= 200; i++ {
		var got string
		if err := res.QueryRow().Scan(&got); err != nil {
			t.Fatal(err)
		}
	}
	if err := res.Close(); err != nil {
		t.Fatal(err)
	}
}

// RowDescription names the table and column that a result column shows unchanged, as drivers ask for; a computed column
// has neither.
func TestColumnOrigins(t *testing.T) {
	s := start(t)
	c := connect(t, s)
	exec(t, c, "CREATE TABLE t (id int PRIMARY KEY, name text)")
	exec(t, c, "CREATE STREAM e (id int, v int)")
	var table, stream uint32
	if err := c.QueryRow(ctx(t), "SELECT 't'::regclass::oid, 'e'::regclass::oid").Scan(&table, &stream); err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct {
		sql  string
		want string
	}{
		{"SELECT name, id, id + 1 AS id, 7 FROM t", "t.2 t.1 - -"},
		{"SELECT e.v, x.id, count(*) FROM e JOIN t x ON x.id = e.id GROUP BY 1, 2", "e.2 t.1 -"},
		{"SELECT n FROM (SELECT name AS n FROM t ORDER BY 1 LIMIT 1) s", "t.2"},
		{"WITH w AS (SELECT id FROM t) SELECT id, upper('x') FROM w", "t.1 -"},
		{"SELECT id FROM t UNION ALL SELECT id FROM e", "-"},
		{"INSERT INTO t SELECT count(*) + 1, 'a' FROM t RETURNING name, id, id * 2", "t.2 t.1 -"},
		{"DELETE FROM t RETURNING id", "t.1"},
	} {
		for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeSimpleProtocol, pgx.QueryExecModeExec} {
			rows, err := c.Query(ctx(t), q.sql, mode)
			if err != nil {
				t.Fatalf("%s: %v", q.sql, err)
			}
			var got []string
			for _, f := range rows.FieldDescriptions() {
				switch f.TableOID {
				case 0:
					got = append(got, "-")
				case table:
					got = append(got, fmt.Sprint("t.", f.TableAttributeNumber))
				case stream:
					got = append(got, fmt.Sprint("e.", f.TableAttributeNumber))
				default:
					got = append(got, fmt.Sprint(f.TableOID))
				}
			}
			rows.Close()
			if g := strings.Join(got, " "); rows.Err() != nil || g != q.want {
				t.Errorf("%s: %s, expected %s (%v)", q.sql, g, q.want, rows.Err())
			}
		}
	}
}
