package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/vec"
)

// unmatched emits what rule a.track says of a's rows, whose columns begin at column at of the output.
func (j *Join) unmatched(s *Step, a, b *side, at int, out Emit) {
	if a.track == ignoreMatches {
		return
	}
	if !a.word {
		a.match = sized(a.match, a.groups.Len())
		for g := range a.match {
			a.match[g] = b.countAfter(a.groups.Hash(g), a.groups.Key(g)) > 0
		}
	}
	for i := range a.d.N {
		matched := !a.null[i]
		if matched && a.word {
			matched = a.m[i] > 0
		} else if matched {
			matched = a.match[a.group[i]]
		}
		if matched == (a.track == keepMatched) {
			j.emitRow(a, at, a.d.Weight(i), func(cols []*vec.Vec) {
				for c, v := range a.d.Cols {
					cols[c].AppendFrom(v, i)
				}
			}, out)
		}
	}
	if a.word {
		j.flippedRows(a, at, out)
	} else {
		j.flippedKeys(s, a, b, at, out)
	}
}

// flippedRows emits the stored rows whose own number of matches moves to or from 0.
func (j *Join) flippedRows(a *side, at int, out Emit) {
	for k, ref := range a.dm.refs {
		was := a.rows.Extra(ref)
		j.flip(a, ref, was > 0, was+a.dm.sums[k] > 0, at, out)
	}
}

// flippedKeys emits the stored rows of the keys whose number of matches moves to or from 0.
func (j *Join) flippedKeys(s *Step, a, b *side, at int, out Emit) {
	a.flips = a.flips[:0]
	for g := range b.groups.Len() {
		h, key := b.groups.Hash(g), b.groups.Key(g)
		was := b.countBefore(h, key)
		if (was > 0) == (was+b.sum[g] > 0) {
			continue
		}
		if a.own != nil {
			a.flips = append(a.flips, int32(g))
			continue
		}
		for ref := a.rows.First(h, key); ref != state.None; ref = a.rows.Next(ref) {
			j.flip(a, ref, was > 0, !(was > 0), at, out)
		}
	}
	if len(a.flips) > 0 {
		j.flippedOwn(s, a, b, at, out)
	}
}

// flippedOwn emits the rows of a's relation for the keys in a.flips.
func (j *Join) flippedOwn(s *Step, a, b *side, at int, out Emit) {
	rows, of := a.own.find(s, a.flips)
	for k := range rows.N {
		g := int(of[k])
		w := rows.Weight(k)
		if was := b.countBefore(b.groups.Hash(g), b.groups.Key(g)) > 0; was == (a.track == keepMatched) {
			w = -w
		}
		j.emitRow(a, at, w, func(cols []*vec.Vec) {
			for c, v := range rows.Cols {
				cols[c].AppendFrom(v, k)
			}
		}, out)
	}
}

func (j *Join) flip(a *side, ref state.Ref, was, is bool, at int, out Emit) {
	if was == is {
		return
	}
	w := a.rows.Weight(ref)
	if is != (a.track == keepMatched) {
		w = -w
	}
	j.emitRow(a, at, w, func(cols []*vec.Vec) { a.rows.Decode(ref, a.all, cols) }, out)
}

// emitRow outputs a row of one side, with nulls for the other one.
func (j *Join) emitRow(a *side, at int, w int64, fill func(cols []*vec.Vec), out Emit) {
	o := j.out
	if w != 1 {
		o.SetWeights()
	}
	fill(o.Cols[at : at+len(a.types)])
	for c, v := range o.Cols {
		if c < at || c >= at+len(a.types) {
			v.AppendNull()
		}
	}
	o.N++
	if o.W != nil {
		o.W = append(o.W, w)
	}
	if o.N >= pairRows {
		out(o)
		o.Reset()
	}
}
