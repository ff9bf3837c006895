package kafka

import (
	"context"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/connect/format"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What is read to guess columns from: the newest records of each partition.
const (
	sampleRecords = 1000
	sampleBytes   = 4 << 20
	sampleLimit   = 5 * time.Second
)

// infer finds the columns of a topic.
func infer(ctx context.Context, spec connect.StreamSpec) (*connect.Inferred, error) {
	c, err := parseConfig(spec.Options)
	if err != nil {
		return nil, err
	}
	in, err := format.Infer(ctx, formatOf(spec), func(ctx context.Context) ([]connect.SampleRecord, error) { return c.sample(ctx) })
	return in, orCancelled(ctx, err)
}

// sample reads the newest records of the topic, as far as they are there within sampleLimit.
func (c *config) sample(ctx context.Context) ([]connect.SampleRecord, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var trouble trouble
	cl, err := c.dialBriefly(ctx, &trouble)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	if _, err := topicOf(ctx, adm, c.topic); err != nil {
		return nil, c.connectError(err, &trouble)
	}
	starts, err := adm.ListStartOffsets(ctx, c.topic)
	if err == nil {
		err = starts.Error()
	}
	var ends kadm.ListedOffsets
	if err == nil {
		if ends, err = adm.ListEndOffsets(ctx, c.topic); err == nil {
			err = ends.Error()
		}
	}
	if err != nil {
		return nil, c.connectError(err, &trouble)
	}
	from, left := connect.Offsets{}, connect.Offsets{}
	each := int64(sampleRecords / max(len(ends[c.topic]), 1))
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(c.topic, end.Partition)
		if first := max(start.Offset, end.Offset-max(each, 1)); first < end.Offset {
			from[end.Partition], left[end.Partition] = first, end.Offset
		}
	})
	return c.read(ctx, &trouble, from, left)
}

// read fetches from the given offsets on until each partition has come to its end.
func (c *config) read(ctx context.Context, trouble *trouble, from, ends connect.Offsets) ([]connect.SampleRecord, error) {
	if len(from) == 0 {
		return nil, nil
	}
	limited, cancel := context.WithTimeout(ctx, sampleLimit)
	defer cancel()
	cl, err := c.dial(limited, trouble, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{c.topic: at(from)}),
		kgo.KeepControlRecords(), kgo.FetchIsolationLevel(c.isolation()))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var out []connect.SampleRecord
	size := 0
	for len(ends) > 0 && size < sampleBytes && limited.Err() == nil {
		fetches := cl.PollFetches(limited)
		fetches.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out = append(out, connect.SampleRecord{Key: r.Key, Value: r.Value})
				size += len(r.Key) + len(r.Value)
			}
			if r.Offset+1 >= ends[r.Partition] {
				delete(ends, r.Partition)
			}
		})
	}
	return out, ctx.Err()
}
