package rewrite

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/expr"
	"github.com/millracedb/millrace/sql/funcs"
	"github.com/millracedb/millrace/sql/types"
)

// lookups turns a filter that fixes every column of a relation's primary key into a lookup: WHERE id = $1.
func (r *rewriter) lookups(n logical.Node) logical.Node {
	if f, ok := n.(*logical.Filter); ok {
		if s := keyed(f); s != nil {
			return s
		}
	}
	for i, c := range n.Children() {
		n.SetChild(i, r.lookups(c))
	}
	return n
}

// keyed returns what is left of the filter if it is a lookup: the Scan, or the Filter with fewer conditions; nil if it
// is none.
func keyed(f *logical.Filter) logical.Node {
	s, ok := f.Input.(*logical.Scan)
	if !ok || s.Lookup != nil || len(s.Rel.PrimaryKey) == 0 || s.Rel.Kind != catalog.Table && s.Rel.Kind != catalog.MatView {
		return nil
	}
	used := make([]bool, len(f.Conds))
	values := make([]expr.Expr, len(s.Rel.PrimaryKey))
	for k, col := range s.Rel.PrimaryKey {
		for i, c := range f.Conds {
			if v := keyValue(c, s, col); v != nil && values[k] == nil {
				values[k], used[i] = v, true
			}
		}
		if values[k] == nil {
			return nil
		}
	}
	s.Lookup = values
	var rest []expr.Expr
	for i, c := range f.Conds {
		if !used[i] {
			rest = append(rest, c)
		}
	}
	if len(rest) == 0 {
		return s
	}
	return &logical.Filter{Input: s, Conds: rest}
}

// keyValue reads col = value, with a value that does not depend on the relation's rows and is of the column's type.
func keyValue(e expr.Expr, s *logical.Scan, col int) expr.Expr {
	c, ok := e.(*expr.Call)
	if !ok || c.Fn.Kind != funcs.Operator || c.Fn.Name != "=" || len(c.Args) != 2 {
		return nil
	}
	out := logical.Outputs(s)
	for i := range 2 {
		id, ok := plainColumn(c.Args[i])
		v := c.Args[1-i]
		if !ok || id != s.Cols[col] || logical.Cols(v).Meets(out) || logical.HasSubquery(v) || logical.MayRaise(v) {
			continue
		}
		return sameType(v, s.Rel.Columns[col].Type)
	}
	return nil
}

// plainColumn sees through a change of label: varchar compared as text.
func plainColumn(e expr.Expr) (logical.ColID, bool) {
	if c, ok := e.(*expr.Call); ok && c.Fn == funcs.Relabel {
		e = c.Args[0]
	}
	v, ok := e.(*logical.Var)
	if !ok {
		return 0, false
	}
	return v.ID, true
}

// sameType gives v the column's type if equal values have equal forms in both; nil if that is not so.
func sameType(v expr.Expr, t types.Type) expr.Expr {
	from := v.Type()
	switch {
	case from.OID == t.OID:
		return v
	case isInt(from.OID) && isInt(t.OID):
		// An int4 looked up in a bigint column; the other way round a value may not fit, and then matches nothing.
		if width(from.OID) > width(t.OID) {
			if c, ok := v.(*expr.Const); !ok || c.Val.Null || !fits(c.Val.I, t.OID) {
				return nil
			}
		}
		return retype(v, t)
	case isText(from.OID) && isText(t.OID):
		return retype(v, t)
	}
	return nil
}

func retype(v expr.Expr, t types.Type) expr.Expr {
	t.Mod = -1
	if c, ok := v.(*expr.Const); ok {
		s := c.Val
		s.Type = t
		return &expr.Const{Val: s}
	}
	return &expr.Call{Fn: funcs.Relabel, Args: []expr.Expr{v}, T: t}
}

func isInt(o types.OID) bool  { return o == types.Int2 || o == types.Int4 || o == types.Int8 }
func isText(o types.OID) bool { return o == types.Text || o == types.Varchar || o == types.Name }

func width(o types.OID) int {
	switch o {
	case types.Int2:
		return 2
	case types.Int4:
		return 4
	}
	return 8
}

func fits(v int64, o types.OID) bool {
	switch o {
	case types.Int2:
		return v == int64(int16(v))
	case types.Int4:
		return v == int64(int32(v))
	}
	return true
}
