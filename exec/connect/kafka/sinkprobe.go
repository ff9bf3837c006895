package kafka

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Options of sinks.
const (
	optDelivery        = "delivery"
	optTransactionalID = "properties.transactional.id"
	optTransactionTime = "properties.transaction.timeout.ms"
	optCompression     = "properties.compression.type"
	optPartitions      = "topic.partitions"
	optReplication     = "topic.replication.factor"
)

// sinkKind is the part of Connector that makes sinks.
var sinkKind = &connect.SinkKind{
	Options: slices.Concat([]connect.Option{
		{Name: "topic", Required: true, Doc: "the topic to write"},
		{Name: optDelivery, Default: "exactly_once", Values: []string{"exactly_once", "at_least_once"},
			Doc: "whether a record can come twice after a crash"},
		{Name: optTransactionalID,
			Doc: "the transactional id and the consumer group of the sink; by default made of its name and a random number"},
		{Name: optTransactionTime, Default: "60000", Doc: "milliseconds after which the brokers give up a transaction that is open"},
		{Name: optCompression, Default: "snappy", Values: []string{"none", "gzip", "snappy", "lz4", "zstd"},
			Doc: "how records are compressed"},
		{Name: optPartitions, Doc: "how many partitions to make the topic with if it does not exist"},
		{Name: optReplication, Doc: "with topic.partitions: how many brokers are to have each; by default what the brokers say"},
	}, clientOptions),
	Open:  openSink,
	Probe: probeSink,
}

// topicSize reads topic.partitions and topic.replication.factor; partitions is 0 if the topic is not to be made.
func topicSize(o map[string]string) (partitions int32, replication int16, err error) {
	replication = -1
	for _, x := range []struct {
		name string
		bits int
		set  func(int64)
	}{{optPartitions, 32, func(n int64) { partitions = int32(n) }}, {optReplication, 16, func(n int64) { replication = int16(n) }}} {
		text, ok := o[x.name]
		if !ok {
			continue
		}
		n, perr := strconv.ParseInt(text, 10, x.bits)
		if perr != nil || n <= 0 {
			return 0, 0, pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": \"%s\"", x.name, text).
				WithHint("Give a number above 0.")
		}
		x.set(n)
	}
	if _, ok := o[optReplication]; ok && partitions == 0 {
		return 0, 0, pgerr.Newf(pgerr.InvalidParameterValue, "parameter \"%s\" goes with %s", optReplication, optPartitions)
	}
	return partitions, replication, nil
}

// probeSink reaches a broker, finds the topic or makes it, and for delivery exactly once asks for the transactional id.
func probeSink(ctx context.Context, spec connect.SinkSpec) error {
	sink, err := openSink(spec)
	if err != nil {
		return err
	}
	return orCancelled(ctx, sink.(*Sink).probe(ctx))
}

func (s *Sink) probe(ctx context.Context) error {
	partitions, replication, err := topicSize(s.spec.Options)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	cl, err := s.dialBriefly(ctx, &s.trouble)
	if err != nil {
		return err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	t, err := topicOf(kadm.WithAuthorizedOps(ctx), adm, s.topic)
	if partitions > 0 && errors.Is(err, kerr.UnknownTopicOrPartition) {
		if _, err = adm.CreateTopic(ctx, partitions, replication, nil, s.topic); errors.Is(err, kerr.TopicAlreadyExists) {
			err = nil
		}
	}
	switch {
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return pgerr.Newf(pgerr.UndefinedObject, "topic \"%s\" does not exist", s.topic).
			WithHint("Create the topic first, or say with how many partitions to make it: WITH (%s = 6).", optPartitions)
	case err != nil:
		return s.sendError(err)
	}
	if err := s.allowed(t.AuthorizedOperations); err != nil {
		return err
	}
	return s.probeTransactions(ctx)
}

// allowed refuses a topic on which the brokers do not allow what the sink will do; they may not tell.
func (s *Sink) allowed(operations []kadm.ACLOperation) error {
	needed := []kadm.ACLOperation{kadm.OpWrite}
	if !s.atLeast { // committing an offset of a topic, in its transaction or not, takes the right to read it
		needed = append(needed, kadm.OpRead)
	}
	for _, op := range needed {
		if len(operations) > 0 && !slices.Contains(operations, kadm.OpAll) && !slices.Contains(operations, op) {
			return pgerr.Newf(pgerr.InsufficientPrivilege, "permission denied for topic \"%s\": no right to %s", s.topic, strings.ToLower(op.String())).
				WithHint("A sink needs to write to the topic, and for exactly once to read it, and to use its transactional id and consumer group, both \"%s\".", s.id)
		}
	}
	return nil
}

// probeTransactions asks for the transactional id that the sink will use, and for schemas where the encoders need some.
func (s *Sink) probeTransactions(ctx context.Context) error {
	if err := s.writer.start(ctx); err != nil {
		return err
	}
	if s.atLeast {
		return nil
	}
	var last delivery
	err := untilSettled(ctx, func() error { // a young cluster makes its transaction log first
		p, err := s.producer(ctx)
		if err != nil {
			return &finalError{err}
		}
		defer p.cl.Close()
		last, err = p.start(ctx)
		return err
	})
	var final *finalError
	switch {
	case errors.As(err, &final):
		return final.error
	case err != nil:
		return s.sendError(err)
	case last != delivery{}:
		return pgerr.Newf(pgerr.ObjectInUse, "the transactional id \"%s\" has been used by another sink", s.id).
			WithHint("Choose another %s.", optTransactionalID)
	}
	return nil
}

// sinkTracker is what Run writes and Status reads.
type sinkTracker struct {
	mu struct {
		sync.Mutex
		state connect.State
		err   error
		errAt time.Time
		sent  uint64
	}
}

func (t *sinkTracker) failed(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.err, t.mu.errAt = err, time.Now()
}

func (t *sinkTracker) become(s connect.State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.state = s
}

func (t *sinkTracker) sent(n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.sent += n
}

// stop is the end, unless that was a failure, which stays to be seen.
func (t *sinkTracker) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.state != connect.Failed {
		t.mu.state = connect.Stopped
	}
}

func (t *sinkTracker) status(connection *trouble) connect.SinkStatus {
	connErrAt, connErr := connection.history()
	away := connection.last() != nil
	t.mu.Lock()
	defer t.mu.Unlock()
	st := connect.SinkStatus{State: t.mu.state, Sent: t.mu.sent, LastErrAt: t.mu.errAt}
	if away && (st.State == connect.Running || st.State == connect.Starting) {
		st.State = connect.Retrying
	}
	switch {
	case t.mu.state != connect.Failed && connErr != nil && connErrAt.After(t.mu.errAt):
		st.LastError, st.LastErrAt = connErr.Error(), connErrAt
	case t.mu.err != nil:
		st.LastError = t.mu.err.Error()
	}
	return st
}
