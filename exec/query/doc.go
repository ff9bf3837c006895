// Package query runs a planned SELECT once, over the rows of one epoch.
//
//	physical.Query -> a tree of Rows, pulled from the top -> Cursor
//
//	scan.go     Scan, Values                  oper.go     operators of exec/op, for one step
//	join.go     joins: one side held (joinside.go), the other streamed
//	sort.go     Sort, LIMIT                   tablefunc.go set-returning functions
//	apply.go    LATERAL, correlated subqueries recursive.go WITH RECURSIVE
//	memory.go   the limit on what a query holds
//
// The operators are those that keep views up to date (exec/op): a SELECT is the dataflow run for one step whose input is
// a snapshot. Nodes that need no state stream batch by batch; a join streams
// one side; the others take in their inputs on the first Next.
//
// Invariants
//   - What a node holds between two calls of Next counts towards query_memory_limit, until it is handed on (memory.go).
//   - Between nodes there are no weights: a scan's multiplicities become rows at once.
//   - An expression that cannot be computed ends the query with its error, as in PostgreSQL; there are no error rows here.
//   - Each Next looks at the context: a cancelled query ends with 57014 (or the cause given) before the next batch.
//
// What does not belong: where rows come from (Sources, in exec/engine), how results are shown (server).
package query
