package dataflow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
)

// Views of one graph share the rows that their operators keep by key (op.Kept), two ways:
//
//	own    a join by the key of a table or view looks into the rows of that table or view
//	held   inputs that are the same (relation, filter, projection, key) are kept in one arrangement
//
// An arrangement belongs to the graph, not to the view that brought it: it is there as long as any view uses it, under the
// table id it was born with (ids are never used twice), and a checkpoint names it once. A view is always built and filled
// with rows of its own, in a graph of its own; it changes over when it joins the main graph, between two steps, when
// its rows and the shared ones are the same by definition. So what is shared follows from the views of a graph and the order
// in which they came, at replay too; of that order a manifest keeps what the views do not tell: Placed.
//
// The views of a stream share only if they began with the same rows of it (View.SetSince): a stream forgets.
type held struct {
	key   string
	rows  *op.Arranged
	users []user // in the order they came
}

type user struct {
	view *View
	kept *op.Kept
}

// share lets v use what is kept already, and makes the rest available to views that come later. placed are the ids of
// shared tables at recovery.
func (g *Graph) share(v *View, placed map[uint32]uint32) {
	for _, k := range keeps(v) {
		if g.own(k) {
			continue
		}
		key, ok := shareKey(k, v.since)
		if !ok {
			continue
		}
		h := g.held[key]
		if h == nil {
			if id, moved := placed[k.ID()]; moved {
				k.Place(id)
			}
			h = &held{key: key, rows: k.Rows()}
			g.held[key] = h
		}
		k.Share(h.rows)
		h.users = append(h.users, user{v, k})
	}
}

// keeps are the inputs that v's operators keep by key.
func keeps(v *View) (ks []*op.Kept) {
	for _, n := range v.nodes {
		if k, ok := n.op.(op.Keeper); ok {
			ks = append(ks, k.Keeps()...)
		}
	}
	return ks
}

// own lets k read the rows of the relation that it scans.
func (g *Graph) own(k *op.Kept) bool {
	scan, _, ok := k.Scanned()
	if !ok {
		return false
	}
	if up := g.views[scan.Rel]; up != nil {
		return k.Own(up.reader, up.key)
	}
	if g.Table != nil {
		if t := g.Table(scan.Rel); t != nil {
			return k.Own(t, t.Key())
		}
	}
	return false
}

// leave ends v's use of what is shared; it returns what nobody uses any more.
func (g *Graph) leave(v *View) (free []state.Pages) {
	for key, h := range g.held {
		h.users = slices.DeleteFunc(h.users, func(u user) bool { return u.view == v })
		if len(h.users) == 0 {
			delete(g.held, key)
			free = append(free, h.rows.Arrangement)
		}
	}
	return free
}

// Held are the state tables that belong to no view alone.
func (g *Graph) Held() []state.Pages {
	out := make([]state.Pages, 0, len(g.held))
	for _, h := range g.held {
		out = append(out, h.rows.Arrangement)
	}
	return out
}

// Sharing are the views that use the state table of this id, which belongs to no view alone.
func (g *Graph) Sharing(id uint32) (views []catalog.ID) {
	for _, h := range g.held {
		if h.rows.ID() != id {
			continue
		}
		for _, u := range h.users {
			views = append(views, u.view.id)
		}
	}
	return views
}

// Placed says, of state tables that by the plan of a view would have one id, under which id of an earlier view they are.
func (g *Graph) Placed() map[uint32]uint32 {
	out := map[uint32]uint32{}
	for _, h := range g.held {
		for _, u := range h.users {
			if id := h.rows.ID(); u.kept.ID() != id {
				out[u.kept.ID()] = id
			}
		}
	}
	return out
}

// shareKey is the same for inputs that have the same rows at all times; ok is false if that cannot be told.
func shareKey(k *op.Kept, since map[catalog.ID]uint64) (key string, ok bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "by %v nulls=%v retract=%v: ", k.Key, k.Nulls, k.Retracts())
	ok = describe(&b, k.Input, since)
	return b.String(), ok
}

// describe writes what n computes, without names. Only operators without state are told apart: the state of others
// depends on when the view was made.
func describe(b *strings.Builder, n physical.Node, since map[catalog.ID]uint64) bool {
	switch n := n.(type) {
	case *physical.Scan:
		fmt.Fprintf(b, "scan %d since %d %v", n.Rel, since[n.Rel], n.Cols)
	case *physical.Map:
		b.WriteString("map ")
		for _, e := range append([]expr.Expr{n.Filter}, n.Project...) {
			if !describeExpr(b, e) {
				return false
			}
		}
	case *physical.Hop:
		fmt.Fprintf(b, "hop %d %d %d %d", n.TimeCol, n.Slide, n.Size, n.Origin)
	case *physical.Expand:
		fmt.Fprintf(b, "expand %s %v %v ", n.Name, n.Ordinality, n.Outer)
		for _, e := range n.Args {
			if !describeExpr(b, e) {
				return false
			}
		}
	case *physical.Union:
		b.WriteString("union")
	default:
		return false
	}
	for _, in := range n.Inputs() {
		b.WriteString(" (")
		if !describe(b, in, since) {
			return false
		}
		b.WriteByte(')')
	}
	return true
}

func describeExpr(b *strings.Builder, e expr.Expr) bool {
	if e == nil {
		b.WriteString("- ")
		return true
	}
	immutable := true
	plain := expr.Rewrite(e, func(x expr.Expr) expr.Expr {
		switch x := x.(type) {
		case *expr.Call:
			immutable = immutable && x.Fn.Vol == funcs.Immutable
		case *expr.Col:
			return &expr.Col{Index: x.Index, T: x.T}
		}
		return x
	})
	text, err := expr.Marshal(plain)
	b.Write(text)
	b.WriteByte(' ')
	return err == nil && immutable
}
