// Millrace is a streaming SQL database in one binary; see README.md.
//
//	millrace [serve] [flags]   run the server
//	millrace bench [name...]   measure it; see millrace bench --help
//	millrace version           print the version
//	millrace --help            list the flags
//
// Exit codes: 0 after SIGTERM or SIGINT and a last checkpoint, 1 when the server cannot start or fails, 2 for wrong
// usage.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// command is a subcommand. It returns the exit code.
type command struct {
	name, doc string
	run       func(args []string, out, errOut io.Writer) int
}

func commands() []command {
	return []command{
		{"serve", "run the server (the default)", serve},
		{"bench", "measure it; see millrace bench --help", runBench},
		{"version", "print the version", printVersion},
	}
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errOut io.Writer) int {
	name, rest := "serve", args
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, rest = args[0], args[1:]
	}
	if name == "help" {
		return serve([]string{"--help"}, out, errOut)
	}
	for _, c := range commands() {
		if c.name == name {
			return c.run(rest, out, errOut)
		}
	}
	fmt.Fprintf(errOut, "millrace: unknown command %q; try millrace --help\n", name)
	return exitUsage
}
