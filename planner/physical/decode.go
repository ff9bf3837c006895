package physical

import (
	"encoding/json"

	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

func damaged(format string, args ...any) error {
	return pgerr.Newf(pgerr.DataCorrupted, "stored plan is damaged: "+format, args...)
}

// Decode is the inverse of Encode. Bytes that are no plan are an error, whatever they are.
func Decode(data []byte) (*View, error) {
	var w wireView
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, damaged("%v", err)
	}
	if w.Format < 1 || w.Format > formatVersion {
		return nil, pgerr.Newf(pgerr.FeatureNotSupported, "stored plan has format %d, this version reads up to %d", w.Format, formatVersion)
	}
	d := decoder{nodes: make([]Node, len(w.Nodes))}
	for i, n := range w.Nodes {
		if n == nil {
			return nil, damaged("node %d is missing", i)
		}
		var err error
		if d.nodes[i], err = d.node(i, n); err != nil {
			return nil, err
		}
	}
	if w.Root < 0 || w.Root >= len(d.nodes) {
		return nil, damaged("there is no node %d", w.Root)
	}
	root := d.nodes[w.Root]
	if !within(w.Key, len(root.Fields())) {
		return nil, damaged("the key is not among the columns")
	}
	return &View{Root: root, Key: w.Key, Reads: w.Reads}, nil
}

type decoder struct{ nodes []Node }

// arity is how many inputs each node has; -1 means any number from one.
var arity = map[string]int{
	"scan": 0, "values": 0, "map": 1, "aggregate": 1, "distinct": 1, "join": 2, "union": -1, "setop": 2, "window": 1,
	"topn": 1, "hop": 1, "expand": 1, "emit": 1,
}

func (d *decoder) node(i int, w *wireNode) (Node, error) {
	n, known := arity[w.Op]
	if !known {
		return nil, damaged("unknown operator %q", w.Op)
	}
	if n >= 0 && len(w.In) != n || n < 0 && len(w.In) == 0 {
		return nil, damaged("%s has %d inputs", w.Op, len(w.In))
	}
	in := make([]Node, len(w.In))
	for k, j := range w.In {
		if j < 0 || j >= i {
			return nil, damaged("node %d reads node %d", i, j)
		}
		in[k] = d.nodes[j]
	}
	if err := w.check(in); err != nil {
		return nil, err
	}
	b := Base{Append: w.Append, Out: make([]Field, len(w.Out))}
	for k, f := range w.Out {
		b.Out[k] = Field{f.Name, types.Type{OID: f.Type, Mod: f.Mod}}
	}
	return w.build(b, in)
}

// check verifies that positions lie within the inputs.
func (w *wireNode) check(in []Node) error {
	width := 0
	if len(in) > 0 {
		width = len(in[0].Fields())
	}
	ok := within(w.Keys, width)
	if len(in) > 1 && w.Op == "join" {
		ok = ok && within(w.RKeys, len(in[1].Fields())) && len(w.Keys) == len(w.RKeys)
	}
	for _, k := range w.Order {
		ok = ok && within([]int{k.Col}, width)
	}
	for _, a := range w.Aggs {
		ok = ok && within(a.Args, width) && a.Filter >= -1 && a.Filter < width
	}
	for _, f := range w.Funcs {
		ok = ok && within(f.Args, width) && f.Filter >= -1 && f.Filter < width
	}
	if w.Op == "hop" || w.Op == "emit" {
		ok = ok && within([]int{w.Col}, width)
	}
	if w.WindowEnd != nil {
		ok = ok && *w.WindowEnd >= -1 && *w.WindowEnd < len(w.Keys)
	}
	if !ok {
		return damaged("%s uses a column that its input does not have", w.Op)
	}
	return nil
}

func within(cols []int, width int) bool {
	for _, c := range cols {
		if c < 0 || c >= width {
			return false
		}
	}
	return true
}

