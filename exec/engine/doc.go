// Package engine is the one door of the database for sessions and connectors, and the owner of its state.
//
//	session --Txn--> writes buffered --Commit--> queue --cut--> epoch --+--> log append, fsync   --+--> publish -> ack
//	connector -Part->                                                   +--> dataflow.Step (beside) +
//	                                                                                     checkpoint, later, off this path
//
// One goroutine at a time, whoever holds Engine.turn, cuts epochs: all that waits in the queue becomes one epoch as soon
// as the turn is free, so one INSERT waits for nobody and many writers share one fsync (D3). A writer that finds the turn
// free makes the epoch itself; what came in meanwhile is for the engine goroutine (Engine.run). Everything uncertain is settled before the log append;
// the dataflow is a pure function of the log, so recovery is: load the pages of the manifest, replay the log behind it.
//
// Files, in the order of an event: door.go (the contract), txn.go (a transaction), write.go (INSERT, UPDATE, DELETE to
// row changes), upsert.go (ON CONFLICT), rowwriter.go (constraints, RETURNING), current.go (rows there are now), change.go (row
// changes of a table), epoch.go (an epoch from its cut to its answers: resolve.go, settle.go, publish.go), watermark.go (lateness),
// record.go and codec.go (what the log holds), checkpoint.go, recover.go, misfit.go, poison.go; ddl.go, altertable.go and
// backfill.go (catalog changes, filling views); read.go (sources of queries), recent.go (lookups at an older epoch), stream.go (reading a stream's rows), rowerrors.go (millrace.errors), sequence.go,
// connector.go and source_*.go (external sources: kept running, what they bring, REPLAY ERRORS), secret.go, sink*.go
// (changes sent out: sink.go has the picture), info.go (live system relations).
//
// Invariants
//   - Log durable, then published, then acknowledged (D4). With async durability: published, then acknowledged, and
//     the log is synced behind.
//   - What readers see (relations, catalog, epoch) changes only under publish's write lock, all of it at once.
//   - Only who has the turn changes state tables; everything else reads pins or takes the read lock.
//   - Locks: turn, then publish; queue.mu, seqs.mu and jobs.mu are leaves.
package engine
