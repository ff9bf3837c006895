package format

import (
	"context"
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// jsonEncoder writes rows as JSON objects, a field a column:
//
//	bool, integers, float4, float8   as they are; NaN and infinities as strings
//	numeric                          a string, which no reader rounds; with numeric = 'number' a number
//	timestamp, timestamptz           "2001-02-03T04:05:06.789", with a Z for timestamptz
//	bytea                            as PostgreSQL prints it, "\\x0aff"; with bytea = 'base64' base64
//	json, jsonb                      the value itself
//	arrays                           arrays
//	all others                       a string, as PostgreSQL prints them
type jsonEncoder struct {
	fields []jsonField
	w      jsonWriter
	source []byte // what Debezium's source block says before the epoch
}

type jsonField struct {
	col  int
	name []byte // , or { and "name":
}

// jsonWriter writes values.
type jsonWriter struct {
	numbers bool // numeric as a number
	base64  bool // bytea
	scratch []byte
}

func newJSONEncoder(s EncodeSpec) (Encoder, error) {
	if _, err := checkEncodeOptions(s, "bytea", "numeric"); err != nil {
		return nil, err
	}
	e := &jsonEncoder{}
	for _, o := range []struct {
		name, first, second string
		to                  *bool
	}{{"numeric", "string", "number", &e.w.numbers}, {"bytea", "hex", "base64", &e.w.base64}} {
		switch v := s.Options[o.name]; strings.ToLower(v) {
		case "", o.first:
		case o.second:
			*o.to = true
		default:
			return nil, pgerr.Newf(pgerr.InvalidParameterValue, "invalid value for parameter \"%s\": \"%s\"", o.name, v).
				WithHint("Available values: %s, %s.", o.first, o.second)
		}
	}
	lead := byte('{')
	for _, c := range s.Cols {
		name := append(types.AppendJSONString([]byte{lead}, s.Columns[c].Name), ':')
		e.fields = append(e.fields, jsonField{col: c, name: name})
		lead = ','
	}
	e.source = append(types.AppendJSONString([]byte(`,"source":{"connector":"millrace","table":`), s.Name), `,"epoch":`...)
	return e, nil
}

func (*jsonEncoder) Start(context.Context) error { return nil }

func (e *jsonEncoder) Row(dst []byte, b *vec.Batch, i int) ([]byte, error) {
	return e.object(dst, b, i), nil
}

func (e *jsonEncoder) object(dst []byte, b *vec.Batch, i int) []byte {
	for k := range e.fields {
		f := &e.fields[k]
		dst = append(dst, f.name...)
		v := b.Cols[f.col]
		if v.IsNull(i) {
			dst = append(dst, "null"...)
			continue
		}
		dst = e.w.value(dst, v, i)
	}
	if len(e.fields) == 0 {
		dst = append(dst, '{')
	}
	return append(dst, '}')
}

// Change writes {"before":row,"after":row,"source":{...},"op":"c","ts_ms":n}.
func (e *jsonEncoder) Change(dst []byte, b *vec.Batch, c Change) ([]byte, error) {
	side := func(name string, row int) {
		dst = append(dst, name...)
		if row < 0 {
			dst = append(dst, "null"...)
			return
		}
		dst = e.object(dst, b, row)
	}
	side(`{"before":`, c.Before)
	side(`,"after":`, c.After)
	dst = append(dst, e.source...)
	dst = strconv.AppendUint(dst, c.Epoch, 10)
	dst = append(dst, `},"op":"`...)
	dst = append(dst, c.Op)
	dst = append(dst, `","ts_ms":`...)
	dst = strconv.AppendInt(dst, c.Millis, 10)
	return append(dst, '}'), nil
}

// value appends value i of v, which is not null.
func (w *jsonWriter) value(dst []byte, v *vec.Vec, i int) []byte {
	switch v.Type.Class() {
	case types.I64:
		return w.integer(dst, v.Type, v.I64[i])
	case types.F64:
		return w.float(dst, v.Type, v.F64[i])
	}
	return w.bytes(dst, v.Type, v.Bytes(i))
}

func (w *jsonWriter) integer(dst []byte, t types.Type, x int64) []byte {
	switch t.OID {
	case types.Int2, types.Int4, types.Int8, types.Oid, types.Xid, types.Cid:
		return strconv.AppendInt(dst, x, 10)
	case types.Bool:
		return strconv.AppendBool(dst, x != 0)
	case types.Timestamp, types.TimestampTZ:
		return appendJSONTime(dst, t, x)
	}
	w.scratch = types.AppendI64Text(w.scratch[:0], t, x, nil)
	return types.AppendJSONString(dst, types.Str(w.scratch))
}

// appendJSONTime writes a timestamp with a T between date and time, and a Z if it is one with time zone.
func appendJSONTime(dst []byte, t types.Type, x int64) []byte {
	dst = append(dst, '"')
	from := len(dst)
	zoned := t.OID == types.TimestampTZ
	if zoned {
		dst = types.AppendTimestampTZ(dst, x, time.UTC)
	} else {
		dst = types.AppendTimestamp(dst, x)
	}
	text := dst[from:]
	for k, c := range text {
		if c == ' ' {
			text[k] = 'T'
			break // a second one is before the era
		}
	}
	if n := len(text); zoned && n > 3 && text[n-3] == '+' {
		dst = append(dst[:len(dst)-3], 'Z')
	}
	return append(dst, '"')
}

func (w *jsonWriter) float(dst []byte, t types.Type, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(types.AppendF64Text(append(dst, '"'), t, f), '"')
	}
	return types.AppendF64Text(dst, t, f)
}

func (w *jsonWriter) bytes(dst []byte, t types.Type, b []byte) []byte {
	switch t.OID {
	case types.Text, types.Varchar, types.BPChar, types.Name:
		return types.AppendJSONString(dst, types.Str(b))
	case types.JSON, types.JSONB:
		return append(dst, b...)
	case types.Numeric:
		if _, finite := types.NumericScale(b); finite && w.numbers {
			return types.AppendNumericText(dst, b)
		}
		return append(types.AppendNumericText(append(dst, '"'), b), '"')
	case types.Bytea:
		dst = append(dst, '"')
		if w.base64 {
			dst = base64.StdEncoding.AppendEncode(dst, b)
		} else { // a backslash in a JSON string is written twice
			dst = types.AppendByteaText(append(dst, '\\'), b)
		}
		return append(dst, '"')
	}
	if t.OID.IsArray() {
		r := types.ReadArray(t.ElemType(), b)
		if r.NDim() == 0 {
			return append(dst, "[]"...)
		}
		return w.array(dst, &r, 0)
	}
	w.scratch = types.AppendBytesText(w.scratch[:0], t, b, nil)
	return types.AppendJSONString(dst, types.Str(w.scratch))
}

func (w *jsonWriter) array(dst []byte, r *types.ArrayReader, dim int) []byte {
	dst = append(dst, '[')
	for i := range r.Dim(dim).Len {
		if i > 0 {
			dst = append(dst, ',')
		}
		if dim+1 < r.NDim() {
			dst = w.array(dst, r, dim+1)
			continue
		}
		r.Next()
		switch {
		case r.Null:
			dst = append(dst, "null"...)
		case r.Elem.Class() == types.I64:
			dst = w.integer(dst, r.Elem, r.I64)
		case r.Elem.Class() == types.F64:
			dst = w.float(dst, r.Elem, r.F64)
		default:
			dst = w.bytes(dst, r.Elem, r.Bytes)
		}
	}
	return append(dst, ']')
}
