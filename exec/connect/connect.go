package connect

import (
	"context"
	"time"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// Source reads one external system for one stream.
//
// The engine calls Run on a goroutine of its own, once; Status may be called by any goroutine at any time
// between Open and Close, Close after Run has returned (or instead of Run).
type Source interface {
	// Run reads from the given offsets on (empty: where the options say to start) and delivers parts in
	// order until ctx ends, when it returns nil. An error means that going on is impossible or was
	// forbidden by an option (the topic is gone, records were lost): it is final for this Source.
	Run(ctx context.Context, from Offsets, in Intake) error
	// Status is a snapshot for millrace.sources.
	Status() Status
	Close()
}

// Replayer is a Source that can read single records again.
type Replayer interface {
	// Replay reads the records at the given places, and delivers them in parts that name in Replayed those that they
	// settle; one that is still bad is among the part's errors, too. It is called instead of Run, with what the engine
	// has committed. For a table the records behind a place that have its key follow it again, so that the newest one
	// has the last word.
	Replay(ctx context.Context, committed Offsets, places []Place, in Intake) error
}

// Committer is a Source that wants to know how far the engine is: Committed is called after a part has become durable,
// with the part's offsets, and must not block.
type Committer interface{ Committed(Offsets) }

// Intake is the engine's side.
type Intake interface {
	// Deliver queues a part for the next epoch and takes it over: the source touches neither the part nor
	// its batch until Release is called. It blocks while the queue is full, which is the source's only
	// backpressure, and returns ctx's error when ctx ends first; the part is then not taken.
	Deliver(ctx context.Context, p *Part) error
}

// Part is a piece of input that enters one epoch as a whole.
type Part struct {
	// Rows has the relation's columns in order. A stream's rows have weight +1. A table's rows are changes by
	// primary key, in order: +1 puts the row in place of the one with its key, -1 takes the row of its key away
	// (its other columns are not looked at, and a key that is not there is no error).
	Rows *vec.Batch
	// Runs cuts Rows into runs of one partition each, in row order: a stream's watermark is tracked for
	// each partition and is the least of them (D11).
	Runs []Run
	// Truncates are numbers of rows, ascending: in front of each, a table loses all rows that it has.
	Truncates []int
	// Partial are the rows of a table that have old values, ascending by row.
	Partial []Partial
	// Errors are the records of this part that could not be decoded.
	Errors []RowError
	// Replayed are records that were read again (Replayer): their error rows go in the epoch in which this part enters.
	Replayed []Place
	// Offsets is where each partition named in it continues after this part. Partitions that are not
	// named are where they were: the engine merges, it does not replace.
	Offsets Offsets
	// Release, if not nil, gives the part's memory back to the source. The engine calls it at most once,
	// when it no longer reads the part; a part that is never released is garbage like any other.
	Release func()
}

// Run is a number of consecutive rows that came from one partition.
type Run struct {
	Partition int32
	Rows      int
}

// Partial is a row that has its old values in some columns: those of the row that row number Of replaces or takes away,
// which may be itself; -1: nobody knows them. What its columns hold in Rows is not looked at, and the engine checks
// the row's constraints when it knows them. A row whose old values are not known becomes an error row.
type Partial struct {
	Row, Of int
	Columns []int
	At      Place
	Data    string // the record's first bytes as text
}

// RowError is a record that could not be decoded: a row of millrace.errors.
type RowError struct {
	// Err has the SQLSTATE and the reason.
	Err *pgerr.Error
	// Data is the record's first bytes as text.
	Data string
	// At is where the record lies, nil if the error is of no single record.
	At *Place
}

// Place names a record of a source.
type Place struct {
	Topic     string
	Partition int32
	Offset    int64
	Key       string // its first bytes as text; "" if it has none
}

// MaxErrorData bounds RowError.Data.
const MaxErrorData = 256

// Status is what millrace.sources shows.
type Status struct {
	State      State
	LastError  string // "" when there was none
	LastErrAt  time.Time
	Records    uint64 // read by this Source, bad ones included
	Bytes      uint64
	BadRecords uint64
	Partitions []PartitionStatus // ascending by partition
}

// State is the state of a source.
type State string

// The states of a source.
const (
	Starting State = "starting"
	Running  State = "running"
	Retrying State = "retrying" // the system is away
	Failed   State = "failed"   // Run has returned an error
	Stopped  State = "stopped"
	// Suspended: the engine no longer feeds it; of a sink only.
	Suspended State = "suspended"
	Paused    State = "paused" // by ALTER ... PAUSE
)

// PartitionStatus is the state of one partition.
type PartitionStatus struct {
	Partition int32
	Offset    int64 // the next record to read
	High      int64 // the end of what can be read, as last heard; -1: not heard yet
	// LastEvent is the newest record timestamp delivered; zero: none yet.
	LastEvent time.Time
	Rate      float64 // records a second, of late
	// Held says why nothing more is read from the partition (StreamSpec.StopOnError), "" if it is read.
	Held string
}

// Lag is how many records are waiting, -1 while it is not known.
func (p PartitionStatus) Lag() int64 {
	if p.High < 0 || p.Offset < 0 {
		return -1
	}
	return max(p.High-p.Offset, 0)
}

// StreamSpec is what a connector is told about a stream, or a table that it feeds.
type StreamSpec struct {
	Name    string
	Columns []catalog.Column
	// Options is WITH (...) without the options every stream has (StreamOptions), as Connector.Check
	// returned it: no aliases, defaults filled in.
	Options map[string]string
	Format  catalog.Format
	// PrimaryKey are the key columns of a table; nil for a stream.
	PrimaryKey []int
	// StopOnError: a bad record is not passed over. Its partition is held in front of it, the others go on.
	StopOnError bool
	// RateLimit is the number of records a second that the engine will take, 0: no limit. Parts should not be larger.
	RateLimit int64
	// Check, if not nil, is what must hold of the rows of b from row number from on, beside NOT NULL (CHECK constraints).
	// It is called by one goroutine at a time.
	Check func(b *vec.Batch, from int) error
}
