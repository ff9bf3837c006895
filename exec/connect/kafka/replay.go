package kafka

import (
	"context"
	"slices"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// replayPatience is how long a replay waits for records before it takes them for gone.
	replayPatience = 10 * time.Second
	// replayGap is the distance of two places from which they are fetched one by one.
	replayGap = 10_000
	// replayBytes bounds what the replay of a table's partition, which must enter as a whole, may hold.
	replayBytes = 256 << 20
)

// replay reads records of one partition again, from the first of its places on.
//
// A stream's records are independent of each other, and only the places themselves count. In a table a later record of
// the same key must win over the one that was bad: so, up to what is committed, every record with the raw key of a
// replayed one follows it, in one part, that is in one epoch.
type replay struct {
	s         *Source
	partition int32
	places    []connect.Place // still to come, ascending by offset
	next      int64           // records before it have been looked at
	end       int64           // where there is nothing more to look for
	table     bool
	keys      map[string]bool // table: raw keys replayed so far
	settled   []connect.Place
}

// Replay implements connect.Replayer.
func (s *Source) Replay(ctx context.Context, committed connect.Offsets, places []connect.Place, in connect.Intake) error {
	starts, err := s.replayable(ctx, committed)
	if err != nil {
		return err
	}
	byPartition := map[int32][]connect.Place{}
	for _, p := range places {
		if p.Topic == s.topic && p.Offset >= starts[p.Partition] && p.Offset < committed[p.Partition] {
			byPartition[p.Partition] = append(byPartition[p.Partition], p)
		}
	}
	s.build.ctx, s.build.await = ctx, func(err error) error { return err }
	s.build.policy.stop, s.build.policy.copies = false, false // they were copied when they came up first
	for p, list := range byPartition {
		slices.SortFunc(list, func(a, b connect.Place) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
		for len(list) > 0 {
			n := len(list)
			end := committed[p]
			if !s.table {
				n = near(list)
				end = list[n-1].Offset + 1
			}
			r := &replay{s: s, partition: p, places: list[:n], next: list[0].Offset, end: end, table: s.table, keys: map[string]bool{}}
			if err := r.run(ctx, in); err != nil {
				return err
			}
			list = list[n:]
		}
	}
	return nil
}

// near is the number of places at the front that are fetched together.
func near(list []connect.Place) int {
	n := 1
	for n < len(list) && list[n].Offset-list[n-1].Offset <= replayGap {
		n++
	}
	return n
}

// replayable returns the first offset of each partition, if the topic is the one whose offsets were committed.
func (s *Source) replayable(ctx context.Context, committed connect.Offsets) (connect.Offsets, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	cl, err := s.dialBriefly(ctx, &s.trouble)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	t, err := topicOf(ctx, adm, s.topic)
	if err != nil {
		return nil, s.connectError(err, &s.trouble)
	}
	if known := topicID(committed); known != (kadm.TopicID{}) && t.ID != known {
		return nil, s.recreated()
	}
	starts, err := s.list(ctx, adm, earliest)
	if err != nil {
		return nil, s.connectError(err, &s.trouble)
	}
	return starts, nil
}

// run fetches until every place has been met, or passed, or the partition brings nothing more.
func (r *replay) run(ctx context.Context, in connect.Intake) error {
	consumer, err := r.s.consumer(ctx, connect.Offsets{r.partition: r.next})
	if err != nil {
		return err
	}
	defer consumer.Close()
	for r.next < r.end && (len(r.places) > 0 || len(r.keys) > 0) {
		wait, cancel := context.WithTimeout(ctx, replayPatience)
		fetches := consumer.PollFetches(wait)
		idle := wait.Err() != nil
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if idle {
			if away := r.s.trouble.last(); away != nil {
				return r.s.connectError(away, &r.s.trouble)
			}
			break // what is left was compacted away
		}
		var failed error
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if p.Err != nil {
				failed = r.s.connectError(p.Err, &r.s.trouble)
				return
			}
			for _, rec := range p.Records {
				r.record(rec)
				rec.Recycle()
			}
		})
		if failed == nil {
			failed = r.s.build.gone
		}
		if failed != nil {
			return failed
		}
		if err := r.flush(ctx, in, false); err != nil {
			return err
		}
	}
	return r.flush(ctx, in, true)
}

// record looks at one record.
func (r *replay) record(rec *kgo.Record) {
	if rec.Offset < r.next || rec.Offset >= r.end || r.s.build.gone != nil {
		return
	}
	r.next = rec.Offset + 1
	for len(r.places) > 0 && r.places[0].Offset < rec.Offset {
		r.places = r.places[1:] // compacted away; its error row stays
	}
	if rec.Attrs.IsControl() {
		return
	}
	b := r.s.build
	b.begin()
	b.follow(r.partition)
	b.follow(-1) // records in between are passed over
	switch {
	case len(r.places) > 0 && r.places[0].Offset == rec.Offset:
		if b.record(rec); b.gone != nil {
			return
		}
		if r.truncated() { // what came in front of it is no longer known
			b.bad(rec, pgerr.New(pgerr.FeatureNotSupported, "a TRUNCATE cannot be replayed"))
		}
		r.settled = append(r.settled, r.places[0])
		r.places = r.places[1:]
		if r.table && rec.Key != nil {
			r.keys[string(rec.Key)] = true
		}
	case r.keys[string(rec.Key)] && rec.Key != nil:
		from := b.part.Rows.N
		if b.decode(rec) == nil { // if it is bad, it has an error row of its own
			_ = b.check(from)
		}
	case r.table && rec.Key == nil && len(r.keys) > 0:
		// A TRUNCATE behind replayed records: they leave no rows.
		if b.decode(rec) == nil && r.truncated() {
			truncate(b.part.Rows, 0)
			b.part.Partial, r.keys = nil, map[string]bool{}
		}
	}
}

// truncated reports whether the record just decoded was a TRUNCATE, which is not carried out.
func (r *replay) truncated() bool {
	part := r.s.build.part
	found := len(part.Truncates) > 0
	part.Truncates = nil
	return found
}

// flush delivers what has been read: a stream's from time to time, a table's at the end.
func (r *replay) flush(ctx context.Context, in connect.Intake, last bool) error {
	b := r.s.build
	switch {
	case b.part == nil:
		return nil
	case r.table && !last:
		if b.part.Rows.MemSize() > replayBytes {
			return pgerr.Newf(pgerr.ProgramLimitExceeded, "too many records to replay in partition %d at once", r.partition).
				WithHint("Name fewer of them in REPLAY ERRORS WHERE.")
		}
		return nil
	case !last && !b.full():
		return nil
	}
	part, _ := b.take()
	part.Offsets, part.Replayed = nil, r.settled
	if part.Rows.N > 0 {
		part.Runs = []connect.Run{{Partition: r.partition, Rows: part.Rows.N}}
	}
	r.settled = nil
	if len(part.Replayed) == 0 {
		return nil
	}
	return in.Deliver(ctx, part)
}
