// Package types is the meaning of single values: what types there are, how a value of each is laid out in
// a column vector, and everything that can be done with one value alone, exactly as PostgreSQL 15 does it.
//
//	text  --Parse...-->  I64 | F64 | Bytes  --Append...Text-->    text
//	wire  --Parse...Binary-->   (value)     --Append...Binary-->  wire
//	                              |
//	                              +-- Compare..., AppendKey (equality), AppendOrdered (order)
//	                              +-- arithmetic: numeric*.go, datetime: ts*.go interval*.go, json*.go, array*.go
//
// A type belongs to one of three layout classes (type.go), and each codec has one entry point per class,
// so that a column loop calls it without boxing a value:
//
//	I64:   bool int2 int4 int8 oid reg* "char" date time timestamp timestamptz
//	F64:   float4 float8
//	Bytes: text varchar bpchar name json bytea jsonb uuid interval timetz numeric arrays
//
// Formats that persist (they are in the log and in state pages; changing one is a data-format change):
//
//	numeric   numeric.go     kind byte, display scale, magnitude
//	interval  interval.go    months, days, microseconds: 4+4+8 bytes, little endian
//	timetz    timetz.go      microseconds, zone west of Greenwich: 8+4 bytes, little endian
//	array     array.go       dimensions, null bitmap, elements
//	sums      numeric_sum.go, float_sum.go
//
// Invariants
//   - An encoding is canonical: one (value, display form) has one byte string. Values that SQL calls equal
//     may differ in bytes (1.0 and 1.00, '1 mon' and '30 days'); AppendKey maps them to one.
//   - Parsers take any bytes and return an error with PostgreSQL's SQLSTATE; they never panic.
//   - Nothing here reads a clock or a setting: Env carries the time zone and the statement's time.
//   - Text settings are PostgreSQL's defaults: DateStyle ISO, IntervalStyle postgres, bytea_output hex,
//     extra_float_digits 1.
//
// What does not belong: columns and nulls (sql/vec), functions and operators by name (sql/funcs), and names of
// catalog objects (reg* types ask Env.Reg).
package types
