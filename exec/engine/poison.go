package engine

import (
	"fmt"

	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/sql/catalog"
)

// An epoch whose replay ends the process (out of memory, a fault of the runtime: what is not a panic of the view, which
// the dataflow catches) must not do so for ever (D4). Storage counts the attempts at each epoch durably. From the second
// one on, views run one by one, each noted before it runs; the third one finds in the note which view was running, and
// suspends it.
type poisonWatch struct {
	e         *Engine
	c         *core
	suspended bool
}

// Attempts from which on the running view is noted, and the noted one suspended.
const (
	attemptNoted   = 2
	attemptSuspend = 3
)

// before is called before an epoch is replayed.
func (w *poisonWatch) before(epoch uint64) error {
	n, err := w.c.store.RecordAttempt(epoch)
	if err != nil {
		return err
	}
	if n < attemptNoted {
		w.c.graph.Before = nil
		return nil
	}
	w.e.log.Warn("an earlier recovery did not survive this epoch", "epoch", epoch, "attempt", n)
	if n >= attemptSuspend {
		w.suspend(epoch)
	}
	w.c.graph.Before = func(view catalog.ID) {
		if err := w.c.store.SetNote(note(epoch, view)); err != nil {
			w.e.log.Warn("noting the running view", "err", err)
		}
	}
	return nil
}

func note(epoch uint64, view catalog.ID) string { return fmt.Sprintf("epoch %d view %d", epoch, view) }

// suspend takes out the view that was running when the process ended in this epoch.
func (w *poisonWatch) suspend(epoch uint64) {
	var at uint64
	var view catalog.ID
	if _, err := fmt.Sscanf(w.c.store.Note(), "epoch %d view %d", &at, &view); err != nil || at != epoch {
		return
	}
	w.c.suspend(w.e, dataflow.Suspension{View: view, Reason: fmt.Sprintf("its computation ended the server twice, in epoch %d", epoch)})
	w.suspended = true
}

// end is called when replay is through. A suspension is made durable before the attempts are forgotten.
func (w *poisonWatch) end() error {
	w.c.graph.Before = nil
	if w.suspended {
		k := w.c.collect(w.e)
		if err := w.c.write(k); err != nil {
			return err
		}
		for _, done := range k.done {
			done(true)
		}
		w.c.ckpt.last = k.epoch
	}
	return w.c.store.ClearAttempts()
}
