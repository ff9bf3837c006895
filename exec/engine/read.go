package engine

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/millracedb/millrace/exec/query"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// pin holds the rows of relations as of one epoch (D7).
type pin struct {
	core  *core
	epoch uint64
	clock int64
	cat   *catalog.Snapshot
	snaps map[catalog.ID]state.Snapshot
	open  *atomic.Int64 // blocks that are open; nil: not one of a block
}

// pin takes snapshots of the relations in ids, or of all (ids nil), at the published epoch.
func (e *Engine) pin(ids []catalog.ID) *pin {
	e.publish.RLock()
	defer e.publish.RUnlock()
	return e.pinLocked(ids)
}

// pinBlock pins all relations for a transaction block.
func (e *Engine) pinBlock() *pin {
	e.publish.RLock()
	defer e.publish.RUnlock()
	p := e.pinLocked(nil)
	p.open = &e.blocks
	p.open.Add(1)
	return p.charge(e.readers)
}

// pinRead is pin for a transaction, which may have to give up its snapshots when too much is kept for it.
func (e *Engine) pinRead(ids []catalog.ID) *pin {
	return e.pin(ids).charge(e.readers)
}

func (p *pin) charge(b *state.Budget) *pin {
	for _, s := range p.snaps {
		s.ChargeTo(b)
	}
	return p
}

// pinLocked is pin under the publish lock, in either mode.
func (e *Engine) pinLocked(ids []catalog.ID) *pin { return e.core.pin(ids) }

// pin takes snapshots for who has the turn, for recovery, or under the publish lock.
func (c *core) pin(ids []catalog.ID) *pin {
	p := &pin{core: c, epoch: c.epoch, clock: c.clock, cat: c.cat}
	if ids == nil {
		p.snaps = make(map[catalog.ID]state.Snapshot, len(c.rels))
		for id, r := range c.rels {
			if rd := r.reader(); rd != nil {
				p.snaps[id] = rd.Pin()
			}
		}
		return p
	}
	p.snaps = make(map[catalog.ID]state.Snapshot, len(ids))
	for _, id := range ids {
		if _, twice := p.snaps[id]; twice {
			continue
		}
		if r := c.rels[id]; r != nil {
			if rd := r.reader(); rd != nil {
				p.snaps[id] = rd.Pin()
			}
		}
	}
	return p
}

func (p *pin) release() {
	for _, s := range p.snaps {
		s.Release()
	}
	p.snaps = nil
	if p.open != nil {
		p.open.Add(-1)
	}
}

// Query runs a SELECT at the transaction's epoch.
func (t *txn) Query(ctx context.Context, q *physical.Query, fc *funcs.Ctx) (Cursor, error) {
	if err := t.readable(q.Reads); err != nil {
		return nil, err
	}
	t.pinFor(q)
	return query.Run(ctx, q, &txnSources{t: t, fc: fc}, fc)
}

// pinFor pins what a statement reads. A transaction block keeps the epoch of its first statement, so that it pins
// everything; a single lookup pins at the lookup itself.
func (t *txn) pinFor(q *physical.Query) {
	if t.pins != nil {
		return
	}
	switch {
	case !t.opts.Single:
		t.pins = t.e.pinBlock()
	case !isLookup(q):
		t.pins = t.e.pinRead(append([]catalog.ID{}, q.Reads...))
	}
}

// isLookup reports that q reads one relation once, by key.
func isLookup(q *physical.Query) bool {
	if len(q.Reads) != 1 || len(q.Subplans) > 0 {
		return false
	}
	n := q.Root
	for {
		if s, ok := n.(*physical.Scan); ok {
			return s.Lookup != nil
		}
		in := n.Inputs()
		if len(in) != 1 {
			return false
		}
		n = in[0]
	}
}

// readable refuses relations that cannot answer.
func (t *txn) readable(ids []catalog.ID) error {
	cat := t.Catalog()
	for _, id := range ids {
		r := cat.Relation(id)
		switch {
		case r == nil:
			return pgerr.Newf(pgerr.UndefinedTable, "relation with OID %d does not exist", id)
		case r.Suspended != "":
			return pgerr.Newf(pgerr.ObjectNotInState, `materialized view "%s" is suspended: %s`, r.Name, r.Suspended).
				WithHint(`Run REBUILD MATERIALIZED VIEW %s.`, r.Name)
		case r.OnErrorFail:
			if err := t.e.firstRowError(id); err != nil {
				return err
			}
		}
	}
	return nil
}

// txnSources gives a query the rows a transaction sees. It implements query.Sources.
type txnSources struct {
	t  *txn
	fc *funcs.Ctx
}

