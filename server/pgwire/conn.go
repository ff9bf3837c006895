package pgwire

import (
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/sql/pgerr"
)

const (
	// flushAt is how much is collected before it is written while a result is being sent.
	flushAt = 64 << 10
	// keepOut is the largest send buffer kept between statements.
	keepOut = 128 << 10
	// closeTimeout bounds the last words to a client that does not listen.
	closeTimeout = 2 * time.Second
)

// errGone ends a statement whose client cannot be written to.
var errGone = pgerr.New(pgerr.ConnectionFailure, "connection to client lost")

// Conn is one connection past its startup.
type Conn struct {
	nc         net.Conn
	r          reader
	be         *pgproto3.Backend
	maxMessage int

	out  []byte
	werr error
	in   inbox
	idle bool // ReadyForQuery was sent, outside of a transaction

	hangup     func() // cancels the session's context
	terminated atomic.Pointer[pgerr.Error]
}

func newConn(nc net.Conn, maxMessage int, hangup func()) *Conn {
	c := &Conn{nc: nc, maxMessage: maxMessage, hangup: hangup}
	c.r = reader{nc: nc, gone: hangup, ended: func() bool { return c.terminated.Load() != nil }}
	c.be = pgproto3.NewBackend(&c.r, nil)
	return c
}

// Terminate ends the connection with a fatal error as soon as it listens; what runs should be cancelled by the caller.
// Any goroutine may call it.
func (c *Conn) Terminate(reason *pgerr.Error) {
	if c.terminated.CompareAndSwap(nil, reason) {
		_ = c.nc.SetReadDeadline(aLongTimeAgo)
		// A client that does not take its result must not keep the session.
		_ = c.nc.SetWriteDeadline(time.Now().Add(closeTimeout))
	}
}

// decode waits for the next message.
func (c *Conn) decode() (pgproto3.FrontendMessage, error) {
	m, err := c.be.Receive()
	c.r.received()
	return m, err
}

// SyncFollows reports that the message after the present one is Sync, and is here.
func (c *Conn) SyncFollows() bool { return c.r.peek() == 'S' }

// send encodes a message of the cold kind.
func (c *Conn) send(m pgproto3.BackendMessage) {
	out, err := m.Encode(c.out)
	if err != nil {
		c.fail(err)
		return
	}
	c.out = out
}

// Flush writes what was sent. After a failure it fails for good.
func (c *Conn) Flush() error {
	if c.werr != nil {
		return errGone
	}
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.nc.Write(c.out)
	if cap(c.out) > keepOut {
		c.out = nil
	}
	c.out = c.out[:0]
	if err != nil {
		c.fail(err)
		return errGone
	}
	return nil
}

func (c *Conn) fail(err error) {
	if c.werr == nil {
		c.werr = err
		c.hangup()
	}
}

// spill writes when enough was collected.
func (c *Conn) spill() error {
	if len(c.out) < flushAt {
		return nil
	}
	return c.Flush()
}

// fatal sends the connection's last message, if there is anything to say to anybody.
func (c *Conn) fatal(err error) {
	var e *pgerr.Error
	if !errors.As(err, &e) {
		return
	}
	_ = c.nc.SetWriteDeadline(time.Now().Add(closeTimeout))
	c.sendError(severityFatal, e)
	_ = c.Flush()
}

// The simple messages of results.

// ParameterStatus reports a setting's value.
func (c *Conn) ParameterStatus(name, value string) {
	c.send(&pgproto3.ParameterStatus{Name: name, Value: value})
}

// Complete ends a statement with its command tag.
func (c *Conn) Complete(tag string) {
	n := len(tag) + 5
	c.out = append(c.out, 'C', byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	c.out = append(append(c.out, tag...), 0)
}

// CompleteCount is Complete with a tag that ends in a number of rows.
func (c *Conn) CompleteCount(command string, rows int64) {
	start := len(c.out)
	c.out = append(c.out, 'C', 0, 0, 0, 0)
	c.out = append(append(c.out, command...), ' ')
	c.out = append(strconv.AppendInt(c.out, rows, 10), 0)
	endMessage(c.out, start)
}

// EmptyQuery answers a query string without a statement.
func (c *Conn) EmptyQuery() { c.empty('I') }

// NoData answers Describe of what returns no rows.
func (c *Conn) NoData() { c.empty('n') }

// Suspended ends an Execute that reached its row limit.
func (c *Conn) Suspended() { c.empty('s') }

func (c *Conn) empty(typ byte) { c.out = append(c.out, typ, 0, 0, 0, 4) }

func (c *Conn) readyForQuery(status byte) { c.out = append(c.out, 'Z', 0, 0, 0, 5, status) }

// Parameters answers Describe of a statement: the types of its parameters.
func (c *Conn) Parameters(oids []uint32) {
	c.send(&pgproto3.ParameterDescription{ParameterOIDs: oids})
}
