package rewrite

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/expr"
)

// Options say what the tree is for.
type Options struct {
	Folder *logical.Folder
	// AdHoc: a query that runs once. Lookups by key are allowed, and the order of joins follows their conditions.
	AdHoc bool
}

// Query applies the rules to q, in order.
func Query(q *logical.Query, o Options) {
	r := &rewriter{meta: q.Meta, o: o}
	q.Root = r.run(q.Root)
}

// Expr folds the constants of an expression that stands outside a tree.
func Expr(e expr.Expr, f *logical.Folder) expr.Expr { return f.Fold(e) }

type rewriter struct {
	meta *logical.Meta
	o    Options
}

// run rewrites a tree: the one of the query, or of a subquery in an expression.
func (r *rewriter) run(n logical.Node) logical.Node {
	n = r.fold(n)
	n = r.unnest(n)
	n = r.push(n, nil)
	n = r.merge(n)
	if r.o.AdHoc {
		n = r.lookups(n)
	}
	r.inner(n)
	return n
}

// inner rewrites the subqueries that are left in expressions.
func (r *rewriter) inner(n logical.Node) {
	logical.Exprs(n, func(e expr.Expr) expr.Expr {
		return logical.Map(e, func(x expr.Expr) expr.Expr {
			s, ok := x.(*logical.Subquery)
			if !ok {
				return nil
			}
			c := *s
			c.Root = r.run(s.Root)
			return &c
		})
	})
	for _, k := range n.Children() {
		r.inner(k)
	}
}

// filter puts conditions over n; none leave it as it is.
func filter(n logical.Node, conds []expr.Expr) logical.Node {
	if len(conds) == 0 {
		return n
	}
	if f, ok := n.(*logical.Filter); ok {
		return &logical.Filter{Input: f.Input, Conds: append(f.Conds[:len(f.Conds):len(f.Conds)], conds...)}
	}
	return &logical.Filter{Input: n, Conds: conds}
}
