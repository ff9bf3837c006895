package rig

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A record acknowledged before a kill -9 of the broker is there after its restart.
func TestKafkaSurvivesKill(t *testing.T) {
	b := Kafka(t)
	b.CreateTopic("numbers", 3)
	for round := range 2 {
		var values [][]byte
		for i := range 300 {
			values = append(values, fmt.Appendf(nil, "%d-%d", round, i))
		}
		b.Produce("numbers", 3, values...)
		b.Kill9()
		b.Restart()
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(b.Addr()), kgo.ConsumeTopics("numbers"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	seen := map[string]int{}
	for len(seen) < 600 {
		fetches := c.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			t.Fatalf("after %d records: %v", len(seen), err)
		}
		fetches.EachRecord(func(r *kgo.Record) { seen[string(r.Value)]++ })
	}
	for v, n := range seen {
		if n != 1 {
			t.Errorf("%s: %d times", v, n)
		}
	}
}

// A client behind a relay keeps to it, and gets over its cuts: every record is there once, although answers were lost.
func TestRelay(t *testing.T) {
	b, r := KafkaRelayed(t)
	b.CreateTopic("numbers", 1)
	c, err := kgo.NewClient(kgo.SeedBrokers(r.Addr()), kgo.DefaultProduceTopic("numbers"), kgo.ConsumeTopics("numbers"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cut := 0
	for i := range 10 {
		c.Produce(ctx, kgo.StringRecord(fmt.Sprint(i)), nil)
		if i%3 == 1 {
			r.Mute()
			time.Sleep(10 * time.Millisecond)
			cut += r.Cut()
		}
	}
	if err := c.Flush(ctx); err != nil || cut == 0 {
		t.Fatalf("%v, %d connections cut", err, cut)
	}
	for n := 0; n < 10; n++ {
		for _, got := range c.PollRecords(ctx, 1).Records() {
			if string(got.Value) != fmt.Sprint(n) {
				t.Fatalf("record %d is %s", n, got.Value)
			}
		}
		if ctx.Err() != nil {
			t.Fatalf("after %d records: %v", n, ctx.Err())
		}
	}
}
