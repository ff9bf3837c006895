package rewrite

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/expr"
)

// fold computes the constant parts of every expression of the tree and drops conditions that are true.
func (r *rewriter) fold(n logical.Node) logical.Node {
	logical.Exprs(n, r.simplify)
	for i, c := range n.Children() {
		n.SetChild(i, r.fold(c))
	}
	switch x := n.(type) {
	case *logical.Filter:
		x.Conds = trueless(x.Conds)
		if len(x.Conds) == 0 {
			return x.Input
		}
	case *logical.Join:
		x.On = trueless(x.On)
	}
	return n
}

// simplify folds constants and takes decided operands out of AND and OR.
func (r *rewriter) simplify(e expr.Expr) expr.Expr {
	return simplifyLogic(r.o.Folder.Fold(e))
}

func simplifyLogic(e expr.Expr) expr.Expr {
	return logical.Map(e, func(x expr.Expr) expr.Expr {
		switch x := x.(type) {
		case *expr.And:
			return decide(x.Args, false, func(a []expr.Expr) expr.Expr { return &expr.And{Args: a} })
		case *expr.Or:
			return decide(x.Args, true, func(a []expr.Expr) expr.Expr { return &expr.Or{Args: a} })
		}
		return nil
	})
}

// decide rebuilds AND (winner false) or OR (winner true) without operands that cannot change the outcome. Operands
// behind a winner are never evaluated; those before it stay, since they may raise.
func decide(args []expr.Expr, winner bool, make func([]expr.Expr) expr.Expr) expr.Expr {
	var out []expr.Expr
	for _, a := range args {
		a = simplifyLogic(a)
		if v, ok := boolConst(a); ok {
			if v == winner {
				if raisesAny(out) {
					return make(append(out, a))
				}
				return a
			}
			continue
		}
		out = append(out, a)
	}
	switch len(out) {
	case 0:
		return &expr.Const{Val: boolScalar(!winner)}
	case 1:
		return out[0]
	}
	return make(out)
}

func raisesAny(list []expr.Expr) bool {
	for _, e := range list {
		if logical.MayRaise(e) {
			return true
		}
	}
	return false
}

func boolConst(e expr.Expr) (value, ok bool) {
	c, isConst := e.(*expr.Const)
	if !isConst || c.Val.Null {
		return false, false
	}
	return c.Val.I != 0, true
}

// trueless splits conditions that folding has turned into conjunctions and drops those that are true.
func trueless(conds []expr.Expr) []expr.Expr {
	var out []expr.Expr
	for _, c := range conds {
		for _, p := range logical.Conjuncts(c) {
			if v, ok := boolConst(p); ok && v {
				continue
			}
			out = append(out, p)
		}
	}
	return out
}
