// Package pgerr is the one error type users see: an error is born with its SQLSTATE.
//
// Every room returns these for anything a client caused or can act on; the wire layer only copies the
// fields out. Messages follow PostgreSQL's wording and style: lower case, no trailing period, names in
// double quotes. Wrapping with fmt.Errorf("...: %w", err) keeps the code: Of finds it.
package pgerr
