package connect

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/millracedb/millrace/tests/rig"
)

// changed are the tables of a history. The first tells of changes what PostgreSQL tells by default: not the old row, and
// no large value that a change leaves alone; it is truncated, too. Of the second each change tells both rows.
const changed = `
CREATE TABLE x (id int, k text, n numeric, n2 numeric(12,3), b bool, i2 int2, i8 int8, f4 float4, f8 float8, ts timestamp,
	ts3 timestamp(3), tz timestamptz, d date, t time, u uuid, j jsonb, raw bytea, body text, vc varchar(20), tags text[], nums int[], PRIMARY KEY (id, k));
ALTER TABLE x ALTER body SET STORAGE EXTERNAL, ALTER raw SET STORAGE EXTERNAL, ALTER j SET STORAGE EXTERNAL, ALTER tags SET STORAGE EXTERNAL;
CREATE TABLE y (id int PRIMARY KEY, n2 numeric(12,3), tz timestamptz, ts timestamp, j jsonb, raw bytea, body text, d date);
ALTER TABLE y REPLICA IDENTITY FULL;
ALTER TABLE y ALTER body SET STORAGE EXTERNAL;`

// declared are their columns in Millrace.
const (
	declaredX = `(id int, k text, n numeric, n2 numeric(12,3), b bool, i2 int2, i8 int8, f4 float4, f8 float8, ts timestamp, ts3 timestamp(3), tz timestamptz,
		d date, t time, u uuid, j jsonb, raw bytea, body text, vc varchar(20), tags text[], nums int[], PRIMARY KEY (id, k))`
	declaredY = `(id int PRIMARY KEY, n2 numeric(12,3), tz timestamptz, ts timestamp, j jsonb, raw bytea, body text, d date)`
)

// changeMode is one way in which Debezium can be told to write changes, and Millrace to read them.
type changeMode struct {
	name     string
	settings map[string]string
	format   string            // of the tables
	only     string            // the table that it has, "" for both
	lossy    map[string]string // columns that it cannot tell exactly, and what it makes of them
}

func changeModes(registry string) []changeMode {
	const json = "org.apache.kafka.connect.json.JsonConverter"
	bare := func(s map[string]string) map[string]string {
		for _, half := range []string{"key", "value"} {
			s[half+".converter"], s[half+".converter.schemas.enable"] = json, "false"
		}
		return s
	}
	avro := func(s map[string]string) map[string]string {
		for _, half := range []string{"key", "value"} {
			c := half + ".converter"
			s[c] = "io.apicurio.registry.utils.converter.AvroConverter"
			s[c+".apicurio.registry.url"] = strings.TrimSuffix(registry, "ccompat/v7") + "registry/v2"
			s[c+".apicurio.registry.auto-register"], s[c+".apicurio.registry.find-latest"] = "true", "true"
			s[c+".apicurio.registry.as-confluent"], s[c+".apicurio.registry.headers.enabled"] = "true", "false"
			s[c+".apicurio.registry.use-id"] = "contentId"
		}
		s["schema.name.adjustment.mode"] = "avro"
		return s
	}
	rows := func(s map[string]string) map[string]string {
		s["transforms"], s["transforms.rows.type"] = "rows", "io.debezium.transforms.ExtractNewRecordState"
		s["transforms.rows.delete.tombstone.handling.mode"] = "tombstone"
		return s
	}
	inAvro := "ENCODE AVRO (schema.registry = '" + registry + "')"
	return []changeMode{
		{name: "adaptive", settings: map[string]string{}, format: "FORMAT DEBEZIUM ENCODE JSON"},
		{name: "micros", settings: bare(map[string]string{"time.precision.mode": "adaptive_time_microseconds", "decimal.handling.mode": "string", "provide.transaction.metadata": "true"}),
			format: "FORMAT DEBEZIUM ENCODE JSON (timestamp.unit = 'us')", lossy: map[string]string{"ts3": "NULL"}},
		{name: "connect", settings: map[string]string{"time.precision.mode": "connect", "decimal.handling.mode": "double", "binary.handling.mode": "hex", "heartbeat.interval.ms": "500"},
			format: "FORMAT DEBEZIUM ENCODE JSON (bytea = 'hex')", lossy: map[string]string{"n": "NULL", "ts": "date_trunc('milliseconds', ts)", "t": "date_trunc('milliseconds', t)::time"}},
		{name: "avro", settings: avro(map[string]string{}), format: "FORMAT DEBEZIUM " + inAvro},
		{name: "rows", settings: rows(bare(map[string]string{"time.precision.mode": "adaptive_time_microseconds", "decimal.handling.mode": "string"})),
			format: "FORMAT UPSERT ENCODE JSON (timestamp.unit = 'us', json = 'text', bytea = 'base64')", only: "y"},
		{name: "avrorows", settings: rows(avro(map[string]string{})), format: "FORMAT UPSERT " + inAvro, only: "y"},
	}
}

