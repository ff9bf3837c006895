package op

import (
	"slices"

	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// ownRows finds the rows of a join's side in the relation that the side scans, by the relation's own key; filters and
// projections on the way are computed for the rows found. The relation's rows are as they were before the step until
// Commit, like an operator's own state.
type ownRows struct {
	reader state.Reader
	cols   []int
	order  []int // by key column of the relation: the position in the join's keys
	maps   []*Map
	mine   *side // the side whose rows these are
	other  *side

	key   *vec.Batch // keys to look up
	match []int32
	found *vec.Batch // rows of the scan
	rows  *vec.Batch // after the maps
	of    []int32    // by row: group of the other side
	keys  state.Keys
	vecs  []*vec.Vec
	quiet Step
	emit  Emit
}

// Scanned returns the scan whose rows the input consists of, if there is nothing but filters and projections between, and
// the column of the relation that each key column is. ok is false if the input is more than that.
func (k *Kept) Scanned() (scan *physical.Scan, cols []int, ok bool) {
	cols = slices.Clone(k.Key)
	for n := k.Input; ; {
		switch x := n.(type) {
		case *physical.Scan:
			for i, c := range cols {
				cols[i] = x.Cols[c]
			}
			return x, cols, true
		case *physical.Map:
			for i, c := range cols {
				p, plain := x.Project[c].(*expr.Col)
				if !plain {
					return nil, nil, false
				}
				cols[i] = p.Index
			}
			n = x.Input
		default:
			return nil, nil, false
		}
	}
}

// Own makes the operator look rows up in r, the rows of the relation that the input scans, whose key is key, instead of
// keeping them. It reports whether it does: the join's key must be the relation's.
func (k *Kept) Own(r state.Reader, key []int) bool {
	if !k.point || len(key) == 0 || len(key) != len(k.Key) {
		return false
	}
	scan, cols, ok := k.Scanned()
	if !ok {
		return false
	}
	o := &ownRows{reader: r, cols: scan.Cols, mine: k.other.other, other: k.other}
	for _, c := range key {
		i := slices.Index(cols, c)
		if i < 0 {
			return false
		}
		o.order = append(o.order, i)
	}
	for n := k.Input; n != physical.Node(scan); n = n.Inputs()[0] {
		m, err := NewMap(n.(*physical.Map))
		if err != nil {
			return false // the operator that feeds this input would not have been built either
		}
		o.maps = append(o.maps, m)
	}
	slices.Reverse(o.maps)
	o.init(k, scan)
	k.own, k.rows = o, nil
	return true
}

func (o *ownRows) init(k *Kept, scan *physical.Scan) {
	kt := make([]types.Type, len(o.order))
	for i, at := range o.order {
		kt[i] = o.other.types[o.other.Key[at]]
	}
	o.key = vec.NewBatch(kt, 0)
	o.found = vec.NewBatch(fieldTypes(scan), 0)
	o.rows = o.found
	if len(o.maps) > 0 {
		o.rows = vec.NewBatch(fieldTypes(k.Input), 0)
	}
	o.emit = func(b *vec.Batch) { o.rows.Append(b) }
	for _, m := range slices.Backward(o.maps[min(1, len(o.maps)):]) {
		next := o.emit
		o.emit = func(b *vec.Batch) { m.Push(&o.quiet, 0, b, next) }
	}
}

// find returns the rows whose keys are those of groups want (nil: all) of the other side's step, and each row's group. They
// are valid until the next call.
func (o *ownRows) find(s *Step, want []int32) (rows *vec.Batch, of []int32) {
	o.key.Reset()
	heads := o.other.head
	if want != nil {
		o.of = o.of[:0]
		for _, g := range want {
			o.of = append(o.of, heads[g])
		}
		heads = o.of
	}
	for c, at := range o.order {
		o.key.Cols[c].AppendSel(o.other.vecs[at], heads)
	}
	o.key.N = len(heads)
	o.found.Reset()
	o.match = o.match[:0]
	o.reader.Lookup(o.key, o.cols, o.found, &o.match)
	if len(o.maps) == 0 {
		if want != nil {
			for i, m := range o.match {
				o.match[i] = want[m]
			}
		}
		return o.found, o.match
	}
	return o.mapped(s)
}

// mapped runs the rows found through the maps. What cannot be computed is left out in silence: it was reported when the
// row came in.
func (o *ownRows) mapped(s *Step) (rows *vec.Batch, of []int32) {
	o.rows.Reset()
	o.quiet = *s
	o.quiet.RowError = func(*pgerr.Error, string, int64) {}
	if o.found.N > 0 {
		o.maps[0].Push(&o.quiet, 0, o.found, o.emit)
	}
	o.mine.codec.Encode(&o.keys, pick(&o.vecs, o.rows.Cols, o.mine.Key), o.rows.N)
	o.of = o.of[:0]
	for i := range o.rows.N {
		o.of = append(o.of, o.other.groups.Find(o.keys.Hash[i], o.keys.At(i)))
	}
	return o.rows, o.of
}
