// Package vec holds column vectors and batches: the form of every row in motion.
//
// A Batch is a set of columns of equal length with one signed weight a row. Between operators, rooms and
// goroutines a batch is dense: there is no selection vector in it. Selections ([]int32 row numbers,
// ascending) exist only inside expression evaluation and inside one operator's step.
//
//	Batch{ Cols: [ Vec{I64} Vec{Bytes: Off, Buf} Vec{F64} ]  W: nil | [+1 -1 +1 ...]  N }
//
// Invariants
//   - A Vec has exactly one of I64, F64, (Off, Buf) in use, by Type.Class(). Off has n+1 entries.
//   - Nulls is nil when no value is null. The slot of a null value holds 0 / the empty string, so that
//     hashing and comparing need not branch.
//   - W nil means every weight is +1 (an append-only delta).
//   - No value is an interface, nothing allocates per row.
//
// Ownership: whoever made a batch owns it. One passed to a function is valid, and unchanged, for the
// call only, unless the function's contract says that it takes it over.
//
// This package knows values' layout, not their meaning: no comparison by SQL rules, no formats.
package vec
