// Package wire tests the server over its wire: with drivers that others wrote (pgx, lib/pq, psql) and, where those are
// too polite, message by message.
//
// Each test file is one part of the protocol; wire_test.go starts servers. What SQL means is tested in tests/slt.
package wire
