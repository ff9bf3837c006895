package format

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/sql/pgerr"
)

// connectSchema reads the envelope in which Kafka Connect's JSON converter puts records unless told otherwise:
// {"schema": ..., "payload": ...}. The schema says how to read values that JSON has no type for. It is the same from
// record to record, and compared instead of read.
type connectSchema struct {
	prefix  []byte // the envelope of the last record, up to the payload
	applied bool   // its schema is set in the columns
	spans   [2][]byte
	// row is the field of the payload whose fields are the columns, "" for the payload itself.
	row string
}

var envelopeNames = []string{"schema", "payload"}

// unwrap returns the payload, which is the record itself if it has no envelope, and sets what the schema says about
// the columns of d. A payload of null is nil.
func (s *connectSchema) unwrap(d *JSON, record []byte) ([]byte, error) {
	if n := len(s.prefix); n > 0 && bytes.HasPrefix(record, s.prefix) && record[len(record)-1] == '}' {
		return record[n : len(record)-1], nil // read strictly by whoever reads it
	}
	p := skipSpace(record, 0)
	if p >= len(record) || record[p] != '{' || !isField(record[p+1:], `"schema"`) && !isField(record[p+1:], `"payload"`) {
		if s.applied {
			d.root.forgetSchema()
			s.applied, s.prefix = false, nil
		}
		return record, nil
	}
	if err := d.split(record, envelopeNames, s.spans[:]); err != nil {
		return nil, err
	}
	text, payload := s.spans[0], s.spans[1]
	if text == nil && payload == nil {
		return record, nil // a record of its own with such a field
	}
	d.root.forgetSchema()
	s.applied, s.prefix = text != nil, nil
	if text == nil {
		return payload, nil
	}
	var top connectField
	if err := json.Unmarshal(text, &top); err != nil {
		return nil, pgerr.New(pgerr.InvalidTextRepresentation, "invalid schema in a record of Kafka Connect").WithDetail("%v", err)
	}
	if s.row != "" {
		top = top.field(s.row)
	}
	d.root.applySchema(top.Fields)
	if end := bytes.LastIndexByte(record, '}'); end == len(record)-1 && payload != nil {
		if from := end - len(payload); from >= 0 && bytes.Equal(record[from:end], payload) && bytes.Index(record, text) < from {
			s.prefix = append([]byte(nil), record[:from]...)
		}
	}
	return payload, nil
}

// isField reports whether an object's text begins with a field.
func isField(b []byte, name string) bool {
	return bytes.HasPrefix(b[skipSpace(b, 0):], []byte(name))
}

// connectField is a schema of Kafka Connect.
type connectField struct {
	Field      string            `json:"field"`
	Type       string            `json:"type"`
	Name       string            `json:"name"`
	Parameters map[string]string `json:"parameters"`
	Fields     []connectField    `json:"fields"`
}

func (f connectField) field(name string) connectField {
	for _, c := range f.Fields {
		if c.Field == name {
			return c
		}
	}
	return connectField{}
}

// forgetSchema takes back what applySchema set.
func (o *object) forgetSchema() {
	for _, t := range o.targets {
		for i := range t.columns {
			c := &t.columns[i]
			c.unit, c.base64, c.scale, c.inText = unitAuto, false, 0, false
		}
		if t.child != nil {
			t.child.forgetSchema()
		}
	}
}

func (o *object) applySchema(fields []connectField) {
	for _, f := range fields {
		t := o.lookup(f.Field)
		if t == nil {
			continue
		}
		for i := range t.columns {
			c := &t.columns[i]
			c.unit, c.base64 = connectUnit(f.Name), f.Type == "bytes"
			c.scale, _ = strconv.Atoi(f.Parameters["scale"])
			c.inText = f.Name == "io.debezium.data.Json"
		}
		if t.child != nil {
			t.child.applySchema(f.Fields)
		}
	}
}

// connectUnit is the unit of a time by the name of its type in Kafka Connect and Debezium.
func connectUnit(name string) timeUnit {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "MicroTimestamp", "MicroTime", "MicroDuration":
		return unitMicros
	case "NanoTimestamp", "NanoTime", "NanoDuration":
		return unitNanos
	case "Timestamp", "Time":
		return unitMillis
	}
	return unitAuto
}
