// Package rewrite makes a logical tree that yields the same rows with less work.
//
//	Query -> fold -> subqueries to joins -> join order -> push filters down -> key lookups -> Query
//
// One rule a file, each with its reason and, where it is not obvious, the case it must leave alone. The law all of them
// keep (D9): an expression that can raise is evaluated on exactly the rows on which the text has it evaluated; it is
// never moved past a filter, a CASE arm or a join.
//
// What does not belong here: what a view may contain (incr), positions and operators (lower).
package rewrite
