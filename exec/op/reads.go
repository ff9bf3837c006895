package op

import "github.com/millracedb/millrace/sql/expr"

// markReads marks the input columns that e reads.
func markReads(e expr.Expr, reads []bool) {
	all := func(es []expr.Expr) {
		for _, a := range es {
			markReads(a, reads)
		}
	}
	switch e := e.(type) {
	case *expr.Col:
		reads[e.Index] = true
	case *expr.Call:
		all(e.Args)
	case *expr.And:
		all(e.Args)
	case *expr.Or:
		all(e.Args)
	case *expr.Not:
		markReads(e.Arg, reads)
	case *expr.IsNull:
		markReads(e.Arg, reads)
	case *expr.Case:
		for _, w := range e.Whens {
			markReads(w.Cond, reads)
			markReads(w.Then, reads)
		}
		if e.Else != nil {
			markReads(e.Else, reads)
		}
	case *expr.Coalesce:
		all(e.Args)
	case *expr.Array:
		all(e.Elems)
	case *expr.Row:
		all(e.Elems)
	case *expr.Const, *expr.Param, *expr.Outer:
	default: // a subquery's test reads whole rows
		for i := range reads {
			reads[i] = true
		}
	}
}
