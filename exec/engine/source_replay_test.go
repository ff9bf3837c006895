package engine

import (
	"context"
	"testing"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/vec"
)

// endingSource calls a function when it is asked to end.
type endingSource struct{ ends func() }

func (s endingSource) Run(ctx context.Context, _ connect.Offsets, _ connect.Intake) error {
	<-ctx.Done()
	s.ends()
	return nil
}
func (endingSource) Status() connect.Status { return connect.Status{State: connect.Running} }
func (endingSource) Close()                 {}

// A replay that is asked for while its source is stopped for good is answered, and so is one that comes later.
func TestReplayOfStoppedSource(t *testing.T) {
	r := newRig(t)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	r.e.opts.Connectors = connect.Registry{{Name: "ending", Open: func(connect.StreamSpec) (connect.Source, error) {
		return endingSource{stop}, nil
	}}}
	meta := &catalog.Relation{ID: 1 << 30, Name: "s", Kind: catalog.Stream, Connector: "ending", Options: map[string]string{"connector": "ending"}, Format: &catalog.Format{}}
	runner := newSourceRunner(r.e, meta, stop)
	go runner.loop(ctx)
	req := &replayRequest{ctx: context.Background(), done: make(chan error, 1),
		where: func(b *vec.Batch) ([]bool, error) { return make([]bool, b.N), nil }}
	runner.replays <- req
	for what, answer := range map[string]<-chan struct{}{"the request": answered(req.done), "the end of the loop": runner.over} {
		select {
		case <-answer:
		case <-time.After(20 * time.Second):
			t.Errorf("%s does not come", what)
		}
	}
}

func answered(done chan error) <-chan struct{} {
	out := make(chan struct{})
	go func() { <-done; close(out) }()
	return out
}
