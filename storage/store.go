package storage

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"
)

// The contract of this package in one place. Methods are safe for concurrent
// use unless they say otherwise.
//
// Log (log.go, commit.go, scan.go, retain.go):
//
//	Append(txn, recs...)            buffer or write records of an open transaction
//	Commit(epoch, txns, extra...)   make them the epoch, durable on return
//	Abort(txn)                      forget them
//	Sync()                          Options.Async: durable through the last commit
//	Replay(after, fn)               committed epochs, in order
//	Scan(rel, from, to)             one relation's records, beside appends
//	SetRetention, DropRelation, Truncate
//	LastEpoch, LogBytesSinceManifest
//
// State (checkpoint.go, load.go, manifest.go):
//
//	BeginCheckpoint(epoch) -> Put, DropPage, DropTable, Commit | Abort
//	Manifest, LoadTable, LoadAll
//
// Beside: RecordAttempt, ClearAttempts, SetNote, Note (attempts.go);
// FreeSpace, DiskUsage (space.go).

// Options say where and how. Only Dir must be set.
type Options struct {
	Dir string
	// Async lets Commit return before its bytes are on disk; they are within
	// some milliseconds. A power failure then loses the last moments, always a
	// clean suffix of epochs; a kill of the process loses nothing.
	Async bool
	// SegmentSize is when the log goes on to a new file. Default 64 MiB.
	SegmentSize int64
	// MinFree is the free disk space under which writes are refused with
	// ErrDiskFull. Default 256 MiB; negative switches the guard off.
	MinFree int64
	// Ballast is the size of the file given up when the disk is too full to
	// open. Default 32 MiB; negative means none.
	Ballast int64
	Logger  *slog.Logger

	// freeSpace replaces the question to the operating system in tests.
	freeSpace func(dir string) (int64, error)
}

func (o Options) withDefaults() Options {
	if o.SegmentSize <= 0 {
		o.SegmentSize = 64 << 20
	}
	if o.MinFree == 0 {
		o.MinFree = 256 << 20
	}
	if o.Ballast == 0 {
		o.Ballast = 32 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if o.freeSpace == nil {
		o.freeSpace = statFree
	}
	return o
}

const asyncInterval = 5 * time.Millisecond

// Record is one part of one epoch. What Kind means is the engine's business.
// Rel is the relation whose rows these are, for Scan and retention; 0 is none:
// such a record is needed only until a manifest covers its epoch.
type Record struct {
	Epoch   uint64 // filled by Replay and Scan; ignored by Append and Commit
	Rel     uint32
	Kind    uint8
	Payload []byte
}

// Store is an open data directory.
type Store struct {
	opts  Options
	dir   string
	lock  *dirLock
	space *space
	tries *attempts
	log   *segmentLog
	state *stateDB

	fault fault

	stopSync chan struct{}
	syncDone sync.WaitGroup
	closing  sync.Once
	closeErr error
}

// Open locks the directory (making it when it does not exist), checks its
// format, and brings log and state to the newest manifest: page copies that it
// does not reach are deleted, a torn end of the log is cut off, and what is
// damaged is refused. A directory of an older format is of ours from then on. Nothing is replayed; that is the caller's next step.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	s := &Store{opts: o, dir: o.Dir}
	if err := s.open(); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

func (s *Store) open() (err error) {
	if s.lock, err = lockDir(s.dir); err != nil {
		return err
	}
	version, err := checkFormat(s.dir)
	if err != nil {
		return err
	}
	fresh := version == 0
	if s.space, err = openSpace(s.dir, s.opts); err != nil {
		return err
	}
	if s.tries, err = openAttempts(s.dir); err != nil {
		return err
	}
	if s.state, err = openState(s, filepath.Join(s.dir, "state"), fresh); err != nil {
		return err
	}
	if s.log, err = openLog(s, filepath.Join(s.dir, "log"), fresh); err != nil {
		return err
	}
	if version < formatVersion {
		if err = writeFormat(s.dir); err != nil {
			return err
		}
	}
	s.stopSync = make(chan struct{})
	if s.opts.Async {
		s.syncDone.Add(1)
		go s.syncLoop()
	}
	return nil
}

// syncLoop makes async commits durable a few milliseconds late.
func (s *Store) syncLoop() {
	defer s.syncDone.Done()
	t := time.NewTicker(asyncInterval)
	defer t.Stop()
	for {
		select {
		case <-s.stopSync:
			return
		case <-t.C:
			if err := s.log.sync(); err != nil {
				s.opts.Logger.Error("log sync failed", "err", err)
				return
			}
		}
	}
}

// Close makes everything durable and gives the directory back. Scanners must
// be closed before.
func (s *Store) Close() error {
	s.closing.Do(func() {
		if s.stopSync != nil {
			close(s.stopSync)
			s.syncDone.Wait()
		}
		s.closeErr = s.log.sync()
		s.fault.set(ErrClosed)
		if err := s.release(); s.closeErr == nil {
			s.closeErr = err
		}
	})
	return s.closeErr
}

// release closes what is open, in the order that keeps the lock longest.
func (s *Store) release() error {
	var first error
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	if s.log != nil {
		keep(s.log.close())
	}
	if s.state != nil {
		keep(s.state.close())
	}
	if s.tries != nil {
		keep(s.tries.close())
	}
	if s.lock != nil {
		keep(s.lock.close())
	}
	return first
}

// fault remembers the first failed write: after it nothing is trusted.
type fault struct {
	mu  sync.Mutex
	err error
}

func (f *fault) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

func (f *fault) set(err error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		if err != ErrClosed {
			err = fmt.Errorf("%w: %w", ErrStopped, err)
		}
		f.err = err
	}
	return f.err
}
