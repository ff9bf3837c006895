package pgwire

import (
	"net"
	"sync"
	"time"
)

const (
	// watchDelay is how long a statement runs before its client is watched: so long to twice that.
	watchDelay = 20 * time.Millisecond
	// readAhead bounds what a watched client may pipeline behind a running statement.
	readAhead = 1 << 20
	// bulkBuffer is the size of reads during COPY.
	bulkBuffer = 256 << 10
)

// aLongTimeAgo makes a blocked read return.
var aLongTimeAgo = time.Unix(1, 0)

// reader is the receiving half of a connection. Its owner reads; while the owner is busy with a statement, watch
// lets a goroutine read ahead into buf, so that the end of the connection is noticed.
type reader struct {
	nc  net.Conn
	buf []byte // read ahead, not yet given out: buf[pos:]
	pos int
	err error // what ended the read-ahead

	bulk bool // read in large pieces (COPY)
	framing

	gone  func()      // called by the watcher when the connection ends
	ended func() bool // the connection was told to terminate
	mu    sync.Mutex
	// guarded by mu
	timer   *time.Timer
	ticking bool          // timer will call tick
	armed   bool          // a statement runs
	turn    uint64        // number of the statement
	seen    uint64        // turn at the last tick
	running chan struct{} // closed when the watcher has stopped
}

// Read gives out what was read ahead, then reads from the connection.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.read(p)
	r.scan(p[:n])
	return n, err
}

func (r *reader) read(p []byte) (int, error) {
	if r.pos < len(r.buf) {
		n := copy(p, r.buf[r.pos:])
		r.pos += n
		return n, nil
	}
	if r.err != nil {
		return 0, r.err
	}
	if !r.bulk {
		return r.nc.Read(p)
	}
	if cap(r.buf) < bulkBuffer {
		r.buf = make([]byte, bulkBuffer)
	}
	n, err := r.nc.Read(r.buf[:bulkBuffer])
	r.buf, r.pos = r.buf[:n], 0
	if n == 0 {
		return 0, err
	}
	r.err = err
	m := copy(p, r.buf)
	r.pos = m
	return m, nil
}

// setBulk switches to large reads and back; the buffer is not kept.
func (r *reader) setBulk(on bool) {
	r.bulk = on
	if !on && r.pos == len(r.buf) {
		r.buf, r.pos = nil, 0
	}
}

// watch begins to look for the end of the connection, some moments from now, until unwatch. The timer is not set anew for
// every statement, which would wake a thread to wait for it: it ticks while there are statements, and one that was there
// a tick ago is watched.
func (r *reader) watch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.armed = true
	r.turn++
	if r.ticking {
		return
	}
	r.ticking, r.seen = true, r.turn
	if r.timer == nil {
		r.timer = time.AfterFunc(watchDelay, r.tick)
		return
	}
	r.timer.Reset(watchDelay)
}

func (r *reader) tick() {
	r.mu.Lock()
	if r.seen != r.turn {
		r.seen = r.turn
		r.timer.Reset(watchDelay)
		r.mu.Unlock()
		return
	}
	r.ticking = false
	if !r.armed || r.running != nil || r.err != nil {
		r.mu.Unlock()
		return
	}
	done := make(chan struct{})
	r.running = done
	r.mu.Unlock()
	defer close(done)
	r.readAhead()
}

// readAhead appends to buf until it is interrupted, full, or the connection ends.
func (r *reader) readAhead() {
	if r.pos == len(r.buf) {
		r.buf, r.pos = r.buf[:0], 0
	}
	for len(r.buf)-r.pos < readAhead {
		if cap(r.buf)-len(r.buf) < 512 {
			r.buf = append(make([]byte, 0, 2*len(r.buf)+4096), r.buf...)
		}
		n, err := r.nc.Read(r.buf[len(r.buf):cap(r.buf)])
		r.buf = r.buf[:len(r.buf)+n]
		if err == nil {
			continue
		}
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			return
		}
		r.err = err
		r.gone()
		return
	}
}

// unwatch ends what watch began; the owner may read again.
func (r *reader) unwatch() {
	r.mu.Lock()
	r.armed = false
	done := r.running
	r.running = nil
	r.mu.Unlock()
	if done == nil {
		return
	}
	_ = r.nc.SetReadDeadline(aLongTimeAgo)
	<-done
	r.deadline(time.Time{})
}

// deadline sets when a blocked read gives up; a terminated connection keeps the past one.
func (r *reader) deadline(t time.Time) {
	_ = r.nc.SetReadDeadline(t)
	if r.ended() {
		_ = r.nc.SetReadDeadline(aLongTimeAgo)
	}
}
