package rig

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const debeziumVersion = "2.7.4.Final"

const debeziumPOM = `<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>d</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>connect-runtime</artifactId><version>` + kafkaVersion + `</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>connect-json</artifactId><version>` + kafkaVersion + `</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
<dependency><groupId>io.debezium</groupId><artifactId>debezium-connector-postgres</artifactId><version>` + debeziumVersion + `</version></dependency>
<dependency><groupId>io.apicurio</groupId><artifactId>apicurio-registry-utils-converter</artifactId><version>2.6.13.Final</version></dependency>
</dependencies></project>
`

// Debezium starts Debezium's connector for PostgreSQL, once for each of the named settings, in one process of Kafka
// Connect that ends with the test. A connector called n sends the changes of table public.x to the topic n.public.x, and
// makes its topics. The database, one of Database's, loses its replication slots when the test ends.
func Debezium(t testing.TB, b *Broker, dsn string, connectors map[string]map[string]string) {
	t.Helper()
	java := javaSince(t, 17)
	lib, err := debeziumJars()
	if err != nil {
		need(t, "Debezium is not here: %v", err)
	}
	dir := t.TempDir()
	args := []string{"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dlog4j2.configurationFile=" + filepath.Join(b.dir, "log4j2.properties"),
		"-cp", filepath.Join(lib, "*"), "org.apache.kafka.connect.cli.ConnectStandalone"}
	write := func(name string, settings map[string]string) {
		var text strings.Builder
		for _, k := range slices.Sorted(maps.Keys(settings)) {
			fmt.Fprintf(&text, "%s=%s\n", k, settings[k])
		}
		file := filepath.Join(dir, name+".properties")
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	write("worker", map[string]string{
		"bootstrap.servers": b.Addr(), "listeners": fmt.Sprintf("http://127.0.0.1:%d", FreePort(t)),
		"offset.storage.file.filename": filepath.Join(dir, "offsets"), "offset.flush.interval.ms": "1000",
		"key.converter":   "org.apache.kafka.connect.json.JsonConverter",
		"value.converter": "org.apache.kafka.connect.json.JsonConverter",
	})
	for _, name := range slices.Sorted(maps.Keys(connectors)) {
		write(name, debeziumSettings(t, name, dsn, connectors[name]))
	}
	cmd := exec.Command(java, args...)
	cmd.Dir = dir
	proc, err := start(cmd, filepath.Join(dir, "connect.log"), syscall.SIGKILL)
	if err != nil {
		t.Fatalf("starting Debezium: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of Debezium's log:\n%s", proc.tail())
		}
		proc.kill9()
		dropSlots(t, dsn)
	})
	err = proc.await(2*time.Minute, func() error { return slotsActive(dsn, len(connectors)) })
	if err != nil {
		t.Fatalf("starting Debezium: %v", err)
	}
}

// debeziumSettings are a connector's own, and what every connector to a test's database needs.
func debeziumSettings(t testing.TB, name, dsn string, own map[string]string) map[string]string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimPrefix(u.Path, "/")
	s := map[string]string{
		"name": name, "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1",
		"plugin.name": "pgoutput", "slot.name": database + "_" + name, "publication.name": database + "_" + name,
		"database.hostname": u.Hostname(), "database.port": u.Port(), "database.user": "postgres", "database.dbname": database,
		"topic.prefix": name, "poll.interval.ms": "50",
		"topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "1",
	}
	maps.Copy(s, own)
	return s
}

// slotsActive reports as an error that not all connectors of a database follow its log yet.
func slotsActive(dsn string, want int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	var have int
	err = c.QueryRow(ctx, "SELECT count(*) FROM pg_replication_slots WHERE active AND database = current_database()").Scan(&have)
	if err == nil && have < want {
		err = fmt.Errorf("%d of %d replication slots are in use", have, want)
	}
	return err
}

// dropSlots lets a database be dropped.
func dropSlots(t testing.TB, dsn string) {
	t.Helper()
	const drop = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active AND database = current_database()"
	Eventually(t, 30*time.Second, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		c, err := pgx.Connect(ctx, dsn)
		if err != nil {
			return err
		}
		defer c.Close(ctx)
		if _, err := c.Exec(ctx, drop); err != nil {
			return err
		}
		var left int
		err = c.QueryRow(ctx, "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()").Scan(&left)
		if err == nil && left > 0 {
			err = fmt.Errorf("%d replication slots are still in use", left)
		}
		return err
	})
}

func debeziumJars() (string, error) {
	return cacheDir("debezium-"+debeziumVersion, func(dir string) error {
		mvn, err := exec.LookPath("mvn")
		if err != nil {
			return fmt.Errorf("maven is needed to fetch it (Debian: maven)")
		}
		pom := filepath.Join(dir, "pom.xml")
		if err := os.WriteFile(pom, []byte(debeziumPOM), 0o644); err != nil {
			return err
		}
		cmd := exec.Command(mvn, "-q", "-B", "-f", pom, "dependency:copy-dependencies", "-DoutputDirectory="+dir, "-DincludeScope=runtime")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
}
