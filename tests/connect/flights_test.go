package connect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/millracedb/millrace/tests/rig"
)

const airportsTable = `CREATE TABLE airports (iata text PRIMARY KEY, name text, city text, state text, country text, latitude float8, longitude float8)`

// flightViews are the views of the flights, and the tables PostgreSQL must answer alike: in its version a
// window is date_bin, as PostgreSQL has no TUMBLE and HOP.
var flightViews = []struct{ name, millrace, postgres string }{
	{"by_airport", `SELECT origin, count(*) AS flights, avg(delay) AS avg_delay, min(delay) AS min_delay, max(delay) AS max_delay, sum(distance) AS miles
		FROM flights GROUP BY origin`, ""},
	{"by_hour", `SELECT window_start, window_end, count(*) AS flights, sum(delay) AS delay
		FROM TUMBLE(flights, date, INTERVAL '1 hour') GROUP BY window_start, window_end`,
		`SELECT w AS window_start, w + INTERVAL '1 hour' AS window_end, count(*), sum(delay)
		FROM (SELECT *, date_bin('1 hour', date, '2000-01-01') AS w FROM flights) f GROUP BY w`},
	{"by_three_days", `SELECT window_start, window_end, origin, max(delay) AS worst
		FROM HOP(flights, date, INTERVAL '1 day', INTERVAL '3 days') GROUP BY window_start, window_end, origin`,
		`SELECT w AS window_start, w + INTERVAL '3 days', origin, max(delay)
		FROM (SELECT *, date_bin('1 day', date, '2000-01-01') - n * INTERVAL '1 day' AS w FROM flights, generate_series(0, 2) n) f GROUP BY w, origin`},
	{"by_state", `SELECT a.state, count(*) AS flights, avg(f.delay) AS avg_delay
		FROM flights f JOIN airports a ON a.iata = f.origin GROUP BY a.state`, ""},
	{"routes", `SELECT origin, destination, count(*) AS flights, count(*) FILTER (WHERE delay > 30) AS late
		FROM flights GROUP BY origin, destination HAVING count(*) >= 5`, ""},
	{"reach", `SELECT origin, count(DISTINCT destination) AS destinations FROM flights GROUP BY origin`, ""},
	{"late_airports", `SELECT b.origin, a.city, b.flights, b.avg_delay
		FROM by_airport b LEFT JOIN airports a ON a.iata = b.origin WHERE b.avg_delay > 10`, ""},
}

// The main job on real input: 20,000 flights through a broker into a stream and the views over it, with
// kills of the server and of the broker on the way. Every view equals PostgreSQL's answer over the same
// rows, and every record that is no flight is in millrace.errors.
func TestFlightsThroughKafka(t *testing.T) {
	flights, airports := readFlights(t)
	k := rig.Kafka(t)
	k.CreateTopic("flights", 3)
	s := rig.Millrace(t)

	s.Exec(airportsTable)
	copyCSV(t, s.DSN(), "airports", airports)
	s.Exec(fmt.Sprintf(`CREATE STREAM flights (date timestamp, delay int, distance int, origin text, destination text)
		WITH (connector = 'kafka', topic = 'flights', properties.bootstrap.server = '%s') FORMAT PLAIN ENCODE JSON`, k.Addr()))
	// Half of the views see the stream from its beginning, the others are filled from what is already there.
	half := len(flightViews) / 2
	createViews := func(from, to int) {
		for _, v := range flightViews[from:to] {
			s.Exec("CREATE MATERIALIZED VIEW " + v.name + " AS " + v.millrace)
		}
	}
	createViews(0, half)

	total, bad := 0, 0
	send := func(part int, of int) {
		lo, hi := len(flights)*part/of, len(flights)*(part+1)/of
		records := make([]*kgo.Record, 0, hi-lo+1)
		for i := lo; i < hi; i++ {
			records = append(records, &kgo.Record{Topic: "flights", Partition: int32(i % 3), Value: flights[i]})
		}
		records = append(records, &kgo.Record{Topic: "flights", Partition: int32(part % 3), Value: fmt.Appendf(nil, `{"delay":"of unknown length","part":%d}`, part)})
		k.ProduceRecords(records...)
		total, bad = total+hi-lo, bad+1
	}
	arrived := func() {
		t.Helper()
		rig.Eventually(t, time.Minute, func() error { return expectCount(s.DSN(), "SELECT count(*) FROM flights", total) })
	}
	const parts = 8
	send(0, parts)
	arrived()
	s.Kill9() // with everything read
	send(1, parts)
	s.Restart()
	send(2, parts)
	s.Kill9() // while reading
	s.Restart()
	createViews(half, len(flightViews))
	send(3, parts)
	k.Kill9()
	time.Sleep(200 * time.Millisecond)
	if err := expectCount(s.DSN(), "SELECT 1", 1); err != nil {
		t.Fatalf("without its broker the server does not answer: %v", err)
	}
	k.Restart()
	send(4, parts)
	arrived()
	k.Kill9()
	s.Kill9()
	s.Restart() // the broker is not there yet
	k.Restart()
	send(5, parts)
	s.Stop()
	send(6, parts)
	s.Restart()
	send(7, parts)
	arrived()
	rig.Eventually(t, 30*time.Second, func() error {
		return expectCount(s.DSN(), "SELECT count(*) FROM millrace.errors", bad)
	})

	judge := flightsInPostgres(t, flights, airports)
	for _, v := range flightViews {
		want := rowsOf(t, judge, "SELECT * FROM "+v.name)
		if len(want) == 0 {
			t.Errorf("%s: PostgreSQL has no rows, which proves nothing", v.name)
		}
		for source, query := range map[string]string{"the view": "SELECT * FROM " + v.name, "its query": v.millrace} {
			got := rowsOf(t, s.DSN(), query)
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s: %d rows, PostgreSQL has %d; the first that differ: %s", v.name, source, len(got), len(want), firstDifference(got, want))
			}
		}
	}
}

