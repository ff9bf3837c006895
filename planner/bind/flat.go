package bind

import (
	"math"

	"github.com/millracedb/millrace/planner/logical"
	"github.com/millracedb/millrace/sql/ast"
	"github.com/millracedb/millrace/sql/pgerr"
	"github.com/millracedb/millrace/sql/types"
	"github.com/millracedb/millrace/sql/vec"
)

// flat is the fast path of INSERT ... VALUES of constants: cells are read straight into columns, without an expression
// or an allocation each. It answers a nil node if a cell needs more than that; then nothing has happened.
func (in *inserter) flat(v *ast.Values) (logical.Node, []logical.ColID, error) {
	if err := in.width(v.Width, func(j int) int { return v.Flat[j].Pos() }, v.Pos()); err != nil {
		return nil, nil, err
	}
	rows := v.NumRows()
	node := &logical.Values{Batch: &vec.Batch{N: rows}}
	row := make([]logical.ColID, len(in.rel.Columns))
	given := make([]bool, len(row))
	for j := range v.Width {
		i := in.cols[j]
		if use, err := in.mayGive(i); err != nil || !use {
			return nil, nil, at(err, v.Flat[j].Pos())
		}
		c := in.rel.Columns[i]
		col := vec.New(c.Type, rows)
		for r := range rows {
			if ok, err := in.b.flatCell(col, &v.Flat[r*v.Width+j], c.Type, c.Name); !ok || err != nil {
				return nil, nil, err
			}
		}
		node.Batch.Cols = append(node.Batch.Cols, col)
		row[i], given[i] = in.b.meta.Add(c.Name, c.Type), true
		node.Cols = append(node.Cols, row[i])
	}
	full, err := in.complete(node, row, given)
	return full, row, err
}

// flatCell appends one constant to col; false if that takes an expression.
func (b *Binder) flatCell(col *vec.Vec, l *ast.Literal, t types.Type, name string) (bool, error) {
	switch l.Kind {
	case ast.LitNull:
		col.AppendNull()
		return true, nil
	case ast.LitString:
		return true, inputError(b.appendText(col, l.Text, t), l.Pos())
	case ast.LitInt:
		if ok, err := appendInt(col, l.Int, t.OID); ok || err != nil {
			return ok, at(err, l.Pos())
		}
		if t.OID == types.Numeric {
			return true, inputError(b.appendText(col, l.Text, t), l.Pos())
		}
	case ast.LitNumeric:
		if t.OID == types.Numeric || t.OID == types.Float8 {
			return true, inputError(b.appendText(col, l.Text, t), l.Pos())
		}
	case ast.LitBool:
		if t.OID == types.Bool {
			col.AppendBool(l.Bool)
			return true, nil
		}
	}
	return b.slowCell(col, l, t, name)
}

// slowCell casts a constant to the column's type as an expression.
func (b *Binder) slowCell(col *vec.Vec, l *ast.Literal, t types.Type, name string) (bool, error) {
	e, err := b.assign(b.literal(l), t, name, l.Pos())
	if err != nil {
		return false, err
	}
	v, err := b.constant(e)
	if err != nil {
		return false, at(err, l.Pos())
	}
	if v == nil {
		return false, nil
	}
	col.AppendScalar(*v)
	return true, nil
}

// appendText reads the text of a value and appends it to col.
func (b *Binder) appendText(col *vec.Vec, s string, t types.Type) error {
	switch t.Class() {
	case types.I64:
		v, err := types.ParseI64(t, s, b.typesEnv())
		if err != nil {
			return err
		}
		col.AppendI64(v)
	case types.F64:
		v, err := types.ParseF64(t, s)
		if err != nil {
			return err
		}
		col.AppendF64(v)
	default:
		buf, err := types.AppendParsedBytes(col.Buf, t, s, b.typesEnv())
		if err != nil {
			return err
		}
		col.Buf = buf
		col.FinishBytes()
	}
	return nil
}

// appendInt appends an integer constant to a numeric column of fixed width; false for other types.
func appendInt(col *vec.Vec, v int64, t types.OID) (bool, error) {
	switch t {
	case types.Int8:
		col.AppendI64(v)
	case types.Int4:
		if v != int64(int32(v)) {
			return false, pgerr.New(pgerr.NumericValueOutOfRange, "integer out of range")
		}
		col.AppendI64(v)
	case types.Int2:
		if v < math.MinInt16 || v > math.MaxInt16 {
			return false, pgerr.New(pgerr.NumericValueOutOfRange, "smallint out of range")
		}
		col.AppendI64(v)
	case types.Float8:
		col.AppendF64(float64(v))
	case types.Float4:
		col.AppendF64(float64(float32(v)))
	default:
		return false, nil
	}
	return true, nil
}