// The changes of a random history, as Debezium tells them in every way it knows, rebuild the tables that PostgreSQL
// holds, whenever the server is killed; so do the views over them. MILLRACE_CHANGES is the number of rounds.
func TestDebeziumRebuilds(t *testing.T) {
	rounds := 2
	if s := os.Getenv("MILLRACE_CHANGES"); s != "" {
		rounds, _ = strconv.Atoi(s)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	h := &changeHistory{t: t, rng: rand.New(rand.NewPCG(seed, 0)), dsn: rig.Database(t)}
	k, registry := &rig.SharedKafka(t).Broker, rig.SharedRegistry(t)
	h.exec(changed + `INSERT INTO y VALUES (1000); INSERT INTO x (id, k) VALUES (1000, '')`)
	for range 40 {
		h.change()
	}
	modes := changeModes(registry.URL)
	connectors := map[string]map[string]string{}
	for _, m := range modes {
		m.settings["skipped.operations"] = "none"
		m.settings["table.include.list"] = "public.x,public.y"
		if m.only != "" {
			m.settings["table.include.list"] = "public." + m.only
		}
		connectors[m.name] = m.settings
	}
	rig.Debezium(t, k, h.dsn, connectors)
	h.streaming = true
	s := rig.Millrace(t)
	for _, m := range modes {
		for _, table := range m.tables() {
			h.await(k, m.name+".public."+table)
			columns := map[string]string{"x": declaredX, "y": declaredY}[table]
			s.Exec(fmt.Sprintf(`CREATE TABLE %s_%s %s WITH (connector = 'kafka', topic = '%s.public.%s', brokers = '%s') %s`,
				m.name, table, columns, m.name, table, k.Addr(), m.format))
		}
	}
	s.Exec(`CREATE MATERIALIZED VIEW per_b AS SELECT b, count(*) AS c, sum(n2) AS n2, min(ts) AS ts, max(d) AS d, count(DISTINCT k) AS ks FROM adaptive_x GROUP BY b`,
		`CREATE MATERIALIZED VIEW joined AS SELECT x.id, x.k, x.n2, y.body, y.tz FROM avro_x x JOIN avrorows_y y ON x.id = y.id`)
	for round := range rounds {
		for range 50 {
			h.change()
			if h.rng.IntN(30) == 0 {
				s.Kill9()
				s.Restart()
			}
		}
		for _, m := range modes {
			for _, table := range m.tables() {
				h.same(s, round, m.query(table, table), m.query(table, m.name+"_"+table))
			}
		}
		h.same(s, round, `SELECT b, count(*), sum(n2), min(ts), max(d), count(DISTINCT k) FROM x GROUP BY b ORDER BY b`, `SELECT * FROM per_b ORDER BY b`)
		h.same(s, round, `SELECT x.id, x.k, x.n2, y.body, y.tz FROM x JOIN y ON x.id = y.id ORDER BY 1, 2`, `SELECT * FROM joined ORDER BY 1, 2`)
	}
	h.same(s, rounds, `SELECT NULL, NULL, NULL LIMIT 0`, `SELECT relation, message, data FROM millrace.errors`)
}

func (m changeMode) tables() []string {
	if m.only != "" {
		return []string{m.only}
	}
	return []string{"x", "y"}
}

// query reads what the mode can tell of a table.
func (m changeMode) query(table, from string) string {
	columns := map[string][]string{
		"x": {"id", "k", "n", "n2", "b", "i2", "i8", "f4", "f8", "ts", "ts3", "tz", "d", "t", "u", "j", "raw", "body", "vc", "tags", "nums"},
		"y": {"id", "n2", "tz", "ts", "j", "raw", "body", "d"},
	}[table]
	for i, c := range columns {
		if c == "n" {
			columns[i] = "trim_scale(n)" // Debezium leaves zeros away
		}
		if exact, lossy := m.lossy[c]; lossy {
			columns[i] = exact
		}
	}
	order := "id"
	if table == "x" {
		order = "id, k"
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + from + " ORDER BY " + order
}

// changeHistory changes the tables in PostgreSQL.
type changeHistory struct {
	t   *testing.T
	rng *rand.Rand
	dsn string
	c   *pgx.Conn
	// streaming: the values may be such as Debezium's first snapshot, unlike the changes after it, does not tell as they are:
	// infinite dates, and times before Christ.
	streaming bool
}

func (h *changeHistory) exec(sql string) {
	h.t.Helper()
	if h.c == nil {
		var err error
		if h.c, err = pgx.Connect(context.Background(), h.dsn); err != nil {
			h.t.Fatal(err)
		}
		h.t.Cleanup(func() { h.c.Close(context.Background()) })
	}
	if _, err := h.c.PgConn().Exec(context.Background(), sql).ReadAll(); err != nil {
		h.t.Fatalf("%s: %v", sql, err)
	}
}

// await waits until a topic is there.
func (h *changeHistory) await(k *rig.Broker, topic string) {
	h.t.Helper()
	rig.Eventually(h.t, 3*time.Minute, func() error {
		m, err := kadmOf(k).ListTopics(context.Background(), topic)
		if err != nil {
			return err
		}
		if err := m.Error(); err != nil {
			return fmt.Errorf("topic %s: %w", topic, err)
		}
		return nil
	})
}

// same waits until Millrace answers as PostgreSQL does.
func (h *changeHistory) same(s *rig.Server, round int, ours, theirs string) {
	h.t.Helper()
	want, err := textRows(h.dsn, ours)
	if err != nil {
		h.t.Fatalf("%s: %v", ours, err)
	}
	rig.Eventually(h.t, 3*time.Minute, func() error {
		got, err := textRows(s.DSN(), theirs)
		if err != nil {
			return fmt.Errorf("%s: %w", theirs, err)
		}
		if slices.Equal(got, want) {
			return nil
		}
		for i := range max(len(got), len(want)) {
			g, w := "nothing", "nothing"
			if i < len(got) {
				g = got[i]
			}
			if i < len(want) {
				w = want[i]
			}
			if g != w {
				errors, _ := textRows(s.DSN(), "SELECT relation, message, data FROM millrace.errors LIMIT 3")
				return fmt.Errorf("round %d, %s: row %d is\n%.800s, in PostgreSQL\n%.800s\n%.2000q", round, theirs, i, g, w, errors)
			}
		}
		return nil
	})
}

// textRows are the rows of a query as text.
func textRows(dsn, sql string) ([]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	results, err := c.Exec(ctx, sql).ReadAll()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, row := range results[0].Rows {
		var line []string
		for _, v := range row {
			text := "NULL"
			if v != nil {
				text = string(v)
			}
			line = append(line, text)
		}
		out = append(out, strings.Join(line, " | "))
	}
	return out, nil
}

// change runs one statement.
func (h *changeHistory) change() {
	h.t.Helper()
	x := h.rng.IntN(3) > 0
	table, columns := "y", []string{"n2", "tz", "ts", "j", "raw", "body", "d"}
	if x {
		table, columns = "x", []string{"n", "n2", "b", "i2", "i8", "f4", "f8", "ts", "ts3", "tz", "d", "t", "u", "j", "raw", "body", "vc", "tags", "nums"}
	}
	id := h.rng.IntN(12)
	key := fmt.Sprintf("id = %d", id)
	switch op := h.rng.IntN(40); {
	case op < 16:
		names, values := []string{"id"}, []string{strconv.Itoa(id)}
		if x {
			names, values = append(names, "k"), append(values, h.pick("'a'", "'ü'", "''"))
		}
		for _, c := range columns {
			names, values = append(names, c), append(values, h.value(c))
		}
		h.exec(fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON CONFLICT DO NOTHING", table, strings.Join(names, ", "), strings.Join(values, ", ")))
	case op < 30:
		var set []string
		for range 1 + h.rng.IntN(3) {
			if c := columns[h.rng.IntN(len(columns))]; !slices.ContainsFunc(set, func(s string) bool { return strings.HasPrefix(s, c+" =") }) {
				set = append(set, c+" = "+h.value(c))
			}
		}
		if h.rng.IntN(4) == 0 {
			key = "true"
		}
		h.exec("UPDATE " + table + " SET " + strings.Join(set, ", ") + " WHERE " + key)
	case op < 35: // another key, and back in the same transaction, sometimes
		to := 100 + h.rng.IntN(1000000)
		h.exec(fmt.Sprintf("UPDATE %s SET id = %d + id WHERE %s", table, to, key))
		if h.rng.IntN(2) == 0 {
			h.exec(fmt.Sprintf("BEGIN; UPDATE %[1]s SET id = id - %[2]d WHERE id = %[2]d + %[3]d AND NOT EXISTS (SELECT FROM %[1]s WHERE id = %[3]d); COMMIT", table, to, id))
		}
	case op < 39 || !x:
		h.exec("DELETE FROM " + table + " WHERE " + key)
	default:
		h.exec("TRUNCATE x")
	}
}

func (h *changeHistory) pick(of ...string) string { return of[h.rng.IntN(len(of))] }

// large is a text that PostgreSQL keeps apart from its row.
func (h *changeHistory) large() string {
	return fmt.Sprintf("repeat('%d-ü', %d)", h.rng.IntN(1000), 500+h.rng.IntN(500))
}

// value is an expression for a value of a column.
func (h *changeHistory) value(column string) string {
	if h.rng.IntN(6) == 0 {
		return "NULL"
	}
	n := h.rng.IntN(1000000)
	switch column {
	case "n":
		return h.pick(strconv.Itoa(n), fmt.Sprintf("-0.%06d", n), "123456789012345678901234567890.0012", "1e30", "0", "1.500")
	case "n2":
		return fmt.Sprintf("%d.%03d", n-500000, h.rng.IntN(1000))
	case "b":
		return h.pick("true", "false")
	case "i2":
		return h.pick("-32768", "32767", "7")
	case "i8":
		return h.pick("-9223372036854775808", "9223372036854775807", strconv.Itoa(n))
	case "f4", "f8":
		return h.pick("'NaN'", "'Infinity'", "'-Infinity'", "1e-30", "0.1", "-1.5", "3.4e38", "'-0'")
	case "ts", "ts3", "tz", "d":
		if !h.streaming {
			return fmt.Sprintf("timestamp '2024-01-01' + interval '%d.%06d s'", n, h.rng.IntN(1000000))
		}
	}
	switch column {
	case "ts", "ts3", "tz":
		return h.pick("'infinity'", "'-infinity'", "'0044-03-15 12:00:00 BC'", "'0001-01-01 00:00:00 BC'", "'1969-12-31 23:59:59.999999'", "'1900-01-01 00:00:00.000001'",
			"'12024-05-01 00:00:00.5'", fmt.Sprintf("timestamp '2024-01-01' + interval '%d.%06d s'", n, h.rng.IntN(1000000)))
	case "d":
		return h.pick("'infinity'", "'-infinity'", "'0044-03-15 BC'", "'5874897-12-31'", "'4714-11-24 BC'", fmt.Sprintf("date '2000-01-01' + %d", n%20000-10000))
	case "t":
		return h.pick("'00:00'", "'23:59:59.999999'", "'24:00'", fmt.Sprintf("time '00:00' + interval '%d.%06d s'", n%86400, h.rng.IntN(1000000)))
	case "u":
		return fmt.Sprintf("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd%06d'", n)
	case "j":
		return h.pick(`'{"a": [1, 2.50, null], "ü": "\u00e9\"x"}'`, `'null'`, `'"text"'`, `'7'`, "to_jsonb("+h.large()+")", fmt.Sprintf(`'{"n": %d}'`, n))
	case "raw":
		return h.pick(`''`, `'\x00ff'`, "convert_to("+h.large()+", 'UTF8')", fmt.Sprintf(`'\x%06d'`, n))
	case "tags":
		return h.pick("'{}'", `'{a,NULL,"b c","\"q\\"}'`, "ARRAY["+h.large()+"]")
	case "nums":
		return h.pick("'{}'", "'{1,NULL,-3}'")
	}
	if column == "vc" {
		return h.pick("''", "'ü🎈'", "' x '")
	}
	if h.rng.IntN(2) == 0 {
		return h.large()
	}
	return h.pick("''", `'"quoted" \ ü 🎈 '`, "'__debezium_unavailable'", fmt.Sprintf("'%d'", n))
}

func kadmOf(k *rig.Broker) *kadm.Client { return kadm.NewClient(k.Client()) }
