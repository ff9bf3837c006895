package kafka

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/connect/format"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A part is delivered when it has this many records or bytes, or when nothing more has been fetched.
const (
	partRecords = 16 << 10
	partBytes   = 4 << 20
)

// builder turns records into a part. It belongs to the goroutine of Run.
type builder struct {
	decoder  format.Decoder
	changer  format.Changer // decoder, if it is one
	policy   policy
	types    []types.Type
	included []included
	free     chan *vec.Batch // batches that the engine gave back
	// await is called while the schema registry is away, and returns when to ask again. Its error ends all reading: it is
	// kept in gone.
	ctx   context.Context
	await func(error) error
	gone  error

	part    *connect.Part // nil: none begun
	done    progress
	epochs  map[int32]int32         // leader epochs that offsets of parts have told
	last    int32                   // the partition whose records were added last, for changer
	open    bool                    // the last record of it belongs together with the next (keychange.go)
	waiting map[int32][]*kgo.Record // by partition: see together
}

// progress is what a part brings, for the tracker, which reads it after the part has been given away.
type progress struct {
	records, bytes, bad uint64
	next                connect.Offsets
	counts              map[int32]uint64    // records of each partition
	newest              map[int32]time.Time // record of each partition
}

// included is a column that tells about the record (INCLUDE).
type included struct {
	column int
	what   string
	text   bool // key: as text, which must be valid
}

// maxFree is how many returned batches are kept for reuse.
const maxFree = 4

func newBuilder(spec connect.StreamSpec) (*builder, error) {
	b := &builder{free: make(chan *vec.Batch, maxFree), ctx: context.Background(), epochs: map[int32]int32{}}
	of := formatOf(spec)
	of.Context = func() context.Context { return b.ctx }
	var err error
	if b.decoder, err = format.New(of); err != nil {
		return nil, err
	}
	b.changer, _ = b.decoder.(format.Changer)
	for i, c := range spec.Columns {
		b.types = append(b.types, c.Type)
		if !b.decoder.Skips(i) {
			continue
		}
		inc := included{column: i, what: strings.ToLower(c.Include), text: c.Type.OID == types.Text || c.Type.OID == types.Varchar}
		if !inc.takes(c) {
			return nil, pgerr.Newf(pgerr.DatatypeMismatch, "column \"%s\" cannot hold the %s of a record", c.Name, inc.what).
				WithHint("key is text or bytea, partition is integer, offset is bigint, timestamp is timestamp with time zone, headers is jsonb.")
		}
		b.included = append(b.included, inc)
	}
	b.policy = newPolicy(spec)
	return b, nil
}

// formatOf is what the decoder of a relation is made for.
func formatOf(spec connect.StreamSpec) format.Spec {
	return format.Spec{Format: spec.Format, Columns: spec.Columns, PrimaryKey: spec.PrimaryKey, Topic: spec.Options["topic"]}
}

func (inc included) takes(c catalog.Column) bool {
	switch inc.what {
	case "key":
		return c.Type.OID == types.Text || c.Type.OID == types.Bytea || c.Type == types.T(types.Varchar)
	case "partition":
		return c.Type.OID == types.Int4 || c.Type.OID == types.Int8
	case "offset":
		return c.Type.OID == types.Int8
	case "timestamp":
		return c.Type.OID == types.TimestampTZ || c.Type.OID == types.Timestamp
	case "headers":
		return c.Type.OID == types.JSONB
	}
	return false
}

// take returns the part and what it brings, and leaves none begun.
func (b *builder) take() (*connect.Part, progress) {
	part, done := b.part, b.done
	part.Offsets = maps.Clone(done.next)
	b.part, b.done = nil, progress{}
	return part, done
}

// begin makes an empty part unless there is one.
func (b *builder) begin() {
	if b.part != nil {
		return
	}
	var batch *vec.Batch
	select {
	case batch = <-b.free:
	default:
		batch = vec.NewBatch(b.types, 256)
	}
	b.part = &connect.Part{Rows: batch, Release: func() {
		batch.Reset()
		select {
		case b.free <- batch:
		default:
		}
	}}
	b.follow(-1)
	b.done = progress{next: connect.Offsets{}, counts: map[int32]uint64{}, newest: map[int32]time.Time{}}
}

// full reports whether the part should be delivered before it takes more.
func (b *builder) full() bool {
	return b.done.records >= b.policy.partRecords || b.done.bytes >= partBytes
}

