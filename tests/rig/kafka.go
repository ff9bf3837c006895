package rig

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const kafkaVersion = "4.1.1"

const kafkaPOM = `<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>k</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>` + kafkaVersion + `</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>` + kafkaVersion + `</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.24.3</version></dependency>
</dependencies></project>
`

// Broker is an Apache Kafka broker, and its own controller, in one Java process. It keeps its data folder
// and its ports over Kill9, Stop and Restart.
type Broker struct {
	t testing.TB
	*node
}

// node is the process of a broker, which tests may share.
type node struct {
	jvm       string // the java program
	dir, lib  string
	options   []string // of the Java machine
	port      int
	listening string // further listeners,
	secured   string // and lines of the configuration
	proc      *process
	mu        sync.Mutex
	client    *kgo.Client // for the helpers; made on first use
	available bool
}

// Kafka starts a broker for the test, stopped when it ends.
func Kafka(t testing.TB) *Broker {
	t.Helper()
	b := newBroker(t)
	b.live(t)
	return b
}

// live starts the broker in a folder of the test, and ends it with the test.
func (b *Broker) live(t testing.TB) {
	t.Helper()
	b.dir = t.TempDir()
	t.Cleanup(func() {
		if b.client != nil {
			b.client.Close()
		}
		b.Kill9() // a clean stop takes seconds, and nobody comes back to this data
	})
	if err := b.begin(); err != nil {
		t.Fatalf("starting Kafka: %v", err)
	}
}

// newBroker finds what a broker needs; it has no folder yet.
func newBroker(t testing.TB) *Broker {
	t.Helper()
	java := Tool(t, "java", "default-jre-headless")
	lib, err := kafkaJars()
	if err != nil {
		need(t, "Kafka is not here: %v", err)
	}
	return &Broker{t: t, node: &node{jvm: java, lib: lib, options: startOptions(t, java, lib), port: FreePort(t)}}
}

// begin formats the broker's folder and starts it.
func (b *Broker) begin() error {
	if err := b.format(FreePort(b.t)); err != nil {
		return fmt.Errorf("formatting its storage: %w", err)
	}
	return b.launch()
}

// Addr returns the bootstrap address, host:port.
func (b *node) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.port)) }

// PID returns the process id of the running broker.
func (b *Broker) PID() int { return b.proc.cmd.Process.Pid }

// Kill9 kills the broker where it stands.
func (b *Broker) Kill9() {
	if b.available {
		b.proc.kill9()
		b.available = false
	}
}

// Stop ends the broker in order.
func (b *Broker) Stop() {
	b.t.Helper()
	if b.available {
		b.available = false
		// The JVM exits with 128 + the signal after an orderly stop: only an overdue one is an error.
		if err := b.proc.signal(syscall.SIGTERM, time.Minute); err != nil && strings.Contains(err.Error(), "was killed") {
			b.t.Fatal(err)
		}
	}
}

// Restart starts the broker, which must not be running, on the data it left, and waits until it answers.
func (b *Broker) Restart() {
	b.t.Helper()
	if err := b.launch(); err != nil {
		b.t.Fatalf("starting Kafka: %v", err)
	}
}

func (b *Broker) launch() error {
	cmd := b.java(append([]string{"-Xms256m", "-Xmx512m"}, b.options...), "kafka.Kafka", b.properties())
	proc, err := start(cmd, b.logFile(), syscall.SIGKILL)
	if err != nil {
		return err
	}
	b.proc, b.available = proc, true
	return proc.await(time.Minute, func() error {
		if err := dial(b.Addr()); err != nil {
			return err
		}
		c, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()))
		if err != nil {
			return err
		}
		defer c.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		brokers, err := kadm.NewClient(c).ListBrokers(ctx)
		if err == nil && len(brokers) == 0 {
			err = fmt.Errorf("the broker is not registered yet")
		}
		return err
	})
}

// DataDir returns the folder of the partitions' logs.
func (b *node) DataDir() string { return filepath.Join(b.dir, "data") }

// Log returns the path of the broker's log.
func (b *node) Log() string { return b.logFile() }

// Client returns a client of the broker, closed with the test. Its producer sends each record where its
// Partition says.
func (b *Broker) Client() *kgo.Client {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.client == nil {
		c, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()),
			kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(5*time.Millisecond),
			kgo.MaxBufferedRecords(1<<16), kgo.ProducerBatchMaxBytes(1<<20))
		if err != nil {
			b.t.Fatal(err)
		}
		b.client = c
	}
	return b.client
}

