package incremental

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/tests/rig"
)

const (
	scenarios        = 130
	viewsPerScenario = 16
	rounds           = 4
)

// TestViewsEqualPostgres runs at least 2,000 views, on servers with 1, 2 and 7 shards.
func TestViewsEqualPostgres(t *testing.T) {
	first, n := uint64(time.Now().UnixNano()), scenarios
	if s := os.Getenv("MILLRACE_SEED"); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		first, n = seed, 1
	}
	t.Logf("seeds %d to %d", first, first+uint64(n)-1)
	dsn := rig.Postgres(t)
	var servers []*rig.Server
	for _, shards := range []string{"1", "2", "7"} {
		t.Setenv("GOMAXPROCS", shards)
		servers = append(servers, rig.Millrace(t))
	}
	total := 0
	for i := range n {
		seed := first + uint64(i)
		srv := servers[i%len(servers)]
		ok := t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			total += newScenario(t, seed, srv, dsn).run()
		})
		if !ok && t.Failed() && i > 20 {
			break // enough to look at
		}
	}
	t.Logf("%d views compared", total)
}

// scenario is one seed's run, in a schema of its own on both servers.
type scenario struct {
	t      *testing.T
	r      *rand.Rand
	seed   uint64
	srv    *rig.Server
	ml, pg *pgx.Conn
	rels   []*relation
	views  []*view
	made   int
}

func newScenario(t *testing.T, seed uint64, srv *rig.Server, dsn string) *scenario {
	s := &scenario{t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 17)), srv: srv}
	s.pg = s.open(dsn)
	s.ml = s.open(srv.DSN())
	schema := fmt.Sprintf("s%d", seed)
	s.both("CREATE SCHEMA " + schema)
	s.both("SET search_path TO " + schema)
	t.Cleanup(func() {
		s.both(fmt.Sprintf("DROP SCHEMA %s CASCADE", schema))
		_ = s.pg.Close(context.Background())
		_ = s.ml.Close(context.Background())
	})
	return s
}