func (s *txnSources) Scan(ctx context.Context, n *physical.Scan, key []vec.Scalar) (query.Rows, error) {
	meta, err := s.t.relation(n.Rel)
	if err != nil {
		return nil, err
	}
	switch meta.Kind {
	case catalog.System:
		return s.system(n, meta)
	case catalog.Stream:
		return s.stream(ctx, n, meta)
	}
	over := s.t.overlays(n.Rel)
	if key != nil {
		if rows, ok := s.lookup(n, meta, key, over); ok {
			return rows, nil
		}
	}
	return s.scan(n, meta, key, over)
}

// lookup answers from the transaction's own changes and the live index, if what the transaction reads can be told from
// them.
func (s *txnSources) lookup(n *physical.Scan, meta *catalog.Relation, key []vec.Scalar, over []*tableChange) (query.Rows, bool) {
	kb := keyBatch(meta, key)
	id := appendKey(nil, kb, firstColumns(len(key)), 0, false)
	for _, c := range slices.Backward(over) {
		if ch := c.byKey[string(id)]; ch != nil {
			return changedRow(n, meta, c.rows, ch.new), true
		}
	}
	e, t := s.t.e, s.t
	e.publish.RLock()
	defer e.publish.RUnlock()
	r := e.core.rels[n.Rel]
	if r == nil || r.reader() == nil || t.pins != nil && t.pins.core != e.core {
		return nil, false
	}
	if t.pins != nil && t.pins.epoch != e.core.epoch {
		rows, row, changed, ok := r.recent.at(t.pins.epoch, id)
		if !ok || r.table == nil {
			return nil, false
		}
		if changed {
			return changedRow(n, meta, rows, row), true
		}
	}
	out := vec.NewBatch(scanTypes(n, meta), 1)
	r.reader().Lookup(kb, n.Cols, out, nil)
	if out.N == 0 {
		return &oneBatch{}, true
	}
	return &oneBatch{b: out}, true
}

// changedRow is one row of a change, or nothing.
func changedRow(n *physical.Scan, meta *catalog.Relation, rows *vec.Batch, row int32) query.Rows {
	if row == none {
		return &oneBatch{}
	}
	out := vec.NewBatch(scanTypes(n, meta), 1)
	appendCols(out, rows, n.Cols, int(row), 1)
	return &oneBatch{b: out}
}

