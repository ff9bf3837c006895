// Package format turns the bytes of records into columns, and columns into records.
//
//	FORMAT   what a record means     plain.go     a row                                            +1
//	                                 upsert.go    the row of the record's key, or its end          +1 or -1 by key
//	                                 debezium.go  a change, with the row before it and after it    -1 before, +1 after
//	ENCODE   how a row is written    json*.go avro*.go proto*.go csv.go raw.go: one rowDecoder each
//
//	record (key, value) --FORMAT--> rowDecoder of the key, rowDecoder of the value --> the columns of a vec.Batch
//
// A decoder is made for one relation, knows its columns, and is used by one goroutine. It allocates nothing per record;
// what it learns from one record (the order of an object's fields, the program for a writer's schema) makes the next one
// faster. Encodings with a schema compile it into steps that know their column: schemas.go keeps them by schema id.
//
// Invariants
//   - A record is decoded whole or not at all: on error the batch is as it was.
//   - Values mean what they mean in PostgreSQL: text goes through the input functions of sql/types, so that
//     a record's "2001-02-30" fails as the literal does, with the same SQLSTATE.
//   - Any bytes are safe to decode, and any schema is safe to compile.
//   - A registry that does not answer is no error of the record (Retryable): the caller waits and tries again.
//
// What does not belong: where records come from, columns that tell that (INCLUDE), which connectors fill, and the
// protocol of a schema registry (exec/connect/schema).
package format
