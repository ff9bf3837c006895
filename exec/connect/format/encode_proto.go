package format

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"github.com/millracedb/millrace/exec/connect/schema"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// protoEncoder writes rows as Protocol Buffers messages: of a schema that is given, whose fields have the columns' names,
// or of one made of the columns (encode_proto_schema.go), which it registers. Bytes are as protobuf-go writes them in
// deterministic mode, so that keys of the same columns meet in one partition whoever wrote them.
//
// A null is a field that is not there. Protobuf has no null in a repeated field and no array of arrays: a row with one
// is an error.
type protoEncoder struct {
	fields  []protoOut
	text    string // the schema; "" if it was given
	subject string
	client  *schema.Client
	header  []byte // of each record, since Start
}

func newProtoEncoder(s EncodeSpec) (Encoder, error) {
	options, err := checkEncodeOptions(s, append(slices.Clone(sinkRegistry), optSchema, optLocation, optMessage)...)
	if err != nil {
		return nil, err
	}
	if s.Format == "DEBEZIUM" && !s.Key {
		return nil, pgerr.Unsupported("FORMAT DEBEZIUM ENCODE PROTOBUF").
			WithHint("Use FORMAT UPSERT ENCODE PROTOBUF, or FORMAT DEBEZIUM ENCODE JSON or AVRO.")
	}
	from := side{encoding: &encoding{name: "PROTOBUF", schemas: true}, options: options}
	if err := from.checkSchemaSource(); err != nil {
		return nil, err
	}
	e := &protoEncoder{}
	message := options[optMessage]
	var text string
	if from.registry() {
		if e.client, err = from.client(); err != nil {
			return nil, err
		}
		e.subject = subjectOf(s, options)
		if e.text, err = protoSchemaOf(s, message); err != nil {
			return nil, err
		}
		text, message = e.text, ""
	} else if text, err = from.given(); err != nil {
		return nil, err
	}
	files, err := parseProto(schema.Schema{Type: schema.Protobuf, Text: text})
	if err != nil {
		return nil, err
	}
	m, err := findMessage(files, message)
	if err != nil {
		return nil, err
	}
	e.fields, err = protoOuts(m, s)
	return e, err
}

// Start implements Encoder: a schema that was made is registered.
func (e *protoEncoder) Start(ctx context.Context) error {
	if e.client == nil {
		return nil
	}
	id, err := e.client.Register(ctx, e.subject, schema.Schema{Type: schema.Protobuf, Text: e.text})
	if err != nil {
		return err
	}
	e.header = schema.AppendIndexes(schema.AppendHeader(nil, uint32(id)), []int{0})
	return nil
}

// Change implements Encoder.
func (e *protoEncoder) Change([]byte, *vec.Batch, Change) ([]byte, error) {
	return nil, pgerr.Unsupported("FORMAT DEBEZIUM ENCODE PROTOBUF")
}

