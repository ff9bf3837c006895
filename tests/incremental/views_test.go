package incremental

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// view is a generated view: its query for Millrace and for PostgreSQL (they differ where a window table function is used).
type view struct {
	name, query, oracle string
	cols                int
	over                *view // the view it reads
}

// shape makes a query over relations: its text, PostgreSQL's if different, and its number of columns.
type shape func(r *rand.Rand, rels []*relation) (query, oracle string, cols int)

var shapes = []shape{
	projection, grouped, grouped, having, distinct, unionAll, innerJoin, leftJoin, fullJoin, joinThenGroup, subqueryInFrom, cte,
	rowNumber, lag, tumble, hop, globalAggregate, retractableMinMax, distinctAggregates, caseExpression, topN,
	enriched, enriched, exists, matches, matches, running, groupingSets, setOperation, collected, expanded,
}

func one(r *rand.Rand, rels []*relation) *relation { return rels[r.IntN(len(rels))] }

func predicate(r *rand.Rand, rel *relation, alias string) string {
	c := rel.cols[1+r.IntN(len(rel.cols)-1)]
	n := alias + c.name
	switch r.IntN(4) {
	case 0:
		return n + " IS NOT NULL"
	case 1:
		return fmt.Sprintf("(%s = %s OR %sid %% 2 = 0)", n, c.gen(r), alias)
	case 2:
		return fmt.Sprintf("%s <> %s", n, c.gen(r))
	}
	return fmt.Sprintf("%s >= %s", n, c.gen(r))
}

func projection(r *rand.Rand, rels []*relation) (string, string, int) {
	a := one(r, rels)
	return fmt.Sprintf("SELECT id, c0 + 1 AS x, %s AS y, coalesce(c0, 0) * 2 AS z FROM %s WHERE %s", a.any(r), a.name, predicate(r, a, "")), "", 4
}

// aggregates gives n aggregate calls over columns of rel.
func aggregates(r *rand.Rand, rel *relation, n int) string {
	var out []string
	for i := range n {
		num := pick(r, append(rel.of("int", "bigint", "numeric", "double precision"), "c0"))
		// Not numeric: which of 1.0 and 1.00 is the least is not defined.
		ordered := pick(r, rel.of("int", "bigint", "text", "timestamp", "date", "double precision"))
		call := []string{
			"count(*)", "count(" + rel.any(r) + ")", "sum(" + num + ")", "avg(" + num + ")",
			"min(" + ordered + ")", "max(" + ordered + ")",
		}[r.IntN(6)]
		if r.IntN(5) == 0 {
			call += " FILTER (WHERE " + predicate(r, rel, "") + ")"
		}
		out = append(out, fmt.Sprintf("%s AS a%d", call, i))
	}
	return strings.Join(out, ", ")
}

func grouped(r *rand.Rand, rels []*relation) (string, string, int) {
	a := one(r, rels)
	keys := []string{"c0"}
	if r.IntN(2) == 0 {
		// Not numeric: which of 1.0 and 1.00 a group shows is not defined.
		if more := a.of("text", "boolean", "date", "bigint"); len(more) > 0 {
			keys = append(keys, pick(r, more))
		}
	}
	k := strings.Join(keys, ", ")
	where := ""
	if r.IntN(3) == 0 {
		where = " WHERE " + predicate(r, a, "")
	}
	return fmt.Sprintf("SELECT %s, %s FROM %s%s GROUP BY %s", k, aggregates(r, a, 3), a.name, where, k), "", len(keys) + 3
}

func groupingSets(r *rand.Rand, rels []*relation) (string, string, int) {
	a := one(r, rels)
	key := pick(r, append(a.of("text", "boolean", "date", "bigint"), "id % 3"))
	sets := []string{"ROLLUP (c0, %s)", "CUBE (c0, %s)", "GROUPING SETS ((c0), (%s), ())", "c0, ROLLUP (%s)"}
	by := fmt.Sprintf(pick(r, sets), key)
	return fmt.Sprintf("SELECT c0, %s AS k, grouping(c0, %s) AS g, %s FROM %s GROUP BY %s", key, key, aggregates(r, a, 2), a.name, by), "", 5
}

