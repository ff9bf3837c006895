package pgwire

import (
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/sql/pgerr"
)

// state is what the loop does with the next message.
type state uint8

const (
	ready state = iota
	drain       // an extended-protocol error: skip until Sync
	done
)

func (c *Conn) loop(h Handler) {
	c.readyForQuery(h.Status())
	if c.Flush() != nil {
		return
	}
	st := ready
	for st != done {
		end := func() {}
		if c.in.open && c.idle {
			end = c.wait()
		}
		m, err := c.receive(h)
		end()
		c.idle = false
		if err != nil {
			st = c.refuse(h, st, err)
			continue
		}
		st = c.handle(h, st, m)
	}
	// What was sent for messages before a Terminate still counts.
	_ = c.Flush()
}

// receive waits for a message, no longer than the session may idle.
func (c *Conn) receive(h Handler) (pgproto3.FrontendMessage, error) {
	d, end := h.Idle()
	if d > 0 {
		c.r.deadline(time.Now().Add(d))
	}
	m, err := c.decode()
	if reason := c.terminated.Load(); reason != nil {
		return nil, &ending{reason}
	}
	if d > 0 {
		c.r.deadline(time.Time{})
		var ne net.Error
		if errors.As(err, &ne) && ne.Timeout() {
			return nil, &ending{end}
		}
	}
	return m, err
}

// ending is the reason why the server ends a connection.
type ending struct{ reason *pgerr.Error }

func (e *ending) Error() string { return e.reason.Message }

// refuse deals with what could not be received. A message that is malformed within its own length leaves the
// protocol in step; anything else ends it.
func (c *Conn) refuse(h Handler, st state, err error) state {
	var end *ending
	var long *pgproto3.ExceededMaxBodyLenErr
	var ne net.Error
	switch {
	case errors.As(err, &end):
		c.fatal(end.reason)
		return done
	case errors.As(err, &long):
		c.fatal(pgerr.Newf(pgerr.ProgramLimitExceeded, "message of %d bytes exceeds the limit of %d bytes",
			long.ActualBodyLen, long.MaxExpectedBodyLen))
		return done
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.As(err, &ne):
		return done
	case strings.Contains(err.Error(), " body "):
		e := ProtocolError("invalid message format").WithDetail("%s", err.Error())
		h.Fail(e)
		c.sendError(severityError, e)
		if strings.HasPrefix(err.Error(), "Query ") || strings.HasPrefix(err.Error(), "FunctionCall ") {
			return c.finish(h, ready)
		}
		return drain
	}
	c.fatal(ProtocolError("%s", err.Error()))
	return done
}

func (c *Conn) handle(h Handler, st state, m pgproto3.FrontendMessage) state {
	switch m.(type) {
	case *pgproto3.Terminate:
		return done
	case *pgproto3.Sync:
		if err := h.Sync(); err != nil {
			c.sendError(severityError, pgerr.Of(err))
		}
		return c.finish(h, ready)
	case *pgproto3.CopyData, *pgproto3.CopyDone, *pgproto3.CopyFail:
		return st // the rest of a COPY that failed
	}
	if st == drain {
		return drain
	}
	switch m := m.(type) {
	case *pgproto3.Query:
		if err := c.watched(func() error { return h.Query(m.String) }); err != nil {
			c.sendError(severityError, pgerr.Of(err))
		}
		return c.finish(h, ready)
	case *pgproto3.Flush:
		return c.flushed(ready)
	case *pgproto3.FunctionCall:
		e := pgerr.Unsupported("the function call protocol")
		h.Fail(e)
		c.sendError(severityError, e)
		return c.finish(h, ready)
	case *pgproto3.PasswordMessage, *pgproto3.SASLResponse, *pgproto3.SASLInitialResponse, *pgproto3.GSSResponse:
		c.fatal(ProtocolError("invalid frontend message type %d", 'p'))
		return done
	}
	if err := c.extended(h, m); err != nil {
		c.sendError(severityError, pgerr.Of(err))
		return c.flushed(drain)
	}
	return ready
}

// extended handles the messages whose error is followed by a drain.
func (c *Conn) extended(h Handler, m pgproto3.FrontendMessage) error {
	var reply byte
	switch m := m.(type) {
	case *pgproto3.Parse:
		if err := h.Parse(m); err != nil {
			return err
		}
		reply = '1'
	case *pgproto3.Bind:
		if err := h.Bind(m); err != nil {
			return err
		}
		reply = '2'
	case *pgproto3.Close:
		if err := h.CloseObject(m); err != nil {
			return err
		}
		reply = '3'
	case *pgproto3.Describe:
		return h.Describe(m)
	case *pgproto3.Execute:
		return c.watched(func() error { return h.Execute(m) })
	default:
		return ProtocolError("unexpected message type %T", m)
	}
	c.empty(reply)
	return nil
}

// watched runs a statement while looking for the end of the connection.
func (c *Conn) watched(run func() error) error {
	c.r.watch()
	err := run()
	c.r.unwatch()
	return err
}

func (c *Conn) finish(h Handler, st state) state {
	status := h.Status()
	if c.idle = status == 'I'; c.idle {
		c.collect()
	}
	c.readyForQuery(status)
	return c.flushed(st)
}

func (c *Conn) flushed(st state) state {
	if c.Flush() != nil {
		return done
	}
	return st
}
