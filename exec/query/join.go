package query

import (
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/vec"
)

// join holds one side, by key, and streams the other past it; without keys it is a nested loop over the side held. It
// is op.Join for a single step, in the order that a query can choose because it pulls.
//
// The right side is held, so that rows come in the order of the left one. Only if the left side of an inner join ends
// within its first rows while the right one does not, the left is held. A side is not read if the other is empty and
// the result with it.
type join struct {
	r        *runner
	n        *physical.Join
	residual *expr.Program
	begun    bool
	swapped  bool // the left side is held
	split    int  // columns of the left side
	held     heldSide
	mem      share
	probe    probeSide
	out      *vec.Batch
	pairs    struct{ probe, held []int32 } // rows side by side; held -1: none
	rest     int                           // FULL: the held row from which on those without a match are still to be shown
}

// joinRows is how many pairs are made at a time, and up to how many rows a side counts as small.
const joinRows = 1024

func (r *runner) join(n *physical.Join) (Rows, error) {
	j := &join{r: r, n: n, mem: share{m: r.mem}}
	if n.Residual != nil {
		var err error
		if j.residual, err = expr.Compile(n.Residual); err != nil {
			return nil, err
		}
	}
	j.split = len(n.Left.Fields())
	j.out = vec.NewBatch(append(fieldTypes(n.Left), fieldTypes(n.Right)...), 0)
	return j, nil
}

func (j *join) Next() (*vec.Batch, error) {
	if !j.begun {
		j.begun = true
		if err := j.begin(); err != nil {
			return nil, err
		}
	}
	for {
		if err := j.r.live(); err != nil {
			return nil, err
		}
		if j.probe.cur == nil {
			ok, err := j.probe.next()
			if err != nil {
				return nil, err
			}
			if !ok {
				return j.unmatchedHeld(), nil
			}
		}
		b, err := j.step()
		if err != nil || b != nil && b.N > 0 {
			return b, err
		}
	}
}

// begin chooses the side to hold and reads it.
func (j *join) begin() error {
	left, err := j.r.build(j.n.Left)
	if err != nil {
		return err
	}
	j.probe.in = left
	leftEnds, err := j.probe.readAhead()
	if err != nil {
		return err
	}
	if leftEnds && len(j.probe.ahead) == 0 && j.n.Kind != physical.Full {
		return nil // there is nothing to join with
	}
	right, err := j.r.build(j.n.Right)
	if err != nil {
		return err
	}
	if !leftEnds || j.n.Kind != physical.Inner {
		return j.hold(right, nil)
	}
	small := j.probe
	j.probe = probeSide{in: right}
	rightEnds, err := j.probe.readAhead()
	if err != nil {
		return err
	}
	if rightEnds {
		first := j.probe.ahead
		j.probe = small
		return j.hold(&batches{}, first)
	}
	j.swapped = true
	return j.hold(small.in, small.ahead)
}

// hold reads a side to its end, after the rows read ahead of it, and gets the other one ready to be probed with.
func (j *join) hold(in Rows, ahead []*vec.Batch) error {
	n, keys, other, otherKeys := j.n.Right, j.n.RKeys, j.n.Left, j.n.LKeys
	if j.swapped {
		n, keys, other, otherKeys = other, otherKeys, n, keys
	}
	j.probe.init(fieldTypes(other), otherKeys)
	h := &j.held
	h.init(fieldTypes(n), keys, j.n.NullSafe)
	add := func(b *vec.Batch) error {
		h.add(b)
		return j.mem.hold(h.rows, h.size())
	}
	for _, b := range ahead {
		if err := add(b); err != nil {
			in.Close()
			return err
		}
	}
	if err := j.r.drain(in, add); err != nil {
		return err
	}
	if j.n.Kind == physical.Full {
		h.hit = make([]bool, h.rows.N)
	}
	if h.rows.N == 0 && (j.n.Kind == physical.Inner || j.n.Kind == physical.Semi) {
		j.probe.close()
	}
	return nil
}

// onlyLeft reports that output rows are rows of the left side.
func (j *join) onlyLeft() bool { return j.n.Kind == physical.Semi || j.n.Kind == physical.Anti }

// outer reports that rows of the left side without a match are output.
func (j *join) outer() bool { return j.n.Kind == physical.Left || j.n.Kind == physical.Full }

// step goes on with the batch being probed.
func (j *join) step() (*vec.Batch, error) {
	p := &j.probe
	switch {
	case j.onlyLeft() && j.residual == nil:
		return j.byKey(), nil
	case p.row < p.cur.N:
		j.fill()
		return j.flush()
	}
	return j.leftRows(), nil
}

