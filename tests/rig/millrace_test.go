package rig

import (
	"context"
	"testing"
)

// What was acknowledged before a kill -9 or a stop is there after the restart, at the same address.
func TestMillraceKeepsItsData(t *testing.T) {
	s := Millrace(t)
	dsn := s.DSN()
	s.Exec("CREATE STREAM numbers (n int)")
	for round, end := range []func(){s.Kill9, s.Stop} {
		s.Exec("INSERT INTO numbers VALUES (1)")
		end()
		s.Restart()
		var n int
		if err := s.Connect().QueryRow(context.Background(), "SELECT count(*) FROM numbers").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n != round+1 || s.DSN() != dsn {
			t.Errorf("%d rows at %s, want %d at %s", n, s.DSN(), round+1, dsn)
		}
	}
}
