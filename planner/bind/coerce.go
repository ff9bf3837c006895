package bind

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

var (
	boolType    = types.T(types.Bool)
	textType    = types.T(types.Text)
	unknownType = types.T(types.Unknown)
	int4Type    = types.T(types.Int4)
	int8Type    = types.T(types.Int8)
)

// literal is an untyped string constant or NULL: an expr.Const of type unknown with its place in the text.
type literal struct {
	expr.Const
	pos int
}

func untyped(text string, pos int) expr.Expr {
	return &literal{expr.Const{Val: vec.Scalar{Type: unknownType, B: []byte(text)}}, pos}
}

func untypedNull(pos int) expr.Expr {
	return &literal{expr.Const{Val: vec.NullOf(unknownType)}, pos}
}

func constInt(t types.OID, v int64) expr.Expr {
	return &expr.Const{Val: vec.Scalar{Type: types.T(t), I: v}}
}

func constBool(v bool) expr.Expr {
	if v {
		return constInt(types.Bool, 1)
	}
	return constInt(types.Bool, 0)
}

func nullOf(t types.Type) expr.Expr { return &expr.Const{Val: vec.NullOf(t)} }

func isUnknown(e expr.Expr) bool { return e.Type().OID == types.Unknown }

// posOf is where e was written, or -1.
func posOf(e expr.Expr) int {
	switch e := e.(type) {
	case *literal:
		return e.pos
	case *paramRef:
		return e.pos
	case *logical.Var:
		return e.Pos
	}
	return -1
}

// coerce brings e to type t in a context. ok is false if there is no such cast; err is a literal that cannot be read
// or a parameter that is used as something else.
func (b *Binder) coerce(e expr.Expr, t types.Type, ctx funcs.CastContext) (r expr.Expr, ok bool, err error) {
	switch x := e.(type) {
	case *literal:
		r, err := b.readLiteral(x, t)
		return r, true, err
	case *paramRef:
		p, err := b.params.decide(x, t)
		if err != nil || t.Mod == -1 {
			return p, true, err
		}
		return b.coerce(p, t, ctx)
	case *record:
		if t.OID == types.Record {
			return e, true, nil
		}
		e = finishRecord(x)
	}
	from := e.Type()
	if from == t {
		return e, true, nil
	}
	if a, isArray := e.(*expr.Array); isArray && from.OID == t.OID && t.Mod == -1 {
		return a, true, nil
	}
	f, ok := funcs.FindCast(from, t, ctx)
	if !ok {
		return nil, false, nil
	}
	if f == nil {
		return relabel(e, t), true, nil
	}
	return &expr.Call{Fn: f, Args: []expr.Expr{e}, T: t}, true, nil
}

// relabel gives the value of e, unchanged, another type.
func relabel(e expr.Expr, t types.Type) expr.Expr {
	if e.Type() == t {
		return e
	}
	switch x := e.(type) {
	case *expr.Const:
		v := x.Val
		v.Type = t
		return &expr.Const{Val: v}
	case *expr.Call:
		if x.Fn == funcs.Relabel {
			return relabel(x.Args[0], t)
		}
	}
	return &expr.Call{Fn: funcs.Relabel, Args: []expr.Expr{e}, T: t}
}

// readLiteral turns an untyped literal into a constant of type t.
func (b *Binder) readLiteral(l *literal, t types.Type) (expr.Expr, error) {
	if l.Val.Null {
		return nullOf(t), nil
	}
	switch t.OID {
	case types.Unknown, types.Any, types.Cstring:
		return &expr.Const{Val: vec.Scalar{Type: textType, B: l.Val.B}}, nil
	case types.Record:
		return nil, pgerr.New(pgerr.FeatureNotSupported, "input of anonymous composite types is not implemented").At(l.pos)
	}
	v, err := b.parseText(types.Str(l.Val.B), t)
	if err != nil {
		return nil, inputError(err, l.pos)
	}
	return &expr.Const{Val: v}, nil
}

// inputError places the error of a literal that cannot be read. One that is read but does not fit the typmod has no
// place: PostgreSQL finds that out when it runs the statement.
func inputError(err error, pos int) error {
	if err == nil {
		return nil
	}
	switch e := pgerr.Of(err); {
	case e.Code == pgerr.StringDataRightTruncation, e.Message == "numeric field overflow":
		return err
	}
	return at(err, pos)
}

// parseText reads a value of type t.
func (b *Binder) parseText(s string, t types.Type) (vec.Scalar, error) {
	v := vec.Scalar{Type: t}
	var err error
	switch t.Class() {
	case types.I64:
		v.I, err = types.ParseI64(t, s, b.typesEnv())
	case types.F64:
		v.F, err = types.ParseF64(t, s)
	default:
		v.B, err = types.AppendParsedBytes(nil, t, s, b.typesEnv())
	}
	return v, err
}

// cast is coerce for a cast that is written in the text. Such a cast cuts a string to its length, where reading a
// literal of that type would raise.
func (b *Binder) cast(e expr.Expr, t types.Type, pos int) (expr.Expr, error) {
	if l, ok := e.(*literal); ok && t.Mod != -1 && (t.OID == types.Varchar || t.OID == types.BPChar) {
		var err error
		if e, err = b.readLiteral(l, types.T(t.OID)); err != nil {
			return nil, err
		}
	}
	r, ok, err := b.coerce(e, t, funcs.Explicit)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, pgerr.Newf(pgerr.CannotCoerce, "cannot cast type %s to %s", e.Type().OID, t.OID).At(pos)
	}
	return r, nil
}

