// Package schema speaks to a schema registry with Confluent's API, and knows the header that producers put
// before each record.
//
//	record  = 0x00, schema id (4 bytes, big endian), [message indexes, Protobuf only], data
//	id ---Client.ByID---> Schema{type, text, the schemas it refers to}
//
// Invariants
//   - A request ends within requestTimeout, whatever its context. A registry that cannot be reached is
//     08001; that it knows no such schema is 42704; that it refuses us, or we do not trust it, is 28000.
//   - A schema never changes under its id, so the callers keep what they made of it for good.
//
// What does not belong: what a schema means (exec/connect/format).
package schema