// CreateTopic creates a topic and waits until every partition has a leader.
func (b *Broker) CreateTopic(topic string, partitions int) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	adm := kadm.NewClient(b.Client())
	if _, err := adm.CreateTopic(ctx, int32(partitions), 1, nil, topic); err != nil {
		b.t.Fatalf("creating topic %s: %v", topic, err)
	}
	Eventually(b.t, 30*time.Second, func() error {
		ts, err := adm.ListTopics(ctx, topic)
		if err != nil {
			return err
		}
		if err := ts.Error(); err != nil {
			return err
		}
		for _, p := range ts[topic].Partitions.Sorted() {
			if p.Leader < 0 {
				return fmt.Errorf("partition %d has no leader", p.Partition)
			}
		}
		if n := len(ts[topic].Partitions); n != partitions {
			return fmt.Errorf("%d of %d partitions", n, partitions)
		}
		return nil
	})
}

// Produce writes values to the topic, value i to partition i mod partitions, and waits until the broker
// has acknowledged all of them.
func (b *Broker) Produce(topic string, partitions int, values ...[]byte) {
	b.t.Helper()
	records := make([]*kgo.Record, len(values))
	for i, v := range values {
		records[i] = &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: v}
	}
	b.ProduceRecords(records...)
}

// ProduceRecords writes records where their Topic and Partition say and waits until the broker has
// acknowledged all of them.
func (b *Broker) ProduceRecords(records ...*kgo.Record) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if err := b.Client().ProduceSync(ctx, records...).FirstErr(); err != nil {
		b.t.Fatalf("producing: %v", err)
	}
}

// JavaTool runs a class of Kafka's own command line tools with stdin as its input, and returns its output.
func (b *Broker) JavaTool(stdin []byte, class string, args ...string) []byte {
	b.t.Helper()
	out, err := b.run(stdin, class, args...)
	if err != nil {
		b.t.Fatalf("%s: %v", class, err)
	}
	return out
}

func (b *node) properties() string { return filepath.Join(b.dir, "server.properties") }
func (b *node) logFile() string    { return filepath.Join(b.dir, "broker.log") }

func (b *node) java(jvm []string, class string, args ...string) *exec.Cmd {
	all := append(slices.Clone(jvm), "-XX:+UseSerialGC", "-Dlog4j2.configurationFile="+filepath.Join(b.dir, "log4j2.properties"),
		"-cp", filepath.Join(b.lib, "*"), class)
	cmd := exec.Command(b.jvm, append(all, args...)...)
	cmd.Dir = b.dir
	return cmd
}

func (b *node) run(stdin []byte, class string, args ...string) ([]byte, error) {
	cmd := b.java([]string{"-Xms32m", "-Xmx128m", "-XX:TieredStopAtLevel=1"}, class, args...)
	cmd.Stdin = strings.NewReader(string(stdin))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s%s", err, out, stderr.String())
	}
	return out, nil
}

// format writes the configuration and an empty, formatted data folder.
func (b *node) format(controllerPort int) error {
	config := fmt.Sprintf(`process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:%[2]d
listeners=PLAINTEXT://127.0.0.1:%[1]d,CONTROLLER://127.0.0.1:%[2]d%[4]s
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL,MTLS:SSL,SASL:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
log.dirs=%[3]s
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=2097152
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=250
controller.quorum.election.timeout.ms=250
%[5]s`, b.port, controllerPort, filepath.Join(b.dir, "data"), b.listening, b.secured)
	const logging = `rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.target = SYSTEM_ERR
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c: %m%n
`
	if err := os.WriteFile(b.properties(), []byte(config), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.dir, "log4j2.properties"), []byte(logging), 0o644); err != nil {
		return err
	}
	_, err := b.run(nil, "kafka.tools.StorageTool", "format", "--standalone", "-t", "millrace-tests-cluster", "-c", b.properties())
	return err
}

var kafkaJars = sync.OnceValues(func() (string, error) {
	return cacheDir("kafka-"+kafkaVersion+"-with-tools", func(dir string) error {
		mvn, err := exec.LookPath("mvn")
		if err != nil {
			return fmt.Errorf("maven is needed to fetch it (Debian: maven)")
		}
		pom := filepath.Join(dir, "pom.xml")
		if err := os.WriteFile(pom, []byte(kafkaPOM), 0o644); err != nil {
			return err
		}
		cmd := exec.Command(mvn, "-q", "-B", "-f", pom, "dependency:copy-dependencies",
			"-DoutputDirectory="+dir, "-DincludeScope=runtime")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
		return nil
	})
})
