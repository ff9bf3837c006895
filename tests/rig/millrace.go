package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a Millrace server in its own process. It keeps its data folder and its ports over Kill9, Stop
// and Restart.
type Server struct {
	t          testing.TB
	bin        string
	args       []string
	dataDir    string
	log        string
	port, http int
	proc       *process
	running    bool
}

// Millrace builds ./cmd/millrace (once a test process) and starts it for the test on an empty data folder,
// with args behind the flags the rig sets itself. It is stopped when the test ends, and its log is shown if
// the test failed.
func Millrace(t testing.TB, args ...string) *Server {
	t.Helper()
	bin, err := Binary()
	if err != nil {
		t.Fatalf("building cmd/millrace: %v", err)
	}
	dir := t.TempDir()
	s := &Server{
		t: t, bin: bin, args: args,
		dataDir: filepath.Join(dir, "data"), log: filepath.Join(dir, "millrace.log"),
		port: FreePort(t), http: FreePort(t),
	}
	t.Cleanup(s.cleanup)
	s.Restart()
	return s
}

// Binary returns the path of the millrace command built from this checkout, or the one that
// MILLRACE_TEST_BINARY names: another build to run the same tests against.
var Binary = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("MILLRACE_TEST_BINARY"); bin != "" {
		return bin, nil
	}
	dir, err := scratch()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "millrace")
	cmd := exec.Command("go", "build", "-o", bin, "github.com/millracedb/millrace/cmd/millrace")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return bin, nil
})

// DSN returns the connection string of the superuser.
func (s *Server) DSN() string {
	return fmt.Sprintf("postgres://millrace@127.0.0.1:%d/millrace?sslmode=disable", s.port)
}

// Addr returns the host:port that speaks the Postgres protocol.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// Port returns the port of Addr.
func (s *Server) Port() int { return s.port }

// HTTP returns the base URL of the HTTP port.
func (s *Server) HTTP() string { return fmt.Sprintf("http://127.0.0.1:%d", s.http) }

// DataDir returns the data folder.
func (s *Server) DataDir() string { return s.dataDir }

// PID returns the process id of the running server.
func (s *Server) PID() int { return s.proc.cmd.Process.Pid }

// Log returns what the server has written so far, over all its starts.
func (s *Server) Log() string {
	b, _ := os.ReadFile(s.log)
	return string(b)
}

// Connect returns a connection closed with the test.
func (s *Server) Connect() *pgx.Conn {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		s.t.Fatalf("connecting to millrace: %v", err)
	}
	s.t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// Exec runs statements, each on the same short-lived connection; the first error ends the test.
func (s *Server) Exec(statements ...string) {
	s.t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		s.t.Fatalf("connecting to millrace: %v", err)
	}
	defer c.Close(ctx)
	for _, sql := range statements {
		if _, err := c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			s.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// Kill9 kills the server where it stands.
func (s *Server) Kill9() {
	if s.running {
		s.running = false
		s.proc.kill9()
	}
}

// Stop asks the server to end (SIGTERM), which it must do with exit code 0.
func (s *Server) Stop() {
	s.t.Helper()
	if !s.running {
		return
	}
	s.running = false
	if err := s.proc.signal(syscall.SIGTERM, time.Minute); err != nil {
		s.t.Errorf("millrace stopped with %v", err)
	}
}

// Restart starts the server, which must not be running, on the data it left, and waits until it accepts
// connections.
func (s *Server) Restart() {
	s.t.Helper()
	if err := s.TryRestart(); err != nil {
		s.t.Fatalf("starting millrace: %v", err)
	}
}

// TryRestart is Restart for tests that expect a refusal; the error holds the end of the log.
func (s *Server) TryRestart() error {
	args := append([]string{"serve", "--data-dir", s.dataDir, "--listen", s.Addr(),
		"--http-listen", fmt.Sprintf("127.0.0.1:%d", s.http)}, s.args...)
	cmd := exec.Command(s.bin, args...)
	cmd.Dir = filepath.Dir(s.log)
	proc, err := start(cmd, s.log, syscall.SIGKILL)
	if err != nil {
		return err
	}
	s.proc, s.running = proc, true
	err = proc.await(time.Minute, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		c, err := pgx.Connect(ctx, s.DSN())
		if err != nil {
			return err
		}
		return c.Close(ctx)
	})
	if err != nil {
		s.Kill9()
	}
	return err
}

func (s *Server) cleanup() {
	if s.running {
		select {
		case <-s.proc.done:
			s.running = false
			s.t.Errorf("millrace ended by itself: %v", s.proc.err)
		default:
			s.Stop()
		}
	}
	for _, sign := range []string{"panic: ", "fatal error: ", "WARNING: DATA RACE"} {
		if strings.Contains(s.Log(), sign) {
			s.t.Errorf("the log of millrace has %q", sign)
		}
	}
	if s.t.Failed() && s.proc != nil {
		s.t.Logf("the end of millrace's log:\n%s", s.proc.tail())
	}
}

// CPU returns the processor time that the running server has used: a measure that other work on the machine
// disturbs less than elapsed time.
func (s *Server) CPU() time.Duration {
	s.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.PID()))
	if err != nil {
		s.t.Fatal(err)
	}
	// Behind the command's name in parentheses, utime and stime are fields 12 and 13, in 1/100 s.
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		s.t.Fatalf("unexpected /proc/%d/stat: %s", s.PID(), b)
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// PeakRSS returns the most memory the running server has held at once, in bytes.
func (s *Server) PeakRSS() int64 {
	s.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
	if err != nil {
		s.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscanf(rest, "%d kB", &kib); err != nil {
		s.t.Fatalf("no VmHWM in /proc/%d/status: %v", s.PID(), err)
	}
	return kib << 10
}
