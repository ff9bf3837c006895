package dataflow

import (
	"strings"
	"time"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
)

// OperatorInfo is what is known of one operator of a running view, or of what keeps its rows.
type OperatorInfo struct {
	Title  string // as EXPLAIN has it
	Detail string
	// Rows is how many changes the operator put out since the server started (of what keeps the view's rows: how many it
	// has), Time how long it took (meter); Time is negative if that was not measured.
	Rows  int64
	Time  time.Duration
	Bytes int64 // of its state; shared state counts for the first of its users
	Kept  []KeptInfo
}

// KeptInfo says where an operator keeps an input, if not in a state table of its own.
type KeptInfo struct {
	Side  string       // of a join: Left, Right
	Own   string       // in the rows of this relation
	With  []catalog.ID // together with these other views
	Saved int64        // bytes that another copy would take
}

// Operators describes the operators of a view, inputs first. It must not run beside Commit.
func (g *Graph) Operators(id catalog.ID) (out []OperatorInfo) {
	v := g.views[id]
	if v == nil {
		return nil
	}
	for _, s := range v.scans {
		title, detail := describeNode(s.plan)
		out = append(out, OperatorInfo{Title: title, Detail: detail, Rows: s.rows, Time: -1})
	}
	for _, n := range v.nodes {
		o := OperatorInfo{Rows: n.rows, Time: n.time()}
		o.Title, o.Detail = describeNode(n.plan)
		if t, ok := n.op.(tabled); ok {
			for _, p := range t.Tables() {
				o.Bytes += p.Bytes()
			}
		}
		if k, ok := n.op.(op.Keeper); ok {
			for _, k := range k.Keeps() {
				info, bytes := g.keptInfo(v, k)
				o.Bytes += bytes
				if info.Own != "" || len(info.With) > 0 {
					o.Kept = append(o.Kept, info)
				}
			}
		}
		out = append(out, o)
	}
	if v.rel != nil {
		shape := strings.Fields(v.rel.Fingerprint())[1]
		out = append(out, OperatorInfo{Title: "Rows", Detail: shape, Rows: v.rel.Rows(), Time: v.relSpent.time(), Bytes: v.rel.Bytes()})
	}
	return out
}

// keptInfo says where k is kept, and how many bytes of that count for v.
func (g *Graph) keptInfo(v *View, k *op.Kept) (info KeptInfo, bytes int64) {
	info.Side = k.Side()
	if k.Rows() == nil {
		scan, _, _ := k.Scanned()
		info.Own = scan.Name
		return info, 0
	}
	for _, h := range g.held {
		if h.rows != k.Rows() {
			continue
		}
		for _, u := range h.users {
			if u.view != v {
				info.With = append(info.With, u.view.id)
			}
		}
		bytes = h.rows.Bytes()
		if h.users[0].kept != k {
			info.Saved, bytes = bytes, 0
		}
	}
	return info, bytes
}

// describeNode is what EXPLAIN says of a node, without its columns.
func describeNode(n physical.Node) (title, detail string) {
	title, lines := physical.Describe(n)
	var rest []string
	for _, l := range lines {
		if !strings.HasPrefix(l, "Output: ") {
			rest = append(rest, l)
		}
	}
	return title, strings.Join(rest, "; ")
}

// Explain prints the dataflow that a plan would make here, and what of its state is there already.
func (g *Graph) Explain(plan *physical.View, since map[catalog.ID]uint64, name func(catalog.ID) string) ([]string, error) {
	v, err := BuildView(0, plan, 0)
	if err != nil {
		return nil, err
	}
	notes := map[physical.Node][]string{}
	for _, n := range v.nodes {
		keeper, ok := n.op.(op.Keeper)
		if !ok {
			continue
		}
		for _, k := range keeper.Keeps() {
			var info KeptInfo
			if g.own(k) {
				info, _ = g.keptInfo(v, k)
			} else if key, ok := shareKey(k, since); ok && g.held[key] != nil {
				info.Side = k.Side()
				for _, u := range g.held[key].users {
					info.With = append(info.With, u.view.id)
				}
			}
			if s := info.Text(name); s != "" {
				notes[n.plan] = append(notes[n.plan], s)
			}
		}
	}
	return physical.ExplainRunning(plan, func(n physical.Node) []string { return notes[n] }), nil
}

// Text is the info in words, "" if the input is kept by the operator alone.
func (k KeptInfo) Text(name func(catalog.ID) string) string {
	var s string
	switch {
	case k.Own != "":
		s = "in the rows of " + k.Own
	case len(k.With) > 0:
		names := make([]string, len(k.With))
		for i, id := range k.With {
			names[i] = name(id)
		}
		s = "shared with " + strings.Join(names, ", ")
	default:
		return ""
	}
	if k.Side == "" {
		return "State: " + s
	}
	return k.Side + " State: " + s
}