// collected are views that keep the rows of their groups.
func collected(r *rand.Rand, rels []*relation) (string, string, int) {
	a := one(r, rels)
	calls := []string{
		"string_agg(id::text, '>' ORDER BY id)", "array_agg(c0 ORDER BY c0 DESC, id)", "array_agg(DISTINCT id)", "bit_or(c0)",
		"jsonb_agg(id ORDER BY id) FILTER (WHERE " + predicate(r, a, "") + ")", "string_agg(CASE WHEN " + a.any(r) + " IS NULL THEN 'n' END, '' ORDER BY id)",
	}
	key := pick(r, []string{"c0", "id % 4"})
	return fmt.Sprintf("SELECT %s AS k, %s AS x, %s AS y, count(*) AS n FROM %s GROUP BY 1", key, pick(r, calls), pick(r, calls), a.name), "", 4
}

// expanded are views over set-returning functions.
func expanded(r *rand.Rand, rels []*relation) (string, string, int) {
	a := one(r, rels)
	call := pick(r, []string{
		"generate_series(1, id % 4)", "generate_series(id, c0, 3)", "unnest(ARRAY[c0, id, NULL])", "unnest(CASE WHEN id % 3 > 0 THEN ARRAY[id, c0] END)",
	})
	switch r.IntN(4) {
	case 0:
		return fmt.Sprintf("SELECT id, %s AS x FROM %s", call, a.name), "", 2
	case 1:
		return fmt.Sprintf("SELECT id, x, o FROM %s LEFT JOIN LATERAL %s WITH ORDINALITY AS f(x, o) ON true", a.name, call), "", 3
	case 2:
		return fmt.Sprintf("SELECT x, count(*) AS n, sum(c0) AS s FROM %s, %s AS x GROUP BY x", a.name, call), "", 3
	}
	return fmt.Sprintf("SELECT a.id, x, b.c0 FROM %s a CROSS JOIN LATERAL %s AS x JOIN %s b ON b.id = x", a.name,
		strings.NewReplacer("id", "a.id", "c0", "a.c0").Replace(call), one(r, rels).name), "", 3
}

func having(r *rand.Rand, rels []*relation) (string, string, int) {
	a := one(r, rels)
	return fmt.Sprintf("SELECT c0, %s FROM %s GROUP BY c0 HAVING count(*) > %d", aggregates(r, a, 2), a.name, 1+r.IntN(3)), "", 3
}

func distinct(r *rand.Rand, rels []*relation) (string, string, int) {
	a := one(r, rels)
	more := append(a.of("text", "boolean", "date", "bigint", "timestamp"), "c0")
	return fmt.Sprintf("SELECT DISTINCT c0, %s AS k FROM %s", pick(r, more), a.name), "", 2
}

func unionAll(r *rand.Rand, rels []*relation) (string, string, int) {
	a, b := one(r, rels), one(r, rels)
	return fmt.Sprintf("SELECT id, c0 FROM %s WHERE %s UNION ALL SELECT c0, id FROM %s", a.name, predicate(r, a, ""), b.name), "", 2
}

func join(r *rand.Rand, rels []*relation, kind string) (string, string, int) {
	a, b := one(r, rels), one(r, rels)
	on := "a.c0 = b.c0"
	switch r.IntN(3) {
	case 0:
		on = "a.c0 = b.id"
	case 1:
		on += " AND a.id < b.id"
	}
	return fmt.Sprintf("SELECT a.id, a.c0, b.id AS bid, b.%s AS bx FROM %s a %s JOIN %s b ON %s WHERE coalesce(a.id, 0) %% 3 <> 1",
		b.any(r), a.name, kind, b.name, on), "", 4
}

func innerJoin(r *rand.Rand, rels []*relation) (string, string, int) { return join(r, rels, "INNER") }
func leftJoin(r *rand.Rand, rels []*relation) (string, string, int)  { return join(r, rels, "LEFT") }
func fullJoin(r *rand.Rand, rels []*relation) (string, string, int)  { return join(r, rels, "FULL") }

func joinThenGroup(r *rand.Rand, rels []*relation) (string, string, int) {
	a, b := one(r, rels), one(r, rels)
	return fmt.Sprintf("SELECT a.c0, count(*) AS n, sum(b.c0) AS s, max(b.id) AS m FROM %s a LEFT JOIN %s b ON a.c0 = b.id GROUP BY a.c0",
		a.name, b.name), "", 4
}

