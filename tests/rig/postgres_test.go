package rig

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestPostgresDatabasesAreApart(t *testing.T) {
	ctx := context.Background()
	for range 2 {
		t.Run("", func(t *testing.T) {
			c, err := pgx.Connect(ctx, Database(t))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(ctx)
			var fsync, tz, collate string
			if err := c.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('timezone'), current_setting('lc_collate')`).Scan(&fsync, &tz, &collate); err != nil {
				t.Fatal(err)
			}
			if fsync != "off" || tz != "UTC" || collate != "C" {
				t.Errorf("fsync %s, timezone %s, collation %s", fsync, tz, collate)
			}
			if _, err := c.Exec(ctx, "CREATE TABLE only_here (a int)"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPostgresDurableKeepsItsDefaults(t *testing.T) {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, PostgresDurable(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	var fsync, commit string
	if err := c.QueryRow(ctx, `SELECT current_setting('fsync'), current_setting('synchronous_commit')`).Scan(&fsync, &commit); err != nil {
		t.Fatal(err)
	}
	if fsync != "on" || commit != "on" {
		t.Errorf("fsync %s, synchronous_commit %s", fsync, commit)
	}
}
