// Package parser turns PostgreSQL text into sql/ast by way of the TiDB parser, and ast back into text.
//
//	text --lexer--> tokens --translator--> TiDB text --TiDB--> TiDB tree --decoder--> ast
//	                  |                       ^                                        |
//	                  +--shells, VALUES-------|----------------------------------------+--> Stmt
//	                                       holes                                       |
//	text <------------------------------- Deparse -------------------------------------+
//
// The TiDB grammar is MySQL's. Handing it PostgreSQL text would often work and sometimes change the
// meaning in silence (|| is OR, FULL JOIN is an alias, ^ and comparison bind differently), so nothing
// of the source reaches it unexamined:
//
//   - lexer.go, literal.go split the text by PostgreSQL's rules. cursor.go walks the tokens.
//   - expr.go, predicate.go, paren.go, primary.go, func.go, special.go translate expressions by
//     precedence climbing with PostgreSQL's table; select.go, window.go, table.go, tablefunc.go
//     translate queries. They emit pieces of TiDB text into a unit (unit.go), in which every
//     identifier is backquoted, every native operator stands in its own parentheses, and everything
//     else is a marker call, `::`(?, operands...).
//   - Each ? is a hole: an index into nodes that were built while translating, among them every
//     constant. So MySQL's strings and numbers do not occur, positions are exact, and the decoder
//     (decode.go, decodequery.go) hardly ever builds a node from text: it hands operands to holes.
//   - Statements around queries (statement.go, dml.go, create.go, ...) are read by hand. Their
//     expressions are further roots of the unit, so a statement costs one call of TiDB.
//   - INSERT ... VALUES of constants (values.go) needs no TiDB at all.
//
// Invariants:
//
//   - Errors are PostgreSQL's, with its wording, SQLSTATE and byte offset, and come from the lexer or
//     the translator. If TiDB refuses translated text, that is a bug here: XX000, logged with the text.
//   - Valid PostgreSQL that is not had is 0A000 and names the feature: WITH ... SEARCH and CYCLE,
//     SELECT INTO, MERGE, XML, IS JSON, GROUP BY DISTINCT, and some DDL.
//   - Parse(Deparse(tree)) is the tree but for positions. The tests hold it against PostgreSQL.
//   - Nesting and chains of operators are bounded (54001), so every tree can be walked recursively.
//   - Functions are safe for concurrent use; TiDB parsers are pooled, one to a goroutine.
//
// What does not belong here: name resolution, types beyond their spelling, anything that needs a
// catalog. No other package imports the TiDB parser.
package parser
