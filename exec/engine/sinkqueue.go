package engine

import (
	"encoding/binary"
	"slices"

	"github.com/klauspost/compress/s2"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/state"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/vec"
)

// sinkQueue is the changes that a sink has not delivered yet: a state table like any other, so that it is part of
// checkpoints, and what came after the manifest is there again when the log has been replayed.
//
//	epoch, 8 bytes big endian | number, 4 bytes  ->  flags:1 changes:uvarint batch (in S2's block format, if sinkPacked)
//
// An entry is a piece of the change of its epoch as the epoch published it. What it comes to, row by row or key by key, is
// found out where it is read (sinkReader), which is not on the way of an acknowledgement.
type sinkQueue struct {
	t     *state.Ordered
	limit int64
	// delivered is how far the outside system has everything. It may have more than that.
	delivered connect.Position
	changes   int64 // waiting, before they are netted
	bytes     int64 // of entries
	rows      int64 // bytes of entries of the first snapshot, which the limit does not count
	unsure    int64 // nor bytes that recovery found: they may have been delivered, which the sink will tell
	key, val  []byte
	raw       []byte // a batch before it is packed
}

// Flags of an entry.
const (
	sinkNets     = 1 // rows are taken back in its epoch: the whole epoch has to be netted
	sinkSnapshot = 2
	sinkPacked   = 4 // the first rows, which all wait at once, are compressed
)

// sinkChunk is how many rows an entry has at most.
const sinkChunk = 1024

func newSinkQueue(meta *catalog.Relation) *sinkQueue {
	return &sinkQueue{t: state.NewOrdered(meta.Sink.Queue, "sink"), limit: meta.Sink.Limit}
}

func appendSinkKey(dst []byte, epoch uint64, number uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(dst[:0], epoch), number)
}

func sinkEpoch(key []byte) uint64 { return binary.BigEndian.Uint64(key) }

// sinkEntry reads the head of an entry.
func sinkEntry(val []byte) (flags byte, changes int64, batch []byte) {
	n, w := binary.Uvarint(val[1:])
	return val[0], int64(n), val[1+w:]
}

// unpackSinkEntry returns the batch of an entry; scratch is reused if it is packed.
func unpackSinkEntry(val, scratch []byte) (batch, unpacked []byte, err error) {
	flags, _, batch := sinkEntry(val)
	if flags&sinkPacked == 0 {
		return batch, scratch, nil
	}
	unpacked, err = s2.Decode(scratch[:cap(scratch)], batch)
	return unpacked, unpacked, err
}

// add appends the change of an epoch; cols is how many of the batches' columns are sent. Further ones may follow in the
// same epoch.
func (q *sinkQueue) add(epoch uint64, flags byte, cols int, batches []*vec.Batch) {
	if flags&sinkSnapshot == 0 {
		for _, b := range batches {
			if !b.AppendOnly() {
				flags |= sinkNets
			}
		}
	}
	number := q.next(epoch)
	for _, b := range batches {
		for lo := 0; lo < b.N; lo += sinkChunk {
			part := b.Slice(lo, min(lo+sinkChunk, b.N))
			part.Cols = part.Cols[:cols] // behind them a stream has "late"
			q.put(epoch, number, flags, part)
			number++
		}
	}
}

// next is the number of an epoch's next entry.
func (q *sinkQueue) next(epoch uint64) uint32 {
	q.key = appendSinkKey(q.key, epoch+1, 0)
	if it := q.t.SeekBefore(q.key); it.Valid() && sinkEpoch(it.Key()) == epoch {
		return binary.BigEndian.Uint32(it.Key()[8:]) + 1
	}
	return 0
}

func (q *sinkQueue) put(epoch uint64, number uint32, flags byte, b *vec.Batch) {
	changes := int64(0)
	for i := range b.N {
		changes += max(b.Weight(i), -b.Weight(i))
	}
	if flags&sinkSnapshot != 0 {
		flags |= sinkPacked
	}
	q.key = appendSinkKey(q.key, epoch, number)
	q.val = binary.AppendUvarint(append(q.val[:0], flags), uint64(changes))
	if flags&sinkPacked == 0 {
		q.val = appendBatch(q.val, b)
	} else {
		q.raw = appendBatch(q.raw[:0], b)
		head := len(q.val)
		q.val = slices.Grow(q.val, s2.MaxEncodedLen(len(q.raw)))
		q.val = q.val[:head+len(s2.EncodeBetter(q.val[head:cap(q.val)], q.raw))]
	}
	q.t.Put(q.key, q.val)
	q.count(q.val, 1)
}

// count adds an entry to the totals, or takes it off.
func (q *sinkQueue) count(val []byte, sign int64) {
	flags, changes, _ := sinkEntry(val)
	q.changes += sign * changes
	q.bytes += sign * int64(len(val))
	if flags&sinkSnapshot != 0 {
		q.rows += sign * int64(len(val))
	}
}

// over reports that more waits than may.
func (q *sinkQueue) over() bool { return q.bytes-q.rows-q.unsure > q.limit }

// recovered ends recovery, which has added everything behind the manifest, delivered or not.
func (q *sinkQueue) recovered() { q.unsure = q.bytes - q.rows }

// forget drops what lies before pos, epoch by epoch.
func (q *sinkQueue) forget(pos connect.Position) {
	q.unsure = 0
	if q.delivered.Less(pos) {
		q.delivered = pos
	}
	for it := q.t.Seek(nil); it.Valid() && sinkEpoch(it.Key()) < pos.Epoch; it = q.t.Seek(nil) {
		q.key = append(q.key[:0], it.Key()...)
		q.count(it.Value(), -1)
		q.t.Delete(q.key)
	}
}

// loaded ends recovery.
func (q *sinkQueue) loaded() {
	q.changes, q.bytes, q.rows = 0, 0, 0
	for it := q.t.Seek(nil); it.Valid(); it.Next() {
		q.count(it.Value(), 1)
	}
}

// sinkSource is the relation whose changes a sink sends: its own, if it has a query.
func sinkSource(meta *catalog.Relation) catalog.ID {
	if meta.Sink.From != 0 {
		return meta.Sink.From
	}
	return meta.ID
}
