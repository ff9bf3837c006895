package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// maxFetches is how many fetches are made at a time, over all brokers.
const maxFetches = 4

// retryPause is the pause before a partition that failed is tried again, and between attempts to start.
const retryPause = 500 * time.Millisecond

var (
	_ connect.Source    = (*Source)(nil)
	_ connect.Replayer  = (*Source)(nil)
	_ connect.Committer = (*Source)(nil)
)

// Source reads the partitions of one topic.
type Source struct {
	config
	build   *builder
	track   tracker
	trouble trouble
	pools   recordPool
	letters *letterBox // nil: no dead-letter topic
	publish *publisher // nil: offsets are not published
	table   bool
}

func open(spec connect.StreamSpec) (connect.Source, error) {
	c, err := parseConfig(spec.Options)
	if err != nil {
		return nil, err
	}
	s := &Source{config: c, table: spec.PrimaryKey != nil}
	if err := kgo.ValidateOpts(append(s.client(), s.consumerOptions(nil)...)...); err != nil {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "kafka: %v", err)
	}
	s.track.mu.state = connect.Starting
	s.track.mu.partitions = map[int32]*partition{}
	if s.build, err = newBuilder(spec); err != nil {
		return nil, err
	}
	if c.group != "" {
		s.publish = &publisher{group: c.group, topic: c.topic}
	}
	return s, nil
}

// Committed implements connect.Committer.
func (s *Source) Committed(o connect.Offsets) {
	if s.publish != nil {
		s.publish.note(o)
	}
}

// Status implements connect.Source.
func (s *Source) Status() connect.Status { return s.track.status(&s.trouble) }

// Close implements connect.Source. What Run opened it has closed.
func (s *Source) Close() {
	if s.publish != nil && s.trouble.last() == nil {
		s.publish.rest(s.client())
	}
	s.track.stop()
}

// Run implements connect.Source.
func (s *Source) Run(ctx context.Context, from connect.Offsets, in connect.Intake) error {
	err := s.run(ctx, from, in)
	if ctx.Err() != nil {
		s.track.stop()
		return nil
	}
	if err != nil {
		s.track.failed(err)
		s.track.become(connect.Failed)
	}
	return err
}

func (s *Source) run(ctx context.Context, from connect.Offsets, in connect.Intake) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	admClient, err := s.dial(ctx, &s.trouble)
	if err != nil {
		return err
	}
	defer admClient.Close()
	adm := kadm.NewClient(admClient)

	if s.errorsTopic != "" {
		if s.letters, err = s.openLetters(ctx); err != nil {
			return err
		}
		defer s.letters.close()
	}
	start, err := s.start(ctx, adm, from)
	if err != nil {
		return err
	}
	// The pins and the topic's identity are committed before any row.
	if err := in.Deliver(ctx, &connect.Part{Rows: s.emptyBatch(), Offsets: start.pins, Errors: start.losses}); err != nil {
		return err
	}
	s.build.ctx, s.build.await = ctx, s.awaitRegistry
	s.track.add(start.next)
	consumer, err := s.consumer(ctx, start.next)
	if err != nil {
		return err
	}
	defer consumer.Close()
	s.track.become(connect.Running)

	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	gone := make(chan error, 1)
	watching.Go(func() {
		if err := s.watch(ctx, adm, consumer, start); err != nil {
			gone <- err
			cancel()
		}
	})
	if s.publish != nil {
		s.publish.note(from)
		watching.Go(func() { s.publish.run(ctx, adm, s.track.failed) })
	}
	err = s.consume(ctx, consumer, adm, in)
	select {
	case err = <-gone:
	default:
	}
	return err
}

// consumer returns a client that fetches the given partitions. An offset that is out of range is reported,
// never replaced.
func (s *Source) consumer(ctx context.Context, next connect.Offsets) (*kgo.Client, error) {
	return s.dial(ctx, &s.trouble, s.consumerOptions(next)...)
}

func (s *Source) consumerOptions(next connect.Offsets) []kgo.Opt {
	return slices.Concat(s.fetch, []kgo.Opt{
		kgo.WithPools(&s.pools),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: at(next)}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.KeepControlRecords(), // so that the offset passes the end of a transaction
		kgo.MaxConcurrentFetches(maxFetches),
	})
}

