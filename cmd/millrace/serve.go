package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/millracedb/millrace/server"
)

// stopTimeout bounds the last checkpoint.
const stopTimeout = 5 * time.Minute

// serve runs the server until a signal ends it.
func serve(args []string, out, errOut io.Writer) int {
	o, err := parseOptions(args, os.LookupEnv, out)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(errOut, "millrace: %v\n", err)
		return exitUsage
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		fmt.Fprintf(errOut, "millrace: --log-level must be debug, info, warn or error, not %q\n", o.logLevel)
		return exitUsage
	}
	o.Logger = slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: level}))
	o.Version = versionString()
	tuneGC(o.MemoryLimit)

	// Signals count from before the start: one that comes during recovery ends the server as soon as it is up.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	s, err := server.Start(o.Config)
	if err != nil {
		fmt.Fprintf(errOut, "millrace: %v\n", err)
		return exitError
	}
	host, port, _ := net.SplitHostPort(s.Addr().String())
	o.Logger.Info("ready", "version", o.Version, "data-dir", o.DataDir, "listen", s.Addr().String(), "http", o.HTTPListen)
	fmt.Fprintf(out, "Millrace is ready. Connect with:\n\n  psql -h %s -p %s -U millrace millrace\n\n", host, port)

	sig := <-signals
	o.Logger.Info("stopping", "signal", sig.String())
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	go func() {
		<-signals // a second signal does not wait
		cancel()
	}()
	if err := s.Stop(ctx); err != nil {
		fmt.Fprintf(errOut, "millrace: %v\n", err)
		return exitError
	}
	o.Logger.Info("stopped")
	return exitOK
}

// tuneGC bounds what is garbage and not yet collected to half of what lives, not all of it: most of what lives is pages
// without pointers, so that collecting twice as often costs next to nothing. GOGC in the environment overrides it.
func tuneGC(limit int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	if limit > 0 {
		debug.SetMemoryLimit(limit)
	}
}