// add takes the records of one partition from the front of rs, as many as fit, and returns the rest. next is
// the partition's next offset. The records are recycled.
func (b *builder) add(p int32, next int64, rs []*kgo.Record) []*kgo.Record {
	b.begin()
	b.follow(p)
	rows, had := b.part.Rows.N, b.done.records
	var newest int64
	epoch := int32(-1)
	for len(rs) > 0 && (!b.full() || b.open) {
		r := rs[0]
		if r.Offset >= next {
			if !r.Attrs.IsControl() {
				if !b.record(r) {
					break // its partition is held
				}
				newest = max(newest, r.Timestamp.UnixMilli())
				b.open = b.changer != nil && (changesKey(r) || b.open && r.Value == nil)
			}
			next, epoch = r.Offset+1, r.LeaderEpoch
		}
		rs = rs[1:]
		r.Recycle()
	}
	if n := b.part.Rows.N - rows; n > 0 {
		if last := len(b.part.Runs) - 1; last >= 0 && b.part.Runs[last].Partition == p {
			b.part.Runs[last].Rows += n
		} else {
			b.part.Runs = append(b.part.Runs, connect.Run{Partition: p, Rows: n})
		}
	}
	b.done.next[p] = next
	if told, ok := b.epochs[p]; epoch >= 0 && (!ok || told != epoch) {
		b.epochs[p], b.done.next[epochOf(p)] = epoch, int64(epoch)
	}
	b.done.counts[p] += b.done.records - had
	if at := time.UnixMilli(newest); newest > 0 && at.After(b.done.newest[p]) {
		b.done.newest[p] = at
	}
	return rs
}

// forget makes the next part tell the leader epoch of a partition again.
func (b *builder) forget(p int32) { delete(b.epochs, p) }

// record adds what a record says to the part. It reports false, and adds nothing, if the record is bad and may not be
// passed over, or if reading has ended (gone).
func (b *builder) record(r *kgo.Record) bool {
	from := b.part.Rows.N
	err := b.decode(r)
	if err == nil {
		err = b.check(from)
	}
	if b.gone != nil || err != nil && !b.bad(r, err) {
		return false
	}
	b.done.records++
	b.done.bytes += uint64(len(r.Key) + len(r.Value))
	return true
}

func (b *builder) decode(r *kgo.Record) error {
	for _, inc := range b.included {
		if inc.text {
			if err := types.ValidateUTF8(types.Str(r.Key)); err != nil {
				return err
			}
		}
	}
	from := b.part.Rows.N
	for {
		err := b.decoder.Decode(r.Key, r.Value, b.part.Rows)
		if err == nil {
			break
		}
		if !format.Retryable(err) || b.await == nil {
			return err
		}
		if b.gone = b.await(err); b.gone != nil {
			return b.gone
		}
	}
	for range b.part.Rows.N - from {
		b.include(r)
	}
	if b.changer != nil {
		b.note(r)
	}
	return nil
}

// include appends the columns that tell about the record.
func (b *builder) include(r *kgo.Record) {
	for _, inc := range b.included {
		v := b.part.Rows.Cols[inc.column]
		switch inc.what {
		case "key":
			if r.Key == nil {
				v.AppendNull()
			} else {
				v.AppendBytes(r.Key)
			}
		case "partition":
			v.AppendI64(int64(r.Partition))
		case "offset":
			v.AppendI64(r.Offset)
		case "timestamp":
			v.AppendI64(types.TimestampFromTime(r.Timestamp))
		case "headers":
			v.Buf = appendHeaders(v.Buf, r.Headers)
			v.FinishBytes()
		}
	}
}

// appendHeaders appends a jsonb object of the headers. A value that is no text is shown as bytea is.
func appendHeaders(dst []byte, headers []kgo.RecordHeader) []byte {
	text := []byte{'{'}
	for i, h := range headers {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(appendJSONString(text, []byte(h.Key)), ':')
		switch {
		case h.Value == nil:
			text = append(text, "null"...)
		case types.ValidateUTF8(types.Str(h.Value)) == nil:
			text = appendJSONString(text, h.Value)
		default:
			text = appendJSONString(text, types.AppendByteaText(nil, h.Value))
		}
	}
	out, err := types.AppendParsedJSONB(dst, types.Str(append(text, '}')))
	if err != nil { // not possible: every part was made valid
		return append(dst, "{}"...)
	}
	return out
}

func appendJSONString(dst, s []byte) []byte {
	quoted, err := json.Marshal(storable(s))
	if err != nil { // not possible for a string
		return append(dst, `""`...)
	}
	return append(dst, quoted...)
}
