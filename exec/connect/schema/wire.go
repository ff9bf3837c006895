package schema

import (
	"encoding/binary"

	"github.com/millracedb/millrace/sql/pgerr"
)

// HeaderSize is the length of the header without Protobuf's message indexes.
const HeaderSize = 5

// ReadHeader returns the schema id of a record and what follows it.
func ReadHeader(record []byte) (id uint32, data []byte, err error) {
	if len(record) < HeaderSize || record[0] != 0 {
		return 0, nil, errHeader
	}
	return binary.BigEndian.Uint32(record[1:]), record[HeaderSize:], nil
}

var errHeader = pgerr.New(pgerr.InvalidBinaryRepr, "record does not begin with the header of a schema registry").
	WithDetail("It should begin with a zero byte and a schema id.").
	WithHint("Records without a header are read with schema or schema.location instead of schema.registry.")

// AppendHeader appends the header of records with a schema.
func AppendHeader(dst []byte, id uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, 0), id)
}

// ReadIndexes returns the path of a Protobuf message in its file (its number among the messages of each level), and
// what follows it. path is reused.
func ReadIndexes(data []byte, path []int) ([]int, []byte, error) {
	bad := pgerr.New(pgerr.InvalidBinaryRepr, "damaged message indexes in a record's header")
	count, n := binary.Varint(data)
	if n <= 0 || count < 0 || count > 100 {
		return nil, nil, bad
	}
	data, path = data[n:], path[:0]
	if count == 0 { // short for the first message
		return append(path, 0), data, nil
	}
	for range count {
		i, n := binary.Varint(data)
		if n <= 0 || i < 0 || i > 1<<20 {
			return nil, nil, bad
		}
		path, data = append(path, int(i)), data[n:]
	}
	return path, data, nil
}

// AppendIndexes appends the path of a Protobuf message.
func AppendIndexes(dst []byte, path []int) []byte {
	if len(path) == 1 && path[0] == 0 {
		return append(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(len(path)))
	for _, i := range path {
		dst = binary.AppendVarint(dst, int64(i))
	}
	return dst
}