func (w *wireNode) build(b Base, in []Node) (Node, error) {
	switch w.Op {
	case "scan":
		return &Scan{Base: b, Rel: w.Rel, Name: w.Name, Cols: w.Cols}, nil
	case "values":
		v := &Values{Base: b, Rows: [][]expr.Expr{}}
		for _, r := range w.Rows {
			row, err := unmarshalAll(r)
			if err != nil {
				return nil, err
			}
			v.Rows = append(v.Rows, row)
		}
		return v, nil
	case "map":
		return w.buildMap(b, in[0])
	case "aggregate":
		return w.buildAggregate(b, in[0])
	case "distinct":
		return &Distinct{Base: b, Input: in[0]}, nil
	case "join":
		residual, err := unmarshal(w.Filter)
		return &Join{Base: b, Left: in[0], Right: in[1], Kind: JoinKind(w.Kind), LKeys: w.Keys, RKeys: w.RKeys,
			NullSafe: w.NullSafe, Residual: residual}, err
	case "union":
		return &Union{Base: b, In: in}, nil
	case "setop":
		return &SetOp{Base: b, Left: in[0], Right: in[1], Except: w.Except, All: w.All}, nil
	case "window":
		return w.buildWindow(b, in[0])
	case "topn":
		return &TopN{Base: b, Input: in[0], Partition: w.Keys, Order: w.Order, Limit: w.Limit, Offset: w.Offset}, nil
	case "hop":
		if w.Slide <= 0 || w.Size <= 0 {
			return nil, damaged("hop has no size")
		}
		return &Hop{Base: b, Input: in[0], TimeCol: w.Col, Slide: w.Slide, Size: w.Size, Origin: w.Origin}, nil
	case "expand":
		return w.buildExpand(b, in[0])
	}
	return &EmitOnClose{Base: b, Input: in[0], EndCol: w.Col, Rel: w.Rel}, nil
}

func (w *wireNode) buildExpand(b Base, in Node) (Node, error) {
	args, err := unmarshalAll(w.Project)
	if err != nil {
		return nil, err
	}
	return &Expand{Base: b, Input: in, Name: w.Name, Args: args, Ordinality: w.Ord, Outer: w.Outer}, nil
}

func (w *wireNode) buildMap(b Base, in Node) (Node, error) {
	filter, err := unmarshal(w.Filter)
	if err != nil {
		return nil, err
	}
	project, err := unmarshalAll(w.Project)
	if err != nil {
		return nil, err
	}
	if len(project) != len(b.Out) {
		return nil, damaged("map has %d columns and computes %d", len(b.Out), len(project))
	}
	return &Map{Base: b, Input: in, Filter: filter, Project: project}, nil
}

func (w *wireNode) buildAggregate(b Base, in Node) (Node, error) {
	n := &Aggregate{Base: b, Input: in, Keys: w.Keys, WindowEnd: -1}
	if w.WindowEnd != nil {
		n.WindowEnd = *w.WindowEnd
	}
	for _, a := range w.Aggs {
		fn, err := aggregateOf(a.Fn, a.Sig)
		if err != nil {
			return nil, err
		}
		n.Aggs = append(n.Aggs, Agg{Fn: fn, Args: a.Args, Distinct: a.Distinct, Filter: a.Filter, Order: a.Order,
			T: types.Type{OID: a.Type, Mod: a.Mod}})
	}
	return n, nil
}

func (w *wireNode) buildWindow(b Base, in Node) (Node, error) {
	n := &Window{Base: b, Input: in, Partition: w.Keys, Order: w.Order}
	for _, f := range w.Funcs {
		wf := WindowFunc{Name: f.Name, Args: f.Args, Frame: f.Frame, Filter: f.Filter, T: types.Type{OID: f.Type, Mod: f.Mod}}
		if f.Agg != nil {
			fn, err := aggregateOf(f.Agg.Fn, f.Agg.Sig)
			if err != nil {
				return nil, err
			}
			wf.Agg = fn
		}
		n.Funcs = append(n.Funcs, wf)
	}
	return n, nil
}

func unmarshal(data json.RawMessage) (expr.Expr, error) {
	if len(data) == 0 || string(data) == "null" {
		return nil, nil
	}
	return expr.Unmarshal(data)
}

func unmarshalAll(list []json.RawMessage) ([]expr.Expr, error) {
	out := make([]expr.Expr, len(list))
	for i, m := range list {
		var err error
		if out[i], err = expr.Unmarshal(m); err != nil {
			return nil, err
		}
	}
	return out, nil
}