// implicit is coerce where resolution has already found that the types fit.
func (b *Binder) implicit(e expr.Expr, t types.Type) (expr.Expr, error) {
	if r, ok := e.(*expr.Row); ok {
		e = finishRow(r.Elems)
	}
	if e.Type().OID == t.OID && !isUnknown(e) { // never change a typmod implicitly
		return e, nil
	}
	switch t.OID {
	case types.Any, types.Record, types.AnyElement, types.AnyArray:
		if !isUnknown(e) {
			return e, nil
		}
		t = textType
	}
	r, ok, err := b.coerce(e, t, funcs.Implicit)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, pgerr.Newf(pgerr.CannotCoerce, "cannot cast type %s to %s", e.Type().OID, t.OID).At(posOf(e))
	}
	return r, nil
}

// assign brings e to the type of the column it is stored in.
func (b *Binder) assign(e expr.Expr, t types.Type, column string, pos int) (expr.Expr, error) {
	r, ok, err := b.coerce(e, t, funcs.Assignment)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, pgerr.Newf(pgerr.DatatypeMismatch, `column "%s" is of type %s but expression is of type %s`,
			column, t.OID, e.Type().OID).WithHint("You will need to rewrite or cast the expression.").At(pos)
	}
	return r, nil
}

// toBool brings e to bool; what names the clause: "argument of WHERE".
func (b *Binder) toBool(e expr.Expr, what string, pos int) (expr.Expr, error) {
	r, ok, err := b.coerce(e, boolType, funcs.Implicit)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, pgerr.Newf(pgerr.DatatypeMismatch, "%s must be type boolean, not type %s", what, e.Type().OID).At(pos)
	}
	return r, nil
}

// resolved gives an expression whose type is still unknown the type text, and makes records plain rows.
func (b *Binder) resolved(e expr.Expr) (expr.Expr, error) {
	switch r := e.(type) {
	case *record:
		return finishRecord(r), nil
	case *expr.Row:
		return finishRow(r.Elems), nil
	}
	if !isUnknown(e) {
		return e, nil
	}
	return b.implicit(e, textType)
}

// finishRecord is the row that a record is as a value.
func finishRecord(r *record) expr.Expr { return finishRow(r.elems) }

// finishRow makes a row whose untyped literals are text.
func finishRow(elems []expr.Expr) expr.Expr {
	out := make([]expr.Expr, len(elems))
	for i, e := range elems {
		switch x := e.(type) {
		case *literal:
			v := x.Val
			v.Type = textType
			e = &expr.Const{Val: v}
		case *record:
			e = finishRecord(x)
		case *expr.Row:
			e = finishRow(x.Elems)
		}
		out[i] = e
	}
	return &expr.Row{Elems: out}
}

// common brings a list of expressions to their common type; what is the construct in messages: "CASE", "UNION".
func (b *Binder) common(what string, list []expr.Expr, pos []int) ([]expr.Expr, types.Type, error) {
	ts := make([]types.Type, len(list))
	for i, e := range list {
		ts[i] = e.Type()
	}
	t, err := commonType(what, ts, pos)
	if err != nil {
		return nil, t, err
	}
	out := make([]expr.Expr, len(list))
	for i, e := range list {
		r, ok, err := b.coerceKeep(e, t)
		if err != nil {
			return nil, t, err
		}
		if !ok {
			if what == "CASE" {
				what = [...]string{"CASE/ELSE", "CASE/WHEN"}[min(i, 1)]
			}
			return nil, t, pgerr.Newf(pgerr.CannotCoerce, "%s could not convert type %s to %s", what, e.Type().OID, t.OID).
				At(at2(pos, i))
		}
		out[i] = r
	}
	return out, t, nil
}

// coerceKeep coerces to the type t, keeping e's typmod when t has none.
func (b *Binder) coerceKeep(e expr.Expr, t types.Type) (expr.Expr, bool, error) {
	if e.Type().OID == t.OID && t.Mod == -1 && !isUnknown(e) {
		if e.Type().Mod != -1 {
			return relabel(e, t), true, nil
		}
		return e, true, nil
	}
	return b.coerce(e, t, funcs.Implicit)
}

// commonType is funcs.CommonType with the position of the branch that does not fit.
func commonType(what string, ts []types.Type, pos []int) (types.Type, error) {
	t, err := funcs.CommonType(what, ts)
	if err == nil {
		return t, nil
	}
	for n := 2; n <= len(ts); n++ { // the first branch that makes it fail is the one to point at
		if _, err2 := funcs.CommonType(what, ts[:n]); err2 != nil {
			return t, at(err2, at2(pos, n-1))
		}
	}
	return t, err
}

func at2(pos []int, i int) int {
	if i < len(pos) {
		return pos[i]
	}
	return -1
}

// constant evaluates e if it is constant; nil if it is not.
func (b *Binder) constant(e expr.Expr) (*vec.Scalar, error) {
	if !logical.IsConst(e) {
		return nil, nil
	}
	v, err := logical.NewFolder(b.env.Funcs).Eval(e)
	return &v, err
}
