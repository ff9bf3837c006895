package format

import (
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// plain decodes FORMAT PLAIN: each record is a row, or several.
type plain struct {
	skips
	value rowDecoder
	many  manyRows   // value, if it is one
	key   rowDecoder // of INCLUDE KEY columns, nil: none
	cols  []column   // the value's
}

func (m *maker) plain() (Decoder, error) {
	var fields, keys []field
	for i, c := range m.Columns {
		switch {
		case m.keyColumn(c):
			keys = append(keys, field{i, c})
		case c.Include == "":
			fields = append(fields, field{i, c})
		}
	}
	d := &plain{skips: m.skips(), cols: newColumns(fields)}
	var err error
	if d.value, err = m.value.decoder(m.value, fields); err != nil {
		return nil, err
	}
	d.many, _ = d.value.(manyRows)
	if m.key.encoding == nil {
		return d, nil
	}
	if len(keys) == 0 {
		return nil, pgerr.New(pgerr.InvalidTableDefinition, "KEY ENCODE needs a column for the key").
			WithHint("Add INCLUDE KEY AS name; or use FORMAT UPSERT, which reads the primary key from it.")
	}
	if len(keys) > 1 || d.many != nil {
		return nil, pgerr.New(pgerr.InvalidTableDefinition, "FORMAT PLAIN has one column for the key, and one row a record").
			WithHint("KEY ENCODE does not go with ENCODE CSV here.")
	}
	d.key, err = m.key.decoder(m.key, keys)
	return d, err
}

// Decode implements Decoder.
func (d *plain) Decode(key, value []byte, dst *vec.Batch) error {
	if value == nil {
		return errNoValue
	}
	n := 1
	var err error
	if d.many != nil {
		n, err = d.many.rows(value, dst)
	} else {
		err = d.value.row(value, dst)
	}
	if err != nil {
		return err
	}
	if d.key != nil {
		if err := d.key.row(key, dst); err != nil {
			cutRow(d.cols, dst)
			return err
		}
	}
	dst.N += n
	return nil
}

var errNoValue = pgerr.New(pgerr.NullValueNotAllowed, "record has no value")
