package expr

import (
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// Coerce converts e to a type, as a cast in the given context does; false if there is no such cast. An untyped
// literal becomes a call of the type's input function: Fold it to read it at once.
func Coerce(e Expr, to types.Type, ctx funcs.CastContext) (Expr, bool) {
	from := e.Type()
	if from == to || to.OID == types.Any {
		return e, true
	}
	f, ok := funcs.FindCast(from, to, ctx)
	switch {
	case !ok:
		return nil, false
	case f != nil:
		return &Call{Fn: f, Args: []Expr{e}, T: to}, true
	case from.OID == to.OID:
		return e, true // to has no typmod: a narrower one does no harm
	}
	return relabel(e, to), true
}

// relabel changes the type of e, whose values are the same in both types.
func relabel(e Expr, to types.Type) Expr {
	switch x := e.(type) {
	case *Const:
		v := x.Val
		v.Type = to
		return &Const{v}
	case *Call:
		if x.Fn == funcs.Relabel {
			e = x.Args[0]
		}
	}
	return &Call{Fn: funcs.Relabel, Args: []Expr{e}, T: to}
}

// Null returns a null constant.
func Null(t types.Type) *Const { return &Const{vec.NullOf(t)} }

// Bool returns a bool constant.
func Bool(b bool) *Const { return &Const{boolScalar(b)} }

// Int returns an int8 constant.
func Int(v int64) *Const { return &Const{vec.Scalar{Type: types.T(types.Int8), I: v}} }

// Text returns a text constant.
func Text(s string) *Const { return &Const{vec.Scalar{Type: types.T(types.Text), B: []byte(s)}} }

// Literal returns an untyped literal.
func Literal(s string) *Const { return &Const{vec.Scalar{Type: types.T(types.Unknown), B: []byte(s)}} }
