package format

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/hamba/avro/v2"
	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/sql/pgerr"
)

// avroKind is how a value is written.
type avroKind uint8

const (
	avroNull avroKind = iota
	avroBool
	avroInt // int and long, which are written alike
	avroFloat
	avroDouble
	avroBytes
	avroString
	avroFixed
	avroEnum
	avroArray
	avroMap
	avroUnion
	avroRecord
)

// avroMeaning is what a value stands for beyond what its kind says.
type avroMeaning uint8

const (
	avroPlain     avroMeaning = iota
	avroDecimal               // bytes, fixed: digits in two's complement
	avroUUID                  // string, fixed(16)
	avroDate                  // int: days since 1970
	avroTime                  // int, long: units since midnight
	avroTimestamp             // long: units since 1970 UTC
	avroLocal                 // long: units since 1970 in no zone
	avroDuration              // fixed(12): months, days, milliseconds
	avroJSONText              // string that is JSON (Debezium)
	avroVariable              // record of a scale and the digits of a decimal (Debezium)
)

// avroNode is a schema, or a part of one, as it is walked beside data. Records may contain themselves.
type avroNode struct {
	kind    avroKind
	meaning avroMeaning
	name    string // of the type, for messages
	unit    timeUnit
	scale   int
	size    int // of fixed
	symbols []string
	fields  []avroField
	items   *avroNode   // of array and map
	types   []*avroNode // of union
}

type avroField struct {
	name    string
	aliases []string
	typ     *avroNode
	quick   []byte // the name as JSON, and a colon
}

// parseAvro reads a schema and those it refers to.
func parseAvro(s schema.Schema) (node *avroNode, err error) {
	defer func() { // the module indexes into what it was given
		if r := recover(); r != nil {
			node, err = nil, badSchema("AVRO", fmt.Errorf("%v", r))
		}
	}()
	cache := &avro.SchemaCache{}
	for _, r := range s.References {
		if _, err := avro.ParseWithCache(r.Text, "", cache); err != nil {
			return nil, badSchema("AVRO", fmt.Errorf("%s: %w", r.Name, err))
		}
	}
	parsed, err := avro.ParseWithCache(s.Text, "", cache)
	if err != nil {
		return nil, badSchema("AVRO", err)
	}
	b := avroBuilder{named: map[string]*avroNode{}}
	node = b.node(parsed)
	return node, b.err
}

func badSchema(encode string, err error) error {
	return pgerr.Newf(pgerr.InvalidParameterValue, "invalid schema for ENCODE %s", encode).WithDetail("%v", err)
}

// avroBuilder makes nodes of the module's schema.
type avroBuilder struct {
	named map[string]*avroNode
	err   error
}

func (b *avroBuilder) node(s avro.Schema) *avroNode {
	switch s := s.(type) {
	case *avro.RefSchema:
		return b.node(s.Schema())
	case *avro.NullSchema:
		return &avroNode{kind: avroNull, name: "null"}
	case *avro.PrimitiveSchema:
		return primitiveNode(s)
	case *avro.FixedSchema:
		n := &avroNode{kind: avroFixed, name: "fixed", size: s.Size()}
		n.setLogical(s.Logical(), s)
		return n
	case *avro.EnumSchema:
		return &avroNode{kind: avroEnum, name: "enum", symbols: s.Symbols()}
	case *avro.ArraySchema:
		return &avroNode{kind: avroArray, name: "array", items: b.node(s.Items())}
	case *avro.MapSchema:
		return &avroNode{kind: avroMap, name: "map", items: b.node(s.Values())}
	case *avro.UnionSchema:
		n := &avroNode{kind: avroUnion, name: "union"}
		for _, t := range s.Types() {
			n.types = append(n.types, b.node(t))
		}
		return n
	case *avro.RecordSchema:
		if n := b.named[s.FullName()]; n != nil {
			return n
		}
		n := &avroNode{kind: avroRecord, name: "record"}
		b.named[s.FullName()] = n
		for _, f := range s.Fields() {
			quick := append(strconv.AppendQuote(nil, f.Name()), ':') // names are letters, digits and _
			n.fields = append(n.fields, avroField{f.Name(), f.Aliases(), b.node(f.Type()), quick})
		}
		if n.isVariableDecimal(s) {
			n.meaning, n.name = avroVariable, string(avro.Decimal)
		}
		return n
	}
	b.err = errors.Join(b.err, badSchema("AVRO", fmt.Errorf("unknown type %T", s)))
	return &avroNode{}
}

