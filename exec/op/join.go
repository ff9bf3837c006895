package op

import (
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Join joins on equal keys and a residual condition. It is bilinear:
//
//	d(L join R) = dL join R + L join dR + dL join dR
//
// all against the state before the step. Each side is kept by join key (Kept). The rows of a side that have no
// match (for outer joins and anti joins; or those that have one, for semi joins) follow from the number of matches before and
// after the step:
//
//	a row of the step counts if it has no match after it
//	a row of the state comes or goes if its number of matches moves to or from 0
//
// Without a residual the number of matches is one a key, kept in a table of counts; a semi or anti join then needs no rows of
// its right side. With a residual it is one a row, in the Extra word of the row's arrangement.
//
// A null key matches nothing (unless NullSafe): such rows are passed on at once where unmatched rows count, and never kept.
type Join struct {
	kind     physical.JoinKind
	nullSafe bool
	residual *expr.Program
	pairs    bool // joined rows are output
	l, r     side
	buf      pairBuffer
	out      *vec.Batch // unmatched and semi-joined rows
	once     bool
}

// side is one input of a join.
type side struct {
	Kept               // its rows, if they are needed
	types []types.Type // its columns
	codec *state.Codec // of keys
	count *state.Table // key -> number of rows, if the other side's rows are matched by key alone
	track matchRule    // what of this side's rows is output beside the pairs
	all   *state.Projection
	word  bool // rows carry their number of matches

	// The step: its rows, their keys, chains of rows by key.
	d      *vec.Batch
	keys   state.Keys
	vecs   []*vec.Vec
	null   []bool // by row: the key is null
	group  []int32
	groups state.Groups
	sum    []int64     // by group: weight
	head   []int32     // by group: first row
	next   []int32     // by row
	first  []state.Ref // by row: the first row of the other side's state with its key
	flips  []int32     // groups of the other side whose matches move to or from 0
	m      []int64     // by row: matches after the step
	dm     map[state.Ref]int64
}

// matchRule says which rows of a side are output by their number of matches.
type matchRule int8

const (
	ignoreMatches matchRule = iota
	keepUnmatched
	keepMatched
)

// NewJoin makes the operator.
func NewJoin(n *physical.Join, tables *TableAlloc) (*Join, error) {
	return newJoin(n, tables, !n.Left.AppendOnly(), !n.Right.AppendOnly())
}

func newJoin(n *physical.Join, tables *TableAlloc, lRetract, rRetract bool) (*Join, error) {
	j := &Join{kind: n.Kind, nullSafe: n.NullSafe}
	if n.Residual != nil {
		var err error
		if j.residual, err = expr.Compile(n.Residual); err != nil {
			return nil, err
		}
	}
	j.pairs = n.Kind != physical.Semi && n.Kind != physical.Anti
	switch n.Kind {
	case physical.Left, physical.Anti:
		j.l.track = keepUnmatched
	case physical.Semi:
		j.l.track = keepMatched
	case physical.Full:
		j.l.track, j.r.track = keepUnmatched, keepUnmatched
	}
	j.l.init(n.Left, n.LKeys, n.NullSafe, &j.r, "Left")
	j.r.init(n.Right, n.RKeys, n.NullSafe, &j.l, "Right")
	j.l.keep(tables, lRetract, true, j.l.track != ignoreMatches && j.residual != nil)
	j.r.keep(tables, rRetract, j.pairs || j.residual != nil, j.r.track != ignoreMatches && j.residual != nil)
	if j.residual == nil {
		j.l.counts(tables, j.r.track)
		j.r.counts(tables, j.l.track)
	}
	ts := append(append([]types.Type{}, j.l.types...), j.r.types...)
	j.buf.init(ts, len(j.l.types))
	if j.pairs {
		j.out = vec.NewBatch(ts, 0)
	} else {
		j.out = vec.NewBatch(j.l.types, 0)
	}
	return j, nil
}

func (s *side) init(n physical.Node, keys []int, nulls bool, other *side, name string) {
	s.types = fieldTypes(n)
	s.Kept = Kept{Input: n, Key: keys, Nulls: nulls, other: other, name: name}
	kt := make([]types.Type, len(keys))
	for i, c := range keys {
		kt[i] = s.types[c]
	}
	s.codec = state.NewKeyCodec(kt)
	s.d = vec.NewBatch(s.types, 0)
	s.groups.Reset()
}

// keep makes the table of the side's rows, if they are needed; word: each counts its matches.
func (s *side) keep(tables *TableAlloc, retract, rows, word bool) {
	s.word, s.point = word, !word
	id := tables.Next()
	if rows {
		s.arrange(id, s.types, retract, word)
		every := make([]int, len(s.types))
		for i := range every {
			every[i] = i
		}
		s.all = s.rows.Codec().Project(every)
	}
}

// counts makes the table of counts that the other side, which follows rule, needs of this one.
func (s *side) counts(tables *TableAlloc, rule matchRule) {
	if rule == ignoreMatches {
		return
	}
	s.count = state.NewTable(tables.Next(), "matches "+s.codec.Shape(), s.codec.Width(), 8)
}

// Keeps are the sides whose rows may be kept together with those of other operators.
func (j *Join) Keeps() []*Kept {
	var ks []*Kept
	for _, s := range []*side{&j.l, &j.r} {
		if (s.rows != nil || s.own != nil) && !s.word {
			ks = append(ks, &s.Kept)
		}
	}
	return ks
}

// Push keeps the rows of the step.
func (j *Join) Push(_ *Step, port int, b *vec.Batch, _ Emit) {
	if port == 0 {
		j.l.d.Append(b)
	} else {
		j.r.d.Append(b)
	}
}

// End emits the change.
func (j *Join) End(s *Step, out Emit) {
	if j.l.d.N == 0 && j.r.d.N == 0 {
		return
	}
	j.l.index(j.nullSafe)
	j.r.index(j.nullSafe)
	if j.pairs || j.residual != nil {
		j.deltaWithState(s, out, &j.l, &j.r, true)
		j.deltaWithState(s, out, &j.r, &j.l, false)
		j.deltaWithDelta(s, out)
	}
	j.out.Reset()
	j.unmatched(s, &j.l, &j.r, 0, out)
	j.unmatched(s, &j.r, &j.l, len(j.l.types), out)
	if j.out.N > 0 {
		out(j.out)
	}
}

// index finds the keys of the step's rows and chains rows of equal keys.
func (s *side) index(nullSafe bool) {
	n := s.d.N
	s.vecs = pick(&s.vecs, s.d.Cols, s.Key)
	s.codec.Encode(&s.keys, s.vecs, n)
	if n > 0 && s.rows != nil {
		s.rows.offer()
	}
	s.null, s.group, s.next = sized(s.null, n), sized(s.group, n), sized(s.next, n)
	clear(s.null)
	if !nullSafe {
		for _, v := range s.vecs {
			if v.Nulls == nil {
				continue
			}
			for i := range n {
				s.null[i] = s.null[i] || v.Nulls.Get(i)
			}
		}
	}
	if s.word {
		s.m = sized(s.m, n)
		clear(s.m)
		if s.dm == nil {
			s.dm = map[state.Ref]int64{}
		}
	}
	for i := n - 1; i >= 0; i-- { // so that chains run in the order of the rows
		if s.null[i] {
			continue
		}
		g, isNew := s.groups.Add(&s.keys, i)
		if isNew {
			s.sum, s.head = append(s.sum, 0), append(s.head, -1)
		}
		s.sum[g] += s.d.Weight(i)
		s.group[i], s.next[i] = g, s.head[g]
		s.head[g] = int32(i)
	}
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
	first := a.probe(s, b)
	for i := range a.d.N {
		if a.null[i] {
			continue
		}
		for ref := first[i]; ref != state.None; ref = b.rows.Next(ref) {
			j.buf.add(int32(i), ref, a.d.Weight(i), b.rows.Weight(ref))
			if j.buf.full() {
				j.flushState(s, out, a, b, left)
			}
		}
	}
	j.flushState(s, out, a, b, left)
}

// probe finds the first row of b's state for each row of the step, split over shards if there are many: what costs most is
// to wait for memory.
func (a *side) probe(s *Step, b *side) []state.Ref {
	n := a.d.N
	a.first = sized(a.first, n)
	shards := 1
	if s.Workers > 1 && n >= 2*parallelRows {
		shards = s.Workers
	}
	find := func(p int) {
		for i := p * n / shards; i < (p+1)*n/shards; i++ {
			a.first[i] = b.rows.First(a.keys.Hash[i], a.keys.At(i))
		}
	}
	if shards == 1 {
		find(0)
	} else {
		run(shards, find)
	}
	return a.first
}

func (j *Join) flushState(s *Step, out Emit, a, b *side, left bool) {
	p := &j.buf
	if len(p.row) == 0 {
		return
	}
	mine, theirs := p.sides(left)
	for c, v := range a.d.Cols {
		mine[c].AppendSel(v, p.row)
	}
	for _, ref := range p.ref {
		b.rows.Decode(ref, b.all, theirs)
	}
	for _, i := range j.matches(s) {
		if a.word {
			a.m[p.row[i]] += p.wb[i]
		}
		if b.word {
			b.dm[p.ref[i]] += p.wa[i]
		}
	}
	j.emitPairs(out)
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
	for _, i := range j.matches(s) {
		if a.word {
			a.m[p.row[i]] += p.wb[i]
		}
		if b.word {
			b.m[p.other[i]] += p.wa[i]
		}
	}
	j.emitPairs(out)
}

// matches evaluates the residual over the buffered pairs and returns those for which it holds. Nobody asks for them if
// there is no residual.
func (j *Join) matches(s *Step) []int32 {
	b := j.buf.joined
	b.N = len(j.buf.row)
	if j.residual == nil {
		return nil
	}
	j.buf.sel = j.residual.EvalFilter(s.Ctx, b, nil)
	if len(s.Ctx.Errors) > 0 {
		for _, e := range s.Ctx.Errors {
			i := int(e.Row)
			s.RowError(e.Err, RowText(b, i), j.buf.wa[i]*j.buf.wb[i])
		}
		s.Ctx.Clear()
	}
	return j.buf.sel
}

func (j *Join) emitPairs(out Emit) {
	p := &j.buf
	b := p.joined
	if j.pairs {
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

// unmatched emits what rule a.track says of a's rows, whose columns begin at column at of the output.
func (j *Join) unmatched(s *Step, a, b *side, at int, out Emit) {
	if a.track == ignoreMatches {
		return
	}
	for i := range a.d.N {
		matched := !a.null[i]
		if matched && a.word {
			matched = a.m[i] > 0
		} else if matched {
			matched = b.countAfter(a.keys.Hash[i], a.keys.At(i)) > 0
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
	for ref, d := range a.dm {
		was := a.rows.Extra(ref)
		j.flip(a, ref, was > 0, was+d > 0, at, out)
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

func (s *side) countBefore(h uint64, key []byte) int64 {
	if ref, ok := s.count.Find(h, key); ok {
		return int64(le.Uint64(s.count.Value(ref)))
	}
	return 0
}

func (s *side) countAfter(h uint64, key []byte) int64 {
	n := s.countBefore(h, key)
	if g := s.groups.Find(h, key); g >= 0 {
		n += s.sum[g]
	}
	return n
}

// Commit adds the step's rows to the sides.
func (j *Join) Commit() {
	if !j.once {
		j.l.commit()
		j.r.commit()
	}
	j.Abort()
}

func (s *side) commit() {
	if s.word {
		for ref, d := range s.dm {
			s.rows.AddExtra(ref, d)
		}
	}
	if s.d.N > 0 && s.rows != nil && s.rows.claim() {
		s.commitRows()
	}
	if s.count == nil {
		return
	}
	var b [8]byte
	for g, d := range s.sum {
		h, key := s.groups.Hash(g), s.groups.Key(g)
		ref, ok := s.count.Find(h, key)
		if !ok {
			if d != 0 {
				le.PutUint64(b[:], uint64(d))
				s.count.Insert(h, key, b[:])
			}
			continue
		}
		if n := int64(le.Uint64(s.count.Value(ref))) + d; n == 0 {
			s.count.Delete(ref, h)
		} else if d != 0 {
			le.PutUint64(b[:], uint64(n))
			s.count.Update(ref, h, b[:])
		}
	}
}

func (s *side) commitRows() {
	for i := range s.d.N {
		if s.null[i] {
			continue
		}
		m := int64(0)
		if s.word {
			m = s.m[i]
		}
		s.rows.Apply(&s.keys, s.d.Cols, i, s.d.Weight(i), m)
	}
}

// Abort forgets the step.
func (j *Join) Abort() {
	j.l.reset()
	j.r.reset()
	j.buf.reset()
}

func (s *side) reset() {
	clear(s.dm)
	if s.d.N == 0 {
		return
	}
	if s.d.N > keepRows {
		s.d = vec.NewBatch(s.types, 0)
	}
	s.d.Reset()
	s.groups.Reset()
	s.sum, s.head = s.sum[:0], s.head[:0]
}

// keepRows is the size up to which the memory of a step's rows is kept for the next step.
const keepRows = 1 << 16

// Tables are the state tables, in the order of their ids.
func (j *Join) Tables() []state.Pages {
	var ts []state.Pages
	for _, s := range []*side{&j.l, &j.r} {
		ts = append(ts, s.tables()...)
	}
	for _, s := range []*side{&j.l, &j.r} {
		if s.count != nil {
			ts = append(ts, s.count)
		}
	}
	return ts
}
