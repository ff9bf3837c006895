package engine

import (
	"sync"
	"sync/atomic"
)

// request is work that waits for the cut of an epoch. Exactly one of txn, part, run is set.
type request struct {
	txn  *txn             // a transaction to resolve and make durable
	part *sourcePart      // a connector's delivery
	run  func(*cut) error // a step of the engine's own work that needs the epoch to itself (cutover, cancel, tick)

	answered atomic.Bool
	err      error // the outcome, once wait is over
	wait     sync.WaitGroup
}

// signal has room for one: setting it again before it is received adds nothing.
type signal chan struct{}

func (s signal) set() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// answer tells the outcome; only the first answer counts.
func (r *request) answer(err error) {
	if r.answered.CompareAndSwap(false, true) {
		r.err = err
		r.wait.Done()
	}
}

// outcome waits for the answer to a request that was put into the queue.
func (r *request) outcome() error {
	r.wait.Wait()
	return r.err
}

// queue is what waits for the next epoch.
type queue struct {
	mu     sync.Mutex
	items  []*request
	closed error
	wake   signal // there may be items that nobody but the engine goroutine will take
}

func (q *queue) init() { q.wake = make(signal, 1) }

// put adds r, or answers it at once when the queue is closed. Somebody must take it: the caller wakes the engine goroutine
// or takes it itself.
func (q *queue) put(r *request) {
	r.wait.Add(1)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed != nil {
		r.answer(q.closed)
		return
	}
	q.items = append(q.items, r)
}

// take moves the requests of the next epoch to dst: the first one alone if it needs the epoch to itself, else all up to
// the first that does.
func (q *queue) take(dst []*request) []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for n < len(q.items) && !(n > 0 && q.items[n].alone()) {
		n++
		if q.items[n-1].alone() {
			break
		}
	}
	dst = append(dst, q.items[:n]...)
	rest := copy(q.items, q.items[n:])
	clear(q.items[rest:])
	q.items = q.items[:rest]
	if rest > 0 {
		q.wake.set()
	}
	return dst
}

// close answers everything that waits, and all that comes, with err.
func (q *queue) close(err error) {
	q.mu.Lock()
	items := q.items
	q.items, q.closed = nil, err
	q.mu.Unlock()
	for _, r := range items {
		r.answer(err)
	}
}

func (r *request) alone() bool { return r.run != nil || r.txn != nil && len(r.txn.ddl) > 0 }

// submit waits until r's epoch is acknowledged. It cannot be cancelled: once queued, the outcome is the engine's to tell.
// Whoever finds the engine free makes the epoch on its own goroutine: a lone writer pays for no goroutine switch.
func (e *Engine) submit(r *request) error {
	e.queue.put(r)
	if e.turn.TryLock() {
		func() {
			defer e.turn.Unlock()
			e.nextEpoch()
		}()
	} else {
		e.queue.wake.set()
	}
	return r.outcome()
}
