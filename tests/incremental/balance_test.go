package incremental

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/millracedb/millrace/tests/rig"
)

// TestBalancesAddUpAtEveryRead: eight writers transfer between accounts, by single statements, by blocks and by events in a
// stream, while eight readers poll the views. Money is neither made nor lost, so each total is 0 at every read.
func TestBalancesAddUpAtEveryRead(t *testing.T) {
	srv := rig.Millrace(t)
	srv.Exec(
		"CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL)",
		"CREATE STREAM transfers (src int, dst int, amount bigint)",
		"INSERT INTO accounts VALUES "+accounts(20),
		"CREATE MATERIALIZED VIEW total AS SELECT sum(balance) AS s, count(*) AS n FROM accounts",
		"CREATE MATERIALIZED VIEW rich AS SELECT id, balance FROM accounts WHERE balance > 0",
		"CREATE MATERIALIZED VIEW poor AS SELECT id, balance FROM accounts WHERE balance <= 0",
		`CREATE MATERIALIZED VIEW moved AS SELECT account, sum(amount) AS balance FROM
			(SELECT dst AS account, amount FROM transfers UNION ALL SELECT src, -amount FROM transfers) m GROUP BY account`,
	)
	const run = 4 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), run)
	defer cancel()
	var wg sync.WaitGroup
	var reads, writes, retries atomic.Int64
	for w := range 8 {
		c := srv.Connect()
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for ctx.Err() == nil {
				if transfer(t, c, r, w, &retries) {
					writes.Add(1)
				}
			}
		})
	}
	queries := []string{
		"SELECT s FROM total",
		"SELECT sum(balance) FROM accounts",
		"SELECT coalesce((SELECT sum(balance) FROM rich), 0) + coalesce((SELECT sum(balance) FROM poor), 0)",
		"SELECT coalesce(sum(balance), 0) FROM moved",
		"SELECT (SELECT s FROM total) - (SELECT sum(balance) FROM accounts)",
	}
	for k := range 8 {
		c := srv.Connect()
		wg.Go(func() {
			for i := k; ctx.Err() == nil; i++ {
				var sum string
				q := queries[i%len(queries)]
				if err := c.QueryRow(context.Background(), "SELECT ("+q+")::text").Scan(&sum); err != nil {
					t.Errorf("%s: %v", q, err)
					return
				}
				if sum != "0" {
					t.Errorf("%s is %s", q, sum)
					return
				}
				reads.Add(1)
			}
		})
	}
	wg.Wait()
	t.Logf("%d reads beside %d transfers, %d of them retried after 40001", reads.Load(), writes.Load(), retries.Load())
	if reads.Load() == 0 || writes.Load() == 0 {
		t.Error("nothing was read or written")
	}
}

// transfer moves money once, in one of three ways; false: a conflicting block was rolled back.
func transfer(t *testing.T, c *pgx.Conn, r *rand.Rand, w int, retries *atomic.Int64) bool {
	ctx := context.Background()
	from, to, amount := r.IntN(20), r.IntN(20), 1+r.IntN(100)
	if from == to {
		return false
	}
	var err error
	switch w % 3 {
	case 0: // one statement
		_, err = c.Exec(ctx, fmt.Sprintf(
			"UPDATE accounts SET balance = balance + CASE id WHEN %d THEN -%d ELSE %d END WHERE id IN (%d, %d)", from, amount, amount, from, to))
	case 1: // events
		_, err = c.Exec(ctx, fmt.Sprintf("INSERT INTO transfers VALUES (%d, %d, %d)", from, to, amount))
	default: // a block
		err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "UPDATE accounts SET balance = balance - $1 WHERE id = $2", amount, from); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "UPDATE accounts SET balance = balance + $1 WHERE id = $2", amount, to)
			return err
		})
		if state(err) == "40001" {
			retries.Add(1)
			return false
		}
	}
	if err != nil {
		t.Error(err)
		return false
	}
	return true
}

// accounts is n rows of VALUES.
func accounts(n int) string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d, 0)", i)
	}
	return strings.Join(rows, ", ")
}
