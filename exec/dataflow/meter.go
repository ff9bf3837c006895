package dataflow

import "time"

// meter measures what a view's operators take. Reading the clock around every batch would cost a one-row INSERT more than
// most operators do; so it is read in steps of many rows, and in one of sampleEvery others, which then stands for all of
// them.
type meter struct {
	on     bool
	weight int64 // of the running step
	steps  int   // small steps since the last sample
	last   time.Time
	now    *spent // who is charged for the time that passes
}

// spent is the time that an operator took, in nanoseconds: what readers see, which changes in Commit only, and what was
// measured since.
type spent struct{ total, step int64 }

// time is the time told to others, negative if there is none yet.
func (s *spent) time() time.Duration {
	if s.total == 0 {
		return -1
	}
	return time.Duration(s.total)
}

func (s *spent) fold() { s.total, s.step = s.total+s.step, 0 }

const (
	timedRows   = 1024
	sampleEvery = 64
)

// begin decides whether a step of so many rows is measured.
func (m *meter) begin(rows int) {
	m.on, m.weight, m.now = rows >= timedRows, 1, nil
	if !m.on {
		if m.steps++; m.steps < sampleEvery {
			return
		}
		m.on, m.weight, m.steps = true, sampleEvery, 0
	}
	m.last = time.Now()
}

// charge ends the charging of one operator and begins that of s; it returns who was charged before.
func (m *meter) charge(s *spent) (before *spent) {
	now := time.Now()
	if m.now != nil {
		m.now.step += int64(now.Sub(m.last)) * m.weight
	}
	before, m.now, m.last = m.now, s, now
	return before
}

// enter is charge in steps that may not be measured.
func (m *meter) enter(s *spent) {
	if m.on {
		m.charge(s)
	}
}

// leave stops charging, between the computation of a step and its commit and at its end.
func (m *meter) leave() { m.enter(nil) }
