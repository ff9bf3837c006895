package bench

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestRun runs the benchmarks of the wire, small, against a server in this process: each checks its own results.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	o := Options{
		Rows: 500, Clients: 2, Duration: 50 * time.Millisecond, Rounds: 1, Dir: t.TempDir(),
		Profile: filepath.Join(t.TempDir(), "cpu"), Out: &out,
	}
	if err := Run(context.Background(), o, []string{"copy", "insert", "lookup"}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"rows/s", "inserts/s", "lookups/s", "500 rows of"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the output:\n%s", want, out.String())
		}
	}
}

// TestKafka runs those that need a broker, small, against franz-go's own.
func TestKafka(t *testing.T) {
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	var out bytes.Buffer
	o := Options{
		Rows: 2000, Duration: 200 * time.Millisecond, Rounds: 1, Dir: t.TempDir(), Kafka: broker.ListenAddrs()[0],
		Profile: filepath.Join(t.TempDir(), "cpu"), Out: &out,
	}
	if err := Run(context.Background(), o, []string{"kafka", "kafkasink", "kafkalatency"}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"AVRO", "exactly_once", "p99"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the output:\n%s", want, out.String())
		}
	}
}

// TestNoBroker: a benchmark that needs one says so.
func TestNoBroker(t *testing.T) {
	for _, name := range []string{"kafka", "kafkasink", "kafkalatency", "kafkamemory"} {
		err := Run(context.Background(), Options{Rounds: 1, Rows: 10, Dir: t.TempDir(), Out: &bytes.Buffer{}, Profile: ""}, []string{name})
		if err == nil || !strings.Contains(err.Error(), "--kafka") {
			t.Errorf("%s without a broker: %v", name, err)
		}
	}
}

func TestUnknownName(t *testing.T) {
	err := Run(context.Background(), Options{Rounds: 1, Out: &bytes.Buffer{}}, []string{"copy", "sleep"})
	if err == nil || !strings.Contains(err.Error(), `"sleep"`) {
		t.Errorf("an unknown benchmark gives %v", err)
	}
}

func TestStatistics(t *testing.T) {
	if m := median([]float64{9, 1, 5}); m != 5 {
		t.Errorf("the median of 9, 1, 5 is %v", m)
	}
	if m := median([]float64{4, 1, 3, 2}); m != 2.5 {
		t.Errorf("the median of 1 to 4 is %v", m)
	}
	var ds []time.Duration
	for i := range 100 {
		ds = append(ds, time.Duration(100-i))
	}
	if p := percentile(ds, 0.99); p != 100 {
		t.Errorf("p99 of 1 to 100 is %d", p)
	}
	if p := percentile(nil, 0.5); p != 0 {
		t.Errorf("p50 of nothing is %v", p)
	}
	for x, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.6: "1,234,568"} {
		if got := thousands(x); got != want {
			t.Errorf("thousands(%v) = %q, want %q", x, got, want)
		}
	}
}
