package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// runKafka produces clicks to a topic for each encoding, then measures how long a new stream with one aggregating view takes
// to have them all. The encodings take turns.
func runKafka(ctx context.Context, b *bench) error {
	rows := or(b.Rows, 1_000_000)
	h, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer h.stop()
	encodings := []string{"JSON", "AVRO"}
	topics := map[string]*filled{}
	for _, e := range encodings {
		f, err := b.fillClicks(ctx, e, rows)
		if err != nil {
			return err
		}
		defer f.drop()
		topics[e] = f
	}
	for round := range b.Rounds {
		for i := range encodings {
			f := topics[encodings[(i+round)%len(encodings)]]
			if err := f.read(ctx, h, rows); err != nil {
				return err
			}
		}
	}
	t := newTable(b.Out, "", "records", "bytes", "records/s", "min..max", "server CPU a record")
	for _, e := range encodings {
		f := topics[e]
		t.row(e, thousands(float64(rows)), fmt.Sprint(f.bytes/rows), number(f.rates), spread(f.rates), micros(f.cpu))
	}
	t.flush()
	return nil
}

// filled is a topic of clicks, and what reading it took.
type filled struct {
	*topic
	encode string // ENCODE ... of a stream over it
	bytes  int
	rates  []float64 // records a second
	cpu    []float64 // seconds a record
}

// fillClicks makes a topic of clicks. The schema of AVRO is in the registry, if there is one, else in the statement.
func (b *bench) fillClicks(ctx context.Context, encode string, rows int) (*filled, error) {
	t, err := b.newTopic(ctx, fillLinger)
	if err != nil {
		return nil, err
	}
	f := &filled{topic: t, encode: encode}
	value := clickJSON
	if encode == "AVRO" {
		f.encode, value, err = b.avroClicks(ctx, t.name)
	}
	if err == nil {
		f.bytes, err = t.fill(ctx, rows, value)
	}
	if err != nil {
		t.drop()
		return nil, err
	}
	return f, nil
}

// read measures one run, from CREATE STREAM to the view that has counted everything.
func (f *filled) read(ctx context.Context, h *host, rows int) error {
	if err := script(ctx, h.dsn, "DROP STREAM IF EXISTS topic_clicks CASCADE"); err != nil {
		return err
	}
	c, err := connect(ctx, h.dsn)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	cpu := h.cpu()
	start := time.Now()
	err = script(ctx, h.dsn, f.stream("topic_clicks", f.encode),
		"CREATE MATERIALIZED VIEW topic_pages AS SELECT page, count(*) AS clicks, sum(duration_ms) AS ms FROM topic_clicks GROUP BY page")
	if err == nil {
		err = awaitCount(ctx, c, "SELECT coalesce(sum(clicks), 0)::bigint FROM topic_pages", int64(rows))
	}
	if err != nil {
		return err
	}
	f.rates = append(f.rates, float64(rows)/time.Since(start).Seconds())
	f.cpu = append(f.cpu, (h.cpu()-cpu).Seconds()/float64(rows))
	return nil
}

// awaitCount waits until a query answers n, and not more.
func awaitCount(ctx context.Context, c *pgx.Conn, sql string, n int64) error {
	const patience = 5 * time.Minute
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		var got int64
		if err := c.QueryRow(ctx, sql, pgx.QueryExecModeSimpleProtocol).Scan(&got); err != nil {
			return err
		}
		switch {
		case got == n:
			return nil
		case got > n:
			return fmt.Errorf("%d records arrived, %d were sent", got, n)
		case time.Since(start) > patience:
			return fmt.Errorf("%d of %d records arrived in %v", got, n, patience)
		}
	}
}
