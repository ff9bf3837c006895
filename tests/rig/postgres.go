package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Postgres returns the DSN of a PostgreSQL server that is fast and forgets: fsync is off. All tests of a
// process share it, and it ends with the process. Text sorts by code point, and the time zone is UTC.
func Postgres(t testing.TB) string { return fastPostgres.dsn(t) }

// PostgresDurable is Postgres with PostgreSQL's default durability, for benchmarks against it.
func PostgresDurable(t testing.TB) string { return durablePostgres.dsn(t) }

// Database returns the DSN of a fresh database on the Postgres server, dropped when the test ends.
func Database(t testing.TB) string {
	t.Helper()
	server := Postgres(t)
	name := fmt.Sprintf("t%d", databases.Add(1))
	admin(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { admin(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	return fastPostgres.url(name)
}

var (
	fastPostgres = &postgres{name: "fast", settings: []string{
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "wal_level=logical"}}
	durablePostgres = &postgres{name: "durable"}
	databases       atomic.Int64
)

type postgres struct {
	name     string
	settings []string

	once    sync.Once
	port    int
	missing string // what the machine lacks, if anything
	err     error
}

func (p *postgres) url(database string) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", p.port, database)
}

func (p *postgres) dsn(t testing.TB) string {
	t.Helper()
	p.once.Do(func() { p.err = p.start(t) })
	if p.missing != "" {
		need(t, "%s", p.missing)
	}
	if p.err != nil {
		t.Fatalf("starting PostgreSQL: %v", p.err)
	}
	return p.url("postgres")
}

func (p *postgres) start(t testing.TB) error {
	initdb, server := findPostgres("initdb"), findPostgres("postgres")
	if initdb == "" || server == "" {
		p.missing = "PostgreSQL is not installed: no initdb and postgres on PATH or in /usr/lib/postgresql/*/bin (Debian: postgresql)"
		return nil
	}
	base, err := scratch()
	if err != nil {
		return err
	}
	home := filepath.Join(base, "postgres-"+p.name)
	if err := os.Mkdir(home, 0o755); err != nil {
		return err
	}
	as, err := unprivileged(home)
	if err != nil {
		return err
	}
	data := filepath.Join(home, "data")
	init := exec.Command(initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
		"--locale=C.UTF-8", "--lc-collate=C", "--lc-messages=C", "--no-sync")
	init.Dir, init.SysProcAttr = home, as()
	if out, err := init.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	p.port = FreePort(t)
	args := []string{"-D", data, "-p", strconv.Itoa(p.port), "-h", "127.0.0.1", "-k", ""}
	for _, s := range append([]string{"timezone=UTC", "log_timezone=UTC", "jit=off", "max_connections=200"}, p.settings...) {
		args = append(args, "-c", s)
	}
	cmd := exec.Command(server, args...)
	cmd.Dir, cmd.SysProcAttr = home, as()
	// SIGQUIT is PostgreSQL's immediate shutdown: it takes its shared memory along, which SIGKILL leaves.
	proc, err := start(cmd, filepath.Join(base, "postgres-"+p.name+".log"), syscall.SIGQUIT)
	if err != nil {
		return err
	}
	return proc.await(30*time.Second, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		c, err := pgx.Connect(ctx, p.url("postgres"))
		if err != nil {
			return err
		}
		return c.Close(ctx)
	})
}

// findPostgres returns the path of a PostgreSQL program: the one on PATH, or Debian's newest, which keeps
// server programs off the PATH.
func findPostgres(program string) string {
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + program)
	if len(found) == 0 {
		return ""
	}
	sort.Strings(found)
	return found[len(found)-1]
}

// unprivileged gives home to a user that PostgreSQL agrees to run as, and returns the process attributes
// for it: nothing special, except that root becomes somebody else.
func unprivileged(home string) (func() *syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return func() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		if who, err = user.Lookup("nobody"); err != nil {
			return nil, fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres or nobody: %w", err)
		}
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(home, int(uid), int(gid)); err != nil {
		return nil, err
	}
	return func() *syscall.SysProcAttr {
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}, nil
}

func admin(t testing.TB, dsn, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
