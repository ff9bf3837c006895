package physical

import (
	"encoding/json"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// formatVersion is the version of encoded plans. A reader refuses a newer one.
const formatVersion = 1

// wireView is an encoded view. Its nodes are a list in which inputs stand before their consumers and are named by
// their place; a node that two consumers share is in it once.
type wireView struct {
	Format int
	Nodes  []*wireNode
	Root   int
	Key    []int        `json:",omitempty"`
	Reads  []catalog.ID `json:",omitempty"`
}

// wireNode is one node of any type, Op says which: the fields that the type has are set.
type wireNode struct {
	Op     string
	In     []int `json:",omitempty"`
	Out    []wireField
	Append bool `json:",omitempty"`

	Rel       catalog.ID          `json:",omitempty"`
	Name      string              `json:",omitempty"`
	Cols      []int               `json:",omitempty"`
	Rows      [][]json.RawMessage `json:",omitempty"`
	Filter    json.RawMessage     `json:",omitempty"` // also a join's residual
	Project   []json.RawMessage   `json:",omitempty"`
	Keys      []int               `json:",omitempty"`
	RKeys     []int               `json:",omitempty"`
	Kind      string              `json:",omitempty"`
	NullSafe  bool                `json:",omitempty"`
	Aggs      []wireAgg           `json:",omitempty"`
	WindowEnd *int                `json:",omitempty"`
	Order     []SortKey           `json:",omitempty"`
	Funcs     []wireFunc          `json:",omitempty"`
	Limit     int64               `json:",omitempty"`
	Offset    int64               `json:",omitempty"`
	Slide     int64               `json:",omitempty"`
	Size      int64               `json:",omitempty"`
	Origin    int64               `json:",omitempty"`
	Col       int                 `json:",omitempty"` // time column, end column
	Except    bool                `json:",omitempty"`
	All       bool                `json:",omitempty"`
	Ord       bool                `json:",omitempty"`
	Outer     bool                `json:",omitempty"`
}

type wireField struct {
	Name string
	Type types.OID
	Mod  int32
}

type wireAgg struct {
	Fn       string
	Sig      []types.OID
	Args     []int `json:",omitempty"`
	Distinct bool  `json:",omitempty"`
	Filter   int
	Order    []SortKey `json:",omitempty"`
	Type     types.OID
	Mod      int32
}

type wireFunc struct {
	Name   string
	Agg    *wireAgg `json:",omitempty"`
	Args   []int    `json:",omitempty"`
	Frame  Frame
	Filter int
	Type   types.OID
	Mod    int32
}

// Encode returns the plan of a view as bytes for the catalog.
func Encode(v *View) ([]byte, error) {
	e := encoder{index: map[Node]int{}}
	root, err := e.node(v.Root)
	if err != nil {
		return nil, err
	}
	return json.Marshal(wireView{Format: formatVersion, Nodes: e.nodes, Root: root, Key: v.Key, Reads: v.Reads})
}

type encoder struct {
	nodes []*wireNode
	index map[Node]int
}

func (e *encoder) node(n Node) (int, error) {
	if i, ok := e.index[n]; ok {
		return i, nil
	}
	w := &wireNode{Append: n.AppendOnly()}
	for _, f := range n.Fields() {
		w.Out = append(w.Out, wireField{f.Name, f.Type.OID, f.Type.Mod})
	}
	for _, in := range n.Inputs() {
		i, err := e.node(in)
		if err != nil {
			return 0, err
		}
		w.In = append(w.In, i)
	}
	if err := w.fill(n); err != nil {
		return 0, err
	}
	e.index[n] = len(e.nodes)
	e.nodes = append(e.nodes, w)
	return len(e.nodes) - 1, nil
}

// fill sets the fields of w that n's type has. A node that views do not use is an error.
func (w *wireNode) fill(n Node) (err error) {
	switch n := n.(type) {
	case *Scan:
		w.Op, w.Rel, w.Name, w.Cols = "scan", n.Rel, n.Name, n.Cols
	case *Values:
		w.Op = "values"
		if n.Batch != nil {
			return pgerr.New(pgerr.Internal, "a view cannot hold a batch")
		}
		for _, r := range n.Rows {
			row, err := marshalAll(r)
			if err != nil {
				return err
			}
			w.Rows = append(w.Rows, row)
		}
	case *Map:
		w.Op = "map"
		if w.Filter, err = marshal(n.Filter); err == nil {
			w.Project, err = marshalAll(n.Project)
		}
	case *Aggregate:
		w.Op, w.Keys, w.WindowEnd = "aggregate", n.Keys, &n.WindowEnd
		for i := range n.Aggs {
			w.Aggs = append(w.Aggs, toWireAgg(&n.Aggs[i]))
		}
	case *Distinct:
		w.Op = "distinct"
	case *Join:
		w.Op, w.Kind, w.Keys, w.RKeys, w.NullSafe = "join", string(n.Kind), n.LKeys, n.RKeys, n.NullSafe
		w.Filter, err = marshal(n.Residual)
	case *Union:
		w.Op = "union"
	case *SetOp:
		w.Op, w.Except, w.All = "setop", n.Except, n.All
	case *Window:
		w.Op, w.Keys, w.Order = "window", n.Partition, n.Order
		for i := range n.Funcs {
			w.Funcs = append(w.Funcs, toWireFunc(&n.Funcs[i]))
		}
	case *TopN:
		w.Op, w.Keys, w.Order, w.Limit, w.Offset = "topn", n.Partition, n.Order, n.Limit, n.Offset
	case *Hop:
		w.Op, w.Col, w.Slide, w.Size, w.Origin = "hop", n.TimeCol, n.Slide, n.Size, n.Origin
	case *Expand:
		w.Op, w.Name, w.Ord, w.Outer = "expand", n.Name, n.Ordinality, n.Outer
		w.Project, err = marshalAll(n.Args)
	case *EmitOnClose:
		w.Op, w.Col, w.Rel = "emit", n.EndCol, n.Rel
	default:
		return pgerr.Newf(pgerr.Internal, "a view cannot hold a %T", n)
	}
	return err
}

func marshal(x expr.Expr) (json.RawMessage, error) {
	if x == nil {
		return nil, nil
	}
	return expr.Marshal(x)
}

func marshalAll(list []expr.Expr) ([]json.RawMessage, error) {
	out := make([]json.RawMessage, len(list))
	for i, x := range list {
		var err error
		if out[i], err = expr.Marshal(x); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func toWireAgg(a *Agg) wireAgg {
	return wireAgg{Fn: a.Fn.Name, Sig: a.Fn.Args, Args: a.Args, Distinct: a.Distinct, Filter: a.Filter, Order: a.Order,
		Type: a.T.OID, Mod: a.T.Mod}
}

func toWireFunc(f *WindowFunc) wireFunc {
	w := wireFunc{Name: f.Name, Args: f.Args, Frame: f.Frame, Filter: f.Filter, Type: f.T.OID, Mod: f.T.Mod}
	if f.Agg != nil {
		w.Agg = &wireAgg{Fn: f.Agg.Name, Sig: f.Agg.Args}
	}
	return w
}

func aggregateOf(name string, sig []types.OID) (*funcs.Aggregate, error) {
	fn, ok := funcs.LookupAggregate(name, sig)
	if !ok {
		return nil, pgerr.Newf(pgerr.DataCorrupted, "stored plan uses an unknown aggregate %s", name)
	}
	return fn, nil
}