var avroPrimitives = map[avro.Type]avroKind{
	avro.Boolean: avroBool, avro.Int: avroInt, avro.Long: avroInt, avro.Float: avroFloat, avro.Double: avroDouble,
	avro.Bytes: avroBytes, avro.String: avroString, avro.Null: avroNull,
}

func primitiveNode(s *avro.PrimitiveSchema) *avroNode {
	n := &avroNode{kind: avroPrimitives[s.Type()], name: string(s.Type())}
	n.setLogical(s.Logical(), s)
	if n.meaning != avroPlain {
		return n
	}
	// What the module does not know: newer logical types, and the names of Kafka Connect and Debezium.
	logical, _ := s.Prop("logicalType").(string)
	switch {
	case s.Type() == avro.Long && logical == "timestamp-nanos":
		n.meaning, n.unit = avroTimestamp, unitNanos
	case s.Type() == avro.Long && logical == "local-timestamp-nanos":
		n.meaning, n.unit = avroLocal, unitNanos
	}
	connect, _ := s.Prop("connect.name").(string)
	switch connect {
	case "io.debezium.time.Date", "org.apache.kafka.connect.data.Date":
		n.meaning = avroDate
	case "io.debezium.time.Timestamp", "io.debezium.time.MicroTimestamp", "io.debezium.time.NanoTimestamp":
		n.meaning, n.unit = avroLocal, connectUnit(connect)
	case "io.debezium.time.Time", "io.debezium.time.MicroTime", "io.debezium.time.NanoTime":
		n.meaning, n.unit = avroTime, connectUnit(connect)
	case "io.debezium.data.Json":
		n.meaning = avroJSONText
	}
	if n.kind != avroInt && n.meaning != avroJSONText || n.kind != avroString && n.meaning == avroJSONText {
		n.meaning = avroPlain
	}
	return n
}

// setLogical reads a logical type.
func (n *avroNode) setLogical(logical avro.LogicalSchema, s interface{ Prop(string) any }) {
	if logical == nil {
		if lt, _ := s.Prop("logicalType").(string); lt == string(avro.UUID) && n.kind == avroFixed && n.size == 16 {
			n.meaning, n.name = avroUUID, lt
		}
		return
	}
	n.name = string(logical.Type())
	switch logical.Type() {
	case avro.Decimal:
		n.meaning = avroDecimal
		if d, ok := logical.(*avro.DecimalLogicalSchema); ok {
			n.scale = d.Scale()
		}
	case avro.UUID:
		n.meaning = avroUUID
	case avro.Date:
		n.meaning = avroDate
	case avro.TimeMillis:
		n.meaning, n.unit = avroTime, unitMillis
	case avro.TimeMicros:
		n.meaning, n.unit = avroTime, unitMicros
	case avro.TimestampMillis:
		n.meaning, n.unit = avroTimestamp, unitMillis
	case avro.TimestampMicros:
		n.meaning, n.unit = avroTimestamp, unitMicros
	case avro.LocalTimestampMillis:
		n.meaning, n.unit = avroLocal, unitMillis
	case avro.LocalTimestampMicros:
		n.meaning, n.unit = avroLocal, unitMicros
	case avro.Duration:
		n.meaning = avroDuration
	}
}

// isVariableDecimal tells Debezium's decimals of any scale from other records.
func (n *avroNode) isVariableDecimal(s *avro.RecordSchema) bool {
	const name = "io.debezium.data.VariableScaleDecimal"
	if connect, _ := s.Prop("connect.name").(string); connect != name && s.FullName() != name {
		return false
	}
	return len(n.fields) == 2 && n.fields[0].name == "scale" && n.fields[0].typ.kind == avroInt &&
		n.fields[1].name == "value" && n.fields[1].typ.kind == avroBytes
}
