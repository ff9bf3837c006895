package bind

import (
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// params infers the types of $1.. as PostgreSQL's parse_param.c does: the first context that asks for a type decides,
// a later one must agree.
type params struct {
	list []types.OID // 0: not used and not given; Unknown: used, not decided
	late []*expr.Param
}

// maxParams is what the protocol can carry.
const maxParams = 65535

func (p *params) given(oids []types.OID) { p.list = append([]types.OID(nil), oids...) }

// ref is a use of $n.
func (p *params) ref(n, pos int) (expr.Expr, error) {
	if n < 1 || n > maxParams {
		return nil, pgerr.Newf(pgerr.UndefinedParameter, "there is no parameter $%d", n).At(pos)
	}
	for len(p.list) < n {
		p.list = append(p.list, 0)
	}
	if p.list[n-1] == 0 {
		p.list[n-1] = types.Unknown
	}
	if p.list[n-1] != types.Unknown {
		return &expr.Param{N: n, T: types.T(p.list[n-1])}, nil
	}
	return &paramRef{expr.Param{N: n, T: types.T(types.Unknown)}, pos}, nil
}

// paramRef is a parameter whose type no context has decided yet, with its place in the text.
type paramRef struct {
	expr.Param
	pos int
}

// decide gives $n the type t that its context wants.
func (p *params) decide(r *paramRef, t types.Type) (expr.Expr, error) {
	switch old := p.list[r.N-1]; old {
	case types.Unknown:
		p.list[r.N-1] = t.OID
	case t.OID:
	default:
		return nil, pgerr.Newf(pgerr.AmbiguousParameter, "inconsistent types deduced for parameter $%d", r.N).
			WithDetail("%s versus %s", old, t.OID).At(r.pos)
	}
	return &expr.Param{N: r.N, T: types.T(t.OID)}, nil
}

// anyType is a use of $n that any type will do for, $1 IS NULL: other uses decide, or else it is text.
func (p *params) anyType(r *paramRef) expr.Expr {
	e := &expr.Param{N: r.N, T: types.T(types.Text)}
	p.late = append(p.late, e)
	return e
}

// Params returns the inferred types; a parameter whose type no context decided is an error.
func (b *Binder) Params() ([]types.Type, error) {
	for _, e := range b.params.late {
		if t := &b.params.list[e.N-1]; *t == types.Unknown {
			*t = types.Text
		}
		e.T = types.T(b.params.list[e.N-1])
	}
	out := make([]types.Type, len(b.params.list))
	for i, o := range b.params.list {
		if o == types.Unknown || o == 0 {
			return nil, pgerr.Newf(pgerr.IndeterminateDatatype, "could not determine data type of parameter $%d", i+1)
		}
		out[i] = types.T(o)
	}
	return out, nil
}
