package dataflow

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// View is a materialized view as it runs: a tree of operators, its state, and its rows.
type View struct {
	id     catalog.ID
	reads  []catalog.ID
	since  map[catalog.ID]uint64
	nodes  []*node // inputs before their consumers
	scans  []*scan
	ends   []op.Emit // by node
	types  []types.Type
	tables int
	start  bool // has rows without input
	timed  bool // has to step without input too: it follows a watermark

	// The rows: those of rel, or the groups of the Aggregate groups.
	rel      *state.Relation
	relSpent spent
	groups   *op.Aggregate
	reader   state.Reader
	key      []int // nil: not known

	watchers int // consumers of the view's delta
	level    int // 1 + the highest level among the views it reads

	// The running step.
	started bool // a step was committed
	ran     bool
	rows    int // input rows
	meter   meter
	step    op.Step
	ctx     funcs.Ctx
	delta   []*vec.Batch // output, kept until the next step
	free    []*vec.Batch
	errors  []RowError
}

// node is an operator and where its output goes.
type node struct {
	op   op.Operator
	plan physical.Node
	fan
	spent
}

// scan is a leaf: it feeds the columns it needs of a relation's change to its consumers.
type scan struct {
	rel  catalog.ID
	plan physical.Node
	cols []int
	out  vec.Batch
	fan
}

// fan passes a batch to every consumer.
type fan struct {
	outs []op.Emit
	n    int   // rows of the running step
	rows int64 // rows of all steps committed
}

func (f *fan) emit(b *vec.Batch) {
	if b.N == 0 {
		return
	}
	f.n += b.N
	for _, out := range f.outs {
		out(b)
	}
}

func newScan(n *physical.Scan) *scan {
	return &scan{rel: n.Rel, plan: n, cols: n.Cols, out: vec.Batch{Cols: make([]*vec.Vec, len(n.Cols))}}
}

// addNode adds an operator that consumes the outputs ins.
func (v *View) addNode(o op.Operator, plan physical.Node, ins []int) int {
	n := &node{op: o, plan: plan}
	emit := n.emit
	v.nodes, v.ends = append(v.nodes, n), append(v.ends, emit)
	for port, in := range ins {
		push := func(b *vec.Batch) {
			if !v.meter.on {
				o.Push(&v.step, port, b, emit)
				return
			}
			last := v.meter.charge(&n.spent)
			o.Push(&v.step, port, b, emit)
			v.meter.charge(last)
		}
		if in < 0 {
			v.scans[-in-1].outs = append(v.scans[-in-1].outs, push)
		} else {
			v.nodes[in].outs = append(v.nodes[in].outs, push)
		}
	}
	return len(v.nodes) - 1
}

// collect keeps a part of the view's output.
func (v *View) collect(b *vec.Batch) {
	if v.silent() {
		return
	}
	const merge = 1024
	if n := len(v.delta); n > 0 && v.delta[n-1].N < merge {
		v.delta[n-1].Append(b)
		return
	}
	var c *vec.Batch
	if n := len(v.free); n > 0 {
		c, v.free = v.free[n-1], v.free[:n-1]
	} else {
		c = vec.NewBatch(v.types, 0)
	}
	c.Append(b)
	v.delta = append(v.delta, c)
}

// silent reports that nobody wants the view's output: its groups are its rows.
func (v *View) silent() bool { return v.groups != nil && v.watchers == 0 }

// watch changes the number of consumers of the view's delta.
func (v *View) watch(d int) {
	v.watchers += d
	if v.groups != nil {
		v.groups.SetSilent(v.watchers == 0)
	}
}

// ID is the view's relation.
func (v *View) ID() catalog.ID { return v.id }

// Reads are the relations whose changes it consumes.
func (v *View) Reads() []catalog.ID { return v.reads }

// SetSince says after which epoch the rows of streams are those that the view began with: 0 if it is not in since.
func (v *View) SetSince(since map[catalog.ID]uint64) { v.since = since }

// Since is what SetSince said.
func (v *View) Since() map[catalog.ID]uint64 { return v.since }

// NeedsStart reports that the view has rows even if its inputs are empty: a first step without input makes them.
func (v *View) NeedsStart() bool { return v.start }

// Reader reads the view's rows.
func (v *View) Reader() state.Reader { return v.reader }

