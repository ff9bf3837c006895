// Package op holds the operators of a dataflow, one a file: each file gives the operator's incremental form, its
// struct, constructor, step and state. The contract they fulfil is Operator.
//
//	map        filter and project; row errors        hop          rows -> windows
//	aggregate  GROUP BY; also DISTINCT               union        UNION ALL
//	join       inner, left, full, semi, anti         window       functions over partitions
//	topn       first k rows of a partition           emitonclose  rows held back until their window closes
//	collect    GROUP BY, from all rows of a group    expand       a function's rows for each row
//	setop      INTERSECT, EXCEPT (ad hoc)            values       constant rows
//
// What they are made of:
//
//	aggregate  aggshard (groups of a step, their states), aggresult (results before and after), closing (groups that
//	           can be forgotten), distinctvalues, extremes, sortedinput (what stands before an accumulator), reps,
//	           groupreader (groups as rows of a view)
//	join       side (an input, by key), pairs (joined rows), unmatched (outer, semi and anti rows)
//	window, topn, collect   partition (touched partitions), partshard (some of them before and after), parts (rows in
//	                        order), windowfunc, frame
//	kept, own  where an operator's input is kept by key: by itself, with others, in the rows of its relation
//	exchange   work split over shards; refsums, scratch
//
// A view runs its operators for ever, an ad hoc query runs the same ones for one step over a snapshot (exec/query).
//
// Invariants
//   - Between Push and Commit an operator reads its state tables as they were before the step.
//   - Output depends on the input as a multiset: not on how it was cut into batches, nor on the number of workers. The
//     order of rows in a batch means nothing.
//   - Scratch memory is kept between steps, so that a step of one row allocates nothing.
//
// What does not belong: plans (planner/physical), how operators are wired (exec/dataflow), how rows are kept
// (exec/state).
package op
