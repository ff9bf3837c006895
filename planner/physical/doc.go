// Package physical is what the planner hands to the rest of the system: plans, as data.
//
//	node.go       the operators of a plan, one algebra for views and for ad hoc queries
//	statement.go  queries and writes        plan.go  all that a statement can become
//	ddl.go        orders to change the catalog
//	encode.go     a view's plan as bytes, for the catalog (D12)
//	explain.go    a plan as text
//
// Invariants:
//   - A plan is immutable once the planner has returned it: the engine may share it between goroutines and runs.
//   - Columns are positions in the input's Fields. Nothing here knows names, except for printing.
//   - The encoding is a data format with a version: a later version of the program reads what this one wrote. Fields and
//     nodes may be added; what is there keeps its meaning.
//
// What does not belong here: making plans (bind, logical, rewrite, lower, incr), running them (exec).
package physical
