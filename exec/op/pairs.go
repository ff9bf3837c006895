package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// pairRows is how many joined rows are made at a time.
const pairRows = 2048

// pairBuffer collects pairs of rows that have the same key, to be put side by side column by column.
type pairBuffer struct {
	row    []int32     // row of the step
	ref    []state.Ref // row of the state, or of the step on the other side
	wa, wb []int64     // their weights
	other  []int32
	sel    []int32
	w      []int64
	split  int // columns of the left side
	joined *vec.Batch
}

func (p *pairBuffer) init(ts []types.Type, left int) {
	p.split, p.joined = left, vec.NewBatch(ts, 0)
}

func (p *pairBuffer) add(row int32, ref state.Ref, wa, wb int64) {
	p.row, p.ref = append(p.row, row), append(p.ref, ref)
	p.wa, p.wb = append(p.wa, wa), append(p.wb, wb)
}

func (p *pairBuffer) full() bool { return len(p.row) >= pairRows }

// sides returns the columns of the side that the step's rows are on, and of the other one.
func (p *pairBuffer) sides(left bool) (mine, theirs []*vec.Vec) {
	l, r := p.joined.Cols[:p.split], p.joined.Cols[p.split:]
	if left {
		return l, r
	}
	return r, l
}

// weights returns the pairs' weights, nil if all are 1.
func (p *pairBuffer) weights() []int64 {
	p.w = p.w[:0]
	plain := true
	for i, a := range p.wa {
		w := a * p.wb[i]
		plain = plain && w == 1
		p.w = append(p.w, w)
	}
	if plain {
		return nil
	}
	return p.w
}

func (p *pairBuffer) reset() {
	p.row, p.ref, p.wa, p.wb, p.sel = p.row[:0], p.ref[:0], p.wa[:0], p.wb[:0], nil
	p.joined.Reset()
}

// deltaWithState joins the step's rows of a with the state of b.
func (j *Join) deltaWithState(s *Step, out Emit, a, b *side, left bool) {
	if b.own != nil {
		j.deltaWithOwn(s, out, a, b, left)
		return
	}
	if b.rows == nil || b.rows.Len() == 0 {
		return
	}
	a.probe(s, b)
	shards := s.shards(a.d.N)
	for len(j.makers) < shards {
		m := &pairMaker{}
		m.init(j.buf.joined.Types(), j.buf.split)
		j.makers = append(j.makers, m)
	}
	makers := j.makers[:shards]
	for k, m := range makers {
		m.row, m.end, m.started = k*a.d.N/shards, (k+1)*a.d.N/shards, false
	}
	for more := true; more; {
		if shards == 1 {
			makers[0].make(a, b, left)
		} else {
			Parallel(shards, shards, func(k int) { makers[k].make(a, b, left) })
		}
		more = false
		for _, m := range makers {
			j.stateMatches(s, &m.pairBuffer, a, b)
			j.emitPairs(&m.pairBuffer, out)
			more = more || m.row < m.end
		}
	}
}

// pairMaker pairs some rows of a step with the state of the other side, as many at a time as its buffer holds.
type pairMaker struct {
	pairBuffer
	row, end int
	started  bool
	ref      state.Ref // next row of the state for row, if it was started
}

func (m *pairMaker) make(a, b *side, left bool) {
	for ; m.row < m.end; m.row, m.started = m.row+1, false {
		if a.null[m.row] {
			continue
		}
		if !m.started {
			m.started, m.ref = true, a.first[m.row]
		}
		for ; m.ref != state.None; m.ref = b.rows.Next(m.ref) {
			if m.full() {
				m.decode(a, b, left)
				return
			}
			m.add(int32(m.row), m.ref, a.d.Weight(m.row), b.rows.Weight(m.ref))
		}
	}
	m.decode(a, b, left)
}

// decode puts the columns of the pairs side by side.
func (m *pairMaker) decode(a, b *side, left bool) {
	mine, theirs := m.sides(left)
	for c, v := range a.d.Cols {
		mine[c].AppendSel(v, m.pairBuffer.row)
	}
	for _, ref := range m.pairBuffer.ref {
		b.rows.Decode(ref, b.all, theirs)
	}
}

