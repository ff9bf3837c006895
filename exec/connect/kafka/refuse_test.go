package kafka

import (
	"context"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// What CREATE asks of the brokers, for a source, for one without columns, and for a sink.
func questions(t *testing.T, addrs []string, with map[string]string) map[string]func(context.Context) error {
	source, sink := spec(t, addrs, with), sinkSpec(t, addrs, with)
	guess := source
	guess.Columns, guess.Format = nil, catalog.Format{Format: "PLAIN", Encode: "JSON"}
	return map[string]func(context.Context) error{
		"source":  func(ctx context.Context) error { return Connector.Probe(ctx, source) },
		"columns": func(ctx context.Context) error { _, err := Connector.Infer(ctx, guess); return err },
		"sink":    func(ctx context.Context) error { return Connector.Sink.Probe(ctx, sink) },
	}
}

// silent listens, and says nothing to whoever comes. It tells when it has been asked something.
func silent(t *testing.T) (addr string, asked chan struct{}) {
	asked = make(chan struct{}, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for b := make([]byte, 1024); ; {
					if _, err := c.Read(b); err != nil {
						return
					}
					select {
					case asked <- struct{}{}:
					default:
					}
				}
			}()
		}
	}()
	return l.Addr().String(), asked
}

// CREATE says what is wrong with the way to the brokers, in bounded time, also if they do not answer at all.
func TestProbesRefuse(t *testing.T) {
	t.Parallel()
	c := cluster(t, 1)
	locked := cluster(t, 1, kfake.EnableSASL(), kfake.Superuser("PLAIN", "admin", "secret"))
	send(t, client(t, locked, kgo.SASL(plain.Auth{User: "admin", Pass: "secret"}.AsMechanism())), numbers(0, 1, 1)...)
	login := func(user, password string) map[string]string {
		return map[string]string{optMechanism: "plain", optUsername: user, optPassword: password}
	}
	var all sync.WaitGroup
	defer all.Wait()
	mute, _ := silent(t)
	for _, tc := range []struct {
		name  string
		addrs []string
		with  map[string]string
		code  string
		want  string
	}{
		{"nobody there", []string{"127.0.0.1:1"}, nil, pgerr.ConnectionFailure, "127.0.0.1:1"},
		{"no such host", []string{"nowhere.invalid:9092"}, nil, pgerr.ConnectionFailure, "nowhere.invalid"},
		{"no answer", []string{mute}, nil, pgerr.ConnectionFailure, ""},
		{"no topic", c.ListenAddrs(), map[string]string{"topic": "nope"}, pgerr.UndefinedObject, `topic "nope" does not exist`},
		{"no such topic name", c.ListenAddrs(), map[string]string{"topic": "a b"}, "", "topic"},
		{"wrong password", locked.ListenAddrs(), login("admin", "guess"), "28", ""},
		{"right password", locked.ListenAddrs(), login("admin", "secret"), "", ""},
	} {
		for what, ask := range questions(t, tc.addrs, tc.with) {
			all.Go(func() {
				began := time.Now()
				err := ask(context.Background())
				switch {
				case tc.name == "right password":
					if err != nil {
						t.Errorf("%s, %s: %v", tc.name, what, err)
					}
				case err == nil || !strings.HasPrefix(pgerr.Of(err).Code, tc.code) || !strings.Contains(err.Error(), tc.want):
					t.Errorf("%s, %s: %v", tc.name, what, err)
				case strings.HasPrefix(pgerr.Of(err).Code, "08") && pgerr.Of(err).Hint == "":
					t.Errorf("%s, %s: no hint", tc.name, what)
				}
				if took := time.Since(began); took > 6*probeTimeout {
					t.Errorf("%s, %s: took %v", tc.name, what, took)
				}
			})
		}
	}
}

// A statement that is cancelled while it waits for the brokers ends with that, before they answer.
func TestProbesEndWhenCancelled(t *testing.T) {
	addr, heard := silent(t)
	slow := cluster(t, 1)
	send(t, client(t, slow), numbers(0, 3, 1)...)
	for _, tc := range []struct {
		name  string
		addrs []string
	}{{"no answer", []string{addr}}, {"a slow one", slow.ListenAddrs()}} {
		for what, ask := range questions(t, tc.addrs, nil) {
			ctx, cancel := context.WithCancel(context.Background())
			asked := heard
			select {
			case <-heard: // of the one before
			default:
			}
			if tc.name == "a slow one" { // it answers everything but the last question
				asked = make(chan struct{}, 1)
				key := map[string]kmsg.Key{"source": kmsg.ListOffsets, "columns": kmsg.Fetch, "sink": kmsg.InitProducerID}[what]
				slow.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
					select {
					case asked <- struct{}{}:
					default:
					}
					slow.SleepControl(func() { <-ctx.Done() })
					return nil, nil, false
				})
			}
			done := make(chan error, 1)
			go func() { done <- ask(ctx) }()
			<-asked
			cancel()
			select {
			case err := <-done:
				if !pgerr.Is(err, pgerr.QueryCanceled) {
					t.Errorf("%s, %s: %v", tc.name, what, err)
				}
			case <-time.After(probeTimeout): // before it would have given up by itself
				t.Errorf("%s, %s: it does not end", tc.name, what)
			}
		}
	}
}

