package rig

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// SharedBroker is one broker for all tests of a process that do not stop it. Beside the plain port, whose clients may do
// everything, it has ports with TLS and logins.
type SharedBroker struct {
	Broker
	*doors
}

// doors are the ports of a broker that ask who comes in.
type doors struct {
	Authority *Authority // of the broker's certificate, and of those that clients show
	ports     map[string]int
}

// The users of a shared broker, with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. Super may do everything, as may a client whose
// certificate has that name; Guest only what an ACL allows.
const (
	Super, SuperPassword = "super", "super-secret"
	Guest, GuestPassword = "guest", "guest-secret"
)

// listenerNames are the ports of doors: TLS, TLS with client certificates, logins without TLS, and with it.
var listenerNames = []string{"SSL", "MTLS", "SASL", "SASL_SSL"}

var sharedKafka struct {
	sync.Once
	SharedBroker
	missing bool // what the machine needs for it
	err     error
}

// SharedKafka returns the broker that the tests of this process share. It ends with the process.
func SharedKafka(t testing.TB) *SharedBroker {
	t.Helper()
	s := &sharedKafka
	s.Do(func() {
		s.missing = true
		s.Broker = *newBroker(t) // ends the test where something is missing
		s.missing = false
		s.err = s.open(t)
	})
	if s.missing {
		need(t, "Kafka is not here, as an earlier test has said")
	}
	if s.err != nil {
		t.Fatalf("starting Kafka: %v", s.err)
	}
	return &SharedBroker{Broker{t, s.node}, s.doors}
}

var topics atomic.Int64

// NewTopic creates a topic that no other test has, and returns its name, which begins as given.
func (b *SharedBroker) NewTopic(name string, partitions int) string {
	b.t.Helper()
	name = b.TopicName(name)
	b.CreateTopic(name, partitions)
	return name
}

// TopicName returns the name of a topic that does not exist, which begins as given.
func (b *SharedBroker) TopicName(name string) string {
	return fmt.Sprintf("%s-%d", name, topics.Add(1))
}

func (b *SharedBroker) open(t testing.TB) error {
	base, err := scratch()
	if err != nil {
		return err
	}
	b.dir = filepath.Join(base, "kafka")
	if err := os.Mkdir(b.dir, 0o755); err != nil {
		return err
	}
	b.doors = &doors{Authority: NewAuthority(t, "broker authority"), ports: map[string]int{}}
	for _, name := range listenerNames {
		b.ports[name] = FreePort(t)
	}
	cert, key := b.Authority.Issue(t, "broker", "127.0.0.1")
	b.listening, b.secured = b.listeners(), b.security(cert, key)
	if err := b.begin(); err != nil {
		return err
	}
	return b.addUsers()
}

// At returns the address of one of the ports in listenerNames.
func (d *doors) At(listener string) string { return fmt.Sprintf("127.0.0.1:%d", d.ports[listener]) }

func (d *doors) listeners() string {
	var list strings.Builder
	for _, name := range listenerNames {
		fmt.Fprintf(&list, ",%s://%s", name, d.At(name))
	}
	return list.String()
}

func (d *doors) security(cert, key string) string {
	oneLine := func(pem string) string { return strings.ReplaceAll(pem, "\n", `\n`) }
	var lines strings.Builder
	fmt.Fprintf(&lines, `inter.broker.listener.name=PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.certificate.chain=%s
ssl.keystore.key=%s
ssl.truststore.type=PEM
ssl.truststore.certificates=%s
listener.name.mtls.ssl.client.auth=required
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:%s;User:CN=%[4]s
`, oneLine(cert), oneLine(key), oneLine(d.Authority.PEM()), Super)
	const modules = "org.apache.kafka.common.security."
	for _, listener := range []string{"sasl", "sasl_ssl"} {
		fmt.Fprintf(&lines, "listener.name.%s.plain.sasl.jaas.config=%splain.PlainLoginModule required user_%s=\"%s\" user_%s=\"%s\";\n",
			listener, modules, Super, SuperPassword, Guest, GuestPassword)
		for _, mechanism := range []string{"256", "512"} {
			fmt.Fprintf(&lines, "listener.name.%s.scram-sha-%s.sasl.jaas.config=%sscram.ScramLoginModule required;\n", listener, mechanism, modules)
		}
	}
	return lines.String()
}

// addUsers makes the users of SCRAM, which the broker keeps itself.
func (b *SharedBroker) addUsers() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
		done, err := kadm.NewClient(b.Client()).AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{
			{User: Super, Mechanism: mechanism, Iterations: 4096, Password: SuperPassword},
			{User: Guest, Mechanism: mechanism, Iterations: 4096, Password: GuestPassword}})
		if err == nil {
			err = done.Error()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
