package format

import (
	"slices"

	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/vec"
)

// avroChanges takes changes in Avro apart: records with the fields before, after and op.
type avroChanges struct {
	avroRows
	envelopes schemaCache[*avroEnvelope]
	envelope  *avroEnvelope // of the record at hand

	rewritten []byte // a row without placeholders
	unchanged []int
}

// avroEnvelope is a writer's schema of changes.
type avroEnvelope struct {
	fields            []avroField
	before, after, op int       // -1: not there
	record            *avroNode // before and after
	row               *avroProgram
}

func newAvroChanges(s side, fields []field) (changeDecoder, error) {
	d := &avroChanges{avroRows: avroRows{want: newTree(fields), columns: newColumns(fields)}}
	return d, d.envelopes.open(s, schema.Avro, d.compile)
}

func (d *avroChanges) compile(s schema.Schema) (*avroEnvelope, error) {
	n, err := parseAvro(s)
	if err != nil {
		return nil, err
	}
	return envelopeOf(n, d.want)
}

func envelopeOf(n *avroNode, want *object) (*avroEnvelope, error) {
	find := func(name string) int {
		return slices.IndexFunc(n.fields, func(f avroField) bool { return f.name == name })
	}
	e := &avroEnvelope{fields: n.fields, before: find("before"), after: find("after"), op: find("op")}
	if n.kind != avroRecord || e.after < 0 {
		return nil, pgerr.New(pgerr.DatatypeMismatch, "schema is not that of a change").
			WithHint("FORMAT DEBEZIUM needs a record with the fields before, after and op. Rows without them are read with FORMAT UPSERT.")
	}
	row := rowNode(n.fields[e.after].typ)
	if row == nil || e.before >= 0 && rowNode(n.fields[e.before].typ) != row {
		return nil, pgerr.New(pgerr.DatatypeMismatch, "schema is not that of a change").
			WithDetail("Its fields before and after must be of one record type.")
	}
	var err error
	e.record = row
	e.row, err = compileAvro(row, want)
	return e, err
}

// rowNode is the record of a field, which may be null; nil if it is none.
func rowNode(n *avroNode) *avroNode {
	if n.kind == avroUnion {
		n = onlyType(n)
	}
	if n == nil || n.kind != avroRecord {
		return nil
	}
	return n
}

// row implements rowDecoder for the parts of the change at hand.
func (d *avroChanges) row(data []byte, dst *vec.Batch) error {
	return d.decode(d.envelope.row, data, dst)
}

func (d *avroChanges) parts(value []byte) (before, after []byte, op byte, err error) {
	e, data, err := d.envelopes.program(value)
	if err != nil {
		return nil, nil, 0, err
	}
	d.envelope, d.b, d.p, d.depth = e, data, 0, 0
	for i := range e.fields {
		typ := e.fields[i].typ
		if typ.kind == avroUnion && (i == e.before || i == e.after || i == e.op) {
			if typ, err = d.branch(typ); err != nil {
				return nil, nil, 0, err
			}
		}
		start := d.p
		if i == e.op && typ.kind == avroString {
			var text []byte
			if text, err = d.bytes(); len(text) > 0 {
				op = text[0]
			}
		} else {
			err = d.skip(typ)
		}
		if err != nil {
			return nil, nil, 0, err
		}
		if typ.kind == avroRecord && i == e.before {
			before = data[start:d.p]
		} else if typ.kind == avroRecord && i == e.after {
			after = data[start:d.p]
		}
	}
	return before, after, op, nil
}
