package format

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/millracedb/millrace/exec/connect"
	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// Sample returns some records of the topic, for encodings that bring no schema.
type Sample func(ctx context.Context) ([]connect.SampleRecord, error)

// Infer finds the columns of a topic: from its schema, or, for JSON and CSV, from records. Where records change rows, the fields
// of the key are the primary key.
func Infer(ctx context.Context, spec Spec, sample Sample) (*connect.Inferred, error) {
	spec.Columns = nil
	m, err := newMaker(spec)
	if err != nil {
		return nil, err
	}
	in := inference{maker: m, ctx: ctx}
	switch m.value.name {
	case "JSON":
		err = in.json(sample)
	case "CSV":
		err = in.csv(sample)
	case "AVRO":
		err = in.schemas(avroColumns)
	case "PROTOBUF":
		err = in.schemas(protoColumns)
	case "TEXT":
		in.columns = []catalog.Column{{Name: "value", Type: types.T(types.Text)}}
	case "BYTES":
		in.columns = []catalog.Column{{Name: "value", Type: types.T(types.Bytea)}}
	}
	if err != nil {
		return nil, err
	}
	if len(in.columns) == 0 {
		return nil, pgerr.Newf(pgerr.InvalidTableDefinition, "found no columns in topic \"%s\"", spec.Topic).
			WithHint("List the columns and their types.")
	}
	return in.result(), nil
}

// inference is what has been found so far.
type inference struct {
	*maker
	ctx     context.Context
	columns []catalog.Column
	key     []string
	from    string // what it was found in
}

func (in *inference) result() *connect.Inferred {
	var list []string
	for _, c := range in.columns {
		list = append(list, c.Name+" "+c.Type.OID.String())
	}
	notice := fmt.Sprintf("columns from %s: %s", in.from, strings.Join(list, ", "))
	if in.from == "" {
		notice = "columns: " + strings.Join(list, ", ")
	}
	if len(in.key) > 0 {
		notice += "; primary key: " + strings.Join(in.key, ", ")
	}
	return &connect.Inferred{Columns: in.columns, PrimaryKey: in.key, Notice: notice}
}

// addKey puts the key's columns in front, where the value does not have them, and makes them the primary key.
func (in *inference) addKey(key []catalog.Column) {
	var fresh []catalog.Column
	for _, k := range key {
		in.key = append(in.key, k.Name)
		if !slices.ContainsFunc(in.columns, func(c catalog.Column) bool { return c.Name == k.Name }) {
			fresh = append(fresh, k)
		}
	}
	in.columns = append(fresh, in.columns...)
}

// schemas takes the columns from the schemas of the value and, where records change rows, the key.
func (in *inference) schemas(columns func(s schema.Schema, m *maker, isKey bool) ([]catalog.Column, error)) error {
	value, err := in.value.latest(in.ctx)
	if err != nil {
		return err
	}
	if in.columns, err = columns(value, in.maker, false); err != nil {
		return err
	}
	in.from = "the schema that was given"
	if value.ID != 0 {
		in.from = fmt.Sprintf("schema %d of the registry", value.ID)
	}
	if in.format == "PLAIN" {
		return nil
	}
	s := in.key0()
	if !s.registry() || s.name != in.value.name {
		return nil
	}
	key, err := s.latest(in.ctx)
	if pgerr.Is(err, pgerr.UndefinedObject) { // no schema of keys: the statement names the primary key
		return nil
	}
	if err != nil {
		return err
	}
	cols, err := columns(key, in.maker, true)
	in.addKey(cols)
	return err
}

// key0 is how keys are written, said or not.
func (in *inference) key0() side {
	if in.maker.key.encoding != nil {
		return in.maker.key
	}
	return in.defaultKey()
}

// latest returns the newest schema of a side's subject, or the one that was given.
func (s side) latest(ctx context.Context) (schema.Schema, error) {
	if !s.registry() {
		text, err := s.given()
		kind := schema.Avro
		if s.name == "PROTOBUF" {
			kind = schema.Protobuf
		}
		return schema.Schema{Type: kind, Text: text}, err
	}
	subject, known := s.subject()
	if !known {
		return schema.Schema{}, pgerr.Newf(pgerr.InvalidParameterValue, "%s does not tell the topic's schema", s.options[optStrategy]).
			WithHint("Name the subject with %s.", optSubject)
	}
	cl, err := s.client()
	if err != nil {
		return schema.Schema{}, err
	}
	latest, err := cl.Latest(ctx, subject)
	if err != nil {
		return latest, err
	}
	return latest, s.kindOf(latest)
}

func avroColumns(s schema.Schema, m *maker, isKey bool) ([]catalog.Column, error) {
	n, err := parseAvro(s)
	if err != nil {
		return nil, err
	}
	if m.format == "DEBEZIUM" && !isKey {
		i := slices.IndexFunc(n.fields, func(f avroField) bool { return f.name == "after" })
		if _, err := envelopeOf(n, newTree(nil)); err != nil {
			return nil, err
		}
		n = rowNode(n.fields[i].typ)
	}
	if n.kind != avroRecord {
		if isKey {
			return nil, nil
		}
		_, err := compileAvro(n, newTree(nil))
		return nil, err
	}
	var cols []catalog.Column
	for _, f := range n.fields {
		cols = append(cols, catalog.Column{Name: f.name, Type: avroColumnType(f.typ)})
	}
	return cols, nil
}

func protoColumns(s schema.Schema, m *maker, isKey bool) ([]catalog.Column, error) {
	files, err := parseProto(s)
	if err != nil {
		return nil, err
	}
	name := m.value.options[optMessage]
	if isKey {
		name = m.key.options[optMessage]
	}
	msg, err := findMessage(files, name)
	if err != nil {
		return nil, err
	}
	var cols []catalog.Column
	for i := range msg.Fields().Len() {
		fd := msg.Fields().Get(i)
		cols = append(cols, catalog.Column{Name: string(fd.Name()), Type: protoColumnType(fd)})
	}
	return cols, nil
}