// enriched looks rows up by the key of a table, which is filtered and computed with on the way.
func enriched(r *rand.Rand, rels []*relation) (string, string, int) {
	a, b := one(r, rels), table(r, rels)
	kind := pick(r, []string{"JOIN", "LEFT JOIN", "FULL JOIN"})
	from, to := a.name+" a", fmt.Sprintf("(SELECT id, coalesce(c0, 0) + 1 AS x FROM %s WHERE %s) b", b.name, predicate(r, b, ""))
	if r.IntN(3) == 0 { // the table is the side that is kept whole
		from, to = fmt.Sprintf("(SELECT id, c0 AS x, id AS c0 FROM %s) a", b.name), fmt.Sprintf("(SELECT c0 AS id, id AS x FROM %s) b", a.name)
	}
	return fmt.Sprintf("SELECT a.id, a.c0, b.x FROM %s %s %s ON a.c0 = b.id", from, kind, to), "", 3
}

// exists keeps the rows of a side that have, or do not have, a match.
func exists(r *rand.Rand, rels []*relation) (string, string, int) {
	a, b := one(r, rels), one(r, rels)
	not, mine, theirs := pick(r, []string{"", "NOT "}), pick(r, []string{"id", "c0"}), pick(r, []string{"id", "c0"})
	return fmt.Sprintf("SELECT id, c0 FROM %s a WHERE %sEXISTS (SELECT 1 FROM %s b WHERE b.%s = a.%s AND %s)",
		a.name, not, b.name, theirs, mine, predicate(r, b, "b.")), "", 2
}

func setOperation(r *rand.Rand, rels []*relation) (string, string, int) {
	a, b := one(r, rels), one(r, rels)
	mine, theirs := pick(r, []string{"id", "c0"}), pick(r, []string{"id", "c0"})
	return fmt.Sprintf("SELECT %s AS k, c0 IS NULL AS n FROM %s WHERE %s %s SELECT %s, c0 IS NULL FROM %s WHERE %s",
		mine, a.name, predicate(r, a, ""), pick(r, []string{"INTERSECT", "EXCEPT"}), theirs, b.name, predicate(r, b, "")), "", 2
}

// matches are views whose joins keep the same rows: they differ behind the join only.
func matches(r *rand.Rand, rels []*relation) (string, string, int) {
	a, b := one(r, rels), one(r, rels)
	from := fmt.Sprintf("FROM (SELECT id, c0 FROM %s WHERE id %% 5 <> 2) a %s (SELECT id, c0 FROM %s) b ON a.c0 = b.c0",
		a.name, pick(r, []string{"JOIN", "LEFT JOIN", "FULL JOIN"}), b.name)
	switch r.IntN(3) {
	case 0:
		return "SELECT a.id, b.id AS bid, a.c0, b.c0 AS bc " + from, "", 4
	case 1:
		return "SELECT a.c0, count(b.id) AS n, max(b.c0) AS m, sum(a.id) AS s " + from + " GROUP BY a.c0", "", 4
	}
	return "SELECT count(*) AS n, sum(a.id + b.id) AS s, max(a.c0) AS m, min(b.c0) AS l " + from, "", 4
}

// running are views that keep the same partitions.
func running(r *rand.Rand, rels []*relation) (string, string, int) {
	a := table(r, rels)
	f := pick(r, []string{"sum(id)", "count(*)", "row_number()", "lag(id)"})
	return fmt.Sprintf("SELECT id, c0, %s OVER (PARTITION BY c0 ORDER BY id) AS l FROM %s", f, a.name), "", 3
}

func subqueryInFrom(r *rand.Rand, rels []*relation) (string, string, int) {
	a := one(r, rels)
	return fmt.Sprintf("SELECT n, count(*) AS groups FROM (SELECT c0, count(*) AS n FROM %s GROUP BY c0) q GROUP BY n", a.name), "", 2
}

func cte(r *rand.Rand, rels []*relation) (string, string, int) {
	a, b := one(r, rels), one(r, rels)
	return fmt.Sprintf(`WITH per AS (SELECT c0, count(*) AS n FROM %s GROUP BY c0), big AS (SELECT * FROM per WHERE n > 1)
		SELECT b.id, big.n FROM %s b JOIN big ON big.c0 = b.c0`, a.name, b.name), "", 2
}

