package funcs_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/tests/rig"
)

// The oracle tests call every row of the function table with random arguments, nulls and extremes among them, and
// compare the text of the result, or the SQLSTATE, with PostgreSQL's.

var (
	oracleSeed  = flag.Uint64("oracle.seed", 1, "seed of the random arguments; 0 takes one from the clock")
	oracleCalls = flag.Int("oracle.calls", 40, "calls of each function")
	oracleOnly  = flag.String("oracle.only", "", "test only functions of this name")
	oracleMax   = flag.Int("oracle.max", 3, "failures shown per function")
)

const oracleZone = "America/New_York"

// tryFunction evaluates an expression and answers its text, or the error.
const tryFunction = `create function pg_temp.try(q text) returns text language plpgsql as $$
declare r text;
begin
  execute 'select (' || q || ')::text' into r;
  return r;
exception when others then
  return 'ERROR ' || sqlstate || ': ' || sqlerrm;
end $$`

type oracle struct {
	conn *pgx.Conn
	env  *types.Env
	rnd  *rand.Rand
	seed uint64
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), rig.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	loc, ok := types.ZoneByName(oracleZone)
	if !ok {
		t.Fatal("no zone " + oracleZone)
	}
	for _, q := range []string{"set timezone = '" + oracleZone + "'", "set client_min_messages = error", tryFunction} {
		if _, err := conn.Exec(context.Background(), q); err != nil {
			t.Fatal(err)
		}
	}
	seed := *oracleSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-oracle.seed=%d", seed)
	return &oracle{conn: conn, env: &types.Env{TimeZone: loc}, rnd: rand.New(rand.NewPCG(seed, 1)), seed: seed}
}

