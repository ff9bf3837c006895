package pgwire

import (
	"net"
	"sync"
	"time"
)

const (
	// watchDelay is how long a statement runs before its client is watched.
	watchDelay = 5 * time.Millisecond
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

	timer *time.Timer
	gone  func() // called by the watcher when the connection ends
	mu    sync.Mutex
	// guarded by mu
	armed   bool
	running chan struct{} // closed when the watcher has stopped
	ended   func() bool   // the connection was told to terminate
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

// watch begins to look for the end of the connection, a moment from now, until unwatch.
func (r *reader) watch() {
	r.mu.Lock()
	r.armed = true
	r.mu.Unlock()
	if r.timer == nil {
		r.timer = time.AfterFunc(watchDelay, r.start)
		return
	}
	r.timer.Reset(watchDelay)
}

func (r *reader) start() {
	r.mu.Lock()
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
	r.timer.Stop()
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
