package session

import (
	"time"

	"github.com/millracedb/millrace/exec/engine"
	"github.com/millracedb/millrace/sql/pgerr"
)

// txnState is where the session is between BEGIN and COMMIT.
type txnState uint8

const (
	none     txnState = iota
	implicit          // the statements of one simple query, or until Sync
	block             // after BEGIN
	failed            // a block in which a statement failed
)

// transaction is the session's transaction.
type transaction struct {
	state      txnState
	tx         engine.Txn // nil before the first statement that needs one, and in failed without savepoints
	savepoints []savepoint
	start      time.Time
	stmtNow    int64 // clock of the running statement
	readOnly   bool
	isolation  string
	// notifying is what LISTEN, UNLISTEN and NOTIFY have left to do.
	notifying notifying
	// alone says that the running statement is all there is of its implicit transaction.
	alone bool
}

// savepoint is SAVEPOINT name.
type savepoint struct {
	name     string
	mark     engine.Mark
	settings int
	notified [2]int
}

// now is what now() answers: the transaction's start.
func (t *transaction) now(s *Session) int64 {
	if t.state == none || t.start.IsZero() {
		return t.stmtNow
	}
	return clock(t.start)
}

// begin returns the open transaction; without one it starts an implicit one.
func (t *transaction) begin(s *Session) engine.Txn {
	if t.state == none {
		t.open(s, implicit)
	}
	if t.tx == nil {
		t.tx = s.door.Begin(engine.TxnOptions{ReadOnly: t.readOnly, Single: t.state == implicit && t.alone})
	}
	return t.tx
}

func (t *transaction) open(s *Session, st txnState) {
	t.state = st
	t.start = time.Now()
	t.readOnly = s.settings.isOn(gucDefaultReadOnly)
	t.isolation = s.settings.get(gucDefaultIsolation)
	s.env.Now = clock(t.start)
	s.mu.Lock()
	s.act.XactStart = t.start
	s.mu.Unlock()
	s.showModes()
}

// showModes keeps the settings that show the transaction's properties.
func (s *Session) showModes() {
	v := "off"
	if s.txn.readOnly {
		v = "on"
	}
	s.settings.values[gucReadOnly] = v
	s.settings.values[gucIsolation] = s.txn.isolation
}

// endImplicit commits if the transaction is an implicit one.
func (t *transaction) endImplicit(s *Session) error {
	if t.state != implicit {
		return nil
	}
	return t.commit(s)
}

// commit ends the transaction. Held cursors take their rows along; other portals end with it.
func (t *transaction) commit(s *Session) error {
	if err := s.holdCursors(); err != nil {
		t.rollback(s)
		return err
	}
	s.closePortals(func(p *portal) bool { return !p.held })
	if t.tx != nil {
		ctx, done := s.statementContext()
		err := t.tx.Commit(ctx)
		done()
		if err != nil {
			t.tx = nil
			s.settings.rollbackTo(0)
			t.close(s)
			return err
		}
	}
	s.settings.commit()
	s.hub.listeners.commit(s, &t.notifying)
	t.close(s)
	return nil
}

// rollback undoes the transaction.
func (t *transaction) rollback(s *Session) {
	s.closePortals(func(p *portal) bool { return !p.held })
	if t.tx != nil {
		t.tx.Rollback()
	}
	s.settings.rollbackTo(0)
	t.close(s)
}

func (t *transaction) close(s *Session) {
	t.state, t.tx, t.savepoints, t.start = none, nil, t.savepoints[:0], time.Time{}
	t.notifying = notifying{}
	t.readOnly = s.settings.isOn(gucDefaultReadOnly)
	t.isolation = s.settings.get(gucDefaultIsolation)
	s.showModes()
}

// fail is what an error does: an implicit transaction is gone, a block waits for its end.
func (t *transaction) fail(s *Session) {
	switch t.state {
	case none:
		s.settings.rollbackTo(0)
	case implicit:
		t.rollback(s)
	case block:
		t.state = failed
		s.closePortals(func(p *portal) bool { return !p.held })
		if len(t.savepoints) == 0 {
			s.settings.rollbackTo(0)
			if t.tx != nil {
				t.tx.Rollback()
				t.tx = nil
			}
		}
	}
}

// abandon ends the transaction of a session that ends.
func (t *transaction) abandon(s *Session) {
	if t.tx != nil {
		s.closePortals(func(*portal) bool { return true })
		t.tx.Rollback()
		t.tx = nil
	}
	t.state = none
}

func (t *transaction) savepoint(s *Session, name string) {
	t.savepoints = append(t.savepoints, savepoint{name, t.begin(s).Savepoint(), s.settings.mark(), t.notifying.mark()})
}

// find returns the newest savepoint of that name.
func (t *transaction) find(name string) (int, error) {
	for i := len(t.savepoints) - 1; i >= 0; i-- {
		if t.savepoints[i].name == name {
			return i, nil
		}
	}
	return 0, pgerr.Newf(pgerr.InvalidSavepoint, `savepoint "%s" does not exist`, name)
}

func (t *transaction) release(name string) error {
	i, err := t.find(name)
	if err == nil {
		t.savepoints = t.savepoints[:i]
	}
	return err
}

func (t *transaction) rollbackTo(s *Session, name string) error {
	i, err := t.find(name)
	if err != nil {
		return err
	}
	sp := t.savepoints[i]
	t.savepoints = t.savepoints[:i+1]
	s.closePortals(func(p *portal) bool { return !p.held && p.depth > i })
	t.tx.RollbackTo(sp.mark)
	s.settings.rollbackTo(sp.settings)
	t.notifying.rollbackTo(sp.notified)
	t.state = block
	return nil
}
