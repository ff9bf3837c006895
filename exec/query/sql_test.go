package query

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/millracedb/millrace/planner"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/parser"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// The queries of these tests read no relations: their rows come from VALUES and generate_series.

// session answers the one setting that a query asks for.
type session struct {
	funcs.Sys
	limit int64
}

func (s session) Setting(name string) (string, bool) {
	return strconv.FormatInt(s.limit, 10), name == "query_memory_limit" && s.limit > 0
}

// start plans and starts a query that may hold limit bytes (0: the default).
func start(t testing.TB, ctx context.Context, sql string, limit int64) *cursor {
	t.Helper()
	stmts, err := parser.Parse(sql)
	if err != nil || len(stmts) != 1 {
		t.Fatal(sql, err)
	}
	fc := &funcs.Ctx{Context: ctx, Env: &types.Env{}, Sys: session{limit: limit}}
	st, err := planner.Plan(stmts[0].Node, &planner.Env{
		Catalog:    catalog.New(nil, &catalog.Schema{ID: catalog.PgCatalogID, Name: catalog.PgCatalog}),
		SearchPath: []string{"public"}, User: catalog.SuperuserName, Funcs: fc,
	})
	if err != nil {
		t.Fatal(sql, err)
	}
	rows, err := Run(ctx, st.Plan.(*physical.Query), nil, fc)
	if err != nil {
		return &cursor{r: &runner{mem: &memory{}}, rows: failed{err}}
	}
	return rows.(*cursor)
}

// failed is a query that could not be started.
type failed struct{ err error }

func (f failed) Next() (*vec.Batch, error) { return nil, f.err }
func (f failed) Close()                    {}

// finish reads a query to its end and checks that it then holds nothing. most is the most that it held at a time.
func finish(t testing.TB, c *cursor, each func(*vec.Batch)) (most int64, err error) {
	t.Helper()
	for {
		var b *vec.Batch
		b, err = c.Next()
		most = max(most, c.r.mem.held)
		if err != nil || b == nil {
			break
		}
		if b.N == 0 || b.W != nil {
			t.Errorf("a batch of %d rows, weights %v", b.N, b.W)
		}
		if each != nil {
			each(b)
		}
	}
	c.Close()
	c.Close()
	if c.r.mem.held != 0 {
		t.Errorf("%d bytes held after the end", c.r.mem.held)
	}
	return most, err
}

// text is the result of a query, a row a line; an error is its SQLSTATE.
func text(t testing.TB, sql string) string {
	t.Helper()
	var lines []string
	_, err := finish(t, start(t, t.Context(), sql, 0), func(b *vec.Batch) {
		for i := range b.N {
			lines = append(lines, rowText(b, i))
		}
	})
	if err != nil {
		return pgerr.Of(err).Code
	}
	return strings.Join(lines, "\n")
}

func rowText(b *vec.Batch, i int) string {
	cells := make([]string, len(b.Cols))
	for k, v := range b.Cols {
		if s := v.At(i); s.Null {
			cells[k] = "-"
		} else {
			cells[k] = string(types.AppendText(nil, s.Type, s.I, s.F, s.B, nil))
		}
	}
	return strings.Join(cells, "|")
}
