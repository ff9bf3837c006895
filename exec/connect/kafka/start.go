package kafka

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Beside its partitions, the offsets of a topic hold its identity, which a topic that is deleted and made
// again does not share: the halves of the topic id, under partition numbers that Kafka does not have.
const (
	topicIDHigh int32 = -1
	topicIDLow  int32 = -2
)

// started is where a run begins.
type started struct {
	topic  kadm.TopicID
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
		from, first = nil, s.lossMode()
	}
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
	}
	return st, nil
}

// list asks for the offset of each partition that a mode stands for.
func (s *Source) list(ctx context.Context, adm *kadm.Client, mode startMode) (connect.Offsets, error) {
	var listed kadm.ListedOffsets
	var err error
	switch {
	case mode == earliest, mode == explicit:
		listed, err = adm.ListStartOffsets(ctx, s.topic)
	case mode == timestamp:
		listed, err = adm.ListOffsetsAfterMilli(ctx, s.startMillis, s.topic)
	case s.uncommitted:
		listed, err = adm.ListEndOffsets(ctx, s.topic)
	default:
		listed, err = adm.ListCommittedOffsets(ctx, s.topic)
	}
	if err == nil {
		err = listed.Error()
	}
	offsets := connect.Offsets{}
	listed.Each(func(o kadm.ListedOffset) { offsets[o.Partition] = o.Offset })
	if mode == explicit {
		for p, o := range s.startOffsets {
			if _, ok := offsets[p]; ok {
				offsets[p] = o
			}
		}
	}
	return offsets, err
}

// watchPeriod is how often new partitions and the ends of the known ones are looked for.
const watchPeriod = 2 * time.Second

// watch adds new partitions to the consumer, and keeps the ends up to date while nothing is fetched. It
// returns an error only if the topic is no longer the one it was.
func (s *Source) watch(ctx context.Context, adm *kadm.Client, consumer *kgo.Client, id kadm.TopicID) error {
	tick := time.NewTicker(watchPeriod)
	defer tick.Stop()
	for {
		if err := s.look(ctx, adm, consumer, id); err != nil {
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

func (s *Source) look(ctx context.Context, adm *kadm.Client, consumer *kgo.Client, id kadm.TopicID) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	t, err := topicOf(ctx, adm, s.topic)
	if err != nil {
		if ctx.Err() == nil {
			s.track.failed(s.connectError(err, &s.trouble))
		}
		return nil
	}
	if t.ID != id {
		return s.recreated()
	}
	fresh := connect.Offsets{}
	for p := range t.Partitions {
		fresh[p] = 0
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

func (s *Source) lossMode() startMode {
	if s.onLoss == "latest" {
		return latest
	}
	return earliest
}

// passLoss moves partitions whose next record is gone to where on_offset_loss says, with an error row for
// each, or returns the error where it says 'fail'.
func (s *Source) passLoss(ctx context.Context, adm *kadm.Client, in connect.Intake, lost []int32) error {
	slices.Sort(lost)
	part := &connect.Part{Rows: s.emptyBatch(), Offsets: connect.Offsets{}}
	if s.onLoss == "fail" {
		var places []string
		for _, p := range lost {
			places = append(places, place(p, s.track.next(p)))
		}
		return pgerr.Newf(pgerr.ObjectNotInState, "records of topic \"%s\" are gone before they were read", s.topic).
			WithDetail("They should have gone on at %s.", strings.Join(places, "; ")).
			WithHint("Set on_offset_loss to 'earliest' or 'latest' to go on without them.")
	}
	var resume connect.Offsets
	for {
		var err error
		if resume, err = s.list(ctx, adm, s.lossMode()); err == nil {
			break
		}
		s.track.failed(s.connectError(err, &s.trouble))
		if err := pause(ctx); err != nil {
			return err
		}
	}
	for _, p := range lost {
		was := s.track.next(p)
		now, ok := resume[p]
		if !ok || now == was {
			continue
		}
		e := pgerr.Newf(pgerr.ObjectNotInState, "records of topic \"%s\" are gone before they were read", s.topic).
			WithDetail("%s", fmt.Sprintf("partition %d went on at offset %d instead of %d", p, now, was))
		part.Errors = append(part.Errors, connect.RowError{Err: e})
		part.Offsets[p] = now
	}
	if len(part.Offsets) == 0 {
		return nil
	}
	moved := maps.Clone(part.Offsets)
	if err := in.Deliver(ctx, part); err != nil {
		return err
	}
	for p, now := range moved {
		s.track.moved(p, now)
	}
	return nil
}

func (s *Source) emptyBatch() *vec.Batch { return vec.NewBatch(s.build.types, 0) }
