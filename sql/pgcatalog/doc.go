// Package pgcatalog is the system relations: pg_catalog, information_schema and millrace, as relations like any
// other, and what else PostgreSQL clients ask about the catalog.
//
//	def_*.go      what relations there are, as data: oid, name, columns
//	views.go      those that are a query over others
//	table_*.go    those computed from a catalog.Snapshot and static tables
//	live.go       those whose rows come from the running server, through Live
//	names.go      reg* types: names to oids and back
//	info*.go      pg_get_viewdef, pg_get_indexdef, has_table_privilege, ...
//
// A relation that is none of these is empty: it exists because clients join it.
//
// Invariants
//   - Relations have PostgreSQL's oids, names, column order and types where we have the type; inet, pg_lsn and the
//     domains of information_schema are the type beneath or text.
//   - Rows depend on the snapshot alone (but for live ones): they are computed once for each catalog version and
//     shared, so nobody changes them.
//   - The normal engine runs every query; no query text is recognised here or anywhere.
//
// What does not belong: the catalog itself (sql/catalog), functions that do not look at it (sql/funcs), sessions.
package pgcatalog
