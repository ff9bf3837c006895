package kafka

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// recordPool lends the client memory for records and for what it decompresses; Record.Recycle gives it back.
type recordPool struct {
	records sync.Pool // *[]kgo.Record
	bytes   sync.Pool // *[]byte
}

var (
	_ kgo.PoolRecords         = (*recordPool)(nil)
	_ kgo.PoolDecompressBytes = (*recordPool)(nil)
)

// GetRecords implements kgo.PoolRecords.
func (p *recordPool) GetRecords(n int) []kgo.Record {
	if s, ok := p.records.Get().(*[]kgo.Record); ok && cap(*s) >= n {
		return (*s)[:0]
	}
	return make([]kgo.Record, 0, n)
}

// PutRecords implements kgo.PoolRecords.
func (p *recordPool) PutRecords(s []kgo.Record) { p.records.Put(&s) }

// GetDecompressBytes implements kgo.PoolDecompressBytes. What does not fit into the slice the client puts elsewhere.
func (p *recordPool) GetDecompressBytes(compressed []byte, codec kgo.CompressionCodecType) []byte {
	size := 4 * len(compressed)
	if codec == kgo.CodecSnappy {
		size = snappySize(compressed, size)
	}
	if s, ok := p.bytes.Get().(*[]byte); ok && cap(*s) >= size {
		return (*s)[:0]
	}
	return make([]byte, 0, size)
}

// snappySize is how many bytes come of a snappy block, which says so in front; byDefault if it is in the framing of the
// Java client, or looks damaged.
func snappySize(block []byte, byDefault int) int {
	const framing, most = "\x82SNAPPY\x00", 64 // times as large as it is compressed
	n, w := binary.Uvarint(block)
	if w <= 0 || bytes.HasPrefix(block, []byte(framing)) || n > most*uint64(len(block)) {
		return byDefault
	}
	return int(n)
}

// PutDecompressBytes implements kgo.PoolDecompressBytes.
func (p *recordPool) PutDecompressBytes(s []byte) { p.bytes.Put(&s) }
