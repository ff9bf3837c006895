package op

import (
	"sync"
	"sync/atomic"
)

// parallelRows is how many rows a shard must get at least for a goroutine to be worth starting.
const parallelRows = 4096

// Parallel calls f(0) to f(n-1) from up to workers goroutines, the caller's among them, and passes a panic of one of them
// on when all have ended. With one worker it is a loop.
func Parallel(n, workers int, f func(i int)) {
	workers = min(workers, n)
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var c crew
	c.n, c.f = int32(n), f
	c.done.Add(workers - 1)
	for range workers - 1 {
		go func() {
			defer c.done.Done()
			c.work()
		}()
	}
	c.work()
	c.done.Wait()
	if r := c.failed.Load(); r != nil {
		panic(*r)
	}
}

// crew is the goroutines of one call of Parallel.
type crew struct {
	f      func(i int)
	n      int32
	next   atomic.Int32
	done   sync.WaitGroup
	failed atomic.Pointer[any]
}

// work does what is left to do.
func (c *crew) work() {
	defer func() {
		if r := recover(); r != nil {
			c.failed.CompareAndSwap(nil, &r)
		}
	}()
	for i := c.next.Add(1) - 1; i < c.n; i = c.next.Add(1) - 1 {
		c.f(int(i))
	}
}
