// Package planner turns a parsed statement into a plan: the list of its phases is in planner.go.
//
//	ast.Statement
//	   | bind      names, types, PostgreSQL's rules and errors   -> logical tree, or a DDL order
//	   | rewrite   the same rows, computed better                -> logical tree
//	   | incr      materialized views only: what can be kept up to date, windows, top-n, keys
//	   | lower     positions for columns, hash joins, subplans   -> physical plan
//	physical.Statement
//
// One tree serves queries and views: a view is the dataflow of its query, so it differs only in the phase incr, which
// refuses what cannot be maintained (0A000) and adds what only views have. The rooms:
//
//	bind/      scoping, coercion, parameters, grouping, DML, DDL
//	logical/   the tree: relational algebra over columns that have identities, not positions
//	rewrite/   rules, one a file
//	incr/      rules for materialized views: what may be in them, top-n, window close, keys
//	lower/     logical to physical
//	physical/  the plans as data: nodes, encoding, EXPLAIN
//
// Known limits, each answered with 0A000: data-modifying WITH, WITH TIES, RANGE frames with offsets, ASOF
// and SESSION; in materialized views also LATERAL subqueries, INTERSECT ALL and EXCEPT ALL, correlated subqueries,
// aggregates that collect values without GROUP BY, and functions that are not immutable. FOREIGN KEY is refused rather
// than accepted and not enforced; so is CREATE INDEX.
//
// Planning is a pure function of the statement and Env (catalog version, search path, settings); it changes nothing, so
// a failed statement leaves nothing behind.
package planner