// Every wrong or contradictory option is named.
func TestOptionsRefused(t *testing.T) {
	for _, tc := range []struct {
		with map[string]string
		want []string
	}{
		{map[string]string{"scan.startup.mode": "offsets"}, []string{optOffsets, optStart}},
		{map[string]string{"scan.startup.offsets": "0:1"}, []string{optOffsets, optStart}},
		{map[string]string{"scan.startup.mode": "offsets", "scan.startup.offsets": "0:1,0:2"}, []string{optOffsets, "0:1,0:2"}},
		{map[string]string{"scan.startup.mode": "timestamp", "scan.startup.timestamp.millis": "-1"}, []string{optMillis, "-1"}},
		{map[string]string{"errors.topic": "t"}, []string{optErrorsTopic}},
		{map[string]string{"properties.fetch.min.bytes": "9000000"}, []string{optFetchMin, optFetchMax}},
		{map[string]string{"properties.fetch.max.wait.ms": "1"}, []string{optFetchWait, "10"}},
		{map[string]string{"properties.fetch.max.bytes": "0"}, []string{optFetchMax}},
		{map[string]string{"properties.metadata.max.age.ms": "86400000"}, []string{optMetadataAge, "86400000"}},
		{map[string]string{"properties.client.id": strings.Repeat("x", 300)}, []string{"client id"}},
		{map[string]string{"properties.security.protocol": "plaintext", "properties.sasl.username": "u"}, []string{optProtocol, optUsername}},
		{map[string]string{"properties.security.protocol": "sasl_plaintext", "properties.ssl.ca.location": "f"}, []string{optProtocol, optCA}},
		{map[string]string{"properties.sasl.username": "u"}, []string{optMechanism}},
		{map[string]string{"properties.ssl.key.location": "f"}, []string{optCert, optKey}},
	} {
		_, err := Connector.Open(spec(t, []string{"127.0.0.1:9092"}, tc.with))
		named(t, tc.with, err, tc.want)
	}
	for _, tc := range []struct {
		with map[string]string
		want []string
	}{
		{map[string]string{"delivery": "at_least_once", "properties.transactional.id": "x"}, []string{optTransactionalID, optDelivery}},
		{map[string]string{"topic.replication.factor": "1"}, []string{optReplication, optPartitions}},
		{map[string]string{"topic.partitions": "many"}, []string{optPartitions, "many"}},
		{map[string]string{"properties.client.id": strings.Repeat("x", 300)}, []string{"client id"}},
	} {
		_, err := Connector.Sink.Open(sinkSpec(t, []string{"127.0.0.1:9092"}, tc.with))
		named(t, tc.with, err, tc.want)
	}
	for _, with := range []map[string]string{ // the ends of what is allowed
		{optFetchMax: "1073741824"}, {optFetchMax: "1"}, {optFetchWait: "600000"}, {optPartitionMax: "1073741824"},
		{optMetadataAge: "1000"}, {optMetadataAge: "3600000"}, {optDialTimeout: "1"}, {optDialTimeout: "600000"},
	} {
		if with[optFetchMax] == "1" {
			with[optFetchMin] = "1"
		}
		if _, err := Connector.Open(spec(t, []string{"127.0.0.1:9092"}, with)); err != nil {
			t.Errorf("%v: %v", with, err)
		}
	}
}

func named(t *testing.T, with map[string]string, err error, want []string) {
	t.Helper()
	if !pgerr.Is(err, pgerr.InvalidParameterValue) {
		t.Errorf("%v: got %v", with, err)
		return
	}
	text := err.Error() + " " + pgerr.Of(err).Hint
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%v: %q does not name %q", with, text, w)
		}
	}
}

// Sources and sinks that are ended, at whatever moment, leave nothing running behind them.
func TestNothingGoesOn(t *testing.T) {
	c := cluster(t, 3)
	cl := client(t, c)
	send(t, cl, numbers(0, 3000, 3)...)
	send(t, cl, &kgo.Record{Topic: "t", Value: []byte("no JSON")})
	cl.Close()
	before := runtime.NumGoroutine()
	dead, _ := silent(t)
	for i := range 24 {
		addrs := c.ListenAddrs()
		if i%8 == 7 {
			addrs = []string{dead}
		}
		e := &engine{}
		if i%3 == 0 {
			e.gate = make(chan struct{}) // it stops in Deliver
		}
		r := read(t, spec(t, addrs, map[string]string{"properties.group.id": "g", "errors.topic": "e"}), e)
		q := newSinkQueue()
		q.add(1, 2, 3)
		s := sendAll(t, sinkSpec(t, addrs, nil), q)
		time.Sleep(time.Duration(i) * 2 * time.Millisecond)
		s.stop()
		r.close()
		if err := <-s.done; err != nil {
			t.Error(err)
		}
	}
	c.Close()
	// What is left is the listener that says nothing, and what it was told.
	eventually(t, "the end of all goroutines", func() bool { return runtime.NumGoroutine() <= before+1 })
}
