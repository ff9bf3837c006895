package planner

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/tests/rig"
)

// oracleTable has a column of every type; the queries of TestOracle are over it.
const oracleTable = `CREATE TABLE ty (id int PRIMARY KEY, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric(8,2), t text, vc varchar(5),
	c char(3), b bool, d date, tm time, ts timestamp, tz timestamptz, iv interval, u uuid, js json, jb jsonb, by bytea, ai int[], at text[])`

var oracleColumns = strings.Fields("i2 i4 i8 f4 f8 n t vc c b d tm ts tz iv u js jb by ai at")

// oracleQueries pairs every column with every other in the constructs that bring types together.
func oracleQueries() []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, a := range oracleColumns {
		for _, b := range oracleColumns {
			for _, op := range []string{"+", "-", "*", "=", "<", "||", "@>", "->"} {
				add("SELECT %s %s %s FROM ty", a, op, b)
			}
			add("SELECT CASE WHEN b THEN %s ELSE %s END FROM ty", a, b)
			add("SELECT %s FROM ty UNION SELECT %s FROM ty", a, b)
			add("SELECT COALESCE(%s, %s), ARRAY[%[1]s, %[2]s] FROM ty", a, b)
			if a != "js" || b != "js" { // PostgreSQL notices when it runs it that json has no order
				add("SELECT GREATEST(%s, %s) FROM ty", a, b)
			}
			add("SELECT %s IN (%s, NULL), %[1]s = ANY (ARRAY[%[2]s]) FROM ty", a, b)
			add("UPDATE ty SET %s = %s", a, b)
		}
		for _, e := range []string{"%s + '1'", "1 + %s", "%s * 1.5", "-%s", "%s::text", "sum(%s)", "avg(%s)", "min(%s)", "count(%s)", "array_agg(%s)",
			"length(%s)", "upper(%s)", "round(%s)", "%s || 'x'", "lag(%s) OVER (ORDER BY id)", "%s = $1", "%s + $1", "$1 || %s", "%s IN ($1, $2)",
			"NULLIF(%s, $1)", "CASE WHEN b THEN %s ELSE $1 END", "%s BETWEEN $1 AND $2", "%s LIKE $1", "%s = ANY ($1)", "f8 > (SELECT max(%s) FROM ty)"} {
			add("SELECT "+e+" FROM ty", a)
		}
		add("INSERT INTO ty (id, %s) VALUES ($1, $2) RETURNING %[1]s", a)
		add("INSERT INTO ty (id, %s) SELECT 1, NULL", a)
		add("UPDATE ty SET %s = $1 WHERE %[1]s > $2 RETURNING %[1]s AS new", a)
	}
	return append(out, `SELECT id, count(*) FROM ty`, `SELECT t FROM ty GROUP BY id`, `SELECT id FROM ty LIMIT $1 OFFSET $2`,
		`SELECT * FROM ty WHERE nope = 1`, `SELECT ty.* FROM ty AS x`, `SELECT $1, $1::int`, `SELECT $1 + $2`, `SELECT x FROM (VALUES (1), ($1)) v (x)`,
		`SELECT max(max(i4)) FROM ty`, `SELECT 1 FROM ty, ty`, `SELECT id FROM ty a JOIN ty b ON true`, `SELECT id FROM ty ORDER BY 3`,
		`SELECT EXTRACT(year FROM ts), POSITION('a' IN t), SUBSTRING(t FROM 1 FOR 2), TRIM(t), ts AT TIME ZONE 'UTC' FROM ty`,
		`SELECT (SELECT id FROM ty), EXISTS (SELECT 1), ARRAY(SELECT t FROM ty), ROW(1, 2), id IS NULL, (b) IS TRUE FROM ty`)
}

// TestOracle compares, for each query, the names and types of columns and parameters, or the error's code, message and
// place, with PostgreSQL's.
func TestOracle(t *testing.T) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, rig.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, oracleTable); err != nil {
		t.Fatal(err)
	}
	s := &script{cat: testCatalog()}
	if out := s.run(t, "exec", oracleTable); out != "" {
		t.Fatal(out)
	}
	differ := 0
	for _, q := range oracleQueries() {
		want := describePostgres(ctx, conn.PgConn(), q)
		if got := describeOurs(s, q); got != want {
			if differ++; differ <= 20 {
				t.Errorf("%s\ngot:  %s\nwant: %s", q, got, want)
			}
		}
	}
	if differ > 0 {
		t.Errorf("%d queries differ", differ)
	}
}

func describePostgres(ctx context.Context, c *pgconn.PgConn, q string) string {
	d, err := c.Prepare(ctx, "", q, nil)
	if err != nil {
		var e *pgconn.PgError
		if !errors.As(err, &e) {
			return err.Error()
		}
		return fmt.Sprintf("%s %s at %d", e.Code, e.Message, e.Position)
	}
	var b strings.Builder
	for _, p := range d.ParamOIDs {
		fmt.Fprintf(&b, "$%s ", types.OID(p))
	}
	for _, f := range d.Fields {
		fmt.Fprintf(&b, "%s %s, ", f.Name, types.Type{OID: types.OID(f.DataTypeOID), Mod: f.TypeModifier})
	}
	return b.String()
}

func describeOurs(s *script, q string) string {
	stmts, err := parser.Parse(q)
	if err != nil {
		return err.Error()
	}
	p, err := Plan(stmts[0].Node, s.env())
	if err != nil {
		e := pgerr.Of(err)
		return fmt.Sprintf("%s %s at %d", e.Code, e.Message, e.Position)
	}
	var b strings.Builder
	for _, t := range p.Params {
		fmt.Fprintf(&b, "$%s ", t.OID)
	}
	for _, f := range p.Fields {
		fmt.Fprintf(&b, "%s %s, ", f.Name, f.Type)
	}
	return b.String()
}
