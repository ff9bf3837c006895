package format

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// avroEncoder writes rows as Avro records of a schema made of their columns, which it registers:
//
//	bool, int2 int4, int8, float4, float8   boolean, int, long, float, double
//	numeric(p,s)                            bytes, logical type decimal
//	date, time                              int date, long time-micros
//	timestamp, timestamptz                  long local-timestamp-micros, timestamp-micros
//	bytea, uuid                             bytes, string uuid
//	json, jsonb                             string, named as Debezium names JSON
//	all others                              string, as PostgreSQL prints them
//
// A column that may be null is a union with null, whose default it is, so that columns can come and go.
type avroEncoder struct {
	fields  []avroOut
	text    string // the schema
	subject string
	client  *schema.Client
	header  []byte // of each record, since Start
	table   string
	scratch []byte
}

// avroOut is how a column is written.
type avroOut struct {
	col      int
	name     string
	nullable bool
	act      avroAct
	scale    int
}

func newAvroEncoder(s EncodeSpec) (Encoder, error) {
	options, err := checkEncodeOptions(s, sinkRegistry...)
	if err != nil {
		return nil, err
	}
	if options[optRegistry] == "" {
		return nil, pgerr.New(pgerr.InvalidParameterValue, "ENCODE AVRO of a sink needs the parameter \"schema.registry\"")
	}
	value := side{options: options}
	client, err := value.client()
	if err != nil {
		return nil, err
	}
	e := &avroEncoder{client: client, table: s.Name, subject: subjectOf(s, options)}
	row := avroRecordSchema{Type: "record", Name: avroName(s.Topic)}
	if s.Key {
		row.Name += "_key"
	}
	for _, c := range s.Cols {
		col := s.Columns[c]
		if !isAvroName(col.Name) {
			return nil, pgerr.Newf(pgerr.InvalidName, "column \"%s\" has a name that Avro does not allow", col.Name).
				WithHint("Name the column with letters, digits and underscores.")
		}
		out, typ := avroOutOf(c, col)
		f := avroFieldSchema{Name: col.Name, Type: typ}
		if out.nullable {
			f.Type = []any{"null", typ}
			f.Default = json.RawMessage("null")
		}
		row.Fields = append(row.Fields, f)
		e.fields = append(e.fields, out)
	}
	top := any(row)
	if s.Format == "DEBEZIUM" && !s.Key {
		top = avroEnvelopeSchema(row)
	}
	text, err := json.Marshal(top)
	if err != nil {
		return nil, pgerr.Newf(pgerr.Internal, "schema of the sink: %v", err)
	}
	e.text = string(text)
	return e, nil
}

type avroRecordSchema struct {
	Type   string            `json:"type"`
	Name   string            `json:"name"`
	Fields []avroFieldSchema `json:"fields"`
}

type avroFieldSchema struct {
	Name    string          `json:"name"`
	Type    any             `json:"type"`
	Default json.RawMessage `json:"default,omitempty"`
}

func avroEnvelopeSchema(row avroRecordSchema) avroRecordSchema {
	name := row.Name
	row.Name = "Value"
	null := json.RawMessage("null")
	source := avroRecordSchema{Type: "record", Name: "Source", Fields: []avroFieldSchema{
		{Name: "connector", Type: "string"}, {Name: "table", Type: "string"}, {Name: "epoch", Type: "long"}}}
	return avroRecordSchema{Type: "record", Name: name, Fields: []avroFieldSchema{
		{Name: "before", Type: []any{"null", row}, Default: null}, {Name: "after", Type: []any{"null", "Value"}, Default: null},
		{Name: "source", Type: source}, {Name: "op", Type: "string"}, {Name: "ts_ms", Type: "long"}}}
}

func isAvroName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// avroName makes a record's name of a topic's.
func avroName(topic string) string {
	name := []byte(topic)
	for i, c := range name {
		if !isAvroName("_" + string(rune(c))) {
			name[i] = '_'
		}
	}
	if !isAvroName(string(name)) {
		name = append([]byte{'_'}, name...)
	}
	return string(name)
}

