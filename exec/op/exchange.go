package op

import (
	"sync"
)

// parallelRows is how many rows a shard must get at least for a goroutine to be worth starting.
const parallelRows = 4096

// run calls f(0..n-1) in goroutines and passes a panic of one of them on.
func run(n int, f func(p int)) {
	var wg sync.WaitGroup
	failed := make([]any, n)
	for p := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer func() { failed[p] = recover() }()
			f(p)
		}()
	}
	wg.Wait()
	for _, r := range failed {
		if r != nil {
			panic(r)
		}
	}
}
