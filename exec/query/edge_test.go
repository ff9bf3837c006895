package query

import "testing"

// TestEdges: what the oracle tests, whose inputs are random, seldom meet: empty inputs, nulls only, duplicates, offsets
// past any end, ties. Rows stand in the order they come in.
func TestEdges(t *testing.T) {
	const none = "(SELECT 1 AS x WHERE false) "
	const nulls = "(VALUES (NULL::int), (NULL), (NULL)) "
	const twos = "(VALUES (2), (1), (2), (2)) "
	for _, c := range []struct{ sql, want string }{
		// Joins without rows on a side.
		{"SELECT * FROM " + none + "a JOIN " + twos + "b(x) ON a.x = b.x", ""},
		{"SELECT * FROM " + twos + "a(x) JOIN " + none + "b ON a.x = b.x", ""},
		{"SELECT * FROM " + twos + "a(x) LEFT JOIN " + none + "b ON a.x = b.x", "2|-\n1|-\n2|-\n2|-"},
		{"SELECT * FROM " + twos + "a(x) LEFT JOIN " + none + "b ON a.x < b.x", "2|-\n1|-\n2|-\n2|-"},
		{"SELECT * FROM " + none + "a FULL JOIN (VALUES (1)) b(y) ON a.x = b.y", "-|1"},
		{"SELECT * FROM (VALUES (1)) b(y) FULL JOIN " + none + "a ON a.x = b.y", "1|-"},
		{"SELECT * FROM " + none + "a, " + nulls + "b", ""},
		{"SELECT x FROM " + twos + "a(x) WHERE NOT EXISTS (SELECT 1 FROM " + none + "b WHERE b.x = a.x)", "2\n1\n2\n2"},
		{"SELECT x FROM " + twos + "a(x) WHERE EXISTS (SELECT FROM " + none + "b WHERE b.x = a.x)", ""},
		// Nulls match nothing; what they do not match is shown once.
		{"SELECT count(*) FROM " + nulls + "a(x) JOIN " + nulls + "b(x) ON a.x = b.x", "0"},
		{"SELECT * FROM " + nulls + "a(x) FULL JOIN " + nulls + "b(y) ON x = y", "-|-\n-|-\n-|-\n-|-\n-|-\n-|-"},
		{"SELECT count(*) FROM " + nulls + "a(x) WHERE x NOT IN (SELECT y FROM " + none + "n(y))", "3"},
		{"SELECT count(*) FROM " + twos + "a(x) WHERE x NOT IN (SELECT y FROM " + nulls + "n(y))", "0"},
		// Each pair of duplicates; the condition decides row by row.
		{"SELECT a.x FROM " + twos + "a(x) JOIN " + twos + "b(x) ON a.x = b.x", "2\n2\n2\n1\n2\n2\n2\n2\n2\n2"},
		{"SELECT * FROM (VALUES (1, 5), (1, 9), (2, 5)) a(k, v) LEFT JOIN (VALUES (1, 7), (1, 8)) b(k, w) ON a.k = b.k AND v < w",
			"1|5|1|7\n1|5|1|8\n1|9|-|-\n2|5|-|-"},
		{"SELECT v, w FROM (VALUES (1, 5), (1, 9)) a(k, v) FULL JOIN (VALUES (1, 7), (2, 8)) b(k, w) ON a.k = b.k AND v < w",
			"5|7\n9|-\n-|8"},
		// A small left side of a large right one.
		{"SELECT a.x, b FROM (VALUES (1999, 'x'), (5, 'y'), (1999, 'z')) a(x, y) JOIN generate_series(1, 3000) b ON a.x = b ORDER BY y",
			"1999|1999\n5|5\n1999|1999"},
		{"SELECT x, b FROM (VALUES (2), (NULL)) a(x) JOIN generate_series(1, 3000) b ON b < x", "2|1"},
		// Set operations.
		{"SELECT * FROM " + twos + "a EXCEPT ALL SELECT 2", "2\n2\n1"},
		{"SELECT * FROM " + twos + "a INTERSECT ALL (VALUES (2), (2), (3))", "2\n2"},
		{"SELECT * FROM " + nulls + "a INTERSECT SELECT NULL", "-"},
		{"SELECT * FROM " + nulls + "a EXCEPT SELECT NULL", ""},
		{"SELECT * FROM " + none + "a EXCEPT ALL SELECT 1", ""},
		{"SELECT * FROM " + nulls + "a UNION SELECT NULL", "-"},
		// LIMIT and OFFSET.
		{"SELECT * FROM " + twos + "a LIMIT 0", ""},
		{"SELECT * FROM " + twos + "a LIMIT NULL OFFSET NULL", "2\n1\n2\n2"},
		{"SELECT * FROM " + twos + "a OFFSET 9223372036854775807", ""},
		{"SELECT * FROM " + twos + "a(x) ORDER BY x LIMIT 9223372036854775807 OFFSET 9223372036854775807", ""},
		{"SELECT * FROM " + twos + "a(x) ORDER BY x LIMIT 9223372036854775807 OFFSET 3", "2"},
		{"SELECT * FROM " + twos + "a LIMIT -1", "2201W"},
		{"SELECT * FROM " + twos + "a OFFSET -1", "2201X"},
		{"SELECT g FROM generate_series(1, 20000) g ORDER BY g % 3, g LIMIT 2 OFFSET 19998", "19997\n20000"},
		// Ties keep their order; nulls come last, or first.
		{"SELECT x, y FROM (VALUES (2, 'a'), (1, 'b'), (2, 'c'), (NULL, 'd')) v(x, y) ORDER BY x", "1|b\n2|a\n2|c\n-|d"},
		{"SELECT x, y FROM (VALUES (2, 'a'), (1, 'b'), (2, 'c'), (NULL, 'd')) v(x, y) ORDER BY x DESC", "-|d\n2|a\n2|c\n1|b"},
		{"SELECT min(g), max(g), count(*) FROM (SELECT g FROM generate_series(1, 100000) g ORDER BY g % 2, -g LIMIT 50000) s", "2|100000|50000"},
		// Subqueries.
		{"SELECT (SELECT x FROM " + none + "a)", "-"},
		{"SELECT (SELECT x FROM " + twos + "a(x))", "21000"},
		{"SELECT x, (SELECT count(*) FROM " + twos + "b(y) WHERE y < x) FROM " + nulls + "a(x) LIMIT 1", "-|0"},
		{"SELECT x, (SELECT sum(y) FROM " + twos + "b(y) WHERE y <= x) FROM " + twos + "a(x)", "2|7\n1|1\n2|7\n2|7"},
		{"SELECT x, l.* FROM (VALUES (0), (2), (NULL)) v(x) LEFT JOIN LATERAL generate_series(1, x) l ON l > 1", "0|-\n2|2\n-|-"},
		{"SELECT a, b, c FROM (VALUES (1), (2)) v(a), LATERAL (SELECT a * 10 AS b) p, LATERAL generate_series(b, b + 1) c",
			"1|10|10\n1|10|11\n2|20|20\n2|20|21"},
		{"SELECT v, o FROM unnest(ARRAY['x', 'y']) WITH ORDINALITY u(v, o)", "x|1\ny|2"},
		{"SELECT max(o) FROM generate_series(5, 10004) WITH ORDINALITY u(v, o) WHERE v - o = 4", "10000"},
		// Recursion.
		{"WITH RECURSIVE r(n) AS (SELECT 1 WHERE false UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", ""},
		{"WITH RECURSIVE r(n) AS (SELECT 1 UNION SELECT (n + 1) % 3 FROM r) SELECT * FROM r", "1\n2\n0"},
		{"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r LIMIT 3", "1\n2\n3"},
		{"WITH RECURSIVE r(n) AS (VALUES (NULL::int), (NULL) UNION SELECT n FROM r) SELECT count(*) FROM r", "1"},
		// Windows.
		{"SELECT x, rank() OVER (ORDER BY x), dense_rank() OVER (ORDER BY x), sum(x) OVER (ORDER BY x) FROM " + twos + "a(x)",
			"1|1|1|1\n2|2|2|7\n2|2|2|7\n2|2|2|7"},
		{"SELECT count(*) OVER (), sum(x) OVER (), lag(x) OVER () FROM " + nulls + "a(x)", "3|-|-\n3|-|-\n3|-|-"},
		{"SELECT row_number() OVER () FROM " + none + "a", ""},
		{"SELECT sum(x) OVER (ORDER BY x ROWS BETWEEN 9223372036854775807 PRECEDING AND 9223372036854775807 FOLLOWING) FROM (VALUES (1), (2)) a(x)", "3\n3"},
		{"SELECT first_value(x) OVER (ORDER BY x ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING) FROM (VALUES (1), (2), (3)) a(x)", "3\n-\n-"},
		// Aggregates of nothing and of nulls.
		{"SELECT count(*), count(x), sum(x), max(x), array_agg(x) FROM " + none + "a", "0|0|-|-|-"},
		{"SELECT count(*), count(x), sum(x), array_agg(x), count(DISTINCT x) FROM " + nulls + "a(x)", "3|0|-|{NULL,NULL,NULL}|0"},
		{"SELECT x, count(*) FROM " + nulls + "a(x) GROUP BY x", "-|3"},
		{"SELECT count(*) FROM " + none + "a GROUP BY x", ""},
	} {
		if got := text(t, c.sql); got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.sql, got, c.want)
		}
	}
}
