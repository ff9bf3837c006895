package dataflow

import (
	"fmt"
	"log/slog"
	"slices"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/catalog"
)

// Graph is the set of views that step together. One goroutine uses it.
type Graph struct {
	// Before, if set, is called before a view runs in a step; views then run one after the other.
	Before func(catalog.ID)
	// Table, if set, gives the rows of a table, nil if id is none: joins by its key look into them.
	Table func(id catalog.ID) *state.Relation

	views   map[catalog.ID]*View
	order   []*View // by level, then id
	watched map[catalog.ID]int
	held    map[string]*held // what views share (share.go)
	result  Result
	deltas  Inputs  // of views, in the running step
	due     []*View // scratch of level and Commit
	workers int     // of the running step
}

// NewGraph returns a graph without views.
func NewGraph() *Graph {
	return &Graph{views: map[catalog.ID]*View{}, watched: map[catalog.ID]int{}, held: map[string]*held{}, deltas: Inputs{}}
}

// Add makes a view part of the following steps. Its state must stand for what the views and relations it reads hold now.
func (g *Graph) Add(v *View) { g.Restore(v, nil) }

// Restore is Add at recovery, before the view's pages are loaded. placed is what Placed said at the checkpoint. Views
// that it reads must be there.
func (g *Graph) Restore(v *View, placed map[uint32]uint32) {
	g.share(v, placed)
	g.views[v.id] = v
	g.relink()
}

// Remove takes a view out. It returns the state tables that go with it: the view's own, and those that no other view
// shares. Views that read it must be removed too, before one of them or it is added again.
func (g *Graph) Remove(id catalog.ID) (gone []state.Pages) {
	v := g.views[id]
	if v == nil {
		return nil
	}
	delete(g.views, id)
	gone = append(v.Pages(), g.leave(v)...)
	v.watchers = 0
	v.watch(0)
	g.relink()
	return gone
}

// View returns a view of the graph, or nil.
func (g *Graph) View(id catalog.ID) *View { return g.views[id] }

// Watch asks (d = 1) for the deltas of a view in Result.Deltas, or no longer does (d = -1). The view may not be there
// yet, or be no view at all.
func (g *Graph) Watch(id catalog.ID, d int) {
	if g.watched[id] += d; g.watched[id] <= 0 {
		delete(g.watched, id)
	}
	if v := g.views[id]; v != nil {
		v.watch(d)
	}
}

// relink computes levels, order and consumers anew.
func (g *Graph) relink() {
	g.order = g.order[:0]
	for _, v := range g.views {
		v.level = 0
		v.watchers = g.watched[v.id]
		g.order = append(g.order, v)
	}
	for _, v := range g.order {
		for _, id := range v.reads {
			if up := g.views[id]; up != nil {
				up.watchers++
			}
		}
	}
	for _, v := range g.order {
		v.watch(0)
		g.levelOf(v)
	}
	slices.SortFunc(g.order, func(a, b *View) int {
		if a.level != b.level {
			return a.level - b.level
		}
		return int(a.id) - int(b.id)
	})
}

func (g *Graph) levelOf(v *View) int {
	if v.level > 0 {
		return v.level
	}
	v.level = 1
	for _, id := range v.reads {
		if up := g.views[id]; up != nil && up != v {
			v.level = max(v.level, 1+g.levelOf(up))
		}
	}
	return v.level
}

// parallelRows is the number of input rows from which views of a level are run in several goroutines.
const parallelRows = 2048

// Step runs the changes of relations through all views that read them, directly or through other views. State is as
// before until Commit, or Abort. The result is valid until the next step.
func (g *Graph) Step(s *Step, in Inputs) *Result {
	g.result = Result{Deltas: g.deltas}
	clear(g.deltas)
	g.workers = s.Workers
	bad := map[catalog.ID]string(nil)
	all := in
	if len(g.order) > 0 && g.order[len(g.order)-1].level > 1 {
		all = make(Inputs, len(in)+4) // changes of relations, then also of views
		for id, bs := range in {
			all[id] = bs
		}
	}
	for lo := 0; lo < len(g.order); {
		hi := lo + 1
		for hi < len(g.order) && g.order[hi].level == g.order[lo].level {
			hi++
		}
		bad = g.level(s, g.order[lo:hi], all, bad)
		lo = hi
	}
	return &g.result
}

