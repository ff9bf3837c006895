package expr

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Plans are kept in the catalog, so this is a data format: fields may be added, and what is there keeps its
// meaning. Functions are named by kind, name and argument types, never by number:
//
//	{"call":"b +","sig":["int4","int4"],"args":[{"col":0,"type":"int4","name":"a"},{"const":"1","type":"int4"}],"type":"int4"}

// wire is an expression in JSON: one of the first fields says which.
type wire struct {
	Col      *int     `json:"col,omitempty"`
	Const    *string  `json:"const,omitempty"` // the value as text
	Raw      []byte   `json:"raw,omitempty"`   // the value's bytes, where its text would lose something
	Null     bool     `json:"null,omitempty"`
	Param    int      `json:"param,omitempty"`
	Outer    *int     `json:"outer,omitempty"`
	Call     string   `json:"call,omitempty"`
	And      []*wire  `json:"and,omitempty"`
	Or       []*wire  `json:"or,omitempty"`
	Not      *wire    `json:"not,omitempty"`
	IsNull   *wire    `json:"is_null,omitempty"`
	NotNull  *wire    `json:"is_not_null,omitempty"`
	Case     []*wire  `json:"case,omitempty"` // condition, result, condition, result, ...
	Else     *wire    `json:"else,omitempty"`
	Coalesce []*wire  `json:"coalesce,omitempty"`
	Array    *[]*wire `json:"array,omitempty"`
	Row      *[]*wire `json:"row,omitempty"`
	Subquery string   `json:"subquery,omitempty"` // its kind
	ID       int      `json:"id,omitempty"`
	Test     *wire    `json:"test,omitempty"`

	Name string   `json:"name,omitempty"`
	Sig  []string `json:"sig,omitempty"`
	Args []*wire  `json:"args,omitempty"`
	Type string   `json:"type,omitempty"`
}

// Marshal encodes an expression.
func Marshal(e Expr) ([]byte, error) {
	w, err := toWire(e)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(w); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// Unmarshal decodes an expression. A function that this version does not have is an error.
func Unmarshal(b []byte) (Expr, error) {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return nil, pgerr.Newf(pgerr.DataCorrupted, "stored expression cannot be read: %v", err)
	}
	return fromWire(&w)
}

func typeName(t types.Type) string {
	if t.Mod == -1 {
		return t.OID.TypName()
	}
	return t.OID.TypName() + ":" + strconv.Itoa(int(t.Mod))
}

func parseType(s string) (types.Type, error) {
	name, mod, has := strings.Cut(s, ":")
	oid, ok := types.ByTypName(name)
	if !ok {
		return types.Type{}, errStored("type %q", s)
	}
	t := types.T(oid)
	if has {
		m, err := strconv.ParseInt(mod, 10, 32)
		if err != nil {
			return types.Type{}, errStored("type %q", s)
		}
		t.Mod = int32(m)
	}
	return t, nil
}

func errStored(format string, args ...any) error {
	return pgerr.Newf(pgerr.DataCorrupted, "stored expression has an unknown %s", fmt.Sprintf(format, args...))
}

func toWires(es []Expr) ([]*wire, error) {
	ws := make([]*wire, len(es))
	for i, e := range es {
		w, err := toWire(e)
		if err != nil {
			return nil, err
		}
		ws[i] = w
	}
	return ws, nil
}

func toWire(e Expr) (*wire, error) {
	args, err := toWires(Children(e))
	if err != nil {
		return nil, err
	}
	w := &wire{Type: typeName(e.Type())}
	switch e := e.(type) {
	case *Col:
		w.Col, w.Name = &e.Index, e.Name
	case *Const:
		constToWire(w, e.Val)
	case *Param:
		w.Param = e.N
	case *Outer:
		w.Outer, w.Name = &e.Index, e.Name
	case *Call:
		w.Call, w.Args = string(rune(e.Fn.Kind))+" "+e.Fn.Name, args
		for _, a := range e.Fn.Args {
			w.Sig = append(w.Sig, a.TypName())
		}
	case *And:
		w.And, w.Type = args, ""
	case *Or:
		w.Or, w.Type = args, ""
	case *Not:
		w.Not, w.Type = args[0], ""
	case *IsNull:
		if w.Type = ""; e.Negate {
			w.NotNull = args[0]
		} else {
			w.IsNull = args[0]
		}
	case *Case:
		w.Case = args
		if e.Else != nil {
			w.Case, w.Else = args[:len(args)-1], args[len(args)-1]
		}
	case *Coalesce:
		w.Coalesce = args
	case *Array:
		w.Array = &args
	case *Row:
		w.Row, w.Type = &args, ""
	case *Subquery:
		w.Subquery, w.ID, w.Args = string(rune(e.Kind)), e.ID, args
		if e.Test != nil {
			w.Test, err = toWire(e.Test)
		}
	default:
		return nil, pgerr.Newf(pgerr.Internal, "cannot encode %T", e)
	}
	return w, err
}

// constToWire writes a constant as text if reading the text gives the same value.
func constToWire(w *wire, v vec.Scalar) {
	if v.Null {
		w.Null = true
		return
	}
	var text string
	if v.Type.Class() == types.I64 {
		text = strconv.FormatInt(v.I, 10)
	} else {
		text = string(types.AppendText(nil, v.Type, v.I, v.F, v.B, nil))
	}
	w.Const = &text
	back, err := constFromText(v.Type, text)
	if err != nil || !utf8.ValidString(text) || !sameScalar(back, v) {
		empty := ""
		w.Const, w.Raw = &empty, append([]byte{}, v.B...)
	}
}

