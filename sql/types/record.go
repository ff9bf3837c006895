package types

import "encoding/binary"

// A record is its fields one after the other: [type OID: 4 bytes, little endian] [null: 1 byte] and, if not
// null, the value: 8 bytes for I64 and F64, a uvarint length and the bytes otherwise.

// AppendRecordNull appends a null field of type t.
func AppendRecordNull(dst []byte, t OID) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(t)), 1)
}

// AppendRecordI64 appends a field of an I64- or, as its bits, F64-class type.
func AppendRecordI64(dst []byte, t OID, v int64) []byte {
	dst = append(binary.LittleEndian.AppendUint32(dst, uint32(t)), 0)
	return binary.LittleEndian.AppendUint64(dst, uint64(v))
}

// AppendRecordBytes appends a field of a Bytes-class type.
func AppendRecordBytes(dst []byte, t OID, b []byte) []byte {
	dst = append(binary.LittleEndian.AppendUint32(dst, uint32(t)), 0)
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// RecordReader walks the fields of a record.
type RecordReader struct {
	Type  Type
	Null  bool
	Bits  int64 // I64 value, or the bits of an F64 one
	Bytes []byte
	rest  []byte
}

// ReadRecord begins reading a record.
func ReadRecord(b []byte) RecordReader { return RecordReader{rest: b} }

// Next moves to the next field; false at the end.
func (r *RecordReader) Next() bool {
	if len(r.rest) < 5 {
		return false
	}
	r.Type = T(OID(binary.LittleEndian.Uint32(r.rest)))
	r.Null = r.rest[4] != 0
	r.rest = r.rest[5:]
	r.Bits, r.Bytes = 0, nil
	switch {
	case r.Null:
	case r.Type.Class() == Bytes:
		l, k := binary.Uvarint(r.rest)
		r.Bytes = r.rest[k : k+int(l)]
		r.rest = r.rest[k+int(l):]
	default:
		r.Bits = int64(binary.LittleEndian.Uint64(r.rest))
		r.rest = r.rest[8:]
	}
	return true
}

// appendRecordText appends a record as (a,"b c",).
func appendRecordText(dst []byte, b []byte, env *Env) []byte {
	dst = append(dst, '(')
	r := ReadRecord(b)
	for i := 0; r.Next(); i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		if r.Null {
			continue
		}
		at := len(dst)
		dst = AppendText(dst, r.Type, r.Bits, floatOfBits(r.Bits), r.Bytes, env)
		if recordQuotes(dst[at:]) {
			dst = quoteRecordTail(dst, at)
		}
	}
	return append(dst, ')')
}

func recordQuotes(s []byte) bool {
	for _, c := range s {
		switch c {
		case '"', '\\', '(', ')', ',', ' ', '\t', '\n', '\r', '\v', '\f':
			return true
		}
	}
	return len(s) == 0
}

func quoteRecordTail(dst []byte, at int) []byte {
	text := string(dst[at:])
	dst = append(dst[:at], '"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			dst = append(dst, text[i])
		}
		dst = append(dst, text[i])
	}
	return append(dst, '"')
}