// stateMatches counts the matches of the pairs for which the condition holds.
func (j *Join) stateMatches(s *Step, p *pairBuffer, a, b *side) {
	for _, i := range j.matches(s, p) {
		if a.word {
			a.m[p.row[i]] += p.wb[i]
		}
		if b.word {
			b.dm.add(p.ref[i], p.wa[i])
		}
	}
}

// deltaWithDelta joins the step's rows of both sides.
func (j *Join) deltaWithDelta(s *Step, out Emit) {
	if len(j.l.head) == 0 || len(j.r.head) == 0 {
		return
	}
	for i := range j.l.d.N {
		if j.l.null[i] {
			continue
		}
		g := j.r.groups.Find(j.l.keys.Hash[i], j.l.keys.At(i))
		if g < 0 {
			continue
		}
		for k := j.r.head[g]; k >= 0; k = j.r.next[k] {
			j.buf.add(int32(i), state.Ref(k), j.l.d.Weight(i), j.r.d.Weight(int(k)))
			if j.buf.full() {
				j.flushRows(s, out, &j.l, &j.r, j.r.d, true)
				if s.Stopped != nil && s.Stopped() {
					return
				}
			}
		}
	}
	j.flushRows(s, out, &j.l, &j.r, j.r.d, true)
}

// deltaWithOwn joins the step's rows of a with the rows that b's relation has for their keys.
func (j *Join) deltaWithOwn(s *Step, out Emit, a, b *side, left bool) {
	if len(a.head) == 0 {
		return
	}
	rows, of := b.own.find(s, nil)
	for k := range rows.N {
		for i := a.head[of[k]]; i >= 0; i = a.next[i] {
			j.buf.add(i, state.Ref(k), a.d.Weight(int(i)), rows.Weight(k))
			if j.buf.full() {
				j.flushRows(s, out, a, b, rows, left)
			}
		}
	}
	j.flushRows(s, out, a, b, rows, left)
}

// flushRows emits pairs of rows of a's step and rows of b in a batch.
func (j *Join) flushRows(s *Step, out Emit, a, b *side, rows *vec.Batch, left bool) {
	p := &j.buf
	if len(p.row) == 0 {
		return
	}
	mine, theirs := p.sides(left)
	for c, v := range a.d.Cols {
		mine[c].AppendSel(v, p.row)
	}
	p.other = p.other[:0]
	for _, ref := range p.ref {
		p.other = append(p.other, int32(ref))
	}
	for c, v := range rows.Cols {
		theirs[c].AppendSel(v, p.other)
	}
	for _, i := range j.matches(s, p) {
		if a.word {
			a.m[p.row[i]] += p.wb[i]
		}
		if b.word {
			b.m[p.other[i]] += p.wa[i]
		}
	}
	j.emitPairs(p, out)
}

// matches evaluates the residual over the buffered pairs and returns those for which it holds. Nobody asks for them if
// there is no residual.
func (j *Join) matches(s *Step, p *pairBuffer) []int32 {
	b := p.joined
	b.N = len(p.row)
	if j.residual == nil || b.N == 0 {
		return nil
	}
	p.sel = j.residual.EvalFilter(s.Ctx, b, nil)
	if len(s.Ctx.Errors) > 0 {
		for _, e := range s.Ctx.Errors {
			i := int(e.Row)
			s.RowError(e.Err, RowText(b, i), p.wa[i]*p.wb[i])
		}
		s.Ctx.Clear()
	}
	return p.sel
}

// emitPairs empties the buffer.
func (j *Join) emitPairs(p *pairBuffer, out Emit) {
	b := p.joined
	if j.pairs && b.N > 0 {
		b.W = p.weights()
		switch {
		case j.residual == nil || len(p.sel) == b.N:
			out(b)
		case len(p.sel) > 0:
			out(b.Select(p.sel))
		}
	}
	p.reset()
}
