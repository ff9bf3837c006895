package pgwire

import (
	"sync"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/millracedb/millrace/sql/pgerr"
)

// maxInbox bounds what is kept for a client that takes no notifications.
const maxInbox = 64 << 20

// inbox holds the notifications for a client between statements, when only they may be sent to it. Any goroutine may
// put one in. The connection's goroutine sends them before ReadyForQuery; while it waits for a message outside of a
// transaction, a goroutine of the inbox's own does, so that a client that does not read holds up nobody else.
type inbox struct {
	open bool // the session has listened; of the connection's goroutine

	mu sync.Mutex
	// guarded by mu
	messages []byte
	waiting  bool       // the connection waits for a message, outside of a transaction
	writing  bool       // a goroutine writes messages
	written  *sync.Cond // writing has become false
}

// Listen makes the connection take notifications.
func (c *Conn) Listen() {
	if !c.in.open {
		c.in.open, c.in.written = true, sync.NewCond(&c.in.mu)
	}
}

// Notify tells the client of a notification as soon as the protocol allows. Any goroutine may call it.
func (c *Conn) Notify(pid uint32, channel, payload string) {
	b := &c.in
	b.mu.Lock()
	defer b.mu.Unlock()
	out, err := (&pgproto3.NotificationResponse{PID: pid, Channel: channel, Payload: payload}).Encode(b.messages)
	if err != nil || len(out) > maxInbox {
		c.Terminate(pgerr.New(pgerr.ProgramLimitExceeded, "terminating connection because its notifications are not read"))
		return
	}
	b.messages = out
	if b.waiting && !b.writing {
		b.writing = true
		go c.deliver()
	}
}

// deliver writes notifications for as long as the connection waits.
func (c *Conn) deliver() {
	b := &c.in
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.waiting && len(b.messages) > 0 {
		out := b.messages
		b.messages = nil
		b.mu.Unlock()
		_, err := c.nc.Write(out) // a lost connection ends the waiting Read, too
		b.mu.Lock()
		if err != nil {
			break
		}
	}
	b.writing = false
	b.written.Broadcast()
}

// collect appends the notifications to what is sent; the connection is at the end of a transaction.
func (c *Conn) collect() {
	if !c.in.open {
		return
	}
	c.in.mu.Lock()
	defer c.in.mu.Unlock()
	c.out = append(c.out, c.in.messages...)
	c.in.messages = nil
}

// wait lets notifications through until the function it returns is called.
func (c *Conn) wait() (end func()) {
	b := &c.in
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = true
	if len(b.messages) > 0 && !b.writing {
		b.writing = true
		go c.deliver()
	}
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.waiting = false
		for b.writing {
			b.written.Wait()
		}
	}
}
