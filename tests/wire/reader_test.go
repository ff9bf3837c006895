package wire

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/millracedb/millrace/server"
)

// TestSnapshotTooOld: a cursor over a table that is rewritten again and again ends with 72000 once too much would have to
// be kept for it; a cursor over a small table in another block, and one over a table nobody writes, read on, and the
// session goes on after a ROLLBACK.
func TestSnapshotTooOld(t *testing.T) {
	s := start(t, func(c *server.Config) { c.MemoryLimit = 16 << 20 })
	w := connect(t, s)
	for name, rows := range map[string]int{"big": 4000, "idle": 4000, "small": 5} {
		exec(t, w, "CREATE TABLE "+name+" (id int PRIMARY KEY, v text)")
		exec(t, w, fmt.Sprintf("INSERT INTO %s SELECT i, repeat('x', 1000) FROM generate_series(1, %d) i", name, rows))
	}
	declare := func(table string) *pgx.Conn {
		c := connect(t, s)
		exec(t, c, "BEGIN")
		exec(t, c, "DECLARE c CURSOR FOR SELECT id, v FROM "+table)
		exec(t, c, "FETCH 1 FROM c")
		return c
	}
	big, idle, small := declare("big"), declare("idle"), declare("small")
	var err error
	for range 8 {
		exec(t, w, "UPDATE big SET v = v || 'y'")
		exec(t, w, "UPDATE small SET v = v || 'y'")
		if _, err = big.Exec(context.Background(), "FETCH 450 FROM c"); err != nil {
			break
		}
	}
	wantCode(t, "a cursor that is too old", err, "72000")
	exec(t, big, "ROLLBACK")
	if n := value(t, big, "SELECT count(*) FROM big"); n != "4000" {
		t.Errorf("%s rows after it", n)
	}
	for c, want := range map[*pgx.Conn]int64{idle: 3999, small: 4} {
		tag, err := c.Exec(context.Background(), "FETCH ALL FROM c")
		if err != nil || tag.RowsAffected() != want {
			t.Errorf("FETCH ALL: %v, %v; want %d rows", tag, err, want)
		}
		exec(t, c, "COMMIT")
	}
}
