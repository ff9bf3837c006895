package engine

import (
	"maps"
	"math"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// stream is the run-time state of a stream: its watermark, used by who has the turn, and how far back its
// rows are kept, which the publish lock guards.
type stream struct {
	id catalog.ID
	// maxTime is the greatest event time seen in each partition (0 for rows that came by INSERT or COPY).
	maxTime map[int32]int64
	// forgotten: rows of epochs up to this one are past retention.
	forgotten uint64
	rows      int64 // ever added, for millrace.relations
}

const noWatermark = math.MinInt64

// watermark is the least over partitions of (greatest event time - delay).
func (s *stream) watermark(w *catalog.Watermark) int64 {
	if w == nil || len(s.maxTime) == 0 {
		return noWatermark
	}
	low := int64(math.MaxInt64)
	for _, t := range s.maxTime {
		low = min(low, t)
	}
	return subDelay(low, w.Delay)
}

func subDelay(t, delay int64) int64 {
	if t < math.MinInt64+delay {
		return math.MinInt64
	}
	return t - delay
}

// settle decides for each row of b, in row order, whether it is late: its time lies before the watermark that the rows in
// front of it have made. It advances the watermark, and returns the late rows' numbers. A null time is never late. This
// is a pure function of the row order, so that replay decides the same.
func (s *stream) settle(w *catalog.Watermark, b *vec.Batch, runs []connect.Run) (late []int) {
	if w == nil || b.N == 0 {
		return nil
	}
	if runs == nil {
		runs = []connect.Run{{Partition: 0, Rows: b.N}}
	}
	col := b.Cols[w.Col]
	row := 0
	for _, run := range runs {
		// Another partition's times do not move while this run lasts.
		others := int64(math.MaxInt64)
		for p, t := range s.maxTime {
			if p != run.Partition {
				others = min(others, t)
			}
		}
		top, seen := s.maxTime[run.Partition]
		for end := row + run.Rows; row < end; row++ {
			if col.IsNull(row) {
				continue
			}
			t := col.I64[row]
			if seen && t < subDelay(min(top, others), w.Delay) {
				late = append(late, row)
			}
			if !seen || t > top {
				top, seen = t, true
			}
		}
		if seen {
			if s.maxTime == nil {
				s.maxTime = map[int32]int64{}
			}
			s.maxTime[run.Partition] = top
		}
	}
	return late
}

// withLate returns b with the hidden column "late" behind its columns; it shares b's columns.
func withLate(b *vec.Batch, late []int) *vec.Batch {
	flags := vec.New(types.T(types.Bool), b.N)
	flags.Resize(b.N)
	for _, r := range late {
		flags.I64[r] = 1
	}
	return &vec.Batch{Cols: append(b.Cols[:len(b.Cols):len(b.Cols)], flags), W: b.W, N: b.N}
}

// undo returns what puts s back to the present state.
func (s *stream) undo() func() {
	times := maps.Clone(s.maxTime)
	return func() { s.maxTime = times }
}
