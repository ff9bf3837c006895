package kafka

import (
	"bytes"
	"context"
	"slices"
	"strconv"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// letterBox copies bad records to a dead-letter topic. A copy is there before the part that leaves the record out is
// delivered, so none is missing; after a crash between the two it is there twice.
type letterBox struct{ client *kgo.Client }

func (s *Source) openLetters(ctx context.Context) (*letterBox, error) {
	cl, err := s.dial(ctx, &s.trouble, kgo.DefaultProduceTopic(s.errorsTopic))
	if err != nil {
		return nil, err
	}
	return &letterBox{cl}, nil
}

func (l *letterBox) close() { l.client.Close() }

// letter is a copy of a bad record: its key, value, time and headers as they were, with headers that tell where it came
// from and what is wrong with it.
func letter(r *kgo.Record, err *pgerr.Error) *kgo.Record {
	out := &kgo.Record{Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value), Timestamp: r.Timestamp}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, kgo.RecordHeader{Key: h.Key, Value: bytes.Clone(h.Value)})
	}
	out.Headers = slices.Concat(out.Headers, []kgo.RecordHeader{
		{Key: "millrace.topic", Value: []byte(r.Topic)},
		{Key: "millrace.partition", Value: strconv.AppendInt(nil, int64(r.Partition), 10)},
		{Key: "millrace.offset", Value: strconv.AppendInt(nil, r.Offset, 10)},
		{Key: "millrace.sqlstate", Value: []byte(err.Code)},
		{Key: "millrace.reason", Value: []byte(err.Message)},
	})
	return out
}

// sendLetters copies the bad records of the part that is being built. It tries for as long as it takes: a part that
// leaves records out does not go without.
func (s *Source) sendLetters(ctx context.Context) error {
	letters := s.build.policy.letters
	s.build.policy.letters = nil
	for len(letters) > 0 {
		var rest []*kgo.Record
		for _, res := range s.letters.client.ProduceSync(ctx, letters...) {
			if res.Err != nil {
				s.track.failed(pgerr.Newf(pgerr.ConnectionFailure, "could not copy bad records to topic \"%s\": %v", s.errorsTopic, res.Err))
				rest = append(rest, res.Record)
			}
		}
		letters = rest
		if len(letters) > 0 {
			if err := pause(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
