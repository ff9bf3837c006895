// Package format turns the bytes of records into columns: one decoder for each FORMAT ... ENCODE pair.
//
//	record bytes --Decode--> the columns of a vec.Batch, one pass, nothing in between
//
// A decoder is made for one stream, knows its columns, and is used by one goroutine. It allocates nothing
// per record; what it learns from one record (the order of an object's fields) makes the next one faster.
//
// Invariants
//   - A record is decoded whole or not at all: on error the batch is as it was.
//   - Values mean what they mean in PostgreSQL: text goes through the input functions of sql/types, so that
//     a record's "2001-02-30" fails as the literal does, with the same SQLSTATE.
//   - Any bytes are safe to decode.
//
// What does not belong: where records come from, and columns that tell that (INCLUDE); connectors fill them.
package format
