package expr

import (
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Compile makes a Program of an expression.
func Compile(e Expr) (*Program, error) {
	root, err := compile(e)
	if err != nil {
		return nil, err
	}
	p := &Program{root: root, t: e.Type(), pred: &filter{}}
	if p.t.OID == types.Bool {
		if err := p.pred.add(e); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func compileAll(es []Expr) ([]node, error) {
	ns := make([]node, len(es))
	for i, e := range es {
		n, err := compile(e)
		if err != nil {
			return nil, err
		}
		ns[i] = n
	}
	return ns, nil
}

func compile(e Expr) (node, error) {
	switch e := e.(type) {
	case *Col:
		return &colNode{e.Index}, nil
	case *Const:
		return newConst(e.Val), nil
	case *Param:
		return &slotNode{c: newConst(vec.NullOf(e.T)), t: e.T, index: e.N - 1}, nil
	case *Outer:
		return &slotNode{c: newConst(vec.NullOf(e.T)), t: e.T, index: e.Index, outer: true}, nil
	case *Call:
		return compileCall(e)
	case *And:
		return compileLogic(false, e.Args)
	case *Or:
		return compileLogic(true, e.Args)
	case *Not:
		n, err := compile(e.Arg)
		return &notNode{arg: n, out: newResult(e.Type())}, err
	case *IsNull:
		n, err := compile(e.Arg)
		return &isNullNode{arg: n, negate: e.Negate, out: newResult(e.Type())}, err
	case *Case:
		return compileCase(e)
	case *Coalesce:
		args, err := compileAll(e.Args)
		return &coalesceNode{chooser: newChooser(e.T), args: args}, err
	case *Array:
		return compileArray(e)
	case *Row:
		return compileRow(e)
	case *Subquery:
		return compileSubquery(e)
	}
	return nil, pgerr.Newf(pgerr.Internal, "cannot compile %T", e)
}

func compileCall(e *Call) (node, error) {
	args, err := compileAll(e.Args)
	if err != nil {
		return nil, err
	}
	if e.Fn == funcs.Relabel {
		return &relabelNode{arg: args[0], t: e.T}, nil
	}
	ts := make([]types.Type, len(e.Args))
	for i, a := range e.Args {
		ts[i] = a.Type()
	}
	return newCall(e.Fn, args, ts, e.T), nil
}

func compileLogic(or bool, args []Expr) (node, error) {
	ns, err := compileAll(args)
	return newLogic(or, ns), err
}

func compileCase(e *Case) (node, error) {
	c := &caseNode{chooser: newChooser(e.T)}
	for _, w := range e.Whens {
		cond, err := compile(w.Cond)
		if err != nil {
			return nil, err
		}
		then, err := compile(w.Then)
		if err != nil {
			return nil, err
		}
		c.conds, c.thens = append(c.conds, cond), append(c.thens, then)
	}
	if e.Else == nil {
		return c, nil
	}
	var err error
	c.els, err = compile(e.Else)
	return c, err
}

// add appends the selectors of a condition: one for each operand of a conjunction.
func (f *filter) add(e Expr) error {
	if and, ok := e.(*And); ok {
		for _, a := range and.Args {
			if err := f.add(a); err != nil {
				return err
			}
		}
		return nil
	}
	s, err := compileSelector(e)
	f.parts = append(f.parts, s)
	return err
}

func compileSelector(e Expr) (selector, error) {
	if s, err := constSelector(e); s != nil || err != nil {
		return s, err
	}
	n, err := compile(e)
	return &boolSelector{n}, err
}

// constSelector recognises a comparison of a fixed-width integer or a text with a constant.
func constSelector(e Expr) (selector, error) {
	call, ok := e.(*Call)
	if !ok || call.Fn.Kind != funcs.Operator || len(call.Args) != 2 || call.T.OID != types.Bool {
		return nil, nil
	}
	arg, op := call.Args[0], call.Fn.Name
	val := constant(call.Args[1])
	if val == nil {
		if val = constant(call.Args[0]); val == nil {
			return nil, nil
		}
		arg, op = call.Args[1], swapped[op]
	}
	_, compares := intRange[op]
	l, r := call.Fn.Args[0], call.Fn.Args[1]
	switch {
	case !compares:
		return nil, nil
	case plainInt(l, r):
		n, err := compile(arg)
		return &rangeSelector{arg: n, op: op, val: val, negate: op == "<>"}, err
	case plainText(l, r) && (op == "=" || op == "<>"):
		n, err := compile(arg)
		return &textSelector{arg: n, val: val, ne: op == "<>"}, err
	}
	return nil, nil
}

var swapped = map[string]string{"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

// constant returns how to get the value of an operand that is constant during an Eval, or nil.
func constant(e Expr) func(ctx *funcs.Ctx) vec.Scalar {
	switch e := e.(type) {
	case *Const:
		v := e.Val
		return func(*funcs.Ctx) vec.Scalar { return v }
	case *Param:
		s := slotNode{t: e.T, index: e.N - 1}
		return s.value
	case *Outer:
		s := slotNode{t: e.T, index: e.Index, outer: true}
		return s.value
	}
	return nil
}

// plainInt reports whether values of the types compare as the integers they are stored as.
func plainInt(l, r types.OID) bool {
	ints := func(t types.OID) bool { return t == types.Int2 || t == types.Int4 || t == types.Int8 }
	return l == r && types.T(l).Class() == types.I64 || ints(l) && ints(r)
}

// plainText reports whether values of the types compare as the bytes they are stored as.
func plainText(l, r types.OID) bool {
	text := func(t types.OID) bool { return t == types.Text || t == types.Name }
	return text(l) && text(r) || l == r && (l == types.UUID || l == types.Bytea)
}
