package format

import (
	"encoding/binary"
	"strings"

	"github.com/millracedb/millrace/sql/catalog"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// rowDecoder reads one half of a record, its value or its key, into the columns that it was made for.
type rowDecoder interface {
	// row appends a value to each of the decoder's columns, which have dst.N values; counting the row is left to the
	// caller. After an error no column has more than it had.
	row(data []byte, dst *vec.Batch) error
}

// manyRows is a rowDecoder whose data can hold any number of rows.
type manyRows interface {
	rows(data []byte, dst *vec.Batch) (n int, err error)
}

// newColumns are the fields with what is needed to fill them.
func newColumns(fields []field) []column {
	out := make([]column, len(fields))
	for i, f := range fields {
		out[i] = newColumn(f.index, f.Column)
	}
	return out
}

// newTree arranges fields by their paths.
func newTree(fields []field) *object {
	root := newObject()
	for _, f := range fields {
		root.add(pathOf(f.Column), newColumn(f.index, f.Column))
	}
	root.index()
	return root
}

// pathOf is where in a record a column's value lies.
func pathOf(c catalog.Column) []string {
	if c.Path == "" {
		return []string{c.Name}
	}
	return strings.Split(c.Path, ".")
}

// lookup finds what is wanted of a field: by its exact name, else without regard to case.
func (o *object) lookup(name string) *target {
	if t := o.byName[name]; t != nil {
		return t
	}
	return o.byFold[strings.ToLower(name)]
}

// appendText appends to v the value that its type's input function makes of text. On error v may hold a broken
// value behind those it had, which cut takes away.
func appendText(v *vec.Vec, typ types.Type, text []byte) error {
	var err error
	switch typ.Class() {
	case types.I64:
		var i int64
		var room [64]byte
		i, err = types.ParseI64(typ, types.Str(signedYear(room[:0], typ, text)), nil)
		v.AppendI64(i)
	case types.F64:
		var f float64
		f, err = types.ParseF64(typ, types.Str(text))
		v.AppendF64(f)
	default:
		v.Buf, err = types.AppendParsedBytes(v.Buf, typ, types.Str(text), nil)
		v.FinishBytes()
	}
	return err
}

// checkText refuses bytes that are no text. Most text is ASCII, which eight bytes at a time tell.
func checkText(b []byte) error {
	i := 0
	for ; i <= len(b)-8; i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if (w|(w-ones))&highs != 0 { // not ASCII, or a zero
			return types.ValidateUTF8(types.Str(b))
		}
	}
	for ; i < len(b); i++ {
		if b[i]-1 >= 0x7f {
			return types.ValidateUTF8(types.Str(b))
		}
	}
	return nil
}

// appendValidText is appendText for text that may be anything.
func appendValidText(v *vec.Vec, typ types.Type, text []byte) error {
	if err := checkText(text); err != nil {
		return err
	}
	return appendText(v, typ, text)
}

// cut shortens v to n values, if it has more.
func cut(v *vec.Vec, n int) {
	have := v.Len()
	if have <= n {
		return
	}
	switch v.Type.Class() {
	case types.I64:
		v.I64 = v.I64[:n]
	case types.F64:
		v.F64 = v.F64[:n]
	default:
		v.Off = v.Off[:n+1]
		v.Buf = v.Buf[:v.Off[n]]
	}
	for i := n; i < have; i++ {
		if v.IsNull(i) {
			v.Nulls.Clear(i)
		}
	}
}

// cutRow takes back what the columns hold beyond the rows of dst.
func cutRow(columns []column, dst *vec.Batch) {
	for i := range columns {
		cut(dst.Cols[columns[i].index], dst.N)
	}
}

// inColumn says in which column an error arose.
func inColumn(c *column, err error) error {
	e := *pgerr.Of(err)
	e.Column = c.name
	if e.Where == "" {
		e.Where = "column \"" + c.name + "\""
	}
	return &e
}
