package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"syscall"
	"time"
)

// Options say what to measure and against what.
type Options struct {
	DSN      string // a running server; "": one is started on a temporary directory
	Postgres string // DSN of a PostgreSQL to compare with; "": no comparison
	Kafka    string // host:port of a broker, for kafka...
	Registry string // URL of a schema registry, for kafka; "": the schema is in the statement
	Rows     int    // events; 0: as the benchmark has it
	Clients  int    // 0: as the benchmark has it
	Duration time.Duration
	Rounds   int    // the median of so many is printed
	Dir      string // of temporary data directories; "": the system's
	Profile  string // file for a CPU profile; the server then runs in this process
	Out      io.Writer
}

// benchmark is one entry of the table.
type benchmark struct {
	name, doc string
	run       func(context.Context, *bench) error
	broker    bool // it needs one
}

func benchmarks() []benchmark {
	return []benchmark{
		{"copy", "durable COPY of click rows, two aggregating views", runCopy, false},
		{"insert", "durable single-row INSERT, ten views, 1 and 64 clients", runInsert, false},
		{"lookup", "prepared point lookup by key in a view, 8 clients", runLookup, false},
		{"groupby", "in-process GROUP BY view over bigint keys, log on", runGroupBy, false},
		{"scan", "scan of a 100-row view after 10 and 10,000 epochs that rewrote it", runScan, false},
		{"checkpoint", "commit latency without and beside checkpoints", runCheckpoint, false},
		{"restart", "time from process start to the first query, 1 M and 10 M groups", runRestart, false},
		{"memory", "idle memory, and bytes a group at 10 M groups", runMemory, false},
		{"kafka", "JSON and AVRO records of a topic into one aggregating view", runKafka, true},
		{"kafkasink", "changes of a view to a topic, exactly once against at least once", runKafkaSink, true},
		{"kafkalatency", "from producing a record to seeing it in a view, 1,000 records/s", runKafkaLatency, true},
		{"kafkamemory", "memory of a server that is 10 M records behind", runKafkaMemory, true},
	}
}

// Names lists the benchmarks with what they measure and need.
func Names() [][2]string {
	var out [][2]string
	for _, b := range benchmarks() {
		doc := b.doc
		if b.broker {
			doc += " (needs --kafka)"
		}
		out = append(out, [2]string{b.name, doc})
	}
	return out
}

// bench is what a benchmark runs with.
type bench struct {
	Options
	dir string // of this run
}

// Run runs the named benchmarks, or all.
func Run(ctx context.Context, o Options, names []string) error {
	picked, err := pick(names)
	if err != nil {
		return err
	}
	for _, p := range picked {
		if p.broker && o.Kafka == "" && len(names) > 0 {
			return fmt.Errorf("%s: give the address of a broker with --kafka", p.name)
		}
	}
	if len(names) == 0 && o.Kafka == "" {
		picked = slices.DeleteFunc(picked, func(b benchmark) bool { return b.broker })
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp(o.Dir, "millrace-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.Profile != "" {
		f, err := os.Create(o.Profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	fmt.Fprintf(o.Out, "%s/%s, %d CPUs, %s; medians of %d rounds\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(),
		runtime.Version(), o.Rounds)
	for _, p := range picked {
		b := &bench{Options: o, dir: filepath.Join(dir, p.name)}
		if err := os.Mkdir(b.dir, 0o755); err != nil {
			return err
		}
		fmt.Fprintf(o.Out, "\n%s: %s\n", p.name, p.doc)
		if err := p.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		_ = os.RemoveAll(b.dir)
	}
	return nil
}

func pick(names []string) ([]benchmark, error) {
	all := benchmarks()
	if len(names) == 0 {
		return all, nil
	}
	var out []benchmark
next:
	for _, n := range names {
		for _, b := range all {
			if b.name == n {
				out = append(out, b)
				continue next
			}
		}
		return nil, fmt.Errorf("there is no benchmark %q", n)
	}
	return out, nil
}

// or is the option v, or the benchmark's own default.
func or[T int | time.Duration](v, byDefault T) T {
	if v != 0 {
		return v
	}
	return byDefault
}
