package pgwire

import (
	"encoding/binary"

	"github.com/millracedb/millrace/sql/pgerr"
)

// binaryRows reads rows of the binary format:
//
//	header: signature, int32 flags, int32 length of an extension, the extension
//	row:    int16 number of fields, then for each int32 length (-1: null) and that many bytes
//	end:    int16 -1
func (r *CopyReader) binaryRows(data []byte, last bool) (int, error) {
	pos := 0
	if !r.started {
		n, err := binaryHeader(data)
		if err != nil {
			return 0, err
		}
		if n < 0 {
			if last {
				return 0, pgerr.New(pgerr.BadCopyFileFormat, "COPY file signature not recognized")
			}
			return 0, nil
		}
		r.started, pos = true, n
	}
	for !r.done {
		r.column = -1
		n, err := r.binaryRow(data[pos:])
		if err != nil {
			return pos, err
		}
		if n < 0 {
			if last && len(data) > pos {
				return pos, pgerr.New(pgerr.BadCopyFileFormat, "unexpected EOF in COPY data")
			}
			return pos, nil
		}
		pos += n
	}
	return len(data), nil
}

// binaryHeader returns the header's length, -1 if it is not all there.
func binaryHeader(data []byte) (int, error) {
	k := min(len(data), len(binarySignature))
	if string(data[:k]) != binarySignature[:k] {
		return 0, pgerr.New(pgerr.BadCopyFileFormat, "COPY file signature not recognized")
	}
	if len(data) < binaryHeaderLen {
		return -1, nil
	}
	flags := binary.BigEndian.Uint32(data[len(binarySignature):])
	if flags>>16 != 0 {
		return 0, pgerr.New(pgerr.BadCopyFileFormat, "unrecognized critical flags in COPY file header")
	}
	ext := int64(int32(binary.BigEndian.Uint32(data[len(binarySignature)+4:])))
	if ext < 0 {
		return 0, pgerr.New(pgerr.BadCopyFileFormat, "invalid COPY file header (missing length)")
	}
	if int64(len(data)) < int64(binaryHeaderLen)+ext {
		return -1, nil
	}
	return binaryHeaderLen + int(ext), nil
}

// binaryRow reads one row and returns its length, -1 if it is not all there.
func (r *CopyReader) binaryRow(data []byte) (int, error) {
	if len(data) < 2 {
		return -1, nil
	}
	n := int(int16(binary.BigEndian.Uint16(data)))
	if n == -1 {
		r.done = true
		return 2, nil
	}
	if n != len(r.parse) {
		return 0, pgerr.Newf(pgerr.BadCopyFileFormat, "row field count is %d, expected %d", n, len(r.parse))
	}
	// The whole row must be there before a column takes a value.
	pos := 2
	for range n {
		if len(data) < pos+4 {
			return -1, nil
		}
		size := int(int32(binary.BigEndian.Uint32(data[pos:])))
		if size < -1 {
			return 0, pgerr.New(pgerr.BadCopyFileFormat, "invalid field size")
		}
		pos += 4 + max(size, 0)
		if len(data) < pos {
			return -1, nil
		}
	}
	r.Line++
	pos = 2
	for k, parse := range r.parse {
		size := int(int32(binary.BigEndian.Uint32(data[pos:])))
		pos += 4
		if size < 0 {
			r.Batch.Cols[k].AppendNull()
			continue
		}
		if err := parse(r.Batch.Cols[k], data[pos:pos+size], r.env); err != nil {
			r.column = k
			return 0, err
		}
		pos += size
	}
	r.Batch.N++
	return pos, nil
}
