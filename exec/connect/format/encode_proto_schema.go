package format

import (
	"fmt"
	"strings"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
)

// protoSchemaOf is the .proto source of a message with a field for each column, numbered in their order:
//
//	bool, int2 int4, int8, float4, float8   bool, int32, int64, float, double
//	timestamp, timestamptz                  google.protobuf.Timestamp
//	bytea                                   bytes
//	arrays of these and of others           repeated
//	all others, numeric and jsonb too       string, as PostgreSQL prints them
//
// Fields are optional, so that a null is told from a zero, unless the column is NOT NULL. name is the message's, with its
// package; "" makes one of the topic's name.
func protoSchemaOf(s EncodeSpec, name string) (string, error) {
	pkg := ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		pkg, name = name[:i], name[i+1:]
	}
	if name == "" {
		if name = avroName(s.Topic); name == "google" { // the package of what is imported
			name = "_google"
		}
	}
	if s.Key {
		name += "_key"
	}
	for _, part := range append(strings.Split(pkg, "."), name) {
		if !isAvroName(part) && (part != "" || pkg != "") {
			return "", pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": \"%s\"", optMessage, s.Options[optMessage]).
				WithHint("Give a name as Protobuf has them, such as shop.Order.")
		}
	}
	var fields strings.Builder
	times := false
	for i, c := range s.Cols {
		col := s.Columns[c]
		if !isAvroName(col.Name) {
			return "", pgerr.Newf(pgerr.InvalidName, "column \"%s\" has a name that Protobuf does not allow", col.Name).
				WithHint("Name the column with letters, digits and underscores.")
		}
		typ := protoFieldType(col)
		times = times || strings.Contains(typ, "Timestamp")
		fmt.Fprintf(&fields, "  %s %s = %d;\n", typ, col.Name, i+1)
	}
	var b strings.Builder
	b.WriteString("syntax = \"proto3\";\n")
	if pkg != "" {
		fmt.Fprintf(&b, "package %s;\n", pkg)
	}
	if times {
		b.WriteString("import \"google/protobuf/timestamp.proto\";\n")
	}
	fmt.Fprintf(&b, "message %s {\n%s}\n", name, fields.String())
	return b.String(), nil
}

// protoFieldType is the type of a column's field, with its label.
func protoFieldType(c catalog.Column) string {
	t, label := c.Type, "optional "
	switch {
	case t.OID.IsArray():
		t, label = t.ElemType(), "repeated "
	case c.NotNull:
		label = ""
	}
	switch t.OID {
	case types.Bool:
		return label + "bool"
	case types.Int2, types.Int4:
		return label + "int32"
	case types.Int8:
		return label + "int64"
	case types.Float4:
		return label + "float"
	case types.Float8:
		return label + "double"
	case types.Bytea:
		return label + "bytes"
	case types.Timestamp, types.TimestampTZ:
		return label + ".google.protobuf.Timestamp"
	}
	return label + "string"
}
