package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/millracedb/millrace/server"
)

// host is the server under test.
type host struct {
	dsn  string
	dir  string
	cmd  *exec.Cmd      // a child process, or
	in   *server.Server // in this process, or neither: it was there before
	logs string
}

// open gives the server to measure: the one of --dsn, or a fresh one.
func (b *bench) open(ctx context.Context) (*host, error) {
	if b.DSN != "" {
		return &host{dsn: b.DSN}, nil
	}
	h := &host{dir: filepath.Join(b.dir, "data"), logs: filepath.Join(b.dir, "log")}
	return h, h.start(ctx, b.Profile != "")
}

// start starts a server on the host's data directory and waits until it answers.
func (h *host) start(ctx context.Context, inProcess bool) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	h.dsn = "postgres://millrace@" + addr + "/millrace?sslmode=disable"
	if inProcess {
		h.in, err = server.Start(server.Config{
			DataDir: h.dir, Listen: addr, Version: "bench", Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		})
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(h.logs, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	h.cmd = exec.Command(self, "serve", "--data-dir", h.dir, "--listen", addr, "--http-listen", "")
	h.cmd.Stdout, h.cmd.Stderr = log, log
	h.cmd.SysProcAttr = dieWithParent()
	if err := h.cmd.Start(); err != nil {
		return err
	}
	return h.await(ctx, addr)
}

// await waits until the port is open: the server listens first and answers when it has recovered.
func (h *host) await(ctx context.Context, addr string) error {
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			return c.Close()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Since(start) > time.Minute || syscall.Kill(h.cmd.Process.Pid, 0) != nil {
			text, _ := os.ReadFile(h.logs)
			return fmt.Errorf("the server does not start: %s", text)
		}
	}
}

// stop ends the server as SIGTERM does: with a checkpoint.
func (h *host) stop() {
	switch {
	case h.in != nil:
		_ = h.in.Stop(context.Background())
		h.in = nil
	case h.cmd != nil:
		_ = h.cmd.Process.Signal(syscall.SIGTERM)
		_ = h.cmd.Wait()
		h.cmd = nil
	}
}

// kill ends the server where it stands.
func (h *host) kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
	h.cmd = nil
}

// memory is what a process has in memory.
type memory struct {
	resident int64
	anon     int64 // of it: not pages of files, which the system takes back when it needs them
}

// memory is that of the server process.
func (h *host) memory() (m memory, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.cmd.Process.Pid))
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		var to *int64
		switch name {
		case "VmRSS":
			to = &m.resident
		case "RssAnon":
			to = &m.anon
		default:
			continue
		}
		kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		if err != nil {
			return m, err
		}
		*to = kb << 10
	}
	if m.resident == 0 {
		return m, errors.New("the process does not tell its memory")
	}
	return m, nil
}

// cpu is the processor time that the server has used, as far as it can be known: not of a server that was there before.
func (h *host) cpu() time.Duration {
	if h.in != nil {
		return cpuTime()
	}
	if h.cmd == nil {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	const perTick = 10 * time.Millisecond // USER_HZ is 100 on every Linux
	var ticks int64
	for _, f := range fields[11:13] { // utime, stime
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * perTick
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// connect opens a connection.
func connect(ctx context.Context, dsn string) (*pgx.Conn, error) { return pgx.Connect(ctx, dsn) }

// script runs statements one by one on a connection of their own.
func script(ctx context.Context, dsn string, statements ...string) error {
	c, err := connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for _, s := range statements {
		if _, err := c.Exec(ctx, s, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// system is one side of a comparison.
type system struct {
	name string
	dsn  string
}

// sides are the server under test and, if there is one, PostgreSQL.
func (b *bench) sides(h *host) []system {
	s := []system{{"millrace", h.dsn}}
	if b.Postgres != "" {
		s = append(s, system{"postgres", b.Postgres})
	}
	return s
}
