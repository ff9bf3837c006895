// Package expr is bound scalar expressions: as data, in plans, and compiled, over columns.
//
//	Expr --Fold, Rewrite, Remap...--> Expr --Marshal--> catalog
//	  |
//	  Compile
//	  v
//	Program --Eval-------> *vec.Vec   (a value for each selected row)
//	        --EvalFilter-> []int32    (the rows where it is true)
//
// An Expr (expr.go) is immutable: functions that change one return another. A Program is a tree of nodes that each
// own their result and scratch memory, so evaluation allocates nothing once the vectors have grown.
//
// Invariants
//   - An expression is evaluated only on the rows it would be evaluated on in PostgreSQL: AND, OR, CASE and COALESCE
//     narrow the selection for their later operands, so CASE WHEN x <> 0 THEN 1/x END never divides by zero.
//   - A row that cannot be computed is recorded once in ctx.Errors, is null in the result and takes no further part.
//   - A selection of nil means all rows; an empty one is never nil.
//   - Constants are spread over a vector once and kept.
//   - The marshalled form is a data format (marshal.go); it names functions by signature.
//
// A Program is for one goroutine at a time: compile one for each.
//
// What does not belong: resolving names and types (planner/bind), what a function computes (sql/funcs).
package expr