// byKey is the rows of a semi or anti join that the key alone decides.
func (j *join) byKey() *vec.Batch {
	p := &j.probe
	p.sel = p.sel[:0]
	for i := range p.cur.N {
		if (j.held.first(p, i) >= 0) == (j.n.Kind == physical.Semi) {
			p.sel = append(p.sel, int32(i))
		}
	}
	b := p.cur
	p.cur = nil
	if len(p.sel) == b.N {
		return b
	}
	return b.Select(p.sel)
}

// fill lists the next pairs of rows with equal keys; where the key alone decides, also rows that have none.
func (j *join) fill() {
	p := &j.probe
	alone := j.outer() && j.residual == nil
	j.pairs.probe, j.pairs.held = j.pairs.probe[:0], j.pairs.held[:0]
	for p.row < p.cur.N && len(j.pairs.probe) < joinRows {
		if p.at == newRow {
			p.at = j.held.first(p, p.row)
		}
		if p.at < 0 && !alone || j.onlyLeft() && p.matched[p.row] {
			p.row, p.at = p.row+1, newRow
			continue
		}
		j.pairs.probe, j.pairs.held = append(j.pairs.probe, int32(p.row)), append(j.pairs.held, p.at)
		if p.at >= 0 {
			p.at = j.held.after(p.at)
		}
		if p.at < 0 {
			p.row, p.at = p.row+1, newRow
		}
	}
}

// flush makes rows of the pairs listed and returns those for which the condition holds.
func (j *join) flush() (*vec.Batch, error) {
	j.out.Reset()
	mine, theirs := j.out.Cols[:j.split], j.out.Cols[j.split:]
	if j.swapped {
		mine, theirs = theirs, mine
	}
	for c, v := range mine {
		v.AppendSel(j.probe.cur.Cols[c], j.pairs.probe)
	}
	j.held.appendTo(theirs, j.pairs.held)
	j.out.N = len(j.pairs.probe)
	if j.residual == nil {
		j.mark(nil)
		return j.out, nil
	}
	sel := j.residual.EvalFilter(j.r.fc, j.out, nil)
	if err := j.r.raise(); err != nil {
		return nil, err
	}
	j.mark(sel)
	switch {
	case j.onlyLeft() || len(sel) == 0:
		return nil, nil
	case len(sel) == j.out.N:
		return j.out, nil
	}
	return j.out.Select(sel), nil
}

// mark notes the rows of pairs sel (nil: all) as matched.
func (j *join) mark(sel []int32) {
	p, hit := &j.probe, j.held.hit
	if hit == nil && j.residual == nil {
		return
	}
	one := func(i int32) {
		p.matched[j.pairs.probe[i]] = true
		if h := j.pairs.held[i]; hit != nil && h >= 0 {
			hit[h] = true
		}
	}
	if j.residual == nil {
		for i := range j.pairs.probe {
			one(int32(i))
		}
	}
	for _, i := range sel {
		one(i)
	}
}

// leftRows ends the batch being probed: the left rows that are output by whether they matched.
func (j *join) leftRows() *vec.Batch {
	p := &j.probe
	b := p.cur
	p.cur = nil
	if j.residual == nil || !j.onlyLeft() && !j.outer() {
		return nil
	}
	p.sel = p.sel[:0]
	for i, m := range p.matched {
		if m == (j.n.Kind == physical.Semi) {
			p.sel = append(p.sel, int32(i))
		}
	}
	if j.onlyLeft() {
		return b.Select(p.sel)
	}
	return j.padded(b, p.sel, 0)
}

// unmatchedHeld is the next of the held rows that nothing matched, of a FULL join.
func (j *join) unmatchedHeld() *vec.Batch {
	var sel []int32
	for ; j.rest < len(j.held.hit) && len(sel) < joinRows; j.rest++ {
		if !j.held.hit[j.rest] {
			sel = append(sel, int32(j.rest))
		}
	}
	if len(sel) == 0 {
		return nil
	}
	return j.padded(j.held.rows, sel, j.split)
}

// padded is rows sel of b, whose columns begin at column at of the output, with nulls for the others.
func (j *join) padded(b *vec.Batch, sel []int32, at int) *vec.Batch {
	j.out.Reset()
	for c, v := range j.out.Cols {
		if c >= at && c < at+len(b.Cols) {
			v.AppendSel(b.Cols[c-at], sel)
			continue
		}
		for range sel {
			v.AppendNull()
		}
	}
	j.out.N = len(sel)
	return j.out
}

func (j *join) Close() {
	j.begun = true
	j.probe.close()
	j.held = heldSide{}
	j.mem.free()
}
