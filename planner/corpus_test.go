package planner

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgcatalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// corpusDir is what real clients were seen to send.
const corpusDir = "../sql/parser/testdata/corpus"

// corpusSchema stands for the schema behind the corpus, and for the tables that migration tools make on the way.
var corpusSchema = []string{
	`CREATE SCHEMA sales`,
	`CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, email varchar(200) UNIQUE,
		created_at timestamptz DEFAULT now(), meta jsonb, tags text[], balance numeric(12,2) DEFAULT 0 CHECK (balance >= 0),
		active boolean default true)`,
	`CREATE TABLE sales.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id int NOT NULL,
		status text NOT NULL DEFAULT 'new', total numeric, ts timestamp, d date, t time, u uuid, b bytea, iv interval,
		f4 real, f8 double precision, i2 smallint, c char(3))`,
	`CREATE TABLE sales.items (order_id bigint, line int, sku text, qty int CHECK (qty > 0),
		PRIMARY KEY (order_id, line), UNIQUE (order_id, sku))`,
	`CREATE VIEW v_orders AS SELECT o.id, c.name, o.total FROM sales.orders o JOIN customers c ON c.id = o.customer_id`,
	`CREATE MATERIALIZED VIEW mv_totals AS SELECT customer_id, sum(total) AS total, count(*) AS n FROM sales.orders GROUP BY 1`,
	`CREATE TABLE gms (id bigserial PRIMARY KEY, name text, age bigint)`,
	`CREATE TABLE knex_migrations (id serial PRIMARY KEY, name varchar(255), batch int, migration_time timestamptz)`,
	`CREATE TABLE knex_migrations_lock ("index" serial PRIMARY KEY, is_locked int)`,
	`CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)`,
	`CREATE TABLE goose_db_version (id int PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp DEFAULT now())`,
	`CREATE TABLE pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88))`,
	`CREATE TABLE pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84))`,
	`CREATE TABLE pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84))`,
	`CREATE TABLE pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))`,
}

// notPlanned are errors that the corpus must give: names that its schema has not got here (an enum, a function, tables
// of other runs), and mistakes that the clients were made to make.
func notPlanned(err error) bool {
	switch e := pgerr.Of(err); e.Code {
	case pgerr.UndefinedTable:
		return true
	case pgerr.UndefinedColumn:
		return strings.Contains(e.Message, `"nope"`)
	case pgerr.UndefinedFunction:
		return strings.Contains(e.Message, "add1(")
	case pgerr.UndefinedObject:
		return strings.Contains(e.Message, "order_status")
	}
	return false
}

// TestCorpus plans every statement of the corpus that the planner has to do with, and checks that no join of catalog
// relations compares every pair of rows.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob(corpusDir + "/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	s := corpusScript(t)
	planned := 0
	for _, f := range files {
		if filepath.Base(f) == "schema.sql" {
			continue
		}
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, sql := range strings.Split(string(data), "\n-- ") {
			_, sql, _ = strings.Cut(sql, "\n")
			planned += planCorpus(t, s, filepath.Base(f), sql)
		}
	}
	if planned < 400 {
		t.Errorf("only %d statements were planned", planned)
	}
}

func planCorpus(t *testing.T, s *script, file, sql string) (planned int) {
	stmts, err := parser.Parse(sql)
	if err != nil {
		return 0 // psql variables, deliberate mistakes: the parser's tests know them
	}
	for _, st := range stmts {
		switch st.Node.(type) {
		case *ast.Select, *ast.Insert, *ast.Update, *ast.Delete, *ast.Copy:
		default:
			continue
		}
		p, err := Plan(st.Node, s.env())
		if err != nil {
			if !notPlanned(err) {
				t.Errorf("%s: %s\n%s", file, showError(err), st.Text)
			}
			continue
		}
		planned++
		q, ok := p.Plan.(*physical.Query)
		if !ok {
			continue
		}
		if n := product(q.Root); n != nil && strings.Contains(st.Text, "pg_catalog") {
			t.Errorf("%s: a product of relations in the plan of\n%s\n%s", file, st.Text, strings.Join(physical.Explain(q.Root, q.Subplans), "\n"))
		}
	}
	return planned
}

// product finds a join without keys of two plans that both read relations.
func product(n physical.Node) physical.Node {
	if j, ok := n.(*physical.Join); ok && len(j.LKeys) == 0 && readsAll(j.Left) && readsAll(j.Right) {
		return j
	}
	for _, in := range n.Inputs() {
		if p := product(in); p != nil {
			return p
		}
	}
	return nil
}

// readsAll reports whether a plan reads a relation without a condition on it.
func readsAll(n physical.Node) bool {
	switch n := n.(type) {
	case *physical.Scan:
		return true
	case *physical.Map:
		return n.Filter == nil && readsAll(n.Input)
	case *physical.Join:
		return readsAll(n.Left)
	}
	return false
}

func corpusScript(t *testing.T) *script {
	s := &script{cat: catalog.New(pgcatalog.Relations(), pgcatalog.Schemas()...)}
	for _, q := range corpusSchema {
		if out := s.run(t, "exec", q); out != "" {
			t.Fatal(out)
		}
	}
	s.funcs = &funcs.Ctx{Context: context.Background(), Env: &types.Env{Reg: anyName{}}}
	return s
}

// anyName answers every reg* name with one number: what the numbers are does not matter here.
type anyName struct{}

func (anyName) AppendRegName(dst []byte, _, _ types.OID) ([]byte, bool) { return dst, false }
func (anyName) RegLookup(types.OID, string) (types.OID, error)          { return 1259, nil }
