package incremental

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// column is a column of a generated relation.
type column struct {
	name, typ string
	gen       func(*rand.Rand) string // a literal
}

// relation is a generated stream or table. Tables have the primary key "id".
type relation struct {
	name   string
	stream bool
	cols   []column
	nextID int
	ids    []int // of rows that may exist, for UPDATE and DELETE
}

var kinds = []struct {
	typ string
	gen func(*rand.Rand) string
}{
	{"int", func(r *rand.Rand) string { return fmt.Sprint(r.IntN(9) - 2) }},
	{"bigint", func(r *rand.Rand) string { return fmt.Sprint(r.Int64N(5) * 1_000_000_007) }},
	{"text", func(r *rand.Rand) string { return "'" + []string{"a", "b", "abc", "", "ü", "Zz"}[r.IntN(6)] + "'" }},
	{"numeric", func(r *rand.Rand) string { return []string{"1", "1.0", "2.50", "-0.125", "1e10", "0.00"}[r.IntN(6)] }},
	// Multiples of a quarter: sums of them are exact in any order.
	{"double precision", func(r *rand.Rand) string { return fmt.Sprint(float64(r.IntN(21)-10) / 4) }},
	{"boolean", func(r *rand.Rand) string { return []string{"true", "false"}[r.IntN(2)] }},
	{"timestamp", func(r *rand.Rand) string {
		return fmt.Sprintf("'2024-03-01 10:%02d:%02d'", r.IntN(4), r.IntN(4)*15)
	}},
	{"date", func(r *rand.Rand) string { return fmt.Sprintf("'2024-02-%02d'", 27+r.IntN(3)) }},
}

func newRelation(r *rand.Rand, name string, stream bool) *relation {
	rel := &relation{name: name, stream: stream}
	rel.cols = append(rel.cols, column{"id", "int", nil})
	n := 3 + r.IntN(4)
	for i := range n {
		k := kinds[r.IntN(len(kinds))]
		if i == 0 {
			k = kinds[0] // an int to group and join by
		}
		rel.cols = append(rel.cols, column{fmt.Sprintf("c%d", i), k.typ, k.gen})
	}
	return rel
}

// create is the DDL; asTable is PostgreSQL's.
func (rel *relation) create(asTable bool) string {
	var defs []string
	for _, c := range rel.cols {
		d := c.name + " " + c.typ
		if c.name == "id" && !rel.stream {
			d += " PRIMARY KEY"
		}
		defs = append(defs, d)
	}
	kind := "TABLE"
	if rel.stream && !asTable {
		kind = "STREAM"
	}
	return fmt.Sprintf("CREATE %s %s (%s)", kind, rel.name, strings.Join(defs, ", "))
}

func (c column) value(r *rand.Rand) string {
	if r.IntN(6) == 0 {
		return "NULL"
	}
	return c.gen(r)
}

// statement is a random write.
func (rel *relation) statement(r *rand.Rand) string {
	if !rel.stream && len(rel.ids) > 0 {
		switch r.IntN(4) {
		case 0:
			return rel.update(r)
		case 1:
			return rel.delete(r)
		}
	}
	return rel.insert(r)
}

func (rel *relation) insert(r *rand.Rand) string {
	var rows []string
	for range 1 + r.IntN(6) {
		rel.nextID++
		vals := []string{fmt.Sprint(rel.nextID)}
		if rel.stream && r.IntN(3) == 0 {
			vals[0] = fmt.Sprint(1 + r.IntN(rel.nextID)) // duplicates
		}
		rel.ids = append(rel.ids, rel.nextID)
		for _, c := range rel.cols[1:] {
			vals = append(vals, c.value(r))
		}
		rows = append(rows, "("+strings.Join(vals, ", ")+")")
	}
	return fmt.Sprintf("INSERT INTO %s VALUES %s", rel.name, strings.Join(rows, ", "))
}

func (rel *relation) where(r *rand.Rand) string {
	id := rel.ids[r.IntN(len(rel.ids))]
	switch r.IntN(3) {
	case 0:
		return fmt.Sprintf("id BETWEEN %d AND %d", id, id+r.IntN(5))
	case 1:
		return fmt.Sprintf("c0 = %s", kinds[0].gen(r))
	}
	return fmt.Sprintf("id = %d", id)
}

func (rel *relation) update(r *rand.Rand) string {
	c := rel.cols[1+r.IntN(len(rel.cols)-1)]
	v := c.value(r)
	if c.typ == "int" && r.IntN(2) == 0 {
		v = c.name + " + 1"
	}
	return fmt.Sprintf("UPDATE %s SET %s = %s WHERE %s", rel.name, c.name, v, rel.where(r))
}

func (rel *relation) delete(r *rand.Rand) string {
	return fmt.Sprintf("DELETE FROM %s WHERE %s", rel.name, rel.where(r))
}

// of returns the columns of a type, "" for any.
func (rel *relation) of(types ...string) []string {
	var out []string
	for _, c := range rel.cols {
		for _, t := range types {
			if c.typ == t {
				out = append(out, c.name)
			}
		}
	}
	return out
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

func (rel *relation) any(r *rand.Rand) string { return rel.cols[r.IntN(len(rel.cols))].name }
