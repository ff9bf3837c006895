// Package storage keeps bytes safe: an append-only log of epochs in segment
// files, and the pages of a checkpoint in Badger. It knows nothing of SQL,
// relations' columns or operators, and it is the only package that imports
// Badger.
//
//	DIR/LOCK       flock: one process at a time
//	DIR/FORMAT     "millrace data format 2"; written last when a directory is made
//	DIR/ATTEMPTS   poison-epoch counters and a note (attempts.go)
//	DIR/BALLAST    space given back when the disk is full (space.go)
//	DIR/log/       %016x.log segments (frame.go, segment.go)
//	DIR/state/     Badger: pages, page index, manifest (state.go, manifest.go)
//
// Life of an epoch:
//
//	Append(txn, records)...   frames, in memory or already in a segment
//	Commit(epoch, txns)       the rest of the frames + one commit frame, fdatasync
//	   ... acknowledged: Scan sees it, Replay will bring it back ...
//	BeginCheckpoint(epoch), Put pages..., Commit(manifest)
//	   ... Replay no longer needs it ...
//	SetRetention, Truncate    segments that nothing needs are unlinked
//
// Invariants:
//
//   - An epoch is in the log wholly or not at all: its records count only
//     through its commit frame, which names where they are.
//   - Epochs are committed in growing order, each naming the one before it, so
//     that a missing stretch of log is noticed and not skipped.
//   - A page copy is written once, under a key that no other attempt uses, and
//     never changed. What a checkpoint wrote counts only through the manifest
//     that names its sequence number; the manifest carries the number of live
//     copies and a digest over them, and Open compares.
//   - A manifest at epoch E is written only when the log is durable through E.
//   - After a failed write or fsync nothing more is written: every call answers
//     ErrStopped until the directory is closed and opened again.
//   - What cannot be trusted is refused with ErrDamaged, naming file and offset.
//     Only one thing is cut off silently (with a log line): the end of the log
//     behind the last epoch that anything claims to have been durable, unless all
//     of that end was written (wasWritten in logopen.go).
//
// Operating systems: sys_linux.go has the calls that make commits short (space
// allocated ahead, fdatasync, early writeback); sys_other.go does with a plain
// sync what they do, and nothing else differs.
//
// What does not belong here: what a record or page means, when to checkpoint,
// which relation keeps how much (the engine says so by SetRetention), SQLSTATEs.
package storage
