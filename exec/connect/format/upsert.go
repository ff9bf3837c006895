package format

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// upsert decodes FORMAT UPSERT: the record's key is the primary key of a row, its value has the other columns, and a
// record without a value deletes the row.
//
// The primary key is read by KEY ENCODE. Where that is not given it is read as the value is encoded, or it is a column
// of INCLUDE KEY, which the caller fills with the key's bytes.
type upsert struct {
	skips
	value  rowDecoder
	json   bool // a value that is JSON's null is none: Kafka Connect writes tombstones so
	others []column
	key    rowDecoder // nil: the caller fills the key
	keys   []column
}

func (m *maker) upsert() (Decoder, error) {
	keyFields, fields, err := m.keyFields()
	if err != nil {
		return nil, err
	}
	d := &upsert{skips: m.skips(), others: newColumns(fields), keys: newColumns(keyFields), json: m.value.name == "JSON"}
	if d.value, err = m.value.decoder(m.value, fields); err != nil {
		return nil, err
	}
	if len(keyFields) > 0 {
		d.key, err = m.keyDecoder(keyFields)
	}
	return d, err
}

// keyFields divides the columns into those that the key fills and those that the value fills.
func (m *maker) keyFields() (keys, others []field, err error) {
	for i, c := range m.Columns {
		f := field{i, c}
		switch pk := slices.Contains(m.PrimaryKey, i); {
		case strings.EqualFold(c.Include, "key"):
			if m.key.encoding != nil {
				keys = append(keys, f)
			}
		case pk && c.Include != "":
			return nil, nil, pgerr.Newf(pgerr.InvalidTableDefinition, "column \"%s\" tells the %s of a record, which is no key of rows", c.Name, c.Include)
		case pk:
			keys = append(keys, f)
		case c.Include == "":
			others = append(others, f)
		}
	}
	return keys, others, nil
}

// keyDecoder returns the decoder of the key's columns.
func (m *maker) keyDecoder(fields []field) (rowDecoder, error) {
	if m.key.encoding != nil {
		return m.key.decoder(m.key, fields)
	}
	switch s := m.defaultKey(); {
	case s.name == "JSON":
		return newJSONKey(s, fields, true), nil
	case s.registry():
		return s.decoder(s, fields)
	case len(fields) == 1:
		return newText(s, fields)
	}
	return nil, pgerr.New(pgerr.InvalidTableDefinition, "FORMAT UPSERT cannot tell how keys are written").
		WithHint("Add KEY ENCODE JSON, AVRO, PROTOBUF, CSV or TEXT.")
}

// defaultKey is how keys are read where KEY ENCODE is not given: as values are.
func (m *maker) defaultKey() side {
	s := m.value
	s.isKey, s.options = true, maps.Clone(s.options)
	delete(s.options, optSubject)
	delete(s.options, optMessage)
	return s
}

// Decode implements Decoder.
func (d *upsert) Decode(key, value []byte, dst *vec.Batch) error {
	if key == nil {
		return pgerr.New(pgerr.NotNullViolation, "record has no key").
			WithHint("FORMAT UPSERT reads the primary key from it.")
	}
	if d.key != nil {
		if err := d.key.row(key, dst); err != nil {
			return inKey(err)
		}
		if err := checkKey(d.keys, dst); err != nil {
			cutRow(d.keys, dst)
			return err
		}
	}
	weight := int64(1)
	if value == nil || d.json && string(bytes.TrimSpace(value)) == "null" {
		weight = -1
		for i := range d.others {
			dst.Cols[d.others[i].index].AppendNull()
		}
	} else if err := d.value.row(value, dst); err != nil {
		cutRow(d.keys, dst)
		return err
	}
	addRow(dst, weight)
	return nil
}

// checkKey refuses a row, the one behind dst's, with a null in its key.
func checkKey(keys []column, dst *vec.Batch) error {
	for i := range keys {
		if c := &keys[i]; dst.Cols[c.index].IsNull(dst.N) {
			e := pgerr.Newf(pgerr.NotNullViolation, "null value in column \"%s\" violates not-null constraint", c.name)
			e.Column = c.name
			return e
		}
	}
	return nil
}

// inKey says that an error arose in a record's key.
func inKey(err error) error {
	if Retryable(err) {
		return err
	}
	e := *pgerr.Of(err)
	where := "key of the record"
	if e.Where != "" {
		where += ", " + e.Where
	}
	e.Where = where
	if e.Hint == "" {
		e.Hint = "KEY ENCODE says how keys are written."
	}
	return &e
}

// addRow counts a row whose columns have been appended.
func addRow(dst *vec.Batch, weight int64) {
	if weight != 1 {
		dst.SetWeights()
	}
	dst.N++
	if dst.W != nil {
		dst.W = append(dst.W, weight)
	}
}
