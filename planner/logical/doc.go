// Package logical is the tree between the binder and the physical plan: relational algebra over named columns.
//
//	bind -> Query{Root, Out} -> rewrite (tree to tree) -> lower -> physical.Node
//
// Every column a statement computes has its own ColID, given once and never reused, and expressions refer to columns by
// it (Var). So an expression means the same thing wherever in the tree it stands, as long as its columns are there: to
// push a filter below a join is to move it, nothing is renumbered. Positions, which the physical plan and the
// operators use, are given once, by lower, which also drops the columns nobody needs.
//
// Invariants:
//   - A node outputs a set of columns, not a list (Outputs). Order matters only at the root (Query.Out), in Distinct,
//     Union and SetOp, which list the columns they work on.
//   - Extend adds columns to its input's and never renames one; a column of an input keeps its ColID upwards.
//   - A Var of a column that no child outputs is an outer reference: the node is the right side of a lateral join or
//     the body of a Subquery, and something above it outputs the column (FreeCols).
//   - Types are final: the binder has put every coercion into the tree.
//   - Predicates are lists of conjuncts in the order of the text. One that can raise is never moved (MayRaise).
//
// What does not belong here: names (bind), rules (rewrite), positions and physical choices (lower, incr).
package logical
