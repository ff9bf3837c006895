// Package catalog maps names to objects, as immutable snapshots that encode themselves.
//
//	New(system...) -> Snapshot --Edit--> Builder --Done--> Snapshot' --Encode--> JSON in the manifest and the log
//	                     |                                                           |
//	                     +-- lookups by name, id, search path                        +-- Decode --> Snapshot
//
// A Snapshot is what one statement is bound against and what one epoch was run under. Readers share it without locks;
// a change makes a new one, and the engine publishes it together with the epoch that made it.
//
// Two kinds of objects live in it. System relations and schemas are compiled into the binary: they are given to New and
// Decode, never encoded, and have ids below FirstUserID. User objects are made by DDL.
//
// Invariants:
//   - A Snapshot never changes after Done, and neither does anything reachable from it: to alter a relation, copy it,
//     change the copy and put it.
//   - (schema, name) is unique among relations, names are unique among schemas and among roles. Put refuses a clash.
//   - Ids only grow: NextID of a later version is never smaller, and no id is given twice, not even after a drop.
//   - Version grows by one with every Done that changed something.
//   - Encode is deterministic: equal snapshots encode to equal bytes.
//
// What does not belong here: permission checks and dependency rules (planner), rows of pg_catalog (sql/pgcatalog),
// where the snapshot is kept (exec/engine, storage).
package catalog