func at(offsets connect.Offsets) map[int32]kgo.Offset {
	out := make(map[int32]kgo.Offset, len(offsets))
	for p, o := range offsets {
		if p < 0 {
			continue
		}
		out[p] = kgo.NewOffset().At(o)
		if epoch, ok := offsets[epochOf(p)]; ok { // the client asks whether the log still is what it was up to there
			out[p] = out[p].WithEpoch(int32(epoch))
		}
	}
	return out
}

// consume delivers what the client fetches until ctx ends.
func (s *Source) consume(ctx context.Context, cl *kgo.Client, adm *kadm.Client, in connect.Intake) error {
	for {
		fetches := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		broken := map[int32]error{}
		for _, f := range fetches {
			for _, t := range f.Topics {
				for i := range t.Partitions {
					p := &t.Partitions[i]
					if p.Err != nil {
						broken[p.Partition] = p.Err
					}
					if err := s.take(ctx, p, in); err != nil {
						return err
					}
				}
			}
		}
		if err := s.flush(ctx, in); err != nil {
			return err
		}
		s.hold(cl)
		if len(broken) > 0 {
			if err := s.mend(ctx, cl, adm, in, broken); err != nil {
				return err
			}
		}
	}
}

// take puts the records of a fetched partition into parts.
func (s *Source) take(ctx context.Context, p *kgo.FetchPartition, in connect.Intake) error {
	end := p.LastStableOffset
	if s.uncommitted || end < 0 {
		end = p.HighWatermark
	}
	s.track.heard(p.Partition, end)
	next := s.track.next(p.Partition)
	next = max(next, s.build.done.next[p.Partition])
	rest := s.together(p)
	for len(rest) > 0 && s.build.policy.held[p.Partition] == nil {
		rest = s.build.add(p.Partition, next, rest)
		next = s.build.done.next[p.Partition]
		if s.build.gone != nil {
			return s.build.gone
		}
		if s.build.full() {
			if err := s.flush(ctx, in); err != nil {
				return err
			}
		}
	}
	for _, r := range rest { // of a partition that is held
		r.Recycle()
	}
	return nil
}

// awaitRegistry passes the time until a schema registry that is away is asked again.
func (s *Source) awaitRegistry(err error) error {
	ctx := s.build.ctx
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.track.failed(err)
	s.track.become(connect.Retrying)
	if err := pause(ctx); err != nil {
		return err
	}
	s.track.become(connect.Running)
	return nil
}

// hold stops fetching partitions in which a bad record came up.
func (s *Source) hold(cl *kgo.Client) {
	for p, err := range s.build.policy.held {
		if s.track.hold(p, err) {
			cl.PauseFetchPartitions(map[string][]int32{s.topic: {p}})
		}
	}
}

// flush delivers the part that is being built, if there is one.
func (s *Source) flush(ctx context.Context, in connect.Intake) error {
	if s.build.part == nil {
		return nil
	}
	if err := s.sendLetters(ctx); err != nil {
		return err
	}
	part, done := s.build.take()
	if err := in.Deliver(ctx, part); err != nil {
		return err
	}
	s.track.delivered(done)
	return nil
}

// mend brings back partitions whose fetch failed in a way that the client does not retry.
func (s *Source) mend(ctx context.Context, cl *kgo.Client, adm *kadm.Client, in connect.Intake, broken map[int32]error) error {
	lost := map[int32]int64{}
	for p, err := range broken {
		if errors.Is(err, kgo.ErrClientClosed) {
			return err
		}
		var loss *kgo.ErrDataLoss
		switch {
		case errors.As(err, &loss):
			lost[p] = loss.ResetTo
			continue
		case errors.Is(err, kerr.OffsetOutOfRange):
			lost[p] = -1
			continue
		}
		s.track.failed(fmt.Errorf("partition %d: %w", p, err))
	}
	if len(lost) > 0 {
		if err := s.passLoss(ctx, adm, in, lost); err != nil {
			return err
		}
	}
	if err := pause(ctx); err != nil {
		return err
	}
	again := connect.Offsets{}
	var which []int32
	for p := range broken {
		if p >= 0 { // the client reports what is no partition's own as partition -1
			again[p], again[epochOf(p)] = s.track.next(p), int64(s.track.epoch(p))
			which = append(which, p)
		}
	}
	cl.RemoveConsumePartitions(map[string][]int32{s.topic: which})
	cl.AddConsumePartitions(map[string]map[int32]kgo.Offset{s.topic: at(again)})
	return nil
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(retryPause):
		return nil
	}
}

func place(partition int32, offset int64) string {
	return fmt.Sprintf("partition %d, offset %d", partition, offset)
}
