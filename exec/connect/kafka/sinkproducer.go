package kafka

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// producer is one producer of a sink. After any error it is closed and another one is made.
type producer struct {
	s    *Sink
	cl   *kgo.Client
	err  atomic.Pointer[error] // the first that a record had
	last atomic.Int32          // the partition of the last record that has arrived
	note func(*kgo.Record, error)

	settled bool // see settle
}

func (s *Sink) producer(ctx context.Context) (*producer, error) {
	cl, err := s.dial(ctx, &s.trouble, s.producerOptions()...)
	if err != nil {
		return nil, err
	}
	p := &producer{s: s, cl: cl}
	p.note = func(r *kgo.Record, err error) {
		if err != nil {
			p.err.CompareAndSwap(nil, &err)
			return
		}
		p.last.Store(r.Partition)
	}
	return p, nil
}

// start ends what an earlier producer of the sink left open, and returns what it has delivered.
func (p *producer) start(ctx context.Context) (delivery, error) {
	if p.s.atLeast {
		return delivery{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if p.s.claimed { // if it has lost the transactional id, it must not take it from its new owner
		if d, err := p.delivered(ctx); err != nil || d.lost(p.s.owner) {
			return delivery{}, p.s.fencedBy(d, err)
		}
	}
	if _, _, err := p.cl.ProducerID(ctx); err != nil {
		return delivery{}, err
	}
	d, err := p.delivered(kadm.RequireStable(ctx))
	if err != nil || p.s.claimed && d.lost(p.s.owner) {
		return delivery{}, p.s.fencedBy(d, err)
	}
	return d, nil
}

// claim makes the transactional id this sink's. Brokers tell a producer whose transaction took too long in the same words
// that another one has its id; which of them it was, the owner in the group's offset says.
func (p *producer) claim(ctx context.Context, pos connect.Position) error {
	if p.s.atLeast || p.s.claimed {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if err := p.commitPosition(ctx, pos); err != nil {
		return err
	}
	id, epoch, err := p.cl.ProducerID(ctx)
	if err != nil {
		return err
	}
	end := kmsg.NewPtrEndTxnRequest()
	end.TransactionalID, end.ProducerID, end.ProducerEpoch, end.Commit = p.s.id, id, epoch, true
	err = untilSettled(ctx, func() error {
		resp, err := end.RequestWith(ctx, p.cl)
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.ErrorCode)
	})
	p.s.claimed = err == nil
	return err
}

// delivered reads what the last transaction committed; nothing, if there was none.
func (p *producer) delivered(ctx context.Context) (delivery, error) {
	offsets, err := kadm.NewClient(p.cl).FetchOffsets(ctx, p.s.id)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return delivery{}, nil
	}
	if err != nil {
		return delivery{}, err
	}
	o, ok := offsets.Lookup(p.s.topic, 0)
	if !ok {
		return delivery{}, nil
	}
	if o.Err != nil {
		return delivery{}, o.Err
	}
	return parseDelivery(o.Metadata)
}

// delivery is the metadata of the group's offset: how far everything has been delivered, and by whom.
type delivery struct {
	pos   connect.Position
	owner string // a random name that a sink gives itself at each start; "" where none is known
}

const deliveryFormat = "millrace 1 epoch %d change %d"

func (d delivery) String() string {
	return fmt.Sprintf(deliveryFormat+" owner %s", d.pos.Epoch, d.pos.Change, d.owner)
}

func parseDelivery(s string) (d delivery, err error) {
	if _, err := fmt.Sscanf(s, deliveryFormat, &d.pos.Epoch, &d.pos.Change); err != nil {
		return d, &finalError{pgerr.Newf(pgerr.DataCorrupted, "the consumer group of the sink holds \"%s\", which no sink wrote", s)}
	}
	_, d.owner, _ = strings.Cut(s, " owner ")
	return d, nil
}

// lost reports that somebody else has delivered, or made the id his, after owner did.
func (d delivery) lost(owner string) bool { return d.owner != "" && d.owner != owner }

func (p *producer) begin() error {
	if p.s.atLeast {
		return nil
	}
	return p.cl.BeginTransaction()
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
	if err == nil && !p.s.atLeast { // not beside the records: their partitions and the group join the transaction in turn
		if err = p.commitPosition(ctx, pos); err == nil {
			err = p.settle(ctx)
		}
	}
	if err != nil {
		p.abort()
		return p.failure(err)
	}
	if p.s.atLeast {
		return nil
	}
	return p.cl.EndTransaction(ctx, kgo.TryCommit)
}

// settle waits until the client has stored the partitions of the topic. It sends the first records while it is still
// about to store what it has just learned (franz-go 1.22.2, storePartitionsUpdate). EndTransaction looks there for what
// has to be ended: it would find nothing, not end the transaction, and report that all is well.
func (p *producer) settle(ctx context.Context) error {
	for !p.settled {
		leader, _, _ := p.cl.PartitionLeader(p.s.topic, p.last.Load())
		if p.settled = leader >= 0; p.settled {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// drop ends a transaction into which nothing was produced. The brokers do not know of it, so there is nothing to tell
// them: an offset alone would begin one that the client, which sees no records, would not end.
func (p *producer) drop(ctx context.Context) error {
	if p.s.atLeast {
		return nil
	}
	return p.cl.EndTransaction(ctx, kgo.TryAbort)
}

// abort gives the transaction up. If that fails the next producer's start does it.
func (p *producer) abort() {
	ctx, cancel := context.WithTimeout(context.Background(), abortTimeout)
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
	part.Offset, part.Metadata = int64(pos.Epoch), kmsg.StringPtr(delivery{pos, p.s.owner}.String())
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

// failure tells the errors that no further attempt can mend from others.
func (p *producer) failure(err error) error {
	if errors.Is(err, kerr.MessageTooLarge) {
		return &finalError{pgerr.Newf(pgerr.ProgramLimitExceeded, "a record is larger than topic \"%s\" takes", p.s.topic).
			WithDetail("%v", err).WithHint("Raise max.message.bytes of the topic, and send less in a row.")}
	}
	return err
}