func rowNumber(r *rand.Rand, rels []*relation) (string, string, int) {
	a := table(r, rels)
	f := pick(r, []string{"row_number()", "rank()", "dense_rank()"})
	order := pick(r, []string{"id", "id DESC"})
	if f != "row_number()" {
		order = "c1"
	}
	return fmt.Sprintf("SELECT id, c0, %s OVER (PARTITION BY c0 ORDER BY %s) AS rn FROM %s", f, order, a.name), "", 3
}

// table is a relation whose ids are unique, so that an order by id is total.
func table(r *rand.Rand, rels []*relation) *relation {
	for {
		if a := one(r, rels); !a.stream {
			return a
		}
	}
}

func lag(r *rand.Rand, rels []*relation) (string, string, int) {
	a := table(r, rels)
	f := pick(r, []string{"lag(c1)", "lead(c1)", "lag(id, 2)", "lead(id)", "sum(id)", "count(*)"})
	return fmt.Sprintf("SELECT id, c0, %s OVER (PARTITION BY c0 ORDER BY id) AS l FROM %s", f, a.name), "", 3
}

func tumble(r *rand.Rand, rels []*relation) (string, string, int) {
	for _, a := range rels {
		if ts := a.of("timestamp"); len(ts) > 0 {
			t := ts[0]
			q := "SELECT window_start, window_end, count(*) AS n, sum(c0) AS s FROM %s GROUP BY window_start, window_end"
			pg := fmt.Sprintf(`(SELECT *, date_bin('1 minute', %s, '2000-01-01') AS window_start,
				date_bin('1 minute', %s, '2000-01-01') + interval '1 minute' AS window_end FROM %s WHERE %s IS NOT NULL) w`, t, t, a.name, t)
			return fmt.Sprintf(q, fmt.Sprintf("TUMBLE(%s, %s, INTERVAL '1 minute')", a.name, t)), fmt.Sprintf(q, pg), 4
		}
	}
	return grouped(r, rels)
}

func hop(r *rand.Rand, rels []*relation) (string, string, int) {
	for _, a := range rels {
		if ts := a.of("timestamp"); len(ts) > 0 {
			t := ts[0]
			q := "SELECT window_start, c0, count(*) AS n FROM %s GROUP BY window_start, c0"
			pg := fmt.Sprintf(`(SELECT a.*, date_bin('30 seconds', %s, '2000-01-01') - k * interval '30 seconds' AS window_start
				FROM %s a, generate_series(0, 3) k WHERE %s IS NOT NULL) w`, t, a.name, t)
			return fmt.Sprintf(q, fmt.Sprintf("HOP(%s, %s, INTERVAL '30 seconds', INTERVAL '2 minutes')", a.name, t)), fmt.Sprintf(q, pg), 3
		}
	}
	return grouped(r, rels)
}

func globalAggregate(r *rand.Rand, rels []*relation) (string, string, int) {
	a := one(r, rels)
	return fmt.Sprintf("SELECT %s FROM %s", aggregates(r, a, 4), a.name), "", 4
}

func retractableMinMax(r *rand.Rand, rels []*relation) (string, string, int) {
	a := table(r, rels)
	c := pick(r, a.of("int", "bigint", "text", "timestamp", "date", "double precision"))
	return fmt.Sprintf("SELECT c0, min(%s) AS lo, max(%s) AS hi, count(%s) AS n FROM %s GROUP BY c0", c, c, c, a.name), "", 4
}

func distinctAggregates(r *rand.Rand, rels []*relation) (string, string, int) {
	a := one(r, rels)
	c := pick(r, append(a.of("int", "bigint"), "c0"))
	return fmt.Sprintf("SELECT c0, count(DISTINCT %s) AS d, sum(DISTINCT %s) AS s, count(*) AS n FROM %s GROUP BY c0", c, c, a.name), "", 4
}

func caseExpression(r *rand.Rand, rels []*relation) (string, string, int) {
	a := one(r, rels)
	return fmt.Sprintf(`SELECT CASE WHEN c0 > 2 THEN 'high' WHEN c0 IS NULL THEN 'none' ELSE 'low' END AS band, count(*) AS n
		FROM %s GROUP BY 1`, a.name), "", 2
}

func topN(r *rand.Rand, rels []*relation) (string, string, int) {
	a := table(r, rels)
	return fmt.Sprintf(`SELECT id, c0 FROM (SELECT id, c0, row_number() OVER (PARTITION BY c0 ORDER BY id DESC) AS rn FROM %s) q
		WHERE rn <= %d`, a.name, 1+r.IntN(2)), "", 2
}
