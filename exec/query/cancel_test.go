package query

import (
	"context"
	"testing"
	"time"

	"github.com/millracedb/millrace/sql/pgerr"
)

// TestCancel: every loop that can be long ends soon after its context. None of these would end within a minute, and some
// never.
func TestCancel(t *testing.T) {
	const rows = "generate_series(1, 2000000) x"
	for _, sql := range []string{
		"SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b",
		"SELECT count(*) FROM generate_series(1, 1000000) a JOIN generate_series(1, 1000000) b ON a + b < 0",
		"SELECT count(*) FROM generate_series(1, 1000000) a LEFT JOIN generate_series(1, 1000000) b ON a + b < 0",
		"SELECT count(*) FROM generate_series(1, 1000000) a WHERE NOT EXISTS (SELECT FROM generate_series(1, 1000000) b WHERE a + b < 0)",
		"SELECT count(*) FROM generate_series(1, 1000000000000)",
		"SELECT count(*) FROM generate_series(1, 1e30)",
		"SELECT count(*) FROM generate_series(timestamp '0001-01-01', timestamp '290000-01-01', interval '1 second')",
		"SELECT count(*) FROM (SELECT generate_series(1, 1000000000000)) s",
		"SELECT g FROM generate_series(1, 1000000000000) g OFFSET 1000000000000",
		"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT 1 FROM r) SELECT count(*) FROM r",
		"SELECT (SELECT count(*) FROM generate_series(1, 1000000000000) WHERE generate_series > x) FROM (VALUES (1)) v(x)",
		"SELECT sum(s) FROM (SELECT sum(x) OVER (ORDER BY x ROWS BETWEEN 100000 PRECEDING AND CURRENT ROW) AS s FROM " + rows + ") w",
		"SELECT x FROM generate_series(1, 30000000) x ORDER BY x::text",
	} {
		ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
		c := start(t, ctx, sql, 1<<40)
		begin := time.Now()
		_, err := finish(t, c, nil)
		stop()
		if err == nil || pgerr.Of(err).Code != "57014" {
			t.Errorf("%s: %v", sql, err)
		}
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%s took %v", sql, took)
		}
	}
}