func constFromText(t types.Type, s string) (v vec.Scalar, err error) {
	v.Type = t
	switch t.Class() {
	case types.I64:
		v.I, err = strconv.ParseInt(s, 10, 64)
	case types.F64:
		v.F, err = types.ParseF64(t, s)
	default:
		v.B, err = types.AppendParsedBytes([]byte{}, types.T(t.OID), s, nil)
	}
	return v, err
}

func fromWires(ws []*wire) ([]Expr, error) {
	es := make([]Expr, len(ws))
	for i, w := range ws {
		e, err := fromWire(w)
		if err != nil {
			return nil, err
		}
		es[i] = e
	}
	return es, nil
}

func fromWire(w *wire) (e Expr, err error) {
	if w == nil {
		return nil, errStored("node")
	}
	var t types.Type
	if w.Type != "" {
		if t, err = parseType(w.Type); err != nil {
			return nil, err
		}
	}
	if w.Type == "" && !w.isLogic() {
		return nil, errStored("node")
	}
	switch {
	case w.Col != nil:
		return &Col{Index: *w.Col, T: t, Name: w.Name}, nil
	case w.Null:
		return &Const{vec.NullOf(t)}, nil
	case w.Const != nil && len(w.Raw) > 0:
		return &Const{vec.Scalar{Type: t, B: w.Raw}}, nil
	case w.Const != nil:
		v, err := constFromText(t, *w.Const)
		return &Const{v}, err
	case w.Param > 0:
		return &Param{N: w.Param, T: t}, nil
	case w.Outer != nil:
		return &Outer{Index: *w.Outer, T: t, Name: w.Name}, nil
	case w.Call != "":
		return callFromWire(w, t)
	case w.Subquery != "":
		return subqueryFromWire(w, t)
	}
	return logicFromWire(w, t)
}

// isLogic reports whether the node is of a kind whose type goes without saying.
func (w *wire) isLogic() bool {
	return w.And != nil || w.Or != nil || w.Not != nil || w.IsNull != nil || w.NotNull != nil || w.Row != nil
}

func logicFromWire(w *wire, t types.Type) (Expr, error) {
	one := func(w *wire, f func(Expr) Expr) (Expr, error) {
		e, err := fromWire(w)
		if err != nil {
			return nil, err
		}
		return f(e), nil
	}
	many := func(ws []*wire, f func([]Expr) Expr) (Expr, error) {
		es, err := fromWires(ws)
		if err != nil {
			return nil, err
		}
		return f(es), nil
	}
	switch {
	case len(w.And) > 0:
		return many(w.And, func(es []Expr) Expr { return &And{es} })
	case len(w.Or) > 0:
		return many(w.Or, func(es []Expr) Expr { return &Or{es} })
	case w.Not != nil:
		return one(w.Not, func(e Expr) Expr { return &Not{e} })
	case w.IsNull != nil:
		return one(w.IsNull, func(e Expr) Expr { return &IsNull{Arg: e} })
	case w.NotNull != nil:
		return one(w.NotNull, func(e Expr) Expr { return &IsNull{Arg: e, Negate: true} })
	case len(w.Case) > 0:
		return caseFromWire(w, t)
	case len(w.Coalesce) > 0:
		return many(w.Coalesce, func(es []Expr) Expr { return &Coalesce{es, t} })
	case w.Array != nil:
		return many(*w.Array, func(es []Expr) Expr { return &Array{es, t} })
	case w.Row != nil:
		return many(*w.Row, func(es []Expr) Expr { return &Row{es} })
	}
	return nil, errStored("node")
}

func caseFromWire(w *wire, t types.Type) (Expr, error) {
	es, err := fromWires(w.Case)
	if err != nil {
		return nil, err
	}
	if len(es)%2 != 0 {
		return nil, errStored("CASE")
	}
	c := &Case{T: t}
	for i := 0; i < len(es); i += 2 {
		c.Whens = append(c.Whens, When{es[i], es[i+1]})
	}
	if w.Else != nil {
		c.Else, err = fromWire(w.Else)
	}
	return c, err
}

func callFromWire(w *wire, t types.Type) (Expr, error) {
	args, err := fromWires(w.Args)
	if err != nil {
		return nil, err
	}
	sig := make([]types.OID, len(w.Sig))
	for i, s := range w.Sig {
		var ok bool
		if sig[i], ok = types.ByTypName(s); !ok {
			return nil, errStored("type %q", s)
		}
	}
	kind, name, ok := strings.Cut(w.Call, " ")
	if !ok || len(kind) != 1 {
		return nil, errStored("call %q", w.Call)
	}
	fn, ok := funcs.Lookup(funcs.FuncKind(kind[0]), name, sig)
	if !ok {
		return nil, errStored("function %s(%s)", name, strings.Join(w.Sig, ", "))
	}
	if n := len(fn.Args); len(args) < n || len(args) > n && !fn.Variadic {
		return nil, errStored("call of %s with %d arguments", name, len(args))
	}
	return &Call{Fn: fn, Args: args, T: t}, nil
}

func subqueryFromWire(w *wire, t types.Type) (Expr, error) {
	args, err := fromWires(w.Args)
	if err != nil {
		return nil, err
	}
	s := &Subquery{ID: w.ID, Kind: SubqueryKind(w.Subquery[0]), Args: args, T: t}
	if w.Test != nil {
		s.Test, err = fromWire(w.Test)
	}
	return s, err
}
