// Package readme runs README.md as a person would type it: its SQL goes through psql, in order, against a fresh server,
// and what follows a statement as text must be what psql prints.
package readme