// level runs the views of one level that have something to do.
func (g *Graph) level(s *Step, views []*View, all Inputs, bad map[catalog.ID]string) map[catalog.ID]string {
	run := g.due[:0]
	rows := 0
	for _, v := range views {
		n, broken := 0, false
		for _, id := range v.reads {
			for _, b := range all[id] {
				n += b.N
			}
			if _, ok := bad[id]; ok && g.views[id] != nil {
				bad[v.id] = fmt.Sprintf("relation %d, which it reads, is suspended", id)
				broken = true
				break
			}
		}
		if broken {
			g.result.Suspended = append(g.result.Suspended, Suspension{v.id, bad[v.id]})
			continue
		}
		if n > 0 || v.timed || v.start && !v.started {
			run = append(run, v)
			rows += n
		}
	}
	reasons := g.run(s, run, all, rows)
	for i, v := range run {
		if reasons != nil && reasons[i] != "" {
			if bad == nil {
				bad = map[catalog.ID]string{}
			}
			bad[v.id] = reasons[i]
			g.result.Suspended = append(g.result.Suspended, Suspension{v.id, reasons[i]})
			v.discard()
			continue
		}
		g.result.Errors = append(g.result.Errors, v.errors...)
		if v.watchers > 0 && len(v.delta) > 0 {
			g.deltas[v.id] = v.delta
			if len(views) < len(g.order) {
				all[v.id] = v.delta
			}
		}
	}
	clear(run)
	g.due = run
	return bad
}

// run runs views, in goroutines if it is worth it; it returns why which of them failed (nil: none did).
func (g *Graph) run(s *Step, views []*View, all Inputs, rows int) []string {
	workers := max(s.Workers, 1)
	if workers == 1 || len(views) == 1 || rows < parallelRows || g.Before != nil {
		var reasons []string
		for i, v := range views {
			if g.Before != nil {
				g.Before(v.id)
			}
			v.begin(s, workers)
			if r := v.run(all); r != "" {
				if reasons == nil {
					reasons = make([]string, len(views))
				}
				reasons[i] = r
			}
		}
		return reasons
	}
	reasons := make([]string, len(views))
	op.Parallel(len(views), workers, func(i int) {
		views[i].begin(s, max(1, workers/len(views)))
		reasons[i] = views[i].run(all)
	})
	return reasons
}

// Commit makes the step part of the state of all views that ran. It returns the views that failed in it, and those that
// are wrong with them: nobody knows how far a commit came that panicked.
func (g *Graph) Commit() []Suspension {
	ran, rows := g.due[:0], 0
	for _, v := range g.order {
		if v.ran {
			ran = append(ran, v)
			rows += v.rows
		}
	}
	var failed []Suspension
	if len(ran) == 1 || rows < parallelRows {
		for _, v := range ran {
			if r := v.commit(); r != "" {
				failed = append(failed, Suspension{v.id, r})
			}
		}
	} else {
		failed = g.commitAll(ran)
	}
	clear(ran)
	g.due = ran
	if len(failed) > 0 {
		failed = g.spread(failed)
	}
	return failed
}

// commitAll commits views beside one another.
func (g *Graph) commitAll(ran []*View) (failed []Suspension) {
	reasons := make([]string, len(ran))
	op.Parallel(len(ran), g.workers, func(i int) { reasons[i] = ran[i].commit() })
	for i, r := range reasons {
		if r != "" {
			failed = append(failed, Suspension{ran[i].id, r})
		}
	}
	return failed
}

// spread adds to views that failed to commit the ones that share state with them, and those that read any of these.
func (g *Graph) spread(failed []Suspension) []Suspension {
	bad := map[catalog.ID]bool{}
	for _, s := range failed {
		bad[s.View] = true
	}
	add := func(v *View, why string, id catalog.ID) {
		if !bad[v.id] {
			bad[v.id] = true
			failed = append(failed, Suspension{v.id, fmt.Sprintf(why, id)})
		}
	}
	for _, s := range slices.Clone(failed) {
		for _, h := range g.held {
			if !slices.ContainsFunc(h.users, func(u user) bool { return u.view.id == s.View }) {
				continue
			}
			for _, u := range h.users {
				add(u.view, "relation %d, which it shares state with, is suspended", s.View)
			}
		}
	}
	for _, v := range g.order { // what is read comes first
		for _, id := range v.reads {
			if bad[id] {
				add(v, "relation %d, which it reads, is suspended", id)
			}
		}
	}
	return failed
}

// Abort drops the step.
func (g *Graph) Abort() {
	for _, v := range g.order {
		if v.ran {
			v.discard()
		}
	}
}

// failure logs what stopped a view: the reason alone, in the catalog, does not say where.
func failure(id catalog.ID, what any, stack []byte) {
	if p, ok := what.(*op.Panicked); ok {
		stack = p.Stack
	}
	slog.Error("materialized view failed", "relation", id, "panic", what, "stack", string(stack))
}

// discard aborts a step of a view that may be in any state.
func (v *View) discard() {
	defer func() {
		if r := recover(); r != nil {
			v.ran = false
		}
	}()
	v.abort()
}
