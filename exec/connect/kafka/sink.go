package kafka

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
)

// Sink writes the changes of a relation to one topic.
//
//	queue --Changes--> writer: records by format and encoder --> producer --> topic
//	  ^                                                              |
//	  +--- Delivered(position) <--- transaction{records, position} --+
//
// Exactly once: what is sent between two positions is one Kafka transaction, which also commits the position, as metadata
// of an offset of the sink's own consumer group. The broker keeps both or neither. At a start, and after anything that
// went wrong, the producer is made anew: its first request ends what an earlier one left open and fences it, and then the
// group says from where to go on. At least once: the same without transactions, from where the queue begins.
type Sink struct {
	brokers
	topic      string
	spec       connect.SinkSpec
	atLeast    bool // at least once
	id         string
	txnTimeout time.Duration // after which brokers give up a transaction of it
	patience   time.Duration // for a transaction; then the producer is made anew
	owner      string        // the name of this Sink among those that had id
	// Of the goroutine of Run: id is this Sink's; the life that runs has delivered something.
	claimed, moved bool
	codec          string
	writer         writer
	track          sinkTracker
	trouble        trouble
}

// How much goes into one transaction at most, and how long it may take.
const (
	batchRecords = 64 << 10
	batchBytes   = 16 << 20
	leastBytes   = 64 << 10 // of batchBytes, where a connection is slow
	sendTimeout  = 20 * time.Second
	abortTimeout = 2 * time.Second
	firstBackoff = 200 * time.Millisecond
	lastBackoff  = 5 * time.Second
	linger       = 5 * time.Millisecond
)

func openSink(spec connect.SinkSpec) (connect.Sink, error) {
	b, err := parseBrokers(spec.Options)
	if err != nil {
		return nil, err
	}
	s := &Sink{
		brokers: b, topic: spec.Options["topic"], spec: spec,
		atLeast: spec.Options[optDelivery] == "at_least_once", codec: spec.Options[optCompression],
	}
	timeout, err := number(spec.Options, optTransactionTime, 100, 86_400_000)
	if err != nil {
		return nil, err
	}
	s.txnTimeout = time.Duration(timeout) * time.Millisecond
	s.patience = min(sendTimeout, s.txnTimeout)
	if s.topic == "" {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "parameter \"topic\" must not be empty")
	}
	if _, _, err := topicSize(spec.Options); err != nil {
		return nil, err
	}
	if s.id = spec.Options[optTransactionalID]; s.id == "" {
		s.id = "millrace-" + spec.Name + "-" + spec.Identity
	} else if s.atLeast {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "parameter \"%s\" does not go with %s = 'at_least_once'", optTransactionalID, optDelivery)
	}
	s.owner = rand.Text()
	if err := kgo.ValidateOpts(append(s.client(), s.producerOptions()...)...); err != nil {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "kafka: %v", err)
	}
	if err := s.writer.init(s.topic, spec); err != nil {
		return nil, err
	}
	s.track.mu.state = connect.Starting
	return s, nil
}

// Status implements connect.Sink.
func (s *Sink) Status() connect.SinkStatus { return s.track.status(&s.trouble) }

// Close implements connect.Sink. What Run opened it has closed.
func (s *Sink) Close() { s.track.stop() }

// Run implements connect.Sink.
func (s *Sink) Run(ctx context.Context, q connect.Queue) error {
	backoff := firstBackoff
	for {
		s.moved = false
		err := s.life(ctx, q)
		if ctx.Err() != nil {
			s.track.stop()
			return nil
		}
		var final *finalError
		if errors.As(err, &final) {
			s.track.failed(final.error)
			s.track.become(connect.Failed)
			return final.error
		}
		s.track.failed(s.sendError(err))
		s.track.become(connect.Retrying)
		if s.moved {
			backoff = firstBackoff
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, lastBackoff)
	}
}

// finalError is one that no further attempt can mend.
type finalError struct{ error }

