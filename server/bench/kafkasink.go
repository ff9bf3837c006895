package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// runKafkaSink sends the changes of an aggregating view to a topic, by key: first the rows of a view that is there (one
// change each, as a sink that catches up does), then what a busy writer changes. Both ways of delivery take turns.
func runKafkaSink(ctx context.Context, b *bench) error {
	keys := or(b.Rows, 500_000)
	h, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer h.stop()
	if err := fillTotals(ctx, h.dsn, keys); err != nil {
		return err
	}
	deliveries := []string{"at_least_once", "exactly_once"}
	runs := []struct {
		name string
		run  func(*sinkRun, context.Context) error
	}{{"catch-up", (*sinkRun).catchUp}, {"steady", (*sinkRun).steady}}
	t := newTable(b.Out, "", "delivery", "changes/s", "min..max", "server CPU a change", "ratio")
	for _, r := range runs {
		rates, cpu := map[string][]float64{}, map[string][]float64{}
		for round := range b.Rounds {
			for i := range deliveries {
				s := &sinkRun{b: b, h: h, keys: keys, delivery: deliveries[(i+round)%len(deliveries)]}
				if err := s.measure(ctx, r.run); err != nil {
					return fmt.Errorf("%s, %s: %w", r.name, s.delivery, err)
				}
				rates[s.delivery] = append(rates[s.delivery], s.rate)
				cpu[s.delivery] = append(cpu[s.delivery], s.cpu)
			}
		}
		for _, d := range deliveries {
			t.row(r.name, d, number(rates[d]), spread(rates[d]), micros(cpu[d]), ratio(rates[d], rates[deliveries[0]]))
		}
	}
	t.flush()
	return nil
}

// fillTotals makes the view totals with so many keys.
func fillTotals(ctx context.Context, dsn string, keys int) error {
	err := script(ctx, dsn, "DROP STREAM IF EXISTS ticks CASCADE", "CREATE STREAM ticks (k bigint, price float8, at timestamptz)",
		"CREATE MATERIALIZED VIEW totals AS SELECT k, count(*) AS n, sum(price) AS price, max(at) AS at FROM ticks GROUP BY k")
	if err != nil {
		return err
	}
	w, err := newTicks(ctx, dsn, keys)
	if err != nil {
		return err
	}
	defer w.c.Close(ctx)
	for w.at < keys {
		if err := w.write(ctx, min(100_000, keys-w.at)); err != nil {
			return err
		}
	}
	return nil
}

// ticks writes to the stream ticks, each key in turn.
type ticks struct {
	c    *pgx.Conn
	keys int
	at   int
	file []byte
}

func newTicks(ctx context.Context, dsn string, keys int) (*ticks, error) {
	c, err := connect(ctx, dsn)
	return &ticks{c: c, keys: keys}, err
}

// write copies n rows as one transaction, which is one epoch.
func (w *ticks) write(ctx context.Context, n int) error {
	w.file = w.file[:0]
	for range n {
		w.file = strconv.AppendInt(w.file, int64(w.at%w.keys), 10)
		w.file = append(w.file, '\t')
		w.file = strconv.AppendFloat(w.file, float64(w.at%10_000)/100, 'f', 2, 64)
		w.file = append(w.file, '\t')
		w.file = clickStart.Add(time.Duration(w.at)*time.Millisecond).AppendFormat(w.file, "2006-01-02 15:04:05.000-07")
		w.file = append(w.file, '\n')
		w.at++
	}
	_, err := w.c.PgConn().CopyFrom(ctx, bytes.NewReader(w.file), "COPY ticks FROM STDIN")
	return err
}

// sinkRun is one measurement.
type sinkRun struct {
	b        *bench
	h        *host
	keys     int
	delivery string
	topic    *topic
	c        *pgx.Conn
	rate     float64 // changes a second
	cpu      float64 // seconds of the server a change
}

// measure runs one measurement with a topic of its own, and drops the sink afterwards.
func (s *sinkRun) measure(ctx context.Context, run func(*sinkRun, context.Context) error) (err error) {
	if s.topic, err = s.b.newTopic(ctx, 0); err != nil {
		return err
	}
	defer s.topic.drop()
	if s.c, err = connect(ctx, s.h.dsn); err != nil {
		return err
	}
	defer s.c.Close(ctx)
	if err := run(s, ctx); err != nil {
		return err
	}
	return script(ctx, s.h.dsn, "DROP SINK totals_out")
}

