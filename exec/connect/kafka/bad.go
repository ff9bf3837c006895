package kafka

import (
	"strings"
	"unicode/utf8"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
	"github.com/twmb/franz-go/pkg/kgo"
)

// policy is what rows must satisfy, and what becomes of a record that does not.
type policy struct {
	relation    string
	notNull     []notNull
	check       func(b *vec.Batch, from int) error // nil: nothing
	stop        bool                               // a bad record holds its partition
	partRecords uint64
	// held are the partitions that stop at a bad record, and why.
	held map[int32]*pgerr.Error
	// letters are copies of bad records for the dead-letter topic; they are kept only if there is one.
	copies  bool
	letters []*kgo.Record
}

type notNull struct {
	column int
	name   string
}

func newPolicy(spec connect.StreamSpec) policy {
	p := policy{relation: spec.Name, check: spec.Check, stop: spec.StopOnError, partRecords: partRecords,
		held: map[int32]*pgerr.Error{}, copies: spec.Options[optErrorsTopic] != ""}
	if spec.RateLimit > 0 { // a part is a tenth of a second, so that the rate is even
		p.partRecords = uint64(min(max(spec.RateLimit/10, 1), partRecords))
	}
	for i, c := range spec.Columns {
		if c.NotNull {
			p.notNull = append(p.notNull, notNull{i, c.Name})
		}
	}
	return p
}

// check applies NOT NULL and CHECK to the rows that one record made, and takes them back if they do not hold.
func (b *builder) check(from int) error {
	rows := b.part.Rows
	for i := from; i < rows.N; i++ {
		if rows.W != nil && rows.W[i] < 0 {
			continue // only its key counts, and a decoder gives every key
		}
		if b.partial(i) {
			continue // the engine checks it
		}
		for _, n := range b.policy.notNull {
			if rows.Cols[n.column].IsNull(i) {
				err := pgerr.Newf(pgerr.NotNullViolation, "null value in column \"%s\" of relation \"%s\" violates not-null constraint",
					n.name, b.policy.relation)
				truncate(rows, from)
				return err
			}
		}
	}
	if b.policy.check != nil && from < rows.N && !b.partial(rows.N-1) {
		if err := b.policy.check(rows, from); err != nil {
			truncate(rows, from)
			return err
		}
	}
	return nil
}

// truncate cuts a batch to its first n rows.
func truncate(b *vec.Batch, n int) {
	for _, v := range b.Cols {
		for i := n; v.Nulls != nil && i < v.Len(); i++ {
			if v.Nulls.Get(i) {
				v.Nulls.Clear(i)
			}
		}
		switch v.Type.Class() {
		case types.I64:
			v.I64 = v.I64[:n]
		case types.F64:
			v.F64 = v.F64[:n]
		default:
			v.Off = v.Off[:n+1]
			v.Buf = v.Buf[:v.Off[n]]
		}
	}
	if b.W != nil {
		b.W = b.W[:n]
	}
	b.N = n
}

// bad makes an error row of a record. It reports false if its partition must be held in front of it instead.
func (b *builder) bad(r *kgo.Record, err error) bool {
	e := *pgerr.Of(err)
	if b.policy.stop {
		where := "topic \"" + r.Topic + "\", " + place(r.Partition, r.Offset)
		if e.Detail != "" {
			where = e.Detail + " (" + where + ")"
		}
		e.Detail = where
		b.policy.held[r.Partition] = &e
		return false
	}
	b.done.bad++
	b.part.Errors = append(b.part.Errors, connect.RowError{Err: &e, Data: excerpt(r.Value), At: placeOf(r)})
	if b.policy.copies {
		b.policy.letters = append(b.policy.letters, letter(r, &e))
	}
	return true
}

// placeOf names the record for millrace.errors.
func placeOf(r *kgo.Record) *connect.Place {
	return &connect.Place{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Key: excerpt(r.Key)}
}

// excerpt is the beginning of a value as text that can be stored.
func excerpt(value []byte) string {
	if len(value) > connect.MaxErrorData {
		value = value[:connect.MaxErrorData]
		for len(value) > 0 && !utf8.Valid(value[len(value)-min(len(value), utf8.UTFMax):]) && !utf8.RuneStart(value[len(value)-1]) {
			value = value[:len(value)-1] // a character that was cut through
		}
	}
	return storable(value)
}

// storable is a value as text that a database may hold.
func storable(value []byte) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(value), "\uFFFD"), "\x00", "\uFFFD")
}
