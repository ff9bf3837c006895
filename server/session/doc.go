// Package session is one client: its statements, transaction, settings, prepared statements, portals and cursors.
//
//	pgwire.Conn --Query, Parse, Bind, Execute, Sync--> Session
//	                                                      |  parser -> planner -> engine.Door
//	       rows, notices, command tags <------------------+
//	Hub: all sessions, their keys, activity, limits
//
// Every statement, by whichever protocol it comes, is a prepared statement run through a portal:
//
//	prepared (text, tree, cached plan) + parameters -> portal -> outcome{rows, tag}
//
// commands.go is the table of statements: which code runs each kind, and where it may run.
//
// Invariants
//   - A session is used by its connection's goroutine alone. Other goroutines reach it through the Hub only: to cancel
//     its running statement, to end it, to look at its activity. What they touch is behind Session.mu.
//   - At most one engine transaction is open. An error aborts it: an implicit one is rolled back at once, a block
//     answers 25P02 until it ends or goes back to a savepoint.
//   - A cached plan is used only under the catalog snapshot and the settings it was made under.
//   - The session keeps no rows but those of scrollable and held cursors.
//
// What does not belong: bytes on the wire (server/pgwire), binding and planning (planner), data (exec/engine), the
// contents of pg_catalog (sql/pgcatalog).
package session
