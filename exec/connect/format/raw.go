package format

import (
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// raw decodes ENCODE BYTES and ENCODE TEXT: all of the data is one value.
type raw struct {
	column
	bytes bool
}

func newBytes(s side, fields []field) (rowDecoder, error) {
	if len(fields) != 1 || fields[0].Type.OID != types.Bytea {
		return nil, pgerr.New(pgerr.DatatypeMismatch, "ENCODE BYTES fills one column of type bytea").
			WithHint("Declare one such column; others can come from INCLUDE.")
	}
	return &raw{newColumn(fields[0].index, fields[0].Column), true}, nil
}

func newText(s side, fields []field) (rowDecoder, error) {
	if len(fields) != 1 {
		return nil, pgerr.New(pgerr.DatatypeMismatch, "ENCODE TEXT fills one column").
			WithHint("Declare one column; others can come from INCLUDE.")
	}
	return &raw{newColumn(fields[0].index, fields[0].Column), false}, nil
}

func (d *raw) row(data []byte, dst *vec.Batch) error {
	v := dst.Cols[d.index]
	switch {
	case data == nil: // a key that is not there
		v.AppendNull()
	case d.bytes:
		v.AppendBytes(data)
	default:
		if err := appendValidText(v, d.typ, data); err != nil {
			cut(v, dst.N)
			return inColumn(&d.column, err)
		}
	}
	return nil
}
