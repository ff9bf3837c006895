package engine

import (
	"context"
	"sync/atomic"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
)

// sinkRunner runs one sink, unless it is paused, until it fails for good. ALTER begins it anew.
type sinkRunner struct {
	e       *Engine
	cancel  context.CancelFunc
	meta    atomic.Pointer[catalog.Relation]
	wake    signal                       // there may be something to deliver
	restart signal                       // the settings have changed, or somebody has mended what was wrong
	cur     atomic.Pointer[connect.Sink] // the present life's, or the last one's
	sent    atomic.Uint64                // changes that the lives before have delivered
	failed  atomic.Pointer[pgerr.Error]  // why the last life has ended
}

func newSinkRunner(e *Engine, meta *catalog.Relation, cancel context.CancelFunc) *sinkRunner {
	r := &sinkRunner{e: e, cancel: cancel, wake: make(signal, 1), restart: make(signal, 1)}
	r.meta.Store(meta)
	return r
}

func (r *sinkRunner) loop(ctx context.Context) {
	for ctx.Err() == nil {
		if meta := r.meta.Load(); !meta.Paused {
			restarted, err := r.once(ctx, meta)
			switch {
			case ctx.Err() != nil:
				return
			case restarted:
				continue
			case err != nil:
				err = r.e.Catalog().HideError(meta, err)
				r.failed.Store(pgerr.Of(err))
				r.e.log.Error("sink stopped", "sink", meta.Name, "err", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-r.restart:
			r.failed.Store(nil)
		}
	}
}

// once is one life of the sink, and reports whether it was to end because there is to be another one.
func (r *sinkRunner) once(ctx context.Context, meta *catalog.Relation) (restarted bool, err error) {
	con, spec, err := r.e.sinkSpec(meta)
	if err != nil {
		return false, err
	}
	sink, err := con.Sink.Open(spec)
	if err != nil {
		return false, err
	}
	if last := r.cur.Swap(&sink); last != nil {
		r.sent.Add((*last).Status().Sent)
	}
	defer sink.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- sink.Run(ctx, newSinkReader(r.e, meta, r.wake)) }()
	select {
	case err = <-ended:
		return false, err
	case <-r.restart:
		cancel()
		<-ended
		return true, nil
	}
}

// status is what the connector says, and what the engine knows better.
func (r *sinkRunner) status(meta *catalog.Relation) connect.SinkStatus {
	st := connect.SinkStatus{State: connect.Starting}
	if r == nil {
		return st
	}
	if s := r.cur.Load(); s != nil {
		st = (*s).Status()
	}
	st.Sent += r.sent.Load()
	if meta.Paused {
		st.State = connect.Paused
	}
	if f := r.failed.Load(); f != nil {
		st.State = connect.Failed
		if st.LastError == "" {
			st.LastError = f.Message
		}
	}
	if meta.Suspended != "" {
		st.State, st.LastError = connect.Suspended, meta.Suspended
	}
	return st
}
