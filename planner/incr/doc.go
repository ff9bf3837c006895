// Package incr prepares the tree of a materialized view.
//
// It refuses what cannot be kept up to date, naming the feature (0A000); turns what has an incremental form of its own
// into it (ORDER BY ... LIMIT and row_number() <= k become TopN, INTERSECT and EXCEPT a grouping, functions in
// FROM Expand); puts EmitOnClose where EMIT ON WINDOW CLOSE asks for
// it; and finds which output columns identify a row (the view's key).
package incr
