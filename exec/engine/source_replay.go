package engine

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// replayRequest asks the runner of a source to read bad records again.
type replayRequest struct {
	ctx    context.Context
	where  func(*vec.Batch) ([]bool, error)
	done   chan error
	asked  int // places
	result replayResult
}

// replayResult counts what came of a replay.
type replayResult struct{ settled, bad atomic.Int64 }

// replayErrors is ALTER ... REPLAY ERRORS. The source stops reading for the while, so that nothing else changes the rows;
// every record settled is settled durably, together with its error row, also if the statement is cancelled.
func (e *Engine) replayErrors(ctx context.Context, d *physical.ReplayErrors, fc *funcs.Ctx, n Notices) error {
	r := e.sources.runner(d.Rel)
	if r == nil {
		return pgerr.New(pgerr.ObjectNotInState, "the relation has no source")
	}
	where, err := errorFilter(d.Where, fc)
	if err != nil {
		return err
	}
	req := &replayRequest{ctx: ctx, where: where, done: make(chan error, 1)}
	select {
	case r.replays <- req:
	case <-r.over:
		return errSourceStopped
	case <-ctx.Done():
		return pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
	case <-e.ctx.Done():
		return e.stopped()
	}
	err = <-req.done
	settled, bad := req.result.settled.Load(), req.result.bad.Load()
	msg := fmt.Sprintf("%d records replayed, %d of them still bad", settled, bad)
	if gone := int64(req.asked) - settled; gone > 0 && err == nil {
		msg += fmt.Sprintf(", %d are no longer in the topic", gone)
	}
	n("NOTICE", pgerr.SuccessfulCompletion, msg)
	return err
}

// errorFilter compiles the condition of REPLAY ERRORS over physical.ErrorColumns.
func errorFilter(where expr.Expr, fc *funcs.Ctx) (func(*vec.Batch) ([]bool, error), error) {
	if where == nil {
		return func(b *vec.Batch) ([]bool, error) {
			all := make([]bool, b.N)
			for i := range all {
				all[i] = true
			}
			return all, nil
		}, nil
	}
	p, err := expr.Compile(where)
	if err != nil {
		return nil, err
	}
	w := &rowWriter{fc: fc}
	return func(b *vec.Batch) ([]bool, error) {
		v, err := w.eval(p, b)
		if err != nil {
			return nil, err
		}
		keep := make([]bool, b.N)
		for i := range keep {
			keep[i] = !v.IsNull(i) && v.Bool(i)
		}
		return keep, nil
	}, nil
}

// replay answers a request, between two lives of the source.
func (r *sourceRunner) replay(life context.Context, req *replayRequest) {
	ctx, cancel := context.WithCancel(life)
	defer cancel()
	stop := context.AfterFunc(req.ctx, cancel)
	defer stop()
	err := r.tryReplay(ctx, req)
	switch {
	case req.ctx.Err() != nil:
		err = pgerr.New(pgerr.QueryCanceled, "canceling statement due to user request")
	case err != nil && life.Err() != nil:
		err = errSourceStopped
	}
	req.done <- err
}

var errSourceStopped = pgerr.New(pgerr.ObjectNotInState, "the source was stopped")

func (r *sourceRunner) tryReplay(ctx context.Context, req *replayRequest) error {
	meta := r.meta.Load()
	places, err := r.e.errorPlaces(meta.ID, req.where)
	if req.asked = len(places); err != nil || len(places) == 0 {
		return err
	}
	run, err := r.open(meta)
	if err != nil {
		return err
	}
	replayer, ok := run.src.(connect.Replayer)
	if !ok {
		run.src.Close()
		return pgerr.Unsupported("REPLAY ERRORS of connector " + meta.Connector)
	}
	ctx, run.fail = context.WithCancel(ctx)
	in := &replayIntake{run: run, result: &req.result}
	err = replayer.Replay(ctx, r.e.offsetsOf(meta.ID), places, in)
	broken := run.drain()
	run.finish()
	if broken && ctx.Err() != nil && err != nil || broken && err == nil {
		err = pgerr.New(pgerr.TransactionOutcomeUnknown, "a part of the replayed records could not be committed").
			WithHint("What is still in millrace.errors can be replayed again.")
	}
	return err
}

// replayIntake counts what passes.
type replayIntake struct {
	run    *sourceRun
	result *replayResult
}

// Deliver is connect.Intake.
func (in *replayIntake) Deliver(ctx context.Context, p *connect.Part) error {
	settled, bad := int64(len(p.Replayed)), int64(len(p.Errors))
	if err := in.run.Deliver(ctx, p); err != nil {
		return err
	}
	in.result.settled.Add(settled)
	in.result.bad.Add(bad)
	return nil
}

// drain waits until every part is answered, and reports whether one did not get through.
func (r *sourceRun) drain() (broken bool) {
	for range inFlight {
		r.slots <- struct{}{}
	}
	broken = r.broken.Load()
	for range inFlight {
		<-r.slots
	}
	return broken
}

// errorPlaces lists the records of a relation's error rows that where chooses.
func (e *Engine) errorPlaces(id catalog.ID, where func(*vec.Batch) ([]bool, error)) ([]connect.Place, error) {
	e.publish.RLock()
	s := e.core.errs.rows.Pin()
	e.publish.RUnlock()
	defer s.Release()
	ts := make([]types.Type, len(physical.ErrorColumns))
	for i, f := range physical.ErrorColumns {
		ts[i] = f.Type
	}
	rows := vec.NewBatch(ts, 0)
	err := s.Scan([]int{errRelation, errPartition, errCode, errMessage, errData, errTopic, errPartition, errOffset, errKey}, func(b *vec.Batch) error {
		for i := range b.N {
			if catalog.ID(b.Cols[0].I64[i]) == id && b.Cols[1].I64[i] >= 0 {
				rows.AppendRow(&vec.Batch{Cols: b.Cols[2:], N: b.N}, i, 1)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	keep, err := where(rows)
	if err != nil {
		return nil, err
	}
	var out []connect.Place
	seen := map[connect.Place]bool{}
	for i, k := range keep {
		p := connect.Place{Topic: string(rows.Cols[3].Bytes(i)), Partition: int32(rows.Cols[4].I64[i]), Offset: rows.Cols[5].I64[i]}
		if k && !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out, nil
}