func firstColumns(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// keyBatch is a batch of one key.
func keyBatch(meta *catalog.Relation, key []vec.Scalar) *vec.Batch {
	b := &vec.Batch{N: 1}
	for i, k := range key {
		v := vec.New(meta.Columns[meta.PrimaryKey[i]].Type, 1)
		v.AppendScalar(k)
		b.Cols = append(b.Cols, v)
	}
	return b
}

func scanTypes(n *physical.Scan, meta *catalog.Relation) []types.Type {
	ts := make([]types.Type, len(n.Cols))
	for i, c := range n.Cols {
		ts[i] = columnType(meta, c)
	}
	return ts
}

// columnType is the type of column c; the one behind the last is a stream's hidden "late".
func columnType(meta *catalog.Relation, c int) types.Type {
	if c == len(meta.Columns) {
		return types.T(types.Bool)
	}
	return meta.Columns[c].Type
}

// scan reads the pinned snapshot of a table or materialized view under the transaction's own changes.
func (s *txnSources) scan(n *physical.Scan, meta *catalog.Relation, key []vec.Scalar, over []*tableChange) (query.Rows, error) {
	t := s.t
	if t.pins == nil {
		t.pins = t.e.pinRead([]catalog.ID{n.Rel})
	}
	snap := t.pins.snaps[n.Rel]
	if snap == nil && meta.Kind == catalog.MatView {
		return nil, pgerr.Unsupported("reading a materialized view in the transaction that creates it")
	}
	if len(over) == 0 && key == nil {
		if snap == nil { // made by this transaction, or gone meanwhile
			return &oneBatch{}, nil
		}
		return snap.Cursor(n.Cols), nil
	}
	all := firstColumns(len(meta.Columns))
	o := &overlaid{n: n, meta: meta, key: key, over: over}
	if snap != nil {
		o.base = snap.Cursor(all)
	}
	return o, nil
}

// overlaid is a snapshot of a table with a transaction's changes over it. It takes whole rows, leaves out those whose key
// was changed, and gives the changed ones at the end.
type overlaid struct {
	n    *physical.Scan
	meta *catalog.Relation
	key  []vec.Scalar
	over []*tableChange
	base query.Rows // nil once it has ended
	tail bool
	out  *vec.Batch
}

func (o *overlaid) Next() (*vec.Batch, error) {
	for o.base != nil {
		b, err := o.base.Next()
		if err != nil {
			return nil, err
		}
		if b == nil {
			o.base.Close()
			o.base = nil
			break
		}
		if out := o.visible(b); out.N > 0 {
			return out, nil
		}
	}
	if o.tail {
		return nil, nil
	}
	o.tail = true
	if out := o.changed(); out.N > 0 {
		return out, nil
	}
	return nil, nil
}

func (o *overlaid) start() *vec.Batch {
	if o.out == nil {
		o.out = vec.NewBatch(scanTypes(o.n, o.meta), 0)
	}
	o.out.Reset()
	return o.out
}

// visible is the rows of b that no change covers. In a bag a change covers copies of its row: the remaining ones stay.
func (o *overlaid) visible(b *vec.Batch) *vec.Batch {
	out := o.start()
	for i := range b.N {
		w := b.Weight(i)
		if len(o.over) > 0 {
			first := o.over[0]
			first.key = appendKey(first.key[:0], b, first.cols, i, first.bag)
			if !first.bag && o.covered(first.key) {
				continue
			}
			if first.bag {
				w += min(o.net(string(first.key)), 0)
			}
		}
		if w > 0 && o.matches(b, i) {
			appendCols(out, b, o.n.Cols, i, w)
		}
	}
	return out
}

func (o *overlaid) covered(key []byte) bool {
	for _, c := range o.over {
		if c.byKey[string(key)] != nil {
			return true
		}
	}
	return false
}

// net is the number of copies that all changes together add to a row of a bag.
func (o *overlaid) net(key string) int64 {
	var n int64
	for _, c := range o.over {
		if r := c.byKey[key]; r != nil {
			n += r.net
		}
	}
	return n
}

// changed is the rows that the changes leave: each at the last change that has its key.
func (o *overlaid) changed() *vec.Batch {
	out := o.start()
	for k, c := range o.over {
		for _, r := range c.order {
			if r.new == none || laterHas(o.over[k+1:], r.key) || !o.matches(c.rows, int(r.new)) {
				continue
			}
			copies := int64(1)
			if c.bag {
				copies = o.net(r.key)
			}
			if copies > 0 {
				appendCols(out, c.rows, o.n.Cols, int(r.new), copies)
			}
		}
	}
	return out
}

func laterHas(over []*tableChange, key string) bool {
	for _, c := range over {
		if c.byKey[key] != nil {
			return true
		}
	}
	return false
}

// matches reports whether row i of b, a whole row, has the key that the scan asks for.
func (o *overlaid) matches(b *vec.Batch, i int) bool {
	if o.key == nil {
		return true
	}
	kb := keyBatch(o.meta, o.key)
	for k := range o.key {
		if o.key[k].Null || b.Cols[o.meta.PrimaryKey[k]].IsNull(i) {
			return false
		}
	}
	pos := make([]int, len(o.key))
	for k := range pos {
		pos[k] = k
	}
	return string(appendKey(nil, b, o.meta.PrimaryKey, i, false)) == string(appendKey(nil, kb, pos, 0, false))
}

func appendCols(out, b *vec.Batch, cols []int, i int, w int64) {
	if w != 1 {
		out.SetWeights()
	}
	for k, c := range cols {
		out.Cols[k].AppendFrom(b.Cols[c], i)
	}
	out.N++
	if out.W != nil {
		out.W = append(out.W, w)
	}
}

func (o *overlaid) Close() {
	if o.base != nil {
		o.base.Close()
		o.base = nil
	}
	o.tail = true
}

// system gives the rows of a system relation.
func (s *txnSources) system(n *physical.Scan, meta *catalog.Relation) (query.Rows, error) {
	p := s.t.e.opts.Providers[n.Rel]
	if p == nil {
		return &oneBatch{}, nil
	}
	b, err := p(s.t.Catalog(), s.fc)
	if err != nil || b == nil || b.N == 0 {
		return &oneBatch{}, err
	}
	out := &vec.Batch{N: b.N, W: b.W}
	for _, c := range n.Cols {
		out.Cols = append(out.Cols, b.Cols[c])
	}
	return &oneBatch{b: out}, nil
}

// oneBatch is Rows of at most one batch.
type oneBatch struct{ b *vec.Batch }

func (o *oneBatch) Next() (*vec.Batch, error) {
	b := o.b
	o.b = nil
	return b, nil
}

func (o *oneBatch) Close() { o.b = nil }
