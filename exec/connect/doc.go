// Package connect is where outside systems meet the engine: the contract of a source, and the registry that
// names the connectors a server was built with.
//
//	kafka/   one connector a folder    --- Part{Rows, Errors, Runs, Offsets} --->   engine
//	                                   <-- Changes; Position delivered ----------->
//	format/  decoders: a record's bytes straight into columns; encoders: rows into records
//
// A connector knows its system and nothing of epochs, logs or views; the engine knows parts and offsets and
// nothing of topics. They meet in connect.go and sink.go.
//
// Invariants
//   - Offsets live in the engine only: a part's rows, its bad rows and its offsets are committed in one
//     epoch, and a source resumes from what was committed. Nothing is read twice or left out, whatever crashes.
//   - A record that cannot be decoded is a RowError of its part, never an error of the source.
//   - A system that goes away is waited for, with backoff. Run returns an error only where waiting cannot help.
//   - Options are data (Option): the check at CREATE, the list in an error's hint and the reference in docs/
//     come from one table.
//
// What does not belong: SQL (names, defaults and constraints are settled by the engine) and any one system.
package connect