// Row implements Encoder.
func (e *protoEncoder) Row(dst []byte, b *vec.Batch, i int) ([]byte, error) {
	dst = append(dst, e.header...)
	var err error
	for k := range e.fields {
		f := &e.fields[k]
		v := b.Cols[f.col]
		if v.IsNull(i) {
			if f.required {
				return dst, pgerr.Newf(pgerr.NotNullViolation, "column \"%s\" is null", f.name)
			}
			continue
		}
		if f.repeated {
			dst, err = f.list(dst, v.Bytes(i))
		} else {
			dst, err = f.single(dst, scalarOf(v, i))
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// protoValue is a value on its way into a field: what its type's class says.
type protoValue struct {
	typ types.Type
	i64 int64
	f64 float64
	raw []byte
}

func scalarOf(v *vec.Vec, i int) protoValue {
	x := protoValue{typ: v.Type}
	switch v.Type.Class() {
	case types.I64:
		x.i64 = v.I64[i]
	case types.F64:
		x.f64 = v.F64[i]
	default:
		x.raw = v.Bytes(i)
	}
	return x
}

// appendText appends the value as its type is printed.
func (x *protoValue) appendText(dst []byte) []byte {
	switch x.typ.Class() {
	case types.I64:
		return types.AppendI64Text(dst, x.typ, x.i64, nil)
	case types.F64:
		return types.AppendF64Text(dst, x.typ, x.f64)
	}
	return types.AppendBytesText(dst, x.typ, x.raw, nil)
}

// list appends an array as a repeated field.
func (f *protoOut) list(dst, array []byte) ([]byte, error) {
	r := types.ReadArray(f.elem, array)
	switch {
	case r.Len() == 0:
		return dst, nil
	case r.NDim() > 1:
		return dst, pgerr.Newf(pgerr.DatatypeMismatch, "column \"%s\" holds an array of %d dimensions, which Protobuf does not have", f.name, r.NDim())
	case r.HasNulls():
		return dst, pgerr.Newf(pgerr.NullValueNotAllowed, "column \"%s\" holds an array with a null, which Protobuf does not have", f.name)
	}
	at := 0
	if f.packed {
		dst = append(dst, f.tag...)
		at = len(dst)
		dst = append(dst, 0)
	}
	var err error
	for r.Next() {
		x := protoValue{typ: f.elem, i64: r.I64, f64: r.F64, raw: r.Bytes}
		if !f.packed {
			dst = append(dst, f.tag...)
		}
		if dst, err = f.element(dst, x); err != nil {
			return dst, err
		}
	}
	if f.packed {
		dst = closeLength(dst, at)
	}
	return dst, nil
}

// single appends a field that has one value.
func (f *protoOut) single(dst []byte, x protoValue) ([]byte, error) {
	from := len(dst)
	dst = append(dst, f.tag...)
	at := len(dst)
	dst, err := f.element(dst, x)
	if f.implicit && isZero(dst[at:]) {
		dst = dst[:from]
	}
	return dst, err
}

// isZero reports whether what a field holds is its type's default: 0, false, 0.0 or a length of 0.
func isZero(value []byte) bool {
	for _, b := range value {
		if b != 0 {
			return false
		}
	}
	return true
}

// element appends a value, in its wrapper if the field is one.
func (f *protoOut) element(dst []byte, x protoValue) ([]byte, error) {
	if f.wrapped == nil {
		return f.value(dst, x)
	}
	at := len(dst)
	dst, err := f.wrapped.single(append(dst, 0), x)
	return closeLength(dst, at), err
}

// closeLength puts the length of what follows into the byte at at, and makes room if it needs more.
func closeLength(dst []byte, at int) []byte {
	n := len(dst) - at - 1
	if n < 0x80 {
		dst[at] = byte(n)
		return dst
	}
	more := protowire.SizeVarint(uint64(n)) - 1
	dst = slices.Grow(dst, more)[:len(dst)+more]
	copy(dst[at+1+more:], dst[at+1:len(dst)-more])
	binary.PutUvarint(dst[at:], uint64(n))
	return dst
}

func (f *protoOut) value(dst []byte, x protoValue) ([]byte, error) {
	switch f.act {
	case outInt:
		if x.i64 < f.lo || x.i64 > f.hi {
			return dst, f.notInProto(&x)
		}
		return f.appendInt(dst, uint64(x.i64)), nil
	case outUnsigned: // a numeric
		var digits [32]byte
		n, err := strconv.ParseUint(types.Str(x.appendText(digits[:0])), 10, 64)
		if err != nil {
			return dst, f.notInProto(&x)
		}
		return f.appendInt(dst, n), nil
	case outFloat:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(x.f64))), nil
	case outDouble:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(x.f64)), nil
	case outBytes:
		return append(binary.AppendUvarint(dst, uint64(len(x.raw))), x.raw...), nil
	case outEnum:
		n, ok := f.enum[types.Str(x.raw)]
		if !ok {
			return dst, f.notInProto(&x)
		}
		return binary.AppendUvarint(dst, uint64(int64(n))), nil
	case outTime:
		return f.timestamp(dst, &x)
	case outSpan:
		return f.duration(dst, &x)
	}
	at := len(dst)
	return closeLength(x.appendText(append(dst, 0)), at), nil
}

// appendInt appends an integer as the field's kind is written.
func (f *protoOut) appendInt(dst []byte, n uint64) []byte {
	switch f.kind {
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return binary.AppendVarint(dst, int64(n))
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return binary.LittleEndian.AppendUint32(dst, uint32(n))
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return binary.LittleEndian.AppendUint64(dst, n)
	}
	return binary.AppendUvarint(dst, n)
}

// The seconds since 1970 that google.protobuf.Timestamp may hold: the years 1 to 9999.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
)

// timestamp appends a google.protobuf.Timestamp.
func (f *protoOut) timestamp(dst []byte, x *protoValue) ([]byte, error) {
	if x.i64 < minTimestamp || x.i64 > math.MaxInt64+epochMicros {
		return dst, f.notInProto(x)
	}
	us := x.i64 - epochMicros
	seconds, rest := us/1_000_000, us%1_000_000
	if rest < 0 {
		seconds, rest = seconds-1, rest+1_000_000
	}
	if seconds < firstSecond || seconds > lastSecond {
		return dst, f.notInProto(x)
	}
	return appendSeconds(dst, seconds, 1000*rest), nil
}

// duration appends a google.protobuf.Duration. A day has 24 hours in it; what a month has nobody knows.
func (f *protoOut) duration(dst []byte, x *protoValue) ([]byte, error) {
	const most = 315_576_000_000 // seconds, as its definition says
	iv := types.DecodeInterval(x.raw)
	seconds := int64(iv.Days)*86400 + iv.Micros/1_000_000
	rest := iv.Micros % 1_000_000
	switch { // both have one sign
	case seconds > 0 && rest < 0:
		seconds, rest = seconds-1, rest+1_000_000
	case seconds < 0 && rest > 0:
		seconds, rest = seconds+1, rest-1_000_000
	}
	if iv.Months != 0 || seconds < -most || seconds > most {
		return dst, f.notInProto(x)
	}
	return appendSeconds(dst, seconds, 1000*rest), nil
}

// appendSeconds appends a message of seconds = 1 and nanos = 2.
func appendSeconds(dst []byte, seconds, nanos int64) []byte {
	at := len(dst)
	dst = append(dst, 0)
	if seconds != 0 {
		dst = binary.AppendUvarint(append(dst, 1<<3), uint64(seconds))
	}
	if nanos != 0 {
		dst = binary.AppendUvarint(append(dst, 2<<3), uint64(nanos))
	}
	return closeLength(dst, at)
}

// notInProto is the error for values that the field cannot hold.
func (f *protoOut) notInProto(x *protoValue) error {
	return pgerr.Newf(pgerr.NumericValueOutOfRange, "column \"%s\" holds %s, which field \"%s\" of type %s cannot hold",
		f.name, x.appendText(nil), f.field, f.typeName)
}
