package session

import (
	"slices"
	"sync"

	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
)

// LISTEN, UNLISTEN and NOTIFY act at COMMIT, as in PostgreSQL: a transaction's changes of what the session listens to
// come first, then its notifications go to everybody who listens, itself included, in the order of the commits.

// Limits of PostgreSQL: a channel is a name, a payload fits a page of its queue.
const (
	maxChannel = 63
	maxPayload = 7999
)

type notification struct{ channel, payload string }

// channelChange is LISTEN, or UNLISTEN; of all channels if the name is empty.
type channelChange struct {
	channel string
	listen  bool
}

// notifying is what a transaction has to do at its end.
type notifying struct {
	changes []channelChange
	sent    []notification
	known   map[notification]bool // of sent: equal ones count once
}

// mark is the state to go back to at ROLLBACK TO.
func (n *notifying) mark() [2]int { return [2]int{len(n.changes), len(n.sent)} }

func (n *notifying) rollbackTo(m [2]int) {
	for _, x := range n.sent[m[1]:] {
		delete(n.known, x)
	}
	n.changes, n.sent = n.changes[:m[0]], n.sent[:m[1]]
}

func (n *notifying) add(x notification) {
	if n.known[x] {
		return
	}
	if n.known == nil {
		n.known = map[notification]bool{}
	}
	n.known[x] = true
	n.sent = append(n.sent, x)
}

// listeners is who listens to what.
type listeners struct {
	mu sync.Mutex
	// guarded by mu
	channels map[string][]*Session
}

// commit does what a session's transaction left to do.
func (l *listeners) commit(s *Session, n *notifying) {
	if len(n.changes) == 0 && len(n.sent) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range n.changes {
		l.change(s, c)
	}
	for _, x := range n.sent {
		for _, to := range l.channels[x.channel] {
			to.conn.Notify(s.pid, x.channel, x.payload)
		}
	}
}

// change is called with mu held.
func (l *listeners) change(s *Session, c channelChange) {
	switch {
	case c.listen:
		if l.channels == nil {
			l.channels = map[string][]*Session{}
		}
		if !slices.Contains(l.channels[c.channel], s) {
			l.channels[c.channel] = append(l.channels[c.channel], s)
		}
	case c.channel != "":
		l.remove(s, c.channel)
	default:
		for channel := range l.channels {
			l.remove(s, channel)
		}
	}
}

// remove is called with mu held.
func (l *listeners) remove(s *Session, channel string) {
	left := slices.DeleteFunc(l.channels[channel], func(o *Session) bool { return o == s })
	if len(left) == 0 {
		delete(l.channels, channel)
		return
	}
	l.channels[channel] = left
}

// forget ends all that a session listens to.
func (l *listeners) forget(s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.change(s, channelChange{})
}

func runListen(s *Session, po *portal) (outcome, error) {
	channel := po.stmt.node.(*ast.Listen).Channel
	if err := checkChannel(channel); err != nil {
		return outcome{}, err
	}
	s.conn.Listen()
	s.txn.notifying.changes = append(s.txn.notifying.changes, channelChange{channel, true})
	return outcome{command: "LISTEN", count: noCount}, nil
}

func runUnlisten(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Unlisten)
	c := channelChange{channel: n.Channel}
	if n.All {
		c.channel = ""
	}
	s.txn.notifying.changes = append(s.txn.notifying.changes, c)
	return outcome{command: "UNLISTEN", count: noCount}, nil
}

func runNotify(s *Session, po *portal) (outcome, error) {
	n := po.stmt.node.(*ast.Notify)
	return outcome{command: "NOTIFY", count: noCount}, s.notify(n.Channel, n.Payload)
}

// notify is NOTIFY and pg_notify.
func (s *Session) notify(channel, payload string) error {
	if err := checkChannel(channel); err != nil {
		return err
	}
	if len(payload) > maxPayload {
		return pgerr.New(pgerr.InvalidParameterValue, "payload string too long")
	}
	s.txn.notifying.add(notification{channel, payload})
	return nil
}

func checkChannel(name string) error {
	switch {
	case name == "":
		return pgerr.New(pgerr.InvalidParameterValue, "channel name cannot be empty")
	case len(name) > maxChannel:
		return pgerr.New(pgerr.InvalidParameterValue, "channel name too long")
	}
	return nil
}
