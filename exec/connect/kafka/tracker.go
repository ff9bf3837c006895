package kafka

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/millracedb/millrace/exec/connect"
)

// tracker is what Run and watch share, and Status reads.
type tracker struct {
	mu struct {
		sync.Mutex
		state      connect.State
		err        error // the last error of a partition or of Run
		errAt      time.Time
		records    uint64
		bytes      uint64
		bad        uint64
		partitions map[int32]*partition
	}
}

// partition is the progress in one partition.
type partition struct {
	next      int64
	high      int64 // -1: not heard yet
	lastEvent time.Time
}

// add starts tracking the partitions that are not tracked yet and returns them.
func (t *tracker) add(starts connect.Offsets) connect.Offsets {
	t.mu.Lock()
	defer t.mu.Unlock()
	added := connect.Offsets{}
	for p, next := range starts {
		if t.mu.partitions[p] == nil {
			t.mu.partitions[p] = &partition{next: next, high: -1}
			added[p] = next
		}
	}
	return added
}

// next returns where a partition continues.
func (t *tracker) next(p int32) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if part := t.mu.partitions[p]; part != nil {
		return part.next
	}
	return 0
}

// heard notes the end of a partition.
func (t *tracker) heard(p int32, high int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if part := t.mu.partitions[p]; part != nil && high >= 0 {
		part.high = high
	}
}

// moved notes that a partition continues at next, without a part.
func (t *tracker) moved(p int32, next int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.partitions[p].next = next
}

// delivered notes what a part brought.
func (t *tracker) delivered(done progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.records += done.records
	t.mu.bytes += done.bytes
	t.mu.bad += done.bad
	for p, next := range done.next {
		if part := t.mu.partitions[p]; part != nil {
			part.next = next
			part.high = max(part.high, next)
			if at := done.newest[p]; at.After(part.lastEvent) {
				part.lastEvent = at
			}
		}
	}
}

func (t *tracker) failed(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.err, t.mu.errAt = err, time.Now()
}

func (t *tracker) become(s connect.State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mu.state = s
}

// stop is the end, unless that was a failure, which stays to be seen.
func (t *tracker) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mu.state != connect.Failed {
		t.mu.state = connect.Stopped
	}
}

// status is the snapshot that Status returns.
func (t *tracker) status(connection *trouble) connect.Status {
	connErrAt, connErr := connection.history()
	away := connection.last() != nil
	t.mu.Lock()
	defer t.mu.Unlock()
	st := connect.Status{State: t.mu.state, Records: t.mu.records, Bytes: t.mu.bytes, BadRecords: t.mu.bad}
	if away && (st.State == connect.Running || st.State == connect.Starting) {
		st.State = connect.Retrying
	}
	err, at := t.mu.err, t.mu.errAt
	if err == nil || connErr != nil && connErrAt.After(at) {
		err, at = connErr, connErrAt
	}
	if err != nil {
		st.LastError, st.LastErrAt = err.Error(), at
	}
	for _, p := range slices.Sorted(maps.Keys(t.mu.partitions)) {
		part := t.mu.partitions[p]
		st.Partitions = append(st.Partitions, connect.PartitionStatus{
			Partition: p, Offset: part.next, High: part.high, LastEvent: part.lastEvent})
	}
	return st
}
