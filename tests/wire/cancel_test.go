package wire

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// slow is a query that runs until it is told to stop.
const slow = "SELECT pg_sleep(60)"

// within fails if f takes longer than a statement that is cancelled may.
func within(t *testing.T, d time.Duration, what string, f func()) {
	t.Helper()
	begin := time.Now()
	f()
	if took := time.Since(begin); took > d {
		t.Errorf("%s took %v", what, took)
	}
}

func TestCancel(t *testing.T) {
	s := start(t)
	c := connect(t, s)
	within(t, 5*time.Second, "a cancel request", func() {
		time.AfterFunc(200*time.Millisecond, func() { _ = c.PgConn().CancelRequest(context.Background()) })
		_, _, err := simple(t, c, slow)
		wantCode(t, "a cancelled query", err, "57014")
	})
	within(t, 5*time.Second, "statement_timeout", func() {
		exec(t, c, "SET statement_timeout = 150")
		_, _, err := simple(t, c, slow)
		wantCode(t, "a timed out query", err, "57014")
		if err != nil && !strings.Contains(err.Error(), "statement timeout") {
			t.Errorf("message %v", err)
		}
		exec(t, c, "RESET statement_timeout")
	})
	// A cancel that comes late hits nothing.
	if err := c.PgConn().CancelRequest(ctx(t)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if got := value(t, c, "SELECT 1"); got != "1" {
		t.Errorf("after a late cancel: %s", got)
	}
	other := connect(t, s)
	pid := value(t, c, "SELECT pg_backend_pid()")
	within(t, 5*time.Second, "pg_cancel_backend", func() {
		done := make(chan struct{})
		time.AfterFunc(200*time.Millisecond, func() {
			defer close(done)
			_, _ = other.Exec(context.Background(), "SELECT pg_cancel_backend("+pid+")")
		})
		_, _, err := simple(t, c, slow)
		wantCode(t, "pg_cancel_backend", err, "57014")
		<-done
	})
	exec(t, other, "SELECT pg_terminate_backend("+pid+")")
	_, _, err := simple(t, c, "SELECT 1")
	if err == nil {
		t.Error("a terminated session answers")
	}
}

// TestDisconnectCancels: nobody waits for the result of a client that is gone.
func TestDisconnectCancels(t *testing.T) {
	s := start(t)
	c, err := pgx.Connect(ctx(t), dsn(s, ""))
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = c.PgConn().Exec(context.Background(), slow).ReadAll() }()
	time.Sleep(200 * time.Millisecond)
	watcher := connect(t, s)
	if n := value(t, watcher, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active'"); n != "2" {
		t.Errorf("%s active sessions, want 2", n)
	}
	c.PgConn().Conn().Close()
	within(t, 5*time.Second, "noticing the disconnect", func() {
		for value(t, watcher, "SELECT count(*) FROM pg_stat_activity") != "1" {
			time.Sleep(20 * time.Millisecond)
		}
	})
}

func TestIdleInTransaction(t *testing.T) {
	c := connect(t, start(t))
	exec(t, c, "SET idle_in_transaction_session_timeout = 200")
	time.Sleep(400 * time.Millisecond)
	exec(t, c, "BEGIN")
	time.Sleep(600 * time.Millisecond)
	_, _, err := simple(t, c, "SELECT 1")
	if err == nil || !strings.Contains(err.Error(), "25P03") && !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "closed") && !strings.Contains(err.Error(), "EOF") {
		t.Errorf("a transaction left alone: %v", err)
	}
}

func TestTooManyClients(t *testing.T) {
	s := start(t)
	var err error
	n := 0
	for ; n < 200 && err == nil; n++ {
		var c *pgx.Conn
		if c, err = pgx.Connect(ctx(t), dsn(s, "")); err == nil {
			defer c.Close(context.Background())
		}
	}
	if n != 101 || !strings.Contains(err.Error(), "53300") {
		t.Errorf("connection %d: %v", n, err)
	}
}
