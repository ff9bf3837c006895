package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/millracedb/millrace/server/bench"
)

// runBench measures: millrace bench [flags] [name...].
func runBench(args []string, out, errOut io.Writer) int {
	o := bench.Options{Out: out}
	fs := flag.NewFlagSet("millrace bench", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.DSN, "dsn", "", "connection `string` of a running server; without it one is started on a temporary directory")
	fs.StringVar(&o.Postgres, "postgres", "", "connection `string` of a PostgreSQL to compare with in the same run")
	fs.StringVar(&o.Kafka, "kafka", "", "`host:port` of a Kafka broker, for the benchmarks kafka...")
	fs.StringVar(&o.Registry, "registry", "", "`URL` of a schema registry, for the AVRO records of kafka; without it the schema is in the statement")
	fs.IntVar(&o.Rows, "rows", 0, "`number` of rows or groups, instead of the benchmark's own")
	fs.IntVar(&o.Clients, "clients", 0, "`number` of connections, instead of the benchmark's own")
	fs.DurationVar(&o.Duration, "duration", 0, "`time` of one measurement, instead of the benchmark's own")
	fs.IntVar(&o.Rounds, "rounds", 3, "`number` of rounds; their median is printed")
	fs.StringVar(&o.Dir, "dir", "", "`directory` for temporary data; the system's by default")
	fs.StringVar(&o.Profile, "cpuprofile", "", "write a CPU profile to `file`; the server then runs in the same process")
	names, err := parseMixed(fs, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		benchUsage(out, fs)
		return exitOK
	case err == nil && o.Rounds < 1:
		err = errors.New("--rounds must be at least 1")
	case err == nil && (o.Rows < 0 || o.Clients < 0 || o.Duration < 0):
		err = errors.New("--rows, --clients and --duration must not be negative")
	}
	if err != nil {
		fmt.Fprintf(errOut, "millrace bench: %v\n", err)
		return exitUsage
	}
	if err := bench.Run(context.Background(), o, names); err != nil {
		fmt.Fprintf(errOut, "millrace bench: %v\n", err)
		return exitError
	}
	return exitOK
}

// parseMixed parses flags that may stand before, between and behind other arguments, which it returns.
func parseMixed(fs *flag.FlagSet, args []string) ([]string, error) {
	var names []string
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		if args = fs.Args(); len(args) == 0 {
			return names, nil
		}
		names, args = append(names, args[0]), args[1:]
	}
}

func benchUsage(out io.Writer, fs *flag.FlagSet) {
	fmt.Fprintf(out, "Measure Millrace as its clients see it.\n\nUsage:\n  millrace bench [flags] [name...]\n\nBenchmarks (all, if none is named):\n")
	for _, n := range bench.Names() {
		fmt.Fprintf(out, "  %-12s %s\n", n[0], n[1])
	}
	fmt.Fprintf(out, "\nFlags:\n")
	fs.VisitAll(func(f *flag.Flag) {
		arg, doc := flag.UnquoteUsage(f)
		fmt.Fprintf(out, "  --%-22s %s\n", f.Name+" "+arg, doc)
	})
}
