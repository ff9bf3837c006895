// Package bench measures a Millrace server as its clients see it: the benchmarks behind `millrace bench`.
//
//	Run --> benchmark (copy, insert, lookup, ...) --> host: a server of its own, or one by DSN
//	                                              \-> PostgreSQL, if its DSN is given: the same data, the same run
//	    <-- table of medians and ratios
//
// The benchmarks are rows of one table (registry.go), one a file. Each measures both systems in turn within one run,
// so that a noisy machine disturbs both alike, and prints the median of the rounds and their ratio.
//
// Invariants
//   - Wire benchmarks go through pgx and a socket; nothing is measured that a client would not see. Only groupby,
//     checkpoint and memory open the engine in this process, for allocations, pauses and its own accounting.
//   - A server of the package's own is a child process of the same binary, so that it does not share its heap with
//     the client; with a CPU profile it runs in this process, made by the server package as the command makes it.
//   - Settings are the defaults on both sides: both are durable.
//
// It does not judge: targets are in docs/benchmarks.md. Micro-benchmarks of a package lie beside its code.
package bench
