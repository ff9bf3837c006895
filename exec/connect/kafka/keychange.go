package kafka

import (
	"slices"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A row whose key changes is three records of Debezium: the old row's deletion, a tombstone, and the new row, which may
// have old values that only the row deleted has (format.Said). So the three enter one part, that is one epoch. Where
// a fetch ends among them, its last records wait for the next one. In a topic of several partitions the new row may lie in
// another one, and nothing waits.

// newKeyHeader marks the deletion of a row that has a new key.
const newKeyHeader = "__debezium.newkey"

func changesKey(r *kgo.Record) bool {
	return r.Value != nil && slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == newKeyHeader })
}

// together returns the records of a fetched partition up to those that must wait for the next fetch, after those that
// have waited for this one.
func (s *Source) together(p *kgo.FetchPartition) []*kgo.Record {
	rs := p.Records
	if s.build.changer == nil {
		return rs
	}
	if waited := s.build.waiting[p.Partition]; len(waited) > 0 {
		rs = append(waited, rs...)
		delete(s.build.waiting, p.Partition)
	}
	i := len(rs) - 1
	for i >= 0 && (rs[i].Attrs.IsControl() || rs[i].Value == nil) {
		i--
	}
	if i < 0 || !changesKey(rs[i]) || s.track.partitions() > 1 {
		return rs
	}
	s.build.waiting = map[int32][]*kgo.Record{p.Partition: slices.Clone(rs[i:])}
	return rs[:i]
}

// follow tells the decoder where the records before have nothing to do with those that come.
func (b *builder) follow(partition int32) {
	if b.changer == nil || b.last == partition {
		return
	}
	b.changer.Break()
	b.last, b.open = partition, false
}

// note adds to the part what a record says beside its rows.
func (b *builder) note(r *kgo.Record) {
	said := b.changer.Said()
	if said.Truncate {
		b.part.Truncates = append(b.part.Truncates, b.part.Rows.N)
	}
	if len(said.Unchanged) > 0 {
		b.part.Partial = append(b.part.Partial, connect.Partial{Row: b.part.Rows.N - 1, Of: said.Of,
			Columns: slices.Clone(said.Unchanged), At: *placeOf(r), Data: excerpt(r.Value)})
	}
}

// partial reports whether a row, the last one, has old values.
func (b *builder) partial(row int) bool {
	n := len(b.part.Partial)
	return n > 0 && b.part.Partial[n-1].Row == row
}
