package kafka

import (
	"context"
	"sync"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// publishPeriod is how often offsets are published.
const publishPeriod = 5 * time.Second

// restTimeout bounds what a source that ends waits for brokers.
const restTimeout = 2 * time.Second

// publisher tells the brokers, under a consumer group, how far the engine has committed. That is for tools that show lag:
// nothing is read back, and a group that other consumers use would be overwritten.
type publisher struct {
	group, topic string
	mu           sync.Mutex
	pending      connect.Offsets // committed and not published yet
}

// note takes the offsets of a part that is durable.
func (p *publisher) note(o connect.Offsets) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pending == nil {
		p.pending = connect.Offsets{}
	}
	p.pending.Merge(o)
}

// run publishes until ctx ends.
func (p *publisher) run(ctx context.Context, adm *kadm.Client, failed func(error)) {
	tick := time.NewTicker(publishPeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := p.publish(ctx, adm); err != nil && ctx.Err() == nil {
			failed(pgerr.Newf(pgerr.ConnectionFailure, "could not publish offsets for group \"%s\": %v", p.group, err))
		}
	}
}

// rest publishes what became durable too late for run: a source that is paused shows the lag that it has.
func (p *publisher) rest(client []kgo.Opt) {
	p.mu.Lock()
	none := len(p.pending) == 0
	p.mu.Unlock()
	if none {
		return
	}
	cl, err := kgo.NewClient(client...)
	if err != nil {
		return // run has said so
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(context.Background(), restTimeout)
	defer cancel()
	_ = p.publish(ctx, kadm.NewClient(cl)) // the next life of the source begins with it
}

func (p *publisher) publish(ctx context.Context, adm *kadm.Client) error {
	p.mu.Lock()
	pending := p.pending
	p.pending = nil
	p.mu.Unlock()
	var offsets kadm.Offsets
	for partition, next := range pending {
		if partition >= 0 { // below are the topic's identity
			offsets.AddOffset(p.topic, partition, next, -1)
		}
	}
	if len(offsets) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, publishPeriod)
	defer cancel()
	if err := adm.CommitAllOffsets(ctx, p.group, offsets); err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		pending.Merge(p.pending) // newer ones win
		p.pending = pending
		return err
	}
	return nil
}
