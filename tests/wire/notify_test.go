package wire

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// inbox collects what a session is notified of, as channel:payload, until quiet or until want has come.
func inbox(t *testing.T, c *pgx.Conn, want int) []string {
	t.Helper()
	var got []string
	for len(got) < want {
		n, err := c.WaitForNotification(ctx(t))
		if err != nil {
			t.Fatalf("after %q: %v", got, err)
		}
		got = append(got, n.Channel+":"+n.Payload)
	}
	return got
}

func expectInbox(t *testing.T, c *pgx.Conn, want ...string) {
	t.Helper()
	if got := fmt.Sprint(inbox(t, c, len(want))); got != fmt.Sprint(want) {
		t.Errorf("notified of %s, expected %s", got, fmt.Sprint(want))
	}
}

// Notifications reach idle listeners at the commit, in order, equal ones of a transaction once.
func TestNotify(t *testing.T) {
	s := start(t)
	listener, sender := connect(t, s), connect(t, s)
	exec(t, listener, "LISTEN news")
	exec(t, listener, `LISTEN "Other News"`)

	exec(t, sender, "NOTIFY news")
	exec(t, sender, "NOTIFY nobody, 'listens'")
	exec(t, sender, `NOTIFY "Other News", 'it''s'`)
	exec(t, sender, "SELECT pg_notify($1, $2)", "news", "by function")
	expectInbox(t, listener, "news:", "Other News:it's", "news:by function")

	tx, err := sender.Begin(ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"NOTIFY news, '1'", "SAVEPOINT a", "NOTIFY news, '2'", "ROLLBACK TO a", "NOTIFY news, '3'",
		"NOTIFY news, '1'", "NOTIFY \"Other News\", '1'"} {
		exec(t, sender, sql)
	}
	exec(t, listener, "SELECT 1") // nothing comes before the commit
	if err := tx.Commit(ctx(t)); err != nil {
		t.Fatal(err)
	}
	expectInbox(t, listener, "news:1", "news:3", "Other News:1")

	exec(t, sender, "BEGIN")
	exec(t, sender, "NOTIFY news, 'rolled back'")
	exec(t, sender, "ROLLBACK")
	exec(t, listener, `UNLISTEN "Other News"`)
	exec(t, sender, `NOTIFY "Other News", 'unheard'`)
	exec(t, sender, "NOTIFY news, 'heard'")
	expectInbox(t, listener, "news:heard")

	// In a block a client is told only when the block has ended.
	exec(t, listener, "BEGIN")
	exec(t, sender, "NOTIFY news, 'in a block'")
	short, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := silent(short, listener); err != nil {
		t.Error(err)
	}
}

func silent(ctx context.Context, c *pgx.Conn) error {
	if n, err := c.WaitForNotification(ctx); err == nil {
		return fmt.Errorf("notified of %s:%s in a transaction", n.Channel, n.Payload)
	}
	return nil
}

// A session hears itself, and what it rolls back it has neither listened to nor sent.
func TestNotifyItself(t *testing.T) {
	s := start(t)
	c := connect(t, s)
	exec(t, c, "BEGIN")
	exec(t, c, "LISTEN a")
	exec(t, c, "NOTIFY a, 'to nobody'")
	exec(t, c, "ROLLBACK")
	exec(t, c, "NOTIFY a, 'to nobody'")
	exec(t, c, "BEGIN")
	exec(t, c, "NOTIFY a, 'to itself'")
	exec(t, c, "LISTEN a")
	exec(t, c, "COMMIT")
	expectInbox(t, c, "a:to itself")
	exec(t, c, "DISCARD ALL")
	exec(t, c, "NOTIFY a, 'discarded'")
	exec(t, c, "LISTEN a")
	exec(t, c, "NOTIFY a, 'again'")
	expectInbox(t, c, "a:again")
	for sql, want := range map[string]string{
		"SELECT pg_notify('', 'x')":                        "22023",
		"SELECT pg_notify('a', repeat('x', 8000))":         "22023",
		"SELECT pg_notify(repeat('x', 64), '')":            "22023",
		"NOTIFY a, '" + strings.Repeat("x", 8000) + "'":    "22023",
		"SELECT pg_notify('a', repeat('x', 7999)) IS NULL": "",
	} {
		_, err := c.Exec(ctx(t), sql)
		if err == nil && want != "" || err != nil && code(err) != want {
			t.Errorf("%.40s: %v, expected %s", sql, err, want)
		}
	}
}

// A listener that reads nothing holds up nobody.
func TestNotifyDeafListener(t *testing.T) {
	s := start(t)
	deaf, sender, other := connect(t, s), connect(t, s), connect(t, s)
	exec(t, deaf, "LISTEN a")
	exec(t, other, "LISTEN a")
	const n = 3000
	payload := strings.Repeat("x", 7900)
	for i := range n {
		exec(t, sender, "SELECT pg_notify('a', $1)", fmt.Sprint(i, payload))
		inbox(t, other, 1)
	}
	inbox(t, deaf, n)
}
