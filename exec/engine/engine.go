package engine

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/dataflow"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/storage"
)

// Options configure an engine.
type Options struct {
	Dir    string
	Async  bool // acknowledge before fsync (durability async)
	Logger *slog.Logger
	// Workers is the number of goroutines a dataflow step may use; 0: GOMAXPROCS.
	Workers int
	// MaxTransactionSize in bytes; a larger transaction gets 54000. 0: 1 GiB.
	MaxTransactionSize int64
	// CheckpointEvery is the pause between checkpoints while there is something to write. 0: one second.
	CheckpointEvery time.Duration
	// MaxReplayBytes bounds the log behind the manifest, and so the time of a restart: writers wait for the running
	// checkpoint beyond it. 0: 1 GiB.
	MaxReplayBytes int64
	// ReaderMemory bounds the pages that are kept as they were for readers; past it the oldest reader gets 72000. 0: 256 MiB.
	ReaderMemory int64

	SystemRelations []*catalog.Relation
	SystemSchemas   []*catalog.Schema
	// Providers produce the rows of system relations, by relation id.
	Providers map[catalog.ID]SystemRelation
	// Connectors are the kinds of external sources.
	Connectors connect.Registry
	// Open opens the store; nil: storage.Open. Tests put faults in here.
	Open func(storage.Options) (*storage.Store, error)
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.MaxTransactionSize == 0 {
		o.MaxTransactionSize = 1 << 30
	}
	if o.CheckpointEvery == 0 {
		o.CheckpointEvery = time.Second
	}
	if o.MaxReplayBytes == 0 {
		o.MaxReplayBytes = 1 << 30
	}
	if o.ReaderMemory == 0 {
		o.ReaderMemory = 256 << 20
	}
	if o.Open == nil {
		o.Open = storage.Open
	}
}

// Engine runs the database of one data directory. It implements Door.
type Engine struct {
	opts Options
	log  *slog.Logger

	queue queue
	// turn is held by whoever makes an epoch, or does what must lie between epochs: the engine goroutine, or a writer that
	// found the engine free.
	turn         sync.Mutex
	taken        []*request // by who has the turn
	spare        *cut       // the same
	checkpointed signal
	nextTxn      atomic.Uint64 // numbers transactions in the log; never reused within a process

	// publish guards what readers see: core's relations, graph state, catalog and epoch. Whoever has the turn
	// holds it exclusively while it applies an epoch; readers share it to pin or look up, never across a wait.
	publish sync.RWMutex
	core    *core
	readers *state.Budget // of the snapshots that transactions read

	ids     idAllocator
	seqs    sequences
	jobs    jobs
	taps    taps
	sources sources
	sinks   sinks
	blocks  atomic.Int64 // transaction blocks that pin an epoch

	ctx    context.Context // ends when the engine stops
	stop   context.CancelCauseFunc
	done   chan struct{} // closed when run has returned
	failed atomic.Pointer[pgerr.Error]
	stats  Stats
}

// core is everything that recovery builds from the store: after a failed log append it is thrown away as a whole and
// built again (D4).
type core struct {
	store *storage.Store
	cat   *catalog.Snapshot
	epoch uint64 // published
	clock int64  // of the published epoch
	rels  map[catalog.ID]*relation
	graph *dataflow.Graph
	errs  *rowErrors
	// history maps epochs to clocks, coarsely, for retention.
	history epochClocks
	// offsets are the committed positions of connector streams.
	offsets map[catalog.ID]connect.Offsets
	// sinks are the relations that have a queue. sinksMoved: one was shortened since the last checkpoint.
	sinks      map[catalog.ID]*relation
	sinksMoved bool
	replaying  bool // it is being recovered, from the log

	ckpt checkpointer
}

// relation is a user relation at run time: exactly one of table, view, stream is set (none for plain views and
// sequences), except that a sink has its queue and, if it has a query, a view.
type relation struct {
	meta   *catalog.Relation
	table  *state.Relation
	view   *dataflow.View
	stream *stream
	sink   *sinkQueue
	// changed is the epoch that changed a table's rows last, since start.
	changed uint64
	recent  recentChanges // of a table with a key
}

// reader returns where the relation's rows are read, nil for a stream.
func (r *relation) reader() state.Reader {
	switch {
	case r.table != nil:
		return r.table
	case r.view != nil:
		return r.view.Reader()
	}
	return nil
}

// Stats count since start; all are safe to read at any time.
type Stats struct {
	Epochs, RowsIn, CommittedTxns, Conflicts atomic.Int64
	Checkpoints, CheckpointPages             atomic.Int64
	LogBytes                                 atomic.Int64
}

// Open opens or creates the database in o.Dir, recovers it and starts it.
func Open(o Options) (*Engine, error) {
	o.setDefaults()
	e := &Engine{opts: o, log: o.Logger, readers: state.NewBudget(o.ReaderMemory), done: make(chan struct{})}
	e.ctx, e.stop = context.WithCancelCause(context.Background())
	e.queue.init()
	e.checkpointed = make(signal, 1)
	c, err := e.recover()
	if err != nil {
		return nil, err
	}
	e.core = c
	e.nextTxn.Store(1)
	e.sources.init(e)
	e.sinks.init(e)
	go e.run() // which may tell sinks of a checkpoint at once
	e.sources.start()
	e.sinks.start()
	return e, nil
}

// Close stops connectors, finishes waiting epochs, writes a checkpoint and closes the store.
func (e *Engine) Close(ctx context.Context) error {
	e.sources.stop()
	e.sinks.stop()
	e.stop(pgerr.New(pgerr.AdminShutdown, "the database system is shutting down"))
	select {
	case <-e.done:
	case <-ctx.Done():
		return fmt.Errorf("stopping the engine: %w", ctx.Err())
	}
	c := e.core
	if e.failed.Load() == nil {
		if err := e.finalCheckpoint(c); err != nil {
			e.log.Error("last checkpoint failed; the log has everything", "err", err)
		}
	}
	return c.store.Close()
}

// Catalog is the newest published catalog.
func (e *Engine) Catalog() *catalog.Snapshot {
	e.publish.RLock()
	defer e.publish.RUnlock()
	return e.core.cat
}

// Epoch is the newest published epoch.
func (e *Engine) Epoch() uint64 {
	e.publish.RLock()
	defer e.publish.RUnlock()
	return e.core.epoch
}

// Stats are the engine's counters.
func (e *Engine) Stats() *Stats { return &e.stats }

// DiskUsage is the size of log and state in bytes.
func (e *Engine) DiskUsage() (log, pages int64, err error) { return e.store().DiskUsage() }

// stopped is the error for work that arrives at an engine that does not run any more.
func (e *Engine) stopped() error {
	if f := e.failed.Load(); f != nil {
		return f
	}
	return context.Cause(e.ctx)
}
