package kafka

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Beside its partitions, the offsets of a topic hold its identity, which a topic that is deleted and made
// again does not share: the halves of the topic id, under partition numbers that Kafka does not have. Below them are the
// leader epochs of the last record read of each partition, by which a log that was cut off and has grown again is known.
const (
	topicIDHigh int32 = -1
	topicIDLow  int32 = -2
)

// epochOf is where the offsets hold the leader epoch of a partition; -1 stands for none.
func epochOf(p int32) int32 { return topicIDLow - 1 - p }

// started is where a run begins.
type started struct {
	topic  kadm.TopicID
	from   connect.Offsets // what the engine has committed of this topic
	next   connect.Offsets // of every partition
	pins   connect.Offsets // what the engine does not know yet
	losses []connect.RowError
}

// start finds the offset at which each partition begins: what the engine committed, else what the options
// say. It waits, for as long as it takes, for brokers that do not answer.
func (s *Source) start(ctx context.Context, adm *kadm.Client, from connect.Offsets) (*started, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, probeTimeout)
		st, err := s.tryStart(attempt, adm, from)
		cancel()
		if err == nil || ctx.Err() != nil {
			return st, err
		}
		if final, ok := err.(*lossError); ok {
			return nil, final.error
		}
		s.track.failed(s.connectError(err, &s.trouble))
		s.track.become(connect.Retrying)
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// lossError is one that no further attempt can mend.
type lossError struct{ error }

func (s *Source) tryStart(ctx context.Context, adm *kadm.Client, from connect.Offsets) (*started, error) {
	t, err := topicOf(ctx, adm, s.topic)
	if err != nil {
		return nil, err
	}
	st := &started{topic: t.ID, next: connect.Offsets{}, pins: identity(t.ID)}
	first := s.config.start
	if known := topicID(from); known != (kadm.TopicID{}) && t.ID != (kadm.TopicID{}) && known != t.ID {
		loss := s.recreated()
		if s.onLoss == "fail" {
			return nil, &lossError{loss}
		}
		st.losses = append(st.losses, connect.RowError{Err: pgerr.Of(loss)})
		for p := range from {
			if p >= 0 { // what the new topic does not have yet it may get
				st.pins[p], st.pins[epochOf(p)] = 0, -1
			}
		}
		from, first = nil, earliest
		if s.onLoss == "latest" {
			first = latest
		}
	}
	st.from = from
	begun := slices.ContainsFunc(slices.Collect(maps.Keys(from)), func(p int32) bool { return p >= 0 })
	var starts connect.Offsets
	if !begun {
		if starts, err = s.list(ctx, adm, first); err != nil {
			return nil, err
		}
	}
	for p := range t.Partitions {
		next, committed := from[p]
		if !committed {
			next = starts[p] // 0 for a partition that appeared while nobody was reading
			st.pins[p] = next
		}
		st.next[p] = next
		if epoch, ok := from[epochOf(p)]; ok {
			st.next[epochOf(p)] = epoch
		}
	}
	return st, nil
}

// list asks for the offset of each partition that a mode stands for.
func (s *Source) list(ctx context.Context, adm *kadm.Client, mode startMode) (connect.Offsets, error) {
	var offsets connect.Offsets
	var err error
	switch {
	case mode == earliest, mode == explicit:
		offsets, err = listed(adm.ListStartOffsets(ctx, s.topic))
	case mode == timestamp:
		offsets, err = listed(adm.ListOffsetsAfterMilli(ctx, s.startMillis, s.topic))
	case s.uncommitted:
		offsets, err = listed(adm.ListEndOffsets(ctx, s.topic))
	default:
		offsets, err = listed(adm.ListCommittedOffsets(ctx, s.topic))
	}
	if mode == explicit {
		for p, o := range s.startOffsets {
			if _, ok := offsets[p]; ok {
				offsets[p] = o
			}
		}
	}
	return offsets, err
}

// listed is what the brokers answered, if all of them did.
func listed(l kadm.ListedOffsets, err error) (connect.Offsets, error) {
	if err == nil {
		err = l.Error()
	}
	offsets := connect.Offsets{}
	l.Each(func(o kadm.ListedOffset) { offsets[o.Partition] = o.Offset })
	return offsets, err
}

// watchPeriod is how often new partitions and the ends of the known ones are looked for.
const watchPeriod = 2 * time.Second

// watch adds new partitions to the consumer, and keeps the ends up to date while nothing is fetched. It
// returns an error only if the topic is no longer the one it was.
func (s *Source) watch(ctx context.Context, adm *kadm.Client, consumer *kgo.Client, st *started) error {
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	for {
		if err := s.look(ctx, adm, consumer, st); err != nil {
			return err
		}
		s.track.rates()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Source) look(ctx context.Context, adm *kadm.Client, consumer *kgo.Client, st *started) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	t, err := topicOf(ctx, adm, s.topic)
	if err != nil {
		if ctx.Err() == nil {
			s.track.failed(s.connectError(err, &s.trouble))
		}
		return nil
	}
	if t.ID != st.topic && t.ID != (kadm.TopicID{}) && st.topic != (kadm.TopicID{}) {
		return s.recreated()
	}
	fresh := connect.Offsets{}
	for p := range t.Partitions {
		fresh[p] = st.from[p] // a broker that lags behind may have hidden one that is not new
	}
	if fresh = s.track.add(fresh); len(fresh) > 0 {
		consumer.AddConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: at(fresh)})
	}
	if ends, err := s.list(ctx, adm, latest); err == nil {
		for p, end := range ends {
			s.track.heard(p, end)
		}
	}
	return nil
}

func identity(id kadm.TopicID) connect.Offsets {
	if id == (kadm.TopicID{}) { // brokers before 2.8 have none
		return connect.Offsets{}
	}
	return connect.Offsets{
		topicIDHigh: int64(binary.BigEndian.Uint64(id[:8])),
		topicIDLow:  int64(binary.BigEndian.Uint64(id[8:])),
	}
}

func topicID(o connect.Offsets) (id kadm.TopicID) {
	binary.BigEndian.PutUint64(id[:8], uint64(o[topicIDHigh]))
	binary.BigEndian.PutUint64(id[8:], uint64(o[topicIDLow]))
	return id
}

func (s *Source) recreated() error {
	return pgerr.Newf(pgerr.ObjectNotInState, "topic \"%s\" has been deleted and created again", s.topic).
		WithDetail("Records of the old topic that were not read yet are lost.").
		WithHint("Create the stream anew, or set on_offset_loss to 'earliest' or 'latest'.")
}

func (s *Source) emptyBatch() *vec.Batch { return vec.NewBatch(s.build.types, 0) }