func (s *scenario) open(dsn string) *pgx.Conn {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		s.t.Fatal(err)
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	cfg.OnNotice = nil
	c, err := pgx.ConnectConfig(context.Background(), cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func (s *scenario) run() int {
	s.rels = []*relation{newRelation(s.r, "st", true), newRelation(s.r, "ta", false), newRelation(s.r, "tb", s.r.IntN(2) == 0)}
	for _, rel := range s.rels {
		s.exec(s.ml, rel.create(false))
		s.exec(s.pg, rel.create(true))
	}
	for round := range rounds {
		for range viewsPerScenario / rounds {
			s.createView()
		}
		if round > 0 {
			s.churn()
		}
		for range 4 + s.r.IntN(6) {
			s.write()
		}
		if round > 0 && s.r.IntN(20) == 0 {
			s.kill()
		}
		for _, v := range s.views {
			s.compare(v)
		}
	}
	return s.made
}

// createView makes a view of a random shape; sometimes over a view made before.
func (s *scenario) createView() {
	v := &view{name: fmt.Sprintf("v%d", s.made)}
	if n := len(s.views); n > 0 && s.r.IntN(4) == 0 {
		v.over = s.views[s.r.IntN(n)]
		if strings.HasSuffix(v.over.query, "GROUP BY c0") { // a join by the key of a view
			v.query, v.cols = fmt.Sprintf("SELECT a.id, b.* FROM %s a %s %s b ON a.c0 = b.c0",
				one(s.r, s.rels).name, pick(s.r, []string{"JOIN", "LEFT JOIN"}), v.over.name), v.over.cols+1
		} else {
			v.query, v.cols = fmt.Sprintf("SELECT count(*) AS n, count(DISTINCT q) AS d FROM (SELECT 1 AS q FROM %s) x", v.over.name), 2
		}
	} else {
		v.query, v.oracle, v.cols = shapes[s.r.IntN(len(shapes))](s.r, s.rels)
	}
	if v.oracle == "" {
		v.oracle = v.query
	}
	s.create(v, "CREATE MATERIALIZED VIEW")
	s.made++
}

func (s *scenario) create(v *view, how string) {
	s.exec(s.ml, fmt.Sprintf("%s %s AS %s", how, v.name, v.query))
	s.exec(s.pg, fmt.Sprintf("CREATE OR REPLACE VIEW %s AS %s", v.name, v.oracle))
	s.views = append(s.views, v)
}

// churn drops views, makes some of them again, and fills some from their inputs again: what views share must outlive who
// brought it.
func (s *scenario) churn() {
	for range s.r.IntN(4) {
		v := s.views[s.r.IntN(len(s.views))]
		switch s.r.IntN(4) {
		case 0:
			s.exec(s.ml, "REBUILD MATERIALIZED VIEW "+v.name)
		case 1:
			if !slices.ContainsFunc(s.views, func(o *view) bool { return o.over == v }) {
				s.views = slices.DeleteFunc(s.views, func(o *view) bool { return o == v })
				s.create(v, "CREATE OR REPLACE MATERIALIZED VIEW")
				continue
			}
			fallthrough
		default:
			s.exec(s.ml, fmt.Sprintf("DROP MATERIALIZED VIEW %s CASCADE", v.name))
			s.exec(s.pg, fmt.Sprintf("DROP VIEW %s CASCADE", v.name))
			s.forget(v)
			if s.r.IntN(2) == 0 {
				s.create(v, "CREATE MATERIALIZED VIEW")
			}
		}
		if len(s.views) == 0 {
			return
		}
	}
}

// forget takes a view, and those over it, off the list.
func (s *scenario) forget(v *view) {
	s.views = slices.DeleteFunc(s.views, func(o *view) bool { return o == v })
	for _, o := range slices.Clone(s.views) {
		if o.over == v && slices.Contains(s.views, o) {
			s.forget(o)
		}
	}
}

// write runs a statement, or a block of statements, on both.
func (s *scenario) write() {
	rel := s.rels[s.r.IntN(len(s.rels))]
	if s.r.IntN(4) > 0 {
		s.both(rel.statement(s.r))
		return
	}
	s.both("BEGIN")
	for range 1 + s.r.IntN(3) {
		s.both(s.rels[s.r.IntN(len(s.rels))].statement(s.r))
	}
	s.both([]string{"COMMIT", "COMMIT", "ROLLBACK"}[s.r.IntN(3)])
}

// kill ends the server, mostly without warning, and starts it again: from its log, or from a checkpoint.
func (s *scenario) kill() {
	if s.r.IntN(3) == 0 {
		s.srv.Stop()
	} else {
		s.srv.Kill9()
	}
	s.srv.Restart()
	s.ml = s.open(s.srv.DSN())
	s.exec(s.ml, fmt.Sprintf("SET search_path TO s%d", s.seed))
}

func (s *scenario) compare(v *view) {
	s.t.Helper()
	want := s.rows(s.pg, "SELECT * FROM "+v.name)
	got := s.rows(s.ml, "SELECT * FROM "+v.name)
	if !slices.Equal(got, want) {
		s.t.Errorf("seed %d: view %s\n%s\ndiffers from PostgreSQL:\n%s", s.seed, v.name, v.query, diff(got, want))
	}
	if adhoc := s.rows(s.ml, v.query); !slices.Equal(adhoc, want) {
		s.t.Errorf("seed %d: ad hoc %s\ndiffers from PostgreSQL:\n%s", s.seed, v.query, diff(adhoc, want))
	}
}

// rows is the sorted text of a result.
func (s *scenario) rows(c *pgx.Conn, query string) []string {
	s.t.Helper()
	rs, err := c.Query(context.Background(), query)
	if err != nil {
		s.t.Fatalf("seed %d: %s: %v", s.seed, query, err)
	}
	defer rs.Close()
	var out []string
	for rs.Next() {
		var cells []string
		for _, raw := range rs.RawValues() {
			if raw == nil {
				cells = append(cells, "∅")
			} else {
				cells = append(cells, string(raw))
			}
		}
		out = append(out, strings.Join(cells, "|"))
	}
	if err := rs.Err(); err != nil {
		s.t.Fatalf("seed %d: %s: %v", s.seed, query, err)
	}
	slices.Sort(out)
	return out
}

func diff(got, want []string) string {
	var b strings.Builder
	count := map[string]int{}
	for _, w := range want {
		count[w]++
	}
	for _, g := range got {
		count[g]--
	}
	for _, row := range slices.Sorted(maps.Keys(count)) {
		if n := count[row]; n > 0 {
			fmt.Fprintf(&b, "  missing %dx %s\n", n, row)
		} else if n < 0 {
			fmt.Fprintf(&b, "  extra   %dx %s\n", -n, row)
		}
	}
	return b.String()
}

func (s *scenario) exec(c *pgx.Conn, sql string) {
	s.t.Helper()
	if _, err := c.Exec(context.Background(), sql); err != nil {
		s.t.Fatalf("seed %d: %s: %v", s.seed, sql, err)
	}
}

// both runs a statement on both servers; they must agree whether it fails, and how.
func (s *scenario) both(sql string) {
	s.t.Helper()
	_, e1 := s.ml.Exec(context.Background(), sql)
	_, e2 := s.pg.Exec(context.Background(), sql)
	if state(e1) != state(e2) {
		s.t.Fatalf("seed %d: %s\nmillrace: %v\npostgres: %v", s.seed, sql, e1, e2)
	}
}

func state(err error) string {
	if err == nil {
		return ""
	}
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return err.Error()
}
