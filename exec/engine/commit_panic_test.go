package engine

import (
	"sync/atomic"
	"testing"

	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// brittle counts until it is told to fail: then it panics where its state goes into the table.
type brittle struct {
	funcs.Accumulator
	fail *atomic.Bool
}

func (a brittle) Append(dst []byte, group int) []byte {
	if a.fail.Load() {
		panic("brittle")
	}
	return a.Accumulator.Append(dst, group)
}

// makeBrittle puts a view in the place of v, which is empty, that fails to commit when told so.
func (r *rig) makeBrittle(v *catalog.Relation) *atomic.Bool {
	r.Helper()
	meta := r.e.Catalog().Relation(v.ID)
	plan, err := physical.Decode(meta.Plan)
	if err != nil {
		r.Fatal(err)
	}
	fail := &atomic.Bool{}
	agg := &plan.Root.(*physical.Aggregate).Aggs[0]
	fn, plain := *agg.Fn, agg.Fn.New
	fn.New = func(args []types.Type, retract bool) funcs.Accumulator { return brittle{plain(args, retract), fail} }
	agg.Fn = &fn
	view, err := dataflow.BuildView(meta.ID, plan, meta.StateBase)
	if err != nil {
		r.Fatal(err)
	}
	r.e.inTurn(func() {
		r.e.publish.Lock()
		defer r.e.publish.Unlock()
		r.e.core.graph.Remove(meta.ID)
		r.e.core.graph.Add(view)
		r.e.core.rels[meta.ID].view = view
	})
	return fail
}

// A panic in the commit of a view's operator, when the epoch is durable already, suspends that view and those over it. The
// write is acknowledged, other views have it, and a rebuilt view has it too.
func TestPanicInCommit(t *testing.T) {
	r := newRig(t)
	tab := r.create(catalog.Table, "t", []int{0}, "id", "x")
	bad, good := r.view("bad", tab), r.view("good", tab)
	over := r.view("over", bad)
	fail := r.makeBrittle(bad)
	r.mustInsert(tab, []int64{1, 1})
	r.expect(bad, []int64{1, 1})

	fail.Store(true)
	r.mustInsert(tab, []int64{2, 1})
	r.expect(tab, []int64{1, 1}, []int64{2, 1})
	r.expect(good, []int64{1, 1}, []int64{2, 1})
	for _, v := range []*catalog.Relation{bad, over} {
		if err := r.readError(v); !pgerr.Is(err, pgerr.ObjectNotInState) {
			t.Fatalf("%s: %v", v.Name, err)
		}
	}
	r.mustInsert(tab, []int64{3, 1})
	r.expect(good, []int64{1, 1}, []int64{2, 1}, []int64{3, 1})
	if r.e.failed.Load() != nil {
		t.Fatal("the engine has stopped")
	}

	for _, v := range []*catalog.Relation{bad, over} {
		r.ddl(&physical.Rebuild{View: v.ID})
	}
	r.mustInsert(tab, []int64{4, 1})
	all := [][]int64{{1, 1}, {2, 1}, {3, 1}, {4, 1}}
	r.expect(bad, all...)
	r.expect(over, all...)
	r.crash()
	r.expect(bad, all...)
	r.expect(over, all...)
	r.expect(good, all...)
}
