package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// producer is one producer of a sink. After any error it is closed and another one is made.
type producer struct {
	s     *Sink
	cl    *kgo.Client
	begun time.Time
	err   atomic.Pointer[error] // the first that a record had
	note  func(*kgo.Record, error)
}

func (s *Sink) producer() (*producer, error) {
	opts := s.producerOptions()
	if !s.atLeast {
		// The offset of the group is committed by hand, in the protocol before KIP-890, which every broker from 2.5 on
		// speaks: partitions and group are added to the transaction by requests of their own.
		opts = append(opts, kgo.TransactionalID(s.id), kgo.TransactionTimeout(txnTimeout), kgo.MaxVersions(kversion.V3_7_0()))
	}
	cl, err := kgo.NewClient(opts...)
	if err != nil {
		return nil, err
	}
	p := &producer{s: s, cl: cl}
	p.note = func(_ *kgo.Record, err error) {
		if err != nil {
			p.err.CompareAndSwap(nil, &err)
		}
	}
	return p, nil
}

// start ends what an earlier producer of the sink left open, and returns what it has delivered.
func (p *producer) start(ctx context.Context) (connect.Position, error) {
	if p.s.atLeast {
		return connect.Position{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if _, _, err := p.cl.ProducerID(ctx); err != nil {
		return connect.Position{}, err
	}
	return p.committed(ctx)
}

// committed reads the position that the last transaction committed; the zero one if there was none.
func (p *producer) committed(ctx context.Context) (connect.Position, error) {
	offsets, err := kadm.NewClient(p.cl).FetchOffsets(kadm.RequireStable(ctx), p.s.id)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return connect.Position{}, nil
	}
	if err != nil {
		return connect.Position{}, err
	}
	o, ok := offsets.Lookup(p.s.topic, 0)
	if !ok {
		return connect.Position{}, nil
	}
	if o.Err != nil {
		return connect.Position{}, o.Err
	}
	return parsePosition(o.Metadata)
}

// The metadata of the group's offset.
const positionFormat = "millrace 1 epoch %d change %d"

func formatPosition(p connect.Position) string { return fmt.Sprintf(positionFormat, p.Epoch, p.Change) }

func parsePosition(s string) (p connect.Position, err error) {
	if _, err := fmt.Sscanf(s, positionFormat, &p.Epoch, &p.Change); err != nil {
		return p, &finalError{pgerr.Newf(pgerr.DataCorrupted, "the consumer group of the sink holds \"%s\", which no sink wrote", s)}
	}
	return p, nil
}

func (p *producer) begin() error {
	p.begun = time.Now()
	if p.s.atLeast {
		return nil
	}
	return p.failure(p.cl.BeginTransaction())
}

// produce hands records to the client, which sends them when it sees fit.
func (p *producer) produce(ctx context.Context, records []kgo.Record) {
	for i := range records {
		p.cl.Produce(ctx, &records[i], p.note)
	}
}

// commit waits until everything produced has arrived, and makes it count, together with the position behind it.
func (p *producer) commit(ctx context.Context, pos connect.Position) error {
	err := p.cl.Flush(ctx)
	if failed := p.err.Load(); failed != nil {
		err = *failed
	}
	if err == nil && !p.s.atLeast {
		err = p.commitPosition(ctx, pos)
	}
	if err != nil {
		p.abort(ctx)
		return p.failure(err)
	}
	if p.s.atLeast {
		return nil
	}
	return p.failure(p.cl.EndTransaction(ctx, kgo.TryCommit))
}

// abort gives the transaction up. If that fails the next producer's start does it.
func (p *producer) abort(context.Context) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if p.cl.AbortBufferedRecords(ctx) == nil && !p.s.atLeast {
		_ = p.cl.EndTransaction(ctx, kgo.TryAbort)
	}
}

// commitPosition makes the position part of the transaction.
func (p *producer) commitPosition(ctx context.Context, pos connect.Position) error {
	id, epoch, err := p.cl.ProducerID(ctx)
	if err != nil {
		return err
	}
	add := kmsg.NewPtrAddOffsetsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch, add.Group = p.s.id, id, epoch, p.s.id
	if err := untilSettled(ctx, func() error {
		resp, err := add.RequestWith(ctx, p.cl)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	}); err != nil {
		return err
	}
	part := kmsg.NewTxnOffsetCommitRequestTopicPartition()
	part.Offset, part.Metadata = int64(pos.Epoch), kmsg.StringPtr(formatPosition(pos))
	topic := kmsg.NewTxnOffsetCommitRequestTopic()
	topic.Topic, topic.Partitions = p.s.topic, []kmsg.TxnOffsetCommitRequestTopicPartition{part}
	commit := kmsg.NewPtrTxnOffsetCommitRequest()
	commit.TransactionalID, commit.Group, commit.ProducerID, commit.ProducerEpoch = p.s.id, p.s.id, id, epoch
	commit.Topics = []kmsg.TxnOffsetCommitRequestTopic{topic}
	return untilSettled(ctx, func() error {
		resp, err := commit.RequestWith(ctx, p.cl)
		if err != nil {
			return err
		}
		for _, t := range resp.Topics {
			for _, part := range t.Partitions {
				if err := kerr.ErrorForCode(part.ErrorCode); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// untilSettled repeats a request while the coordinator is busy with the last transaction, or moves.
func untilSettled(ctx context.Context, request func() error) error {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		err := request()
		var broker *kerr.Error
		if !errors.As(err, &broker) || !broker.Retriable {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// failure sorts errors: those that mean that another producer has the transactional id end the sink, unless the broker
// may have given up the transaction because it took too long, which it tells in the same words.
func (p *producer) failure(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch), errors.Is(err, kerr.TransactionalIDNotFound):
		if !p.s.atLeast && time.Since(p.begun) < sendTimeout/2 {
			return p.s.fenced(err)
		}
	case errors.Is(err, kerr.MessageTooLarge):
		return &finalError{pgerr.Newf(pgerr.ProgramLimitExceeded, "a record is larger than topic \"%s\" takes", p.s.topic).
			WithDetail("%v", err).WithHint("Raise max.message.bytes of the topic, and send less in a row.")}
	}
	return err
}
