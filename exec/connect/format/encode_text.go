package format

import (
	"context"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// textEncoder makes a record of one column: its text (TEXT), or the bytes of a bytea (BYTES).
type textEncoder struct {
	col catalog.Column
	at  int
	raw bool
}

func newTextEncoder(s EncodeSpec) (Encoder, error) {
	if _, err := checkEncodeOptions(s); err != nil {
		return nil, err
	}
	if len(s.Cols) != 1 || s.Format == "DEBEZIUM" && !s.Key {
		return nil, pgerr.Newf(pgerr.InvalidParameterValue, "ENCODE %s needs exactly one column", s.Encode).
			WithHint("ENCODE JSON holds any number of columns.")
	}
	e := &textEncoder{col: s.Columns[s.Cols[0]], at: s.Cols[0], raw: s.Encode == "BYTES"}
	if e.raw && e.col.Type.OID != types.Bytea && e.col.Type.OID != types.Text {
		return nil, pgerr.Newf(pgerr.DatatypeMismatch, "ENCODE BYTES needs a column of type bytea or text, \"%s\" is of type %s", e.col.Name, e.col.Type)
	}
	return e, nil
}

func (*textEncoder) Start(context.Context) error { return nil }

func (e *textEncoder) Row(dst []byte, b *vec.Batch, i int) ([]byte, error) {
	v := b.Cols[e.at]
	switch {
	case v.IsNull(i):
		return dst, pgerr.Newf(pgerr.NullValueNotAllowed, "column \"%s\" is null, which has no text", e.col.Name)
	case e.raw:
		return append(dst, v.Bytes(i)...), nil
	}
	return appendValueText(dst, v, i), nil
}

func (e *textEncoder) Change([]byte, *vec.Batch, Change) ([]byte, error) {
	return nil, pgerr.Unsupported("FORMAT DEBEZIUM ENCODE TEXT")
}

// appendValueText appends value i of v, which is not null, as its type's output function does, times in UTC.
func appendValueText(dst []byte, v *vec.Vec, i int) []byte {
	switch v.Type.Class() {
	case types.I64:
		return types.AppendI64Text(dst, v.Type, v.I64[i], nil)
	case types.F64:
		return types.AppendF64Text(dst, v.Type, v.F64[i])
	}
	return types.AppendBytesText(dst, v.Type, v.Bytes(i), nil)
}
