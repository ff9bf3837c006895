package parser

import (
	"fmt"
	"strings"
	"testing"
)

func benchmark(b *testing.B, sql string) {
	b.Helper()
	b.SetBytes(int64(len(sql)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(sql); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSelect1(b *testing.B) { benchmark(b, "SELECT 1") }

func BenchmarkSelectByKey(b *testing.B) {
	benchmark(b, "SELECT id, name, total FROM orders WHERE id = $1")
}

func BenchmarkSelectFiveTables(b *testing.B) {
	benchmark(b, `SELECT n.name, count(*) AS orders, sum(l.price * (1 - l.discount)) AS revenue
		FROM customer c JOIN orders o ON o.customer = c.id JOIN lineitem l ON l.order_id = o.id
		LEFT JOIN supplier s ON s.id = l.supplier JOIN nation n ON n.id = s.nation AND c.nation = s.nation
		WHERE o.day >= date '1994-01-01' AND o.day < date '1994-01-01' + interval '1 year' AND n.name IN ('FRANCE', 'GERMANY')
		GROUP BY n.name HAVING count(*) > 10 ORDER BY revenue DESC LIMIT 10`)
}

func BenchmarkInsert1000Rows(b *testing.B) {
	var s strings.Builder
	s.WriteString("INSERT INTO clicks (id, page, price, ok, note) VALUES ")
	for i := range 1000 {
		if i > 0 {
			s.WriteString(", ")
		}
		fmt.Fprintf(&s, "(%d, '/page/%d', %d.25, true, NULL)", i, i%17, i)
	}
	benchmark(b, s.String())
}
