package parser

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/tests/rig"
)

// evaluator is a function of PostgreSQL that gives an expression's type and value, or its error.
const evaluator = `CREATE FUNCTION eval(expression text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text;
BEGIN
  EXECUTE 'SELECT pg_typeof(x)::text || '' '' || coalesce(x::text, ''NULL'') FROM (SELECT ' || expression || ' AS x) AS s'
  INTO result;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$`

// TestExpressionsAgainstPostgres parses random expressions with few parentheses, writes them back, and
// lets PostgreSQL compute both texts: same value or same error. What PostgreSQL finds no expression
// must be the same error here.
func TestExpressionsAgainstPostgres(t *testing.T) {
	conn := connect(t, rig.Database(t))
	exec(t, conn, evaluator)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	const batch, batches = 2500, 10
	values := 0
	for range batches {
		source := make([]string, batch)
		written := make([]string, batch)
		failed := make([]error, batch)
		for i := range source {
			source[i] = g.expr(1 + g.IntN(5))
			e, err := ParseExpr(source[i])
			failed[i] = err
			if err == nil {
				written[i] = Deparse(e)
			}
		}
		results := evaluate(t, conn, slices.Concat(source, written))
		for i := range source {
			want, got := results[source[i]], results[written[i]]
			switch {
			case failed[i] != nil:
				checkError(t, source[i], failed[i], want)
			case want != got:
				t.Errorf("%s = %s\n%s = %s", source[i], want, written[i], got)
			case isValue(want):
				values++
			}
		}
	}
	t.Logf("%d expressions, %d of them with a value", batch*batches, values)
	if values < batch*batches/10 {
		t.Errorf("only %d of %d expressions have a value: the generator proves too little", values, batch*batches)
	}
}

var sqlState = regexp.MustCompile(`^[0-9A-Z]{5} `)

func isValue(s string) bool { return !sqlState.MatchString(s) }

// checkError holds an error of ours against PostgreSQL's for the same text.
func checkError(t *testing.T, source string, err error, want string) {
	t.Helper()
	e := pgerr.Of(err)
	if got := e.Code + " " + e.Message; got != want {
		t.Errorf("%s\nPostgreSQL: %s\nhere:       %s", source, want, got)
	}
}

