package session_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/millracedb/millrace/exec/engine"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/server/pgwire"
	"github.com/millracedb/millrace/server/session"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgcatalog"
	"github.com/millracedb/millrace/sql/vec"
)

// faulty is an engine with bugs: it panics in the place that at names.
type faulty struct {
	engine.Door
	at atomic.Pointer[string]
}

func (d *faulty) bug(place string) {
	if p := d.at.Load(); p != nil && *p == place {
		panic("a bug in " + place)
	}
}

func (d *faulty) Begin(o engine.TxnOptions) engine.Txn {
	return &faultyTxn{d.Door.Begin(o), d, o.Single}
}

type faultyTxn struct {
	engine.Txn
	d      *faulty
	single bool
}

func (t *faultyTxn) Query(ctx context.Context, q *physical.Query, fc *funcs.Ctx) (engine.Cursor, error) {
	t.d.bug("Query")
	c, err := t.Txn.Query(ctx, q, fc)
	return &faultyCursor{c, t.d}, err
}

func (t *faultyTxn) Insert(ctx context.Context, s *physical.Insert, fc *funcs.Ctx) (engine.Result, error) {
	if t.single { // Insert would commit
		t.d.bug("Insert")
	}
	r, err := t.Txn.Insert(ctx, s, fc)
	t.d.bug("Insert") // it has happened, and must not stay
	return r, err
}

type faultyCursor struct {
	engine.Cursor
	d *faulty
}

func (c *faultyCursor) Next() (*vec.Batch, error) {
	c.d.bug("Next")
	return c.Cursor.Next()
}

// A panic is the error of its statement, in the simple and in the extended protocol, in a block and outside: what the
// statement did is undone, the log has the stack, and the connection and all others go on.
func TestPanicEndsTheStatementOnly(t *testing.T) {
	var logged syncBuffer
	addr, door := serve(t, &logged)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for name, mode := range map[string]pgx.QueryExecMode{
		"simple": pgx.QueryExecModeSimpleProtocol, "extended": pgx.QueryExecModeExec, "prepared": pgx.QueryExecModeCacheStatement,
	} {
		t.Run(name, func(t *testing.T) {
			c, err := pgx.Connect(ctx, "postgres://millrace@"+addr+"/millrace?sslmode=disable")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(ctx)
			do := func(sql string) error { _, err := c.Exec(ctx, sql, mode); return err }
			must := func(sql string) {
				t.Helper()
				if err := do(sql); err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
			}
			must("CREATE TABLE t (a int PRIMARY KEY)")
			for _, c := range []struct{ place, sql string }{
				{"Query", "SELECT 1"}, {"Next", "SELECT * FROM generate_series(1, 3)"}, {"Insert", "INSERT INTO t VALUES (1)"},
			} {
				for _, block := range []bool{false, true} {
					if block {
						must("BEGIN")
					}
					door.at.Store(&c.place)
					err := do(c.sql)
					door.at.Store(nil)
					var pg *pgconn.PgError
					if !errors.As(err, &pg) || pg.Code != "XX000" || pg.Severity != "ERROR" {
						t.Fatalf("a panic in %s ended the statement with %v, expected ERROR XX000", c.place, err)
					}
					if !strings.Contains(logged.String(), "a bug in "+c.place) {
						t.Errorf("the log says nothing of the panic in %s", c.place)
					}
					if block {
						if err := do("SELECT 1"); !errors.As(err, &pg) || pg.Code != "25P02" {
							t.Errorf("the block goes on with %v, expected 25P02", err)
						}
						must("ROLLBACK")
					}
				}
			}
			var n int
			if err := c.QueryRow(ctx, "SELECT count(*) FROM t", mode).Scan(&n); err != nil || n != 0 {
				t.Errorf("%d rows are left, %v", n, err)
			}
			must("DROP TABLE t")
		})
	}
}

// serve runs sessions over a faulty engine.
func serve(t *testing.T, log *syncBuffer) (string, *faulty) {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(log, nil))
	e, err := engine.Open(engine.Options{
		Dir: t.TempDir(), Logger: logger, SystemRelations: pgcatalog.Relations(), SystemSchemas: pgcatalog.Schemas(),
	})
	if err != nil {
		t.Fatal(err)
	}
	door := &faulty{Door: e}
	hub := &session.Hub{Door: door, Log: logger, Trust: true, Started: time.Now()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	wire := &pgwire.Server{Service: hub, Secret: make([]byte, 32), Log: logger}
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go wire.Serve(ctx, nc)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		hub.Shutdown(context.Background())
		stop()
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String(), door
}

// syncBuffer is a log that is read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
