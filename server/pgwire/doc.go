// Package pgwire is the PostgreSQL wire protocol, and nothing else: bytes on one side, a Handler on the other.
//
//	net.Conn -> startup (TLS, cancel, authentication) -> Conn.loop -> Handler (server/session)
//	                                                        |
//	             out buffer <- DataRow from vec columns <---+--- CopyIn: CopyData -> vec columns
//
// One goroutine serves a client. It decodes with pgproto3.Backend and encodes into its own buffer, since rows are
// written column by column from batches and not as messages. A second goroutine exists only while a statement has
// been running for a moment: it reads ahead, so that a disconnect cancels the statement (reader.go).
//
// The loop is in one of three states: ready (messages are handled), drain (after an error of the extended protocol,
// until Sync) and done.
//
// Invariants
//   - A received message is valid until the next receive; a Handler copies what it keeps.
//   - Only the connection's goroutine writes. Terminate is the one method others may call.
//   - After an error the protocol stays in step: every Query, Sync and FunctionCall is answered by exactly one
//     ReadyForQuery.
//   - A message body is bounded before and after authentication.
//
// The COPY formats (copy_*.go) live here too, because they parse in place in the receive buffer and print into
// the send buffer.
//
// What does not belong: SQL, transactions, settings, the meaning of a statement (server/session).
package pgwire
