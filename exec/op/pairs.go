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
