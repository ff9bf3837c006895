// Package lower turns a logical tree into a physical plan: columns get positions.
//
//	logical.Query --Query/View--> physical.Query | physical.View
//
// Lowering a node answers the physical node and the list of the columns it outputs, in order. It is told which columns
// its consumer needs and passes on what it needs itself, so columns nobody reads are never computed, kept or sent.
//
//	Filter, Extend        -> one Map                 Join, lateral  -> Apply
//	Join with equalities  -> Join with keys, the rest in Residual
//	Subquery              -> a subplan and its outer values
//
// Outer references: the right side of an Apply and the plan of a Subquery see values from outside by number, in the
// order of the arguments that Apply.Args and expr.Subquery.Args compute (frame).
//
// AppendOnly is inferred here, bottom up: from what relations are and what operators do to retractions.
//
// What does not belong here: choosing between plans (rewrite).
package lower
