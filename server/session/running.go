package session

import (
	"context"
	"errors"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/pgerr"
)

// postgresEpoch is 2000-01-01 UTC, from which timestamps count.
const postgresEpoch = 946684800

// clock is the time as a timestamp value.
func clock(t time.Time) int64 { return t.UnixMicro() - postgresEpoch*1e6 }

// begin starts the work on a message with a statement's text; leave ends it.
func (s *Session) begin(query string) {
	now := time.Now()
	s.txn.stmtNow = clock(now)
	s.enter(query, now)
}

// resume is begin for a message that goes on with a statement.
func (s *Session) resume() { s.enter("", time.Time{}) }

func (s *Session) enter(query string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil || s.ctx.Err() != nil {
		s.ctx, s.stop = context.WithCancelCause(s.base)
	}
	s.busy = true
	if s.ending != nil {
		s.stop(s.ending)
	}
	if !now.IsZero() {
		s.act.Query, s.act.QueryStart, s.act.Changed = query, now, now
	}
	s.act.State = "active"
}

func (s *Session) leave() {
	s.mu.Lock()
	s.busy = false
	s.mu.Unlock()
}

// rest notes that the session waits for its client.
func (s *Session) rest() {
	state := "idle"
	switch s.txn.state {
	case block:
		state = "idle in transaction"
	case failed:
		state = "idle in transaction (aborted)"
	}
	s.mu.Lock()
	s.act.State = state
	if s.txn.state == none {
		s.act.XactStart = time.Time{}
	}
	s.mu.Unlock()
}

// statementContext is the running statement's, with its timeout armed. The function ends the timeout.
func (s *Session) statementContext() (context.Context, func()) {
	s.mu.Lock()
	ctx, stop := s.ctx, s.stop
	s.mu.Unlock()
	d := s.timeout()
	if d == 0 {
		return ctx, func() {}
	}
	t := time.AfterFunc(d, func() {
		stop(pgerr.New(pgerr.QueryCanceled, "canceling statement due to statement timeout"))
	})
	return ctx, func() { t.Stop() }
}

// timeout is statement_timeout, 0 for none.
func (s *Session) timeout() time.Duration {
	if v := s.settings.values[gucStatementTimeout]; v != "0" {
		return millis(v)
	}
	return 0
}

// cancel ends the running statement, if there is one. Any goroutine may call it.
func (s *Session) cancel(why *pgerr.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy {
		s.stop(why)
	}
}

// terminate ends the session. Any goroutine may call it.
func (s *Session) terminate(why *pgerr.Error) {
	s.mu.Lock()
	s.ending = why
	if s.busy {
		s.stop(why)
	}
	s.mu.Unlock()
	s.conn.Terminate(why)
}

func (s *Session) activity() Activity {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.act
	a.PID, a.User, a.Client, a.Started = s.pid, s.login, s.remote, s.started
	return a
}

// failing ends a message: an error aborts the transaction and is made ready to send.
func (s *Session) failing(sql string, err error) error {
	if err == nil {
		return nil
	}
	s.txn.fail(s)
	cause := s.cause()
	e := *pgerr.Of(err)
	var why *pgerr.Error
	if cause != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || e.Code == pgerr.QueryCanceled) {
		if errors.As(cause, &why) {
			e = *why
		} else {
			e = *errCanceled()
		}
	}
	if e.Position > 0 {
		e.Position = characters(sql, e.Position)
	}
	if e.Code == pgerr.Internal {
		s.hub.Log.Error("internal error", "err", err, "statement", Shown(sql))
	}
	return &e
}

// contained runs part of a statement. A panic, which is a bug, becomes the error of that statement: the transaction
// rolls back, the connection goes on, and the log has the stack.
func (s *Session) contained(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.hub.Log.Error("a statement panicked", "panic", p, "stack", string(debug.Stack()))
			err = pgerr.Newf(pgerr.Internal, "internal error: %v", p)
		}
	}()
	return f()
}

// cause is why the running statement was ended, nil if it was not.
func (s *Session) cause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx == nil {
		return nil
	}
	return context.Cause(s.ctx)
}

// characters turns a 1-based byte position into one of characters.
func characters(sql string, pos int) int {
	if pos-1 > len(sql) {
		return 0
	}
	return utf8.RuneCountInString(sql[:pos-1]) + 1
}
