package state

import (
	"github.com/millracedb/millrace/sql/vec"
)

// Snapshot is the rows of a relation as they were when it was pinned. It is immutable and may be used from any
// goroutine until Release; the pages it needs are copied when written (D7).
type Snapshot interface {
	// Scan yields the rows in batches of columns cols; each batch is valid for the call. Weights are positive
	// multiplicities (nil: all 1). It stops at the first error yield returns.
	Scan(cols []int, yield func(*vec.Batch) error) error
	// Cursor is the same scan, pulled.
	Cursor(cols []int) Cursor
	// Rows is the number of rows, counting multiplicity.
	Rows() int64
	// ChargeTo puts the snapshot under a budget: its scans may then end with 72000. To be called before it is read.
	ChargeTo(b *Budget)
	Release()
}

// Cursor is a pull iterator over the batches of a snapshot (query.Rows). Close does not release the snapshot.
type Cursor interface {
	// Next returns the next batch, which has at least one row, or nil at the end. It is valid until the following call.
	Next() (*vec.Batch, error)
	Close()
}

// Reader reads the current rows of a relation: a table, or a materialized view. Every method must run under the
// engine's publish lock (shared mode), which holds still the published state.
type Reader interface {
	// Pin takes a snapshot; it costs far less than a scan.
	Pin() Snapshot
	// Lookup appends to out (columns cols) the rows whose key columns (the relation's Key, in order) equal key, a batch
	// of N keys; it reports for each appended row which key it matched in match (may be nil).
	Lookup(key *vec.Batch, cols []int, out *vec.Batch, match *[]int32)
	Rows() int64
	// Bytes is the memory held by rows and index.
	Bytes() int64
}

// Pages is what checkpoints need from every state table. Methods are called by the engine between steps, when no
// change is pending.
type Pages interface {
	// ID is the table's id, the Table of its pages in storage.
	ID() uint32
	// Dirty hands each page changed since the last BeginCheckpoint to put, with its content as of now; the content stays
	// valid and unchanged (copy on write) until done is called, from any goroutine. Dropped pages have nil data.
	BeginCheckpoint(put func(page uint64, data []byte)) (done func(committed bool))
	// LoadPage gives back a page at recovery, before any other use; data is valid for the call.
	LoadPage(page uint64, data []byte) error
	// Loaded ends recovery: the index is built. It returns an error if the pages do not fit together.
	Loaded() error
	// Fingerprint describes the shape (row layout, key, order, version of the format), D12.
	Fingerprint() string
	DirtyBytes() int64
	Bytes() int64
}
