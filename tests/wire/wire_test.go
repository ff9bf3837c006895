package wire

import (
	"context"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/server"
)

// start runs a server for the test.
func start(t testing.TB, change ...func(*server.Config)) *server.Server {
	t.Helper()
	cfg := server.Config{
		DataDir: t.TempDir(), Listen: "127.0.0.1:0", Version: "test",
		Logger: slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := server.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("stopping the server: %v", err)
		}
	})
	return s
}

// testLog shows what the server logs in the test's output.
type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("server: %s", p)
	return len(p), nil
}

func dsn(s *server.Server, options string) string {
	return "postgres://millrace@" + s.Addr().String() + "/millrace?sslmode=disable" + options
}

func connect(t testing.TB, s *server.Server, options ...string) *pgx.Conn {
	t.Helper()
	o := ""
	for _, x := range options {
		o += "&" + x
	}
	c, err := pgx.Connect(ctx(t), dsn(s, o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

// ctx bounds a test: nothing here takes long, and a hang is a failure.
func ctx(t testing.TB) context.Context {
	c, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return c
}

func exec(t testing.TB, c *pgx.Conn, sql string, args ...any) string {
	t.Helper()
	tag, err := c.Exec(ctx(t), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return tag.String()
}

// simple runs a simple query and returns the results' tags and rows as text.
func simple(t testing.TB, c *pgx.Conn, sql string) (tags []string, rows [][]string, err error) {
	t.Helper()
	results, err := c.PgConn().Exec(ctx(t), sql).ReadAll()
	for _, r := range results {
		tags = append(tags, r.CommandTag.String())
		for _, row := range r.Rows {
			var out []string
			for _, v := range row {
				if v == nil {
					out = append(out, "NULL")
				} else {
					out = append(out, string(v))
				}
			}
			rows = append(rows, out)
		}
	}
	return tags, rows, err
}

// value runs a simple query that answers one value.
func value(t testing.TB, c *pgx.Conn, sql string) string {
	t.Helper()
	_, rows, err := simple(t, c, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if len(rows) != 1 || len(rows[0]) != 1 {
		t.Fatalf("%s: %v is not one value", sql, rows)
	}
	return rows[0][0]
}

// wantCode checks an error's SQLSTATE.
func wantCode(t testing.TB, what string, err error, code string) {
	t.Helper()
	e, ok := err.(*pgconn.PgError)
	if !ok || e.Code != code {
		t.Errorf("%s: %v, want SQLSTATE %s", what, err, code)
	}
}

// raw is a connection for sending messages one by one.
type raw struct {
	t *testing.T
	*pgproto3.Frontend
	conn net.Conn
}

func dial(t *testing.T, s *server.Server) *raw {
	t.Helper()
	nc, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{t, pgproto3.NewFrontend(nc, nc), nc}
}

// login does the startup and waits for the first ReadyForQuery.
func login(t *testing.T, s *server.Server) *raw {
	t.Helper()
	r := dial(t, s)
	r.send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30,
		Parameters: map[string]string{"user": "millrace", "database": "millrace"}})
	r.until('Z')
	return r
}

func (r *raw) send(ms ...pgproto3.FrontendMessage) {
	r.t.Helper()
	for _, m := range ms {
		r.Send(m)
	}
	if err := r.Flush(); err != nil {
		r.t.Fatal(err)
	}
}

// letters maps messages to their type bytes, for reading sequences at a glance.
func letter(m pgproto3.BackendMessage) byte {
	b, err := m.Encode(nil)
	if err != nil {
		return '?'
	}
	return b[0]
}

// until receives up to a message of the given type and returns the types seen.
func (r *raw) until(stop byte) string {
	r.t.Helper()
	var seen []byte
	for {
		m, err := r.Receive()
		if err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				return string(seen) + "!"
			}
			r.t.Fatalf("after %q: %v", seen, err)
		}
		l := letter(m)
		seen = append(seen, l)
		if l == stop {
			return string(seen)
		}
	}
}

// wantTypes sends messages and compares the types of the answers up to the last one expected.
func (r *raw) wantTypes(what, want string, ms ...pgproto3.FrontendMessage) {
	r.t.Helper()
	r.send(ms...)
	var got []byte
	for range want {
		m, err := r.Receive()
		if err != nil {
			r.t.Fatalf("%s: after %q: %v", what, got, err)
		}
		got = append(got, letter(m))
		if string(got) != want[:len(got)] {
			break
		}
	}
	if string(got) != want {
		r.t.Fatalf("%s: answers %q, want %q", what, got, want)
	}
}
