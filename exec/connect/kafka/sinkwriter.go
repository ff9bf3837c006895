package kafka

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/connect/format"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// writer makes records of changes. It has memory for two transactions: one is filled while the brokers commit the other.
type writer struct {
	format   string
	keyed    bool
	key, val format.Encoder

	*memory
	spare  *memory
	limit  int   // bytes of a transaction
	millis int64 // when the transaction began to be filled
}

func (w *writer) init(topic string, spec connect.SinkSpec) error {
	w.format, w.limit = spec.Format.Format, batchBytes
	w.forget()
	all := make([]int, 0, len(spec.Columns))
	for i := range spec.Columns {
		all = append(all, i)
	}
	options := map[string]string{}
	for k, v := range spec.Format.Options {
		if k == "force_append_only" {
			switch strings.ToLower(v) {
			case "true", "false":
			default:
				return pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": \"%s\"", k, v).
					WithHint("Available values: true, false.")
			}
			continue
		}
		options[k] = v
	}
	value := format.EncodeSpec{
		Encode: spec.Format.Encode, Format: w.format, Topic: topic, Name: spec.Relation,
		Columns: spec.Columns, Cols: all, Options: options,
	}
	if one := value.Encode == "TEXT" || value.Encode == "BYTES"; one && w.format == "UPSERT" {
		// The value is one column, and the reader has the key's from the key.
		value.Cols = slices.DeleteFunc(slices.Clone(all), func(c int) bool { return slices.Contains(spec.Key, c) })
	}
	var err error
	if w.val, err = format.NewEncoder(value); err != nil {
		return err
	}
	w.keyed = spec.Key != nil
	if !w.keyed {
		if spec.Format.Key != "" {
			return pgerr.New(pgerr.InvalidParameterValue, "KEY ENCODE needs a key").
				WithHint("Name its columns: WITH (primary_key = 'a, b').")
		}
		return nil
	}
	key := value
	key.Key, key.Cols = true, spec.Key
	if spec.Format.Key != "" {
		key.Encode, key.Options = spec.Format.Key, spec.Format.KeyOptions
	} else if key.Encode, key.Options, err = format.DefaultKey(key); err != nil {
		return err
	}
	w.key, err = format.NewEncoder(key)
	return err
}

func (w *writer) start(ctx context.Context) error {
	if w.keyed {
		if err := w.key.Start(ctx); err != nil {
			return err
		}
	}
	return w.val.Start(ctx)
}

// turn begins to fill the other transaction.
func (w *writer) turn() { w.memory, w.spare = w.spare, w.memory }

// full reports that a transaction is large enough.
func (w *writer) full() bool { return w.records >= batchRecords || w.bytes >= w.limit }

// adapt makes the transactions that follow one of size bytes smaller if it took too long, else by and by larger again.
func (w *writer) adapt(size int, late bool) {
	if late {
		w.limit = max(min(w.limit, size)/2, leastBytes)
	} else {
		w.limit = min(w.limit+w.limit/8, batchBytes)
	}
}

// forget leaves the memory to a client that was closed before it had sent everything.
func (w *writer) forget() { w.memory, w.spare = &memory{}, &memory{} }

// add makes records of some of the changes from number from on, and says of how many. It stops when a slab is full.
func (w *writer) add(ch *connect.Changes, from int) (int, error) {
	if !w.begun {
		w.begun, w.millis = true, time.Now().UnixMilli()
	}
	if from == len(ch.List) {
		return 0, nil
	}
	slab := w.slab()
	before := len(*slab)
	n := from
	for n < len(ch.List) && len(*slab)+2 <= slabRecords {
		var err error
		if *slab, err = w.change(*slab, ch, ch.List[n]); err != nil {
			return 0, err
		}
		n++
	}
	w.records += len(*slab) - before
	w.changes += uint64(n - from)
	return n - from, nil
}

// change appends the records of one change.
func (w *writer) change(slab []kgo.Record, ch *connect.Changes, c connect.Change) ([]kgo.Record, error) {
	row := c.After
	if row < 0 {
		row = c.Before
	}
	var r kgo.Record
	var err error
	if w.keyed {
		if r.Key, err = w.bytesOf(func(dst []byte) ([]byte, error) { return w.key.Row(dst, ch.Rows, int(row)) }); err != nil {
			return slab, err
		}
	}
	switch {
	case w.format == "DEBEZIUM":
		e := format.Change{Before: int(c.Before), After: int(c.After), Op: opOf(ch, c), Epoch: ch.Epoch, Millis: w.millis}
		r.Value, err = w.bytesOf(func(dst []byte) ([]byte, error) { return w.val.Change(dst, ch.Rows, e) })
		slab = append(slab, r)
		if c.After < 0 { // for compaction, as Debezium does
			slab = append(slab, kgo.Record{Key: r.Key})
		}
		return slab, err
	case c.After >= 0:
		r.Value, err = w.bytesOf(func(dst []byte) ([]byte, error) { return w.val.Row(dst, ch.Rows, int(c.After)) })
	case w.format == "PLAIN":
		return slab, nil // force_append_only
	}
	return append(slab, r), err
}

func opOf(ch *connect.Changes, c connect.Change) byte {
	switch {
	case ch.Snapshot:
		return 'r'
	case c.Before < 0:
		return 'c'
	case c.After < 0:
		return 'd'
	}
	return 'u'
}
