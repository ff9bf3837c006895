package connect

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/millracedb/millrace/tests/rig"
)

// everyType has a column of each type that a sink sends.
const everyType = `id bigint, name text NOT NULL, b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, d numeric(38,9),
	v varchar(20), c char(4), x bytea, dt date, tm time, tz timetz, ts timestamp, tstz timestamptz, iv interval, u uuid, jb jsonb,
	ab bool[], ai int[], ai8 int8[], af float8[], an numeric[], at text[], ax bytea[], ad date[], ats timestamp[], atz timestamptz[], aiv interval[], au uuid[], aj jsonb[],
	j json DEFAULT '{"b" : 1, "a":[ ] }', o oid DEFAULT 4294967295, ai2 int2[] DEFAULT '{-32768}', av varchar(5)[] DEFAULT '{ab}', as4 float4[] DEFAULT '{0.1}'`

// everyValue has rows that a careless encoder would change: nothing, the ends of each type, text of all kinds.
var everyValue = []string{
	`(1, 'plain', true, 1, 2, 3, 1.5, 2.25, 12.50, 1.5, 'abc', 'ab', '\x00ff', '2024-02-29', '12:34:56.789', '01:02:03+02', '2024-02-29 12:34:56.789012',
		'2024-02-29 12:34:56.789012+02', '1 year 2 mons -3 days 04:05:06.7', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": [1, 2.50, {"b": null}]}',
		'{t,f,NULL}', '{1,NULL,-3}', '{9007199254740993}', '{0.1,NULL}', '{1.10,NULL}', '{a,NULL,"b c","\"",NULL,"NULL"}', '{"\\x01","\\x"}', '{2024-02-29}',
		'{"2024-02-29 12:34:56"}', '{"2024-02-29 12:34:56+00"}', '{"1 day"}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '{"{\"k\": 1}"}')`,
	`(2, 'nulls', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
		NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
	`(9223372036854775807, 'most', true, 32767, 2147483647, 9223372036854775807, 3.4028235e38, 1.7976931348623157e308,
		123456789012345678901234567890123456789012345678901234567890.123456789012345678901234567890, 99999999999999999999999999999.999999999,
		'12345678901234567890', 'abcd', '\xfffefdfc', '9999-12-31', '23:59:59.999999', '23:59:59.999999-15:59', '9999-12-31 23:59:59.999999',
		'9999-12-31 23:59:59.999999+00', '100 years', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '123456789012345678901234567890.5',
		'{}', '{2147483647}', '{9223372036854775807}', '{1.7976931348623157e308}', '{1e100}', '{}', '{}', '{9999-12-31}', '{}', '{}', '{}', '{}', '{}')`,
	`(-9223372036854775808, 'least', false, -32768, -2147483648, -9223372036854775808, 1.1754944e-38, 5e-324,
		-0.000000000000000000000000000000000000001, -99999999999999999999999999999.999999999, '', '', '\x', '0001-01-01', '00:00', '00:00+15:59',
		'0001-01-01 00:00:00', '0001-01-01 00:00:00+00', '-100 years', '00000000-0000-0000-0000-000000000000', '[]',
		'{f}', '{-2147483648}', '{-9223372036854775808}', '{5e-324,-0}', '{-1e-30}', '{""}', '{NULL}', '{0001-01-01}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{NULL}')`,
	`(3, 'text', NULL, NULL, NULL, NULL, '-0', '-0', 0.000, -0.5, 'ÅÄÖ ☃', 'é', NULL, '1969-12-31', '00:00:00.000001', NULL, '1969-12-31 23:59:59.999999',
		'1969-12-31 23:59:59.999999+00', '-1 microsecond', NULL, '"\u0001 \ud83d\ude00 \\ \" / \u2028"', '{}', '{}', '{}', '{}', '{}',
		E'{"comma,","{brace}","back\\\\slash","new\nline","tab\t","☃","😀"}', '{}', '{}', '{}', '{}', '{}', '{}', '{"[]","\"x\""}')`,
	`(4, '` + strings.Repeat("long ☃ ", 500) + `', NULL, 0, 0, 0, 0, 0, 0, 0, '😀 "quoted\', ' ', '\x00', '1970-01-01', '12:00', '12:00+00', '1970-01-01', '1970-01-01 00:00+00', '0',
		NULL, 'true', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
}

// everyOdd has values that only some encodings have.
const everyOdd = `(id, name, f4, f8, n, dt, ts, tstz, af, an, ai, at) VALUES
	(5, 'nan', 'NaN', 'NaN', 'NaN', 'infinity', 'infinity', 'infinity', '{NaN,Infinity,-Infinity}', '{NaN}', '{{1,2},{3,4}}', '{{a,NULL},{c,d}}'),
	(6, 'infinite', 'Infinity', '-Infinity', 'Infinity', '-infinity', '-infinity', '-infinity', NULL, NULL, NULL, NULL),
	(7, 'far', 0, 0, 0, '4713-01-01 BC', '4713-01-01 00:00:00 BC', '294276-12-31 23:59:59.999999+00', NULL, NULL, NULL, NULL)`

// protobufs are the rows of a relation as Protobuf can have them: without nulls in arrays, and a null array is an empty one.
func protobufs(relation string) string {
	query := "(SELECT id, name, b, i2, i4, i8, f4, f8, n, d, v, c, x, dt, tm, tz, ts, tstz, iv, u, jb"
	for _, array := range strings.Fields("ab ai ai8 af an at ax ad ats atz aiv au aj ai2 av as4") {
		if array == "ai2" { // the order is everyType's
			query += ", j, o"
		}
		query += fmt.Sprintf(", coalesce(array_remove(%[1]s, NULL), '{}') AS %[1]s", array)
	}
	return query + " FROM " + relation + ")"
}

// protobufType is everyType as it comes back from Protobuf, where a document is a string like any other.
var protobufType = strings.NewReplacer("jb jsonb", "jb text", "aj jsonb[]", "aj text[]", "j json", "j text").Replace(everyType)

// roundTrip is a way out of one instance and into another.
type roundTrip struct {
	name string
	sink string // FORMAT ... of the sink
	read string // FORMAT ... of what reads, if it differs
	of   string // what is sent: a query over things, or over the stream events; things if empty
	cols string // what reads: its columns; those of everyType if empty
	odd  bool   // the encoding has the values of everyOdd
}

var roundTrips = []roundTrip{
	{name: "plain_json", sink: "FORMAT PLAIN ENCODE JSON", of: "events", odd: true},
	{name: "plain_avro", sink: "FORMAT PLAIN ENCODE AVRO (REGISTRY)", of: "events"},
	{name: "plain_protobuf", sink: "FORMAT PLAIN ENCODE PROTOBUF (REGISTRY)", of: protobufs("events"), cols: protobufType},
	{name: "plain_text", sink: "FORMAT PLAIN ENCODE TEXT", of: "(SELECT name FROM events)", cols: "name text", odd: true},
	{name: "plain_text_numeric", sink: "FORMAT PLAIN ENCODE TEXT", of: "(SELECT n FROM events WHERE n IS NOT NULL)", cols: "n numeric", odd: true},
	{name: "plain_bytes", sink: "FORMAT PLAIN ENCODE BYTES", of: "(SELECT x FROM events WHERE x IS NOT NULL)", cols: "x bytea", odd: true},

	{name: "upsert_json", sink: "FORMAT UPSERT ENCODE JSON", odd: true},
	{name: "upsert_json_text", sink: "FORMAT UPSERT ENCODE JSON KEY ENCODE TEXT", odd: true},
	{name: "upsert_json_avro", sink: "FORMAT UPSERT ENCODE JSON KEY ENCODE AVRO (REGISTRY)", odd: true},
	{name: "upsert_avro", sink: "FORMAT UPSERT ENCODE AVRO (REGISTRY)"},
	{name: "upsert_avro_json", sink: "FORMAT UPSERT ENCODE AVRO (REGISTRY) KEY ENCODE JSON"},
	{name: "upsert_avro_bytes", sink: "FORMAT UPSERT ENCODE AVRO (REGISTRY) KEY ENCODE BYTES", read: "FORMAT UPSERT ENCODE AVRO (REGISTRY) KEY ENCODE TEXT",
		of: "(SELECT name, max(n) AS n, count(*) AS c FROM things GROUP BY name)", cols: "name text PRIMARY KEY, n numeric, c bigint"},
	{name: "upsert_protobuf", sink: "FORMAT UPSERT ENCODE PROTOBUF (REGISTRY)", of: protobufs("things"), cols: protobufType + ", PRIMARY KEY (id)"},
	{name: "upsert_protobuf_text", sink: "FORMAT UPSERT ENCODE PROTOBUF (REGISTRY) KEY ENCODE TEXT", of: protobufs("things"), cols: protobufType + ", PRIMARY KEY (id)"},
	{name: "upsert_text", sink: "FORMAT UPSERT ENCODE TEXT KEY ENCODE TEXT", of: "(SELECT id, name FROM things)", cols: "id bigint PRIMARY KEY, name text"},

	{name: "upsert_bytes_json", sink: "FORMAT UPSERT ENCODE BYTES KEY ENCODE JSON", of: "(SELECT id, name::bytea AS x FROM things)", cols: "id bigint PRIMARY KEY, x bytea"},

	{name: "debezium_json", sink: "FORMAT DEBEZIUM ENCODE JSON", odd: true},
	{name: "debezium_avro", sink: "FORMAT DEBEZIUM ENCODE AVRO (REGISTRY)"},
	{name: "debezium_avro_text", sink: "FORMAT DEBEZIUM ENCODE AVRO (REGISTRY) KEY ENCODE TEXT"},
}

// What one instance sinks a second one reads back unchanged, whatever the format and encoding: every type, nulls, the ends of
// each type; and again after rows were changed, deleted and added.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	registry := rig.SharedRegistry(t)
	k := rig.SharedKafka(t)
	from, to := rig.Millrace(t), rig.Millrace(t)
	for _, suffix := range []string{"", "_odd"} {
		from.Exec("CREATE TABLE things"+suffix+" ("+everyType+", PRIMARY KEY (id))", "CREATE STREAM events"+suffix+" ("+everyType+")")
		for _, relation := range []string{"things", "events"} {
			for _, row := range everyValue {
				from.Exec("INSERT INTO " + relation + suffix + " VALUES " + row)
			}
		}
	}
	from.Exec("INSERT INTO things_odd "+everyOdd, "INSERT INTO events_odd "+everyOdd)

	relations := map[string]string{} // by name of the case: what to compare with
	for _, c := range roundTrips {
		of := cmp.Or(c.of, "things")
		if c.odd {
			of = strings.NewReplacer("things", "things_odd", "events", "events_odd").Replace(of)
		}
		relations[c.name] = of
		topic := k.NewTopic(strings.ReplaceAll(c.name, "_", "."), 3)
		with := fmt.Sprintf(" WITH (connector = 'kafka', topic = '%s', properties.bootstrap.server = '%s') ", topic, k.Addr())
		format := func(s string) string {
			return strings.ReplaceAll(s, "REGISTRY", "schema.registry = '"+registry.URL+"'")
		}
		what := " FROM " + of
		if query, ok := strings.CutPrefix(of, "("); ok {
			what = " AS " + strings.TrimSuffix(query, ")")
		}
		from.Exec("CREATE SINK " + c.name + what + with + format(c.sink))
		cols, kind := cmp.Or(c.cols, everyType), "TABLE"
		switch {
		case strings.Contains(c.sink, "PLAIN"):
			kind = "STREAM"
		case c.cols == "":
			cols += ", PRIMARY KEY (id)"
		}
		sentBy(t, from, c.name) // the schema is registered
		to.Exec("CREATE " + kind + " " + c.name + " (" + cols + ")" + with + format(cmp.Or(c.read, c.sink)))
	}
	arrived := func(when string) {
		limit := time.Now().Add(time.Minute) // of all together
		for _, c := range roundTrips {
			t.Run(when+"/"+c.name, func(t *testing.T) {
				want := rowsOf(t, from.DSN(), "SELECT * FROM "+relations[c.name]+" AS r")
				rig.Eventually(t, time.Until(limit), func() error {
					got := rowsOf(t, to.DSN(), "SELECT * FROM "+c.name)
					if !slices.Equal(got, want) {
						return fmt.Errorf("%s\nerrors: %q", differences(got, want), rowsOf(t, to.DSN(), "SELECT message, data FROM millrace.errors WHERE relation = '"+c.name+"'"))
					}
					return nil
				})
			})
		}
	}
	arrived("first")
	from.Exec("INSERT INTO events VALUES "+strings.Replace(everyValue[0], "(1, 'plain'", "(10, 'later'", 1),
		"INSERT INTO events_odd VALUES "+strings.Replace(everyValue[2], "(9223372036854775807,", "(10,", 1))
	for _, things := range []string{"things", "things_odd"} {
		from.Exec("INSERT INTO "+things+" VALUES "+strings.Replace(everyValue[0], "(1, 'plain'", "(10, 'later'", 1),
			"UPDATE "+things+" SET d = NULL, n = 1.000, at = '{new}' WHERE id IN (1, 3)",
			"UPDATE "+things+" SET name = name || ' changed' WHERE id > 1000",
			"DELETE FROM "+things+" WHERE id IN (2, 4)",
			"UPDATE "+things+" SET id = 11 WHERE id = 10")
	}
	arrived("later")
	if rows := rowsOf(t, to.DSN(), "SELECT relation, message, data FROM millrace.errors"); len(rows) > 0 {
		t.Errorf("bad records: %q", rows)
	}
}

