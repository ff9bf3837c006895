package connect

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/millracedb/millrace/tests/rig"
)

// kcat runs Debian's kcat, which stands on librdkafka, and returns the lines that it prints.
func kcat(t *testing.T, k *rig.SharedBroker, stdin string, args ...string) []string {
	t.Helper()
	cmd := exec.Command(rig.Tool(t, "kcat", "kcat"), append([]string{"-b", k.Addr(), "-q"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kcat %q: %v\n%s", args, err, stderr.Bytes())
	}
	return lines(out)
}

func lines(out []byte) []string {
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

const (
	consoleProducer = "org.apache.kafka.tools.ConsoleProducer"
	consoleConsumer = "org.apache.kafka.tools.consumer.ConsoleConsumer"
	consumerGroups  = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
	getOffsets      = "org.apache.kafka.tools.GetOffsetShell"
	topicCommand    = "org.apache.kafka.tools.TopicCommand"
)

var codecs = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// Records of Kafka's own console producer, and of kcat, with each compression, with keys and headers, arrive as kcat reads
// them; records that are no JSON are among the errors. The sources and the lag that the tools show agree.
func TestWriters(t *testing.T) {
	t.Parallel()
	k := rig.SharedKafka(t)
	topic := k.NewTopic("lines", 2)
	s := rig.Millrace(t)
	s.Exec(`CREATE STREAM lines (n int, codec text)
			INCLUDE KEY AS k INCLUDE PARTITION AS p INCLUDE OFFSET AS o INCLUDE TIMESTAMP AS at INCLUDE HEADERS AS h
			WITH (connector = 'kafka', topic = '`+topic+`', brokers = '`+k.Addr()+`', properties.group.id = '`+topic+`') FORMAT PLAIN ENCODE JSON`,
		`CREATE MATERIALIZED VIEW codecs AS SELECT codec, count(*) AS n, sum(n) AS total FROM lines GROUP BY codec`)
	const each = 300
	record := func(i int, codec string) string {
		return fmt.Sprintf(`{"n": %d, "codec": "%s", "padding": "%0*d"}`, i, codec, 100, 0)
	}
	for _, codec := range codecs {
		var java, c strings.Builder
		for i := range each {
			fmt.Fprintf(&java, "by:java,of:%d ☃\tkey %d\t%s\n", i, i, record(i, "java "+codec))
			fmt.Fprintf(&c, "key %d\t%s\n", i, record(i, "kcat "+codec))
		}
		java.WriteString("by:java\tbad\tthis is no JSON\n")
		k.JavaTool([]byte(java.String()), consoleProducer, "--bootstrap-server", k.Addr(), "--topic", topic, "--compression-codec", codec,
			"--property", "parse.key=true", "--property", "parse.headers=true")
		kcat(t, k, c.String(), "-P", "-t", topic, "-z", codec, "-K", "\t", "-H", "by=kcat", "-H", "none", "-H", "of=☃")
	}
	kcat(t, k, record(1, "no key"), "-P", "-t", topic)
	total := 2*each*len(codecs) + 1
	rig.Eventually(t, time.Minute, func() error { return expectCount(s.DSN(), "SELECT count(*) FROM lines", total) })
	for _, codec := range codecs {
		for _, by := range []string{"java ", "kcat "} {
			if err := expectCount(s.DSN(), fmt.Sprintf("SELECT count(*) FROM codecs WHERE codec = '%s' AND n = %d AND total = %d", by+codec, each, each*(each-1)/2), 1); err != nil {
				t.Error(err)
			}
		}
	}
	if err := expectCount(s.DSN(), "SELECT count(*) FROM millrace.errors WHERE record_key = 'bad'", len(codecs)); err != nil {
		t.Error(err)
	}
	want := kcat(t, k, "", "-C", "-t", topic, "-e", "-o", "beginning", "-f", `%k|%p|%o|%T|%h|%s\n`)
	for i := range want {
		want[i], _, _ = strings.Cut(want[i], `"padding"`)
	}
	want = slices.DeleteFunc(want, func(line string) bool { return strings.HasPrefix(line, "bad|") })
	slices.Sort(want)
	got := rowsOf(t, s.DSN(), `SELECT coalesce(convert_from(k, 'UTF8'), ''), p, o, (extract(epoch FROM at) * 1000)::bigint,
		CASE WHEN h = '{}' THEN '' WHEN h ->> 'by' = 'java' THEN 'by=java,of=' || (h ->> 'of') ELSE 'by=' || (h ->> 'by') || ',none=' || coalesce(h ->> 'none', 'NULL') || ',of=' || (h ->> 'of') END,
		'{"n": ' || n || ', "codec": "' || codec || '", ' FROM lines`)
	if !slices.Equal(got, want) {
		t.Errorf("INCLUDE differs from what kcat shows: %s", strings.ReplaceAll(firstDifference(got, want), "PostgreSQL", "kcat"))
	}

	// The ends and the lag as Kafka's tools see them.
	ends := lines(k.JavaTool(nil, getOffsets, "--bootstrap-server", k.Addr(), "--topic", topic))
	slices.Sort(ends)
	rig.Eventually(t, 30*time.Second, func() error {
		got := rowsOf(t, s.DSN(), `SELECT '`+topic+`:' || partition || ':' || end_offset FROM millrace.sources WHERE state = 'running' AND lag = 0`)
		if !slices.Equal(got, ends) {
			return fmt.Errorf("millrace.sources shows %q, kafka-get-offsets %q", got, ends)
		}
		return nil
	})
	s.Exec(`ALTER STREAM lines PAUSE`)
	kcat(t, k, "{}\n{}\n{}\n", "-P", "-t", topic, "-p", "0")
	rig.Eventually(t, 90*time.Second, func() error {
		return lagShown(string(k.JavaTool(nil, consumerGroups, "--bootstrap-server", k.Addr(), "--describe", "--group", topic)),
			rowsOf(t, s.DSN(), `SELECT partition, committed_offset, CASE partition WHEN 0 THEN 3 ELSE 0 END FROM millrace.sources`))
	})
}

// lagShown compares what kafka-consumer-groups.sh prints with partition|offset|lag.
func lagShown(printed string, want []string) error {
	var got []string
	for _, line := range strings.Split(printed, "\n") {
		if f := strings.Fields(line); len(f) > 5 && f[0] != "GROUP" {
			got = append(got, f[2]+"|"+f[3]+"|"+f[5])
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		return fmt.Errorf("kafka-consumer-groups shows %q, want %q\n%s", got, want, printed)
	}
	return nil
}

// What sinks write, kcat and Kafka's own console consumer read alike, committed records only; and each key is in the
// partition in which the Java client puts it.
func TestReaders(t *testing.T) {
	t.Parallel()
	const rows, partitions = 400, 7
	k := rig.SharedKafka(t)
	s := rig.Millrace(t)
	s.Exec(`CREATE TABLE things (id bigint PRIMARY KEY, name text NOT NULL)`,
		fmt.Sprintf(`INSERT INTO things SELECT g, 'thing ☃ ' || g * g FROM generate_series(1, %d) g`, rows))
	keys := map[string]string{"json": "KEY ENCODE JSON", "text": "KEY ENCODE TEXT"}
	topics := map[string]string{}
	for name, key := range keys {
		topics[name] = k.NewTopic(name, partitions)
		s.Exec(`CREATE SINK ` + name + ` FROM things WITH (connector = 'kafka', topic = '` + topics[name] + `', brokers = '` + k.Addr() + `', properties.compression.type = 'zstd')
			FORMAT UPSERT ENCODE JSON ` + key)
	}
	delivered(t, s)
	s.Exec(`UPDATE things SET name = 'changed' WHERE id = 1`, `DELETE FROM things WHERE id = 2`)
	delivered(t, s)
	read := func(topic, format string) []string {
		out := kcat(t, k, "", "-C", "-t", topic, "-e", "-o", "beginning", "-X", "isolation.level=read_committed", "-f", format)
		slices.Sort(out)
		return out
	}
	want := rowsOf(t, s.DSN(), `SELECT id || ' {"id":' || id || ',"name":"' || name || '"}' FROM things WHERE id > 2
		UNION ALL SELECT '1 {"id":1,"name":"thing ☃ 1"}' UNION ALL SELECT '1 {"id":1,"name":"changed"}'
		UNION ALL SELECT '2 {"id":2,"name":"thing ☃ 4"}' UNION ALL SELECT '2 null'`)
	if got := read(topics["text"], `%k %s\n`); !slices.Equal(got, slices.Sorted(slices.Values(without(want, "2 null", "2 ")))) {
		t.Errorf("kcat reads otherwise: %s", firstDifference(got, want))
	}
	java := lines(k.JavaTool(nil, consoleConsumer, "--bootstrap-server", k.Addr(), "--topic", topics["text"], "--from-beginning",
		"--isolation-level", "read_committed", "--max-messages", strconv.Itoa(len(want)), "--timeout-ms", "60000",
		"--property", "print.key=true", "--property", "key.separator= "))
	slices.Sort(java)
	if !slices.Equal(java, want) {
		t.Errorf("the console consumer reads otherwise: %s", firstDifference(java, want))
	}

	for name, topic := range topics {
		placed := slices.Compact(read(topic, `%k\t%p\n`))
		var input strings.Builder
		for _, line := range placed {
			key, _, _ := strings.Cut(line, "\t")
			fmt.Fprintf(&input, "%s\tvalue\n", key)
		}
		judge := k.NewTopic(name+"-by-java", partitions)
		k.JavaTool([]byte(input.String()), consoleProducer, "--bootstrap-server", k.Addr(), "--topic", judge, "--property", "parse.key=true")
		if javas := read(judge, `%k\t%p\n`); !slices.Equal(placed, javas) || len(placed) != rows {
			t.Errorf("%s: %d keys; Java puts a key elsewhere: %s", name, len(placed), firstDifference(placed, javas))
		}
	}
}

// without replaces one line by another: kcat prints a tombstone as nothing.
func without(list []string, line, as string) []string {
	out := slices.Clone(list)
	out[slices.Index(out, line)] = as
	return out
}

// Every encoding, as text that another client writes: what it means with each format.
func TestEncodingsByKcat(t *testing.T) {
	t.Parallel()
	k := rig.SharedKafka(t)
	s := rig.Millrace(t)
	const envelope = `{"schema": {"type": "struct", "fields": [{"field": "after", "type": "struct", "fields": [
		{"field": "price", "type": "bytes", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}},
		{"field": "at", "type": "int64", "name": "io.debezium.time.MicroTimestamp"}]}]}, "payload": %s}`
	inEnvelope := strings.NewReplacer("\n", "", "\t", "").Replace(envelope)
	for _, c := range []struct {
		name, cols, format string
		args               []string // of kcat
		in                 string
		want               string // the rows
	}{
		{"plain_csv", "id int, name text, ok bool", "FORMAT PLAIN ENCODE CSV", nil,
			"1,\"a, \"\"b\"\"\",t\n2,,f\n", `1|a, "b"|t 2|NULL|f`},
		{"plain_csv_tab", "id int, name text", "FORMAT PLAIN ENCODE CSV (delimiter = 'tab', null = 'NIL')", nil, "1\tNIL\n2\tå\n", `1|NULL 2|å`},
		{"plain_text", "line text", "FORMAT PLAIN ENCODE TEXT", nil, "one\ntwo ☃\n", `one two ☃`},
		{"plain_text_time", "at timestamptz", "FORMAT PLAIN ENCODE TEXT", nil, "2024-01-02 03:04:05+01\n", `2024-01-02 02:04:05+00`},
		{"plain_bytes", "b bytea", "FORMAT PLAIN ENCODE BYTES", nil, "one\n", `\x6f6e65`},
		{"plain_json", "id int, city text FROM 'address.city', at timestamptz, d date, n numeric, tags text[]", "FORMAT PLAIN ENCODE JSON (timestamp.unit = 'ms')", nil,
			`{"id": "7", "address": {"city": "Oslo"}, "at": 1700000000123, "d": 19000, "n": 1.20, "tags": ["a", null], "unknown": {}}` + "\n",
			`7|Oslo|2023-11-14 22:13:20.123+00|2022-01-08|1.20|{a,NULL}`},
		{"upsert_csv", "id int PRIMARY KEY, name text, n int", "FORMAT UPSERT ENCODE CSV KEY ENCODE TEXT", []string{"-K", ":", "-Z"},
			"1:a,1\n2:b,2\n1:c,3\n2:\n", `1|c|3`},
		{"upsert_text", "id text PRIMARY KEY, name text", "FORMAT UPSERT ENCODE TEXT", []string{"-K", ":", "-Z"}, "k:a\nl:b\nk:\n", `l|b`},
		{"upsert_bytes", "id int PRIMARY KEY, b bytea", "FORMAT UPSERT ENCODE BYTES KEY ENCODE JSON", []string{"-K", "\t", "-Z"}, "{\"id\":1}\ta\n2\tb\n1\tc\n", `1|\x63 2|\x62`},
		{"upsert_json", "a int, b text, v numeric, PRIMARY KEY (a, b)", "FORMAT UPSERT ENCODE JSON", []string{"-K", "\t", "-Z"},
			"{\"a\":1,\"b\":\"x\"}\t{\"v\":1.5}\n{\"b\":\"x\",\"a\":1}\t{\"v\":\"2.50\"}\n{\"a\":2,\"b\":\"x\"}\t{\"v\":1}\n{\"a\":2,\"b\":\"x\"}\t\n", `1|x|2.50`},
		{"upsert_key", "name text", "FORMAT UPSERT ENCODE JSON", []string{"-K", "\t", "-Z"}, "k\t{\"name\":\"a\"}\nl\t{\"name\":\"b\"}\nk\t\n", `b|\x6c`},
		{"debezium_json", "id int PRIMARY KEY, price numeric, at timestamptz", "FORMAT DEBEZIUM ENCODE JSON", []string{"-K", "\t", "-Z"},
			"{\"id\":1}\t" + fmt.Sprintf(inEnvelope, `{"before": null, "after": {"id": 1, "price": "MDk=", "at": 1700000000123456}, "op": "c"}`) + "\n" +
				"{\"id\":2}\t" + fmt.Sprintf(inEnvelope, `{"before": null, "after": {"id": 2, "price": "AA==", "at": 0}, "op": "r"}`) + "\n" +
				"{\"id\":1}\t" + `{"before": {"id": 1}, "after": {"id": 3, "price": 1.5, "at": "2024-01-01T00:00:00Z"}, "op": "u"}` + "\n" +
				"{\"id\":2}\t" + `{"before": {"id": 2}, "after": null, "op": "d"}` + "\n{\"id\":2}\t\n",
			`3|1.5|2024-01-01 00:00:00+00`},
	} {
		t.Run(c.name, func(t *testing.T) {
			topic := k.NewTopic(c.name, 1)
			kind, include := "TABLE", ""
			switch {
			case strings.HasPrefix(c.name, "plain"):
				kind = "STREAM"
			case !strings.Contains(c.cols, "PRIMARY KEY"):
				c.cols += ", PRIMARY KEY (k)"
				include = " INCLUDE KEY AS k"
			}
			s.Exec("CREATE " + kind + " " + c.name + " (" + c.cols + ")" + include + " WITH (connector = 'kafka', topic = '" + topic + "', brokers = '" + k.Addr() + "') " + c.format)
			kcat(t, k, c.in, append([]string{"-P", "-t", topic}, c.args...)...)
			read := len(lines([]byte(c.in)))
			rig.Eventually(t, 30*time.Second, func() error {
				return expectCount(s.DSN(), "SELECT count(*) FROM millrace.sources WHERE name = '"+c.name+"' AND committed_offset = "+strconv.Itoa(read), 1)
			})
			if got := strings.Join(rowsOf(t, s.DSN(), "SELECT * FROM "+c.name), " "); got != c.want {
				t.Errorf("got  %s\nwant %s\n%q", got, c.want, rowsOf(t, s.DSN(), "SELECT message, data FROM millrace.errors"))
			}
		})
	}
}

// Where a stream starts, and partitions that come later, on a real broker: kafka-topics.sh adds them while a stream reads.
func TestStarts(t *testing.T) {
	t.Parallel()
	k := rig.SharedKafka(t)
	s := rig.Millrace(t)
	topic := k.TopicName("numbers")
	create := func(name, more string) string {
		return `CREATE STREAM ` + name + ` (n int) INCLUDE PARTITION AS p WITH (connector = 'kafka', topic = '` + topic + `', brokers = '` + k.Addr() + `'` + more + `)`
	}
	refused(t, s, "42704", create("numbers", ""))
	k.CreateTopic(topic, 2)
	s.Exec(create("numbers", ""), create("newest", ", scan.startup.mode = 'latest'"))
	var times []string
	for i := range 3 { // each later than the one before
		time.Sleep(5 * time.Millisecond)
		for p := range 2 {
			kcat(t, k, fmt.Sprintf(`{"n": %d}`, 10*i+p), "-P", "-t", topic, "-p", strconv.Itoa(p))
		}
		times = append(times, kcat(t, k, "", "-C", "-t", topic, "-p", "0", "-o", strconv.Itoa(i), "-c", "1", "-f", `%T`)...)
	}
	s.Exec(create("timed", ", scan.startup.mode = 'timestamp', scan.startup.timestamp.millis = "+times[1]),
		create("placed", ", scan.startup.mode = 'offsets', scan.startup.offsets = '0:2,1:1'"),
		create("behind", ", scan.startup.mode = 'timestamp', scan.startup.timestamp.millis = 4102444800000"))
	numbers := func(name, want string) {
		t.Helper()
		expect(t, s, "SELECT string_agg(n::text, ' ' ORDER BY n) FROM "+name, want)
	}
	numbers("numbers", "0 1 10 11 20 21")
	numbers("newest", "0 1 10 11 20 21")
	numbers("timed", "10 11 20 21")
	numbers("placed", "11 20 21")
	k.JavaTool(nil, topicCommand, "--bootstrap-server", k.Addr(), "--alter", "--topic", topic, "--partitions", "4")
	for p := range 4 {
		kcat(t, k, fmt.Sprintf(`{"n": %d}`, 30+p), "-P", "-t", topic, "-p", strconv.Itoa(p))
	}
	numbers("numbers", "0 1 10 11 20 21 30 31 32 33")
	numbers("timed", "10 11 20 21 30 31 32 33")
	numbers("placed", "11 20 21 30 31 32 33")
	numbers("behind", "30 31 32 33")
	s.Kill9()
	s.Restart()
	kcat(t, k, `{"n": 43}`, "-P", "-t", topic, "-p", "3")
	numbers("behind", "30 31 32 33 43")
	expect(t, s, `SELECT count(*)::text FROM millrace.sources WHERE name = 'newest'`, "4")
	numbers("newest", "0 1 10 11 20 21 30 31 32 33 43")
}
