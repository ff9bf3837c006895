package kafka

import (
	"encoding/binary"
	"net"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// wire is the network between clients and a cluster: it can lose requests, and answers, of clients called millrace.
type wire struct {
	mu    sync.Mutex
	fates map[kmsg.Key][]fate // of the next requests of a kind

	damage func([]byte) // what happens to answers that are damaged
}

// fate is what becomes of a request.
type fate uint8

const (
	arrives  fate = iota
	refused       // the connection is cut before the broker has read it
	unheard       // it is handled, and the connection cut in front of the answer
	halfways      // or in the middle of it
	slow          // the answer takes a while
	damaged       // the answer is not what the broker wrote
)

// slowness is how late a slow answer is.
const slowness = 30 * time.Millisecond

func (w *wire) option() kfake.Opt {
	return kfake.ListenFn(func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		if err != nil {
			return nil, err
		}
		return wireListener{l, w}, nil
	})
}

// plan says what becomes of the next requests of a kind.
func (w *wire) plan(key kmsg.Key, fates ...fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fates == nil {
		w.fates = map[kmsg.Key][]fate{}
	}
	w.fates[key] = append(w.fates[key], fates...)
}

// calm forgets all plans.
func (w *wire) calm() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fates = nil
}

func (w *wire) next(key kmsg.Key) fate {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.fates[key]
	if len(f) == 0 {
		return arrives
	}
	w.fates[key] = f[1:]
	return f[0]
}

type wireListener struct {
	net.Listener
	w *wire
}

func (l wireListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &wireConn{Conn: c, w: l.w}, nil
}

// wireConn is the broker's end of a connection.
type wireConn struct {
	net.Conn
	w *wire

	// Of Read: the beginning of the request that is being read, and how much of it is to come.
	head []byte
	left int

	mu      sync.Mutex
	pending []fate // of the answers, in order
}

// headBytes is enough of a request to know its size, its kind and who sent it.
const headBytes = 4 + 2 + 2 + 4 + 2 + len("millrace")

// Read passes a request on, unless it is lost. Every request has more than headBytes.
func (c *wireConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	for rest := b[:n]; len(rest) > 0; {
		take := min(len(rest), c.left)
		if c.left == 0 {
			take = min(len(rest), headBytes-len(c.head))
			c.head = append(c.head, rest[:take]...)
			if len(c.head) == headBytes {
				if !c.begins() {
					_ = c.Close()
					return 0, net.ErrClosed
				}
				c.left, c.head = 4+int(binary.BigEndian.Uint32(c.head))-headBytes, c.head[:0]
			}
		} else {
			c.left -= take
		}
		rest = rest[take:]
	}
	return n, err
}

// begins draws the fate of the request whose head was read, and reports whether it reaches the broker.
func (c *wireConn) begins() bool {
	f := arrives
	if string(c.head[14:]) == "millrace" {
		f = c.w.next(kmsg.Key(binary.BigEndian.Uint16(c.head[4:])))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, f)
	return f != refused
}

// Write passes on an answer, which the broker writes as one.
func (c *wireConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	f := arrives
	if len(c.pending) > 0 {
		f, c.pending = c.pending[0], c.pending[1:]
	}
	c.mu.Unlock()
	switch f {
	case unheard:
		_ = c.Close()
		return 0, net.ErrClosed
	case halfways:
		n, _ := c.Conn.Write(b[:len(b)/2])
		_ = c.Close()
		return n, net.ErrClosed
	case slow:
		time.Sleep(slowness)
	case damaged:
		c.w.damage(b)
	}
	return c.Conn.Write(b)
}