// sentBy waits until a sink has delivered its first rows.
func sentBy(t *testing.T, s *rig.Server, sink string) {
	t.Helper()
	rig.Eventually(t, time.Minute, func() error {
		rows := rowsOf(t, s.DSN(), "SELECT state, waiting_changes, last_error FROM millrace.sinks WHERE name = '"+sink+"'")
		if len(rows) != 1 || !strings.HasPrefix(rows[0], "running|0|") {
			return fmt.Errorf("sink %s: %q", sink, rows)
		}
		return nil
	})
}

// differences tells the first values that differ, by row and column.
func differences(got, want []string) string {
	var out []string
	for i := range max(len(got), len(want)) {
		if len(out) > 5 || i >= len(got) || i >= len(want) {
			break
		}
		a, b := strings.Split(got[i], "|"), strings.Split(want[i], "|")
		if a[0] != b[0] {
			out = append(out, fmt.Sprintf("row %.20s is not there, or row %.20s too much", b[0], a[0]))
			break
		}
		for col := range min(len(a), len(b)) {
			if a[col] != b[col] {
				out = append(out, fmt.Sprintf("row %.20s, column %d: got %.100q, want %.100q", b[0], col, a[col], b[col]))
			}
		}
	}
	return fmt.Sprintf("%d rows of %d\n%s", len(got), len(want), strings.Join(out, "\n"))
}
