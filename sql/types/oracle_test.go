package types

import (
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/tests/rig"
)

var (
	oracleSeed = flag.Int64("oracle.seed", 0, "seed of the oracle tests; 0 takes the clock")
	oracleN    = flag.Int("oracle.n", 150, "random cases per oracle test and type")
)

const oracleZone = "America/New_York"

// oracle evaluates SQL expressions on PostgreSQL: text results, or "ERROR sqlstate message".
type oracle struct {
	t    *testing.T
	conn *pgx.Conn
	env  *Env
	rng  *rand.Rand
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, rig.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(ctx) })
	for _, q := range []string{
		"SET timezone = '" + oracleZone + "'",
		`CREATE FUNCTION pg_temp.eval(q text) RETURNS text LANGUAGE plpgsql AS $$
		DECLARE r text;
		BEGIN
			EXECUTE 'SELECT format(''%s'', (' || q || '))' INTO r;
			RETURN r;
		EXCEPTION WHEN OTHERS THEN
			RETURN 'ERROR ' || sqlstate || ' ' || sqlerrm;
		END $$`,
	} {
		if _, err := conn.Exec(ctx, q); err != nil {
			t.Fatal(err)
		}
	}
	loc, _ := time.LoadLocation(oracleZone)
	seed := *oracleSeed
	if seed == 0 {
		seed = time.Now().UnixNano()
	}
	t.Logf("seed %d", seed)
	return &oracle{t: t, conn: conn, env: &Env{TimeZone: loc, Now: TimestampFromTime(time.Now())}, rng: rand.New(rand.NewSource(seed))}
}

