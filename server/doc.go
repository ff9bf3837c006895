// Package server puts the rooms together: it opens the engine, offers it over the Postgres protocol and HTTP, and
// stops it again.
//
//	Config --Start--> engine.Open   <- system relations and their providers (sql/pgcatalog), connectors
//	                  session.Hub   <- the door
//	                  pgwire.Server <- listener, TLS
//	                  httpapi       <- health, metrics
//
// Invariants
//   - It listens beyond loopback only if a password is set for the superuser.
//   - Stop answers: sessions are told, running statements cancelled, a checkpoint written.
//   - The list of connectors is here, explicit (connectors.go).
//
// What does not belong: flags and environment (cmd/millrace), statements (server/session).
package server
