package connect

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/millracedb/millrace/sql/pgerr"
)

// Offsets says, for each partition of a source, which record comes next. Partitions and positions are the
// source's own; the engine stores and merges them and makes nothing of their values.
type Offsets map[int32]int64

// Merge sets the partitions that newer names.
func (o Offsets) Merge(newer Offsets) { maps.Copy(o, newer) }

// AppendTo appends the encoding of o, the same for equal offsets:
//
//	count uvarint, then count times: partition varint, offset varint; ascending by partition
//
// It is part of the data format (log records and manifests hold it).
func (o Offsets) AppendTo(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(o)))
	for _, p := range slices.Sorted(maps.Keys(o)) {
		dst = binary.AppendVarint(dst, int64(p))
		dst = binary.AppendVarint(dst, o[p])
	}
	return dst
}

// DecodeOffsets reads what AppendTo wrote and returns what follows it.
func DecodeOffsets(b []byte) (Offsets, []byte, error) {
	damaged := pgerr.New(pgerr.DataCorrupted, "damaged source offsets")
	count, n := binary.Uvarint(b)
	if n <= 0 || count > uint64(len(b)) {
		return nil, nil, damaged
	}
	b = b[n:]
	o := make(Offsets, count)
	for range count {
		p, n := binary.Varint(b)
		if n <= 0 || p != int64(int32(p)) {
			return nil, nil, damaged
		}
		off, m := binary.Varint(b[n:])
		if m <= 0 {
			return nil, nil, damaged
		}
		o[int32(p)] = off
		b = b[n+m:]
	}
	return o, b, nil
}
