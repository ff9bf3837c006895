package rig

import (
	"fmt"
	"net"
	"sync"
	"testing"
)

// Relay stands between a broker and the clients that were given its address: all their connections go through it, also
// those to addresses that the broker tells them. It can cut them.
type Relay struct {
	to  string
	lis net.Listener
	wg  sync.WaitGroup

	mu    sync.Mutex
	conns map[*relayed]struct{}
}

// relayed is one connection: the client's side and the broker's.
type relayed struct {
	client, broker net.Conn
	deaf           bool // answers are thrown away
}

// KafkaRelayed starts a broker for the test, and a relay to it.
func KafkaRelayed(t testing.TB) (*Broker, *Relay) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("relay: %v", err)
	}
	r := &Relay{to: fmt.Sprintf("127.0.0.1:%d", FreePort(t)), lis: lis, conns: map[*relayed]struct{}{}}
	b := newBroker(t)
	b.listening = ",RELAY://" + r.to
	b.secured = fmt.Sprintf(`inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://%s,RELAY://%s
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,RELAY:PLAINTEXT
`, b.Addr(), r.Addr())
	b.live(t)
	r.wg.Go(r.accept)
	t.Cleanup(func() {
		lis.Close() // nothing new
		r.Cut()
		r.wg.Wait()
	})
	return b, r
}

// Addr returns the address to give to clients.
func (r *Relay) Addr() string { return r.lis.Addr().String() }

// Mute lets nothing of what the broker answers through any more, on the connections that there are: what clients send
// still reaches it. Cut follows.
func (r *Relay) Mute() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		c.deaf = true
	}
}

// Cut closes all connections and returns how many there were.
func (r *Relay) Cut() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.conns)
	for c := range r.conns {
		c.client.Close()
		c.broker.Close()
	}
	clear(r.conns)
	return n
}

func (r *Relay) accept() {
	for {
		client, err := r.lis.Accept()
		if err != nil {
			return
		}
		broker, err := net.Dial("tcp", r.to)
		if err != nil { // the broker is down: so is the relay
			client.Close()
			continue
		}
		c := &relayed{client: client, broker: broker}
		r.mu.Lock()
		r.conns[c] = struct{}{}
		r.mu.Unlock()
		r.wg.Go(func() { r.pass(c, client, broker, false) })
		r.wg.Go(func() { r.pass(c, broker, client, true) })
	}
}

// pass copies one direction until either side ends.
func (r *Relay) pass(c *relayed, from, to net.Conn, answers bool) {
	defer r.end(c)
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !(answers && r.isDeaf(c)) {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (r *Relay) isDeaf(c *relayed) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return c.deaf
}

func (r *Relay) end(c *relayed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
	c.client.Close()
	c.broker.Close()
}
