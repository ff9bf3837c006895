package kafka

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
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
		rated      time.Time // when the rates were computed
	}
}

// partition is the progress in one partition.
type partition struct {
	next      int64
	epoch     int32 // leader epoch of the record before next; -1: not known
	high      int64 // -1: not heard yet
	lastEvent time.Time
	held      error  // why nothing more is read from it
	records   uint64 // delivered
	counted   uint64 // of them when the rate was computed
	rate      float64
}

// add starts tracking the partitions that are not tracked yet and returns them.
func (t *tracker) add(starts connect.Offsets) connect.Offsets {
	t.mu.Lock()
	defer t.mu.Unlock()
	added := connect.Offsets{}
	for p, next := range starts {
		if p < 0 || t.mu.partitions[p] != nil {
			continue
		}
		part := &partition{next: next, epoch: -1, high: -1}
		if epoch, ok := starts[epochOf(p)]; ok {
			part.epoch = int32(epoch)
		}
		t.mu.partitions[p] = part
		added[p] = next
	}
	return added
}

// next returns where a partition continues.
func (t *tracker) partitions() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.mu.partitions)
}

func (t *tracker) next(p int32) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if part := t.mu.partitions[p]; part != nil {
		return part.next
	}
	return 0
}

// epoch returns the leader epoch of the record before which a partition continues.
func (t *tracker) epoch(p int32) int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if part := t.mu.partitions[p]; part != nil {
		return part.epoch
	}
	return -1
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
	t.mu.partitions[p].next, t.mu.partitions[p].epoch = next, -1
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
			if epoch, ok := done.next[epochOf(p)]; ok {
				part.epoch = int32(epoch)
			}
			part.high = max(part.high, next)
			part.records += done.counts[p]
			if at := done.newest[p]; at.After(part.lastEvent) {
				part.lastEvent = at
			}
		}
	}
}

// hold notes that nothing more is read from a partition, and reports whether that is news.
func (t *tracker) hold(p int32, err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	part := t.mu.partitions[p]
	if part == nil || part.held != nil {
		return false
	}
	part.held = err
	t.mu.err, t.mu.errAt = err, time.Now()
	return true
}

// rates computes how many records a second each partition brought since it was last called.
func (t *tracker) rates() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	took := now.Sub(t.mu.rated).Seconds()
	for _, part := range t.mu.partitions {
		if !t.mu.rated.IsZero() && took > 0 {
			part.rate = float64(part.records-part.counted) / took
		}
		part.counted = part.records
	}
	t.mu.rated = now
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
		st.LastError, st.LastErrAt = reason(err), at
	}
	for _, p := range slices.Sorted(maps.Keys(t.mu.partitions)) {
		part := t.mu.partitions[p]
		ps := connect.PartitionStatus{Partition: p, Offset: part.next, High: part.high, LastEvent: part.lastEvent, Rate: part.rate}
		if part.held != nil {
			ps.Held = reason(part.held)
		}
		st.Partitions = append(st.Partitions, ps)
	}
	return st
}

// reason is an error with where it happened.
func reason(err error) string {
	var e *pgerr.Error
	if errors.As(err, &e) && e.Detail != "" {
		return e.Message + " (" + e.Detail + ")"
	}
	return err.Error()
}
