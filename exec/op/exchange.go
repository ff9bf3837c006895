package op

import (
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/millracedb/millrace/sql/funcs"
)

// parallelRows is how many rows a shard must get, about, for a goroutine to be worth starting.
const parallelRows = 2048

// shards is the number of shards for so many rows of a step: small ones are worth no goroutine.
func (s *Step) shards(rows int) int {
	least := s.ShardRows
	if least == 0 {
		least = parallelRows
	}
	return max(1, min(s.Workers, rows/least))
}

// forkCtx makes c what evaluation in a shard needs: shards run beside one another, so each has errors of its own.
func (s *Step) forkCtx(c *funcs.Ctx) {
	c.Context, c.Env, c.Now, c.TxnNow, c.Sys = s.Ctx.Context, s.Ctx.Env, s.Ctx.Now, s.Ctx.TxnNow, s.Ctx.Sys
}

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
		panic(r)
	}
}

// Panicked is what one of the goroutines of Parallel panicked with, and where.
type Panicked struct {
	What  any
	Stack []byte
}

func (p *Panicked) String() string { return fmt.Sprint(p.What) }

// crew is the goroutines of one call of Parallel.
type crew struct {
	f      func(i int)
	n      int32
	next   atomic.Int32
	done   sync.WaitGroup
	failed atomic.Pointer[Panicked]
}

// work does what is left to do.
func (c *crew) work() {
	defer func() {
		if r := recover(); r != nil {
			c.failed.CompareAndSwap(nil, &Panicked{What: r, Stack: debug.Stack()})
		}
	}()
	for i := c.next.Add(1) - 1; i < c.n; i = c.next.Add(1) - 1 {
		c.f(int(i))
	}
}
