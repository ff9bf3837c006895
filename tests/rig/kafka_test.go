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
