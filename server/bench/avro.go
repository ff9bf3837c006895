package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/millracedb/millrace/exec/connect/schema"
)

const clickSchema = `{"type": "record", "name": "click", "fields": [
	{"name": "user_id", "type": "long"}, {"name": "session", "type": "string"}, {"name": "page", "type": "string"},
	{"name": "referrer", "type": "string"}, {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-millis"}},
	{"name": "duration_ms", "type": "int"}, {"name": "price", "type": "double"}, {"name": "mobile", "type": "boolean"}]}`

// avroClicks returns ENCODE AVRO ... for a topic of clicks, and what makes them: with a registry as its clients write them,
// else bare, with the schema in the statement.
func (b *bench) avroClicks(ctx context.Context, topic string) (encode string, value func(i int) []byte, err error) {
	if b.Registry == "" {
		return "AVRO (schema = '" + clickSchema + "')", func(i int) []byte { return appendClickAvro(nil, i) }, nil
	}
	registry, err := schema.Open(schema.Config{URLs: b.Registry})
	if err != nil {
		return "", nil, err
	}
	id, err := registry.Register(ctx, topic+"-value", schema.Schema{Type: schema.Avro, Text: clickSchema})
	value = func(i int) []byte { return appendClickAvro(schema.AppendHeader(nil, uint32(id)), i) }
	return "AVRO (schema.registry = '" + b.Registry + "')", value, err
}

// appendClickAvro appends click i, the same as clickJSON's, in the encoding of clickSchema.
func appendClickAvro(dst []byte, i int) []byte {
	dst = binary.AppendVarint(dst, int64(1000+mix(i)%50_000))
	dst = appendAvroString(dst, fmt.Sprintf("%016x", mix(i)))
	dst = appendAvroString(dst, "/products/item-"+strconv.Itoa(mix(i+1)%2000))
	dst = appendAvroString(dst, "https://www.example.com/search")
	dst = binary.AppendVarint(dst, clickStart.Add(time.Duration(i)*10*time.Millisecond).UnixMilli())
	dst = binary.AppendVarint(dst, int64(i%90_000))
	dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(float64(i%500)+float64(i%100)/100))
	if i%3 == 0 {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func appendAvroString(dst []byte, s string) []byte {
	return append(binary.AppendVarint(dst, int64(len(s))), s...)
}
