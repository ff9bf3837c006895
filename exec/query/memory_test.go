package query

import (
	"strings"
	"testing"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// TestStreams: queries that hold little read any number of rows. Each of these passes on many times the limit.
func TestStreams(t *testing.T) {
	const limit = 1 << 20
	for _, c := range []struct{ sql, want string }{
		{"SELECT count(*), sum(x), max(x::text) FROM generate_series(1, 1000000) x", "1000000|500000500000|999999"},
		{"SELECT count(*) FROM generate_series(1, 3000) a, generate_series(1, 3000) b", "9000000"},
		{"SELECT count(*) FROM generate_series(1, 1000) a JOIN generate_series(1, 1000) b ON a <= b", "500500"},
		{"SELECT count(*) FROM generate_series(1, 1000000) a JOIN generate_series(1, 100) b ON a = b", "100"},
		{"SELECT count(*) FROM generate_series(1, 100) b JOIN generate_series(1, 1000000) a ON a = b", "100"},
		{"SELECT count(*) FROM generate_series(1, 1000000) a WHERE a IN (SELECT generate_series(7, 9))", "3"},
		{"SELECT count(*) FROM (VALUES (300000), (500000)) v(n), LATERAL generate_series(1, n) g", "800000"},
		{"SELECT x FROM generate_series(1, 1000000) x ORDER BY -x LIMIT 2", "1000000\n999999"},
		{"SELECT g FROM generate_series(1, 1000000000000) g LIMIT 2 OFFSET 5000", "5001\n5002"},
		{"SELECT generate_series(1, 1000000000000) LIMIT 1", "1"},
		{"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 20000) SELECT max(n) FROM r", "20000"},
		{"SELECT sum(x % 10) FROM (SELECT DISTINCT x % 1000 AS x FROM generate_series(1, 1000000) x) d", "4500"},
	} {
		var got string
		most, err := finish(t, start(t, t.Context(), c.sql, limit), func(b *vec.Batch) {
			for i := range b.N {
				got += "\n" + rowText(b, i)
			}
		})
		if got = strings.TrimPrefix(got, "\n"); err != nil || got != c.want {
			t.Errorf("%s: %q, %v", c.sql, got, err)
		}
		if most > limit/2 {
			t.Errorf("%s held %d bytes", c.sql, most)
		}
	}
}

// TestMemoryLimit: a query that has to hold more than it may ends with 53200.
func TestMemoryLimit(t *testing.T) {
	const series = "generate_series(1, 200000) x"
	for _, sql := range []string{
		"SELECT x FROM " + series + " ORDER BY -x",
		"SELECT count(*) FROM " + series + ", generate_series(1, 200000) y WHERE x = y",
		"SELECT count(*) FROM " + series + " FULL JOIN generate_series(1, 200000) y ON x = y",
		"SELECT array_agg(x) FROM " + series,
		"SELECT string_agg(x::text, ',' ORDER BY -x) FROM " + series,
		"SELECT x, count(*) FROM " + series + " GROUP BY x",
		"SELECT x::numeric, min(x::text) FROM " + series + " GROUP BY 1",
		"SELECT count(DISTINCT x) FROM " + series,
		"SELECT DISTINCT x::text FROM " + series,
		"SELECT x FROM " + series + " INTERSECT SELECT -x FROM " + series,
		"SELECT row_number() OVER (ORDER BY -x) FROM " + series,
		"SELECT count(*) OVER (PARTITION BY x) FROM " + series,
		"SELECT 1 WHERE (SELECT array_agg(x) FROM " + series + ") IS NULL",
		"WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT n + 1 FROM r) SELECT max(n) FROM r",
		"SELECT repeat('x', 100000) FROM generate_series(1, 100) ORDER BY 1",
	} {
		most, err := finish(t, start(t, t.Context(), sql, 1<<20), nil)
		if e := pgerr.Of(err); err == nil || e.Code != "53200" || e.Message != "out of memory" {
			t.Errorf("%s: %v", sql, err)
		}
		if most > 16<<20 {
			t.Errorf("%s held %d bytes", sql, most)
		}
	}
}

// TestEndsEarly: a query that is closed half-way holds nothing either.
func TestEndsEarly(t *testing.T) {
	for _, sql := range []string{
		"SELECT x FROM generate_series(1, 100000) x ORDER BY -x",
		"SELECT x FROM generate_series(1, 100000) x JOIN generate_series(1, 100000) y ON x = y",
		"SELECT x FROM generate_series(1, 100000) x JOIN LATERAL generate_series(1, x) y ON true",
		"SELECT DISTINCT x FROM generate_series(1, 100000) x",
		"WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT n + 1 FROM r) SELECT n FROM r",
	} {
		c := start(t, t.Context(), sql, 0)
		if b, err := c.Next(); err != nil || b == nil {
			t.Errorf("%s: %v, %v", sql, b, err)
		}
		c.Close()
		if c.r.mem.held != 0 {
			t.Errorf("%s: %d bytes held", sql, c.r.mem.held)
		}
	}
}