// evaluate gives PostgreSQL's answer for each text.
func evaluate(t *testing.T, conn *pgx.Conn, texts []string) map[string]string {
	t.Helper()
	slices.Sort(texts)
	texts = slices.Compact(texts)
	rows, err := conn.Query(context.Background(), "SELECT x, eval(x) FROM unnest($1::text[]) AS u(x)", texts)
	if err != nil {
		t.Fatal(err)
	}
	results := make(map[string]string, len(texts))
	var text, result string
	_, err = pgx.ForEachRow(rows, []any{&text, &result}, func() error {
		results[text] = result
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
}

// unstable matches what differs from call to call or outlives a transaction.
var unstable = regexp.MustCompile(`(?i)pg_sleep|random|pg_advisory|pg_cancel|pg_terminate|clock_timestamp|pg_notify|setseed|nextval|` +
	`explain|pg_backend_pid|pg_switch_wal|pg_stat|xmin|xmax|ctid|pg_export_snapshot|CURRENT_TIMESTAMP|now\(\)|database`)

// TestCorpusAgainstPostgres runs what clients send and what it is written back as, each in a transaction
// of its own: same rows, or same error. Statements with parameters are described instead.
func TestCorpusAgainstPostgres(t *testing.T) {
	conn := connect(t, rig.Database(t))
	for _, s := range schemaStatements(t) {
		_, _ = conn.Exec(context.Background(), s, pgx.QueryExecModeSimpleProtocol) // roles may exist
	}
	n := 0
	for _, c := range corpus(t) {
		stmts, err := Parse(c.sql)
		if err != nil || c.file == "schema.sql" {
			continue // TestCorpus
		}
		for _, s := range stmts {
			if !comparable(s) {
				continue
			}
			n++
			text := Deparse(s.Node)
			want, got := outcome(t, conn, s.Text, s.Params), outcome(t, conn, text, s.Params)
			if !reflect.DeepEqual(want, got) {
				t.Errorf("%s: %s\n-> %.300v\n%s\n-> %.300v", c.file, s.Text, want, text, got)
			}
		}
	}
	t.Logf("%d statements compared", n)
	if n < 400 {
		t.Errorf("only %d statements compared", n)
	}
}

func schemaStatements(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/corpus/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	stmts, err := Parse(psqlCommand.ReplaceAllString(string(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, s := range stmts {
		list = append(list, s.Text)
	}
	return list
}

// comparable reports whether a statement has an outcome that a rolled back transaction shows.
func comparable(s Stmt) bool {
	switch s.Node.(type) {
	case *ast.Select, *ast.Insert, *ast.Update, *ast.Delete, *ast.CreateTable, *ast.CreateView, *ast.CreateIndex,
		*ast.CreateMaterializedView, *ast.Comment, *ast.Alter, *ast.Drop, *ast.Truncate, *ast.Show:
		return !unstable.MatchString(s.Text)
	}
	return false
}

// outcome is what PostgreSQL answers: rows and columns, the description of a statement with
// parameters, or the error.
func outcome(t *testing.T, conn *pgx.Conn, sql string, params int) []string {
	t.Helper()
	ctx := context.Background()
	exec(t, conn, "BEGIN")
	defer exec(t, conn, "ROLLBACK")
	var out []string
	if params > 0 {
		d, err := conn.PgConn().Prepare(ctx, "", sql, nil)
		if err != nil {
			return []string{errorText(err)}
		}
		for _, f := range d.Fields {
			out = append(out, fmt.Sprint(f.Name, " ", f.DataTypeOID))
		}
		return append(out, fmt.Sprint(d.ParamOIDs))
	}
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	for _, r := range results {
		for _, f := range r.FieldDescriptions {
			out = append(out, fmt.Sprint(f.Name, " ", f.DataTypeOID, " ", f.TypeModifier))
		}
		for _, row := range r.Rows {
			out = append(out, fmt.Sprintf("%q", row))
		}
		out = append(out, r.CommandTag.String())
	}
	if err != nil {
		out = append(out, errorText(err))
	}
	return out
}

func errorText(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code + " " + e.Message
	}
	return err.Error()
}

// generator makes expressions of mostly fitting types, with parentheses only now and then, so that
// precedence decides what they mean.
type generator struct{ *rand.Rand }

func (g generator) pick(list ...string) string { return list[g.IntN(len(list))] }

// expr makes an expression of any type.
func (g generator) expr(depth int) string {
	switch g.IntN(12) {
	case 0, 1, 2, 3:
		return g.boolean(depth)
	case 4, 5, 6:
		return g.number(depth)
	case 7, 8:
		return g.text(depth)
	case 9:
		return g.array(depth)
	case 10:
		return g.time(depth)
	}
	return g.anything(depth)
}

func (g generator) parens(s string) string {
	if g.IntN(6) == 0 {
		return "(" + s + ")"
	}
	return s
}

func (g generator) number(depth int) string {
	if depth <= 0 {
		return g.pick("1", "2", "3", "-1", "- 2", "0", "10", "1.5", ".5", "2e0", "7.", "2147483647", "9223372036854775807",
			"99999999999999999999", "NULL", "-9223372036854775808", "smallint '3'", "numeric '2.50'", "float8 '1.25'", "'4'::int")
	}
	n := func() string { return g.number(depth - 1 - g.IntN(2)) }
	var s string
	switch g.IntN(16) {
	case 0, 1, 2, 3, 4, 5:
		s = n() + g.pick(" + ", " - ", " * ", " / ", " % ", " ^ ", "+", "*", " - - ") + n()
	case 6:
		s = n() + g.pick(" & ", " | ", " # ", " << ", " >> ") + n()
	case 7:
		s = g.pick("- ", "+ ", "@ ", "~ ", "|/ ", "||/ ", "@ - ") + n()
	case 8:
		s = n() + "::" + g.pick("int", "numeric", "numeric(6,2)", "float8", "bigint", "int2", "text::int")
	case 9:
		s = g.pick("abs", "sign", "ceil", "pg_catalog.abs", `"abs"`) + "(" + n() + ")"
	case 10:
		s = "CASE WHEN " + g.boolean(depth-1) + " THEN " + n() + " ELSE " + n() + " END"
	case 11:
		s = "CASE " + n() + " WHEN " + n() + " THEN " + n() + " END"
	case 12:
		s = g.pick("coalesce", "greatest", "least", "nullif") + "(" + n() + ", " + n() + ")"
	case 13:
		s = g.pick("length(", "position('b' in ", "char_length(") + g.text(depth-1) + ")"
	case 14:
		s = "CAST(" + n() + " AS " + g.pick("int", "numeric(10,3)", "double precision", "bigint") + ")"
	default:
		s = g.pick("(SELECT "+n()+")", "extract(year from date '2020-05-06')", n()+" OPERATOR(pg_catalog."+g.pick("+", "*")+") "+n(),
			"(ARRAY[1,2,3])["+n()+"]", "("+n()+", "+n()+")", "(array[1,2])[1:"+n()+"]")
	}
	return g.parens(s)
}

func (g generator) boolean(depth int) string {
	if depth <= 0 {
		return g.pick("true", "false", "NULL", "'t'::bool", "bool 'f'")
	}
	b := func() string { return g.boolean(depth - 1 - g.IntN(2)) }
	n := func() string { return g.number(depth - 1 - g.IntN(2)) }
	t := func() string { return g.text(depth - 1 - g.IntN(2)) }
	not := g.pick("", "", "NOT ")
	var s string
	switch g.IntN(20) {
	case 0, 1, 2:
		s = b() + g.pick(" AND ", " OR ") + b()
	case 3:
		s = b() + " AND " + b() + " OR " + b() + " AND " + b()
	case 4:
		s = "NOT " + b()
	case 5, 6, 7:
		s = n() + g.pick(" = ", " <> ", " != ", " < ", " > ", " <= ", " >= ") + n()
	case 8:
		s = b() + g.pick(" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS UNKNOWN", " IS NOT UNKNOWN", " IS NULL", " ISNULL", " NOTNULL")
	case 9:
		s = n() + g.pick(" IS NULL", " IS NOT NULL", " ISNULL", " NOTNULL")
	case 10:
		s = n() + " " + not + "BETWEEN " + g.pick("", "SYMMETRIC ") + n() + " AND " + n()
	case 11:
		s = n() + " " + not + "IN (" + n() + ", " + n() + ")"
	case 12:
		s = t() + " " + not + g.pick("LIKE ", "ILIKE ", "SIMILAR TO ") + t()
	case 13:
		s = t() + g.pick(" ~ ", " ~* ", " !~ ", " !~* ", " ~~ ", " !~~ ", " ^@ ") + t()
	case 14:
		s = n() + g.pick(" IS DISTINCT FROM ", " IS NOT DISTINCT FROM ") + n()
	case 15:
		s = n() + g.pick(" = ", " < ", " <> ", " >= ") + g.pick("ANY", "ALL", "SOME") + " (" + g.array(depth-1) + ")"
	case 16:
		s = g.pick("EXISTS", "NOT EXISTS") + " (SELECT " + n() + " WHERE " + b() + ")"
	case 17:
		s = n() + " " + not + "IN (SELECT " + n() + ")"
	case 18:
		s = "(" + n() + ", " + t() + ")" + g.pick(" = ", " < ", " IS DISTINCT FROM ") + "(" + n() + ", " + t() + ")"
	default:
		s = t() + " LIKE " + t() + " ESCAPE " + g.pick("'!'", "''", "'\\'")
	}
	return g.parens(s)
}

func (g generator) text(depth int) string {
	if depth <= 0 {
		return g.pick("'a'", "'ab'", "'A%'", "'a_'", "''", `E'a\tb'`, "$$x'y$$", "$q$b$q$", `U&'\0061b'`, "'it''s'", "'x' || 'y'", "NULL",
			"text 'b'", "varchar(2) 'abc'", "'a'\n'b'", "B'01'", "X'1f'", "char(3) 'a'")
	}
	t := func() string { return g.text(depth - 1 - g.IntN(2)) }
	var s string
	switch g.IntN(12) {
	case 0, 1, 2, 3:
		s = t() + g.pick(" || ", "||") + t()
	case 4:
		s = g.pick("upper", "lower", "trim", "md5", "reverse") + "(" + t() + ")"
	case 5:
		s = g.pick("substring(", "overlay(") + t() + g.pick(" from 1 for 2)", " for 1)", " from 2)", " placing 'z' from 1)", ", 2)", " similar 'a%' escape '#')")
	case 6:
		s = "trim(" + g.pick("both ", "leading ", "trailing ", "") + g.pick("'a' from ", "from ", "") + t() + ")"
	case 7:
		s = t() + "::" + g.pick("text", "varchar(1)", "char(2)", "name", `"char"`, "character varying")
	case 8:
		s = t() + ` COLLATE "C"`
	case 9:
		s = g.number(depth-1) + "::text"
	case 10:
		s = g.pick(`'{"a": [1, {"b": 2}]}'::jsonb `, `'[1,2]'::json `) + g.pick("-> 'a'", "->> 'a'", "#> '{a,1}'", "-> 0", "->> 1", "@> '{}'", "? 'a'", "-> 'a' -> 1 ->> 'b'")
	default:
		s = "CASE WHEN " + g.boolean(depth-1) + " THEN " + t() + " END"
	}
	return g.parens(s)
}

func (g generator) array(depth int) string {
	if depth <= 0 {
		return g.pick("'{1,2}'::int[]", "ARRAY[1,2]", "ARRAY[1.5,2]", "ARRAY[]::int[]", "ARRAY[[1,2],[3,4]]", "ARRAY(SELECT 1)", "NULL")
	}
	n := func() string { return g.number(depth - 1 - g.IntN(2)) }
	a := func() string { return g.array(depth - 1 - g.IntN(2)) }
	var s string
	switch g.IntN(8) {
	case 0, 1:
		s = "ARRAY[" + n() + ", " + n() + "]"
	case 2:
		s = a() + " || " + g.pick(a(), n())
	case 3:
		s = a() + g.pick(" @> ", " && ", " <@ ", " = ", " < ") + a()
	case 4:
		s = "(" + a() + ")[" + g.pick("1", "1:2", ":2", "2:", ":", n()) + "]"
	case 5:
		s = "(" + a() + ")[" + n() + "][" + n() + "]"
	case 6:
		s = "ARRAY(SELECT " + n() + " UNION ALL SELECT " + n() + " ORDER BY 1 LIMIT 3)"
	default:
		s = a() + "::" + g.pick("int[]", "text[]", "numeric(5,1)[]", "bigint array", "int[3]")
	}
	return g.parens(s)
}

func (g generator) time(depth int) string {
	if depth <= 0 {
		return g.pick("date '2020-02-29'", "timestamp '2020-01-01 10:00'", "timestamptz '2020-01-01 10:00+02'", "interval '1 day'", "interval '1' month",
			"interval '1:30' hour to minute", "interval(1) '1.26 s'", "time '10:00'", "interval '2' day to second", "timestamp(0) with time zone '2020-01-01 00:00:00.7'")
	}
	t := func() string { return g.time(depth - 1 - g.IntN(2)) }
	switch g.IntN(7) {
	case 0, 1, 2:
		return g.parens(t() + g.pick(" + ", " - ", " * ", " < ", " = ") + g.pick(t(), g.number(depth-1)))
	case 3:
		return g.parens(t() + " AT TIME ZONE " + g.pick("'UTC'", "'Europe/Berlin'", "interval '1' hour", "'UTC' AT TIME ZONE 'UTC'"))
	case 4:
		return "extract(" + g.pick("year", "day", "'hour'", "epoch") + " from " + t() + ")"
	case 5:
		return "(" + t() + ", " + t() + ") OVERLAPS (" + t() + ", " + t() + ")"
	}
	return g.parens("- " + t())
}

// anything joins operands of any type with any operator: most of it is some error.
func (g generator) anything(depth int) string {
	var b strings.Builder
	for i := range 2 + g.IntN(4) {
		if i > 0 {
			b.WriteString(g.pick(" + ", " - ", " * ", " || ", " = ", " < ", " AND ", " OR ", " IS DISTINCT FROM ", " LIKE ", " BETWEEN 1 AND ",
				" IS NULL = ", " NOT IN (1) OR ", " & ", " <-> ", " ^ ", " IN (1, 2) = ", " :: int + ", " ~ ", " AT TIME ZONE ", " IS NOT TRUE AND ",
				" ISNULL <> ", " NOT LIKE 'a' AND ", " = ANY ('{1}') = ", ` COLLATE "C" || `, " NOT BETWEEN 0 AND 1 + "))
		}
		b.WriteString(g.pick("", "", "", "NOT ", "- ", "@ ", "~ "))
		switch g.IntN(4) {
		case 0:
			b.WriteString(g.boolean(depth - 3))
		case 1:
			b.WriteString(g.text(depth - 3))
		default:
			b.WriteString(g.number(depth - 3))
		}
	}
	return b.String()
}