// flightsInPostgres returns the DSN of a database with the same tables, rows and views.
func flightsInPostgres(t *testing.T, flights [][]byte, airports []byte) string {
	t.Helper()
	ctx := context.Background()
	dsn := rig.Database(t)
	pg, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(ctx)
	exec := func(sql string) {
		t.Helper()
		if _, err := pg.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec(airportsTable)
	copyCSV(t, dsn, "airports", airports)
	exec(`CREATE TABLE flights (date timestamp, delay int, distance int, origin text, destination text)`)
	exec(`CREATE TEMP TABLE raw (j jsonb)`)
	if _, err := pg.PgConn().CopyFrom(ctx, bytes.NewReader(append(bytes.Join(flights, []byte("\n")), '\n')), "COPY raw FROM STDIN"); err != nil {
		t.Fatal(err)
	}
	exec(`INSERT INTO flights SELECT (jsonb_populate_record(NULL::flights, j)).* FROM raw`)
	for _, v := range flightViews {
		sql := v.postgres
		if sql == "" {
			sql = v.millrace
		}
		exec("CREATE VIEW " + v.name + " AS " + sql)
	}
	return dsn
}

func readFlights(t *testing.T) (flights [][]byte, airports []byte) {
	t.Helper()
	flightsFile, airportsFile := rig.Flights(t)
	raw, err := os.ReadFile(flightsFile)
	if err != nil {
		t.Fatal(err)
	}
	var records []json.RawMessage
	if err := json.Unmarshal(raw, &records); err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		flights = append(flights, r)
	}
	if airports, err = os.ReadFile(airportsFile); err != nil {
		t.Fatal(err)
	}
	return flights, airports
}

func copyCSV(t *testing.T, dsn, table string, data []byte) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	tag, err := c.PgConn().CopyFrom(ctx, bytes.NewReader(data), "COPY "+table+" FROM STDIN WITH (FORMAT csv, HEADER)")
	if err != nil {
		t.Fatalf("COPY %s: %v", table, err)
	}
	if tag.RowsAffected() < 3000 {
		t.Fatalf("COPY %s: %s", table, tag)
	}
}

// expectCount runs a query that returns one number.
func expectCount(dsn, sql string, want int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	var n int
	if err := c.QueryRow(ctx, sql, pgx.QueryExecModeSimpleProtocol).Scan(&n); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	if n != want {
		return fmt.Errorf("%s is %d, want %d", sql, n, want)
	}
	return nil
}

// rowsOf returns the rows of a query as text, sorted.
func rowsOf(t *testing.T, dsn, sql string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	results, err := c.PgConn().Exec(ctx, sql).ReadAll()
	if err == nil && len(results) != 1 {
		err = errors.New("not one result")
	}
	if err == nil {
		err = results[0].Err
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var rows []string
	for _, row := range results[0].Rows {
		var text []string
		for _, v := range row {
			if v == nil {
				text = append(text, "NULL")
			} else {
				text = append(text, string(v))
			}
		}
		rows = append(rows, strings.Join(text, "|"))
	}
	slices.Sort(rows)
	return rows
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		a, b := "(none)", "(none)"
		if i < len(got) {
			a = got[i]
		}
		if i < len(want) {
			b = want[i]
		}
		if a != b {
			return fmt.Sprintf("%s, PostgreSQL %s", a, b)
		}
	}
	return "none"
}