// Pages are the state tables that are the view's alone.
func (v *View) Pages() []state.Pages {
	var ps []state.Pages
	for _, n := range v.nodes {
		if t, ok := n.op.(tabled); ok {
			ps = append(ps, t.Tables()...)
		}
	}
	if v.rel != nil {
		ps = append(ps, v.rel)
	}
	return ps
}

// tabled is an operator with state.
type tabled interface{ Tables() []state.Pages }

// begin prepares a step: what the last one left is reused.
func (v *View) begin(s *Step, workers int) {
	v.ran, v.rows = true, 0
	v.errors = v.errors[:0]
	for _, b := range v.delta {
		if b.N <= keepRows {
			b.Reset()
			v.free = append(v.free, b)
		}
	}
	clear(v.delta)
	v.delta = v.delta[:0]
	v.ctx.Context, v.ctx.Env, v.ctx.Now, v.ctx.TxnNow = s.Ctx.Context, s.Ctx.Env, s.Ctx.Now, s.Ctx.TxnNow
	rowError := v.step.RowError
	v.step = *s
	v.step.Ctx, v.step.Workers, v.step.RowError = &v.ctx, workers, rowError
	if rowError == nil {
		v.step.RowError = func(err *pgerr.Error, data string, weight int64) {
			v.errors = append(v.errors, RowError{View: v.id, Err: err, Data: data, Weight: weight})
		}
	}
}

// keepRows is the size up to which the memory of an output batch is kept for the next step.
const keepRows = 1 << 16

// run runs a step; what went wrong, if it panicked, comes back as a reason.
func (v *View) run(in Inputs) (reason string) {
	defer func() {
		if r := recover(); r != nil {
			reason = fmt.Sprintf("%v", r)
			failure(v.id, r, debug.Stack())
		}
	}()
	for _, s := range v.scans {
		for _, b := range in[s.rel] {
			v.rows += b.N
		}
	}
	v.meter.begin(v.rows)
	for _, s := range v.scans {
		for _, b := range in[s.rel] {
			if b.N > 0 {
				s.feed(b)
			}
		}
	}
	for i, n := range v.nodes {
		v.meter.enter(&n.spent)
		n.op.End(&v.step, v.ends[i])
	}
	v.meter.leave()
	return ""
}

func (s *scan) feed(b *vec.Batch) {
	for i, c := range s.cols {
		s.out.Cols[i] = b.Cols[c]
	}
	s.out.N, s.out.W = b.N, b.W
	s.emit(&s.out)
}

// commit makes the step part of the view's state; what went wrong, if it panicked, comes back as a reason.
func (v *View) commit() (reason string) {
	defer func() {
		if r := recover(); r != nil {
			reason = fmt.Sprintf("%v", r)
			failure(v.id, r, debug.Stack())
		}
		v.ran, v.started = false, true
	}()
	if v.step.Workers > 1 && v.rows >= parallelRows {
		v.commitParallel()
	} else {
		for _, n := range v.nodes {
			v.meter.enter(&n.spent)
			n.op.Commit()
		}
		if v.rel != nil && len(v.delta) > 0 {
			v.meter.enter(&v.relSpent)
			v.rel.Apply(v.delta...)
		}
		v.meter.leave()
	}
	v.tally()
	return ""
}

// commitParallel commits operators and rows beside one another: each writes state tables of its own.
func (v *View) commitParallel() {
	op.Parallel(1+len(v.nodes), v.step.Workers, func(i int) {
		start := time.Now()
		if i > 0 {
			n := v.nodes[i-1]
			n.op.Commit()
			n.step += int64(time.Since(start))
		} else if v.rel != nil && len(v.delta) > 0 {
			v.rel.Apply(v.delta...)
			v.relSpent.step += int64(time.Since(start))
		}
	})
}

// tally counts rows and time of a step that is committed.
func (v *View) tally() {
	for _, n := range v.nodes {
		n.count()
		n.fold()
	}
	for _, s := range v.scans {
		s.count()
	}
	v.relSpent.fold()
}

func (f *fan) count() { f.rows, f.n = f.rows+int64(f.n), 0 }

func (v *View) abort() {
	for _, n := range v.nodes {
		n.op.Abort()
		n.n = 0
	}
	for _, s := range v.scans {
		s.n = 0
	}
	v.ran = false
}
