// Package runner runs the SQL files of tests/slt, which state behaviour as text, in the manner of
// sqllogictest:
//
//	# Why this file exists. A line "# oracle" says that PostgreSQL must answer the same.
//
//	statement ok
//	CREATE TABLE t (a int PRIMARY KEY, b text)
//
//	statement error 22012                        a SQLSTATE, or a pattern for the message, or both
//	SELECT 1/0
//
//	statement notice drop cascades to            ok, with a notice that matches
//	DROP TABLE t CASCADE
//
//	statement count 2                            ok, and that many rows in the command tag
//	INSERT INTO t VALUES (1, 'x'), (2, NULL)
//
//	query IT rowsort                             a letter a column; nosort (default), rowsort, valuesort
//	SELECT a, b FROM t
//	----
//	1 x
//	2 NULL
//
//	copy in                                      the data follows; "copy out" has it as the result, and
//	                                             "copy in error" what it may say of the error
//	COPY t FROM STDIN
//	----
//	3	y
//
// A record ends at an empty line, and a line that begins with # is a comment. Values are the text the server
// sends, joined by one space; null is NULL, the empty string (empty), and newline, tab and backslash inside
// a value are \n, \t and \\. Letters: I integer, R other numbers, B Boolean, T anything else, ? anything.
//
// Before a record: "connection name" runs it on another connection; "onlyif postgres" and "skipif postgres"
// choose the system. After the options of a query, "retry" polls until the result is the expected one, for
// what comes from outside (Kafka, background jobs). Alone: "restart" ends the server in order, "kill" with
// signal 9, and both start it again on its data; "halt" ends the file.
//
// Every file has a server of its own. In an oracle file each record also runs on PostgreSQL, streams as
// tables and materialized views as views, and must end the same: same columns, rows and SQLSTATE.
//
//	go test ./tests/slt/runner -run TestFiles/name             one file
//	go test ./tests/slt/runner -run TestFiles/name -rewrite    writes the results into it (an oracle
//	                                                           file's come from PostgreSQL)
package runner