// eval evaluates many expressions in one round trip.
func (o *oracle) eval(exprs []string) []string {
	o.t.Helper()
	rows, err := o.conn.Query(context.Background(),
		"SELECT pg_temp.eval(q) FROM unnest($1::text[]) WITH ORDINALITY AS u(q, n) ORDER BY n", exprs)
	if err != nil {
		o.t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}

// check compares got, keyed by expression, with PostgreSQL's results.
func (o *oracle) check(cases []oracleCase) {
	o.t.Helper()
	exprs := make([]string, len(cases))
	for i, c := range cases {
		exprs[i] = c.expr
	}
	bad := 0
	for i, want := range o.eval(exprs) {
		if got := cases[i].got; got != want {
			if bad++; bad <= 25 {
				o.t.Errorf("%s\n got  %s\n want %s", cases[i].expr, got, want)
			}
		}
	}
	if bad > 25 {
		o.t.Errorf("%d more of %d differ", bad-25, len(cases))
	}
}

type oracleCase struct{ expr, got string }

func quote(s string) string {
	return "E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func errText(err error) string {
	e := pgerr.Of(err)
	return "ERROR " + e.Code + " " + e.Message
}

// cell is a value of any class.
type cell struct {
	t Type
	i int64
	f float64
	b []byte
}

func parseCell(t Type, s string, env *Env) (c cell, err error) {
	c.t = t
	switch t.Class() {
	case I64:
		c.i, err = ParseI64(t, s, env)
	case F64:
		c.f, err = ParseF64(t, s)
	default:
		c.b, err = AppendParsedBytes(nil, t, s, env)
	}
	return
}

func (c cell) text(env *Env) string { return string(AppendText(nil, c.t, c.i, c.f, c.b, env)) }

func (c cell) binary() []byte { return AppendBinary(nil, c.t, c.i, c.f, c.b) }

func (c cell) fromBinary(b []byte) (d cell, err error) {
	d.t = c.t
	switch c.t.Class() {
	case I64:
		d.i, err = ParseI64Binary(c.t, b)
	case F64:
		d.f, err = ParseF64Binary(c.t, b)
	default:
		d.b, err = AppendParsedBytesBinary(nil, c.t, b)
	}
	return
}

func (c cell) compare(d cell) int {
	switch c.t.Class() {
	case I64:
		return CompareI64(c.i, d.i)
	case F64:
		return CompareFloat(c.f, d.f)
	}
	return CompareBytes(c.t, c.b, d.b)
}

func (c cell) ordered(desc bool) string {
	switch c.t.Class() {
	case I64:
		return string(AppendOrderedI64(nil, c.i, desc))
	case F64:
		return string(AppendOrderedF64(nil, c.f, desc))
	}
	return string(AppendOrderedBytes(nil, c.t, c.b, desc))
}

func (c cell) key() string {
	switch c.t.Class() {
	case I64:
		return fmt.Sprint(c.i)
	case F64:
		return fmt.Sprint(FloatKey(c.f))
	}
	return string(AppendKey(nil, c.t, c.b))
}

// typeInput is a type with the texts that are tried on it.
type typeInput struct {
	t      Type
	inputs []string
	random func(*rand.Rand) string
}

// TestOracleText: the text form of a parsed value, or the error, is PostgreSQL's; so is the wire form, and
// it reads back as the same value.
func TestOracleText(t *testing.T) {
	o := newOracle(t)
	for _, ti := range typeInputs() {
		t.Run(ti.t.String(), func(t *testing.T) {
			o.t = t
			inputs := ti.inputs
			if ti.random != nil {
				for range *oracleN {
					inputs = append(inputs, ti.random(o.rng))
				}
			}
			var cases []oracleCase
			send := InfoOf(ti.t.OID).Send
			for _, in := range inputs {
				expr := quote(in) + "::" + sqlTypeName(ti.t)
				if ti.t.OID == Varchar || ti.t.OID == BPChar && ti.t.Mod > 0 {
					// A cast would cut silently; the input function does not.
					expr = "(SELECT v FROM json_to_record(json_build_object('v', " + quote(in) + ")) AS r(v " + sqlTypeName(ti.t) + "))"
				}
				c, err := parseCell(ti.t, in, o.env)
				if err != nil {
					if strings.HasPrefix(err.Error(), "time zone") && strings.ContainsAny(err.Error(), "+-0123456789") {
						continue // a POSIX zone with daylight saving, which is not supported
					}
					cases = append(cases, oracleCase{expr, errText(err)})
					continue
				}
				cases = append(cases, oracleCase{expr, c.text(o.env)})
				wire := c.binary()
				cases = append(cases, oracleCase{"encode(" + send + "(" + expr + "), 'hex')", hex.EncodeToString(wire)})
				back, err := c.fromBinary(wire)
				if err != nil {
					t.Errorf("%q: reading the wire form back: %v", in, err)
				} else if back.text(o.env) != c.text(o.env) || string(back.b) != string(c.b) {
					t.Errorf("%q: wire round trip gives %q, not %q", in, back.text(o.env), c.text(o.env))
				}
			}
			o.check(cases)
		})
	}
}

func sqlTypeName(t Type) string {
	if t.OID == BPChar && t.Mod < 0 {
		return "bpchar"
	}
	return t.String()
}

// TestOracleOrder: comparison, equality keys and ordered keys agree with each other and with PostgreSQL.
func TestOracleOrder(t *testing.T) {
	o := newOracle(t)
	for _, ti := range typeInputs() {
		if ti.t.OID == JSON || ti.t.Mod >= 0 {
			continue
		}
		t.Run(ti.t.String(), func(t *testing.T) {
			o.t = t
			var texts []string
			var cells []cell
			add := func(in string) {
				if c, err := parseCell(ti.t, in, o.env); err == nil {
					texts, cells = append(texts, c.text(o.env)), append(cells, c)
				}
			}
			for _, in := range ti.inputs {
				add(in)
			}
			if ti.random != nil {
				for range 100 {
					add(ti.random(o.rng))
				}
			}
			if len(cells) == 0 {
				t.Skip("no valid input")
			}
			var cases []oracleCase
			name := sqlTypeName(ti.t)
			coll := ""
			switch ti.t.OID {
			case Text, Varchar, BPChar, TextArray, VarcharArray:
				coll = ` COLLATE "C"`
			}
			for range 300 {
				i, j := o.rng.Intn(len(cells)), o.rng.Intn(len(cells))
				a, b := cells[i], cells[j]
				c := sign(a.compare(b))
				if (c == 0) != (a.key() == b.key()) {
					t.Errorf("%s, %s: compare %d, but keys %x %x", texts[i], texts[j], c, a.key(), b.key())
				}
				if k := strings.Compare(a.ordered(false), b.ordered(false)); k != c {
					t.Errorf("%s, %s: compare %d, but ordered keys %d", texts[i], texts[j], c, k)
				}
				if k := strings.Compare(a.ordered(true), b.ordered(true)); k != -c {
					t.Errorf("%s, %s: compare %d, but descending keys %d", texts[i], texts[j], c, k)
				}
				x, y := quote(texts[i])+"::"+name+coll, quote(texts[j])+"::"+name+coll
				switch ti.t.OID {
				case RegType:
					continue
				}
				cases = append(cases, oracleCase{
					fmt.Sprintf("CASE WHEN %s < %s THEN -1 WHEN %s = %s THEN 0 ELSE 1 END", x, y, x, y), fmt.Sprint(c)})
			}
			o.check(cases)
		})
	}
}
