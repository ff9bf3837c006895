// Package dataflow runs materialized views: it builds the operators of a view from its physical plan, wires them, and
// steps all views of a database in dependency order.
//
//	stream, table deltas --> Graph.Step
//	                           view 1: Scan -> Map -> Aggregate -> rows
//	                                                      | delta
//	                           view 2:          Scan <----+ -> Join ... -> rows
//	                        Commit | Abort
//
// Invariants
//   - A step reads state as it was before it; nothing is visible until Commit (see op.Operator).
//   - Views of one level, which do not read one another, may run at the same time: what state they share is frozen in a
//     step, and in Commit one of them writes it (share.go).
//   - A view that panics is taken out with everything that reads it, and if it was committing, with what shares its state;
//     the others of the step are not disturbed.
//   - A view belongs to at most one graph. A backfill runs it in a graph of its own, and hands it over by adding it
//     to the main one: its state becomes the graph's, or gives way to what is there already.
//   - State tables are numbered by the plan alone, so a stored plan finds them again. One that several views share has
//     the number of the view that brought it.
//
// What does not belong: epochs, the log, when to step (exec/engine); what an operator does (exec/op).
package dataflow