// life is what one producer does: it sends from where the last one left off until something goes wrong.
func (s *Sink) life(ctx context.Context, q connect.Queue) (err error) {
	client, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(abortTimeout, cancel) })() // what is open is aborted first
	p, err := s.producer(client)
	if err != nil {
		return &finalError{err}
	}
	defer func() {
		p.cl.Close()
		if err != nil {
			s.writer.forget()
		}
	}()
	last, err := p.start(ctx)
	if err != nil {
		return err
	}
	pos := last.pos
	if _, err := q.Next(pos); err != nil { // an old copy of the database leaves the sink to the one that is ahead
		return &finalError{err}
	}
	if err := p.claim(ctx, pos); err != nil {
		return err
	}
	if err := s.writer.start(ctx); err != nil {
		return err
	}
	if pos != (connect.Position{}) {
		if err := q.Delivered(ctx, pos); err != nil {
			return err
		}
	}
	s.track.become(connect.Running)
	return (&sending{s: s, p: p, q: q, pos: pos}).run(ctx)
}

// sendError says what is wrong with the topic or the way to it.
func (s *Sink) sendError(err error) error {
	var e *pgerr.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled):
		return pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
	case errors.Is(err, kerr.UnknownTopicOrPartition):
		return pgerr.Newf(pgerr.UndefinedObject, "topic \"%s\" does not exist", s.topic)
	case errors.Is(err, kerr.InvalidTopicException):
		return pgerr.Newf(pgerr.InvalidName, "invalid topic name \"%s\"", s.topic)
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.TransactionalIDAuthorizationFailed),
		errors.Is(err, kerr.GroupAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return pgerr.Newf(pgerr.InsufficientPrivilege, "permission denied for topic \"%s\": %v", s.topic, err).
			WithHint("A sink needs to write to the topic, and for exactly once to its transactional id and consumer group, both \"%s\".", s.id)
	}
	if errors.Is(err, kerr.InvalidTransactionTimeout) {
		return pgerr.Newf(pgerr.InvalidParameterValue, "the brokers do not let a transaction take %d ms", s.txnTimeout.Milliseconds()).
			WithHint("Set %s to at most their transaction.max.timeout.ms.", optTransactionTime)
	}
	if cause := s.trouble.last(); cause != nil { // the client's own error is often only that time ran out
		err = cause
	}
	if e := s.loginError(err); e != nil {
		return e
	}
	return pgerr.Newf(pgerr.ConnectionFailure, "could not write to topic \"%s\" of Kafka at %s: %v", s.topic, strings.Join(s.seeds, ", "), err).
		WithHint("Check %s, and that the addresses the brokers advertise can be reached from this server.", optBootstrap)
}

// fencedBy is err, or the end of a sink whose transactional id somebody else uses.
func (s *Sink) fencedBy(d delivery, err error) error {
	if err != nil {
		return err
	}
	return &finalError{pgerr.Newf(pgerr.ObjectInUse, "the sink was fenced: another producer uses the transactional id \"%s\"", s.id).
		WithDetail("It has delivered up to epoch %d.", d.pos.Epoch).
		WithHint("Another server runs this sink, on a copy of this database. Stop one of them, then start this server again.")}
}

// producerOptions are those of the producer's client.
func (s *Sink) producerOptions() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.DefaultProduceTopic(s.topic),
		kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(linger),
		kgo.MaxBufferedRecords(2 * batchRecords),
		kgo.ConcurrentTransactionsBackoff(2 * time.Millisecond), // the last transaction is about to be over
		kgo.ProducerBatchCompression(compressions[s.codec]),
	}
	if !s.atLeast {
		// The offset of the group is committed by hand, in the protocol before KIP-890, which every broker from 2.5 on
		// speaks: partitions and group are added to the transaction by requests of their own.
		opts = append(opts, kgo.TransactionalID(s.id), kgo.TransactionTimeout(s.txnTimeout), kgo.MaxVersions(kversion.V3_7_0()))
	}
	return opts
}

var compressions = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}
