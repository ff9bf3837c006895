package dataflow

import (
	"fmt"
	"reflect"

	"github.com/millracedb/millrace/exec/op"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/planner/physical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// BuildView makes the operators of a view, with empty state. Its state tables have the ids from base on.
func BuildView(id catalog.ID, plan *physical.View, base uint32) (*View, error) {
	v := &View{id: id, reads: plan.Reads, key: plan.Key}
	b := &builder{v: v, tables: op.NewTableAlloc(base)}
	root, err := b.build(plan.Root, 0)
	if err != nil {
		return nil, err
	}
	if err := b.rows(plan, root); err != nil {
		return nil, err
	}
	if root < 0 {
		v.scans[-root-1].outs = []op.Emit{v.collect}
	} else {
		v.nodes[root].outs = []op.Emit{v.collect}
	}
	v.tables = b.tables.Taken()
	return v, nil
}

// StateTables is the number of state table ids that a view needs.
func StateTables(plan *physical.View) int {
	v, err := BuildView(0, plan, 0)
	if err != nil { // BuildView will say so again, to somebody who can report it
		return 0
	}
	return v.tables
}

type builder struct {
	v      *View
	tables *op.TableAlloc
	made   []made
}

// made is a part of the plan that has been built, as node (or, negative, scan) at.
type made struct {
	n      physical.Node
	stream catalog.ID
	at     int
}

// build makes the nodes of a plan, inputs first, and returns the number of the last one, or -1-i for scan i. stream is
// the one whose watermark closes windows here. Parts that coincide, a CTE used twice or both sides of a self join, are
// built once and feed all that use them.
func (b *builder) build(n physical.Node, stream catalog.ID) (int, error) {
	for _, m := range b.made {
		if m.stream == stream && reflect.DeepEqual(m.n, n) {
			return m.at, nil
		}
	}
	at, err := b.make(n, stream)
	if err == nil {
		b.made = append(b.made, made{n, stream, at})
	}
	return at, err
}

func (b *builder) make(n physical.Node, stream catalog.ID) (int, error) {
	if s, ok := n.(*physical.Scan); ok {
		b.v.scans = append(b.v.scans, newScan(s))
		return -len(b.v.scans), nil
	}
	if e, ok := n.(*physical.EmitOnClose); ok {
		stream = e.Rel
	}
	var ins []int
	for _, in := range n.Inputs() {
		i, err := b.build(in, stream)
		if err != nil {
			return 0, err
		}
		ins = append(ins, i)
	}
	o, err := b.operator(n, stream)
	if err != nil {
		return 0, err
	}
	return b.v.addNode(o, n, ins), nil
}

func (b *builder) operator(n physical.Node, stream catalog.ID) (op.Operator, error) {
	switch n := n.(type) {
	case *physical.Map:
		return op.NewMap(n)
	case *physical.Aggregate:
		if n.Collects() {
			return op.NewCollect(n, b.tables), nil
		}
		b.v.start = b.v.start || len(n.Keys) == 0
		b.v.timed = b.v.timed || n.WindowEnd >= 0 && stream != 0
		return op.NewAggregate(n, b.tables, stream), nil
	case *physical.Distinct:
		return op.NewAggregate(op.DistinctPlan(n), b.tables, 0), nil
	case *physical.Hop:
		return op.NewHop(n), nil
	case *physical.Expand:
		return op.NewExpand(n)
	case *physical.Union:
		return op.NewUnion(n), nil
	case *physical.Values:
		b.v.start = true
		return op.NewValues(n, b.tables), nil
	case *physical.Join:
		return op.NewJoin(n, b.tables)
	case *physical.Window:
		return op.NewWindow(n, b.tables)
	case *physical.TopN:
		return op.NewTopN(n, b.tables)
	case *physical.EmitOnClose:
		b.v.timed = true
		return op.NewEmitOnClose(n, b.tables), nil
	}
	return nil, pgerr.Unsupported(fmt.Sprintf("%T in a materialized view", n))
}

// rows decides where the rows of the view are kept. The groups of an Aggregate or a DISTINCT at the root are the rows
// already, also under a Map that only puts its columns in another order; else a relation takes the output.
func (b *builder) rows(plan *physical.View, root int) error {
	if cols := groupColumns(plan.Root); cols != nil {
		i := root
		if _, ok := plan.Root.(*physical.Map); ok {
			i--
		}
		a := b.v.nodes[i].op.(*op.Aggregate)
		if r := op.NewGroupReader(a, cols, plan.Key); r != nil {
			b.v.groups, b.v.reader = a, r
		}
	}
	fields := plan.Root.Fields()
	ts := make([]types.Type, len(fields))
	for i, f := range fields {
		ts[i] = f.Type
	}
	b.v.types = ts
	if b.v.groups == nil {
		rel := state.NewRelation(b.tables.Next(), ts, plan.Key, plan.Root.AppendOnly())
		b.v.rel, b.v.reader = rel, rel
	}
	return nil
}

// groupColumns says where in the output of the operator whose groups are the rows of the plan each column is; nil if there
// is no such operator.
func groupColumns(n physical.Node) []int {
	switch n := n.(type) {
	case *physical.Aggregate, *physical.Distinct:
		if a, ok := n.(*physical.Aggregate); ok && a.Collects() {
			return nil
		}
		cols := make([]int, len(n.Fields()))
		for i := range cols {
			cols[i] = i
		}
		return cols
	case *physical.Map:
		if _, twice := n.Input.(*physical.Map); twice || n.Filter != nil {
			return nil
		}
		under := groupColumns(n.Input)
		if under == nil {
			return nil
		}
		cols := make([]int, len(n.Project))
		for i, e := range n.Project {
			c, ok := e.(*expr.Col)
			if !ok {
				return nil
			}
			cols[i] = under[c.Index]
		}
		return cols
	}
	return nil
}