// create makes the sink, from scratch.
func (s *sinkRun) create(ctx context.Context, snapshot bool) error {
	return script(ctx, s.h.dsn, "DROP SINK IF EXISTS totals_out", fmt.Sprintf(`CREATE SINK totals_out FROM totals
		WITH (connector = 'kafka', topic = '%s', properties.bootstrap.server = '%s', delivery = '%s', snapshot = '%v')
		FORMAT UPSERT ENCODE JSON`, s.topic.name, s.topic.addr, s.delivery, snapshot))
}

// sinkState is what the server says about the sink.
type sinkState struct {
	delivered, waiting int64 // changes
	at                 time.Time
	cpu                time.Duration
}

// look asks for it, a little later, and fails if the sink has.
func (s *sinkRun) look(ctx context.Context) (st sinkState, err error) {
	time.Sleep(10 * time.Millisecond)
	var state, lastError string
	err = s.c.QueryRow(ctx, "SELECT state, coalesce(last_error, ''), delivered_changes, waiting_changes FROM millrace.sinks",
		pgx.QueryExecModeSimpleProtocol).Scan(&state, &lastError, &st.delivered, &st.waiting)
	if err == nil && (state == "failed" || state == "suspended") {
		err = fmt.Errorf("the sink is %s: %s", state, lastError)
	}
	st.at, st.cpu = time.Now(), s.h.cpu()
	return st, err
}

// await looks until ok.
func (s *sinkRun) await(ctx context.Context, ok func(sinkState) bool) (sinkState, error) {
	const patience = 2 * time.Minute
	for start := time.Now(); ; {
		st, err := s.look(ctx)
		if err != nil || ok(st) {
			return st, err
		}
		if time.Since(start) > patience {
			return st, fmt.Errorf("%d changes delivered, %d waiting after %v", st.delivered, st.waiting, patience)
		}
	}
}

func (s *sinkRun) between(from, to sinkState) {
	n := float64(to.delivered - from.delivered)
	s.rate = n / to.at.Sub(from.at).Seconds()
	s.cpu = (to.cpu - from.cpu).Seconds() / n
}

// catchUp measures how fast the rows go out that are there when the sink is made: from the first that have arrived to the
// last, since they wait for a checkpoint before.
func (s *sinkRun) catchUp(ctx context.Context) error {
	if err := s.create(ctx, true); err != nil {
		return err
	}
	first, err := s.await(ctx, func(st sinkState) bool { return st.delivered > 0 })
	if err != nil {
		return err
	}
	last, err := s.await(ctx, func(st sinkState) bool { return st.delivered >= int64(s.keys) })
	s.between(first, last)
	return err
}

// steady measures for some seconds how fast changes go out while a writer makes as many as can be delivered: it pauses
// when more than a few epochs of them wait.
func (s *sinkRun) steady(ctx context.Context) error {
	const epoch, enough = 10_000, 100_000
	if err := s.create(ctx, false); err != nil {
		return err
	}
	w, err := newTicks(ctx, s.h.dsn, s.keys)
	if err != nil {
		return err
	}
	defer w.c.Close(ctx)
	var waiting atomic.Int64
	writing, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		var err error
		for writing.Err() == nil && err == nil {
			if waiting.Load() > enough {
				time.Sleep(time.Millisecond)
				continue
			}
			err = w.write(ctx, epoch)
		}
		ended <- err
	}()
	var first, last sinkState
	_, err = s.await(ctx, func(st sinkState) bool {
		waiting.Store(st.waiting)
		if first.delivered == 0 && st.delivered > 5*epoch {
			first = st
		}
		last = st
		return first.delivered > 0 && st.at.Sub(first.at) >= or(s.b.Duration, 5*time.Second)
	})
	stop()
	if err := errors.Join(err, <-ended); err != nil {
		return err
	}
	s.between(first, last)
	_, err = s.await(ctx, func(st sinkState) bool { return st.waiting == 0 })
	return err
}
