// Package state keeps the rows of operators, tables and materialized views in pointer-free pages.
//
//	Relation (table, view rows)   Arrangement (join side)   Table (key -> value)   Ordered (sorted key -> value)
//	        \                            |                        /                     /
//	         +---------------------------+--- hash index --------+                     |
//	                                     |                                             |
//	                                 page store: 16 KiB pages, copy on write, dirty tracking
//	                                     |                       |                     |
//	                              Snapshot (readers)     BeginCheckpoint        LoadPage / Loaded
//
// Rows live in pages in arrival order (Table, Arrangement) or sorted (Ordered). A page describes itself: how many
// slots it has, which are free. The hash index lies apart, in flat arrays; growing it moves no row, it is not
// persisted and is rebuilt when the pages of a table have been loaded. A row is named by a Ref (page, slot), which
// stays the same until the row is deleted or outgrows its page.
//
// Invariants
//   - One goroutine writes a table (the engine, in Commit). Find and Lookup may run beside one another but not
//     beside a write: they use the index. A Snapshot may be read from any goroutine at any time: it uses pages
//     only, and a page is never changed while a snapshot or a checkpoint may see it. It is copied first. A Budget bounds
//     what is kept so for snapshots: past it the oldest ones end, and their readers get 72000.
//   - What is persisted does not depend on the number of shards: tables are not split. Shards compute against the
//     frozen table and their changes are applied one after the other.
//   - Nothing in a page is a pointer, and no structure holds a pointer per row.
//
// What does not belong: what rows mean, when to checkpoint, SQL. Values are compared by package types.
package state
