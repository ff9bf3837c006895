package parser

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/millracedb/millrace/tests/rig"
)

// TestKeywordsAreThoseOfPostgres compares the table with the server's own.
func TestKeywordsAreThoseOfPostgres(t *testing.T) {
	conn := connect(t, rig.Postgres(t))
	rows, err := conn.Query(context.Background(), "SELECT word, catcode::text, barelabel FROM pg_get_keywords()")
	if err != nil {
		t.Fatal(err)
	}
	categories := map[string]category{"U": unreserved, "C": colName, "T": typeFuncName, "R": reserved}
	n := 0
	var word, code string
	var bare bool
	_, err = pgx.ForEachRow(rows, []any{&word, &code, &bare}, func() error {
		n++
		if k := keywords[word]; k.word != word || k.cat != categories[code] || k.needsAS == bare {
			t.Errorf("%s: %+v, but %s and bare label %v to PostgreSQL", word, k, code, bare)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 400 {
		t.Errorf("only %d keywords", n)
	}
}
