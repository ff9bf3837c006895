// Package funcs is the one table of everything that can be called in SQL: functions, operators, casts, aggregates
// and set-returning functions, with their types, kernels, documentation and examples.
//
//	binder --Resolve...--> Func ----------------> expr.Call ---> Kernel over columns
//	       --FindCast----> Func (CastFunc) -/
//	       --ResolveAggregate-> Aggregate --New--> Accumulator, held by the aggregating operator
//	       --ResolveSet-------> SetFunc ---Rows--> rows, per input row
//
// The table is data: one function a section (math_int.go, string.go, datetime.go, ...) returns its rows, registry.go
// collects them. docs/functions.md is generated from it, and every example in it runs as a test.
//
// Files: contract.go is what others program against; resolve.go and coerce.go are PostgreSQL's rules of overload
// resolution and implicit conversion; cast*.go the casts; kernel.go turns functions of one value into kernels.
//
// Invariants
//   - A kernel sees no null in a selected row unless the function is Lax, and never allocates per row for
//     fixed-width types.
//   - Results and SQLSTATEs are PostgreSQL's; oracle_test.go calls every row with random arguments and compares.
//     What differs on purpose is listed there, in deliberate and oracleSkips.
//   - An Accumulator's result depends on the rows in it alone, not on their order, their grouping into batches, or on
//     rows that came and went; the order-dependent ones are marked Collect.
//   - Func values are unique: two calls of the same function have the same *Func.
//   - Text compares and sorts by its bytes (collation "C"), and case mapping is Unicode's.
//
// What does not belong here: the meaning of single values (sql/types), evaluation order, laziness and constants
// (sql/expr), names of catalog objects and session state, which Ctx.Sys answers.
package funcs
