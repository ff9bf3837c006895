package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/server"
)

// options are the flags of serve.
type options struct {
	server.Config
	durability   string
	memoryLimit  string
	passwordFile string
	logLevel     string
}

const envPrefix = "MILLRACE_"

// parseOptions reads flags, and the environment for those that are not given.
func parseOptions(args []string, env func(string) (string, bool), out io.Writer) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("millrace", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.DataDir, "data-dir", "./millrace-data", "the data `directory`; made if it is not there")
	fs.StringVar(&o.Listen, "listen", "127.0.0.1:5466", "`host:port` for PostgreSQL clients")
	fs.StringVar(&o.HTTPListen, "http-listen", "127.0.0.1:8066", "`host:port` for /healthz and /metrics; empty for none")
	fs.StringVar(&o.durability, "durability", "sync", "`sync` (acknowledge after fsync) or async")
	fs.StringVar(&o.memoryLimit, "memory-limit", "", "`size` that the server tries to stay under, such as 4GB")
	fs.StringVar(&o.passwordFile, "password-file", "", "`file` with the password of user millrace")
	fs.StringVar(&o.TLSCert, "tls-cert", "", "certificate `file` (PEM); with --tls-key, TLS is offered")
	fs.StringVar(&o.TLSKey, "tls-key", "", "key `file` (PEM)")
	fs.StringVar(&o.logLevel, "log-level", "info", "`level`: debug, info, warn or error")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			usage(out, fs)
		}
		return nil, err
	}
	if fs.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if err := fromEnv(fs, env); err != nil {
		return nil, err
	}
	return o, o.settle()
}

// fromEnv sets the flags that were not given from MILLRACE_DATA_DIR and so on.
func fromEnv(fs *flag.FlagSet, env func(string) (string, bool)) error {
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var err error
	fs.VisitAll(func(f *flag.Flag) {
		name := envName(f.Name)
		if v, ok := env(name); ok && !given[f.Name] && err == nil {
			if e := fs.Set(f.Name, v); e != nil {
				err = fmt.Errorf("%s: %w", name, e)
			}
		}
	})
	return err
}

func envName(flagName string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// settle checks values and reads files.
func (o *options) settle() error {
	switch o.durability {
	case "sync":
	case "async":
		o.Async = true
	default:
		return fmt.Errorf("--durability must be sync or async, not %q", o.durability)
	}
	if o.DataDir == "" {
		return errors.New("--data-dir must not be empty")
	}
	if o.memoryLimit != "" {
		n, err := parseSize(o.memoryLimit)
		if err != nil {
			return fmt.Errorf("--memory-limit: %w", err)
		}
		o.MemoryLimit = n
	}
	if o.passwordFile != "" {
		b, err := os.ReadFile(o.passwordFile)
		if err != nil {
			return fmt.Errorf("--password-file: %w", err)
		}
		if o.Password = strings.TrimRight(string(b), "\r\n"); o.Password == "" {
			return fmt.Errorf("--password-file: %s is empty", o.passwordFile)
		}
	}
	return nil
}

// parseSize reads a number of bytes with a unit: 512MB, 4GiB, 1000000. Units are powers of 1024, as PostgreSQL's are.
func parseSize(s string) (int64, error) {
	units := []struct {
		suffix string
		shift  uint
	}{{"kb", 10}, {"kib", 10}, {"k", 10}, {"mb", 20}, {"mib", 20}, {"m", 20}, {"gb", 30}, {"gib", 30}, {"g", 30},
		{"tb", 40}, {"tib", 40}, {"t", 40}, {"b", 0}}
	low := strings.ToLower(strings.TrimSpace(s))
	shift := uint(0)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(low, u.suffix); ok {
			low, shift = strings.TrimSpace(rest), u.shift
			break
		}
	}
	n, err := strconv.ParseInt(low, 10, 64)
	if err != nil || n <= 0 || n > 1<<62>>shift {
		return 0, fmt.Errorf("%q is not a size; write 512MB or 4GB", s)
	}
	return n << shift, nil
}

func usage(out io.Writer, fs *flag.FlagSet) {
	fmt.Fprintf(out, "Millrace, a streaming SQL database.\n\nUsage:\n  millrace [command] [flags]\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(out, "  %-10s %s\n", c.name, c.doc)
	}
	fmt.Fprintf(out, "\nFlags of serve, each also an environment variable:\n")
	fs.VisitAll(func(f *flag.Flag) {
		arg, doc := flag.UnquoteUsage(f)
		def := ""
		if f.DefValue != "" {
			def = " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(out, "  --%-30s %s%s\n  %-32s %s\n", f.Name+" "+strings.ToUpper(arg), doc, def, "", envName(f.Name))
	})
}