func avroOutOf(i int, c catalog.Column) (avroOut, any) {
	out := avroOut{col: i, name: c.Name, nullable: !c.NotNull, act: actInt}
	logical := func(typ, name string) any { return map[string]any{"type": typ, "logicalType": name} }
	switch c.Type.OID {
	case types.Bool:
		out.act = actBool
		return out, "boolean"
	case types.Int2, types.Int4:
		return out, "int"
	case types.Int8:
		return out, "long"
	case types.Float4:
		out.act = actFloat
		return out, "float"
	case types.Float8:
		out.act = actDouble
		return out, "double"
	case types.Date:
		out.act = actDate
		return out, logical("int", "date")
	case types.Time:
		return out, logical("long", "time-micros")
	case types.Timestamp:
		out.act = actInstant
		return out, logical("long", "local-timestamp-micros")
	case types.TimestampTZ:
		out.act = actInstant
		return out, logical("long", "timestamp-micros")
	case types.Bytea:
		out.act = actBytes
		return out, "bytes"
	case types.JSON, types.JSONB:
		out.act = actText
		return out, map[string]any{"type": "string", "connect.name": "io.debezium.data.Json"}
	case types.UUID:
		out.act = actText
		return out, logical("string", "uuid")
	case types.Numeric:
		if precision, scale, ok := types.NumericPrecScale(c.Type.Mod); ok && scale >= 0 && scale <= precision {
			out.act, out.scale = actDecimal, int(scale)
			return out, map[string]any{"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
		}
	}
	out.act = actText
	return out, "string"
}

// Start implements Encoder: the schema is registered.
func (e *avroEncoder) Start(ctx context.Context) error {
	id, err := e.client.Register(ctx, e.subject, schema.Schema{Type: schema.Avro, Text: e.text})
	if err != nil {
		return err
	}
	e.header = schema.AppendHeader(nil, uint32(id))
	return nil
}

// Row implements Encoder.
func (e *avroEncoder) Row(dst []byte, b *vec.Batch, i int) ([]byte, error) {
	return e.row(append(dst, e.header...), b, i)
}

// Change implements Encoder.
func (e *avroEncoder) Change(dst []byte, b *vec.Batch, c Change) ([]byte, error) {
	dst = append(dst, e.header...)
	var err error
	for _, row := range []int{c.Before, c.After} {
		if row < 0 {
			dst = append(dst, 0)
		} else if dst, err = e.row(append(dst, 2), b, row); err != nil {
			return dst, err
		}
	}
	dst = appendAvroText(dst, "millrace")
	dst = appendAvroText(dst, e.table)
	dst = binary.AppendVarint(dst, int64(c.Epoch))
	dst = append(dst, 2, c.Op)
	return binary.AppendVarint(dst, c.Millis), nil
}

func (e *avroEncoder) row(dst []byte, b *vec.Batch, i int) ([]byte, error) {
	var err error
	for k := range e.fields {
		f := &e.fields[k]
		v := b.Cols[f.col]
		switch null := v.IsNull(i); {
		case null && f.nullable:
			dst = append(dst, 0)
			continue
		case null:
			return dst, pgerr.Newf(pgerr.NotNullViolation, "column \"%s\" is null", f.name)
		case f.nullable:
			dst = append(dst, 2)
		}
		if dst, err = e.value(dst, f, v, i); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (e *avroEncoder) value(dst []byte, f *avroOut, v *vec.Vec, i int) ([]byte, error) {
	switch f.act {
	case actInt:
		return binary.AppendVarint(dst, v.I64[i]), nil
	case actBool:
		return append(dst, byte(v.I64[i])), nil
	case actFloat:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(v.F64[i]))), nil
	case actDouble:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.F64[i])), nil
	case actDate:
		if days := v.I64[i] - epochDays; v.I64[i] >= minDate && v.I64[i] <= maxDate {
			return binary.AppendVarint(dst, days), nil
		}
		return dst, notInAvro(f, v, i)
	case actInstant:
		if t := v.I64[i]; t >= minTimestamp && t <= math.MaxInt64+epochMicros {
			return binary.AppendVarint(dst, t-epochMicros), nil
		}
		return dst, notInAvro(f, v, i)
	case actBytes:
		data := v.Bytes(i)
		return append(binary.AppendVarint(dst, int64(len(data))), data...), nil
	case actDecimal:
		return e.decimal(dst, f, v, i)
	}
	e.scratch = appendValueText(e.scratch[:0], v, i)
	return appendAvroText(dst, types.Str(e.scratch)), nil
}

// notInAvro is the error for values that only PostgreSQL has.
func notInAvro(f *avroOut, v *vec.Vec, i int) error {
	return pgerr.Newf(pgerr.NumericValueOutOfRange, "column \"%s\" holds %s, which Avro does not have", f.name, appendValueText(nil, v, i))
}

func appendAvroText(dst []byte, s string) []byte {
	return append(binary.AppendVarint(dst, int64(len(s))), s...)
}

// decimal appends a numeric as the digits of an integer in two's complement.
func (e *avroEncoder) decimal(dst []byte, f *avroOut, v *vec.Vec, i int) ([]byte, error) {
	e.scratch = types.AppendNumericText(e.scratch[:0], v.Bytes(i))
	fraction := 0
	digits := e.scratch[:0]
	point := false
	for _, c := range e.scratch {
		switch {
		case c == '.':
			point = true
			continue
		case c != '-' && (c < '0' || c > '9'):
			return dst, notInAvro(f, v, i)
		case point:
			fraction++
		}
		digits = append(digits, c)
	}
	for ; fraction < f.scale; fraction++ {
		digits = append(digits, '0')
	}
	e.scratch = digits
	if len(digits) <= 18 {
		n, err := strconv.ParseInt(types.Str(digits), 10, 64)
		if err != nil {
			return dst, notInAvro(f, v, i)
		}
		var all [8]byte
		binary.BigEndian.PutUint64(all[:], uint64(n))
		from := 0
		for from < 7 && (all[from] == 0 && all[from+1] < 0x80 || all[from] == 0xff && all[from+1] >= 0x80) {
			from++ // the sign is in what follows
		}
		return append(binary.AppendVarint(dst, int64(8-from)), all[from:]...), nil
	}
	n, ok := new(big.Int).SetString(strings.Clone(types.Str(digits)), 10)
	if !ok {
		return dst, notInAvro(f, v, i)
	}
	data := twosComplement(n)
	return append(binary.AppendVarint(dst, int64(len(data))), data...), nil
}

// twosComplement is an integer in as few bytes as hold it and its sign.
func twosComplement(n *big.Int) []byte {
	size := n.BitLen()/8 + 1
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	return n.FillBytes(make([]byte, size))
}