// ask evaluates expressions in PostgreSQL.
func (o *oracle) ask(t *testing.T, qs []string) []*string {
	t.Helper()
	out := make([]*string, 0, len(qs))
	rows, err := o.conn.Query(context.Background(), "select pg_temp.try(q) from unnest($1::text[]) with ordinality u(q, n) order by n", qs)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	defer func() {
		if d := time.Since(start); d > 3*time.Second {
			t.Logf("PostgreSQL took %v for %s ... %s", d, qs[0], qs[len(qs)-1])
		}
	}()
	for rows.Next() {
		var s *string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func (o *oracle) ctx() *funcs.Ctx {
	now := types.TimestampFromTime(time.Now())
	return &funcs.Ctx{Context: context.Background(), Env: o.env, Now: now, TxnNow: now}
}

// eval computes e and answers its text like the try function.
func (o *oracle) eval(e expr.Expr) *string {
	return evalText(o.ctx(), e)
}

func evalText(ctx *funcs.Ctx, e expr.Expr) *string {
	str := func(s string) *string { return &s }
	if e.Type().OID != types.Text {
		c, ok := expr.Coerce(e, types.T(types.Text), funcs.Explicit)
		if !ok {
			return str("no cast to text from " + e.Type().String())
		}
		e = c
	}
	v, err := expr.Value(e, ctx)
	if err != nil {
		p := pgerr.Of(err)
		return str("ERROR " + p.Code + ": " + p.Message)
	}
	if v.Null {
		return nil
	}
	return str(string(v.B))
}

// literal is a typed literal, as expression and as SQL.
func literal(t types.OID, text *string) (expr.Expr, string) {
	name := t.String()
	if t == types.BPChar {
		name = "bpchar"
	}
	if text == nil {
		return expr.Null(types.T(t)), "null::" + name
	}
	e, ok := expr.Coerce(expr.Literal(*text), types.T(t), funcs.Explicit)
	if !ok {
		panic("no literal of type " + name)
	}
	return e, expr.QuoteText(*text) + "::" + name
}

// call is one comparison: the same call here and in PostgreSQL.
type oracleCall struct {
	e   expr.Expr
	sql string
}

// concrete gives the types to test a signature with.
func concrete(f *funcs.Func, rnd *rand.Rand) []types.OID {
	elem := pick(rnd, []types.OID{types.Int4, types.Text, types.Numeric, types.Date, types.Bool})
	arr, _ := types.ArrayOf(elem)
	var out []types.OID
	for _, a := range f.Args {
		switch a {
		case types.AnyElement, types.AnyNonArray, types.AnyCompatible, types.AnyCompatibleNonArray:
			a = elem
		case types.AnyArray, types.AnyCompatibleArray:
			a = arr
		case types.Any:
			a = pick(rnd, []types.OID{types.Int4, types.Text, types.Numeric, types.Bool})
		}
		out = append(out, a)
	}
	for f.Variadic && rnd.IntN(2) == 0 && len(out) < 7 {
		a := out[len(out)-1]
		if f.Args[len(f.Args)-1] == types.Any {
			a = pick(rnd, []types.OID{types.Int4, types.Text, types.Timestamp, types.Bool})
		}
		out = append(out, a)
	}
	if f.Name == "array slice" && len(out)%2 == 0 {
		out = append(out, types.Int4)
	}
	return out
}

func pick[T any](rnd *rand.Rand, xs []T) T { return xs[rnd.IntN(len(xs))] }

func (o *oracle) arg(t types.OID, f *funcs.Func, i int) (expr.Expr, string) {
	vals, ok := argSamples[fmt.Sprintf("%s/%d/%s", f.Name, i, t)]
	if !ok {
		vals, ok = argSamples[fmt.Sprintf("%s/%d", f.Name, i)]
	}
	if !ok || o.rnd.IntN(10) == 0 && f.Name != "repeat" { // which PostgreSQL does 2^31 times if told to
		vals = samples(t)
	}
	if o.rnd.IntN(15) == 0 {
		return literal(t, nil)
	}
	v := pick(o.rnd, vals)
	return literal(t, &v)
}

// call makes a random call of f.
func (o *oracle) call(f *funcs.Func) (oracleCall, bool) {
	ts := concrete(f, o.rnd)
	if slices.Contains(ts, types.Record) {
		return oracleCall{}, false
	}
	args, sqls := make([]expr.Expr, len(ts)), make([]string, len(ts))
	in := make([]types.Type, len(ts))
	for i, t := range ts {
		args[i], sqls[i] = o.arg(t, f, i)
		in[i] = types.T(t)
	}
	ret, ok := returns(f, in)
	if !ok {
		return oracleCall{}, false
	}
	c := oracleCall{e: &expr.Call{Fn: f, Args: args, T: ret}}
	switch f.Kind {
	case funcs.Operator:
		c.sql = fmt.Sprintf("%s operator(pg_catalog.%s) %s", sqls[0], f.Name, sqls[1])
	case funcs.Prefix:
		c.sql = fmt.Sprintf("operator(pg_catalog.%s) %s", f.Name, sqls[0])
	case funcs.CastFunc:
		c.sql = fmt.Sprintf("(%s)::%s", sqls[0], f.Ret)
	default:
		if strings.Contains(f.Name, " ") {
			c.sql = subscripted(sqls, f.Name == "array slice")
			break
		}
		c.sql = fmt.Sprintf("pg_catalog.%q(%s)", f.Name, strings.Join(sqls, ", "))
	}
	return c, true
}

// subscripted writes a[i][j] or a[i:j][k:l].
func subscripted(sqls []string, slice bool) string {
	s := "(" + sqls[0] + ")"
	for i := 1; i < len(sqls); i++ {
		s += "[" + sqls[i]
		if slice {
			i++
			s += ":" + sqls[i]
		}
		s += "]"
	}
	return s
}

func returns(f *funcs.Func, in []types.Type) (types.Type, bool) {
	var got *funcs.Func
	var ret types.Type
	var err error
	switch f.Kind {
	case funcs.Operator:
		got, _, ret, err = funcs.ResolveOperator(f.Name, in[0], in[1])
	case funcs.Prefix:
		got, _, ret, err = funcs.ResolvePrefix(f.Name, in[0])
	default:
		got, _, ret, err = funcs.ResolveFunc(f.Name, in)
	}
	return ret, err == nil && got == f
}

// same compares two answers: texts exactly, errors by SQLSTATE, floats within the last digits.
func same(want, got *string, ret types.OID) bool {
	if want == nil || got == nil {
		return want == got
	}
	if *want == *got {
		return true
	}
	if strings.HasPrefix(*want, "ERROR ") && strings.HasPrefix(*got, "ERROR ") {
		return (*want)[:11] == (*got)[:11]
	}
	if ret == types.Bool {
		return (*want)[:1] == *got
	}
	return ret == types.Float8 && closeFloats(*want, *got)
}

func closeFloats(a, b string) bool {
	x, err1 := types.ParseF64(types.T(types.Float8), a)
	y, err2 := types.ParseF64(types.T(types.Float8), b)
	if err1 != nil || err2 != nil {
		return false
	}
	d := x - y
	return d < 0 && -d <= 1e-14*abs(x) || d >= 0 && d <= 1e-14*abs(x)
}

func abs(x float64) float64 { return max(x, -x) }

func show(s *string) string {
	if s == nil {
		return "NULL"
	}
	return fmt.Sprintf("%q", *s)
}

func TestOracleFunctions(t *testing.T) {
	o := newOracle(t)
	type failure struct{ name, text string }
	var fails []failure
	total, skipped, messages := 0, map[string]bool{}, map[string]int{}
	var calls []oracleCall
	var owners []*funcs.Func
	for _, f := range funcs.All() {
		if *oracleOnly != "" && f.Name != *oracleOnly || f.Vol == funcs.Volatile || f.Section == "Session" || f.Section == "Catalog" && f.Vol == funcs.Stable || oracleSkips[f.Name] != "" {
			continue
		}
		for range *oracleCalls {
			c, ok := o.call(f)
			if !ok {
				skipped[f.Name] = true
				break
			}
			calls, owners = append(calls, c), append(owners, f)
		}
	}
	for lo := 0; lo < len(calls); lo += 1000 {
		hi := min(lo+1000, len(calls))
		var qs []string
		for _, c := range calls[lo:hi] {
			qs = append(qs, c.sql)
		}
		for i, want := range o.ask(t, qs) {
			c, f := calls[lo+i], owners[lo+i]
			got := o.eval(c.e)
			total++
			if want != nil && got != nil && strings.HasPrefix(*want, "ERROR 42883") && *oracleOnly == "" {
				skipped[f.Name] = true
				continue
			}
			if reason := deliberate(f, c.sql, want, got); reason != "" {
				continue
			}
			if !same(want, got, c.e.Type().OID) {
				fails = append(fails, failure{f.Name + fmt.Sprint(f.Args), fmt.Sprintf("%s\n\twant %s\n\tgot  %s", c.sql, show(want), show(got))})
			} else if want != nil && *want != *got && strings.HasPrefix(*want, "ERROR ") {
				messages[fmt.Sprintf("%s: want %s got %s", f.Name, *want, *got)]++
			}
		}
	}
	per := map[string]int{}
	for _, f := range fails {
		if per[f.name]++; per[f.name] <= *oracleMax {
			t.Errorf("%s", f.text)
		}
	}
	if len(fails) > 0 {
		t.Errorf("%d of %d calls differ; run with -oracle.seed=%d", len(fails), total, o.seed)
	}
	t.Logf("%d calls; not callable as written: %v", total, keys(skipped))
	if testing.Verbose() {
		for _, m := range keys(messages) {
			t.Logf("message: %s", m)
		}
	}
}

// deliberate says why a difference from PostgreSQL is wanted, "" if it is not.
func deliberate(f *funcs.Func, sql string, want, got *string) string {
	if want == nil || got == nil {
		return ""
	}
	raises := strings.HasPrefix(*got, "ERROR 22008") && !strings.HasPrefix(*want, "ERROR")
	switch {
	case f.Name == "make_interval" && raises:
		return "PostgreSQL 15 wraps around"
	case f.Name == "age" && strings.Contains(sql, "infinity") && raises:
		return "PostgreSQL 15 takes an infinity for a number"
	case f.Name == "to_char" && strings.Contains(sql, "V99") && strings.Contains(*got, "##"):
		return "the shift by V does not fit a bigint in PostgreSQL"
	case f.Name == "to_char" && strings.Contains(sql, "Infinity"):
		return "the fraction of an infinity"
	case f.Name == "to_number" && strings.ContainsAny(sql, ",$") && !strings.Contains(sql, "G999"):
		return "text that does not fit the template"
	case f.Name == "timezone" && strings.Contains(sql, "'123'::text"):
		return "a zone that is an offset of 123 hours"
	case f.Name == "pg_size_pretty" && f.Args[0] == types.Numeric && strings.HasSuffix(*want, "PB"):
		return "sizes past a bigint"
	case f.Name == "format_type" && strings.HasPrefix(*want, *got+"("):
		return "a modifier of a type that has none"
	case f.Name == "to_char" && !strings.ContainsAny(sql[strings.LastIndex(sql, ", "):], "90"):
		return "a template without digits"
	case (f.Name == "round" || f.Name == "trunc") && len(*want) > 2000 && len(*got) > 2000:
		return "2000 places are enough"
	case (f.Name == "extract" || f.Name == "date_part") && strings.Contains(sql, "epoch") && strings.Contains(sql, "294276"):
		return "PostgreSQL goes through floating point"
	case f.Name == "width_bucket" && *want == "-2147483648":
		return "PostgreSQL 15 overflows"
	}
	return ""
}

func keys[V any](m map[string]V) []string {
	ks := make([]string, 0, len(m))
	for k := range m {
		ks = append(ks, k)
	}
	sort.Strings(ks)
	return ks
}
