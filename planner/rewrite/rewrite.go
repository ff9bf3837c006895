package rewrite

import (
	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/expr"
)

// Options say what the tree is for.
type Options struct {
	Folder *logical.Folder
	AdHoc  bool // a query that runs once: lookups by key are allowed
}

// Query applies the rules to q in order.
func Query(q *logical.Query, o Options) {
	r := &rewriter{meta: q.Meta, o: o}
	var need logical.ColSet
	for _, c := range q.Out {
		need.Add(c.ID)
	}
	q.Root = r.tree(q.Root)
}

// Expr folds the constants of an expression that stands outside a tree.
func Expr(e expr.Expr, f *logical.Folder) expr.Expr {
	return f.Fold(e)
}

type rewriter struct {
	meta *logical.Meta
	o    Options
}

func (r *rewriter) tree(n logical.Node) logical.Node { return n }
