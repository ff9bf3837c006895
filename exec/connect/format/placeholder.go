package format

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// placeholder is what Debezium writes for a value that a change does not tell (unavailable.value.placeholder), in each of
// the forms that a column's type gives it.
var placeholder = []byte("__debezium_unavailable_value")

var (
	placeholderBase64  = base64.StdEncoding.AppendEncode(nil, placeholder)
	placeholderNumbers = []byte(strings.ReplaceAll(fmt.Sprint(placeholder), " ", ",")) // of an array of numbers: the bytes
)

var jsonPlaceholders = [][]byte{
	fmt.Appendf(nil, `"%s"`, placeholder), fmt.Appendf(nil, `"%s"`, placeholderBase64),
	fmt.Appendf(nil, `["%s"]`, placeholder), placeholderNumbers,
}

// known implements changeDecoder: placeholders become nulls.
func (d *jsonChanges) known(row []byte) ([]byte, []int) {
	if !bytes.Contains(row, placeholder) && !(d.binary && bytes.Contains(row, placeholderBase64)) &&
		!(d.arrays && bytes.Contains(row, placeholderNumbers)) {
		return row, nil
	}
	d.unchanged, d.rewritten = d.unchanged[:0], d.rewritten[:0]
	start, copied := skipSpace(row, 0), 0
	if start == len(row) || row[start] != '{' {
		return row, nil
	}
	end := d.eachField(row, start+1, func(name, value []byte) {
		if !isPlaceholder(value) {
			return
		}
		t := d.root.lookup(string(name))
		if t == nil {
			return
		}
		d.unchanged = append(d.unchanged, t.allColumns()...)
		at := cap(row) - cap(value)
		d.rewritten = append(append(d.rewritten, row[copied:at]...), "null"...)
		copied = at + len(value)
	})
	if end < 0 || len(d.unchanged) == 0 {
		return row, nil
	}
	d.rewritten = append(d.rewritten, row[copied:]...)
	return d.rewritten, d.unchanged
}

func isPlaceholder(value []byte) bool {
	for _, p := range jsonPlaceholders {
		if bytes.Equal(value, p) {
			return true
		}
	}
	return false
}

// known implements changeDecoder: placeholders become nulls, or, where the schema has none, what any text column reads.
func (d *avroChanges) known(row []byte) ([]byte, []int) {
	if !bytes.Contains(row, placeholder) {
		return row, nil
	}
	d.unchanged, d.rewritten = d.unchanged[:0], d.rewritten[:0]
	d.b, d.p, d.depth = row, 0, 0
	copied := 0
	for _, f := range d.envelope.record.fields {
		start, typ := d.p, f.typ
		if typ.kind == avroUnion {
			var err error
			if typ, err = d.branch(typ); err != nil {
				return row, nil // told by who reads it
			}
		}
		from := d.p
		if d.skip(typ) != nil {
			return row, nil
		}
		t := d.want.lookup(f.name)
		if t == nil || !isAvroPlaceholder(typ, row[from:d.p]) {
			continue
		}
		d.unchanged = append(d.unchanged, t.allColumns()...)
		null := slices.IndexFunc(f.typ.types, func(n *avroNode) bool { return n.kind == avroNull })
		switch {
		case null >= 0:
			d.rewritten = binary.AppendVarint(append(d.rewritten, row[copied:start]...), int64(null))
		case typ.kind == avroString: // as jsonb it is valid, too
			d.rewritten = append(append(d.rewritten, row[copied:from]...), "\x08null"...)
		default:
			continue
		}
		copied = d.p
	}
	d.rewritten = append(d.rewritten, row[copied:]...)
	return d.rewritten, d.unchanged
}

// isAvroPlaceholder reports whether the data is a placeholder behind its length, or an array of one.
func isAvroPlaceholder(typ *avroNode, data []byte) bool {
	switch typ.kind {
	case avroString, avroBytes:
		return len(data) == len(placeholder)+1 && bytes.HasSuffix(data, placeholder)
	case avroArray: // a block of one element, with its size or without, which may be of a union, and the end
		n := len(data) - 1
		return n > len(placeholder) && n <= len(placeholder)+4 && data[0] <= 2 && bytes.HasSuffix(data[:n], placeholder)
	}
	return false
}
